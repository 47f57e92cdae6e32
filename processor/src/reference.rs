//! What settings may name: read from the platforms when a tenant is first worked on and then daily, kept in the database.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use orderbridge_http_client::CallError;
use orderbridge_reconcile::Session;
use orderbridge_schema::ids::{AccountCode, Platform, TenantId};
use orderbridge_schema::reference::{AccountReference, Reference, StoreReference};
use orderbridge_schema::work::{Scope, Share};

use crate::account::Worker;
use crate::connections::of_db;
use crate::failure;
use crate::outcome::Outcome;

/// How long what the database has is not read from it again.
const KEPT_FOR: Duration = Duration::from_secs(60);

/// What was read from the database a moment ago, and who reads from the platforms.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    read: Mutex<HashMap<TenantId, (Instant, Arc<Reference>)>>,
    reading: Mutex<BTreeMap<Scope, Arc<tokio::sync::Mutex<()>>>>,
}

impl Kept {
    fn get(&self, tenant: &TenantId) -> Option<Arc<Reference>> {
        let kept = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(tenant).filter(|(since, _)| since.elapsed() < KEPT_FOR).map(|(_, reference)| Arc::clone(reference))
    }

    fn put(&self, tenant: &TenantId, reference: &Arc<Reference>) {
        let kept = (Instant::now(), Arc::clone(reference));
        self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant.clone(), kept);
    }

    /// Has the next who asks read from the database.
    pub(crate) fn forget(&self, tenants: &[TenantId]) {
        let mut kept = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        tenants.iter().for_each(|tenant| drop(kept.remove(tenant)));
    }

    /// Held while one's lists are read. Each account and each store has its own: a store that does not answer keeps only its own tenant.
    pub(crate) fn lock(&self, scope: Scope) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(self.reading.lock().unwrap_or_else(PoisonError::into_inner).entry(scope).or_default())
    }
}

impl Worker {
    /// What the session's tenant may name. Lists that were ever read are good enough for orders: [`watch_lists`](Self::watch_lists)
    /// reads them again in time, and no order waits for that.
    pub(crate) async fn reference(&self, session: &Session) -> Result<Arc<Reference>, Outcome> {
        if let Some(kept) = self.connections.references.get(&session.tenant) {
            return Ok(kept);
        }
        let reference = Arc::new(Reference { account: self.account_lists(session).await?, store: self.store_lists(session).await? });
        self.connections.references.put(&session.tenant, &reference);
        Ok(reference)
    }

    async fn account_lists(&self, session: &Session) -> Result<AccountReference, Outcome> {
        if let Some(stored) = self.stored_account_lists(&session.account).await? {
            return Ok(stored);
        }
        let lock = self.connections.references.lock(Scope::Account(session.account.clone()));
        let _others_wait = lock.lock().await;
        match self.stored_account_lists(&session.account).await? {
            Some(stored) => Ok(stored),
            None => self.read_account_lists(&session.account, &session.brightpearl).await,
        }
    }

    async fn store_lists(&self, session: &Session) -> Result<StoreReference, Outcome> {
        if let Some(stored) = self.stored_store_lists(&session.tenant).await? {
            return Ok(stored);
        }
        let lock = self.connections.references.lock(Scope::Tenant(session.tenant.clone()));
        let _others_wait = lock.lock().await;
        match self.stored_store_lists(&session.tenant).await? {
            Some(stored) => Ok(stored),
            None => self.read_store_lists(&session.tenant, &session.bigcommerce).await,
        }
    }

    async fn stored_account_lists(&self, account: &AccountCode) -> Result<Option<AccountReference>, Outcome> {
        let stored = self.db.account_reference(account).await.map_err(|error| of_db(&error))?;
        Ok(stored.map(|stored| stored.lists))
    }

    async fn stored_store_lists(&self, tenant: &TenantId) -> Result<Option<StoreReference>, Outcome> {
        let stored = self.db.store_reference(tenant).await.map_err(|error| of_db(&error))?;
        Ok(stored.map(|stored| stored.lists))
    }

    /// Reads an account's lists now, and keeps them. Call it with its lock held.
    pub(crate) async fn read_account_lists(
        &self,
        account: &AccountCode,
        client: &orderbridge_brightpearl::Client,
    ) -> Result<AccountReference, Outcome> {
        let lists = client.reference(Share::Sweeps).await.map_err(|error| not_read(Platform::Brightpearl, &error))?;
        self.db.save_account_reference(account, &lists).await.map_err(|error| of_db(&error))?;
        Ok(lists)
    }

    /// Reads a store's lists now, and keeps them. Call it with its lock held.
    pub(crate) async fn read_store_lists(&self, tenant: &TenantId, client: &orderbridge_bigcommerce::Client) -> Result<StoreReference, Outcome> {
        let lists = client.reference(Share::Sweeps).await.map_err(|error| not_read(Platform::Bigcommerce, &error))?;
        self.db.save_store_reference(tenant, &lists).await.map_err(|error| of_db(&error))?;
        Ok(lists)
    }
}

fn not_read(platform: Platform, error: &CallError) -> Outcome {
    failure::of_read_call(platform, error, 0)
}
