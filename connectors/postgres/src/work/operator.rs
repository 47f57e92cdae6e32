//! A person stops an entity, and releases it again.

use diesel::pg::PgConnection;
use diesel::sql_types::{BigInt, Nullable, SmallInt, Text, Timestamptz};
use diesel::{OptionalExtension as _, QueryableByName, RunQueryDsl as _, sql_query};
use orderbridge_schema::ids::AccountCode;
use orderbridge_schema::work::{Aspects, Share, WorkKey};

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::listen::notify_work;
use crate::sql::{Time, Word, big, parsed, time, transaction, unsigned};
use crate::timeline::{TimelineEntry, append_on};
use crate::work::OperatorHold;

/// The generation rises, so that a claim under way does not finish the item. An entity without work gets an item, for events to meet.
const STOP: &str = "insert into work_items as w (scope, kind, entity, account, priority, aspects, state, due_at, first_event_at, last_event_at, cause) \
     values ($1, $2, $3, $4, $5, $6, 'stopped', $7, $7, $7, 'held by an operator') \
     on conflict (scope, kind, entity) do update set state = 'stopped', generation = w.generation + 1";

const START: &str = "update work_items set state = 'ready', generation = generation + 1, attempts = 0, cause = 'released by an operator', \
       due_at = greatest($4, coalesce(floor_at, $4)) \
     where scope = $1 and kind = $2 and entity = $3 and state = 'stopped' returning account as t";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    scope: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = BigInt)]
    entity: i64,
    #[diesel(sql_type = Text)]
    why: String,
    #[diesel(sql_type = Text)]
    held_by: String,
    #[diesel(sql_type = Timestamptz)]
    held_at: Time,
}

impl Row {
    fn read(self) -> Result<OperatorHold, DbError> {
        Ok(OperatorHold {
            key: WorkKey { scope: parsed(&self.scope)?, kind: parsed(&self.kind)?, entity: unsigned(self.entity)? },
            why: self.why,
            by: self.held_by,
            held_at: self.held_at.to_jiff(),
        })
    }
}

fn note_hold(conn: &mut PgConnection, hold: &OperatorHold) -> Result<(), DbError> {
    let sql = "insert into operator_holds (scope, kind, entity, why, held_by, held_at) values ($1, $2, $3, $4, $5, $6) \
               on conflict (scope, kind, entity) do update set why = excluded.why, held_by = excluded.held_by, held_at = excluded.held_at";
    sql_query(sql)
        .bind::<Text, _>(hold.key.scope.to_string())
        .bind::<Text, _>(hold.key.kind.as_str())
        .bind::<BigInt, _>(big(hold.key.entity)?)
        .bind::<Text, _>(&hold.why)
        .bind::<Text, _>(&hold.by)
        .bind::<Timestamptz, _>(time(hold.held_at))
        .execute(conn)?;
    Ok(())
}

fn told(key: &WorkKey, at: jiff::Timestamp, what: &str, text: String, by: &str) -> TimelineEntry {
    TimelineEntry { about: key.clone(), at, key: what.to_owned(), text, data: serde_json::json!({ "by": by }) }
}

impl Db {
    /// Stops an entity: what is under way is finished, then nothing is done about it until [`Self::release_work`], whatever events say.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn stop_work(&self, key: &WorkKey, account: &AccountCode, why: &str, by: &str) -> Result<(), DbError> {
        let hold = OperatorHold { key: key.clone(), why: why.to_owned(), by: by.to_owned(), held_at: self.now() };
        let account = account.clone();
        self.run(Lane::Bulk, move |conn| {
            transaction(conn, |conn| {
                note_hold(conn, &hold)?;
                sql_query(STOP)
                    .bind::<Text, _>(hold.key.scope.to_string())
                    .bind::<Text, _>(hold.key.kind.as_str())
                    .bind::<BigInt, _>(big(hold.key.entity)?)
                    .bind::<Text, _>(account.as_str())
                    .bind::<SmallInt, _>(Share::Orders.priority())
                    .bind::<SmallInt, _>(Aspects::ALL.0)
                    .bind::<Timestamptz, _>(time(hold.held_at))
                    .execute(conn)?;
                append_on(conn, &[told(&hold.key, hold.held_at, "held-by-operator", format!("held by an operator: {}", hold.why), &hold.by)])
            })
        })
        .await
    }

    /// Takes a stopped entity up again. False if nobody stopped it.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn release_work(&self, key: &WorkKey, by: &str) -> Result<bool, DbError> {
        let (key, by, now) = (key.clone(), by.to_owned(), self.now());
        self.run(Lane::Bulk, move |conn| {
            transaction(conn, |conn| {
                let sql = "delete from operator_holds where scope = $1 and kind = $2 and entity = $3";
                let query = sql_query(sql).bind::<Text, _>(key.scope.to_string()).bind::<Text, _>(key.kind.as_str());
                if query.bind::<BigInt, _>(big(key.entity)?).execute(conn)? == 0 {
                    return Ok(false);
                }
                let query = sql_query(START).bind::<Text, _>(key.scope.to_string()).bind::<Text, _>(key.kind.as_str());
                let account: Option<Word> =
                    query.bind::<BigInt, _>(big(key.entity)?).bind::<Timestamptz, _>(time(now)).get_result(conn).optional()?;
                append_on(conn, &[told(&key, now, "released-by-operator", "released by an operator".to_owned(), &by)])?;
                if let Some(account) = &account {
                    notify_work(conn, std::iter::once(account.t.as_str()))?;
                }
                Ok(true)
            })
        })
        .await
    }

    /// What persons stopped, oldest first; of all scopes if none is given.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn operator_holds(&self, scope: Option<&orderbridge_schema::work::Scope>) -> Result<Vec<OperatorHold>, DbError> {
        let scope = scope.map(ToString::to_string);
        self.run(Lane::Bulk, move |conn| {
            let sql = "select scope, kind, entity, why, held_by, held_at from operator_holds \
                       where $1::text is null or scope = $1 order by held_at, scope, kind, entity";
            let rows: Vec<Row> = sql_query(sql).bind::<Nullable<Text>, _>(scope).load(conn)?;
            rows.into_iter().map(Row::read).collect()
        })
        .await
    }
}
