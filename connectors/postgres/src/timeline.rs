//! The timeline: what happened to an entity, in plain words. Partitioned by month.

use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Text, Timestamptz};
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use orderbridge_schema::work::WorkKey;
use serde_json::Value;

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::sql::{Time, big, parsed, time, transaction, unsigned};

/// Months that are made ahead of the present one.
const MONTHS_AHEAD: i32 = 2;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineEntry {
    /// To what; for an order, the tenant's item of the store order.
    pub about: WorkKey,
    /// When, by the clock.
    pub at: Timestamp,
    /// Stable key of the kind of thing, such as `sales-order-created`.
    pub key: String,
    /// Plain words without personal data.
    pub text: String,
    /// Ids and values for machines, without personal data.
    pub data: Value,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    scope: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = BigInt)]
    entity: i64,
    #[diesel(sql_type = Timestamptz)]
    at: Time,
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = Text)]
    text: String,
    #[diesel(sql_type = Jsonb)]
    data: Value,
}

/// Appends within a transaction of the caller's.
pub(crate) fn append_on(conn: &mut PgConnection, entries: &[TimelineEntry]) -> Result<(), DbError> {
    if entries.is_empty() {
        return Ok(());
    }
    insert(conn, "", entries)
}

/// What is left out of an entity's timeline: what the last entry of the same key said already.
const UNLESS_SAID: &str = "where e.text is distinct from (select t.text from timeline t \
     where t.scope = e.scope and t.kind = e.kind and t.entity = e.entity and t.key = e.key order by t.at desc, t.number desc limit 1)";

fn insert(conn: &mut PgConnection, condition: &str, entries: &[TimelineEntry]) -> Result<(), DbError> {
    let sql = format!(
        "insert into timeline (scope, kind, entity, at, key, text, data) \
         select e.* from unnest($1, $2, $3, $4, $5, $6, $7::jsonb[]) as e (scope, kind, entity, at, key, text, data) {condition}"
    );
    sql_query(sql)
        .bind::<Array<Text>, _>(entries.iter().map(|entry| entry.about.scope.to_string()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(entries.iter().map(|entry| entry.about.kind.as_str()).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(entries.iter().map(|entry| big(entry.about.entity)).collect::<Result<Vec<_>, _>>()?)
        .bind::<Array<Timestamptz>, _>(entries.iter().map(|entry| time(entry.at)).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(entries.iter().map(|entry| entry.key.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(entries.iter().map(|entry| entry.text.as_str()).collect::<Vec<_>>())
        .bind::<Array<Jsonb>, _>(entries.iter().map(|entry| &entry.data).collect::<Vec<_>>())
        .execute(conn)?;
    Ok(())
}

#[derive(QueryableByName)]
struct Exists {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

/// Makes one month's partition. A month with rows in the default partition already stays there: moving them would lock the table.
fn make_month(conn: &mut PgConnection, first: Date, next: Date) -> Result<(), DbError> {
    let name = format!("timeline_{:04}_{:02}", first.year(), first.month());
    let sql = "select to_regclass($1) is not null or exists (select from timeline_other where at >= $2 and at < $3) as yes";
    let at = |date: Date| date.to_zoned(TimeZone::UTC).map(|zoned| time(zoned.timestamp())).map_err(DbError::data);
    let query = sql_query(sql).bind::<Text, _>(&name).bind::<Timestamptz, _>(at(first)?).bind::<Timestamptz, _>(at(next)?);
    if query.get_result::<Exists>(conn)?.yes {
        return Ok(());
    }
    // Names and bounds are made of numbers alone.
    let ddl = format!("create table if not exists {name} partition of timeline for values from ('{first} 00:00:00+00') to ('{next} 00:00:00+00')");
    conn.batch_execute(&ddl)?;
    Ok(())
}

impl Db {
    /// Adds to timelines what they do not say already: an order that is looked at ten times gives its reasons once.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn append_timeline(&self, entries: &[TimelineEntry]) -> Result<(), DbError> {
        if entries.is_empty() {
            return Ok(());
        }
        let entries = entries.to_vec();
        self.run(Lane::Bulk, move |conn| insert(conn, UNLESS_SAID, &entries)).await
    }

    /// The timeline of one entity, oldest first.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn timeline(&self, about: &WorkKey) -> Result<Vec<TimelineEntry>, DbError> {
        let about = about.clone();
        self.run(Lane::Bulk, move |conn| {
            let sql =
                "select scope, kind, entity, at, key, text, data from timeline where scope = $1 and kind = $2 and entity = $3 order by at, number";
            let query = sql_query(sql).bind::<Text, _>(about.scope.to_string()).bind::<Text, _>(about.kind.as_str());
            let rows: Vec<Row> = query.bind::<BigInt, _>(big(about.entity)?).load(conn)?;
            let read = |row: Row| {
                let about = WorkKey { scope: parsed(&row.scope)?, kind: parsed(&row.kind)?, entity: unsigned(row.entity)? };
                Ok(TimelineEntry { about, at: row.at.to_jiff(), key: row.key, text: row.text, data: row.data })
            };
            rows.into_iter().map(read).collect()
        })
        .await
    }

    /// Makes the partitions of this month and the next two; call it at start and daily. Without it rows are kept all the same.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn ensure_timeline_partitions(&self) -> Result<(), DbError> {
        let today = self.now().to_zoned(TimeZone::UTC).date();
        self.run(Lane::Bulk, move |conn| {
            for ahead in 0..=MONTHS_AHEAD {
                let first = today.first_of_month().checked_add(ahead.months()).map_err(DbError::data)?;
                let next = first.checked_add(1.month()).map_err(DbError::data)?;
                transaction(conn, |conn| make_month(conn, first, next))?;
            }
            Ok(())
        })
        .await
    }
}
