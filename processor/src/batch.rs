//! One lane's batch, from claim to what is written down about it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use orderbridge_http_client::{CallError, QuotaGate, crash};
use orderbridge_postgres::{DbError, Postponed, WorkItem};
use orderbridge_reconcile::Session;
use orderbridge_schema::ids::{Platform, TenantId};
use orderbridge_schema::link::NoteKind;
use orderbridge_schema::work::{Scope, Share, WorkKey, WorkKind};

use crate::account::Worker;
use crate::breaker::{Step, Trouble};
use crate::connections::AccountClient;
use crate::gate::BatchGate;
use crate::orders::Looked;
use crate::outcome::{Met, Outcome, When};

/// How long finished work may wait for a database that is away before its lease is left to end.
const WRITE_TRIES: u32 = 20;
/// Why an account is parked whose fresh token does not work either.
const REFRESHED_IN_VAIN: &str = "Brightpearl refuses a token that was refreshed a moment ago";
/// Between two tries.
const WRITE_WAIT: Duration = Duration::from_millis(500);

/// What a batch came to.
pub(crate) struct Finished {
    looked: Vec<Looked>,
}

impl Finished {
    /// The same outcome for all.
    pub(crate) fn all(items: Vec<WorkItem>, outcome: &Outcome) -> Self {
        Self::each(items.into_iter().map(|item| (item, outcome.clone())).collect())
    }

    fn each(items: Vec<(WorkItem, Outcome)>) -> Self {
        Self { looked: items.into_iter().map(|(item, outcome)| Looked::plain(item, outcome)).collect() }
    }
}

impl Worker {
    /// Works on one lane's items and writes down what they came to. Where a breaker is open and it is time, one of them probes first;
    /// what is known to wait for something that does not work costs no call.
    pub(crate) async fn work_on(&self, scope: Scope, share: Share, mut items: Vec<WorkItem>) {
        let probe = self.breakers().take_probe(&scope, &mut items, self.clock.now());
        if let Some(probe) = probe {
            let key = probe.key.clone();
            let probed = self.work_through(&scope, share, vec![probe], Some(&key)).await;
            let is_through = probed.looked.iter().all(|looked| matches!(looked.outcome, Outcome::Done | Outcome::Held(_)));
            self.breakers().probed(&key, is_through, self.clock.now());
            self.finish(probed).await;
        }
        let (free, left) = self.breakers().part(&scope, items, self.clock.now());
        let left = left.into_iter().map(|(item, until)| (item, Outcome::left_alone(until, "it waits until a single try works")));
        self.finish(Finished::each(left.collect())).await;
        let (excused, others): (Vec<WorkItem>, Vec<WorkItem>) = free.into_iter().partition(|item| self.breakers().excuse(&item.key));
        let own_share = excused.iter().map(|item| item.share).min().unwrap_or(share);
        for (share, items) in [(own_share, excused), (share, others)] {
            if !items.is_empty() {
                let finished = self.work_through(&scope, share, items, None).await;
                self.finish(finished).await;
            }
        }
    }

    async fn work_through(&self, scope: &Scope, share: Share, items: Vec<WorkItem>, probe: Option<&WorkKey>) -> Finished {
        let shut = self.breakers().shut(scope, probe, self.clock.now());
        let gate = Arc::new(BatchGate::new(Arc::clone(&self.gate), shut));
        let finished = match scope {
            Scope::Tenant(tenant) => self.tenant_items(tenant, share, items, &gate).await,
            Scope::Account(_) => self.account_batch(items, &gate).await,
        };
        self.learn_from(scope, &finished, &gate);
        finished
    }

    /// What a batch tells about reading from the platforms. One item that was through with it shows that a platform can be read.
    fn learn_from(&self, scope: &Scope, finished: &Finished, gate: &BatchGate) {
        let now = self.clock.now();
        let mut breakers = self.breakers();
        for looked in &finished.looked {
            match looked.outcome.met() {
                Some(Met::Failure(platform, class)) => {
                    let trouble = Trouble { step: Step::read(platform), class };
                    breakers.failed(&looked.item.key, trouble, looked.outcome.asked_wait(), now);
                }
                Some(Met::LeftAlone(platform)) => breakers.waits(&looked.item.key, Step::read(platform)),
                None => {}
            }
        }
        let is_alone = finished.looked.len() == 1;
        let is_through = |looked: &Looked| match looked.outcome {
            Outcome::Done | Outcome::Held(_) => true,
            Outcome::Again { met, .. } => is_alone && met.is_none(),
            Outcome::Unauthorised(_) => false,
        };
        if finished.looked.iter().any(is_through) {
            gate.called().into_iter().for_each(|platform| breakers.worked(scope, Step::read(platform)));
        }
    }

    async fn tenant_items(&self, tenant: &TenantId, share: Share, items: Vec<WorkItem>, gate: &Arc<BatchGate>) -> Finished {
        let (connections, items): (Vec<WorkItem>, Vec<WorkItem>) = items.into_iter().partition(|item| item.key.kind == WorkKind::Connection);
        let (sweeps, items): (Vec<WorkItem>, Vec<WorkItem>) = items.into_iter().partition(|item| item.key.kind == WorkKind::Sweep);
        let (products, orders): (Vec<WorkItem>, Vec<WorkItem>) = items.into_iter().partition(|item| item.key.kind == WorkKind::StoreProduct);
        let mut finished = if orders.is_empty() { Finished::each(Vec::new()) } else { self.tenant_batch(tenant, share, orders, gate).await };
        finished.looked.extend(Finished::each(self.sweep_tenant(tenant, sweeps, gate).await).looked);
        finished.looked.extend(Finished::each(self.check_connections(tenant, connections).await).looked);
        if !products.is_empty() {
            finished.looked.extend(Finished::each(self.refresh_store_products(tenant, products, gate).await).looked);
        }
        finished
    }

    async fn tenant_batch(&self, tenant: &TenantId, share: Share, items: Vec<WorkItem>, gate: &Arc<BatchGate>) -> Finished {
        let (session, generation) = match self.ready_session(tenant, share, gate).await {
            Ok(ready) => ready,
            Err(outcome) => return Finished::all(items, &outcome),
        };
        let looked = self.reconcile_orders(&session, items).await;
        let looked = self.mend_credentials(&session, generation, share, looked, gate).await;
        Finished { looked }
    }

    /// A session for an account whose catalogue is loaded. A token that Brightpearl refuses on the way is refreshed, once.
    async fn ready_session(&self, tenant: &TenantId, share: Share, gate: &Arc<BatchGate>) -> Result<(Session, i64), Outcome> {
        for _try in 0..2 {
            let account = self.connections.account(&self.lease.account).await?.behind(gate);
            match self.prepared_session(&account, tenant, share, gate).await {
                Err(Outcome::Unauthorised(Platform::Brightpearl)) => self.connections.refresh(&self.lease.account, account.generation).await?,
                Err(outcome) => return Err(outcome),
                Ok(session) => return Ok((session, account.generation)),
            }
        }
        let generation = self.connections.account(&self.lease.account).await?.generation;
        Err(self.connections.park(&self.lease.account, generation, REFRESHED_IN_VAIN).await)
    }

    async fn prepared_session(&self, account: &AccountClient, tenant: &TenantId, share: Share, gate: &Arc<BatchGate>) -> Result<Session, Outcome> {
        let mut session = self.connections.session(account, tenant, share).await?;
        session.bigcommerce = session.bigcommerce.with_gate(Arc::clone(gate) as Arc<dyn QuotaGate>);
        self.ensure_catalogue(account).await?;
        session.reference = self.reference(&session).await?;
        if share != Share::Orders && session.method_names.is_none() {
            session.method_names = Some(self.connections.read_method_names(account).await?);
        }
        Ok(session)
    }

    /// A 401 from Brightpearl refreshes the token once, under a lock, and the orders concerned are looked at again; a 401 from
    /// BigCommerce, whose tokens cannot be refreshed, parks the tenant (BP §b.3, BC §a).
    async fn mend_credentials(&self, session: &Session, generation: i64, share: Share, looked: Vec<Looked>, gate: &Arc<BatchGate>) -> Vec<Looked> {
        let is_refused = |looked: &Looked, by: Platform| looked.outcome == Outcome::Unauthorised(by);
        if looked.iter().any(|looked| is_refused(looked, Platform::Bigcommerce)) {
            self.park_tenant(&session.tenant, session.share).await;
        }
        let (refused, mut done): (Vec<Looked>, Vec<Looked>) = looked.into_iter().partition(|looked| is_refused(looked, Platform::Brightpearl));
        if refused.is_empty() {
            return done;
        }
        let items: Vec<WorkItem> = refused.into_iter().map(|looked| looked.item).collect();
        let again = match self.connections.refresh(&session.account, generation).await {
            Err(outcome) => Finished::all(items, &outcome).looked,
            Ok(()) => match self.ready_session(&session.tenant, share, gate).await {
                Err(outcome) => Finished::all(items, &outcome).looked,
                Ok((session, generation)) => {
                    let again = self.reconcile_orders(&session, items).await;
                    if again.iter().any(|looked| is_refused(looked, Platform::Brightpearl)) {
                        self.connections.park(&session.account, generation, REFRESHED_IN_VAIN).await;
                    }
                    again
                }
            },
        };
        done.extend(again);
        done
    }

    /// Parks a tenant whose store refuses the token, if the credentials as they are now are refused too.
    pub(crate) async fn park_tenant(&self, tenant: &TenantId, share: Share) {
        let checked = match self.connections.store_client(tenant).await {
            Ok(Some(client)) => client.time(share).await,
            _ => return,
        };
        if !matches!(checked, Err(CallError::Unauthorised)) {
            return;
        }
        let reason = "BigCommerce refuses the access token: the store's connection must be renewed";
        tracing::error!(%tenant, reason, "parked the tenant");
        if let Err(error) = self.db.park_tenant(tenant, reason).await {
            tracing::error!(%tenant, %error, "the tenant could not be parked");
        }
    }

    /// Work of the account itself: routing and products. A 401 refreshes the token once; a second one parks the account.
    async fn account_batch(&self, mut items: Vec<WorkItem>, gate: &Arc<BatchGate>) -> Finished {
        let mut done = Vec::new();
        for last in [false, true] {
            let account = match self.connections.account(&self.lease.account).await {
                Ok(account) => account.behind(gate),
                Err(outcome) => return Finished::each(done.into_iter().chain(items.into_iter().map(|item| (item, outcome.clone()))).collect()),
            };
            let looked = self.account_items(&account, items).await;
            let is_refused = |(_, outcome): &(WorkItem, Outcome)| *outcome == Outcome::Unauthorised(Platform::Brightpearl);
            let (refused, fine): (Vec<_>, Vec<_>) = looked.into_iter().partition(is_refused);
            done.extend(fine);
            if refused.is_empty() {
                return Finished::each(done);
            }
            items = refused.into_iter().map(|(item, _)| item).collect();
            let code = &self.lease.account;
            let stopped = if last {
                Some(self.connections.park(code, account.generation, REFRESHED_IN_VAIN).await)
            } else {
                self.connections.refresh(code, account.generation).await.err()
            };
            if let Some(outcome) = stopped {
                done.extend(items.into_iter().map(|item| (item, outcome.clone())));
                return Finished::each(done);
            }
        }
        Finished::each(done)
    }

    async fn account_items(&self, account: &AccountClient, items: Vec<WorkItem>) -> Vec<(WorkItem, Outcome)> {
        let mut by_kind: BTreeMap<WorkKind, Vec<WorkItem>> = BTreeMap::new();
        for item in items {
            by_kind.entry(item.key.kind).or_default().push(item);
        }
        let mut done = Vec::new();
        for (kind, items) in by_kind {
            done.extend(match kind {
                WorkKind::SalesOrder => self.route_sales_orders(account, items).await,
                WorkKind::GoodsOutNote => self.route_notes(account, NoteKind::GoodsOut, items).await,
                WorkKind::DropShipNote => self.route_notes(account, NoteKind::DropShip, items).await,
                WorkKind::Product => self.refresh_products(account, items).await,
                WorkKind::Sweep => self.sweep_account(account, items).await,
                WorkKind::Order | WorkKind::Connection | WorkKind::StoreProduct => items.into_iter().map(|item| (item, Outcome::Done)).collect(),
            });
        }
        done
    }

    /// Writes outcomes down. While the database is away it is tried again; should it stay away, the lease ends and another processor
    /// claims the items anew, which is harmless.
    pub(crate) async fn finish(&self, finished: Finished) {
        crash::point("before-finish");
        let mut open = finished.looked;
        for _try in 0..WRITE_TRIES {
            let mut left = Vec::new();
            for looked in open {
                match self.write_down(&looked).await {
                    Ok(()) => {}
                    Err(error) if error.is_transient() => {
                        tracing::warn!(item = %looked.item.key, %error, "what became of a work item could not be written down yet");
                        left.push(looked);
                    }
                    Err(error) => self.put_off(&looked, &error).await,
                }
            }
            if left.is_empty() {
                return;
            }
            open = left;
            tokio::time::sleep(WRITE_WAIT).await;
        }
    }

    /// The database refuses what is to be written: the item comes back later instead of staying claimed.
    async fn put_off(&self, looked: &Looked, error: &DbError) {
        tracing::error!(item = %looked.item.key, %error, "what became of a work item is refused by the database");
        let postponed = self.postponed(When::After(Duration::from_secs(60)), false, true, "what became of it could not be written down");
        if let Err(error) = self.db.reschedule(&looked.item, postponed).await {
            tracing::error!(item = %looked.item.key, %error, "a work item stays claimed until its claim runs out");
        }
    }

    async fn write_down(&self, looked: &Looked) -> Result<(), DbError> {
        self.db.append_timeline(&looked.timeline).await?;
        self.note_marks(&looked.item, looked.marks).await?;
        if !looked.also_held.is_empty() {
            self.db.record_holds(&looked.item.key, &looked.also_held, looked.rules_version).await?;
        }
        if !looked.cleared.is_empty() {
            self.db.clear_holds(&looked.item.key, &looked.cleared).await?;
        }
        let current = match &looked.outcome {
            Outcome::Done => self.db.complete(&looked.item).await?,
            Outcome::Held(holds) => self.db.hold(&looked.item, holds, looked.rules_version).await?,
            Outcome::Again { when, firm, failed, why, .. } => self.db.reschedule(&looked.item, self.postponed(*when, *firm, *failed, why)).await?,
            Outcome::Unauthorised(platform) => {
                let why = format!("{platform} does not accept the credentials");
                self.db.reschedule(&looked.item, self.postponed(When::After(Duration::from_secs(60)), false, true, &why)).await?
            }
        };
        self.refusals.looked_at(&looked.item.key, matches!(looked.outcome, Outcome::Held(_)));
        let outcome = outcome_label(&looked.outcome);
        metrics::counter!("orderbridge_work_items_total", "kind" => looked.item.key.kind.as_str(), "outcome" => outcome).increment(1);
        tracing::debug!(item = %looked.item.key, outcome, current, "looked at a work item");
        Ok(())
    }

    fn postponed(&self, when: When, firm: bool, failed: bool, why: &str) -> Postponed {
        let now = self.clock.now();
        let due_at = match when {
            When::At(at) => at,
            When::After(wait) => now.checked_add(wait).unwrap_or(now),
        };
        Postponed { due_at, reason: why.to_owned(), counts_as_attempt: failed, floor: firm.then_some(due_at) }
    }
}

const fn outcome_label(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::Held(_) => "held",
        Outcome::Again { failed: true, .. } => "failed",
        Outcome::Again { .. } => "later",
        Outcome::Unauthorised(_) => "unauthorised",
    }
}
