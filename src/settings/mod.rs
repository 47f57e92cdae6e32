//! All settings of the executable: read once, checked together, then passed on as arguments.

mod keys;
mod layers;
mod outgoing;
mod replay;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::anyhow;
use orderbridge_ingest::IngestSettings;
use orderbridge_kafka::{KafkaSettings, TopicSettings};
use orderbridge_postgres::{DatabaseSettings, DirectorySettings, Keyring, QuotaSettings};
use orderbridge_processor::ProcessorSettings;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use crate::telemetry::LogSettings;
use layers::Layers;
use outgoing::OutgoingSettings;
use replay::ReplaySettings;

/// The topics' defaults outside of production: what one broker can give.
fn single_broker() -> [(&'static str, u16); 3] {
    let topics = TopicSettings::single_broker();
    [("partitions", topics.partitions), ("replication", topics.replication), ("min_insync_replicas", topics.min_insync_replicas)]
}

/// Whether the installation has to survive the loss of a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "String")]
pub enum Profile {
    /// Real orders: topics must be replicated. No role is ready while the brokers' topics are less safe than `[topics]` says.
    Production,
    /// One machine: topics of a single broker will do.
    #[default]
    Development,
}

impl TryFrom<String> for Profile {
    type Error = &'static str;

    fn try_from(word: String) -> Result<Self, Self::Error> {
        match word.as_str() {
            "production" => Ok(Self::Production),
            "development" => Ok(Self::Development),
            _ => Err("must be production or development"),
        }
    }
}

/// What stands outside of all sections.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct General {
    /// What the installation is for.
    pub profile: Profile,
    /// Master keys, `id:base64,…`, newest first.
    pub keys: Option<SecretString>,
    /// A file that holds them instead.
    pub keys_file: Option<PathBuf>,
    /// Where the platforms reach ingest, such as `https://hooks.example.com`; webhook addresses begin with it.
    pub public_url: Option<Url>,
}

/// Under `[clock]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClockSettings {
    /// A file with milliseconds to add to the machine's time; for tests only.
    pub offset_file: Option<PathBuf>,
}

/// Everything.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Outside of all sections.
    pub general: General,
    /// `[log]`
    pub log: LogSettings,
    /// `[clock]`
    pub clock: ClockSettings,
    /// `[database]`; only commands that need it ask for it.
    database: Option<DatabaseSettings>,
    /// `[kafka]`; likewise.
    kafka: Option<KafkaSettings>,
    /// `[topics]`
    pub topics: TopicSettings,
    /// `[ingest]`
    pub ingest: IngestSettings,
    /// `[ingest.directory]`: what ingest remembers of the tenants.
    pub directory: DirectorySettings,
    /// `[processor]`
    pub processor: ProcessorSettings,
    /// `[quota]`
    pub quota: QuotaSettings,
    /// `[http]`: calls to the platforms.
    pub http: OutgoingSettings,
    /// `[replay]`
    pub replay: ReplaySettings,
}

/// Settings that cannot be used, with everything that is wrong with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadSettings(pub Vec<String>);

impl std::fmt::Display for BadSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the settings cannot be used:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for BadSettings {}

impl Settings {
    /// Lays file and environment over the defaults.
    ///
    /// # Errors
    /// [`BadSettings`], with every value that cannot be read; how values go together is [`Self::problems`]' business.
    pub fn load(file: Option<&Path>, environment: HashMap<String, String>) -> Result<Self, BadSettings> {
        let mut layers = Layers::read(file, environment).map_err(BadSettings)?;
        if layers.peek("profile").as_deref() != Some("production") {
            for (key, value) in single_broker() {
                layers.set_default("topics", key, value);
            }
        }
        let mut problems = Vec::new();
        let found = &mut problems;
        let log = layers.section("log", found);
        let clock = layers.section("clock", found);
        let database = layers.optional_section("database", found);
        let kafka = layers.optional_section("kafka", found);
        let topics = layers.section("topics", found);
        let directory = layers.inner_section("ingest", "directory", found);
        let ingest = layers.section("ingest", found);
        let processor = layers.section("processor", found);
        let quota = layers.section("quota", found);
        let http = layers.section("http", found);
        let replay = layers.section("replay", found);
        let general = layers.rest(found);
        let complete = || {
            Some(Self {
                general: general?,
                log: log?,
                clock: clock?,
                database,
                kafka,
                topics: topics?,
                ingest: ingest?,
                directory: directory?,
                processor: processor?,
                quota: quota?,
                http: http?,
                replay: replay?,
            })
        };
        match complete() {
            Some(settings) if problems.is_empty() => Ok(settings),
            _ => Err(BadSettings(problems)),
        }
    }

    /// Everything that is wrong with the settings for running the roles; empty if nothing is.
    pub fn problems(&self) -> Vec<String> {
        let mut found = self.log.problems();
        found.extend(self.keyring().err().map(|error| error.to_string()));
        found.extend(self.database().err().map(|error| error.to_string()));
        found.extend(self.public_url_problem());
        match self.kafka() {
            Ok(kafka) => {
                let publishable = usize::try_from(kafka.body_bytes_max()).unwrap_or(usize::MAX);
                found.extend(kafka.validate());
                found.extend(self.ingest.validate(publishable).into_iter().map(|problem| format!("ingest.{problem}")));
            }
            Err(error) => found.push(error.to_string()),
        }
        found.extend(match self.general.profile {
            Profile::Production => self.topics.production_problems(),
            Profile::Development => self.topics.validate(),
        });
        if self.general.profile == Profile::Production && self.clock.offset_file.is_some() {
            found.push("clock.offset_file is for tests: leave it out in production".into());
        }
        found.extend(self.processor.problems());
        found.extend(self.http.problems());
        found.extend(self.replay.problems());
        found
    }

    /// The database.
    ///
    /// # Errors
    /// None is set.
    pub fn database(&self) -> anyhow::Result<&DatabaseSettings> {
        self.database.as_ref().ok_or_else(|| anyhow!("no database: set database.url, ORDERBRIDGE__DATABASE__URL or DATABASE_URL"))
    }

    /// The brokers.
    ///
    /// # Errors
    /// None is set.
    pub fn kafka(&self) -> anyhow::Result<&KafkaSettings> {
        self.kafka.as_ref().ok_or_else(|| anyhow!("no brokers: set kafka.brokers, ORDERBRIDGE__KAFKA__BROKERS or KAFKA_BROKERS"))
    }

    /// The master keys.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn keyring(&self) -> anyhow::Result<Arc<Keyring>> {
        let keyring = keys::keyring(self.general.keys.as_ref(), self.general.keys_file.as_deref());
        keyring.map(Arc::new).map_err(anyhow::Error::msg)
    }

    /// Where the platforms reach ingest.
    ///
    /// # Errors
    /// It is not set, or cannot be that.
    pub fn public_url(&self) -> anyhow::Result<&Url> {
        if let Some(problem) = self.public_url_problem() {
            return Err(anyhow!(problem));
        }
        self.general
            .public_url
            .as_ref()
            .ok_or_else(|| anyhow!("no public_url: set it to where the platforms reach ingest, such as https://hooks.example.com"))
    }

    fn public_url_problem(&self) -> Option<String> {
        let url = self.general.public_url.as_ref()?;
        let loopback = url.host_str().is_some_and(|host| host == "localhost" || host.starts_with("127.") || host == "[::1]");
        if url.scheme() != "https" && !(url.scheme() == "http" && (loopback || self.general.profile == Profile::Development)) {
            return Some("public_url must begin with https://".into());
        }
        let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
        (!bare).then(|| "public_url must be without user, password, query and fragment".into())
    }

    /// All settings with their defaults filled in and no secret in them, for people to read.
    pub fn redacted(&self) -> String {
        let Self { general, log, clock, database, kafka, topics, ingest, directory, processor, quota, http, replay } = self;
        let mut text = String::new();
        let mut add = |name: &str, value: &dyn std::fmt::Debug| text.push_str(&format!("[{name}]\n{value:#?}\n"));
        add("general", general);
        add("log", log);
        add("clock", clock);
        match database {
            Some(database) => add("database", database),
            None => add("database", &"not set"),
        }
        match kafka {
            Some(kafka) => add("kafka", kafka),
            None => add("kafka", &"not set"),
        }
        add("topics", topics);
        add("ingest", ingest);
        add("ingest.directory", directory);
        add("processor", processor);
        add("quota", quota);
        add("http", http);
        add("replay", replay);
        text
    }
}

#[cfg(test)]
mod tests;
