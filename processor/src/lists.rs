//! The platforms' lists day by day, and what rules name that they have no more: told before an order fails for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use orderbridge_postgres::{TenantRecord, TenantState};
use orderbridge_schema::ids::{AccountCode, TenantId};
use orderbridge_schema::rules::RuleProblem;
use orderbridge_schema::work::Scope;
use tokio::time::MissedTickBehavior;

use crate::account::Worker;
use crate::connections::of_db;
use crate::outcome::Outcome;

/// After this time the platforms are asked again.
const FRESH_FOR: SignedDuration = SignedDuration::from_hours(24);
/// How long a platform that did not give its lists is not asked again. Nothing waits for them but the check.
const FAILED_WAIT: Duration = Duration::from_secs(15 * 60);

/// What a check went by: when each side's lists were read, and the version of the rules.
type Basis = (Option<Timestamp>, Option<Timestamp>, i64);

/// How many names of rules are in no list, by account: for the metric, which knows no tenant.
#[derive(Debug, Default)]
pub(crate) struct UnknownNames(Mutex<BTreeMap<AccountCode, usize>>);

impl UnknownNames {
    fn set(&self, account: &AccountCode, count: Option<usize>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match count {
            Some(count) => counts.insert(account.clone(), count),
            None => counts.remove(account),
        };
        let all: usize = counts.values().sum();
        metrics::gauge!("orderbridge_rules_unknown_names").set(u32::try_from(all).unwrap_or(u32::MAX));
    }

    /// Another processor counts that account's from now on.
    pub(crate) fn forget(&self, account: &AccountCode) {
        self.set(account, None);
    }
}

/// How many looks after new lists still release what waits for them: a batch that was under way may hold it by the old ones until then.
const AFTERLOOKS: u8 = 2;

/// What a tenant's check found.
struct Checked {
    basis: Basis,
    unknown: Vec<RuleProblem>,
    afterlooks: u8,
}

/// What is known from the last looks.
#[derive(Default)]
struct Watched {
    checked: BTreeMap<TenantId, Checked>,
    again_at: BTreeMap<Scope, Instant>,
}

impl Worker {
    /// Reads the lists of the account and its tenants' stores when they are a day old or were never read, and checks the rules against
    /// them whenever either has changed. Never ends by itself.
    pub(crate) async fn watch_lists(&self) {
        let mut ticks = tokio::time::interval(self.settings.mended_check);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut watched = Watched::default();
        loop {
            ticks.tick().await;
            if let Err(outcome) = self.look_after_lists(&mut watched).await {
                tracing::debug!(account = %self.lease.account, ?outcome, "the platforms' lists could not be looked after");
            }
        }
    }

    async fn look_after_lists(&self, watched: &mut Watched) -> Result<(), Outcome> {
        let code = &self.lease.account;
        let mut tenants = self.db.tenants_of_account(code).await.map_err(|error| of_db(&error))?;
        tenants.retain(|tenant| tenant.state != TenantState::Removed);
        let read_at = self.db.lists_read_at(code).await.map_err(|error| of_db(&error))?;
        let is_old = |scope: &Scope| read_at.get(scope).is_none_or(|at| self.clock.now().duration_since(*at) >= FRESH_FOR);
        let works = |tenant: &&TenantRecord| tenant.state == TenantState::Active && tenant.parked.is_none();
        let of_account = Scope::Account(code.clone());
        if tenants.iter().any(|tenant| works(&tenant)) && is_old(&of_account) && watched.may_ask(&of_account) {
            let read = self.renew_account_lists(&of_account).await;
            watched.asked(of_account, read.is_ok());
            self.tell_unread(read);
        }
        for tenant in tenants.iter().filter(works) {
            let scope = Scope::Tenant(tenant.id.clone());
            if is_old(&scope) && watched.may_ask(&scope) {
                let read = self.renew_store_lists(&tenant.id, &scope).await;
                watched.asked(scope, read.is_ok());
                self.tell_unread(read);
            }
        }
        self.check_rules(&tenants, watched).await
    }

    fn tell_unread(&self, read: Result<(), Outcome>) {
        if let Err(outcome) = read {
            tracing::info!(account = %self.lease.account, ?outcome, "a platform did not give its lists; it is asked again later");
        }
    }

    async fn renew_account_lists(&self, scope: &Scope) -> Result<(), Outcome> {
        let code = &self.lease.account;
        let lock = self.connections.references.lock(scope.clone());
        let _others_wait = lock.lock().await;
        if self.is_fresh(scope).await? {
            return Ok(());
        }
        let account = self.connections.account(code).await?;
        self.read_account_lists(code, &account.client).await.map(drop)
    }

    async fn renew_store_lists(&self, tenant: &TenantId, scope: &Scope) -> Result<(), Outcome> {
        let lock = self.connections.references.lock(scope.clone());
        let _others_wait = lock.lock().await;
        if self.is_fresh(scope).await? {
            return Ok(());
        }
        match self.connections.store_client(tenant).await.map_err(|error| of_db(&error))? {
            Some(client) => self.read_store_lists(tenant, &client).await.map(drop),
            None => Ok(()),
        }
    }

    /// Whether somebody has just read them.
    async fn is_fresh(&self, scope: &Scope) -> Result<bool, Outcome> {
        let read_at = self.db.lists_read_at(&self.lease.account).await.map_err(|error| of_db(&error))?;
        Ok(read_at.get(scope).is_some_and(|at| self.clock.now().duration_since(*at) < FRESH_FOR))
    }

    /// Checks those whose rules or lists have changed since the last look; a change of what is unknown is told once.
    async fn check_rules(&self, tenants: &[TenantRecord], watched: &mut Watched) -> Result<(), Outcome> {
        let code = &self.lease.account;
        let read_at = self.db.lists_read_at(code).await.map_err(|error| of_db(&error))?;
        let at = |scope: Scope| read_at.get(&scope).copied();
        let ids: BTreeSet<&TenantId> = tenants.iter().map(|tenant| &tenant.id).collect();
        watched.checked.retain(|tenant, _| ids.contains(tenant));
        for tenant in tenants {
            let basis = (at(Scope::Account(code.clone())), at(Scope::Tenant(tenant.id.clone())), tenant.rules_version);
            if let Some(checked) = watched.checked.get_mut(&tenant.id).filter(|checked| checked.basis == basis) {
                if let Some(left) = checked.afterlooks.checked_sub(1) {
                    self.go_by_new_lists(&tenant.id).await?;
                    checked.afterlooks = left;
                }
                continue;
            }
            let unknown = self.unknown_names(tenant).await?;
            self.go_by_new_lists(&tenant.id).await?;
            let checked = Checked { basis, unknown: unknown.clone(), afterlooks: AFTERLOOKS };
            let before = watched.checked.insert(tenant.id.clone(), checked).map(|checked| checked.unknown).unwrap_or_default();
            tell_change(tenant, &before, &unknown);
        }
        self.connections.unknown_names.set(code, Some(watched.checked.values().map(|checked| checked.unknown.len()).sum()));
        Ok(())
    }

    /// What was released when the lists came in may have been held once more by those that this processor still went by.
    async fn go_by_new_lists(&self, tenant: &TenantId) -> Result<(), Outcome> {
        self.connections.references.forget(std::slice::from_ref(tenant));
        self.db.release_for_lists(tenant).await.map_err(|error| of_db(&error))
    }

    async fn unknown_names(&self, tenant: &TenantRecord) -> Result<Vec<RuleProblem>, Outcome> {
        let lists = self.db.known_lists(&tenant.account, &tenant.id).await.map_err(|error| of_db(&error))?;
        let mut unknown = lists.unknown(&tenant.rules);
        unknown.extend(lists.refused());
        Ok(unknown)
    }
}

impl Watched {
    fn may_ask(&self, scope: &Scope) -> bool {
        self.again_at.get(scope).is_none_or(|at| Instant::now() >= *at)
    }

    fn asked(&mut self, scope: Scope, answered: bool) {
        if answered {
            self.again_at.remove(&scope);
        } else {
            self.again_at.insert(scope, Instant::now() + FAILED_WAIT);
        }
    }
}

fn tell_change(tenant: &TenantRecord, before: &[RuleProblem], now: &[RuleProblem]) {
    if before == now {
        return;
    }
    if now.is_empty() {
        tracing::info!(tenant = %tenant.id, "all that the rules name is in the platforms' lists again");
        return;
    }
    let told: Vec<String> = now.iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect();
    tracing::warn!(
        tenant = %tenant.id, rules_version = tenant.rules_version, unknown = now.len(),
        "the rules name what the platforms do not have; orders that need it will wait: {}", told.join("; ")
    );
}
