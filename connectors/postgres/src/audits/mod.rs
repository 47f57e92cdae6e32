//! Audits: begun, gone on with, finished, looked at; and what they ask of our own records.

mod records;
mod run;
mod shown;

use jiff::Timestamp;
use orderbridge_schema::audit::{AuditReport, Window};
use orderbridge_schema::ids::TenantId;
use serde_json::Value;

pub use records::{AuditRecords, SentTotals};
pub use shown::AuditedNight;

/// An audit as it was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRun {
    /// Its number.
    pub id: i64,
    /// Whose books.
    pub tenant: TenantId,
    /// Of which time.
    pub window: Window,
    /// When it was begun.
    pub started_at: Timestamp,
}

/// How an audit is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAudit {
    /// Whose books.
    pub tenant: TenantId,
    /// Of which time.
    pub window: Window,
    /// The night it is made for; none if somebody asks for it.
    pub night: Option<Timestamp>,
    /// The rules that it goes by.
    pub rules_version: i64,
}

/// A page of what an audit has read.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditPage {
    /// What stands on it.
    pub rows: Value,
    /// Where the next one begins, if there is one.
    pub next: Option<u64>,
}

/// An audit, for looking at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAudit {
    /// As it was begun.
    pub run: AuditRun,
    /// Whether it was made by itself, at night.
    pub nightly: bool,
    /// When it was finished, if it was.
    pub finished_at: Option<Timestamp>,
    /// Differences that it found.
    pub differences: Option<u32>,
    /// Orders that it found held.
    pub held: Option<u32>,
    /// Orders that it found left alone by the rules.
    pub skipped: Option<u32>,
}

/// A finished audit that a later one goes on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastAudit {
    /// As it was begun.
    pub run: AuditRun,
    /// What it found.
    pub report: AuditReport,
}
