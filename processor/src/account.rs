//! The work of one leased Brightpearl account: claimed, handed out so that no tenant waits for another, and finished.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use orderbridge_http_client::QuotaGate;
use orderbridge_postgres::{Db, Lease, ShareLimit, WorkItem};
use orderbridge_schema::clock::Clock;
use orderbridge_schema::work::{Scope, Share};
use tokio::sync::Notify;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::backoff;
use crate::batch::{Finished, Verdict};
use crate::connections::Connections;
use crate::failure;
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
}

/// A lane: one tenant (or the account itself) and one share of the quota. Lanes work side by side; inside one, batches follow each other.
type Lane = (Scope, Share);

/// What failed before is paid from a share of its own, in a lane of its own.
fn lane_of(board: &Board, item: &WorkItem) -> Lane {
    let retries = (item.key.scope.clone(), Share::Retries);
    let failed_before = item.attempts > 1 && !board.busy.contains(&retries);
    if failed_before { retries } else { (item.key.scope.clone(), item.share) }
}

/// What is under way and what is left alone for now.
#[derive(Default)]
struct Board {
    busy: BTreeSet<Lane>,
    in_flight: HashMap<Id, (Lane, Vec<WorkItem>)>,
    resting: BTreeMap<Scope, Rest>,
}

/// A tenant whose work failed as a whole: one item probes before the others follow.
struct Rest {
    until: Timestamp,
    failures: u32,
}

impl Worker {
    /// Works until told to stop; then finishes what was begun.
    pub(crate) async fn run(self, wake: Arc<Notify>) {
        tokio::select! {
            () = self.lanes(&wake) => {}
            () = self.watch_causes() => {}
        }
    }

    async fn lanes(&self, wake: &Notify) {
        let token = &self.stop;
        let mut board = Board::default();
        let mut tasks: JoinSet<Verdict> = JoinSet::new();
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
    async fn take_up(&self, board: &mut Board, tasks: &mut JoinSet<Verdict>) {
        let now = self.clock.now();
        let limits: Vec<ShareLimit> = Share::ALL.iter().map(|&share| self.limit(board, share, now)).collect();
        let claimed = match self.db.claim(&self.lease.account, self.lease.fence, &self.owner, &limits).await {
            Ok(claimed) => claimed,
            Err(error) => return tracing::warn!(account = %self.lease.account, %error, "nothing could be claimed"),
        };
        let mut lanes: BTreeMap<Lane, Vec<WorkItem>> = BTreeMap::new();
        for item in claimed {
            lanes.entry(lane_of(board, &item)).or_default().push(item);
        }
        for (lane, items) in lanes {
            let probing = board.resting.contains_key(&lane.0);
            board.busy.insert(lane.clone());
            let worker = self.clone();
            let (scope, share) = lane.clone();
            let kept = items.clone();
            let handle = tasks.spawn(async move { worker.work_on(scope, share, items, probing).await });
            board.in_flight.insert(handle.id(), (lane, kept));
        }
    }

    fn limit(&self, board: &Board, share: Share, now: Timestamp) -> ShareLimit {
        let busy = board.busy.iter().filter(|lane| lane.1 == share).map(|lane| lane.0.clone());
        let resting = board.resting.iter().filter(|(_, rest)| rest.until > now).map(|(scope, _)| scope.clone());
        ShareLimit { share, limit: self.settings.batch_max, except: busy.chain(resting).collect() }
    }

    /// Lets a lane go on whose batch has ended.
    async fn ended(&self, board: &mut Board, ended: Result<(Id, Verdict), JoinError>) {
        let (id, verdict) = match ended {
            Ok((id, verdict)) => (id, Some(verdict)),
            Err(error) => {
                tracing::error!(account = %self.lease.account, %error, "a batch ended unexpectedly");
                metrics::counter!("orderbridge_batches_lost_total").increment(1);
                (error.id(), None)
            }
        };
        let Some((lane, items)) = board.in_flight.remove(&id) else { return };
        board.busy.remove(&lane);
        match verdict {
            Some(verdict) => self.rest(board, &lane.0, verdict),
            None => self.finish(Finished::all(items, &failure::failed(3, "the batch ended unexpectedly".into()))).await,
        }
    }

    /// A tenant whose whole batch failed for a reason outside its items rests; the first success wakes it.
    fn rest(&self, board: &mut Board, scope: &Scope, verdict: Verdict) {
        let is_probed = board.resting.contains_key(scope);
        match verdict {
            Verdict::Works => {
                board.resting.remove(scope);
                return;
            }
            Verdict::Unknown if !is_probed => return,
            Verdict::Unknown | Verdict::Fails => {}
        }
        let failures = board.resting.get(scope).map_or(1, |rest| rest.failures.saturating_add(1));
        let wait = backoff::after_attempts(failures);
        let until = self.clock.now().checked_add(wait).unwrap_or(Timestamp::MAX);
        tracing::warn!(%scope, failures, wait_ms = wait.as_millis(), "left alone for a while after failures");
        board.resting.insert(scope.clone(), Rest { until, failures });
    }

    /// Looks now and then for what orders wait for and no event may tell of. Never ends by itself.
    async fn watch_causes(&self) {
        let mut ticks = tokio::time::interval(self.settings.mended_check);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut probed = BTreeMap::new();
        loop {
            ticks.tick().await;
            for checked in [self.check_unknown_skus().await, self.check_contacts().await, self.probe_refusals(&mut probed).await] {
                if let Err(outcome) = checked {
                    tracing::debug!(account = %self.lease.account, ?outcome, "what orders wait for could not be looked for");
                }
            }
        }
    }
}
