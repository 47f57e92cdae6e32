//! The producer behind [`Publisher`](crate::Publisher) and [`DeadLetters`](crate::DeadLetters), and what it knows of the brokers' health.

use std::fmt;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::Duration;

use orderbridge_schema::topics::Topic;
use rdkafka::ClientContext;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};

use crate::client::{Complaints, config};
use crate::settings::KafkaSettings;

/// Where a record stands after all in-sync replicas have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// The topic.
    pub topic: Topic,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
}

/// Why a record is not known to be published. All but [`TooLarge`](Self::TooLarge) pass by themselves.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// No acknowledgement came in time. The record may still arrive, which is harmless: an event is a hint.
    #[error("the brokers did not acknowledge the record in time")]
    TimedOut,
    /// Too much is waiting to be sent already; the record was not taken.
    #[error("the queue of records to publish is full")]
    QueueFull,
    /// The record is larger than the topic takes, and always will be.
    #[error("the record is larger than the topic takes")]
    TooLarge,
    /// The brokers or the client cannot do it now.
    #[error("the record could not be published: {0}")]
    Unavailable(String),
}

impl PublishError {
    /// Whether the same record may succeed later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        !matches!(self, Self::TooLarge)
    }

    fn of(error: &KafkaError) -> Self {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::QueueFull) => Self::QueueFull,
            Some(RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::InvalidMessageSize) => Self::TooLarge,
            Some(RDKafkaErrorCode::MessageTimedOut | RDKafkaErrorCode::RequestTimedOut) => Self::TimedOut,
            Some(code) => Self::Unavailable(code.to_string()),
            None => Self::Unavailable(error.to_string()),
        }
    }
}

/// One record on its way out.
pub(crate) struct Outgoing {
    pub(crate) topic: Topic,
    pub(crate) key: Vec<u8>,
    pub(crate) value: Vec<u8>,
    pub(crate) headers: OwnedHeaders,
}

type State = Mutex<Result<(), String>>;

/// Hears of lost brokers from the library itself, before any probe does.
struct Context {
    health: Arc<State>,
    complaints: Complaints,
}

impl ClientContext for Context {
    fn error(&self, error: KafkaError, reason: &str) {
        if matches!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::AllBrokersDown | RDKafkaErrorCode::Fatal)) {
            *self.health.lock().unwrap_or_else(PoisonError::into_inner) = Err(format!("no broker can be used: {error}"));
        }
        self.complaints.log("producer", &error, reason);
    }
}

type Client = FutureProducer<Context>;

/// An idempotent producer with a thread of its own that keeps asking the brokers whether they are there.
#[derive(Clone)]
pub(crate) struct Producer {
    inner: Arc<Inner>,
}

struct Inner {
    client: RwLock<Client>,
    settings: KafkaSettings,
    bytes_max: u32,
    health: Arc<State>,
    topics: Vec<Topic>,
    /// Dropped with the last clone, which ends the thread.
    _stop: SyncSender<()>,
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").field("brokers", &self.inner.settings.brokers).field("health", &self.health()).finish()
    }
}

impl Producer {
    /// Starts a producer and its thread. The brokers need not be there yet.
    pub(crate) fn start(settings: &KafkaSettings, topics: Vec<Topic>, bytes_max: u32) -> Result<Self, PublishError> {
        let health: Arc<State> = Arc::new(Mutex::new(Err("the brokers have not answered yet".into())));
        let client = client(settings, bytes_max, &health).map_err(|error| PublishError::of(&error))?;
        let (stop, stopped) = sync_channel(0);
        let inner = Arc::new(Inner { client: RwLock::new(client), settings: settings.clone(), bytes_max, health, topics, _stop: stop });
        let watched = Arc::downgrade(&inner);
        let interval = settings.probe_interval;
        let watch = move || {
            probe(&watched);
            while matches!(stopped.recv_timeout(interval), Err(RecvTimeoutError::Timeout)) {
                probe(&watched);
            }
        };
        std::thread::Builder::new()
            .name("kafka-probe".into())
            .spawn(watch)
            .map_err(|error| PublishError::Unavailable(format!("the probe's thread could not be started: {error}")))?;
        Ok(Self { inner })
    }

    /// Hands a record to the library and waits for the acknowledgement. Dropping the future does not take the record back.
    pub(crate) async fn send(&self, outgoing: Outgoing) -> Result<Published, PublishError> {
        let Outgoing { topic, key, value, headers } = outgoing;
        let name = self.inner.settings.topic_name(topic);
        let record = FutureRecord::to(&name).key(&key).payload(&value).headers(headers);
        // `send_result` refuses at once where `send` would wait for room in the queue.
        let delivery = self.client().send_result(record).map_err(|(error, _record)| PublishError::of(&error))?;
        match tokio::time::timeout(self.inner.settings.publish_timeout, delivery).await {
            Err(_elapsed) => Err(PublishError::TimedOut),
            Ok(Err(_canceled)) => Err(PublishError::Unavailable("the producer was replaced".into())),
            Ok(Ok(Err((error, _message)))) => Err(PublishError::of(&error)),
            Ok(Ok(Ok(delivery))) => Ok(Published { topic, partition: delivery.partition, offset: delivery.offset }),
        }
    }

    /// Why nothing can be published, if so; as of the last probe or the library's last word.
    pub(crate) fn health(&self) -> Result<(), String> {
        self.inner.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until nothing is on its way any more, at most `limit`; says how many records were still.
    pub(crate) async fn flush(&self, limit: Duration) -> Result<(), usize> {
        let client = self.client();
        let flushed = tokio::task::spawn_blocking(move || match client.flush(limit) {
            Ok(()) => Ok(()),
            Err(_timed_out) => Err(usize::try_from(client.in_flight_count()).unwrap_or_default()),
        });
        flushed.await.unwrap_or(Err(0))
    }

    fn client(&self) -> Client {
        self.inner.client.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn client(settings: &KafkaSettings, bytes_max: u32, health: &Arc<State>) -> KafkaResult<Client> {
    config(settings)
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("linger.ms", "1")
        .set("partitioner", "murmur2_random")
        .set("queue.buffering.max.kbytes", settings.queue_kbytes_max.to_string())
        .set("message.max.bytes", bytes_max.to_string())
        .set("message.timeout.ms", settings.message_timeout.as_millis().to_string())
        .set("request.timeout.ms", settings.message_timeout.as_millis().to_string())
        .create_with_context(Context { health: Arc::clone(health), complaints: Complaints::default() })
}

/// Asks once, and replaces a client that can never publish again.
fn probe(watched: &Weak<Inner>) {
    let Some(inner) = watched.upgrade() else { return };
    let current = inner.client.read().unwrap_or_else(PoisonError::into_inner).clone();
    let answer = match current.client().fatal_error() {
        Some((_code, why)) => replace(&inner, &why),
        None => inner.topics.iter().try_for_each(|&topic| ask(&current, &inner.settings, topic)),
    };
    let mut health = inner.health.lock().unwrap_or_else(PoisonError::into_inner);
    match (&*health, &answer) {
        (Ok(()), Err(why)) => tracing::error!(why, "kafka is lost, webhooks are answered with 503"),
        (Err(_), Ok(())) => tracing::info!("kafka can be used"),
        _ => {}
    }
    *health = answer;
}

/// One topic's metadata: is a broker there, does the topic exist, has every partition a leader?
fn ask(client: &Client, settings: &KafkaSettings, topic: Topic) -> Result<(), String> {
    let name = settings.topic_name(topic);
    let metadata = client.client().fetch_metadata(Some(&name), settings.probe_timeout).map_err(|error| format!("no broker answers: {error}"))?;
    let found = metadata.topics().iter().find(|found| found.name() == name).ok_or_else(|| format!("topic {name} does not exist"))?;
    if let Some(error) = found.error() {
        return Err(format!("topic {name} cannot be used: {}", RDKafkaErrorCode::from(error)));
    }
    if found.partitions().is_empty() {
        return Err(format!("topic {name} does not exist"));
    }
    match found.partitions().iter().find(|partition| partition.leader() < 0) {
        Some(partition) => Err(format!("partition {} of topic {name} has no leader", partition.id())),
        None => Ok(()),
    }
}

/// An idempotent producer that met a fatal error refuses every further record, so a new one takes its place.
fn replace(inner: &Inner, why: &str) -> Result<(), String> {
    tracing::error!(why, "the kafka producer cannot go on and is replaced");
    metrics::counter!("orderbridge_kafka_producer_replaced_total").increment(1);
    let fresh = client(&inner.settings, inner.bytes_max, &inner.health).map_err(|error| format!("a new producer could not be made: {error}"))?;
    *inner.client.write().unwrap_or_else(PoisonError::into_inner) = fresh;
    Err("the producer was just replaced".into())
}
