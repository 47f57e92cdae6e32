//! Work items against a simple specification: whatever events, claims, ends of claims and takeovers follow each other, an event is looked
//! at by a claim that began after it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use orderbridge_postgres::{Lease, Postponed, WorkItem};
use orderbridge_schema::clock::Clock as _;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::{TestDb, account, event, order};

/// Entities that a case's steps speak of.
const ENTITIES: u64 = 3;

/// One thing that happens.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// An event of an entity is taken in.
    Event(u64),
    /// The present owner claims what is due.
    Claim,
    /// A claim made earlier, perhaps by a former owner, ends: done.
    Done(usize),
    /// It ends: later.
    Later(usize),
    /// It never ends, but time passes until it is thought lost.
    Lost,
    /// Another processor takes the lease.
    Takeover,
    /// Back-offs run out.
    Wait,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..=ENTITIES).prop_map(Step::Event),
        4 => Just(Step::Claim),
        4 => (0usize..8).prop_map(Step::Done),
        2 => (0usize..8).prop_map(Step::Later),
        2 => Just(Step::Lost),
        1 => Just(Step::Takeover),
        1 => Just(Step::Wait),
    ];
    prop::collection::vec(step, 1..40)
}

/// A claim under way, and how many events there had been when it began.
type Claimed = (WorkItem, u64);

/// The specification: events counted, and how many of them a finished claim has seen.
struct Model<'a> {
    test: &'a TestDb,
    /// What is added to entities, so that cases do not meet.
    base: u64,
    lease: Lease,
    owners: u32,
    events: BTreeMap<u64, u64>,
    seen: BTreeMap<u64, u64>,
    claims: Vec<Claimed>,
}

impl Model<'_> {
    fn owner(&self) -> String {
        format!("owner-{}-{}", self.base, self.owners)
    }

    async fn takeover(&mut self) {
        self.test.execute("update account_leases set expires_at = clock_timestamp() - interval '1 second'");
        self.owners += 1;
        self.lease = self.test.lease(&self.owner()).await;
    }

    async fn claim(&mut self) -> usize {
        let items = self.test.claim(&self.lease, &self.owner()).await;
        let count = items.len();
        self.claims.extend(items.into_iter().map(|item| {
            let events = self.events[&item.key.entity];
            (item, events)
        }));
        count
    }

    /// Ends a claim as done. The one thing that must never be: it counts as finished although an event came after it began.
    async fn done(&mut self, index: usize) -> Result<(), TestCaseError> {
        if self.claims.is_empty() {
            return Ok(());
        }
        let (item, began_after) = self.claims.remove(index % self.claims.len());
        if self.test.db.complete(&item).await.unwrap() {
            let entity = item.key.entity;
            prop_assert_eq!(began_after, self.events[&entity], "an event of {} was swallowed", entity);
            self.seen.insert(entity, began_after);
        }
        Ok(())
    }

    async fn later(&mut self, index: usize) {
        if self.claims.is_empty() {
            return;
        }
        let (item, _began_after) = self.claims.remove(index % self.claims.len());
        let due_at = self.test.clock.now().checked_add(Duration::from_secs(30)).unwrap();
        let postponed = Postponed { due_at, reason: "later".into(), counts_as_attempt: true, floor: None };
        self.test.db.reschedule(&item, postponed).await.unwrap();
    }

    async fn take(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Event(entity) => {
                let entity = self.base + entity;
                self.test.db.upsert(&[event(&order("acme", entity))]).await.unwrap();
                *self.events.entry(entity).or_default() += 1;
            }
            Step::Claim => {
                self.claim().await;
            }
            Step::Done(index) => self.done(index).await?,
            Step::Later(index) => self.later(index).await,
            Step::Lost => self.test.execute("update work_items set claimed_at = claimed_at - interval '16 minutes'"),
            Step::Takeover => self.takeover().await,
            Step::Wait => self.test.clock.advance(Duration::from_secs(31)),
        }
        Ok(())
    }

    /// A healthy owner works everything off: then each event was seen.
    async fn settle(&mut self) -> Result<(), TestCaseError> {
        self.takeover().await;
        self.claims.clear();
        loop {
            self.test.clock.advance(Duration::from_secs(31));
            if self.claim().await == 0 {
                break;
            }
            while !self.claims.is_empty() {
                self.done(0).await?;
            }
        }
        prop_assert_eq!(&self.seen, &self.events);
        Ok(())
    }
}

#[test]
fn whatever_follows_what_every_event_is_looked_at_after_it_came() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let test = runtime.block_on(async {
        let test = TestDb::new().await;
        test.with_tenant().await;
        test
    });
    let case = AtomicU64::new(0);
    let mut runner = TestRunner::new(Config { cases: 96, failure_persistence: None, ..Config::default() });
    let checked = runner.run(&steps(), |steps| {
        runtime.block_on(async {
            let lease = Lease { account: account(), fence: 0 };
            let (events, seen) = (BTreeMap::new(), BTreeMap::new());
            let base = 1000 * case.fetch_add(1, Ordering::Relaxed);
            let mut model = Model { test: &test, base, lease, owners: 0, events, seen, claims: Vec::new() };
            model.takeover().await;
            for step in steps {
                model.take(step).await?;
            }
            model.settle().await
        })
    });
    checked.unwrap();
}
