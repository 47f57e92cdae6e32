//! What settings may name: read from the platforms when a tenant is first worked on and then daily, kept in the database.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use orderbridge_http_client::CallError;
use orderbridge_postgres::ReadLists;
use orderbridge_reconcile::Session;
use orderbridge_schema::ids::{Platform, TenantId};
use orderbridge_schema::reference::{AccountReference, Reference, StoreReference};
use orderbridge_schema::work::Share;

use crate::account::Worker;
use crate::connections::of_db;
use crate::failure;
use crate::outcome::Outcome;

/// After this time the platforms are asked again.
const FRESH_FOR: SignedDuration = SignedDuration::from_hours(24);
/// How long what the database has is not read from it again.
const KEPT_FOR: Duration = Duration::from_secs(60);

/// What was read from the database a moment ago.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<HashMap<TenantId, (Instant, Arc<Reference>)>>);

impl Kept {
    fn get(&self, tenant: &TenantId) -> Option<Arc<Reference>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(tenant).filter(|(since, _)| since.elapsed() < KEPT_FOR).map(|(_, reference)| Arc::clone(reference))
    }

    fn put(&self, tenant: &TenantId, reference: &Arc<Reference>) {
        let kept = (Instant::now(), Arc::clone(reference));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant.clone(), kept);
    }
}

impl Worker {
    /// What the session's tenant may name. Lists that are a day old are read again; if that fails the old ones are used on.
    pub(crate) async fn reference(&self, session: &Session) -> Result<Arc<Reference>, Outcome> {
        if let Some(kept) = self.connections.references.get(&session.tenant) {
            return Ok(kept);
        }
        let _others_wait = self.loading.lock().await;
        let reference = Arc::new(Reference { account: self.account_lists(session).await?, store: self.store_lists(session).await? });
        self.connections.references.put(&session.tenant, &reference);
        Ok(reference)
    }

    async fn account_lists(&self, session: &Session) -> Result<AccountReference, Outcome> {
        let stored = self.db.account_reference(&session.account).await.map_err(|error| of_db(&error))?;
        let (lists, is_new) = self.renewed(stored, session.brightpearl.reference(Share::Sweeps), Platform::Brightpearl).await?;
        if is_new {
            self.db.save_account_reference(&session.account, &lists).await.map_err(|error| of_db(&error))?;
        }
        Ok(lists)
    }

    async fn store_lists(&self, session: &Session) -> Result<StoreReference, Outcome> {
        let stored = self.db.store_reference(&session.tenant).await.map_err(|error| of_db(&error))?;
        let (lists, is_new) = self.renewed(stored, session.bigcommerce.reference(Share::Sweeps), Platform::Bigcommerce).await?;
        if is_new {
            self.db.save_store_reference(&session.tenant, &lists).await.map_err(|error| of_db(&error))?;
        }
        Ok(lists)
    }

    /// Lists that are fresh enough, and whether they were read just now.
    async fn renewed<T>(
        &self,
        stored: Option<ReadLists<T>>,
        read: impl Future<Output = Result<T, CallError>>,
        platform: Platform,
    ) -> Result<(T, bool), Outcome> {
        let old = match stored {
            Some(stored) if self.clock.now().duration_since(stored.read_at) < FRESH_FOR => return Ok((stored.lists, false)),
            stored => stored.map(|stored| (stored.lists, false)),
        };
        match read.await {
            Ok(lists) => Ok((lists, true)),
            Err(error) => old.ok_or_else(|| failure::of_read_call(platform, &error, 0)),
        }
    }
}
