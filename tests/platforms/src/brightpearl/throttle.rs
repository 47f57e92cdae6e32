//! The quota: so many requests per UTC wall-clock minute for each account and developer (BP §c).

use std::collections::BTreeMap;

use jiff::Timestamp;

/// Milliseconds of one window.
const WINDOW_MS: i64 = 60_000;

/// Counters per (account, developer).
#[derive(Debug, Default)]
pub struct Throttle {
    used: BTreeMap<(String, String), (i64, i64)>,
}

/// What a pool has left after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Whether this request is over the limit.
    pub exceeded: bool,
    /// brightpearl-requests-remaining.
    pub remaining: i64,
    /// brightpearl-next-throttle-period, milliseconds.
    pub next_ms: i64,
}

impl Throttle {
    /// Takes requests from a pool.
    pub fn take(&mut self, account: &str, developer: &str, requests: i64, limit: i64, now: Timestamp) -> Quota {
        let ms = now.as_millisecond();
        let minute = ms.div_euclid(WINDOW_MS);
        let entry = self.used.entry((account.to_owned(), developer.to_owned())).or_insert((minute, 0));
        if entry.0 != minute {
            *entry = (minute, 0);
        }
        let exceeded = entry.1 + requests > limit;
        entry.1 = (entry.1 + requests).min(limit);
        Quota { exceeded, remaining: limit - entry.1, next_ms: WINDOW_MS - ms.rem_euclid(WINDOW_MS) }
    }

    /// The pools of an account: developer, requests used in the current window.
    pub fn pools(&self, account: &str, now: Timestamp) -> BTreeMap<String, i64> {
        let minute = now.as_millisecond().div_euclid(WINDOW_MS);
        let of_account = self.used.iter().filter(|((code, _), _)| code == account);
        of_account.map(|((_, developer), (window, used))| (developer.clone(), if *window == minute { *used } else { 0 })).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_the_wall_clock_minute_and_pools_are_apart() {
        let mut throttle = Throttle::default();
        let at: Timestamp = "2026-03-02T09:00:40Z".parse().unwrap();
        for used in 1..=200 {
            let quota = throttle.take("acme", "dev", 1, 200, at);
            assert_eq!((quota.exceeded, quota.remaining, quota.next_ms), (false, 200 - used, 20_000));
        }
        assert!(throttle.take("acme", "dev", 1, 200, at).exceeded);
        assert!(!throttle.take("acme", "other", 1, 200, at).exceeded);
        assert!(!throttle.take("acme", "dev", 1, 200, "2026-03-02T09:01:00Z".parse().unwrap()).exceeded);
    }
}
