//! Which accounts this processor works on: leases taken, renewed, and given up in time.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use orderbridge_http_client::{HttpClient, QuotaGate};
use orderbridge_kafka::Publisher;
use orderbridge_postgres::{Db, DbError, Lease, WorkSignal, WorkSignals};
use orderbridge_reconcile::NestedReads;
use orderbridge_schema::clock::Clock;
use orderbridge_schema::ids::AccountCode;
use orderbridge_schema::work::Share;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Interval, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::account::Worker;
use crate::connections::Connections;
use crate::hooks::{Mender, Payer};
use crate::own_writes::OwnWrites;
use crate::settings::{NestedInclude, ProcessorSettings};

/// How often the timeline's partitions are looked after.
const PARTITIONS_EVERY: Duration = Duration::from_secs(6 * 3600);

/// Leases accounts and runs a worker for each.
#[derive(Debug)]
pub(crate) struct Scheduler {
    db: Db,
    signals: WorkSignals,
    clock: Arc<dyn Clock>,
    gate: Arc<dyn QuotaGate>,
    connections: Arc<Connections>,
    settings: Arc<ProcessorSettings>,
    owner: String,
    publisher: Publisher,
    mender: Arc<Mender>,
}

/// What calls, asks and tells others.
#[derive(Debug)]
pub(crate) struct Tools {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) gate: Arc<dyn QuotaGate>,
    pub(crate) http: HttpClient,
    pub(crate) publisher: Publisher,
    pub(crate) public_url: Option<Url>,
}

/// Which worker has ended.
type Ended = (AccountCode, i64);

/// A worker that runs.
struct Running {
    fence: i64,
    wake: Arc<Notify>,
    token: CancellationToken,
}

/// When something is to be done without being asked.
struct Ticks {
    renew: Interval,
    scan: Interval,
    months: Interval,
}

impl Ticks {
    fn new(settings: &ProcessorSettings) -> Self {
        Self { renew: interval(settings.lease_ttl / 3), scan: interval(settings.idle_scan), months: interval(PARTITIONS_EVERY) }
    }
}

/// Waits for a moment; for ever if there is none.
async fn passed(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}

impl Scheduler {
    pub(crate) fn new(tools: Tools, signals: WorkSignals, settings: Arc<ProcessorSettings>, owner: String) -> Self {
        let Tools { db, clock, gate, http, publisher, public_url } = tools;
        let connections = Connections {
            db: db.clone(),
            http,
            gate: Arc::clone(&gate),
            clock: Arc::clone(&clock),
            holder: owner.clone(),
            calls_at_once: usize::try_from(settings.calls_at_once).unwrap_or(1),
            nested: Arc::new(NestedReads::new(settings.nested_include == NestedInclude::Auto)),
            own_writes: OwnWrites::default(),
            method_names: std::sync::Mutex::default(),
            references: crate::reference::Kept::default(),
            unknown_names: crate::lists::UnknownNames::default(),
            nights_found: crate::audit::NightsFound::default(),
            early_again_at: std::sync::Mutex::default(),
            exchanges: TaskTracker::new(),
        };
        let payer = Payer { gate: Arc::clone(&gate), share: Share::Sweeps, send_within: settings.send_within };
        let mender = Arc::new(Mender::new(public_url.as_ref(), payer));
        Self { db, signals, clock, gate, connections: Arc::new(connections), settings, owner, publisher, mender }
    }

    /// Runs until told to stop, then lets the workers finish what they have begun, and gives the leases back.
    pub(crate) async fn run(mut self, token: CancellationToken) {
        let mut running: HashMap<AccountCode, Running> = HashMap::new();
        let mut workers: JoinSet<Ended> = JoinSet::new();
        let mut ticks = Ticks::new(&self.settings);
        // The monotonic moment after which no lease may be used without a renewal.
        let mut safe_until = Instant::now();
        loop {
            let limit = (!running.is_empty()).then_some(safe_until);
            // A database that does not answer keeps us neither from giving leases up in time nor from ending.
            tokio::select! {
                () = token.cancelled() => break,
                () = self.step(&mut ticks, &mut running, &mut workers, &mut safe_until) => {}
                () = passed(limit) => stop_all(&mut running),
            }
        }
        stop_all(&mut running);
        self.connections.exchanges.close();
        let drained = tokio::time::timeout(self.settings.drain, async {
            while workers.join_next().await.is_some() {}
            self.connections.exchanges.wait().await;
        });
        let drained = drained.await;
        if drained.is_err() {
            tracing::warn!("some calls were still under way at the end of the drain time; the journal knows them");
        }
        let released = tokio::time::timeout(self.settings.lease_ttl, self.db.release_leases(&self.owner)).await;
        if let Err(error) = released.unwrap_or_else(|_elapsed| Err(DbError::Unavailable("no answer".into()))) {
            tracing::warn!(%error, "leases could not be given back and will run out");
        }
    }

    /// Waits for the next thing to do and does it. It may be dropped at any moment: what the database did meanwhile shows at the next
    /// renewal.
    async fn step(&mut self, ticks: &mut Ticks, running: &mut HashMap<AccountCode, Running>, workers: &mut JoinSet<Ended>, safe_until: &mut Instant) {
        tokio::select! {
            _ = ticks.renew.tick() => self.renew(running, safe_until).await,
            _ = ticks.scan.tick() => {
                self.acquire(running, workers, safe_until).await;
                self.schedule_sweeps(running).await;
                self.wake_due(running).await;
            }
            _ = ticks.months.tick() => self.make_partitions().await,
            signal = self.signals.next() => self.signalled(signal, running, workers, safe_until).await,
            Some(ended) = workers.join_next(), if !workers.is_empty() => forget(running, ended.ok()),
        }
    }

    async fn signalled(
        &self,
        signal: WorkSignal,
        running: &mut HashMap<AccountCode, Running>,
        workers: &mut JoinSet<Ended>,
        safe_until: &mut Instant,
    ) {
        match signal {
            WorkSignal::Accounts(accounts) => {
                if accounts.iter().any(|account| !running.contains_key(account)) {
                    self.acquire(running, workers, safe_until).await;
                }
                accounts.iter().filter_map(|account| running.get(account)).for_each(|worker| worker.wake.notify_one());
            }
            WorkSignal::All => running.values().for_each(|worker| worker.wake.notify_one()),
        }
    }

    /// The timeline's months are made ahead of time; without them rows are kept all the same, only less tidily.
    async fn make_partitions(&self) {
        if let Err(error) = self.db.ensure_timeline_partitions().await {
            tracing::warn!(%error, "the timeline's partitions could not be made");
        }
    }

    /// Takes leases that nobody has, and starts a worker for each.
    async fn acquire(&self, running: &mut HashMap<AccountCode, Running>, workers: &mut JoinSet<Ended>, safe_until: &mut Instant) {
        let free = self.settings.accounts_max.saturating_sub(u32::try_from(running.len()).unwrap_or(u32::MAX));
        if free == 0 {
            return;
        }
        let asked = Instant::now();
        match self.db.acquire_leases(&self.owner, free, self.settings.lease_ttl).await {
            Ok(leases) => {
                if running.is_empty() && !leases.is_empty() {
                    *safe_until = asked + self.usable();
                }
                leases.into_iter().for_each(|lease| self.start(lease, running, workers));
            }
            Err(error) => tracing::warn!(%error, "no lease could be taken"),
        }
    }

    fn start(&self, lease: Lease, running: &mut HashMap<AccountCode, Running>, workers: &mut JoinSet<Ended>) {
        if running.get(&lease.account).is_some_and(|worker| worker.fence == lease.fence) {
            return;
        }
        let (wake, token) = (Arc::new(Notify::new()), CancellationToken::new());
        let worker = Running { fence: lease.fence, wake: Arc::clone(&wake), token: token.clone() };
        tracing::info!(account = %lease.account, fence = lease.fence, "working on an account");
        if let Some(former) = running.insert(lease.account.clone(), worker) {
            former.token.cancel();
        }
        let ended = (lease.account.clone(), lease.fence);
        let work = AssertUnwindSafe(self.worker(lease, token).run(wake)).catch_unwind();
        workers.spawn(async move {
            if work.await.is_err() {
                tracing::error!(account = %ended.0, "work on an account ended unexpectedly; its lease is given back");
            }
            ended
        });
    }

    fn worker(&self, lease: Lease, stop: CancellationToken) -> Worker {
        Worker {
            db: self.db.clone(),
            clock: Arc::clone(&self.clock),
            gate: Arc::clone(&self.gate),
            connections: Arc::clone(&self.connections),
            settings: Arc::clone(&self.settings),
            lease,
            owner: self.owner.clone(),
            stop,
            loading: Arc::default(),
            pass: Arc::default(),
            breakers: Arc::default(),
            refusals: Arc::default(),
            publisher: self.publisher.clone(),
            mender: Arc::clone(&self.mender),
        }
    }

    /// Renews all leases with one statement; a lease that was lost ends its worker.
    async fn renew(&self, running: &mut HashMap<AccountCode, Running>, safe_until: &mut Instant) {
        let asked = Instant::now();
        match self.db.renew_leases(&self.owner, self.settings.lease_ttl).await {
            Ok(kept) => {
                self.give_back_unused(&kept, running).await;
                *safe_until = asked + self.usable();
                let is_kept =
                    |account: &AccountCode, worker: &Running| kept.iter().any(|lease| lease.account == *account && lease.fence == worker.fence);
                running.retain(|account, worker| {
                    let kept = is_kept(account, worker);
                    if !kept {
                        tracing::warn!(%account, "lost the lease on an account");
                        worker.token.cancel();
                    }
                    kept
                });
            }
            Err(error) => tracing::warn!(%error, "leases could not be renewed"),
        }
    }

    /// A lease of ours that no worker works under (its worker ended, or the answer that granted it was lost) is given back: it is then
    /// acquired anew, under a fence that may claim what the old one held.
    async fn give_back_unused(&self, kept: &[Lease], running: &HashMap<AccountCode, Running>) {
        let is_used = |lease: &&Lease| running.get(&lease.account).is_some_and(|worker| worker.fence == lease.fence);
        for lease in kept.iter().filter(|lease| !is_used(lease)) {
            if let Err(error) = self.db.release_lease(&self.owner, &lease.account).await {
                tracing::warn!(account = %lease.account, %error, "an unused lease could not be given back yet");
            }
        }
    }

    /// How long after asking a lease may be used: the margin covers a clock that runs fast and a thread that wakes late.
    fn usable(&self) -> Duration {
        self.settings.lease_ttl.saturating_sub(self.settings.lease_margin)
    }

    /// Makes work of the sweeps that are due.
    async fn schedule_sweeps(&self, running: &HashMap<AccountCode, Running>) {
        if running.is_empty() {
            return;
        }
        if let Err(error) = self.db.schedule_sweeps(&self.owner, &self.settings.sweeps.timetable()).await {
            tracing::warn!(%error, "due sweeps could not be looked for");
        }
    }

    /// Wakes the workers whose next item is due; notifications only make this sooner.
    async fn wake_due(&self, running: &HashMap<AccountCode, Running>) {
        let ready: Result<_, DbError> = self.db.ready_accounts().await;
        match ready {
            Ok(ready) => {
                let now = self.clock.now();
                let due = ready.iter().filter(|ready| ready.due_at <= now);
                due.filter_map(|ready| running.get(&ready.account)).for_each(|worker| worker.wake.notify_one());
            }
            Err(error) => tracing::warn!(%error, "due work could not be looked for"),
        }
    }
}

/// A worker has ended. If nobody told it to, the account is free for a new one.
fn forget(running: &mut HashMap<AccountCode, Running>, ended: Option<Ended>) {
    if let Some((account, fence)) = ended
        && running.get(&account).is_some_and(|worker| worker.fence == fence)
    {
        running.remove(&account);
    }
}

fn stop_all(running: &mut HashMap<AccountCode, Running>) {
    for (account, worker) in running.drain() {
        tracing::info!(%account, "stopping work on an account");
        worker.token.cancel();
    }
}
