//! Settings, and what is wrong with them.

mod consumer;
mod topics;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use orderbridge_schema::topics::Topic;
use serde::Deserialize;

pub use consumer::ConsumerSettings;
pub use topics::TopicSettings;

/// An envelope is its ids, which come from the webhook's body, and at most this much around them.
const ENVELOPE_BYTES_MAX: u32 = 4096;

/// Properties of the connection itself, handed to librdkafka as they are: names that begin with `security.`, `ssl.` or `sasl.`.
///
/// Values may be secrets, so they are never printed.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct ConnectionProperties(pub BTreeMap<String, String>);

impl fmt::Debug for ConnectionProperties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// How to reach the brokers and how to publish.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaSettings {
    /// Brokers to ask first: `host:port`, separated by commas.
    pub brokers: String,
    /// How this process names itself to the brokers.
    #[serde(default = "defaults::client_id")]
    pub client_id: String,
    /// Stands before every topic's name, where several installations share a cluster.
    #[serde(default)]
    pub topic_prefix: String,
    /// Encryption and authentication of the connection.
    #[serde(default)]
    pub connection: ConnectionProperties,
    /// How long a caller waits for the brokers' acknowledgement.
    #[serde(default = "defaults::publish_timeout", with = "humantime_serde")]
    pub publish_timeout: Duration,
    /// How long a record that nobody waits for any more is still tried.
    #[serde(default = "defaults::message_timeout", with = "humantime_serde")]
    pub message_timeout: Duration,
    /// The largest record on an event topic, as the topic allows it too.
    #[serde(default = "defaults::message_bytes_max")]
    pub message_bytes_max: u32,
    /// The largest record on the dead-letter topic: a whole event and its coordinates.
    #[serde(default = "defaults::dead_letter_bytes_max")]
    pub dead_letter_bytes_max: u32,
    /// The most that waits in memory to be sent.
    #[serde(default = "defaults::queue_kbytes_max")]
    pub queue_kbytes_max: u32,
    /// How often the brokers are asked whether they are there.
    #[serde(default = "defaults::probe_interval", with = "humantime_serde")]
    pub probe_interval: Duration,
    /// How long their answer may take.
    #[serde(default = "defaults::probe_timeout", with = "humantime_serde")]
    pub probe_timeout: Duration,
}

impl KafkaSettings {
    /// The defaults, for these brokers.
    #[must_use]
    pub fn new(brokers: impl Into<String>) -> Self {
        Self {
            brokers: brokers.into(),
            client_id: defaults::client_id(),
            topic_prefix: String::new(),
            connection: ConnectionProperties::default(),
            publish_timeout: defaults::publish_timeout(),
            message_timeout: defaults::message_timeout(),
            message_bytes_max: defaults::message_bytes_max(),
            dead_letter_bytes_max: defaults::dead_letter_bytes_max(),
            queue_kbytes_max: defaults::queue_kbytes_max(),
            probe_interval: defaults::probe_interval(),
            probe_timeout: defaults::probe_timeout(),
        }
    }

    /// Everything wrong with them; empty if they can be used.
    #[must_use]
    pub fn validate(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut check = |holds: bool, problem: &str| {
            if !holds {
                problems.push(format!("kafka.{problem}"));
            }
        };
        let named = |broker: &str| broker.trim().rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
        check(self.brokers.split(',').all(named), "brokers must be host:port, separated by commas");
        check(!self.client_id.is_empty(), "client_id must not be empty");
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        check(
            self.topic_prefix.len() <= 100 && self.topic_prefix.chars().all(allowed),
            "topic_prefix must be at most 100 letters, digits, '.', '-' or '_'",
        );
        // Brightpearl and BigCommerce must have their 503 within a second (the answer itself takes some of it).
        check(self.publish_timeout <= Duration::from_millis(950) && !self.publish_timeout.is_zero(), "publish_timeout must be at most 950ms");
        check(self.message_timeout > self.publish_timeout, "message_timeout must be longer than publish_timeout");
        check(self.message_bytes_max >= 16 * 1024, "message_bytes_max must be at least 16384");
        let whole = self.message_bytes_max.saturating_add(ENVELOPE_BYTES_MAX);
        check(self.dead_letter_bytes_max >= whole, "dead_letter_bytes_max must be at least message_bytes_max + 4096");
        check(self.queue_kbytes_max >= 1024, "queue_kbytes_max must be at least 1024");
        // Readiness must turn red within 5 s of losing the brokers.
        let notice = self.probe_interval.saturating_add(self.probe_timeout);
        check(
            notice <= Duration::from_millis(4500) && !self.probe_interval.is_zero() && !self.probe_timeout.is_zero(),
            "probe_interval and probe_timeout must be at most 4.5s together",
        );
        for name in self.connection.0.keys() {
            let known = ["security.", "ssl.", "sasl."].iter().any(|prefix| name.starts_with(prefix));
            check(known, &format!("connection.{name} is not allowed: names begin with security., ssl. or sasl."));
        }
        problems
    }

    /// The largest webhook body whose envelope still fits into a record.
    #[must_use]
    pub const fn body_bytes_max(&self) -> u32 {
        self.message_bytes_max.saturating_sub(ENVELOPE_BYTES_MAX)
    }

    /// The name of a topic at the broker.
    #[must_use]
    pub fn topic_name(&self, topic: Topic) -> String {
        format!("{}{}", self.topic_prefix, topic.name())
    }

    pub(crate) fn topic_of(&self, name: &str) -> Option<Topic> {
        name.strip_prefix(&self.topic_prefix).and_then(Topic::from_name)
    }
}

mod defaults {
    use std::time::Duration;

    pub(super) fn client_id() -> String {
        "orderbridge".into()
    }
    pub(super) const fn publish_timeout() -> Duration {
        Duration::from_millis(900)
    }
    pub(super) const fn message_timeout() -> Duration {
        Duration::from_secs(5)
    }
    pub(super) const fn message_bytes_max() -> u32 {
        1_000_000
    }
    pub(super) const fn dead_letter_bytes_max() -> u32 {
        2_000_000
    }
    pub(super) const fn queue_kbytes_max() -> u32 {
        16_384
    }
    pub(super) const fn probe_interval() -> Duration {
        Duration::from_secs(1)
    }
    pub(super) const fn probe_timeout() -> Duration {
        Duration::from_secs(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_same_in_a_file_and_in_code() {
        let read: KafkaSettings = toml::from_str("brokers = \"a:9092,b:9092\"").unwrap();
        assert_eq!(read, KafkaSettings::new("a:9092,b:9092"));
        assert_eq!(toml::from_str::<ConsumerSettings>("").unwrap(), ConsumerSettings::new("orderbridge-intake"));
        assert_eq!(toml::from_str::<TopicSettings>("").unwrap(), TopicSettings::production());
        assert!(read.validate().is_empty());
        assert!(ConsumerSettings::new("a").validate().is_empty());
        assert!(TopicSettings::production().production_problems().is_empty());
        assert!(TopicSettings::single_broker().validate().is_empty());
        assert_eq!(TopicSettings::single_broker().production_problems().len(), 2);
    }

    #[test]
    fn every_problem_is_listed_and_unknown_names_are_refused() {
        let mut settings = KafkaSettings::new("nowhere");
        settings.publish_timeout = Duration::from_secs(2);
        settings.message_timeout = Duration::from_secs(1);
        settings.dead_letter_bytes_max = settings.message_bytes_max;
        settings.probe_timeout = Duration::from_secs(4);
        settings.connection.0.insert("acks".into(), "1".into());
        settings.connection.0.insert("sasl.password".into(), "hunter2".into());
        let problems = settings.validate().join("\n");
        for name in ["brokers", "publish_timeout", "message_timeout", "dead_letter_bytes_max", "probe_interval", "connection.acks"] {
            assert!(problems.contains(name), "{name} in {problems}");
        }
        assert_eq!(settings.validate().len(), 6);
        assert!(!format!("{settings:?}").contains("hunter2"));
        assert!(toml::from_str::<KafkaSettings>("brokers = \"a:1\"\nbroker = 1").is_err());
    }

    #[test]
    fn a_prefix_goes_before_every_topic_and_names_only_ours() {
        let mut settings = KafkaSettings::new("a:1");
        settings.topic_prefix = "t1.".into();
        assert_eq!(settings.topic_name(Topic::DeadLetters), "t1.dead-letters.v1");
        assert_eq!(settings.topic_of("t1.dead-letters.v1"), Some(Topic::DeadLetters));
        assert_eq!(settings.topic_of("dead-letters.v1"), None);
    }
}
