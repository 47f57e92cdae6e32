//! Webhook registrations on both platforms: what there is, what there should be, and what is done about it.
//!
//! Platforms give hooks up that failed too long, and people remove what they do not know; no event tells of it (BC §c, BP §d.4). Only
//! registrations that lead to our own address are ever touched: Brightpearl shows every app's.

mod plan;
mod registry;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use orderbridge_http_client::{CallError, Deadline, PoolKey, QuotaGate, SendGuard};
use orderbridge_postgres::{AccountCredentials, AccountRecord, StoreCredentials, TenantRecord};
use orderbridge_schema::work::Share;
use url::Url;

pub use plan::{Fitness, Found, Step, plan};
pub use registry::{Looked, NoSecret, Registry, STORE_SCOPES};

/// Where our webhooks lead to, now and formerly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// Now, without a slash at the end.
    current: String,
    /// Registrations that lead here are ours too, and out of date.
    former: Option<String>,
}

impl Addresses {
    /// Where the platforms reach ingest now, and where they did formerly.
    #[must_use]
    pub fn new(current: &Url, former: Option<&Url>) -> Self {
        let trimmed = |url: &Url| url.as_str().trim_end_matches('/').to_owned();
        Self { current: trimmed(current), former: former.map(trimmed) }
    }
}

/// What pays for the calls.
#[derive(Debug, Clone)]
pub struct Payer {
    /// Gives permits.
    pub gate: Arc<dyn QuotaGate>,
    /// From this share of the quota.
    pub share: Share,
    /// How long a write may wait for its bytes to be written.
    pub send_within: Duration,
}

impl Payer {
    async fn guard(&self, pool: &PoolKey) -> Result<SendGuard, CallError> {
        let permit = self.gate.acquire(pool, self.share).await?;
        Ok(SendGuard { permit, deadline: Deadline::after(self.send_within) })
    }
}

/// Why registrations could not be mended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MendError {
    /// Only an import helps.
    #[error(transparent)]
    NoSecret(#[from] NoSecret),
    /// The platform's.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Mends registrations for a role that runs unattended.
#[derive(Debug)]
pub struct Mender {
    addresses: Option<Addresses>,
    payer: Payer,
    /// The lack of an address was told of.
    told: AtomicBool,
}

impl Mender {
    /// For webhooks that lead to this address. Without one nothing is ever mended, which is told of once.
    #[must_use]
    pub fn new(public_url: Option<&Url>, payer: Payer) -> Self {
        Self { addresses: public_url.map(|url| Addresses::new(url, None)), payer, told: AtomicBool::new(false) }
    }

    /// Mends the registrations of a tenant's store; gives what was done.
    ///
    /// # Errors
    /// [`MendError`]. What was done until then is logged and counted all the same.
    pub async fn store(
        &self,
        client: orderbridge_bigcommerce::Client,
        tenant: &TenantRecord,
        credentials: &StoreCredentials,
    ) -> Result<Vec<Step>, MendError> {
        let Some(addresses) = self.addresses() else { return Ok(Vec::new()) };
        let registry = Registry::store(client, tenant, credentials, addresses, self.payer.clone())?;
        Ok(mend(&registry).await?)
    }

    /// Mends the registrations of an account; gives what was done.
    ///
    /// # Errors
    /// As [`Self::store`].
    pub async fn account(
        &self,
        client: orderbridge_brightpearl::Client,
        account: &AccountRecord,
        credentials: &AccountCredentials,
    ) -> Result<Vec<Step>, MendError> {
        let Some(addresses) = self.addresses() else { return Ok(Vec::new()) };
        let registry = Registry::account(client, account, credentials, addresses, self.payer.clone())?;
        Ok(mend(&registry).await?)
    }

    fn addresses(&self) -> Option<&Addresses> {
        if self.addresses.is_none() && !self.told.swap(true, Ordering::Relaxed) {
            tracing::warn!("public_url is not set: webhook registrations are neither checked nor revived");
        }
        self.addresses.as_ref()
    }
}

/// Makes the registrations of one connection what they should be, and gives what was done; nothing if all was well. Each thing done
/// is logged and counted.
///
/// # Errors
/// The platform's. What does not depend on the step that failed was tried all the same, unless no call can succeed now.
pub async fn mend(registry: &Registry) -> Result<Vec<Step>, CallError> {
    let (scope, platform) = (registry.scope(), registry.platform());
    let looked = registry.look().await?;
    if let Some(seconds) = looked.held_back_seconds {
        tracing::warn!(%scope, %platform, seconds, "the platform holds our webhooks back: more than a tenth of deliveries to our domain failed");
    }
    let mut done = Vec::new();
    let mut failed = None;
    let mut failed_events = BTreeSet::new();
    for step in plan(registry.wanted(), &looked.found) {
        if failed_events.contains(step.event()) {
            continue;
        }
        match registry.take(&step).await {
            Ok(()) => {
                tracing::info!(%scope, %platform, %step, "mended a webhook registration");
                metrics::counter!("orderbridge_hooks_mended_total", "platform" => platform.as_str()).increment(1);
                done.push(step);
            }
            Err(error) => {
                tracing::warn!(%scope, %platform, %step, %error, "a webhook registration could not be mended");
                failed_events.insert(step.event().to_owned());
                let is_hopeless = stops_all(&error);
                failed.get_or_insert(error);
                if is_hopeless {
                    break;
                }
            }
        }
    }
    failed.map_or(Ok(done), Err)
}

/// Whether the next call would fail for the same reason.
const fn stops_all(error: &CallError) -> bool {
    match error {
        CallError::Quota(_) | CallError::NotSent { .. } | CallError::Unauthorised | CallError::Throttled { .. } => true,
        CallError::NotFound | CallError::Refused { .. } | CallError::Uncertain { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_at_the_end_of_our_address_changes_nothing() {
        let url = |text: &str| text.parse::<Url>().unwrap();
        let with = Addresses::new(&url("https://h.example/a/"), Some(&url("https://old.example")));
        assert_eq!(with, Addresses::new(&url("https://h.example/a"), Some(&url("https://old.example/"))));
    }
}
