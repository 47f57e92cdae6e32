//! Waiting on conditions, never on time.

use std::future::Future;
use std::time::{Duration, Instant};

/// How long anything may take on a slow machine.
pub const SOON: Duration = Duration::from_secs(90);
/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Waits until a condition gives a value. Panics with what was waited for if it does not in time.
pub async fn until<T, F, Fut>(what: &str, deadline: Duration, mut look: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let began = Instant::now();
    let mut ticks = tokio::time::interval(LOOK);
    loop {
        ticks.tick().await;
        if let Some(found) = look().await {
            return found;
        }
        assert!(began.elapsed() < deadline, "waited {deadline:?} in vain: {what}");
    }
}

/// Waits until something stays true for a while: for "and nothing more happens".
pub async fn stays<F, Fut>(what: &str, span: Duration, mut look: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = bool>,
{
    let began = Instant::now();
    let mut ticks = tokio::time::interval(LOOK);
    while began.elapsed() < span {
        ticks.tick().await;
        assert!(look().await, "{what}");
    }
}
