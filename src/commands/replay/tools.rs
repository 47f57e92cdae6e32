//! What a replay reads with.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, bail, ensure};
use orderbridge_http_client::{BoxFuture, Permit, PoolKey, QuotaDenied, QuotaGate, QuotaSeen};
use orderbridge_kafka::Reader;
use orderbridge_postgres::{AccountRecord, AccountState, Db, PostgresQuotaGate, TenantRecord};
use orderbridge_processor::NestedInclude;
use orderbridge_reconcile::{NestedReads, Session};
use orderbridge_schema::clock::Clock;
use orderbridge_schema::ids::Platform;
use orderbridge_schema::reference::Reference;
use orderbridge_schema::work::Share;
use serde::Serialize;

use crate::clock::clock;
use crate::commands::database_with_secrets;
use crate::commands::platforms::Platforms;
use crate::settings::Settings;

/// The share of the quotas that a replay's calls are paid from, its dry run's too.
pub const SHARE: Share = Share::Replay;

/// Calls by platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Calls {
    /// To the store.
    pub bigcommerce: u64,
    /// To the account.
    pub brightpearl: u64,
}

impl Calls {
    /// Adds calls to a platform.
    pub const fn add(&mut self, platform: Platform, calls: u64) {
        match platform {
            Platform::Bigcommerce => self.bigcommerce += calls,
            Platform::Brightpearl => self.brightpearl += calls,
        }
    }
}

/// Counts what is paid.
#[derive(Debug)]
pub struct CountingGate {
    shared: PostgresQuotaGate,
    bigcommerce: AtomicU64,
    brightpearl: AtomicU64,
}

impl CountingGate {
    fn of(&self, pool: &PoolKey) -> &AtomicU64 {
        match pool.platform() {
            Platform::Bigcommerce => &self.bigcommerce,
            Platform::Brightpearl => &self.brightpearl,
        }
    }

    /// The calls so far.
    pub fn calls(&self) -> Calls {
        Calls { bigcommerce: self.bigcommerce.load(Ordering::Relaxed), brightpearl: self.brightpearl.load(Ordering::Relaxed) }
    }
}

impl QuotaGate for CountingGate {
    fn acquire<'a>(&'a self, pool: &'a PoolKey, share: Share) -> BoxFuture<'a, Result<Permit, QuotaDenied>> {
        Box::pin(async move {
            let permit = self.shared.acquire(pool, share).await?;
            self.of(pool).fetch_add(1, Ordering::Relaxed);
            Ok(permit)
        })
    }

    fn give_back(&self, permit: Permit) {
        self.of(permit.pool()).fetch_sub(1, Ordering::Relaxed);
        self.shared.give_back(permit);
    }

    fn observe(&self, pool: &PoolKey, seen: QuotaSeen) {
        self.shared.observe(pool, seen);
    }
}

/// Everything that a replay needs.
#[derive(Debug)]
pub struct Tools {
    /// Our records.
    pub db: Db,
    /// The events.
    pub reader: Reader,
    /// The platforms, read only.
    pub platforms: Platforms,
    /// What reading them has cost.
    pub gate: Arc<CountingGate>,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Entities that may wait to be looked at before more are put in.
    pub outstanding_max: u64,
    calls_at_once: usize,
    nested: Arc<NestedReads>,
}

impl Tools {
    /// As the settings say.
    ///
    /// # Errors
    /// Settings are missing, or the database is away or not migrated.
    pub async fn new(settings: &Settings) -> anyhow::Result<Self> {
        let problems = settings.replay.problems();
        ensure!(problems.is_empty(), "{}", problems.join("; "));
        let reader = Reader::new(settings.kafka()?)?;
        let db = database_with_secrets(settings).await?;
        let clock = clock(settings.clock.offset_file.clone());
        let shared = PostgresQuotaGate::new(db.clone(), Arc::clone(&clock), settings.quota.clone());
        let gate = Arc::new(CountingGate { shared, bigcommerce: AtomicU64::new(0), brightpearl: AtomicU64::new(0) });
        let paying: Arc<dyn QuotaGate> = Arc::<CountingGate>::clone(&gate);
        let platforms = Platforms { db: db.clone(), http: settings.http.client()?, gate: paying };
        let calls_at_once = usize::try_from(settings.processor.calls_at_once).unwrap_or(1);
        let nested = Arc::new(NestedReads::new(settings.processor.nested_include == NestedInclude::Auto));
        let outstanding_max = u64::from(settings.replay.outstanding_max);
        Ok(Self { db, reader, platforms, gate, clock, outstanding_max, calls_at_once, nested })
    }

    /// A tenant's clients and rules, as a processor would have them; nothing is refreshed, loaded or stored for it.
    ///
    /// # Errors
    /// Why its orders cannot be looked at now, in plain words.
    pub async fn session(&self, tenant: &TenantRecord) -> anyhow::Result<Session> {
        let account = self.account(tenant).await?;
        let (brightpearl, _) = self.platforms.account(&account).await?;
        let (bigcommerce, _) = self.platforms.store(tenant).await?;
        let loaded = self.db.catalogue_state(&account.code).await?.loaded_at;
        ensure!(loaded.is_some(), "the products of account {} were never read: a processor does that with the first order", account.code);
        let reference = self.reference(tenant).await?;
        let installation = match account.installation {
            Some(installation) => installation,
            None => brightpearl.installation(SHARE).await.context("asking Brightpearl for our installation")?,
        };
        Ok(Session {
            tenant: tenant.id.clone(),
            account: account.code.clone(),
            store: tenant.store.clone(),
            installation,
            search_before_creating: self.db.has_other_installations(&account.code, installation).await?,
            rules: Arc::new(tenant.rules.clone()),
            rules_version: tenant.rules_version,
            reference: Arc::new(reference),
            live_since: tenant.live_since,
            bigcommerce,
            brightpearl,
            db: self.db.clone(),
            hasher: self.db.email_hasher().await?,
            method_names: None,
            nested: Arc::clone(&self.nested),
            share: SHARE,
            calls_at_once: self.calls_at_once,
        })
    }

    async fn reference(&self, tenant: &TenantRecord) -> anyhow::Result<Reference> {
        let (account, store) = (self.db.account_reference(&tenant.account).await?, self.db.store_reference(&tenant.id).await?);
        let (account, store) = account.zip(store).with_context(|| {
            format!("the lists of account {} and its store were never read: `orderbridge rules refresh {}` does it", tenant.account, tenant.id)
        })?;
        Ok(Reference { account: account.lists, store: store.lists })
    }

    async fn account(&self, tenant: &TenantRecord) -> anyhow::Result<AccountRecord> {
        let account = self.db.account(&tenant.account).await?.with_context(|| format!("account {} is not known", tenant.account))?;
        if let AccountState::Parked { reason } = &account.state {
            bail!("account {} is parked: {reason}", account.code);
        }
        Ok(account)
    }
}
