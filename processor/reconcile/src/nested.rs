//! Which stores are asked for an order's lines, addresses and fees together with the order.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use orderbridge_schema::ids::StoreHash;

/// Remembers, as long as the process lives, which stores do not give an order's parts along with it (BC §d: that they do is not
/// confirmed). To ask one that does not costs a little time, and to forget it does no harm.
#[derive(Debug)]
pub struct NestedReads {
    enabled: bool,
    left_alone: Mutex<HashMap<StoreHash, Instant>>,
}

impl NestedReads {
    /// Asks every store, or none.
    #[must_use]
    pub fn new(enabled: bool) -> Self {
        Self { enabled, left_alone: Mutex::default() }
    }

    /// Whether the store is to be asked now.
    #[must_use]
    pub fn asks(&self, store: &StoreHash) -> bool {
        self.enabled && self.left_alone().get(store).is_none_or(|until| *until <= Instant::now())
    }

    /// Does not ask a store for a while.
    pub(crate) fn leave_alone(&self, store: &StoreHash, span: Duration) {
        let now = Instant::now();
        let mut left_alone = self.left_alone();
        left_alone.retain(|_, until| *until > now);
        let until = left_alone.entry(store.clone()).or_insert(now);
        *until = (*until).max(now.checked_add(span).unwrap_or(now));
        tracing::info!(%store, seconds = span.as_secs(), "orders are read without their parts: the store does not give them along");
    }

    fn left_alone(&self) -> MutexGuard<'_, HashMap<StoreHash, Instant>> {
        self.left_alone.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_gives_no_parts_is_left_alone_by_itself_and_for_a_while() {
        let nested = NestedReads::new(true);
        let [one, other] = ["one", "other"].map(|hash| StoreHash::new(hash).unwrap());
        nested.leave_alone(&one, Duration::from_secs(3600));
        nested.leave_alone(&one, Duration::ZERO);
        assert!(!nested.asks(&one) && nested.asks(&other), "a shorter wait does not cut a longer one short");
        nested.leave_alone(&other, Duration::ZERO);
        assert!(nested.asks(&other), "its time is over");
        assert!(!NestedReads::new(false).asks(&other));
    }
}
