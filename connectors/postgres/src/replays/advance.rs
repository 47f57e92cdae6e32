//! Starting a replay, bringing it further, and ending it.

use std::collections::HashSet;

use diesel::pg::PgConnection;
use diesel::sql_types::{self, Array, BigInt, Integer, Jsonb, SmallInt, Text, Timestamptz};
use diesel::{OptionalExtension as _, QueryableByName, RunQueryDsl as _, sql_query};
use jiff::Timestamp;
use orderbridge_schema::work::Upsert;
use serde_json::Value;
use uuid::Uuid;

use super::{PutIn, ReplayCounts, ReplayPosition, ReplayState};
use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::sql::{Number, big, time, transaction, unsigned};
use crate::work::upsert_on;

/// Entities of replays that ended that long ago are forgotten; their counts stay.
const KEEP_ITEMS: &str = "interval '14 days'";

/// Each entity once; again only if an event asks for a side that none before did.
const NOTE_ITEMS: &str = "insert into replay_items as i (replay, scope, kind, entity, aspects) \
     select $1, * from unnest($2::text[], $3::text[], $4::bigint[], $5::smallint[]) as t (s, k, e, a) order by s, k, e \
     on conflict (replay, scope, kind, entity) do update set aspects = i.aspects | excluded.aspects, state = 'open' \
       where i.aspects | excluded.aspects <> i.aspects \
     returning i.scope, i.kind, i.entity, (xmax = 0) as fresh";

/// What is not due any more was looked at, and is done but for what waits.
const CLOSE_ITEMS: &str = "update replay_items i set state = case \
         when exists (select from work_items w where w.scope = i.scope and w.kind = i.kind and w.entity = i.entity) \
           or exists (select from holds h where h.scope = i.scope and h.kind = i.kind and h.entity = i.entity and h.released_at is null) then 'held' \
         else 'done' end \
     where i.replay = $1 and i.state = 'open' \
       and not exists (select from work_items w where w.scope = i.scope and w.kind = i.kind and w.entity = i.entity and w.state = 'ready')";

const COUNT: &str = "update replays r set done = c.done, held = c.held, changed_at = $2 \
     from (select count(*) filter (where state = 'done') as done, count(*) filter (where state = 'held') as held from replay_items where replay = $1) c \
     where r.id = $1";

#[derive(QueryableByName)]
struct Noted {
    #[diesel(sql_type = Text)]
    scope: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = BigInt)]
    entity: i64,
    #[diesel(sql_type = sql_types::Bool)]
    fresh: bool,
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    records: i64,
    #[diesel(sql_type = BigInt)]
    entities: i64,
    #[diesel(sql_type = BigInt)]
    done: i64,
    #[diesel(sql_type = BigInt)]
    held: i64,
}

/// Whether the replay is this runner's and running; the row stays locked until the transaction's end.
fn is_ours(conn: &mut PgConnection, id: Uuid, runner: Uuid) -> Result<bool, DbError> {
    let sql = "select 1::bigint as n from replays where id = $1 and runner = $2 and state = 'running' for update";
    let query = sql_query(sql).bind::<sql_types::Uuid, _>(id).bind::<sql_types::Uuid, _>(runner);
    Ok(query.get_result::<Number>(conn).optional()?.is_some())
}

fn store_positions(conn: &mut PgConnection, id: Uuid, positions: &[ReplayPosition]) -> Result<(), DbError> {
    let sql = "insert into replay_positions (replay, topic, partition, next_offset, end_offset) \
               select $1, * from unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[]) \
               on conflict (replay, topic, partition) do update set next_offset = excluded.next_offset";
    sql_query(sql)
        .bind::<sql_types::Uuid, _>(id)
        .bind::<Array<Text>, _>(positions.iter().map(|position| position.topic.name()).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(positions.iter().map(|position| position.partition).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(positions.iter().map(|position| position.next).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(positions.iter().map(|position| position.end).collect::<Vec<_>>())
        .execute(conn)?;
    Ok(())
}

/// Notes entities; gives the upserts of those that are new or asked for more, and how many of them are new.
fn note_items(conn: &mut PgConnection, id: Uuid, upserts: &[Upsert]) -> Result<(Vec<Upsert>, usize), DbError> {
    let keys = upserts.iter().map(|upsert| &upsert.key);
    let noted: Vec<Noted> = sql_query(NOTE_ITEMS)
        .bind::<sql_types::Uuid, _>(id)
        .bind::<Array<Text>, _>(keys.clone().map(|key| key.scope.to_string()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(keys.clone().map(|key| key.kind.as_str()).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(keys.map(|key| big(key.entity)).collect::<Result<Vec<_>, _>>()?)
        .bind::<Array<SmallInt>, _>(upserts.iter().map(|upsert| upsert.aspects.0).collect::<Vec<_>>())
        .load(conn)?;
    let fresh = noted.iter().filter(|noted| noted.fresh).count();
    let wanted: HashSet<(String, String, i64)> = noted.into_iter().map(|noted| (noted.scope, noted.kind, noted.entity)).collect();
    let is_wanted = |upsert: &&Upsert| {
        let key = &upsert.key;
        big(key.entity).is_ok_and(|entity| wanted.contains(&(key.scope.to_string(), key.kind.as_str().to_owned(), entity)))
    };
    Ok((upserts.iter().filter(is_wanted).cloned().collect(), fresh))
}

fn put_in_on(conn: &mut PgConnection, id: Uuid, put_in: &PutIn, now: Timestamp) -> Result<(), DbError> {
    let (wanted, fresh) = if put_in.upserts.is_empty() { (Vec::new(), 0) } else { note_items(conn, id, &put_in.upserts)? };
    upsert_on(conn, &wanted, now)?;
    store_positions(conn, id, &put_in.positions)?;
    let sql = "update replays set records = records + $2, entities = entities + $3, changed_at = $4 where id = $1";
    sql_query(sql)
        .bind::<sql_types::Uuid, _>(id)
        .bind::<BigInt, _>(big(put_in.records)?)
        .bind::<BigInt, _>(i64::try_from(fresh).map_err(DbError::data)?)
        .bind::<Timestamptz, _>(time(now))
        .execute(conn)?;
    // Those that are open again were counted as done.
    if fresh < wanted.len() {
        count(conn, id, now)?;
    }
    Ok(())
}

fn count(conn: &mut PgConnection, id: Uuid, now: Timestamp) -> Result<(), DbError> {
    sql_query(COUNT).bind::<sql_types::Uuid, _>(id).bind::<Timestamptz, _>(time(now)).execute(conn)?;
    Ok(())
}

fn counts(conn: &mut PgConnection, id: Uuid) -> Result<Option<ReplayCounts>, DbError> {
    let query = sql_query("select records, entities, done, held from replays where id = $1").bind::<sql_types::Uuid, _>(id);
    let counted: Option<Counted> = query.get_result(conn).optional()?;
    let read = |counted: Counted| {
        let (records, entities) = (unsigned(counted.records)?, unsigned(counted.entities)?);
        Ok(ReplayCounts { records, entities, done: unsigned(counted.done)?, held: unsigned(counted.held)? })
    };
    counted.map(read).transpose()
}

impl Db {
    /// Notes a replay that a runner begins.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn start_replay(&self, id: Uuid, selection: Value, by: &str, runner: Uuid, positions: &[ReplayPosition]) -> Result<(), DbError> {
        let (by, positions, now) = (by.to_owned(), positions.to_vec(), self.now());
        self.run(Lane::Bulk, move |conn| {
            transaction(conn, |conn| {
                let sql = format!(
                    "delete from replay_items i using replays r where r.id = i.replay and r.state in ('done', 'cancelled') \
                     and r.changed_at < $1 - {KEEP_ITEMS}"
                );
                sql_query(sql).bind::<Timestamptz, _>(time(now)).execute(conn)?;
                let sql = "insert into replays (id, selection, state, started_by, started_at, changed_at, runner) values ($1, $2, 'running', $3, $4, $4, $5)";
                sql_query(sql)
                    .bind::<sql_types::Uuid, _>(id)
                    .bind::<Jsonb, _>(&selection)
                    .bind::<Text, _>(&by)
                    .bind::<Timestamptz, _>(time(now))
                    .bind::<sql_types::Uuid, _>(runner)
                    .execute(conn)?;
                store_positions(conn, id, &positions)
            })
        })
        .await
    }

    /// Takes a paused replay, or one whose runner is gone, over. False if it is done, cancelled or unknown.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn take_replay(&self, id: Uuid, runner: Uuid) -> Result<bool, DbError> {
        let now = self.now();
        self.run(Lane::Bulk, move |conn| {
            let sql = "update replays set state = 'running', runner = $2, changed_at = $3 where id = $1 and state in ('running', 'paused')";
            let query = sql_query(sql).bind::<sql_types::Uuid, _>(id).bind::<sql_types::Uuid, _>(runner);
            Ok(query.bind::<Timestamptz, _>(time(now)).execute(conn)? == 1)
        })
        .await
    }

    /// Makes work of entities, each once, and stores how far the replay is, in one transaction. False, and nothing done, if the replay is
    /// not this runner's any more: it was paused, cancelled or taken over.
    ///
    /// # Errors
    /// [`DbError`]; nothing is done then.
    pub async fn put_in(&self, id: Uuid, runner: Uuid, put_in: &PutIn) -> Result<bool, DbError> {
        let (put_in, now) = (put_in.clone(), self.now());
        self.run(Lane::Bulk, move |conn| {
            transaction(conn, |conn| {
                let ours = is_ours(conn, id, runner)?;
                if ours {
                    put_in_on(conn, id, &put_in, now)?;
                }
                Ok(ours)
            })
        })
        .await
    }

    /// Looks which of a replay's entities were looked at meanwhile, and counts. None if there is no such replay.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn count_replay(&self, id: Uuid) -> Result<Option<ReplayCounts>, DbError> {
        let now = self.now();
        self.run(Lane::Bulk, move |conn| {
            transaction(conn, |conn| {
                if sql_query(CLOSE_ITEMS).bind::<sql_types::Uuid, _>(id).execute(conn)? > 0 {
                    count(conn, id, now)?;
                }
                counts(conn, id)
            })
        })
        .await
    }

    /// Pauses, ends or cancels a replay. With a runner, only if it is that runner's. False if it was not open (or not the runner's).
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn end_replay(&self, id: Uuid, runner: Option<Uuid>, state: ReplayState) -> Result<bool, DbError> {
        let now = self.now();
        self.run(Lane::Bulk, move |conn| {
            let sql = "update replays set state = $3, runner = null, changed_at = $4 \
                       where id = $1 and ($2::uuid is null or runner = $2) and state in ('running', 'paused')";
            let query = sql_query(sql).bind::<sql_types::Uuid, _>(id).bind::<sql_types::Nullable<sql_types::Uuid>, _>(runner);
            Ok(query.bind::<Text, _>(state.as_str()).bind::<Timestamptz, _>(time(now)).execute(conn)? == 1)
        })
        .await
    }
}
