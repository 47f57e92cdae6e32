//! The producer behind [`Publisher`](crate::Publisher) and [`DeadLetters`](crate::DeadLetters), and what it knows of the brokers' health.

mod turns;

use std::fmt;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use orderbridge_schema::topics::Topic;
use rdkafka::ClientContext;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{Message as _, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, NoCustomPartitioner, Producer as _, ProducerContext};
use tokio::sync::oneshot;

use crate::client::{Complaints, config};
use crate::settings::KafkaSettings;
use turns::{Batch, PATIENCE, Turns};

/// How often a flush looks whether all has left.
const FLUSH_LOOK: Duration = Duration::from_millis(5);

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

type Answer = oneshot::Sender<Result<Published, PublishError>>;

/// A record that waits for its turn.
#[derive(Debug)]
struct Waiting {
    key: Vec<u8>,
    value: Vec<u8>,
    headers: OwnedHeaders,
    answer: Answer,
}

/// A topic that is published to.
struct Target {
    topic: Topic,
    name: String,
    producer: Weak<Inner>,
    /// How many partitions it has; 0 before the brokers have said so.
    partitions: AtomicI32,
    turns: Mutex<Turns<Waiting>>,
}

impl Target {
    fn turns(&self) -> MutexGuard<'_, Turns<Waiting>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the library gives back with a record's fate.
struct Handed {
    target: Arc<Target>,
    answer: Answer,
    batch: u64,
    /// Records of the batch whose fate is open.
    open: Arc<AtomicUsize>,
}

impl Handed {
    /// Says what became of the record. True if it was its batch's last: the next batch may leave.
    fn settle(self, fate: Result<Published, PublishError>) -> bool {
        // Nobody may wait for it any more.
        self.answer.send(fate).ok();
        settle_one(&self.target, self.batch, &self.open)
    }
}

fn settle_one(target: &Target, batch: u64, open: &AtomicUsize) -> bool {
    let is_last = open.fetch_sub(1, Ordering::AcqRel) == 1;
    if is_last {
        target.turns().end(batch);
    }
    is_last
}

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

impl ProducerContext<NoCustomPartitioner> for Context {
    type DeliveryOpaque = Box<Handed>;

    fn delivery(&self, result: &DeliveryResult<'_>, handed: Box<Handed>) {
        let topic = handed.target.topic;
        let fate = match result {
            Ok(message) => Ok(Published { topic, partition: message.partition(), offset: message.offset() }),
            Err((error, _message)) => Err(PublishError::of(error)),
        };
        let target = Arc::clone(&handed.target);
        if handed.settle(fate)
            && let Some(inner) = target.producer.upgrade()
        {
            inner.let_leave(&target);
        }
    }
}

type Client = Arc<BaseProducer<Context>>;

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
    targets: Vec<Arc<Target>>,
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
        let inner = Arc::new_cyclic(|producer| {
            let target = |topic| {
                let (name, partitions, turns) = (settings.topic_name(topic), AtomicI32::new(0), Mutex::default());
                Arc::new(Target { topic, name, producer: Weak::clone(producer), partitions, turns })
            };
            let targets = topics.into_iter().map(target).collect();
            let client = RwLock::new(Arc::clone(&client));
            Inner { client, settings: settings.clone(), bytes_max, health, targets, _stop: stop }
        });
        let watched = Arc::downgrade(&inner);
        serve(&client, Weak::clone(&watched))?;
        drop(client);
        let interval = inner.settings.probe_interval;
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

    /// Has a record sent and waits for the acknowledgement. If the future is dropped, the record may be sent or not.
    pub(crate) async fn send(&self, outgoing: Outgoing) -> Result<Published, PublishError> {
        let Outgoing { topic, key, value, headers } = outgoing;
        let target = self.inner.targets.iter().find(|target| target.topic == topic);
        let target = target.ok_or_else(|| PublishError::Unavailable(format!("nothing is published to {topic} here")))?;
        let (answer, acknowledged) = oneshot::channel();
        let bytes = key.len() + value.len();
        let waiting = Waiting { key, value, headers, answer };
        let bytes_max = usize::try_from(self.inner.settings.queue_kbytes_max).unwrap_or(usize::MAX).saturating_mul(1024);
        let spaced_until = {
            let mut turns = target.turns();
            if !turns.push(waiting, bytes, bytes_max, |waiting| !waiting.answer.is_closed()) {
                return Err(PublishError::QueueFull);
            }
            // One of them is enough to see to it that they leave. If it goes away, the producer's thread does.
            if turns.len() == 1 { turns.spaced_until(Instant::now()) } else { None }
        };
        let until_acknowledged = async {
            if let Some(moment) = spaced_until {
                tokio::time::sleep_until(moment.into()).await;
            }
            self.inner.let_leave(target);
            acknowledged.await.unwrap_or_else(|_gone| Err(PublishError::Unavailable("the producer was replaced".into())))
        };
        tokio::time::timeout(self.inner.settings.publish_timeout, until_acknowledged).await.unwrap_or(Err(PublishError::TimedOut))
    }

    /// Why nothing can be published, if so; as of the last probe or the library's last word.
    pub(crate) fn health(&self) -> Result<(), String> {
        self.inner.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until nothing is on its way any more, at most `limit`; says how many records were still.
    pub(crate) async fn flush(&self, limit: Duration) -> Result<(), usize> {
        let all_left = async {
            while self.inner.waiting() > 0 {
                tokio::time::sleep(FLUSH_LOOK).await;
            }
        };
        let began = Instant::now();
        tokio::time::timeout(limit, all_left).await.map_err(|_elapsed| self.inner.waiting())?;
        let (client, rest) = (self.inner.client(), limit.saturating_sub(began.elapsed()));
        let flushed = tokio::task::spawn_blocking(move || match client.flush(rest) {
            Ok(()) => Ok(()),
            Err(_timed_out) => Err(usize::try_from(client.in_flight_count()).unwrap_or_default()),
        });
        flushed.await.unwrap_or(Err(0))
    }
}

impl Inner {
    fn client(&self) -> Client {
        Arc::clone(&self.client.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Records that wait for their turn.
    fn waiting(&self) -> usize {
        self.targets.iter().map(|target| target.turns().len()).sum()
    }

    /// Lets the batch leave whose turn it is, if there is one; the next too, if nothing of it could be handed over.
    fn let_leave(&self, target: &Arc<Target>) {
        let partitions = target.partitions.load(Ordering::Relaxed);
        loop {
            let next = target.turns().next(partitions, Instant::now());
            let Some(batch) = next else { return };
            hand_over(&self.client(), target, batch);
        }
    }
}

/// Starts the thread that hears of a client's records, for as long as the client is used. Each time it has listened, the next batch
/// leaves although the one before has not ended in time.
fn serve(client: &Client, producer: Weak<Inner>) -> Result<(), PublishError> {
    let client = Arc::downgrade(client);
    let listen = move || {
        while let Some(client) = client.upgrade() {
            client.poll(PATIENCE);
            let Some(inner) = producer.upgrade() else { return };
            inner.targets.iter().for_each(|target| inner.let_leave(target));
        }
    };
    let started = std::thread::Builder::new().name("kafka-producer".into()).spawn(listen);
    started.map(|_detached| ()).map_err(|error| PublishError::Unavailable(format!("the producer's thread could not be started: {error}")))
}

/// Hands a batch to the library, record after record; it takes them for one request. What nobody waits for any more is left out.
fn hand_over(client: &BaseProducer<Context>, target: &Arc<Target>, batch: Batch<Waiting>) {
    // One more than the records: the batch cannot end before all of it was handed over.
    let open = Arc::new(AtomicUsize::new(batch.records.len() + 1));
    for Waiting { key, value, headers, answer } in batch.records {
        if answer.is_closed() {
            settle_one(target, batch.id, &open);
            continue;
        }
        let handed = Box::new(Handed { target: Arc::clone(target), answer, batch: batch.id, open: Arc::clone(&open) });
        let mut record = BaseRecord::with_opaque_to(&target.name, handed).key(&key).payload(&value).headers(headers);
        record.partition = batch.partition;
        if let Err((error, record)) = client.send(record) {
            record.delivery_opaque.settle(Err(PublishError::of(&error)));
        }
    }
    settle_one(target, batch.id, &open);
}

fn client(settings: &KafkaSettings, bytes_max: u32, health: &Arc<State>) -> KafkaResult<Client> {
    config(settings)
        .set("enable.idempotence", "true")
        .set("acks", "all")
        // Batches are made in `turns`. Without any linger the library's thread wakes at a batch's first record, and on a busy core sends
        // it alone.
        .set("linger.ms", "1")
        .set("partitioner", "murmur2_random")
        .set("queue.buffering.max.kbytes", settings.queue_kbytes_max.to_string())
        .set("message.max.bytes", bytes_max.to_string())
        .set("message.timeout.ms", settings.message_timeout.as_millis().to_string())
        .set("request.timeout.ms", settings.message_timeout.as_millis().to_string())
        .create_with_context(Context { health: Arc::clone(health), complaints: Complaints::default() })
        .map(Arc::new)
}

/// Asks once, and replaces a client that can never publish again.
fn probe(watched: &Weak<Inner>) {
    let Some(inner) = watched.upgrade() else { return };
    let current = inner.client();
    let answer = match current.client().fatal_error() {
        Some((_code, why)) => replace(&inner, watched, &why),
        None => inner.targets.iter().try_for_each(|target| ask(&current, &inner.settings, target)),
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
fn ask(client: &Client, settings: &KafkaSettings, target: &Target) -> Result<(), String> {
    let name = &target.name;
    let metadata = client.client().fetch_metadata(Some(name), settings.probe_timeout).map_err(|error| format!("no broker answers: {error}"))?;
    let found = metadata.topics().iter().find(|found| found.name() == name).ok_or_else(|| format!("topic {name} does not exist"))?;
    if let Some(error) = found.error() {
        return Err(format!("topic {name} cannot be used: {}", RDKafkaErrorCode::from(error)));
    }
    if found.partitions().is_empty() {
        return Err(format!("topic {name} does not exist"));
    }
    target.partitions.store(i32::try_from(found.partitions().len()).unwrap_or_default(), Ordering::Relaxed);
    match found.partitions().iter().find(|partition| partition.leader() < 0) {
        Some(partition) => Err(format!("partition {} of topic {name} has no leader", partition.id())),
        None => Ok(()),
    }
}

/// An idempotent producer that met a fatal error refuses every further record, so a new one takes its place.
fn replace(inner: &Inner, watched: &Weak<Inner>, why: &str) -> Result<(), String> {
    tracing::error!(why, "the kafka producer cannot go on and is replaced");
    metrics::counter!("orderbridge_kafka_producer_replaced_total").increment(1);
    let fresh = client(&inner.settings, inner.bytes_max, &inner.health).map_err(|error| format!("a new producer could not be made: {error}"))?;
    serve(&fresh, Weak::clone(watched)).map_err(|error| error.to_string())?;
    *inner.client.write().unwrap_or_else(PoisonError::into_inner) = fresh;
    inner.targets.iter().for_each(|target| target.turns().forget_all());
    Err("the producer was just replaced".into())
}
