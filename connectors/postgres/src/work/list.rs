//! Looking at work and holds, and asking for another try.

use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use diesel::{OptionalExtension as _, QueryableByName, RunQueryDsl as _, sql_query};
use orderbridge_schema::decision::Effect;
use orderbridge_schema::work::{Share, WorkKey};

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::listen::notify_work;
use crate::sql::{Time, Word, big, count, jiff_time, parsed, time};
use crate::work::release::like_prefix;
use crate::work::row::{ItemRow, KeyRow};
use crate::work::{HoldFilter, StoredHold, WorkFilter, WorkRow, WorkState};

const LIMIT: u32 = 1_000;

const COLUMNS: &str = "select scope, kind, entity, account, priority, state, due_at, generation, claimed_generation, claimed_fence, attempts, \
                       first_event_at, last_event_at, cause, reason from work_items";

#[derive(QueryableByName)]
struct Row {
    #[diesel(embed)]
    item: ItemRow,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Timestamptz)]
    due_at: Time,
    #[diesel(sql_type = Nullable<BigInt>)]
    claimed_generation: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    claimed_fence: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
}

impl Row {
    fn read(self) -> Result<WorkRow, DbError> {
        let item = self.item;
        Ok(WorkRow {
            key: item.key.read()?,
            account: parsed(&item.account)?,
            share: Share::of_priority(item.priority),
            state: WorkState::from_name(&self.state),
            due_at: self.due_at.to_jiff(),
            generation: item.generation,
            claimed_generation: self.claimed_generation,
            claimed_fence: self.claimed_fence,
            attempts: count(item.attempts),
            first_event_at: item.first_event_at.to_jiff(),
            last_event_at: item.last_event_at.to_jiff(),
            cause: item.cause,
            reason: self.reason,
        })
    }
}

#[derive(QueryableByName)]
struct HoldRow {
    #[diesel(embed)]
    key: KeyRow,
    #[diesel(sql_type = Text)]
    effect: String,
    #[diesel(sql_type = Text)]
    cause: String,
    #[diesel(sql_type = Text)]
    why: String,
    #[diesel(sql_type = Text)]
    remedy: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    rules_version: Option<i64>,
    #[diesel(sql_type = Timestamptz)]
    held_at: Time,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    released_at: Option<Time>,
}

impl HoldRow {
    fn read(self) -> Result<StoredHold, DbError> {
        Ok(StoredHold {
            key: self.key.read()?,
            effect: effect(&self.effect)?,
            cause: self.cause,
            why: self.why,
            remedy: self.remedy,
            rules_version: self.rules_version,
            held_at: self.held_at.to_jiff(),
            released_at: jiff_time(self.released_at),
        })
    }
}

/// The effect of that name.
pub(crate) fn effect(name: &str) -> Result<Effect, DbError> {
    Effect::ALL
        .into_iter()
        .find(|effect| effect.as_str() == name)
        .ok_or_else(|| DbError::data("a stored hold is on an effect that this version does not know"))
}

fn limit(wanted: u32) -> i64 {
    i64::from(if wanted == 0 { LIMIT } else { wanted })
}

impl Db {
    /// Work items, oldest first.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn work_list(&self, filter: &WorkFilter) -> Result<Vec<WorkRow>, DbError> {
        let filter = filter.clone();
        self.run(Lane::Bulk, move |conn| {
            let sql = format!(
                "{COLUMNS} where ($1::text is null or scope = $1) and ($2::text is null or kind = $2) and ($3::text is null or state = $3 or ($3 = 'held' and state = 'stopped')) \
                 order by first_event_at, scope, kind, entity limit $4"
            );
            let query = sql_query(sql)
                .bind::<Nullable<Text>, _>(filter.scope.map(|scope| scope.to_string()))
                .bind::<Nullable<Text>, _>(filter.kind.map(|kind| kind.as_str()))
                .bind::<Nullable<Text>, _>(filter.state.map(WorkState::as_str))
                .bind::<BigInt, _>(limit(filter.limit));
            let rows: Vec<Row> = query.load(conn)?;
            rows.into_iter().map(Row::read).collect()
        })
        .await
    }

    /// One work item; `None` if there is nothing to do.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn work_show(&self, key: &WorkKey) -> Result<Option<WorkRow>, DbError> {
        let key = key.clone();
        self.run(Lane::Bulk, move |conn| {
            let query = sql_query(format!("{COLUMNS} where scope = $1 and kind = $2 and entity = $3"))
                .bind::<Text, _>(key.scope.to_string())
                .bind::<Text, _>(key.kind.as_str())
                .bind::<BigInt, _>(big(key.entity)?);
            query.get_result::<Row>(conn).optional()?.map(Row::read).transpose()
        })
        .await
    }

    /// Makes an item ready now, held or backed off; only a platform's own wait is kept. False if there is no such item, or a person
    /// stopped it.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn work_retry(&self, key: &WorkKey) -> Result<bool, DbError> {
        let (key, now) = (key.clone(), self.now());
        self.run(Lane::Bulk, move |conn| {
            let sql = "update work_items set generation = generation + 1, state = 'ready', attempts = 0, due_at = greatest($4, coalesce(floor_at, $4)) \
                       where scope = $1 and kind = $2 and entity = $3 and state <> 'stopped' returning account as t";
            let query = sql_query(sql)
                .bind::<Text, _>(key.scope.to_string())
                .bind::<Text, _>(key.kind.as_str())
                .bind::<BigInt, _>(big(key.entity)?)
                .bind::<Timestamptz, _>(time(now));
            let account: Option<Word> = query.get_result(conn).optional()?;
            if let Some(account) = &account {
                notify_work(conn, std::iter::once(account.t.as_str()))?;
            }
            Ok(account.is_some())
        })
        .await
    }

    /// Holds, oldest first.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn holds(&self, filter: &HoldFilter) -> Result<Vec<StoredHold>, DbError> {
        let filter = filter.clone();
        self.run(Lane::Bulk, move |conn| {
            let sql = "select scope, kind, entity, effect, cause, why, remedy, rules_version, held_at, released_at from holds \
                       where ($1::text is null or scope = $1) and ($2::text is null or cause_key like $2) \
                       order by held_at, scope, kind, entity, effect limit $3";
            let query = sql_query(sql)
                .bind::<Nullable<Text>, _>(filter.scope.map(|scope| scope.to_string()))
                .bind::<Nullable<Text>, _>(filter.cause_prefix.as_deref().map(like_prefix))
                .bind::<BigInt, _>(limit(filter.limit));
            let rows: Vec<HoldRow> = query.load(conn)?;
            rows.into_iter().map(HoldRow::read).collect()
        })
        .await
    }
}
