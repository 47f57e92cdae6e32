//! One Orderbridge installation with its own database, topics and simulators.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;

use crate::leftovers;
use crate::wait::{SOON, until};

/// A master key for tests; it protects nothing.
pub const KEYS: &str = "test:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// The executable under test.
const ORDERBRIDGE: &str = env!("CARGO_BIN_EXE_orderbridge");

/// The services that an installation uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Services {
    /// A database of the PostgreSQL server, to make others from.
    pub database: String,
    /// The brokers.
    pub brokers: String,
}

impl Services {
    /// Those that the whole test run shares.
    pub fn shared() -> Self {
        Self { database: service("DATABASE_URL"), brokers: service("KAFKA_BROKERS") }
    }

    fn database_named(&self, name: &str) -> String {
        let mut url = url::Url::parse(&self.database).unwrap();
        url.set_path(name);
        url.into()
    }
}

/// An installation: settings, simulators, and the roles that run.
pub struct Installation {
    /// Answers as BigCommerce.
    pub bigcommerce: String,
    /// Answers as Brightpearl.
    pub brightpearl: String,
    /// Where webhooks go.
    pub public_url: String,
    /// Where the processor's health answers.
    pub processor_url: String,
    /// For calls of the tests themselves.
    pub http: reqwest::Client,
    folder: tempfile::TempDir,
    environment: Vec<(String, String)>,
    simulators: platforms::Running,
    services: Services,
    name: String,
}

/// A role that runs. Killed when dropped, and also when the tests' own process ends in any way.
pub struct Role {
    child: Child,
    /// Reads from us; at the end of that it kills the role. The shared installation is never dropped, and a killed test run drops nothing.
    _guard: Child,
}

static SHARED: OnceCell<(Installation, tokio::sync::Mutex<Role>)> = OnceCell::const_new();

/// Everything of the shared installation lives on this runtime, which outlives the single tests.
static RUNTIME: std::sync::LazyLock<tokio::runtime::Runtime> =
    std::sync::LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap());

/// Runs a test on the shared runtime.
pub fn run<F: Future<Output = ()> + Send + 'static>(test: F) {
    RUNTIME.block_on(async { tokio::spawn(test).await.unwrap() });
}

/// The installation that most tests share.
pub async fn shared() -> &'static Installation {
    let start = || async {
        leftovers::clear().await;
        let installation = Installation::new(&[]).await;
        let role = installation.start("all", &[]).await;
        (installation, tokio::sync::Mutex::new(role))
    };
    &SHARED.get_or_init(start).await.0
}

impl Installation {
    /// A new one, migrated and with topics; nothing runs yet but the simulators.
    pub async fn new(more: &[(&str, &str)]) -> Self {
        let services = Services::shared();
        let name = format!("e2e_{}", uuid::Uuid::new_v4().simple());
        leftovers::note(&name);
        Self::on(services, name, more).await
    }

    /// A new one on these services, which are not looked after.
    pub async fn on(services: Services, name: String, more: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = folder.path().join("clock");
        let simulators = platforms::start(platforms::Settings { clock_file: Some(clock.clone()), ..platforms::Settings::default() }).await.unwrap();
        let (ingest, processor) = (free_address(), free_address());
        let mut installation = Self {
            bigcommerce: simulators.bigcommerce_url.clone(),
            brightpearl: simulators.brightpearl_url.clone(),
            public_url: format!("http://{ingest}"),
            processor_url: format!("http://{processor}"),
            http: reqwest::Client::new(),
            environment: Vec::new(),
            folder,
            simulators,
            services,
            name,
        };
        installation.settings(&ingest, &processor, &clock, more);
        installation.control(&installation.bigcommerce, "switches", serde_json::json!({"allow_loopback_http": true})).await;
        installation.control(&installation.brightpearl, "switches", serde_json::json!({"webhook_http": true})).await;
        installation.create_database().await;
        installation.orderbridge(&["migrate", "up"]).await;
        installation.orderbridge(&["topics", "create"]).await;
        installation
    }

    fn settings(&mut self, ingest: &str, processor: &str, clock: &std::path::Path, more: &[(&str, &str)]) {
        let url = self.services.database_named(&self.name);
        let brokers = self.services.brokers.clone();
        let directory = self.folder.path().join("directory");
        let known = [
            ("DATABASE_URL", url.as_str()),
            ("KAFKA_BROKERS", &brokers),
            ("ORDERBRIDGE__KEYS", KEYS),
            ("ORDERBRIDGE__PUBLIC_URL", &self.public_url),
            ("ORDERBRIDGE__KAFKA__TOPIC_PREFIX", &format!("{}.", self.name)),
            ("ORDERBRIDGE__TOPICS__PARTITIONS", "3"),
            ("ORDERBRIDGE__INGEST__HTTP__LISTEN", ingest),
            ("ORDERBRIDGE__INGEST__DIRECTORY__FILE", directory.to_str().unwrap()),
            ("ORDERBRIDGE__PROCESSOR__LISTEN", processor),
            ("ORDERBRIDGE__PROCESSOR__CONSUMER_GROUP", &self.name),
            ("ORDERBRIDGE__PROCESSOR__LEASE_TTL", "6s"),
            ("ORDERBRIDGE__PROCESSOR__LEASE_MARGIN", "1s"),
            ("ORDERBRIDGE__PROCESSOR__SEND_WITHIN", "3s"),
            ("ORDERBRIDGE__PROCESSOR__IDLE_SCAN", "500ms"),
            ("ORDERBRIDGE__PROCESSOR__MENDED_CHECK", "5s"),
            ("ORDERBRIDGE__PROCESSOR__ECHO_WAIT", "500ms"),
            // Sweeps would be calls that most tests do not count on; those that want them say so.
            ("ORDERBRIDGE__PROCESSOR__SWEEPS__ORDERS", "7days"),
            ("ORDERBRIDGE__PROCESSOR__SWEEPS__NOTES", "7days"),
            ("ORDERBRIDGE__PROCESSOR__SWEEPS__PRODUCTS", "7days"),
            ("ORDERBRIDGE__PROCESSOR__SWEEPS__HOOKS", "7days"),
            ("ORDERBRIDGE__PROCESSOR__SWEEPS__START_WITHIN", "7days"),
            ("ORDERBRIDGE__PROCESSOR__AUDIT__ENABLED", "false"),
            ("ORDERBRIDGE__DATABASE__JOURNAL__GRACE", "2s"),
            ("ORDERBRIDGE__DATABASE__JOURNAL__MISS_SPACING", "1s"),
            ("ORDERBRIDGE__CLOCK__OFFSET_FILE", clock.to_str().unwrap()),
            ("RUST_LOG", "info"),
        ];
        let all = known.into_iter().chain(more.iter().copied());
        self.environment = all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    }

    async fn create_database(&self) {
        self.psql(&self.services.database, &format!("create database {}", self.name)).await;
    }

    /// Changes our own records, as a restored copy of the database would, or reads them.
    pub async fn sql(&self, statement: &str) -> String {
        self.psql(&self.services.database_named(&self.name), statement).await
    }

    /// Takes the database away from everybody.
    pub async fn cut_database(&self) {
        self.psql(&self.services.database, &format!("alter database {} allow_connections false", self.name)).await;
        self.psql(&self.services.database, &format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{}'", self.name)).await;
    }

    /// Gives it back.
    pub async fn mend_database(&self) {
        self.psql(&self.services.database, &format!("alter database {} allow_connections true", self.name)).await;
    }

    async fn psql(&self, database: &str, statement: &str) -> String {
        let mut psql = Command::new("psql");
        psql.args(["--quiet", "--no-psqlrc", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"]);
        let done = psql.args(["--dbname", database, "--command", statement]).output().await.unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim_end().to_owned()
    }

    /// Where files of this installation may be put.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Lets time pass for the simulators and for all roles.
    pub fn advance(&self, span: Duration) {
        self.simulators.clock.advance(span).unwrap();
    }

    /// Runs a command to its end and gives what it printed.
    pub async fn orderbridge(&self, arguments: &[&str]) -> String {
        self.orderbridge_with(arguments, &[]).await
    }

    /// The same with more in the environment.
    pub async fn orderbridge_with(&self, arguments: &[&str], more: &[(&str, &str)]) -> String {
        let output = self.command(arguments, more).output().await.unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "orderbridge {arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that may fail.
    pub async fn try_orderbridge(&self, arguments: &[&str]) -> std::process::Output {
        self.command(arguments, &[]).output().await.unwrap()
    }

    fn command(&self, arguments: &[&str], more: &[(&str, &str)]) -> Command {
        let environment = self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(more.iter().copied());
        let mut command = Command::new(ORDERBRIDGE);
        command.args(arguments).envs(environment).stdin(Stdio::null());
        command
    }

    /// Starts a role and waits until it is ready.
    pub async fn start(&self, role: &str, more: &[(&str, &str)]) -> Role {
        let running = self.spawn(role, more);
        self.wait_ready(role).await;
        running
    }

    /// Where this installation's topics are.
    pub fn kafka(&self) -> orderbridge_kafka::KafkaSettings {
        let topic_prefix = format!("{}.", self.name);
        orderbridge_kafka::KafkaSettings { topic_prefix, ..orderbridge_kafka::KafkaSettings::new(self.services.brokers.clone()) }
    }

    /// What a role or a command in the background has printed so far.
    pub fn log(&self, role: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(format!("{role}.log"))).unwrap_or_default()
    }

    /// Starts a role without waiting for it.
    pub fn spawn(&self, role: &str, more: &[(&str, &str)]) -> Role {
        self.spawn_command(&[role], more)
    }

    /// Starts a command without waiting for its end; its log has the name of its first argument.
    pub fn spawn_command(&self, arguments: &[&str], more: &[(&str, &str)]) -> Role {
        let role = arguments[0];
        let log = std::fs::File::options().create(true).append(true).open(self.folder.path().join(format!("{role}.log"))).unwrap();
        let mut command = self.command(arguments, more);
        command.stdout(log.try_clone().unwrap()).stderr(log).kill_on_drop(true);
        let child = command.spawn().unwrap();
        let mut guard = Command::new("sh");
        guard.args(["-c", "cat > /dev/null; kill -KILL \"$0\" 2> /dev/null", &child.id().unwrap().to_string()]).stdin(Stdio::piped());
        Role { child, _guard: guard.spawn().unwrap() }
    }

    async fn wait_ready(&self, role: &str) {
        let urls: &[&String] = match role {
            "ingest" => &[&self.public_url],
            "processor" => &[&self.processor_url],
            _ => &[&self.public_url, &self.processor_url],
        };
        for url in urls {
            let what = format!("{role} is ready at {url}; its log: {}", self.folder.path().display());
            until(&what, SOON, || async { self.http.get(format!("{url}/readyz")).send().await.ok().filter(|answer| answer.status().is_success()) })
                .await;
        }
    }

    /// Posts to a simulator's control API and gives its answer.
    pub async fn control(&self, platform: &str, path: &str, body: Value) -> Value {
        let sent = self.http.post(format!("{platform}/_sim/{path}")).json(&body).send().await.unwrap();
        let status = sent.status();
        let text = sent.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Reads from a simulator's control API.
    pub async fn look(&self, platform: &str, path: &str) -> Value {
        let answer = self.http.get(format!("{platform}/_sim/{path}")).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        if self.services != Services::shared() {
            return;
        }
        let name = self.name.clone();
        // A runtime cannot be entered twice on one thread.
        let removed = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(leftovers::remove(&name));
        });
        // What is left behind by a failed clean-up is cleared by the next run.
        let _cleared = removed.join();
    }
}

impl Role {
    /// Asks it to end, and gives its exit code.
    pub async fn stop(&mut self) -> Option<i32> {
        self.signal("TERM").await;
        tokio::time::timeout(SOON, self.child.wait()).await.unwrap().unwrap().code()
    }

    /// Waits until it has ended by itself.
    pub async fn ended(&mut self) {
        tokio::time::timeout(SOON, self.child.wait()).await.expect("the role did not end").unwrap();
    }

    /// Whether all of it stands still, as after SIGSTOP.
    pub fn is_frozen(&self) -> bool {
        let Some(pid) = self.child.id() else { return false };
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'))
    }

    /// Sends a signal by name.
    pub async fn signal(&self, name: &str) {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().await.unwrap().success());
    }
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// A service's address: from the environment, as `make test` sets it, or from the local services' own word.
pub fn service(name: &str) -> String {
    if let Ok(value) = std::env::var(name) {
        return value;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/local/env");
    let output = std::process::Command::new(script).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("export {name}=")));
    line.unwrap_or_else(|| panic!("{name} is not set, and no local services run: make up")).trim_matches(['\'', '"']).to_owned()
}
