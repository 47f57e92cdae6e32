//! A database per test, a clock that stands still until it is moved, and tenants to work for.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use diesel::connection::{Connection as _, SimpleConnection as _};
use diesel::pg::PgConnection;
use diesel::sql_types::{BigInt, Text};
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};
use jiff::Timestamp;
use orderbridge_postgres::{
    AccountImport, DatabaseSettings, Db, JournalSettings, Keyring, Lease, ShareLimit, SignatureMode, StoreImport, TenantImport, WorkItem,
};
use orderbridge_schema::clock::Clock;
use orderbridge_schema::ids::{AccountCode, InstallationId, StoreHash, TenantId};
use orderbridge_schema::rules::Rules;
use orderbridge_schema::seen::StatusSet;
use orderbridge_schema::work::{Aspects, Scope, Share, Upsert, WorkKey, WorkKind};
use secrecy::{ExposeSecret as _, SecretString};

pub const START: &str = "2026-11-22T12:00:00Z";

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A clock that tests move.
#[derive(Debug, Clone)]
pub struct TestClock(Arc<Mutex<Timestamp>>);

impl TestClock {
    pub fn starting(text: &str) -> Self {
        Self(Arc::new(Mutex::new(at(text))))
    }

    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// Waits for a condition; the test fails if it does not come true.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{what} did not happen in time");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Where the server is: the environment's word, or that of the local services.
pub fn server_url() -> String {
    if let Ok(url) = std::env::var("DATABASE_URL") {
        return url;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/local/env");
    let output = Command::new(script).output().expect("deploy/local/env runs");
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("export DATABASE_URL=")).expect("a database is running: make up");
    line.trim_matches('\'').replace('\\', "")
}

fn url_of(database: &str) -> String {
    let mut url = url::Url::parse(&server_url()).expect("DATABASE_URL is a URL");
    url.set_path(database);
    url.into()
}

fn admin() -> PgConnection {
    PgConnection::establish(&server_url()).expect("PostgreSQL answers: make up")
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
pub struct Count {
    #[diesel(sql_type = BigInt)]
    pub n: i64,
}

/// The migrations' digest names the template, so that it is made once and again only when they change.
fn template_name() -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().join("up.sql")).collect();
    files.sort();
    let mut hash = DefaultHasher::new();
    for file in files {
        std::fs::read(file).unwrap().hash(&mut hash);
    }
    format!("ob_template_{:016x}", hash.finish())
}

const STALE_AFTER_SECONDS: i64 = 1800;

/// Drops what earlier runs left, and makes the template if it is not there. Once per process; an advisory lock keeps two processes apart.
fn template() -> &'static str {
    static TEMPLATE: OnceLock<String> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let name = template_name();
        let mut conn = admin();
        conn.batch_execute("select pg_advisory_lock(5430001)").unwrap();
        let names: Vec<Name> = sql_query("select datname::text as name from pg_database where datname like 'ob\\_t%'").load(&mut conn).unwrap();
        for old in names.iter().filter(|old| is_stale(&old.name, &name)) {
            conn.batch_execute(&format!("drop database if exists {} with (force)", old.name)).unwrap();
        }
        if !names.iter().any(|known| known.name == name) {
            let unfinished = format!("{name}_new");
            conn.batch_execute(&format!("create database {unfinished}")).unwrap();
            migrate(&url_of(&unfinished));
            conn.batch_execute(&format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{unfinished}'")).unwrap();
            conn.batch_execute(&format!("alter database {unfinished} rename to {name}")).unwrap();
        }
        name
    })
}

fn is_stale(name: &str, template: &str) -> bool {
    match name.strip_prefix("ob_test_").and_then(|rest| rest.split('_').next()?.parse::<i64>().ok()) {
        Some(made_at) => made_at < Timestamp::now().as_second() - STALE_AFTER_SECONDS,
        None => name.starts_with("ob_template_") && name != template,
    }
}

fn migrate(url: &str) {
    let settings = DatabaseSettings::at(SecretString::from(url));
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let db = Db::connect(&settings, Arc::new(TestClock::starting(START))).unwrap();
        runtime.block_on(db.migrate()).unwrap();
    })
    .join()
    .unwrap();
}

/// A database that is dropped with this value.
pub struct TestDb {
    pub db: Db,
    pub clock: TestClock,
    pub keyring: Arc<Keyring>,
    pub name: String,
    pub url: String,
}

impl TestDb {
    /// A migrated, empty database.
    pub async fn new() -> Self {
        Self::with(|_| ()).await
    }

    /// With a journal that does not make tests wait.
    pub async fn hasty() -> Self {
        let journal = JournalSettings { grace: Duration::from_millis(150), miss_spacing: Duration::from_millis(150) };
        Self::with(|settings| settings.journal = journal).await
    }

    pub async fn with(change: impl FnOnce(&mut DatabaseSettings)) -> Self {
        let from = tokio::task::spawn_blocking(template).await.unwrap();
        Self::create(Some(from), change).await
    }

    /// Without any table.
    pub async fn bare() -> Self {
        tokio::task::spawn_blocking(template).await.unwrap();
        Self::create(None, |_| ()).await
    }

    async fn create(from: Option<&str>, change: impl FnOnce(&mut DatabaseSettings)) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("ob_test_{}_{}_{number}", Timestamp::now().as_second(), std::process::id());
        let template = from.map(|from| format!(" template {from}")).unwrap_or_default();
        // Two copies of one template may not be made at the same instant.
        let create = format!("create database {name}{template}");
        eventually("creating a database", || async { tokio::task::block_in_place(|| admin().batch_execute(&create)).ok() }).await;
        let url = url_of(&name);
        let mut settings = DatabaseSettings::at(SecretString::from(url.clone()));
        settings.checkout_timeout = Duration::from_secs(5);
        change(&mut settings);
        let clock = TestClock::starting(START);
        let keyring = Arc::new(Keyring::parse(Keyring::generate("k1").unwrap().expose_secret()).unwrap());
        let db = Db::connect(&settings, Arc::new(clock.clone())).unwrap().with_keyring(Arc::clone(&keyring));
        Self { db, clock, keyring, name, url }
    }

    /// Another process on the same database.
    pub fn another(&self) -> Db {
        let mut settings = DatabaseSettings::at(SecretString::from(self.url.clone()));
        settings.checkout_timeout = Duration::from_secs(5);
        Db::connect(&settings, Arc::new(self.clock.clone())).unwrap().with_keyring(Arc::clone(&self.keyring))
    }

    /// A plain connection, to look behind the crate's back.
    pub fn peek(&self) -> PgConnection {
        PgConnection::establish(&self.url).unwrap()
    }

    pub fn count(&self, sql: &str) -> i64 {
        sql_query(sql).get_result::<Count>(&mut self.peek()).unwrap().n
    }

    pub fn execute(&self, sql: &str) {
        self.peek().batch_execute(sql).unwrap();
    }

    /// Leases all that is free.
    pub async fn lease(&self, owner: &str) -> Lease {
        let leases = self.db.acquire_leases(owner, 10, Duration::from_secs(60)).await.unwrap();
        leases.into_iter().find(|lease| lease.account == account()).expect("the account is free")
    }

    pub async fn claim(&self, lease: &Lease, owner: &str) -> Vec<WorkItem> {
        self.db.claim(&lease.account, lease.fence, owner, &limits(100)).await.unwrap()
    }

    /// Imports the usual tenant and leases its account.
    pub async fn with_tenant(&self) -> Lease {
        self.db.import_tenant(&tenant_import("acme", "abc")).await.unwrap();
        self.lease("one").await
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        if let Ok(mut conn) = PgConnection::establish(&server_url()) {
            conn.batch_execute(&format!("drop database if exists {} with (force)", self.name)).ok();
        }
    }
}

pub fn limits(each: u32) -> Vec<ShareLimit> {
    Share::ALL.iter().map(|&share| ShareLimit::new(share, each)).collect()
}

pub fn account() -> AccountCode {
    AccountCode::new("acct").unwrap()
}

pub fn tenant(id: &str) -> TenantId {
    TenantId::new(id).unwrap()
}

pub fn order(tenant_id: &str, entity: u64) -> WorkKey {
    WorkKey { scope: Scope::Tenant(tenant(tenant_id)), kind: WorkKind::Order, entity }
}

pub fn event(key: &WorkKey) -> Upsert {
    Upsert {
        key: key.clone(),
        account: account(),
        aspects: Aspects::STORE_ORDER,
        share: Share::Orders,
        event_at: at(START),
        cause: "store/order/created".into(),
        event: None,
        seen: StatusSet::NONE,
    }
}

pub fn tenant_import(id: &str, store: &str) -> TenantImport {
    TenantImport {
        id: tenant(id),
        store: StoreImport {
            hash: StoreHash::new(store).unwrap(),
            base: "https://store.example/".parse().unwrap(),
            signature_mode: SignatureMode::Require,
            client_id: format!("client-{store}"),
            client_secret: SecretString::from(format!("CLIENT-SECRET-{store}")),
            access_token: SecretString::from(format!("STORE-TOKEN-{store}")),
        },
        account: AccountImport {
            code: account(),
            api_base: "https://erp.example/".parse().unwrap(),
            token_base: "https://oauth.example/".parse().unwrap(),
            app_ref: "app".into(),
            dev_ref: "dev".into(),
            installation: Some(InstallationId(7)),
            client_secret: Some(SecretString::from("APP-SECRET")),
            access_token: Some(SecretString::from("ACCESS-1")),
            refresh_token: Some(SecretString::from("REFRESH-1")),
            expires_at: Some(at("2026-11-22T13:00:00Z")),
        },
        rules: Rules::default(),
    }
}
