//! What becomes of a work item.

use std::time::Duration;

use jiff::Timestamp;
use orderbridge_http_client::FailureClass;
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

/// What reading from a platform came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Met {
    /// It failed.
    Failure(Platform, FailureClass),
    /// It was not tried: the platform is left alone.
    LeftAlone(Platform),
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
        /// What it met at a platform that others would meet too.
        met: Option<Met>,
    },
    /// A person or a rule is wanted.
    Held(Vec<Hold>),
    /// A platform does not accept our credentials.
    Unauthorised(Platform),
}

impl Outcome {
    /// Nothing failed: look again after a span.
    pub(crate) fn later(wait: Duration, why: impl Into<String>) -> Self {
        Self::Again { when: When::After(wait), firm: false, failed: false, why: why.into(), met: None }
    }

    /// It changed a moment ago. However often it changes until it has settled, it is not looked at before.
    pub(crate) fn settling(wait: Duration) -> Self {
        Self::Again { when: When::After(wait), firm: true, failed: false, why: "it changed a moment ago and is left to settle".into(), met: None }
    }

    /// Left alone until a moment, as others of its tenant are: no event shortens that.
    pub(crate) fn left_alone(until: Timestamp, why: impl Into<String>) -> Self {
        Self::Again { when: When::At(until), firm: true, failed: false, why: why.into(), met: None }
    }

    /// How long a platform asked to be left alone.
    pub(crate) const fn asked_wait(&self) -> Duration {
        match self {
            Self::Again { when: When::After(wait), firm: true, .. } => *wait,
            Self::Again { .. } | Self::Done | Self::Held(_) | Self::Unauthorised(_) => Duration::ZERO,
        }
    }

    /// What it met at a platform.
    pub(crate) const fn met(&self) -> Option<Met> {
        match self {
            Self::Again { met, .. } => *met,
            Self::Done | Self::Held(_) | Self::Unauthorised(_) => None,
        }
    }
}
