//! Clients for the platforms, made with the credentials as they are now.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use orderbridge_brightpearl::AppIdentity;
use orderbridge_http_client::{HttpClient, QuotaGate};
use orderbridge_postgres::{AccountCredentials, AccountRecord, AccountState, Db, DbError, TenantRecord};
use orderbridge_reconcile::{NestedReads, Session};
use orderbridge_schema::clock::Clock;
use orderbridge_schema::ids::{AccountCode, InstallationId, Platform, ShippingMethodId, TenantId};
use orderbridge_schema::work::Share;
use tokio_util::task::TaskTracker;

use crate::audit::NightsFound;
use crate::failure;
use crate::gate::BatchGate;
use crate::lists::UnknownNames;
use crate::outcome::Outcome;
use crate::own_writes::OwnWrites;
use crate::reference::Kept;

/// How long before its end an access token is refreshed.
const REFRESH_BEFORE: Duration = Duration::from_secs(3600);

/// How long names of shipping methods are kept.
const METHOD_NAMES_FOR: Duration = Duration::from_secs(900);

/// Names of shipping methods.
pub(crate) type MethodNames = Arc<BTreeMap<ShippingMethodId, String>>;

/// When to look again at work of a parked account; while it is parked nothing is claimed.
const PARKED_WAIT: Duration = Duration::from_secs(10);

/// A Brightpearl client and the generation of the token it uses.
#[derive(Debug, Clone)]
pub(crate) struct AccountClient {
    /// The account as it stands.
    pub(crate) record: AccountRecord,
    /// The client.
    pub(crate) client: orderbridge_brightpearl::Client,
    /// Which token it uses: a refresh is for this one only.
    pub(crate) generation: i64,
}

impl AccountClient {
    /// The same behind a batch's own gate.
    pub(crate) fn behind(self, gate: &Arc<BatchGate>) -> Self {
        Self { client: self.client.with_gate(Arc::clone(gate) as Arc<dyn QuotaGate>), ..self }
    }
}

/// Makes sessions. Little is kept, names of shipping methods above all, so that a change of credentials or rules is seen by the next batch.
#[derive(Debug)]
pub(crate) struct Connections {
    pub(crate) db: Db,
    pub(crate) http: HttpClient,
    pub(crate) gate: Arc<dyn QuotaGate>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) holder: String,
    pub(crate) calls_at_once: usize,
    /// Which stores give an order's parts along with it.
    pub(crate) nested: Arc<NestedReads>,
    /// What we changed a moment ago.
    pub(crate) own_writes: OwnWrites,
    pub(crate) method_names: Mutex<HashMap<AccountCode, (Instant, MethodNames)>>,
    /// What the platforms listed, for a moment: the database has it too.
    pub(crate) references: Kept,
    /// What the rules name and the platforms do not have.
    pub(crate) unknown_names: UnknownNames,
    /// How far the books differed last night.
    pub(crate) nights_found: NightsFound,
    /// When tokens that end soon may be renewed early again.
    pub(crate) early_again_at: Mutex<HashMap<AccountCode, Timestamp>>,
    /// Exchanges of tokens that are under way.
    pub(crate) exchanges: TaskTracker,
}

impl Connections {
    /// A client for an account. A token about to end is refreshed first.
    pub(crate) async fn account(&self, account: &AccountCode) -> Result<AccountClient, Outcome> {
        let record = self.db.account(account).await.map_err(|error| of_db(&error))?;
        let Some(record) = record else { return Err(Outcome::later(Duration::from_secs(60), "the account is not known")) };
        if let AccountState::Parked { reason } = &record.state {
            return Err(Outcome::later(PARKED_WAIT, format!("the account is parked: {reason}")));
        }
        let mut credentials = self.credentials(account).await?;
        if credentials.access_token.is_none() {
            self.refresh(account, credentials.token_generation).await?;
            credentials = self.credentials(account).await?;
        }
        let ends_soon =
            credentials.expires_at.is_some_and(|at| at.duration_since(self.clock.now()).as_secs() < REFRESH_BEFORE.as_secs().cast_signed());
        if ends_soon && credentials.refresh_token.is_some() {
            self.refresh_early(account, credentials.token_generation).await;
            credentials = self.credentials(account).await?;
        }
        let Some(access_token) = credentials.access_token.clone() else {
            return Err(Outcome::Unauthorised(Platform::Brightpearl));
        };
        let identity = AppIdentity { account: account.clone(), app_ref: record.app_ref.clone(), dev_ref: record.dev_ref.clone() };
        let gate = Arc::clone(&self.gate);
        let client = orderbridge_brightpearl::Client::new(self.http.clone(), record.api_base.clone(), identity, access_token, gate);
        Ok(AccountClient { record, client, generation: credentials.token_generation })
    }

    /// A client for a tenant's store, with its credentials as they are now.
    pub(crate) async fn store_client(&self, tenant: &TenantId) -> Result<Option<orderbridge_bigcommerce::Client>, DbError> {
        let Some(record) = self.db.tenant(tenant).await? else { return Ok(None) };
        let token = self.db.store_credentials(tenant).await?.access_token;
        let gate = Arc::clone(&self.gate);
        Ok(Some(orderbridge_bigcommerce::Client::new(self.http.clone(), record.store_base, record.store, token, gate)))
    }

    /// A session for a batch of one tenant of the account.
    pub(crate) async fn session(&self, account: &AccountClient, tenant: &TenantId, share: Share) -> Result<Session, Outcome> {
        let record = self.db.tenant(tenant).await.map_err(|error| of_db(&error))?;
        let Some(record) = record else { return Err(Outcome::later(Duration::from_secs(60), "the tenant is not known")) };
        if let Some(reason) = &record.parked {
            return Err(Outcome::later(PARKED_WAIT, format!("the tenant is parked: {reason}")));
        }
        let installation = self.installation(account).await?;
        let credentials = self.db.store_credentials(tenant).await.map_err(|error| of_db(&error))?;
        let gate = Arc::clone(&self.gate);
        let bigcommerce = orderbridge_bigcommerce::Client::new(
            self.http.clone(),
            record.store_base.clone(),
            record.store.clone(),
            credentials.access_token.clone(),
            gate,
        );
        let method_names = self.known_method_names(&record.account);
        let TenantRecord { account: code, store, rules, rules_version, live_since, .. } = record;
        let search_before_creating = self.db.has_other_installations(&code, installation).await.map_err(|error| of_db(&error))?;
        let hasher = self.db.email_hasher().await.map_err(|error| of_db(&error))?;
        let session = Session {
            tenant: tenant.clone(),
            account: code,
            store,
            installation,
            search_before_creating,
            rules: Arc::new(rules),
            rules_version,
            reference: Arc::default(),
            live_since,
            bigcommerce,
            brightpearl: account.client.clone(),
            db: self.db.clone(),
            hasher,
            method_names,
            nested: Arc::clone(&self.nested),
            share,
            calls_at_once: self.calls_at_once,
        };
        Ok(session)
    }

    /// Our installation in an account: remembered, or asked for once.
    async fn installation(&self, account: &AccountClient) -> Result<InstallationId, Outcome> {
        if let Some(installation) = account.record.installation {
            return Ok(installation);
        }
        let asked = account.client.installation(Share::Orders).await;
        let installation = asked.map_err(|error| failure::of_read_call(Platform::Brightpearl, &error, 0))?;
        self.db.save_installation(&account.record.code, installation).await.map_err(|error| of_db(&error))?;
        Ok(installation)
    }

    /// Names of an account's shipping methods, read now and then: they change about once a year.
    pub(crate) async fn read_method_names(&self, account: &AccountClient) -> Result<MethodNames, Outcome> {
        let code = &account.record.code;
        if let Some(names) = self.known_method_names(code) {
            return Ok(names);
        }
        let read = account.client.shipping_methods(Share::Fulfilment).await;
        let read = read.map_err(|error| failure::of_read_call(Platform::Brightpearl, &error, 0))?;
        let names: MethodNames = Arc::new(read.into_iter().map(|method| (method.id, method.name)).collect());
        let kept = (Instant::now(), Arc::clone(&names));
        self.method_names.lock().unwrap_or_else(PoisonError::into_inner).insert(code.clone(), kept);
        Ok(names)
    }

    fn known_method_names(&self, account: &AccountCode) -> Option<MethodNames> {
        let known = self.method_names.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(account).filter(|(read_at, _)| read_at.elapsed() < METHOD_NAMES_FOR).map(|(_, names)| Arc::clone(names))
    }

    pub(crate) async fn credentials(&self, account: &AccountCode) -> Result<AccountCredentials, Outcome> {
        self.db.account_credentials(account).await.map_err(|error| of_db(&error))
    }

    /// Stops all work of an account until its credentials are replaced; nothing happens if they were replaced meanwhile.
    pub(crate) async fn park(&self, account: &AccountCode, generation: i64, reason: &str) -> Outcome {
        match self.db.park_account(account, generation, reason).await {
            Ok(true) => tracing::error!(%account, reason, "parked the account"),
            Ok(false) => tracing::info!(%account, "new credentials arrived while the old ones were refused"),
            Err(error) => tracing::error!(%account, %error, "the account could not be parked"),
        }
        Outcome::later(PARKED_WAIT, format!("the account is parked: {reason}"))
    }
}

/// A database error as an outcome.
pub(crate) fn of_db(error: &DbError) -> Outcome {
    failure::failed(0, format!("database: {error}"))
}
