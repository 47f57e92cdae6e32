//! Work items: taken in, claimed, finished, held, released, listed.

mod claim;
mod finish;
mod holds;
mod intake;
mod list;
mod operator;
mod release;
mod row;

use jiff::Timestamp;
use orderbridge_schema::decision::Effect;
use orderbridge_schema::ids::AccountCode;
use orderbridge_schema::work::{Aspects, Scope, Share, WorkKey, WorkKind};
use uuid::Uuid;

pub(crate) use holds::record_holds_on;
pub use intake::OffsetStep;
pub(crate) use intake::upsert_on;
pub(crate) use list::effect;
pub(crate) use release::{identity_causes, release_on};

/// How many items of one share may be claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareLimit {
    /// Which share.
    pub share: Share,
    /// At most this many of it.
    pub limit: u32,
    /// Not of these: they are being worked on, or left alone for a while.
    pub except: Vec<Scope>,
}

impl ShareLimit {
    /// A limit for all scopes.
    #[must_use]
    pub const fn new(share: Share, limit: u32) -> Self {
        Self { share, limit, except: Vec::new() }
    }
}

/// An account with work that is due or will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadyAccount {
    /// Which account.
    pub account: AccountCode,
    /// When its next item is due; may be past.
    pub due_at: Timestamp,
}

/// A claimed work item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkItem {
    /// Which entity.
    pub key: WorkKey,
    /// Which account pays.
    pub account: AccountCode,
    /// Which share pays.
    pub share: Share,
    /// Which sides may have changed.
    pub aspects: Aspects,
    /// The generation as it was claimed, before any fact was read.
    pub generation: i64,
    /// The lease under which it was claimed.
    pub fence: i64,
    /// How many claims have failed since the last success, this one included.
    pub attempts: u32,
    /// The oldest event that waits.
    pub first_event_at: Timestamp,
    /// The newest event.
    pub last_event_at: Timestamp,
    /// The newest event's type, or who else asked.
    pub cause: String,
    /// Our name of that event, if one asked.
    pub event: Option<Uuid>,
}

/// When and why a claimed item is to be looked at again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postponed {
    /// When, if nothing new happens.
    pub due_at: Timestamp,
    /// Why, in plain words without personal data.
    pub reason: String,
    /// Whether this claim counts as a failed attempt.
    pub counts_as_attempt: bool,
    /// Not before this moment even if something new happens: a platform's wait, or a settle delay.
    pub floor: Option<Timestamp>,
}

/// State of a work item; a finished one has no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkState {
    /// Due now or at a time.
    Ready,
    /// Waits for a person, a rule or an event.
    Held,
}

impl WorkState {
    /// Name in the database and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Held => "held",
        }
    }

    pub(crate) fn from_name(name: &str) -> Self {
        // One that a person stopped is held too: by that person.
        if matches!(name, "held" | "stopped") { Self::Held } else { Self::Ready }
    }
}

/// A work item as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkRow {
    /// Which entity.
    pub key: WorkKey,
    /// Which account pays.
    pub account: AccountCode,
    /// Which share pays.
    pub share: Share,
    /// Ready or held.
    pub state: WorkState,
    /// When it is due.
    pub due_at: Timestamp,
    /// Rises with every event.
    pub generation: i64,
    /// The generation a processor is working on.
    pub claimed_generation: Option<i64>,
    /// The lease of that processor.
    pub claimed_fence: Option<i64>,
    /// Failed attempts.
    pub attempts: u32,
    /// The oldest event that waits.
    pub first_event_at: Timestamp,
    /// The newest event.
    pub last_event_at: Timestamp,
    /// The newest event's type, or who else asked.
    pub cause: String,
    /// Why it was last put off, in plain words.
    pub reason: Option<String>,
}

/// Which work items to list; `None` is any.
#[derive(Debug, Clone, Default)]
pub struct WorkFilter {
    /// Whose.
    pub scope: Option<Scope>,
    /// What kind.
    pub kind: Option<WorkKind>,
    /// Ready or held.
    pub state: Option<WorkState>,
    /// At most this many, oldest first; 0 is 1,000.
    pub limit: u32,
}

/// Which holds to list; `None` is any.
#[derive(Debug, Clone, Default)]
pub struct HoldFilter {
    /// Whose.
    pub scope: Option<Scope>,
    /// Those whose cause begins so.
    pub cause_prefix: Option<String>,
    /// At most this many, oldest first; 0 is 1,000.
    pub limit: u32,
}

/// Which causes are to be released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Causes {
    /// All that begin so, such as `missing-rule:`.
    Prefix(String),
    /// Exactly these; case does not count, since SKUs have none.
    Exact(Vec<String>),
}

/// An entity that a person stopped: nothing is done about it until a person releases it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorHold {
    /// Which entity.
    pub key: WorkKey,
    /// Why, in the person's words.
    pub why: String,
    /// Who, as their system names them.
    pub by: String,
    /// Since when.
    pub held_at: Timestamp,
}

/// A hold as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredHold {
    /// Whose effect waits.
    pub key: WorkKey,
    /// Which effect.
    pub effect: Effect,
    /// Machine-readable cause, such as `unknown-sku:AB-1`.
    pub cause: String,
    /// Why, in plain words.
    pub why: String,
    /// What to do.
    pub remedy: String,
    /// The rules it was decided by; none for an account's own work.
    pub rules_version: Option<i64>,
    /// Since when.
    pub held_at: Timestamp,
    /// When its cause was mended; it is decided again and then goes or stays.
    pub released_at: Option<Timestamp>,
}
