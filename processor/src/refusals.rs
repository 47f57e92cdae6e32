//! What a platform refused is tried again now and then, since nothing tells when it was mended there.
//!
//! Of each tenant and kind of refusal the oldest is tried again and, if it is refused again, one other in turn, because the oldest may be
//! refused for a reason of its own. Once one of them is through, all others follow at once, oldest first.
//!
//! What that costs a merchant: one try of a refused sales order reads the order at the store (five calls or so) and is refused once at
//! Brightpearl. At every look, three times a minute, that is 4,320 tries a day: 1.5 % of Brightpearl's 288,000 calls (BP §c) and 5 % of
//! a store's 432,000 (BC §b), and twice that where several orders wait. A refusal that nobody mended within ten minutes is tried half as
//! often. Not less: a mended cause has to release within a minute, at three in the morning too. No cheaper read tells that it was
//! mended: a refusal names neither the setting nor the object that it is about in a way a program could rely on.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use orderbridge_postgres::{Causes, HoldFilter};
use orderbridge_schema::work::{Scope, WorkKey};
use tokio::sync::Notify;

use crate::account::Worker;
use crate::connections::of_db;
use crate::outcome::Outcome;

/// Longest time between two tries. With what a try and the release take, that is within the promised minute.
const LONGEST: Duration = Duration::from_secs(50);
/// The interval is a refusal's age divided by this: it begins to grow after ten minutes, if a look is every 20 s.
const AGE_PER_INTERVAL: u32 = 30;

/// One account's refusals that are being tried again.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    tried: Mutex<BTreeMap<(Scope, String), Tried>>,
    ended: Notify,
}

#[derive(Debug)]
struct Tried {
    at: Instant,
    oldest: WorkKey,
    /// The oldest was refused again.
    in_vain: bool,
    /// The one that was tried then.
    other: Option<WorkKey>,
    turn: usize,
}

/// What to do about a tenant's refusals of one kind.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// One that was tried is through: all follow.
    Release,
    /// This one is tried again.
    Try(WorkKey),
    /// It is too soon.
    Wait,
}

impl Refusals {
    /// Waits until one that was tried again has been looked at.
    pub(crate) async fn ended(&self) {
        self.ended.notified().await;
    }

    /// An item was looked at, and what it came to is written down.
    pub(crate) fn looked_at(&self, key: &WorkKey, is_held: bool) {
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        for tried in tried.values_mut().filter(|tried| tried.oldest == *key || tried.other.as_ref() == Some(key)) {
            tried.in_vain |= is_held && tried.oldest == *key;
            self.ended.notify_one();
        }
    }

    /// `waiting` is oldest first and never empty; `age` is the oldest one's.
    fn next(&self, place: (Scope, String), waiting: &[WorkKey], age: Duration, look: Duration, now: Instant) -> Next {
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((oldest, others)) = waiting.split_first() else { return Next::Wait };
        let Some(former) = tried.get_mut(&place) else {
            tried.insert(place, Tried { at: now, oldest: oldest.clone(), in_vain: false, other: None, turn: 0 });
            return Next::Try(oldest.clone());
        };
        if !waiting.contains(&former.oldest) || former.other.as_ref().is_some_and(|other| !waiting.contains(other)) {
            tried.remove(&place);
            return Next::Release;
        }
        if former.in_vain && former.other.is_none() {
            former.other = former.turn.checked_rem(others.len()).and_then(|place| others.get(place)).cloned();
            if let Some(other) = &former.other {
                return Next::Try(other.clone());
            }
        }
        if !is_due(age, now.saturating_duration_since(former.at), look) {
            return Next::Wait;
        }
        *former = Tried { at: now, oldest: oldest.clone(), in_vain: false, other: None, turn: former.turn.wrapping_add(1) };
        Next::Try(oldest.clone())
    }
}

/// Whether it is time to try again: now, if the next look would be too late.
fn is_due(age: Duration, since_last: Duration, look: Duration) -> bool {
    let interval = (age / AGE_PER_INTERVAL).clamp(look, LONGEST.max(look));
    since_last.saturating_add(look) > interval
}

impl Worker {
    /// Tries refusals again whose time has come, and lets all of a kind follow one that is through.
    pub(crate) async fn probe_refusals(&self) -> Result<(), Outcome> {
        for tenant in self.db.tenants_of_account(&self.lease.account).await.map_err(|error| of_db(&error))? {
            let scope = Scope::Tenant(tenant.id);
            for (cause, (since, waiting)) in self.refusals_of(&scope).await? {
                let age = Duration::try_from(self.clock.now().duration_since(since)).unwrap_or_default();
                let place = (scope.clone(), cause.clone());
                match self.refusals.next(place, &waiting, age, self.settings.mended_check, Instant::now()) {
                    Next::Wait => {}
                    Next::Release => {
                        self.db.release_holds(Causes::Exact(vec![cause]), Some(&scope)).await.map_err(|error| of_db(&error))?;
                    }
                    Next::Try(key) => {
                        self.db.work_retry(&key).await.map_err(|error| of_db(&error))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// A tenant's refusals by cause: since when the oldest waits, and whom, oldest first. What is released already is not waited for.
    async fn refusals_of(&self, scope: &Scope) -> Result<BTreeMap<String, (Timestamp, Vec<WorkKey>)>, Outcome> {
        let filter = HoldFilter { scope: Some(scope.clone()), cause_prefix: Some("refused:".into()), limit: 0 };
        let mut found: BTreeMap<String, (Timestamp, Vec<WorkKey>)> = BTreeMap::new();
        for hold in self.db.holds(&filter).await.map_err(|error| of_db(&error))? {
            if hold.released_at.is_none() {
                let (_, waiting) = found.entry(hold.cause).or_insert_with(|| (hold.held_at, Vec::new()));
                waiting.push(hold.key);
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use orderbridge_schema::work::WorkKind;

    const LOOK: Duration = Duration::from_secs(20);
    const DAY: Duration = Duration::from_secs(86_400);

    fn place() -> (Scope, String) {
        ("a".parse().unwrap(), "refused:create-sales-order".into())
    }

    fn key(entity: u64) -> WorkKey {
        WorkKey { scope: "a".parse().unwrap(), kind: WorkKind::Order, entity }
    }

    fn keys(entities: &[u64]) -> Vec<WorkKey> {
        entities.iter().copied().map(key).collect()
    }

    /// Tries within a span of looks, of a refusal that is so old at its beginning.
    fn tries(age: Duration, span: Duration) -> usize {
        let (refusals, begun) = (Refusals::default(), Instant::now());
        let looks = u32::try_from(span.as_secs() / LOOK.as_secs()).unwrap();
        let is_tried = |n: &u32| {
            let at = LOOK * *n;
            matches!(refusals.next(place(), &keys(&[1]), age + at, LOOK, begun + at), Next::Try(_))
        };
        (0..looks).filter(is_tried).count()
    }

    #[test]
    fn a_young_refusal_is_tried_at_every_look_and_an_old_one_half_as_often() {
        assert_eq!(tries(Duration::ZERO, Duration::from_secs(600)), 30);
        assert_eq!(tries(DAY, DAY), 2_160);
    }

    #[test]
    fn no_refusal_however_old_waits_longer_than_fifty_seconds_for_its_next_try() {
        for age in [0, 599, 601, 900, 1_200, 1_500, 86_400, 31_536_000].map(Duration::from_secs) {
            let next = (1..).map(|look| LOOK * look).find(|since| is_due(age, *since, LOOK)).unwrap();
            assert!(next <= LONGEST, "{age:?}: {next:?}");
        }
        assert!(is_due(DAY, Duration::from_secs(5), Duration::from_secs(90)), "at every look if looks are rare");
    }

    #[test]
    fn the_oldest_is_tried_each_time_and_the_others_in_turn_if_it_is_in_vain() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        let next = |n: u32| refusals.next(place(), &keys(&[1, 2, 3]), Duration::ZERO, LOOK, now + LOOK * n);
        for (look, other) in [(0, 2), (1, 3), (2, 2)] {
            assert_eq!(next(look), Next::Try(key(1)));
            assert_eq!(next(look), Next::Wait, "nobody overtakes the oldest");
            refusals.looked_at(&key(1), true);
            assert_eq!(next(look), Next::Try(key(other)));
            refusals.looked_at(&key(other), true);
            assert_eq!(next(look), Next::Wait);
        }
    }

    #[test]
    fn one_that_is_through_releases_all_others_at_once() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        let next = |waiting: &[u64]| refusals.next(place(), &keys(waiting), DAY, LOOK, now);
        assert_eq!(next(&[1, 2, 3]), Next::Try(key(1)));
        assert_eq!(next(&[2, 3]), Next::Release);
        assert_eq!(next(&[2, 3, 4]), Next::Try(key(2)));
        refusals.looked_at(&key(2), true);
        assert_eq!(next(&[2, 3, 4]), Next::Try(key(3)));
        assert_eq!(next(&[2, 4]), Next::Release, "the other was through while the oldest is not");
    }

    #[tokio::test]
    async fn only_an_item_that_is_tried_again_is_told_of() {
        let refusals = Refusals::default();
        refusals.next(place(), &keys(&[1, 2]), Duration::ZERO, LOOK, Instant::now());
        refusals.looked_at(&key(2), true);
        assert!(refusals.ended().now_or_never().is_none());
        refusals.looked_at(&key(1), false);
        assert!(refusals.ended().now_or_never().is_some());
    }
}
