//! What became of dead letters. Their content stays with the broker.

use std::collections::HashMap;

use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz};
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};
use jiff::Timestamp;
use orderbridge_schema::topics::Topic;
use serde::{Deserialize, Serialize};

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::sql::{Time, count, time};

/// How a dead letter was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LetterState {
    /// Put back where it came from.
    Retried,
    /// Given up.
    Discarded,
}

impl LetterState {
    /// Name in the database and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retried => "retried",
            Self::Discarded => "discarded",
        }
    }
}

/// What a person did with a dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterMark {
    /// Last.
    pub state: LetterState,
    /// How many times it was marked.
    pub times: u32,
    /// Who, last.
    pub by: String,
    /// When, last.
    pub at: Timestamp,
    /// Why, if it was said.
    pub why: Option<String>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Integer)]
    partition: i32,
    #[diesel(sql_type = BigInt)]
    record_offset: i64,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Integer)]
    times: i32,
    #[diesel(sql_type = Text)]
    marked_by: String,
    #[diesel(sql_type = Timestamptz)]
    marked_at: Time,
    #[diesel(sql_type = Nullable<Text>)]
    why: Option<String>,
}

impl Row {
    fn read(self) -> ((i32, i64), LetterMark) {
        let state = if self.state == LetterState::Discarded.as_str() { LetterState::Discarded } else { LetterState::Retried };
        let mark = LetterMark { state, times: count(self.times), by: self.marked_by, at: self.marked_at.to_jiff(), why: self.why };
        ((self.partition, self.record_offset), mark)
    }
}

impl Db {
    /// The marks of these places (partition, offset) of a topic; an open letter has none.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn letter_marks(&self, topic: Topic, places: &[(i32, i64)]) -> Result<HashMap<(i32, i64), LetterMark>, DbError> {
        let (partitions, offsets): (Vec<i32>, Vec<i64>) = places.iter().copied().unzip();
        self.run(Lane::Bulk, move |conn| {
            let sql = "select d.partition, d.record_offset, d.state, d.times, d.marked_by, d.marked_at, d.why \
                       from unnest($2::int[], $3::bigint[]) as p (partition, record_offset) \
                       join dead_letters d on d.topic = $1 and d.partition = p.partition and d.record_offset = p.record_offset";
            let query = sql_query(sql).bind::<Text, _>(topic.name()).bind::<Array<Integer>, _>(partitions).bind::<Array<BigInt>, _>(offsets);
            let rows: Vec<Row> = query.load(conn)?;
            Ok(rows.into_iter().map(Row::read).collect())
        })
        .await
    }

    /// Marks a dead letter.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn mark_letter(
        &self,
        topic: Topic,
        (partition, offset): (i32, i64),
        state: LetterState,
        by: &str,
        why: Option<&str>,
    ) -> Result<(), DbError> {
        let (by, why, now) = (by.to_owned(), why.map(str::to_owned), self.now());
        self.run(Lane::Bulk, move |conn| {
            let sql = "insert into dead_letters as d (topic, partition, record_offset, state, marked_by, marked_at, why) values ($1, $2, $3, $4, $5, $6, $7) \
                       on conflict (topic, partition, record_offset) do update set state = excluded.state, times = d.times + 1, \
                         marked_by = excluded.marked_by, marked_at = excluded.marked_at, why = excluded.why";
            sql_query(sql)
                .bind::<Text, _>(topic.name())
                .bind::<Integer, _>(partition)
                .bind::<BigInt, _>(offset)
                .bind::<Text, _>(state.as_str())
                .bind::<Text, _>(by)
                .bind::<Timestamptz, _>(time(now))
                .bind::<Nullable<Text>, _>(why)
                .execute(conn)?;
            Ok(())
        })
        .await
    }
}
