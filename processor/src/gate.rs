//! The gate of one batch: nothing passes to a platform that is left alone, and what was called is remembered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use orderbridge_http_client::{BoxFuture, Permit, PoolKey, QuotaDenied, QuotaGate, QuotaSeen};
use orderbridge_schema::ids::Platform;
use orderbridge_schema::work::Share;

/// Stands before the gate that all share.
#[derive(Debug)]
pub(crate) struct BatchGate {
    shared: Arc<dyn QuotaGate>,
    shut: BTreeMap<Platform, Timestamp>,
    called: Mutex<BTreeSet<Platform>>,
}

impl BatchGate {
    /// A gate that is shut towards these platforms until then.
    pub(crate) fn new(shared: Arc<dyn QuotaGate>, shut: BTreeMap<Platform, Timestamp>) -> Self {
        Self { shared, shut, called: Mutex::default() }
    }

    /// Platforms that calls were paid for.
    pub(crate) fn called(&self) -> BTreeSet<Platform> {
        self.called.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl QuotaGate for BatchGate {
    fn acquire<'a>(&'a self, pool: &'a PoolKey, share: Share) -> BoxFuture<'a, Result<Permit, QuotaDenied>> {
        let platform = pool.platform();
        if let Some(&until) = self.shut.get(&platform) {
            return Box::pin(std::future::ready(Err(QuotaDenied::left_alone(until))));
        }
        Box::pin(async move {
            let permit = self.shared.acquire(pool, share).await?;
            self.called.lock().unwrap_or_else(PoisonError::into_inner).insert(platform);
            Ok(permit)
        })
    }

    fn give_back(&self, permit: Permit) {
        self.shared.give_back(permit);
    }

    fn observe(&self, pool: &PoolKey, seen: QuotaSeen) {
        self.shared.observe(pool, seen);
    }
}
