//! The topics: made by deployment, never by being used.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use orderbridge_schema::topics::Topic;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::MetadataTopic;
use serde::Serialize;

use crate::client::{Quiet, config};
use crate::settings::{KafkaSettings, TopicSettings};

const TIMEOUT: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Why the topics could not be made or looked at.
#[derive(Debug, thiserror::Error)]
pub enum TopicsError {
    /// The brokers do not answer, or refuse the whole request.
    #[error("the brokers could not {doing}: {why}")]
    Unavailable {
        /// What was being done.
        doing: &'static str,
        /// What went wrong.
        why: String,
    },
    /// One topic was refused.
    #[error("topic {topic} was refused: {why}")]
    Refused {
        /// The topic's name at the broker.
        topic: String,
        /// The broker's reason.
        why: String,
    },
}

impl TopicsError {
    fn unavailable(doing: &'static str) -> impl FnOnce(KafkaError) -> Self {
        move |error| Self::Unavailable { doing, why: error.to_string() }
    }
}

/// What became of one topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Creation {
    /// The topic's name at the broker.
    pub topic: String,
    /// Whether it was made just now; false if it was there already.
    pub created: bool,
}

/// How one topic is, and how that differs from the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TopicReport {
    /// The topic's name at the broker.
    pub topic: String,
    /// How many partitions it has; 0 if it does not exist.
    pub partitions: usize,
    /// The fewest replicas that a partition of it has.
    pub replication: usize,
    /// The settings that matter, as the broker has them.
    pub configs: BTreeMap<String, String>,
    /// Each difference, in plain words; empty if all is as it should be.
    pub drift: Vec<String>,
    /// Those differences by which events may be lost or refused; more than is asked for is no weakness.
    pub weaknesses: Vec<String>,
}

/// Makes and describes the topics.
#[derive(Clone)]
pub struct Topics {
    admin: Arc<AdminClient<Quiet>>,
    kafka: KafkaSettings,
    wanted: TopicSettings,
}

impl std::fmt::Debug for Topics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Topics").field("brokers", &self.kafka.brokers).field("wanted", &self.wanted).finish_non_exhaustive()
    }
}

impl Topics {
    /// A client for the topics of these settings.
    ///
    /// # Errors
    /// [`TopicsError::Unavailable`] if the client library refuses the settings.
    pub fn new(kafka: &KafkaSettings, wanted: &TopicSettings) -> Result<Self, TopicsError> {
        let admin = config(kafka).create_with_context(Quiet::default()).map_err(TopicsError::unavailable("be set up"))?;
        Ok(Self { admin: Arc::new(admin), kafka: kafka.clone(), wanted: wanted.clone() })
    }

    /// Makes the topics that do not exist and waits until they can be used. Those that exist are left as they are: see
    /// [`describe`](Self::describe) for how they differ.
    ///
    /// # Errors
    /// [`TopicsError`]; topics before the refused one may have been made, and making them again is harmless.
    pub async fn create(&self) -> Result<Vec<Creation>, TopicsError> {
        let configs: Vec<(String, Vec<(&str, String)>)> =
            Topic::ALL.iter().map(|&topic| (self.kafka.topic_name(topic), self.configs(topic))).collect();
        let topics: Vec<NewTopic<'_>> = configs
            .iter()
            .map(|(name, configs)| {
                let new = NewTopic::new(name, i32::from(self.wanted.partitions), TopicReplication::Fixed(i32::from(self.wanted.replication)));
                configs.iter().fold(new, |new, (key, value)| new.set(key, value))
            })
            .collect();
        let results = self.admin.create_topics(&topics, &options()).await.map_err(TopicsError::unavailable("make topics"))?;
        let mut creations = Vec::with_capacity(results.len());
        for result in results {
            creations.push(match result {
                Ok(topic) => Creation { topic, created: true },
                Err((topic, RDKafkaErrorCode::TopicAlreadyExists)) => Creation { topic, created: false },
                Err((topic, code)) => return Err(TopicsError::Refused { topic, why: code.to_string() }),
            });
        }
        self.wait_until_usable().await?;
        Ok(creations)
    }

    /// How the topics are and how they differ from the settings, in [`Topic::ALL`]'s order.
    ///
    /// # Errors
    /// [`TopicsError::Unavailable`] if the brokers do not answer.
    pub async fn describe(&self) -> Result<Vec<TopicReport>, TopicsError> {
        let shapes = self.shapes().await?;
        let names: Vec<String> = Topic::ALL.iter().map(|&topic| self.kafka.topic_name(topic)).collect();
        let existing: Vec<&str> = names.iter().map(String::as_str).filter(|name| shapes.contains_key(*name)).collect();
        let mut configs = self.broker_configs(&existing).await?;
        let report = |(topic, name): (Topic, String)| match shapes.get(&name) {
            None => {
                let missing = vec!["the topic does not exist".to_owned()];
                TopicReport { topic: name, partitions: 0, replication: 0, configs: BTreeMap::new(), drift: missing.clone(), weaknesses: missing }
            }
            Some(shape) => {
                let configs = configs.remove(&name).unwrap_or_default();
                self.report(topic, name, shape, configs)
            }
        };
        Ok(Topic::ALL.into_iter().zip(names).map(report).collect())
    }

    /// Deletes the topics, for tests that share a broker.
    ///
    /// # Errors
    /// [`TopicsError::Unavailable`] without a prefix: those topics hold events that somebody was told are safe.
    pub async fn delete_prefixed(&self) -> Result<(), TopicsError> {
        let doing = "delete topics";
        if self.kafka.topic_prefix.is_empty() {
            return Err(TopicsError::Unavailable { doing, why: "only topics with a prefix may be deleted".into() });
        }
        let names: Vec<String> = Topic::ALL.iter().map(|&topic| self.kafka.topic_name(topic)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.admin.delete_topics(&names, &options()).await.map_err(TopicsError::unavailable(doing))?;
        Ok(())
    }

    fn configs(&self, topic: Topic) -> Vec<(&'static str, String)> {
        let (retention, bytes_max) = if topic == Topic::DeadLetters {
            (self.wanted.dead_letter_retention, self.kafka.dead_letter_bytes_max)
        } else {
            (self.wanted.retention, self.kafka.message_bytes_max)
        };
        vec![
            ("cleanup.policy", "delete".into()),
            ("max.message.bytes", bytes_max.to_string()),
            // When it was appended is what retention and lag are counted from; a client's clock is not to be trusted with it.
            ("message.timestamp.type", "LogAppendTime".into()),
            ("min.insync.replicas", self.wanted.min_insync_replicas.to_string()),
            // By time only: a flood of one tenant's must not push another's events out.
            ("retention.bytes", "-1".into()),
            ("retention.ms", retention.as_millis().to_string()),
            ("unclean.leader.election.enable", "false".into()),
        ]
    }

    fn report(&self, topic: Topic, name: String, shape: &Shape, found: BTreeMap<String, String>) -> TopicReport {
        let (mut drift, mut weaknesses) = (Vec::new(), Vec::new());
        let mut compare = |what: &str, is: &str, should: &str| {
            if is != should {
                drift.push(format!("{what} is {is}, the settings say {should}"));
            }
        };
        compare("partitions", &shape.partitions.to_string(), &self.wanted.partitions.to_string());
        compare("replication", &shape.replication.to_string(), &self.wanted.replication.to_string());
        weaknesses.extend(weakness("replication", &shape.replication.to_string(), &self.wanted.replication.to_string()));
        let mut configs = BTreeMap::new();
        for (key, should) in self.configs(topic) {
            let is = found.get(key).map_or("unknown", String::as_str);
            compare(key, is, &should);
            weaknesses.extend(weakness(key, is, &should));
            configs.insert(key.to_owned(), is.to_owned());
        }
        TopicReport { topic: name, partitions: shape.partitions, replication: shape.replication, configs, drift, weaknesses }
    }

    async fn broker_configs(&self, names: &[&str]) -> Result<BTreeMap<String, BTreeMap<String, String>>, TopicsError> {
        if names.is_empty() {
            return Ok(BTreeMap::new());
        }
        let resources: Vec<ResourceSpecifier<'_>> = names.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
        let results = self.admin.describe_configs(&resources, &options()).await.map_err(TopicsError::unavailable("describe topics"))?;
        let mut found = BTreeMap::new();
        for (name, result) in names.iter().zip(results) {
            let resource = result.map_err(|code| TopicsError::Refused { topic: (*name).to_owned(), why: code.to_string() })?;
            let entries = resource.entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?)));
            found.insert((*name).to_owned(), entries.collect());
        }
        Ok(found)
    }

    /// The shape of every topic of the cluster: asking for one by name would make it where brokers are careless.
    async fn shapes(&self) -> Result<BTreeMap<String, Shape>, TopicsError> {
        let admin = Arc::clone(&self.admin);
        let fetch = move || -> Result<BTreeMap<String, Shape>, KafkaError> {
            let metadata = admin.inner().fetch_metadata(None, TIMEOUT)?;
            Ok(metadata.topics().iter().map(|topic| (topic.name().to_owned(), Shape::of(topic))).collect())
        };
        let doing = "list topics";
        let lost = |error: tokio::task::JoinError| TopicsError::Unavailable { doing, why: error.to_string() };
        tokio::task::spawn_blocking(fetch).await.map_err(lost)?.map_err(TopicsError::unavailable(doing))
    }

    /// A topic is made by the controller a moment before the brokers serve it.
    async fn wait_until_usable(&self) -> Result<(), TopicsError> {
        let usable = async {
            loop {
                let shapes = self.shapes().await?;
                let led = |topic: &Topic| shapes.get(&self.kafka.topic_name(*topic)).is_some_and(|shape| shape.led);
                if Topic::ALL.iter().all(led) {
                    return Ok(());
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        let late = |_elapsed| TopicsError::Unavailable { doing: "make topics", why: "they were made, but have no leaders yet".into() };
        tokio::time::timeout(TIMEOUT, usable).await.map_err(late)?
    }
}

/// Why a value that is not as it should be may lose events, or have them refused; none where more is as good.
fn weakness(what: &str, is: &str, should: &str) -> Option<String> {
    let enough = |is: &str| is.parse::<u64>().ok().zip(should.parse::<u64>().ok()).is_some_and(|(is, should)| is >= should);
    let (holds, wanted) = match what {
        "replication" | "min.insync.replicas" | "max.message.bytes" => (enough(is), format!("at least {should}")),
        // -1 keeps them for ever.
        "retention.ms" => (is == "-1" || enough(is), format!("at least {should}")),
        _ => (is == should, should.to_owned()),
    };
    (!holds).then(|| format!("{what} is {is}, {wanted} is needed"))
}

struct Shape {
    partitions: usize,
    replication: usize,
    led: bool,
}

impl Shape {
    fn of(topic: &MetadataTopic) -> Self {
        let partitions = topic.partitions();
        Self {
            partitions: partitions.len(),
            replication: partitions.iter().map(|partition| partition.replicas().len()).min().unwrap_or_default(),
            led: !partitions.is_empty() && partitions.iter().all(|partition| partition.leader() >= 0),
        }
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(TIMEOUT)).operation_timeout(Some(TIMEOUT))
}
