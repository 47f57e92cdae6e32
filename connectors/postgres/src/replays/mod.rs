//! Replays: events done over again, resumable because their positions move in the transaction of their effect.

mod advance;
mod list;

use jiff::Timestamp;
use orderbridge_schema::topics::Topic;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// Where a replay stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReplayState {
    /// A process puts its entities in, or was killed at it.
    Running,
    /// Waits to be resumed.
    Paused,
    /// All its entities were looked at.
    Done,
    /// Given up: what was put in is finished, nothing more is.
    Cancelled,
}

impl ReplayState {
    const ALL: [Self; 4] = [Self::Running, Self::Paused, Self::Done, Self::Cancelled];

    /// Name in the database and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether it may be gone on with.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Running | Self::Paused)
    }
}

impl std::fmt::Display for ReplayState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How far a replay has come in one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ReplayPosition {
    /// The topic.
    pub topic: Topic,
    /// The partition.
    pub partition: i32,
    /// The next offset to read.
    pub next: i64,
    /// The offset behind the last.
    pub end: i64,
}

/// How much of a replay is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ReplayCounts {
    /// Records read.
    pub records: u64,
    /// Entities put in, each once.
    pub entities: u64,
    /// Of these, looked at with nothing left to do.
    pub done: u64,
    /// Of these, waiting for a person or a rule.
    pub held: u64,
}

impl ReplayCounts {
    /// Entities that are put in and not looked at yet.
    #[must_use]
    pub const fn left(&self) -> u64 {
        self.entities.saturating_sub(self.done).saturating_sub(self.held)
    }
}

/// One replay.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// Its id, time-ordered (UUID version 7).
    pub id: Uuid,
    /// What was selected, as its caller wrote it.
    pub selection: Value,
    /// Where it stands.
    pub state: ReplayState,
    /// Who started it.
    pub started_by: String,
    /// When.
    pub started_at: Timestamp,
    /// When it last came further or changed its state.
    pub changed_at: Timestamp,
    /// How much is done.
    pub counts: ReplayCounts,
    /// How far each partition is.
    pub positions: Vec<ReplayPosition>,
}

/// What is put in at once.
#[derive(Debug, Clone, Default)]
pub struct PutIn {
    /// Records read since the last time.
    pub records: u64,
    /// Where each partition stands now; those that did not move may be left out.
    pub positions: Vec<ReplayPosition>,
    /// Work for the entities these records are about.
    pub upserts: Vec<orderbridge_schema::work::Upsert>,
}
