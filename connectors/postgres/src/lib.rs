//! PostgreSQL: tenants and their sealed credentials, work items, leases, the journal, links, products, the timeline and the quota.
//!
//! The only crate that knows Diesel. Queries never run on an async worker: [`Db`] takes a permit, then runs a closure on a blocking
//! thread, and a transaction lives inside one such closure, so a dropped future cannot leave one half open. No transaction spans a
//! call to a platform. Pooled connections carry no session state beyond the time-outs they were opened with, so that a pooler may
//! stand in front.

mod audits;
mod crypto;
mod db;
mod dead_letters;
mod directory;
mod error;
mod journal;
mod lease;
mod links;
mod listen;
mod migrate;
mod products;
mod quota;
mod reference;
mod replays;
mod settings;
mod sql;
mod sweeps;
mod tenants;
mod timeline;
mod variants;
mod work;

pub use audits::{AuditPage, AuditRecords, AuditRun, AuditedNight, LastAudit, NewAudit, SentTotals, StoredAudit};
pub use crypto::{CryptoError, EmailHasher, Keyring, Rotated};
pub use db::Db;
pub use dead_letters::{LetterMark, LetterState};
pub use directory::{BigcommerceConnection, BrightpearlConnection, Connection, Directory, DirectorySettings, Lookup};
pub use error::DbError;
pub use journal::{CommandState, Confirmed, JournalEntry, Missed, NewAgreement, NewCommand, Refusal, SendRight};
pub use lease::Lease;
pub use links::{Comparison, LinkedIn, NewLink, OrderState};
pub use listen::{WorkSignal, WorkSignals};
pub use products::{CatalogueState, MatchingProduct};
pub use quota::{PostgresQuotaGate, QuotaSettings};
pub use reference::ReadLists;
pub use replays::{PutIn, Replay, ReplayCounts, ReplayPosition, ReplayState};
pub use settings::{DatabaseSettings, JournalSettings};
pub use sweeps::{Known, SweepEvery, SweepRow, SweepState, Timetable};
pub use tenants::{
    AccountCredentials, AccountImport, AccountRecord, AccountState, Imported, NewTokens, RulesVersion, Saved, SignatureMode, StoreCredentials,
    StoreImport, TenantImport, TenantRecord, TenantState,
};
pub use timeline::TimelineEntry;
pub use work::{
    Causes, HoldFilter, OffsetStep, OperatorHold, Postponed, ReadyAccount, ShareLimit, StoredHold, WorkFilter, WorkItem, WorkRow, WorkState,
};
