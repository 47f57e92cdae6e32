//! Sweeps: their timetable, how far each has come, and what they need not look into again.

mod known;
mod state;
mod timetable;

use std::time::Duration;

use jiff::Timestamp;
use orderbridge_schema::sweep::SweepSource;
use orderbridge_schema::work::Scope;

pub use known::Known;
pub(crate) use state::rewind_on;

/// How often something is swept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SweepEvery {
    /// What.
    pub source: SweepSource,
    /// The time from one sweep to the next, on average.
    pub every: Duration,
}

/// When what is swept.
#[derive(Debug, Clone, PartialEq)]
pub struct Timetable {
    /// Sources that are swept; others are left alone.
    pub sources: Vec<SweepEvery>,
    /// How far a single interval may be off, in per cent, so that tenants do not sweep together.
    pub jitter_percent: u32,
    /// Within which time a tenant or account that was never swept, or not since its processor ended, is.
    pub start_within: Duration,
}

/// How far a sweep has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SweepState {
    /// The platform's time up to which everything was found and is with the broker.
    pub watermark: Option<Timestamp>,
    /// Where it goes on if it was not finished.
    pub resume_at: Option<Timestamp>,
}

/// One sweep as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweepRow {
    /// Whose.
    pub scope: Scope,
    /// What.
    pub source: SweepSource,
    /// The platform's time up to which everything was found.
    pub watermark: Option<Timestamp>,
    /// When it was last finished.
    pub swept_at: Option<Timestamp>,
    /// When it is next due.
    pub due_at: Timestamp,
    /// Whether it is due or under way.
    pub pending: bool,
    /// Why it was last put off, if it was.
    pub reason: Option<String>,
}
