//! What every client of the brokers has in common.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::settings::KafkaSettings;

/// A broker that is away is complained about many times a second by the library; one line per minute says as much.
const SAME_COMPLAINT_AFTER: Duration = Duration::from_secs(60);

/// The configuration that producers, consumers and administration share.
pub(crate) fn config(settings: &KafkaSettings) -> ClientConfig {
    let mut config = ClientConfig::new();
    for (name, value) in &settings.connection.0 {
        config.set(name, value);
    }
    config
        .set("bootstrap.servers", &settings.brokers)
        .set("client.id", &settings.client_id)
        // A connection that died without a word is given up after this; the default is a minute.
        .set("socket.timeout.ms", "10000")
        .set("socket.keepalive.enable", "true")
        // A broker that comes back is found again within a second or so; the default is ten.
        .set("reconnect.backoff.max.ms", "1000")
        // A topic that is made after us is noticed soon.
        .set("topic.metadata.refresh.interval.ms", "30000")
        .set("log.connection.close", "false")
        .set_log_level(RDKafkaLogLevel::Warning);
    config
}

/// What the library has complained about.
#[derive(Debug, Default)]
pub(crate) struct Complaints {
    last: Mutex<Option<(RDKafkaErrorCode, Instant)>>,
}

impl Complaints {
    /// Logs an error of the library, unless the same one was logged a short while ago.
    pub(crate) fn log(&self, client: &str, error: &KafkaError, reason: &str) {
        let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let repeated = last.is_some_and(|(seen, at)| seen == code && at.elapsed() < SAME_COMPLAINT_AFTER);
        if !repeated {
            *last = Some((code, Instant::now()));
            tracing::warn!(client, %error, reason, "kafka client reports trouble");
        }
    }
}

/// The context of clients that need no more than logging.
#[derive(Debug, Default)]
pub(crate) struct Quiet(Complaints);

impl ClientContext for Quiet {
    fn error(&self, error: KafkaError, reason: &str) {
        self.0.log("admin", &error, reason);
    }
}

impl ConsumerContext for Quiet {}
