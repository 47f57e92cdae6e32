//! One lane's batch, from claim to what is written down about it.

use std::collections::BTreeMap;
use std::time::Duration;

use orderbridge_http_client::CallError;
use orderbridge_postgres::{DbError, Postponed, WorkItem};
use orderbridge_reconcile::Session;
use orderbridge_schema::ids::{Platform, TenantId};
use orderbridge_schema::link::NoteKind;
use orderbridge_schema::work::{Scope, Share, WorkKind};

use crate::account::Worker;
use crate::connections::AccountClient;
use crate::crash;
use crate::orders::Looked;
use crate::outcome::{Outcome, When};

/// How long finished work may wait for a database that is away before its lease is left to end.
const WRITE_TRIES: u32 = 20;
/// When items are looked at again that waited for a probe.
const AFTER_PROBE: Duration = Duration::from_secs(3);
/// Why an account is parked whose fresh token does not work either.
const REFRESHED_IN_VAIN: &str = "Brightpearl refuses a token that was refreshed a moment ago";
/// Between two tries.
const WRITE_WAIT: Duration = Duration::from_millis(500);

/// What a batch came to.
pub(crate) struct Finished {
    looked: Vec<Looked>,
}

/// What a batch says of its tenant as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Something of it worked.
    Works,
    /// Nothing of it did.
    Fails,
    /// A single item failed.
    Unknown,
}

impl Finished {
    /// The same outcome for all.
    pub(crate) fn all(items: Vec<WorkItem>, outcome: &Outcome) -> Self {
        Self::each(items.into_iter().map(|item| (item, outcome.clone())).collect())
    }

    fn each(items: Vec<(WorkItem, Outcome)>) -> Self {
        let looked = |(item, outcome)| Looked { item, outcome, timeline: Vec::new(), cleared: Vec::new(), also_held: Vec::new(), rules_version: 0 };
        Self { looked: items.into_iter().map(looked).collect() }
    }

    fn all_failed(&self) -> bool {
        !self.looked.is_empty() && self.looked.iter().all(|looked| looked.outcome.is_failure())
    }

    /// One item that fails may be to blame itself; several that all fail have a common cause.
    fn verdict(&self) -> Verdict {
        match self.looked.len() {
            _ if !self.all_failed() => Verdict::Works,
            1 => Verdict::Unknown,
            _ => Verdict::Fails,
        }
    }
}

impl Worker {
    /// Works on one lane's items and writes down what they came to.
    pub(crate) async fn work_on(&self, scope: Scope, share: Share, items: Vec<WorkItem>, probing: bool) -> Verdict {
        let (finished, verdict) = if probing && items.len() > 1 {
            self.probe(&scope, share, items).await
        } else {
            let finished = self.work_through(&scope, share, items).await;
            let verdict = finished.verdict();
            (finished, verdict)
        };
        self.finish(finished).await;
        verdict
    }

    /// The item that failed least goes first; the others follow only if it works.
    async fn probe(&self, scope: &Scope, share: Share, mut items: Vec<WorkItem>) -> (Finished, Verdict) {
        items.sort_by_key(|item| item.attempts);
        let rest = items.split_off(1);
        let mut finished = self.work_through(scope, share, items).await;
        let verdict = finished.verdict();
        let others = if verdict == Verdict::Works {
            self.work_through(scope, share, rest).await
        } else {
            Finished::all(rest, &Outcome::later(AFTER_PROBE, "the tenant is left alone until a single item works"))
        };
        finished.looked.extend(others.looked);
        (finished, verdict)
    }

    async fn work_through(&self, scope: &Scope, share: Share, items: Vec<WorkItem>) -> Finished {
        match scope {
            Scope::Tenant(tenant) => self.tenant_batch(tenant, share, items).await,
            Scope::Account(_) => self.account_batch(items).await,
        }
    }

    async fn tenant_batch(&self, tenant: &TenantId, share: Share, items: Vec<WorkItem>) -> Finished {
        let (session, generation) = match self.ready_session(tenant, share).await {
            Ok(ready) => ready,
            Err(outcome) => return Finished::all(items, &outcome),
        };
        let looked = self.reconcile_orders(&session, items).await;
        let looked = self.mend_credentials(&session, generation, share, looked).await;
        Finished { looked }
    }

    /// A session for an account whose catalogue is loaded. A token that Brightpearl refuses on the way is refreshed, once.
    async fn ready_session(&self, tenant: &TenantId, share: Share) -> Result<(Session, i64), Outcome> {
        for _try in 0..2 {
            let account = self.connections.account(&self.lease.account).await?;
            match self.prepared_session(&account, tenant, share).await {
                Err(Outcome::Unauthorised(Platform::Brightpearl)) => self.connections.refresh(&self.lease.account, account.generation).await?,
                Err(outcome) => return Err(outcome),
                Ok(session) => return Ok((session, account.generation)),
            }
        }
        let generation = self.connections.account(&self.lease.account).await?.generation;
        Err(self.connections.park(&self.lease.account, generation, REFRESHED_IN_VAIN).await)
    }

    async fn prepared_session(&self, account: &AccountClient, tenant: &TenantId, share: Share) -> Result<Session, Outcome> {
        let mut session = self.connections.session(account, tenant, share).await?;
        self.ensure_catalogue(account).await?;
        if share != Share::Orders && session.method_names.is_none() {
            session.method_names = Some(self.connections.read_method_names(account).await?);
        }
        Ok(session)
    }

    /// A 401 from Brightpearl refreshes the token once, under a lock, and the orders concerned are looked at again; a 401 from
    /// BigCommerce, whose tokens cannot be refreshed, parks the tenant (BP §b.3, BC §a).
    async fn mend_credentials(&self, session: &Session, generation: i64, share: Share, looked: Vec<Looked>) -> Vec<Looked> {
        let is_refused = |looked: &Looked, by: Platform| looked.outcome == Outcome::Unauthorised(by);
        if looked.iter().any(|looked| is_refused(looked, Platform::Bigcommerce)) {
            self.park_tenant(session).await;
        }
        let (refused, mut done): (Vec<Looked>, Vec<Looked>) = looked.into_iter().partition(|looked| is_refused(looked, Platform::Brightpearl));
        if refused.is_empty() {
            return done;
        }
        let items: Vec<WorkItem> = refused.into_iter().map(|looked| looked.item).collect();
        let again = match self.connections.refresh(&session.account, generation).await {
            Err(outcome) => Finished::all(items, &outcome).looked,
            Ok(()) => match self.ready_session(&session.tenant, share).await {
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
    async fn park_tenant(&self, session: &Session) {
        let tenant = &session.tenant;
        let checked = match self.connections.store_client(tenant).await {
            Ok(Some(client)) => client.time(session.share).await,
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
    async fn account_batch(&self, mut items: Vec<WorkItem>) -> Finished {
        let mut done = Vec::new();
        for last in [false, true] {
            let account = match self.connections.account(&self.lease.account).await {
                Ok(account) => account,
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
                WorkKind::Order => items.into_iter().map(|item| (item, Outcome::Done)).collect(),
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
        if !looked.also_held.is_empty() {
            self.db.record_holds(&looked.item.key, &looked.also_held, looked.rules_version).await?;
        }
        if !looked.cleared.is_empty() {
            self.db.clear_holds(&looked.item.key, &looked.cleared).await?;
        }
        let current = match &looked.outcome {
            Outcome::Done => self.db.complete(&looked.item).await?,
            Outcome::Held(holds) => self.db.hold(&looked.item, holds, looked.rules_version).await?,
            Outcome::Again { when, firm, failed, why } => self.db.reschedule(&looked.item, self.postponed(*when, *firm, *failed, why)).await?,
            Outcome::Unauthorised(platform) => {
                let why = format!("{platform} does not accept the credentials");
                self.db.reschedule(&looked.item, self.postponed(When::After(Duration::from_secs(60)), false, true, &why)).await?
            }
        };
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
