//! What becomes of a work item.

use std::time::Duration;

use jiff::Timestamp;
use orderbridge_schema::decision::Hold;
use orderbridge_schema::ids::Platform;

/// When to look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// After a span on the clock.
    After(Duration),
    /// At a moment of the clock.
    At(Timestamp),
}

/// What becomes of a work item after one look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Both sides agree, or there is nothing of ours to do.
    Done,
    /// Look again later.
    Again {
        /// When.
        when: When,
        /// The wait is a platform's own: a new event does not shorten it.
        firm: bool,
        /// Something failed, so that the next wait grows.
        failed: bool,
        /// Why, for the operator.
        why: String,
    },
    /// A person or a rule is wanted.
    Held(Vec<Hold>),
    /// A platform does not accept our credentials.
    Unauthorised(Platform),
}

impl Outcome {
    /// Nothing failed: look again after a span.
    pub(crate) fn later(wait: Duration, why: impl Into<String>) -> Self {
        Self::Again { when: When::After(wait), firm: false, failed: false, why: why.into() }
    }

    /// Whether the cause lies outside this item, so that the tenant's other items would meet it too.
    pub(crate) const fn is_failure(&self) -> bool {
        matches!(self, Self::Again { failed: true, .. } | Self::Unauthorised(_))
    }
}
