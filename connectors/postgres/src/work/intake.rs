//! Events become work items.

use std::collections::BTreeMap;

use diesel::pg::{Pg, PgConnection};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{self, Array, BigInt, Integer, Nullable, SmallInt, Text, Timestamptz};
use diesel::{OptionalExtension as _, QueryResult, QueryableByName, RunQueryDsl, sql_query};
use jiff::Timestamp;
use orderbridge_schema::topics::Topic;
use orderbridge_schema::work::{Upsert, WorkKey};
use uuid::Uuid;

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::links::see_on;
use crate::listen::notify_work;
use crate::sql::{Number, Time, big, time, transaction};
use crate::sweeps::rewind_on;

/// Upserts in one statement. Only unindexed columns change on a row that is ready already (so that PostgreSQL need not touch its
/// indexes), but for a priority that falls and a back-off that is cut short. The claim's columns are never touched.
///
/// A row that was held begins to wait anew with the event that has it looked at again.
///
/// An event cuts our own back-off short at most once a minute, and never a wait that a floor protects. It makes a held row ready, but not
/// one that a person stopped.
const UPSERT: [&str; 11] = [
    "insert into work_items as w (scope, kind, entity, account, priority, aspects, due_at, first_event_at, last_event_at, cause, event_id) \
     select s, k, e, a, p, x, ",
    ", f, l, c, v from unnest(",
    ", ",
    ", ",
    ", ",
    ", ",
    ", ",
    ", ",
    ", ",
    ", ",
    ") as t (s, k, e, a, p, x, f, l, c, v) order by s, k, e \
     on conflict (scope, kind, entity) do update set \
       generation = w.generation + 1, \
       aspects = w.aspects | excluded.aspects, \
       priority = least(w.priority, excluded.priority), \
       last_event_at = greatest(w.last_event_at, excluded.last_event_at), \
       cause = excluded.cause, \
       event_id = excluded.event_id, \
       state = case when w.state = 'stopped' then w.state else 'ready' end, \
       first_event_at = case when w.state = 'held' then excluded.first_event_at else w.first_event_at end, \
       attempts = case when w.state = 'held' then 0 else w.attempts end, \
       due_at = case \
         when w.state = 'held' then greatest(excluded.due_at, coalesce(w.floor_at, excluded.due_at)) \
         when w.due_at > excluded.due_at and (w.woken_at is null or w.woken_at <= excluded.due_at - interval '60 seconds') \
           then least(w.due_at, greatest(excluded.due_at, coalesce(w.floor_at, excluded.due_at))) \
         else w.due_at end, \
       woken_at = case \
         when w.state = 'ready' and w.due_at > excluded.due_at and (w.woken_at is null or w.woken_at <= excluded.due_at - interval '60 seconds') \
           then excluded.due_at \
         else w.woken_at end",
];

/// The upsert as a query of its own type, so that Diesel keeps it prepared.
struct UpsertQuery {
    now: Time,
    scopes: Vec<String>,
    kinds: Vec<&'static str>,
    entities: Vec<i64>,
    accounts: Vec<String>,
    priorities: Vec<i16>,
    aspects: Vec<i16>,
    firsts: Vec<Time>,
    lasts: Vec<Time>,
    causes: Vec<String>,
    events: Vec<Option<Uuid>>,
}

impl QueryId for UpsertQuery {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl RunQueryDsl<PgConnection> for UpsertQuery {}

impl QueryFragment<Pg> for UpsertQuery {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let [head, from, s1, s2, s3, s4, s5, s6, s7, s8, tail] = UPSERT;
        out.push_sql(head);
        out.push_bind_param::<Timestamptz, _>(&self.now)?;
        out.push_sql(from);
        out.push_bind_param::<Array<Text>, _>(&self.scopes)?;
        out.push_sql(s1);
        out.push_bind_param::<Array<Text>, _>(&self.kinds)?;
        out.push_sql(s2);
        out.push_bind_param::<Array<BigInt>, _>(&self.entities)?;
        out.push_sql(s3);
        out.push_bind_param::<Array<Text>, _>(&self.accounts)?;
        out.push_sql(s4);
        out.push_bind_param::<Array<SmallInt>, _>(&self.priorities)?;
        out.push_sql(s5);
        out.push_bind_param::<Array<SmallInt>, _>(&self.aspects)?;
        out.push_sql(s6);
        out.push_bind_param::<Array<Timestamptz>, _>(&self.firsts)?;
        out.push_sql(s7);
        out.push_bind_param::<Array<Timestamptz>, _>(&self.lasts)?;
        out.push_sql(s8);
        out.push_bind_param::<Array<Text>, _>(&self.causes)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<sql_types::Uuid>>, _>(&self.events)?;
        out.push_sql(tail);
        Ok(())
    }
}

/// One row per key: PostgreSQL refuses to upsert the same row twice in a statement.
struct Folded {
    account: String,
    priority: i16,
    aspects: i16,
    first: Timestamp,
    last: Timestamp,
    cause: String,
    event: Option<Uuid>,
}

fn fold(upserts: &[Upsert]) -> BTreeMap<&WorkKey, Folded> {
    let mut folded: BTreeMap<&WorkKey, Folded> = BTreeMap::new();
    for upsert in upserts {
        let fresh = || Folded {
            account: upsert.account.to_string(),
            priority: upsert.share.priority(),
            aspects: 0,
            first: upsert.event_at,
            last: upsert.event_at,
            cause: String::new(),
            event: None,
        };
        let row = folded.entry(&upsert.key).or_insert_with(fresh);
        row.priority = row.priority.min(upsert.share.priority());
        row.aspects |= upsert.aspects.0;
        row.first = row.first.min(upsert.event_at);
        if upsert.event_at >= row.last {
            row.last = upsert.event_at;
            row.cause.clone_from(&upsert.cause);
            row.event = upsert.event;
        }
    }
    folded
}

impl UpsertQuery {
    fn new(upserts: &[Upsert], now: Timestamp) -> Result<Self, DbError> {
        let rows = fold(upserts);
        let column = |of: fn(&Folded) -> Timestamp| rows.values().map(|row| time(of(row))).collect();
        Ok(Self {
            now: time(now),
            scopes: rows.keys().map(|key| key.scope.to_string()).collect(),
            kinds: rows.keys().map(|key| key.kind.as_str()).collect(),
            entities: rows.keys().map(|key| big(key.entity)).collect::<Result<_, _>>()?,
            accounts: rows.values().map(|row| row.account.clone()).collect(),
            priorities: rows.values().map(|row| row.priority).collect(),
            aspects: rows.values().map(|row| row.aspects).collect(),
            firsts: column(|row| row.first),
            lasts: column(|row| row.last),
            causes: rows.values().map(|row| row.cause.clone()).collect(),
            events: rows.values().map(|row| row.event).collect(),
        })
    }
}

/// Upserts and tells processors about it, on commit.
pub(crate) fn upsert_on(conn: &mut PgConnection, upserts: &[Upsert], now: Timestamp) -> Result<(), DbError> {
    if upserts.is_empty() {
        return Ok(());
    }
    UpsertQuery::new(upserts, now)?.execute(conn)?;
    see_on(conn, upserts)?;
    rewind_on(conn, upserts, now)?;
    notify_work(conn, upserts.iter().map(|upsert| upsert.account.as_str()))
}

/// How far a batch takes one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetStep {
    /// The topic.
    pub topic: Topic,
    /// The partition's number.
    pub partition: i32,
    /// The stored offset that the batch was read from; none if nothing was stored.
    pub from: Option<i64>,
    /// The offset to read next.
    pub next: i64,
}

/// Whether all partitions stand where the batch was read from. They are locked until the transaction ends.
fn stand_as_read(conn: &mut PgConnection, steps: &[OffsetStep]) -> Result<bool, DbError> {
    let topics: Vec<&str> = steps.iter().map(|step| step.topic.name()).collect();
    let partitions: Vec<i32> = steps.iter().map(|step| step.partition).collect();
    let sql = "select o.topic, o.partition, o.next_offset from intake_offsets o \
               join unnest($1, $2) as t (topic, partition) using (topic, partition) order by o.topic, o.partition for update of o";
    let query = sql_query(sql).bind::<Array<Text>, _>(topics).bind::<Array<Integer>, _>(partitions);
    let stored: BTreeMap<(String, i32), i64> =
        query.load::<Stored>(conn)?.into_iter().map(|row| ((row.topic, row.partition), row.next_offset)).collect();
    Ok(steps.iter().all(|step| stored.get(&(step.topic.name().to_owned(), step.partition)).copied() == step.from))
}

#[derive(QueryableByName)]
struct Stored {
    #[diesel(sql_type = Text)]
    topic: String,
    #[diesel(sql_type = Integer)]
    partition: i32,
    #[diesel(sql_type = BigInt)]
    next_offset: i64,
}

fn store_offsets(conn: &mut PgConnection, steps: &[OffsetStep]) -> Result<(), DbError> {
    let topics: Vec<&str> = steps.iter().map(|step| step.topic.name()).collect();
    let partitions: Vec<i32> = steps.iter().map(|step| step.partition).collect();
    let next: Vec<i64> = steps.iter().map(|step| step.next).collect();
    let sql = "insert into intake_offsets (topic, partition, next_offset) select * from unnest($1, $2, $3) as t (t, p, o) order by t, p \
               on conflict (topic, partition) do update set next_offset = excluded.next_offset";
    let query = sql_query(sql).bind::<Array<Text>, _>(topics).bind::<Array<Integer>, _>(partitions).bind::<Array<BigInt>, _>(next);
    query.execute(conn)?;
    Ok(())
}

impl Db {
    /// Takes a batch in: upserts its work items and stores the next offset of each partition, in one transaction. One step for each
    /// partition at most.
    ///
    /// `false` if a partition does not stand where the batch was read from: another reader was faster, or the database came back as it
    /// was earlier. Nothing is stored then, and the partitions have to be read from where they stand.
    ///
    /// # Errors
    /// [`DbError`]; nothing of the batch is stored then. A transient one says nothing about the batch, any other refuses it.
    pub async fn intake(&self, upserts: &[Upsert], steps: &[OffsetStep]) -> Result<bool, DbError> {
        let (upserts, steps, now) = (upserts.to_vec(), steps.to_vec(), self.now());
        self.run(Lane::Intake, move |conn| {
            transaction(conn, |conn| {
                if !stand_as_read(conn, &steps)? {
                    return Ok(false);
                }
                upsert_on(conn, &upserts, now)?;
                store_offsets(conn, &steps)?;
                Ok(true)
            })
        })
        .await
    }

    /// The offset from which a partition is to be read; `None` if it never was.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn stored_offset(&self, topic: Topic, partition: i32) -> Result<Option<i64>, DbError> {
        self.run(Lane::Intake, move |conn| {
            let query = sql_query("select next_offset as n from intake_offsets where topic = $1 and partition = $2")
                .bind::<Text, _>(topic.name())
                .bind::<Integer, _>(partition);
            Ok(query.get_result::<Number>(conn).optional()?.map(|row| row.n))
        })
        .await
    }

    /// Asks for work without an event: a routed object, a person, the catalogue.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn upsert(&self, upserts: &[Upsert]) -> Result<(), DbError> {
        let (upserts, now) = (upserts.to_vec(), self.now());
        self.run(Lane::Hot, move |conn| transaction(conn, |conn| upsert_on(conn, &upserts, now))).await
    }
}
