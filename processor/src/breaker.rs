//! Breakers: when several items of one tenant fail for the same cause, what needs the same thing waits, and one item probes.
//!
//! A cause is what cannot be done (reading from a platform, or one kind of command there) and how it fails. Reads that fail stop whatever
//! must call that platform; a kind of command that fails stops that command alone, so that shipments which cannot be made do not hold up
//! new orders. All of it is one worker's memory: who takes an account over learns it anew, at the price of a few calls.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use orderbridge_http_client::FailureClass;
use orderbridge_postgres::WorkItem;
use orderbridge_schema::command::CommandKind;
use orderbridge_schema::ids::Platform;
use orderbridge_schema::work::{Scope, WorkKey};

use crate::backoff;
use crate::perform;

/// One item that fails may be to blame itself, and so may two; several have a common cause.
const SEVERAL: usize = 3;
/// Longest wait between two probes: two calls a minute harm nobody, and what waits goes on soon after the cause is gone.
const LONGEST: Duration = Duration::from_secs(30);
/// When items are looked at again that another item probes for at this moment.
const AFTER_PROBE: Duration = Duration::from_secs(3);

/// What an item needs of a platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Step {
    platform: Platform,
    /// None: reading.
    command: Option<CommandKind>,
}

impl Step {
    /// Reading from a platform.
    pub(crate) const fn read(platform: Platform) -> Self {
        Self { platform, command: None }
    }

    /// Carrying out a kind of command.
    pub(crate) const fn write(kind: CommandKind) -> Self {
        Self { platform: perform::platform(kind), command: Some(kind) }
    }
}

/// Why items fail: what they cannot do, and how it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Trouble {
    pub(crate) step: Step,
    pub(crate) class: FailureClass,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.step.platform, self.class)?;
        self.step.command.map_or(Ok(()), |kind| write!(f, "/{kind}"))
    }
}

/// The breakers of one account's tenants, and of the account itself.
#[derive(Debug, Default)]
pub(crate) struct Breakers {
    all: BTreeMap<(Scope, Trouble), Breaker>,
    /// What items were found to wait for, so that nothing is read for them until it works again.
    waiting: BTreeMap<WorkKey, Step>,
    /// Items that waited for what works again: that they failed was not their fault, so they do not go on as retries.
    excused: BTreeSet<WorkKey>,
}

/// One (tenant, cause).
#[derive(Debug, Default)]
struct Breaker {
    /// Items that failed for it since something last worked.
    failing: BTreeSet<WorkKey>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    probe_at: Timestamp,
    failures: u32,
    probe: Option<WorkKey>,
}

impl Open {
    fn until(&self, now: Timestamp) -> Timestamp {
        let soonest = if self.probe.is_some() { later(now, AFTER_PROBE) } else { later(now, Duration::from_secs(1)) };
        self.probe_at.max(soonest)
    }

    fn put_off(&mut self, now: Timestamp, asked: Duration) {
        let wait = backoff::after_attempts(self.failures).min(LONGEST).max(asked);
        self.probe = None;
        self.probe_at = later(now, wait);
    }
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

impl Breakers {
    /// An item failed. `asked` is how long the platform wants to be left alone, if it says.
    pub(crate) fn failed(&mut self, key: &WorkKey, trouble: Trouble, asked: Duration, now: Timestamp) {
        let breaker = self.all.entry((key.scope.clone(), trouble)).or_default();
        breaker.failing.insert(key.clone());
        match &mut breaker.open {
            Some(open) if open.probe.as_ref() == Some(key) => {
                open.failures = open.failures.saturating_add(1);
                open.put_off(now, asked);
            }
            // It was under way when the breaker opened.
            Some(_) => {}
            None if breaker.failing.len() >= SEVERAL => {
                let mut open = Open { probe_at: now, failures: 1, probe: None };
                open.put_off(now, asked);
                tracing::warn!(scope = %key.scope, cause = %trouble, until = %open.probe_at, "several items fail for one cause: the others wait and one probes");
                metrics::counter!("orderbridge_breakers_opened_total", "cause" => trouble.to_string()).increment(1);
                self.waiting.extend(breaker.failing.iter().map(|key| (key.clone(), trouble.step)));
                breaker.open = Some(open);
            }
            None => {}
        }
        if breaker.open.is_some() {
            self.waiting.insert(key.clone(), trouble.step);
        }
    }

    /// An item was not let through to what it needs.
    pub(crate) fn waits(&mut self, key: &WorkKey, step: Step) {
        self.waiting.insert(key.clone(), step);
    }

    /// Something works: whoever waits for it goes on.
    pub(crate) fn worked(&mut self, scope: &Scope, step: Step) {
        self.all.retain(|(of, trouble), breaker| {
            let is_mended = of == scope && trouble.step == step;
            if is_mended && breaker.open.is_some() {
                tracing::info!(%scope, cause = %trouble, "it works again: what waited goes on");
            }
            !is_mended
        });
        let mended = self.waiting.extract_if(.., |key, waits_for| key.scope == *scope && *waits_for == step);
        self.excused.extend(mended.map(|(key, _)| key));
    }

    /// Whether an item's earlier failures are excused.
    pub(crate) fn excuses(&self, key: &WorkKey) -> bool {
        self.excused.contains(key)
    }

    /// The same, for the one time that it counts.
    pub(crate) fn excuse(&mut self, key: &WorkKey) -> bool {
        self.excused.remove(key)
    }

    /// Whether an item may carry out a kind of command now; else when to ask again. Whom reads from a platform fail writes nothing there
    /// either.
    pub(crate) fn may(&mut self, key: &WorkKey, kind: CommandKind, now: Timestamp) -> Result<(), Timestamp> {
        for step in [Step::write(kind), Step::read(perform::platform(kind))] {
            if let Some(until) = self.shut_for(key, step, now) {
                self.waits(key, step);
                return Err(until);
            }
        }
        Ok(())
    }

    /// Platforms that a tenant's items must not call now, and until when. A probe may call what it probes.
    pub(crate) fn shut(&self, scope: &Scope, probe: Option<&WorkKey>, now: Timestamp) -> BTreeMap<Platform, Timestamp> {
        let is_probed = |open: &Open| probe.is_some() && open.probe.as_ref() == probe;
        let open = self.open(scope).filter(|(trouble, open)| trouble.step.command.is_none() && !is_probed(open));
        let mut shut: BTreeMap<Platform, Timestamp> = BTreeMap::new();
        for (trouble, open) in open {
            let until = shut.entry(trouble.step.platform).or_insert(Timestamp::MIN);
            *until = open.until(now).max(*until);
        }
        shut
    }

    /// Takes the item out that is to probe, if it is time for one: of those that wait for it the one that failed least.
    pub(crate) fn take_probe(&mut self, scope: &Scope, items: &mut Vec<WorkItem>, now: Timestamp) -> Option<WorkItem> {
        let due = |(trouble, open): (&Trouble, &Open)| (open.probe.is_none() && open.probe_at <= now).then_some(*trouble);
        let causes: Vec<Trouble> = self.open(scope).filter_map(due).collect();
        for trouble in causes {
            let waits = |item: &WorkItem| self.waiting.get(&item.key) == Some(&trouble.step);
            // Whoever comes first needs to read, too.
            let anybody = trouble.step.command.is_none() && !items.iter().any(waits);
            let candidates = items.iter().enumerate().filter(|(_, item)| anybody || waits(item));
            let Some(place) = candidates.min_by_key(|(_, item)| item.attempts).map(|(place, _)| place) else { continue };
            let probe = items.remove(place);
            // One item probes for all causes of the same step: which of them is left, it tells.
            let same_step = |((of, other), _): &(&(Scope, Trouble), &mut Breaker)| of == scope && other.step == trouble.step;
            for (_, breaker) in self.all.iter_mut().filter(same_step) {
                if let Some(open) = &mut breaker.open {
                    open.probe = Some(probe.key.clone());
                }
            }
            return Some(probe);
        }
        None
    }

    /// A probe has ended. One that is through shows that nothing stands in the way any more, whatever it came to need; if it told
    /// nothing about what it was to probe, another item probes soon.
    pub(crate) fn probed(&mut self, key: &WorkKey, is_through: bool, now: Timestamp) {
        let mut through = BTreeSet::new();
        for ((_, trouble), breaker) in &mut self.all {
            if let Some(open) = breaker.open.as_mut().filter(|open| open.probe.as_ref() == Some(key)) {
                open.put_off(now, Duration::ZERO);
                through.insert(trouble.step);
            }
        }
        through.into_iter().filter(|_| is_through).for_each(|step| self.worked(&key.scope, step));
    }

    /// Those that go on, and those that are known to wait for something that does not work yet, with when to look at them again.
    pub(crate) fn part(&self, scope: &Scope, items: Vec<WorkItem>, now: Timestamp) -> (Vec<WorkItem>, Vec<(WorkItem, Timestamp)>) {
        let (mut free, mut left) = (Vec::new(), Vec::new());
        for item in items {
            // Whatever an account itself has to do begins with a read from Brightpearl.
            let of_account = scope.tenant().is_none().then_some(Step::read(Platform::Brightpearl));
            let step = self.waiting.get(&item.key).copied().or(of_account);
            match step.and_then(|step| self.shut_for(&item.key, step, now)) {
                Some(until) => left.push((item, until)),
                None => free.push(item),
            }
        }
        (free, left)
    }

    fn open<'a>(&'a self, scope: &'a Scope) -> impl Iterator<Item = (&'a Trouble, &'a Open)> {
        self.all.iter().filter(move |((of, _), _)| of == scope).filter_map(|((_, trouble), breaker)| Some((trouble, breaker.open.as_ref()?)))
    }

    /// Until when a step is shut for an item that does not probe for it.
    fn shut_for(&self, key: &WorkKey, step: Step, now: Timestamp) -> Option<Timestamp> {
        let open = self.open(&key.scope).filter(|(trouble, open)| trouble.step == step && open.probe.as_ref() != Some(key));
        open.map(|(_, open)| open.until(now)).max()
    }
}

#[cfg(test)]
#[path = "breaker_tests.rs"]
mod tests;
