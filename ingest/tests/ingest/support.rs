//! A database per run, a mocked cluster per test, and a merchant to send for.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use diesel::{Connection as _, PgConnection, RunQueryDsl as _, sql_query};
use jiff::Timestamp;
use orderbridge_http_server::{Check, HttpServerSettings, Metrics};
use orderbridge_ingest::{App, Deps, IngestSettings, RunError};
use orderbridge_kafka::{KafkaSettings, Publisher};
use orderbridge_postgres::{AccountImport, DatabaseSettings, Db, Directory, DirectorySettings, Keyring, SignatureMode, StoreImport, TenantImport};
use orderbridge_schema::clock::Clock;
use orderbridge_schema::envelope::Envelope;
use orderbridge_schema::ids::{AccountCode, ConnectionId, StoreHash, TenantId};
use orderbridge_schema::rules::Rules;
use orderbridge_schema::topics::Topic;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use reqwest::RequestBuilder;
use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::delivery::{Delivery, order_body};

pub const DEADLINE: Duration = Duration::from_secs(30);
/// The moment of the fact sheet's signed example (BC §c).
pub const SIGNED_AT: i64 = 1_735_689_600;
/// Its key.
pub const CLIENT_SECRET: &str = "3f1c9a7be2d84506c1f7a90b6d25e843f0a1b2c3d4e5f60718293a4b5c6d7e8f";
pub const ACCESS_TOKEN: &str = "a-token-that-is-never-used";

pub type Cluster = MockCluster<'static, DefaultProducerContext>;

/// Waits until a condition holds.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let until = Instant::now() + DEADLINE;
    while !holds().await {
        assert!(Instant::now() < until, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[derive(Debug)]
pub struct TestClock(Mutex<Timestamp>);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

impl TestClock {
    pub fn at(seconds: i64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Timestamp::from_second(seconds).unwrap())))
    }

    pub fn set(&self, seconds: i64) {
        *self.0.lock().unwrap() = Timestamp::from_second(seconds).unwrap();
    }
}

/// The address of a database of this run's own, migrated.
pub fn database() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| {
        let server = std::env::var("DATABASE_URL").unwrap_or_else(|_| "postgres://orderbridge@127.0.0.1:54329/orderbridge".into());
        let mut url = url::Url::parse(&server).unwrap();
        let name = format!("ingest_test_{}", std::process::id());
        let mut admin = PgConnection::establish(&server).unwrap();
        for statement in [format!("drop database if exists {name} with (force)"), format!("create database {name}")] {
            sql_query(statement).execute(&mut admin).unwrap();
        }
        drop_of_former_runs(&mut admin);
        url.set_path(&name);
        let migrated = url.to_string();
        let migrate = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { db(&migrated).migrate().await }).unwrap();
        };
        std::thread::spawn(migrate).join().unwrap();
        url.into()
    })
}

#[derive(diesel::QueryableByName)]
struct Name {
    #[diesel(sql_type = diesel::sql_types::Text)]
    datname: String,
}

fn drop_of_former_runs(admin: &mut PgConnection) {
    let unused = "select datname::text as datname from pg_database where datname like 'ingest_test_%' \
                  and not exists (select from pg_stat_activity where pg_stat_activity.datname = pg_database.datname)";
    let names: Vec<Name> = sql_query(unused).load(admin).unwrap();
    for name in names {
        let alive = name.datname.strip_prefix("ingest_test_").is_some_and(|pid| std::path::Path::new("/proc").join(pid).exists());
        if !alive {
            sql_query(format!("drop database if exists {}", name.datname)).execute(admin).unwrap();
        }
    }
}

pub fn db(url: &str) -> Db {
    Db::connect(&DatabaseSettings::at(SecretString::from(url)), TestClock::at(SIGNED_AT)).unwrap()
}

/// A cluster of one mocked broker with our topics.
pub fn cluster() -> Cluster {
    let cluster = MockCluster::new(1).unwrap();
    for topic in Topic::ALL {
        cluster.create_topic(topic.name(), 3, 1).unwrap();
    }
    cluster
}

pub fn kafka(cluster: &Cluster) -> KafkaSettings {
    KafkaSettings::new(cluster.bootstrap_servers())
}

/// All events on the brokers.
pub fn stored(kafka: &KafkaSettings) -> Vec<Envelope> {
    let reader: BaseConsumer = ClientConfig::new().set("bootstrap.servers", &kafka.brokers).set("group.id", "test").create().unwrap();
    let (mut list, mut left) = (TopicPartitionList::new(), 0);
    for name in Topic::events().map(|topic| kafka.topic_name(topic)) {
        for partition in 0..3 {
            let (low, high) = reader.fetch_watermarks(&name, partition, DEADLINE).unwrap();
            left += high - low;
            list.add_partition_offset(&name, partition, Offset::Beginning).unwrap();
        }
    }
    reader.assign(&list).unwrap();
    let mut events = Vec::new();
    let until = Instant::now() + DEADLINE;
    while left > 0 {
        assert!(Instant::now() < until, "all events are read");
        if let Some(message) = reader.poll(Duration::from_millis(100)) {
            events.push(Envelope::from_json(message.unwrap().payload().unwrap()).unwrap());
            left -= 1;
        }
    }
    events
}

/// A merchant as it is in the database.
pub struct Merchant {
    pub db: Db,
    pub keyring: Arc<Keyring>,
    pub tenant: TenantId,
    pub account: AccountCode,
    pub store_connection: ConnectionId,
    pub account_connection: ConnectionId,
    pub header_secret: String,
    pub path_secret: String,
    pub literal: String,
}

/// Everybody's key, so that every test's directory can read every test's connections.
fn keyring() -> Arc<Keyring> {
    static KEYRING: OnceLock<Arc<Keyring>> = OnceLock::new();
    Arc::clone(KEYRING.get_or_init(|| Arc::new(Keyring::parse(Keyring::generate("k1").unwrap().expose_secret()).unwrap())))
}

pub fn import(name: &str, mode: SignatureMode, client_secret: &str) -> TenantImport {
    let base = url::Url::parse("http://127.0.0.1:9").unwrap();
    TenantImport {
        id: TenantId::new(name).unwrap(),
        store: StoreImport {
            hash: StoreHash::new("abc123").unwrap(),
            base: base.clone(),
            signature_mode: mode,
            client_id: "client".into(),
            client_secret: client_secret.into(),
            access_token: ACCESS_TOKEN.into(),
        },
        account: AccountImport {
            code: AccountCode::new(name).unwrap(),
            api_base: base.clone(),
            token_base: base,
            app_ref: "app".into(),
            dev_ref: "dev".into(),
            installation: None,
            client_secret: None,
            access_token: Some(ACCESS_TOKEN.into()),
            refresh_token: None,
            expires_at: None,
        },
        rules: Rules::default(),
    }
}

impl Merchant {
    pub async fn new(mode: SignatureMode) -> Self {
        let name = format!("m{}", Uuid::new_v4().simple());
        let keyring = keyring();
        let db = db(database()).with_keyring(Arc::clone(&keyring));
        let import = import(&name, mode, CLIENT_SECRET);
        db.import_tenant(&import).await.unwrap();
        let (tenant, account) = (import.id, import.account.code);
        let store = db.store_credentials(&tenant).await.unwrap();
        let credentials = db.account_credentials(&account).await.unwrap();
        let exposed = |secrets: &[SecretString]| secrets[0].expose_secret().to_owned();
        Self {
            store_connection: db.tenant(&tenant).await.unwrap().unwrap().connection,
            account_connection: db.account(&account).await.unwrap().unwrap().connection,
            header_secret: exposed(&store.header_secrets),
            path_secret: exposed(&credentials.path_secrets),
            literal: exposed(&credentials.body_literals),
            db,
            keyring,
            tenant,
            account,
        }
    }

    pub fn notes(&self, ids: &str) -> serde_json::Value {
        serde_json::json!({
            "accountCode": self.account.as_str(), "resourceType": "goods-out-note", "id": ids, "lifecycleEvent": "modified",
            "fullEvent": "goods-out-note.modified.shipped", "raisedOn": "2026-03-02T14:05:31.402Z", "brightpearlVersion": "5.12.311",
            "literal": self.literal,
        })
    }
}

/// A running ingest.
pub struct Ingest {
    pub addr: SocketAddr,
    pub token: CancellationToken,
    pub task: tokio::task::JoinHandle<Result<(), RunError>>,
    pub clock: Arc<TestClock>,
    pub client: reqwest::Client,
}

/// What a test may want different.
pub struct Options {
    pub settings: IngestSettings,
    pub kafka: KafkaSettings,
    pub db: Db,
    pub file: std::path::PathBuf,
    pub checks: Vec<Check>,
    _dir: Option<tempfile::TempDir>,
}

impl Options {
    pub fn new(merchant: &Merchant, kafka: KafkaSettings) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let http = HttpServerSettings { unready_delay: Duration::ZERO, ..HttpServerSettings::new("127.0.0.1:0".parse().unwrap()) };
        Self {
            settings: IngestSettings::new(http),
            kafka,
            db: merchant.db.clone(),
            file: dir.path().join("connections"),
            checks: Vec::new(),
            _dir: Some(dir),
        }
    }
}

impl Ingest {
    pub async fn start(merchant: &Merchant, cluster: &Cluster) -> Self {
        Self::with(&Options::new(merchant, kafka(cluster))).await
    }

    /// Starts and waits until it is ready.
    pub async fn with(options: &Options) -> Self {
        let ingest = Self::begin(options).await;
        eventually("ingest is ready", || async { ingest.ready().await == 200 }).await;
        ingest
    }

    pub async fn begin(options: &Options) -> Self {
        let clock = TestClock::at(SIGNED_AT + 10);
        let deps = Deps {
            directory: directory(options).await,
            publisher: Publisher::start(&options.kafka).unwrap(),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            metrics: Metrics::install().unwrap(),
            checks: options.checks.clone(),
        };
        let app = App::build(options.settings.clone(), deps).await.unwrap();
        let (addr, token) = (app.addr(), CancellationToken::new());
        Self { addr, task: tokio::spawn(app.run(token.clone())), token, clock, client: reqwest::Client::new() }
    }

    pub async fn ready(&self) -> u16 {
        self.client.get(self.url("/readyz")).send().await.unwrap().status().as_u16()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// A signed delivery of BigCommerce's, to be changed before it is sent.
    pub fn order(&self, merchant: &Merchant, order: u64) -> Delivery {
        Delivery {
            url: self.url(&format!("/webhooks/bigcommerce/{}", merchant.store_connection)),
            header_secret: Some(merchant.header_secret.clone()),
            key: CLIENT_SECRET.into(),
            id: format!("evt_{}", Uuid::new_v4().simple()),
            time: SIGNED_AT,
            body: order_body("store/order/created", order),
            signature: None,
            client: self.client.clone(),
        }
    }

    pub fn call(&self, connection: &ConnectionId, secret: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.client.post(self.url(&format!("/webhooks/brightpearl/{connection}/{secret}"))).body(body)
    }

    pub async fn stop(self) {
        self.token.cancel();
        tokio::time::timeout(DEADLINE, self.task).await.unwrap().unwrap().unwrap();
    }
}

/// The directory, as the executable would open it.
pub async fn directory(options: &Options) -> Directory {
    let settings = DirectorySettings {
        poll: Duration::from_millis(500),
        fresh_for: Duration::from_secs(2),
        ..DirectorySettings::with_file(Some(options.file.clone()))
    };
    Directory::open(&options.db, settings).await.unwrap()
}
