//! Looking at replays.

use diesel::pg::PgConnection;
use diesel::sql_types::{self, BigInt, Jsonb, Nullable, Text, Timestamptz};
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};
use orderbridge_schema::topics::Topic;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::{Replay, ReplayCounts, ReplayPosition, ReplayState};
use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::sql::{Time, unsigned};

const REPLAYS: &str = "select r.id, r.selection, r.state, r.started_by, r.started_at, r.changed_at, r.records, r.entities, r.done, r.held, \
       (select coalesce(jsonb_agg(to_jsonb(p) - 'replay' order by p.topic, p.partition), '[]') from replay_positions p where p.replay = r.id) as positions \
     from replays r where $1::uuid is null or r.id = $1 order by r.id desc limit $2";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = Jsonb)]
    selection: Value,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Text)]
    started_by: String,
    #[diesel(sql_type = Timestamptz)]
    started_at: Time,
    #[diesel(sql_type = Timestamptz)]
    changed_at: Time,
    #[diesel(sql_type = BigInt)]
    records: i64,
    #[diesel(sql_type = BigInt)]
    entities: i64,
    #[diesel(sql_type = BigInt)]
    done: i64,
    #[diesel(sql_type = BigInt)]
    held: i64,
    #[diesel(sql_type = Jsonb)]
    positions: Value,
}

#[derive(Deserialize)]
struct StoredPosition {
    topic: String,
    partition: i32,
    next_offset: i64,
    end_offset: i64,
}

impl StoredPosition {
    fn read(self) -> Result<ReplayPosition, DbError> {
        let topic = Topic::from_name(&self.topic).ok_or_else(|| DbError::data("a replay reads a topic that this version does not know"))?;
        Ok(ReplayPosition { topic, partition: self.partition, next: self.next_offset, end: self.end_offset })
    }
}

impl Row {
    fn read(self) -> Result<Replay, DbError> {
        let positions: Vec<StoredPosition> =
            serde_json::from_value(self.positions).map_err(|error| DbError::Data(format!("a replay's positions cannot be read: {error}")))?;
        Ok(Replay {
            id: self.id,
            selection: self.selection,
            state: ReplayState::from_name(&self.state).ok_or_else(|| DbError::data("a replay has a state that this version does not know"))?,
            started_by: self.started_by,
            started_at: self.started_at.to_jiff(),
            changed_at: self.changed_at.to_jiff(),
            counts: ReplayCounts {
                records: unsigned(self.records)?,
                entities: unsigned(self.entities)?,
                done: unsigned(self.done)?,
                held: unsigned(self.held)?,
            },
            positions: positions.into_iter().map(StoredPosition::read).collect::<Result<_, _>>()?,
        })
    }
}

fn load(conn: &mut PgConnection, id: Option<Uuid>, limit: u32) -> Result<Vec<Replay>, DbError> {
    let rows: Vec<Row> = sql_query(REPLAYS).bind::<Nullable<sql_types::Uuid>, _>(id).bind::<BigInt, _>(i64::from(limit)).load(conn)?;
    rows.into_iter().map(Row::read).collect()
}

impl Db {
    /// Replays, the newest first.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn replays(&self, limit: u32) -> Result<Vec<Replay>, DbError> {
        self.run(Lane::Bulk, move |conn| load(conn, None, limit)).await
    }

    /// One replay.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn replay(&self, id: Uuid) -> Result<Option<Replay>, DbError> {
        self.run(Lane::Bulk, move |conn| Ok(load(conn, Some(id), 1)?.pop())).await
    }
}
