//! A journal row as it is read, always as JSON, so that every query reads it the same way.

use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::Jsonb;
use jiff::Timestamp;
use orderbridge_schema::command::{CommandKey, CommandKind};
use serde::Deserialize;
use serde_json::Value;

use crate::error::DbError;
use crate::journal::{CommandState, JournalEntry};
use crate::sql::parsed;

/// A command as stored.
#[derive(Debug, Deserialize)]
pub(crate) struct StoredCommand {
    scope: String,
    kind: String,
    id: String,
    account: String,
    target: String,
    state: String,
    revision: i32,
    sends: i32,
    fingerprint: String,
    confirmed_fingerprint: Option<String>,
    result_id: Option<u64>,
    sent_at: Option<Timestamp>,
    deadline_at: Option<Timestamp>,
    settles_at: Option<Timestamp>,
    misses: u32,
    last_miss_at: Option<Timestamp>,
    fence: Option<i64>,
    owner: Option<String>,
    explanation: Value,
    #[serde(default)]
    matched_again: bool,
    why: Option<String>,
    created_at: Timestamp,
}

impl StoredCommand {
    pub(crate) fn read(self) -> Result<JournalEntry, DbError> {
        let unknown = || DbError::data("the journal holds a kind or state of command that this version does not know");
        Ok(JournalEntry {
            key: CommandKey { scope: parsed(&self.scope)?, kind: CommandKind::from_name(&self.kind).ok_or_else(unknown)?, id: self.id },
            account: parsed(&self.account)?,
            target: self.target,
            revision: self.revision,
            sends: self.sends,
            state: CommandState::from_name(&self.state).ok_or_else(unknown)?,
            fingerprint: self.fingerprint,
            confirmed_fingerprint: self.confirmed_fingerprint,
            result_id: self.result_id,
            sent_at: self.sent_at,
            deadline_at: self.deadline_at,
            settles_at: self.settles_at,
            misses: self.misses,
            last_miss_at: self.last_miss_at,
            fence: self.fence,
            owner: self.owner,
            explanation: self.explanation,
            matched_again: self.matched_again,
            why: self.why,
            created_at: self.created_at,
        })
    }
}

/// One command in the column `e`.
#[derive(QueryableByName)]
pub(crate) struct Row {
    #[diesel(sql_type = Jsonb)]
    e: Value,
}

impl Row {
    pub(crate) fn read(self) -> Result<JournalEntry, DbError> {
        let stored: StoredCommand =
            serde_json::from_value(self.e).map_err(|error| DbError::Data(format!("a journal row cannot be read: {error}")))?;
        stored.read()
    }
}

/// The grace as an SQL interval.
pub(crate) fn interval(duration: Duration) -> String {
    // PostgreSQL counts microseconds in 64 bits; a longer wait than 60 years is none of ours.
    let ms = duration.min(Duration::from_secs(2_000_000_000)).as_millis();
    format!("interval '{ms} milliseconds'")
}

/// What is selected or returned of `commands c`: a sent one whose deadline has passed is in doubt for everybody.
pub(crate) fn entry(grace: Duration) -> String {
    format!(
        "to_jsonb(c) || jsonb_build_object( \
           'state', case when c.state = 'sent' and c.deadline_at < clock_timestamp() then 'in_doubt' else c.state end, \
           'settles_at', c.deadline_at + {}) as e",
        interval(grace)
    )
}
