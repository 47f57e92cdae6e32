//! Clients of both platforms with the stored credentials, for commands that call them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use orderbridge_brightpearl::AppIdentity;
use orderbridge_http_client::{HttpClient, QuotaGate};
use orderbridge_postgres::{AccountCredentials, AccountRecord, Db, StoreCredentials, TenantRecord};
use orderbridge_processor::hooks::Payer;
use orderbridge_schema::work::Share;

/// Whose share of the quota pays for an operator's calls: somebody waits for them.
pub const SHARE: Share = Share::Orders;
/// How long a write may wait for its bytes to be written.
const SEND_WITHIN: Duration = Duration::from_secs(10);

/// Makes clients.
#[derive(Debug)]
pub struct Platforms {
    /// Where the credentials are.
    pub db: Db,
    /// What calls go through.
    pub http: HttpClient,
    /// What pays for them.
    pub gate: Arc<dyn QuotaGate>,
}

impl Platforms {
    /// A tenant's store.
    ///
    /// # Errors
    /// The credentials cannot be read.
    pub async fn store(&self, tenant: &TenantRecord) -> anyhow::Result<(orderbridge_bigcommerce::Client, StoreCredentials)> {
        let credentials = self.db.store_credentials(&tenant.id).await.context("reading the store's credentials")?;
        let (base, store, token) = (tenant.store_base.clone(), tenant.store.clone(), credentials.access_token.clone());
        let client = orderbridge_bigcommerce::Client::new(self.http.clone(), base, store, token, Arc::clone(&self.gate));
        Ok((client, credentials))
    }

    /// An account.
    ///
    /// # Errors
    /// The credentials cannot be read, or there is no access token.
    pub async fn account(&self, account: &AccountRecord) -> anyhow::Result<(orderbridge_brightpearl::Client, AccountCredentials)> {
        let credentials = self.db.account_credentials(&account.code).await.context("reading the account's credentials")?;
        let token = credentials.access_token.clone().ok_or_else(|| anyhow!("the account has no access token"))?;
        let app = AppIdentity { account: account.code.clone(), app_ref: account.app_ref.clone(), dev_ref: account.dev_ref.clone() };
        let client = orderbridge_brightpearl::Client::new(self.http.clone(), account.api_base.clone(), app, token, Arc::clone(&self.gate));
        Ok((client, credentials))
    }

    /// What pays for what an operator changes.
    pub fn payer(&self) -> Payer {
        Payer { gate: Arc::clone(&self.gate), share: SHARE, send_within: SEND_WITHIN }
    }
}
