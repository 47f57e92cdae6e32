//! The work of one leased Brightpearl account: claimed, handed out so that no tenant waits for another, and finished.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use orderbridge_http_client::QuotaGate;
use orderbridge_kafka::Publisher;
use orderbridge_postgres::{Db, Lease, ShareLimit, WorkItem};
use orderbridge_schema::clock::Clock;
use orderbridge_schema::work::{Scope, Share};
use tokio::sync::Notify;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::batch::Finished;
use crate::breaker::Breakers;
use crate::catalogue_pass::Progress;
use crate::connections::Connections;
use crate::failure;
use crate::hooks::Mender;
use crate::outcome::Outcome;
use crate::refusals::Refusals;
use crate::settings::ProcessorSettings;

/// What belongs to one lease on one account.
#[derive(Debug, Clone)]
pub(crate) struct Worker {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) gate: Arc<dyn QuotaGate>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) settings: Arc<ProcessorSettings>,
    pub(crate) lease: Lease,
    pub(crate) owner: String,
    /// Cancelled when the lease is given up: nothing new is begun then.
    pub(crate) stop: CancellationToken,
    /// Held while the catalogue is loaded, which one lane does for all.
    pub(crate) loading: Arc<tokio::sync::Mutex<()>>,
    /// How far the daily pass through the catalogue has come, if it could not end in one go.
    pub(crate) pass: Arc<tokio::sync::Mutex<Option<Progress>>>,
    /// What the account's tenants leave alone for now.
    pub(crate) breakers: Arc<Mutex<Breakers>>,
    /// Refusals of the account's tenants that are tried again.
    pub(crate) refusals: Arc<Refusals>,
    /// Tells what sweeps find.
    pub(crate) publisher: Publisher,
    /// Looks after webhook registrations.
    pub(crate) mender: Arc<Mender>,
}

/// A lane: one tenant (or the account itself) and one share of the quota. Lanes work side by side; inside one, batches follow each other.
type Lane = (Scope, Share);

/// What failed before is paid from a share of its own, in a lane of its own, unless it failed with all others.
fn lane_of(board: &Board, breakers: &Breakers, item: &WorkItem) -> Lane {
    let retries = (item.key.scope.clone(), Share::Retries);
    // A replay's failures stay with the replay: they must not eat what mends live ones.
    let failed_before = item.attempts > 1 && item.share != Share::Replay && !board.busy.contains(&retries) && !breakers.excuses(&item.key);
    if failed_before { retries } else { (item.key.scope.clone(), item.share) }
}

/// What is under way.
#[derive(Default)]
struct Board {
    busy: BTreeSet<Lane>,
    in_flight: HashMap<Id, (Lane, Vec<WorkItem>)>,
}

impl Worker {
    /// Works until told to stop; then finishes what was begun.
    pub(crate) async fn run(self, wake: Arc<Notify>) {
        tokio::select! {
            () = self.lanes(&wake) => {}
            () = self.watch_causes() => {}
            () = self.catch_up() => {}
            () = self.watch_lists() => {}
            () = self.watch_books() => {}
        }
        self.connections.unknown_names.forget(&self.lease.account);
        self.connections.nights_found.forget(&self.lease.account);
    }

    /// Events may have been lost while nobody worked on the account: everything is swept soon. Never ends by itself.
    async fn catch_up(&self) {
        while let Err(error) = self.db.hasten_sweeps(&self.lease.account, self.settings.sweeps.start_within).await {
            tracing::debug!(account = %self.lease.account, %error, "sweeps could not be brought forward yet");
            tokio::time::sleep(self.settings.idle_scan).await;
        }
        std::future::pending().await
    }

    async fn lanes(&self, wake: &Notify) {
        let token = &self.stop;
        let mut board = Board::default();
        let mut tasks: JoinSet<()> = JoinSet::new();
        loop {
            if !token.is_cancelled() {
                self.take_up(&mut board, &mut tasks).await;
            }
            tokio::select! {
                () = token.cancelled(), if tasks.is_empty() => break,
                Some(ended) = tasks.join_next_with_id(), if !tasks.is_empty() => self.ended(&mut board, ended).await,
                () = wake.notified(), if !token.is_cancelled() => {}
            }
        }
    }

    /// Claims what is due and starts a task for each lane that is free.
    async fn take_up(&self, board: &mut Board, tasks: &mut JoinSet<()>) {
        let limits: Vec<ShareLimit> = Share::ALL.iter().map(|&share| self.limit(board, share)).collect();
        let claimed = match self.db.claim(&self.lease.account, self.lease.fence, &self.owner, &limits).await {
            Ok(claimed) => claimed,
            Err(error) => return tracing::warn!(account = %self.lease.account, %error, "nothing could be claimed"),
        };
        let mut lanes: BTreeMap<Lane, Vec<WorkItem>> = BTreeMap::new();
        for item in claimed {
            lanes.entry(lane_of(board, &self.breakers(), &item)).or_default().push(item);
        }
        for (lane, items) in lanes {
            board.busy.insert(lane.clone());
            let worker = self.clone();
            let (scope, share) = lane.clone();
            let kept = items.clone();
            let handle = tasks.spawn(async move { worker.work_on(scope, share, items).await });
            board.in_flight.insert(handle.id(), (lane, kept));
        }
    }

    fn limit(&self, board: &Board, share: Share) -> ShareLimit {
        let busy = board.busy.iter().filter(|lane| lane.1 == share).map(|lane| lane.0.clone());
        ShareLimit { share, limit: self.settings.batch_max, except: busy.collect() }
    }

    /// Lets a lane go on whose batch has ended.
    async fn ended(&self, board: &mut Board, ended: Result<(Id, ()), JoinError>) {
        let id = match &ended {
            Ok((id, ())) => *id,
            Err(error) => {
                tracing::error!(account = %self.lease.account, %error, "a batch ended unexpectedly");
                metrics::counter!("orderbridge_batches_lost_total").increment(1);
                error.id()
            }
        };
        let Some((lane, items)) = board.in_flight.remove(&id) else { return };
        board.busy.remove(&lane);
        if ended.is_err() {
            items.iter().for_each(|item| self.breakers().probed(&item.key, false, self.clock.now()));
            self.finish(Finished::all(items, &failure::failed(3, "the batch ended unexpectedly".into()))).await;
        }
    }

    /// What the account's tenants leave alone for now.
    pub(crate) fn breakers(&self) -> MutexGuard<'_, Breakers> {
        self.breakers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks now and then for what orders wait for and no event may tell of. Never ends by itself.
    async fn watch_causes(&self) {
        let mut ticks = tokio::time::interval(self.settings.mended_check);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut contacts_looked_at = None;
        loop {
            let is_time = tokio::select! {
                _ = ticks.tick() => true,
                () = self.refusals.ended() => false,
            };
            if is_time {
                self.tell(self.check_unknown_skus().await);
                self.tell(self.check_contacts(&mut contacts_looked_at).await);
            }
            self.tell(self.probe_refusals().await);
        }
    }

    fn tell(&self, looked_for: Result<(), Outcome>) {
        if let Err(outcome) = looked_for {
            tracing::debug!(account = %self.lease.account, ?outcome, "what orders wait for could not be looked for");
        }
    }
}
