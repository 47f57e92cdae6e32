//! A mocked cluster, a store in memory and waiting for conditions.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use orderbridge_kafka::{Batch, BatchHandler, BatchOutcome, ConsumerSettings, Halt, KafkaSettings, Partition, Record, StoreUnavailable};
use orderbridge_schema::envelope::Envelope;
use orderbridge_schema::topics::Topic;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer as _};
use rdkafka::{ClientConfig, message::ToBytes};
use uuid::Uuid;

pub const DEADLINE: Duration = Duration::from_secs(30);

/// Waits until a condition holds.
pub async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A cluster of one mocked broker with our topics, three partitions each.
pub fn cluster() -> MockCluster<'static, DefaultProducerContext> {
    let cluster = MockCluster::new(1).unwrap();
    for topic in Topic::ALL {
        cluster.create_topic(topic.name(), 3, 1).unwrap();
    }
    cluster
}

pub fn kafka(cluster: &MockCluster<'static, DefaultProducerContext>) -> KafkaSettings {
    KafkaSettings { probe_interval: Duration::from_millis(200), ..KafkaSettings::new(cluster.bootstrap_servers()) }
}

pub fn consumer(group: &str) -> ConsumerSettings {
    ConsumerSettings { retry_wait_max: Duration::from_millis(300), ..ConsumerSettings::new(group) }
}

pub fn event(order: usize) -> Envelope {
    let sample = include_str!("../../../../schema/samples/v1/bigcommerce-order.json");
    let sample = Envelope::from_json(sample.as_bytes()).unwrap();
    Envelope { event_id: Uuid::now_v7(), ids: order.to_string(), ..sample }
}

/// Writes bytes that no publisher of ours would write.
pub fn write_raw(brokers: &str, topic: &str, partition: i32, value: &[u8]) {
    let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap();
    producer.send(BaseRecord::to(topic).partition(partition).key("k".to_bytes()).payload(value)).map_err(|(error, _)| error).unwrap();
    producer.flush(Duration::from_secs(10)).unwrap();
}

/// Takes batches in, as the database would.
#[derive(Debug, Default)]
pub struct Store {
    pub offsets: Mutex<HashMap<Partition, i64>>,
    /// What the consumer was told of them last.
    pub told: Mutex<HashMap<Partition, Option<i64>>>,
    pub records: Mutex<Vec<Record>>,
    /// How many records each batch had that was offered, and when.
    pub batches: Mutex<Vec<(usize, Instant)>>,
    pub halts: Mutex<Vec<Halt>>,
    pub away: AtomicBool,
    pub offsets_away: AtomicBool,
    pub panics: AtomicUsize,
    pub refused: AtomicUsize,
}

impl Store {
    pub fn orders(&self) -> Vec<usize> {
        let records = self.records.lock().unwrap();
        records.iter().filter_map(|record| record.envelope.as_ref().ok()?.ids.parse().ok()).collect()
    }

    pub fn distinct(&self) -> usize {
        let mut orders = self.orders();
        orders.sort_unstable();
        orders.dedup();
        orders.len()
    }
}

#[derive(Debug, Clone)]
pub struct Handler(pub Arc<Store>);

impl BatchHandler for Handler {
    fn stored_offsets(&self, partitions: &[Partition]) -> Result<Vec<Option<i64>>, StoreUnavailable> {
        if self.0.offsets_away.load(Ordering::SeqCst) {
            self.0.refused.fetch_add(1, Ordering::SeqCst);
            return Err(StoreUnavailable("away".into()));
        }
        let offsets = self.0.offsets.lock().unwrap();
        let stored: Vec<Option<i64>> = partitions.iter().map(|partition| offsets.get(partition).copied()).collect();
        self.0.told.lock().unwrap().extend(partitions.iter().copied().zip(stored.iter().copied()));
        Ok(stored)
    }

    fn displaced(&self, partitions: &[Partition]) -> Result<Vec<Partition>, StoreUnavailable> {
        let (offsets, told) = (self.0.offsets.lock().unwrap(), self.0.told.lock().unwrap());
        let moved = |partition: &&Partition| told.get(partition).is_some_and(|told| *told != offsets.get(partition).copied());
        Ok(partitions.iter().filter(moved).copied().collect())
    }

    fn store(&self, batch: &Batch) -> BatchOutcome {
        self.0.batches.lock().unwrap().push((batch.records.len(), Instant::now()));
        if self.0.panics.load(Ordering::SeqCst) > 0 {
            self.0.panics.fetch_sub(1, Ordering::SeqCst);
            panic!("a test's own panic");
        }
        if self.0.away.load(Ordering::SeqCst) {
            self.0.refused.fetch_add(1, Ordering::SeqCst);
            return BatchOutcome::Unavailable("away".into());
        }
        let next = batch.next_offsets();
        let (mut offsets, mut told) = (self.0.offsets.lock().unwrap(), self.0.told.lock().unwrap());
        if next.iter().any(|(at, _)| told.get(at).copied().flatten() != offsets.get(at).copied()) {
            return BatchOutcome::Displaced;
        }
        self.0.records.lock().unwrap().extend(batch.records.iter().cloned());
        offsets.extend(next.iter().copied());
        told.extend(next.into_iter().map(|(at, next)| (at, Some(next))));
        BatchOutcome::Stored
    }

    fn halted(&self, halt: Halt) {
        self.0.halts.lock().unwrap().push(halt);
    }
}
