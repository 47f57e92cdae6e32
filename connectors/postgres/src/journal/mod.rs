//! The journal of commands: planned, sent, and what became of them.
//!
//! One row per command key. The committed step from planned to sent is the only right to call a platform; everything else (leases,
//! claims) only saves work. The table is not partitioned: its primary key must be unique over all time, which a partitioned table
//! could promise only with the month in the key.

mod plan;
mod row;
mod send;
mod settle;
mod unsettled;

pub(crate) use row::StoredCommand;

use std::time::Duration;

use jiff::Timestamp;
use orderbridge_schema::command::CommandKey;
use orderbridge_schema::decision::AgreedStatus;
use orderbridge_schema::ids::{AccountCode, StoreOrderId, TenantId};
use serde_json::Value;

use crate::links::NewLink;
use crate::timeline::TimelineEntry;

/// A command that is about to be called for.
#[derive(Debug, Clone, PartialEq)]
pub struct NewCommand {
    /// What it achieves.
    pub key: CommandKey,
    /// Which account pays and may look at it.
    pub account: AccountCode,
    /// What it changes.
    pub target: String,
    /// Digest of what it would write.
    pub fingerprint: String,
    /// Which event, rules and facts led to it; no personal data.
    pub explanation: Value,
}

/// Where a command stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandState {
    /// Not sent, or proved to have had no effect.
    Planned,
    /// Being sent: its deadline has not passed.
    Sent,
    /// It took effect.
    Confirmed,
    /// The platform definitely said no.
    Refused,
    /// Nobody knows; also a sent one whose deadline has passed.
    InDoubt,
}

impl CommandState {
    /// Name in the database and in listings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Sent => "sent",
            Self::Confirmed => "confirmed",
            Self::Refused => "refused",
            Self::InDoubt => "in_doubt",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Planned, Self::Sent, Self::Confirmed, Self::Refused, Self::InDoubt].into_iter().find(|state| state.as_str() == name)
    }
}

/// A command as the journal holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct JournalEntry {
    /// What it achieves.
    pub key: CommandKey,
    /// Which account pays.
    pub account: AccountCode,
    /// What it changes.
    pub target: String,
    /// Rises each time a settled command is planned anew.
    pub revision: i32,
    /// How many times it was sent; the steps after a send belong to that send alone.
    pub sends: i32,
    /// Where it stands.
    pub state: CommandState,
    /// Digest of what it would write, or wrote.
    pub fingerprint: String,
    /// The same, only if a write with exactly that digest was confirmed; unknown while one is under way and after a resend in doubt.
    pub confirmed_fingerprint: Option<String>,
    /// The id the platform gave, if it makes something and the id is known.
    pub result_id: Option<u64>,
    /// When it was last sent.
    pub sent_at: Option<Timestamp>,
    /// Not one byte was written after this.
    pub deadline_at: Option<Timestamp>,
    /// From here on it no longer takes effect by itself, and a look-up that finds nothing counts.
    pub settles_at: Option<Timestamp>,
    /// Look-ups that found nothing.
    pub misses: u32,
    /// The last of them.
    pub last_miss_at: Option<Timestamp>,
    /// Lease under which it was last sent.
    pub fence: Option<i64>,
    /// Who sent it last.
    pub owner: Option<String>,
    /// Which event, rules and facts led to it.
    pub explanation: Value,
    /// It was refused once, and what it is linked to was matched again since.
    pub matched_again: bool,
    /// Why it was refused or is in doubt.
    pub why: Option<String>,
    /// When it was first planned.
    pub created_at: Timestamp,
}

/// Whether a command may be called for now.
#[expect(clippy::large_enum_variant, reason = "made once per call, and nearly always granted")]
#[derive(Debug, Clone, PartialEq)]
pub enum SendRight {
    /// Yes; the entry to settle it with. Nobody else has this right.
    Granted(JournalEntry),
    /// The account is no longer leased to this owner under this fence.
    LeaseLost,
    /// Another command on the same target (or this one, in doubt) may still take effect.
    TargetBusy {
        /// When to ask again.
        until: Timestamp,
    },
    /// The entry changed since it was read: somebody else sent or settled it.
    Moved,
}

/// What a confirmed command brings with it, in the same transaction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Confirmed {
    /// Links it made.
    pub links: Vec<NewLink>,
    /// The statuses that agree now.
    pub agreed: Option<NewAgreement>,
    /// What to tell about it.
    pub timeline: Vec<TimelineEntry>,
}

/// The statuses of one order that agree from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAgreement {
    /// Whose order.
    pub tenant: TenantId,
    /// Which.
    pub order: StoreOrderId,
    /// The pair.
    pub pair: AgreedStatus,
}

/// What a definite no means for the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is refused until it is planned anew.
    Final,
    /// It says nothing about the command itself (401, 429, never sent): planned again.
    Passing,
    /// What the command is linked to is matched again before anybody is asked; planned again, and that is remembered.
    MatchedAgain,
}

/// What a look-up that found nothing means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missed {
    /// Nothing yet: look again.
    First {
        /// When.
        again_at: Timestamp,
    },
    /// It took no effect: it is planned again.
    Proved,
    /// It is not in doubt any more.
    Moved,
}

/// Seconds for SQL; a setting of centuries is as good as one of sixty years.
pub(crate) fn seconds(duration: Duration) -> f64 {
    duration.min(Duration::from_secs(2_000_000_000)).as_secs_f64()
}
