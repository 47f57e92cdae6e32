//! How long to wait before trying again: full jitter, doubling, bounded.

use std::time::Duration;

use rand::Rng;

/// First upper bound of the wait.
const FIRST: Duration = Duration::from_secs(2);
/// No wait is longer than this.
const LONGEST: Duration = Duration::from_secs(600);

/// A random wait before the attempt after the given number of attempts: between one second and a bound that doubles each time.
pub(crate) fn after_attempts(attempts: u32) -> Duration {
    let bound = FIRST.saturating_mul(1 << attempts.min(16)).min(LONGEST);
    Duration::from_millis(rand::rng().random_range(1_000..=u64::try_from(bound.as_millis()).unwrap_or(u64::MAX)))
}

/// A platform's own wait with a little on top, so that not everybody comes back in the same instant.
pub(crate) fn after_platform_wait(wait: Duration) -> Duration {
    wait + Duration::from_millis(rand::rng().random_range(50..1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_never_shorter_than_a_second_nor_longer_than_the_bound() {
        for attempts in [0, 1, 5, 9, 40, u32::MAX] {
            let wait = after_attempts(attempts);
            assert!(wait >= Duration::from_secs(1) && wait <= LONGEST, "{attempts}: {wait:?}");
        }
        assert!(after_attempts(0) <= FIRST);
    }
}
