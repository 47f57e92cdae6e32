//! The health of a destination, on which the block-list rests (BC §c, delivery semantics).

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

/// Health of a destination is judged over this window, from this many requests on.
const HEALTH_WINDOW: SignedDuration = SignedDuration::from_secs(120);
const HEALTH_REQUESTS_MIN: usize = 100;
/// How long a domain stays on the block-list.
const BLOCKED: SignedDuration = SignedDuration::from_secs(180);

/// The recent outcomes of one client's deliveries to one domain.
#[derive(Debug, Default)]
pub(super) struct Health {
    pub(super) outcomes: VecDeque<(Timestamp, bool)>,
    pub(super) blocked_until: Option<Timestamp>,
    pub(super) failures: BTreeMap<String, u64>,
}

impl Health {
    /// Whether the domain has just become blocked.
    pub(super) fn judge(&mut self, now: Timestamp) -> bool {
        while self.outcomes.front().is_some_and(|(at, _)| now.duration_since(*at) > HEALTH_WINDOW) {
            self.outcomes.pop_front();
        }
        let total = self.outcomes.len();
        let good = self.outcomes.iter().filter(|(_, good)| *good).count();
        if total < HEALTH_REQUESTS_MIN || good * 10 >= total * 9 || self.blocked_until.is_some_and(|until| until > now) {
            return false;
        }
        self.blocked_until = Some(now + BLOCKED);
        self.outcomes.clear();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_blocked_below_nine_tenths_of_a_hundred() {
        let now = Timestamp::from_second(1_735_689_600).unwrap();
        let mut health = Health::default();
        health.outcomes.extend((0..99).map(|n| (now, n >= 12)));
        assert!(!health.judge(now), "too few requests");
        health.outcomes.push_back((now, true));
        assert!(health.judge(now));
        assert!(!health.judge(now), "already blocked");
        let mut healthy = Health::default();
        healthy.outcomes.extend((0..100).map(|n| (now, n >= 10)));
        assert!(!healthy.judge(now));
    }
}
