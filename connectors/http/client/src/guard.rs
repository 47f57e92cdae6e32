//! The moment after which a write must not begin any more.

use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

use crate::quota::Permit;

/// A moment on two clocks. Either one having passed it is enough: the monotonic clock stands still while some machines sleep, and
/// the wall clock can be set back.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    monotonic: Option<Instant>,
    wall: SystemTime,
}

impl Deadline {
    /// The moment `span` from now; a span beyond what the clocks can tell counts as passed.
    #[must_use]
    pub fn after(span: Duration) -> Self {
        let now = SystemTime::now();
        Self { monotonic: Instant::now().checked_add(span), wall: now.checked_add(span).unwrap_or(now) }
    }

    /// Whether it has passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.monotonic.is_none_or(|at| Instant::now() >= at) || SystemTime::now() >= self.wall
    }

    /// By the wall clock, for the journal.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        Timestamp::try_from(self.wall).unwrap_or(Timestamp::MAX)
    }
}

/// What a write carries: its permit, and the moment after which not one byte of it may be written.
#[derive(Debug)]
pub struct SendGuard {
    /// Pays for the call.
    pub permit: Permit,
    /// Checked before sending, and again when the body is about to be written.
    pub deadline: Deadline,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_passes_and_tells_its_moment() {
        let soon = Deadline::after(Duration::from_secs(60));
        assert!(!soon.passed());
        let left = soon.at().duration_since(Timestamp::now());
        assert!((50..=60).contains(&left.as_secs()), "{left:?}");
        assert!(Deadline::after(Duration::ZERO).passed());
        assert!(Deadline::after(Duration::MAX).passed());
    }
}
