use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use orderbridge_kafka::{Consumer, DeadLetters, KafkaSettings, Partition, Publisher};
use orderbridge_schema::topics::Topic;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Headers as _, Message as _};
use tokio_util::sync::CancellationToken;

use crate::support::{DEADLINE, Handler, Store, cluster, consumer, event, eventually, kafka, write_raw};

pub async fn publish(settings: &KafkaSettings, orders: std::ops::Range<usize>) {
    let publisher = Publisher::start(settings).unwrap();
    for order in orders {
        publisher.publish(&event(order)).await.unwrap();
    }
}

pub struct Reader {
    store: Arc<Store>,
    pub consumer: Consumer,
    token: CancellationToken,
}

impl Reader {
    pub fn start(settings: &KafkaSettings, group: &str, store: &Arc<Store>) -> Self {
        let token = CancellationToken::new();
        let consumer = Consumer::start(settings, &consumer(group), Handler(Arc::clone(store)), token.clone()).unwrap();
        Self { store: Arc::clone(store), consumer, token }
    }

    pub async fn stop(self) {
        self.token.cancel();
        tokio::time::timeout(DEADLINE, self.consumer.ended()).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn every_event_is_taken_in_with_the_offset_behind_it() {
    let cluster = cluster();
    let settings = kafka(&cluster);
    publish(&settings, 0..40).await;
    let store = Arc::new(Store::default());
    let reader = Reader::start(&settings, "group", &store);
    eventually("all events are stored", || store.distinct() == 40).await;
    let total: i64 = store.offsets.lock().unwrap().values().sum();
    assert_eq!(total, 40, "the offsets are those of the next records");
    {
        let records = store.records.lock().unwrap();
        let record = &records[0];
        let envelope = record.envelope.as_ref().unwrap();
        assert!(record.headers.contains(&("event-id".into(), envelope.event_id.to_string())));
        assert!(record.headers.contains(&("event-type".into(), envelope.event_type.clone())));
        assert!(record.headers.contains(&("traceparent".into(), envelope.traceparent.clone().unwrap())));
        assert_eq!(record.key, envelope.key().into_bytes());
    }
    reader.stop().await;
}

#[tokio::test]
async fn a_batch_is_full_at_500_records_and_otherwise_waits_20_milliseconds() {
    let cluster = cluster();
    let settings = kafka(&cluster);
    let publisher = Publisher::start(&settings).unwrap();
    let flood = (0..1200).map(|order| {
        let publisher = publisher.clone();
        async move { publisher.publish(&event(order)).await.unwrap() }
    });
    futures_util::future::join_all(flood).await;
    let store = Arc::new(Store::default());
    // While the first batch cannot be stored, what comes next is fetched.
    store.away.store(true, Ordering::SeqCst);
    let reader = Reader::start(&settings, "group", &store);
    eventually("a batch waits", || store.batches.lock().unwrap().len() >= 5).await;
    store.away.store(false, Ordering::SeqCst);
    eventually("all events are stored", || store.distinct() == 1200).await;
    let sizes: Vec<usize> = store.batches.lock().unwrap().iter().map(|(size, _)| *size).collect();
    assert_eq!(sizes.iter().max(), Some(&500), "no batch has more, and one is full: {sizes:?}");

    // A lone event is not kept for others to come.
    for order in 2000..2005 {
        let before = store.batches.lock().unwrap().len();
        let published = Instant::now();
        publisher.publish(&event(order)).await.unwrap();
        eventually("it is stored", || store.batches.lock().unwrap().len() > before).await;
        let (size, at) = store.batches.lock().unwrap()[before];
        assert_eq!(size, 1);
        let waited = at.duration_since(published);
        assert!(waited >= Duration::from_millis(15), "it waited for others, but only {waited:?}");
        assert!(waited < Duration::from_secs(1), "{waited:?}");
    }
    reader.stop().await;
}

#[tokio::test]
async fn a_store_that_is_away_loses_nothing_and_keeps_the_order_of_each_partition() {
    let cluster = cluster();
    let settings = kafka(&cluster);
    publish(&settings, 0..20).await;
    let store = Arc::new(Store::default());
    store.away.store(true, Ordering::SeqCst);
    let reader = Reader::start(&settings, "group", &store);
    let status = reader.consumer.status();
    eventually("the outage is reported", || status.borrow().waiting.is_some()).await;
    publish(&settings, 20..40).await;
    // Long enough for the partitions to be paused.
    eventually("the batch is offered again", || store.refused.load(Ordering::SeqCst) >= 8).await;
    publish(&settings, 40..60).await;
    assert!(store.orders().is_empty());
    store.away.store(false, Ordering::SeqCst);
    eventually("all events are stored", || store.distinct() == 60).await;
    eventually("the end of the outage is reported", || status.borrow().waiting.is_none()).await;
    let mut last = std::collections::HashMap::new();
    for record in store.records.lock().unwrap().iter() {
        let before = last.insert(record.at(), record.offset);
        assert!(before.is_none_or(|before| before + 1 == record.offset), "{} after {before:?} of {}", record.offset, record.at());
    }
    reader.stop().await;
}

#[tokio::test]
async fn a_store_put_back_to_an_earlier_state_is_given_again_what_it_lost() {
    let cluster = cluster();
    let settings = kafka(&cluster);
    publish(&settings, 0..30).await;
    let store = Arc::new(Store::default());
    let reader = Reader::start(&settings, "group", &store);
    eventually("all events are stored", || store.distinct() == 30).await;
    let put_back = || {
        let (mut offsets, mut records) = (store.offsets.lock().unwrap(), store.records.lock().unwrap());
        offsets.values_mut().for_each(|offset| *offset -= (*offset).min(2));
        records.retain(|record| offsets.get(&record.at()).is_some_and(|next| record.offset < *next));
        records.len()
    };
    assert!(put_back() < 30);
    eventually("what was lost is read again without any new event", || store.distinct() == 30).await;
    assert!(put_back() < 30);
    publish(&settings, 30..40).await;
    eventually("new events do not hide what was lost", || store.distinct() == 40).await;
    assert_eq!(store.offsets.lock().unwrap().values().sum::<i64>(), 40);
    reader.stop().await;
}

#[tokio::test]
async fn partitions_wait_until_their_offsets_can_be_asked() {
    let cluster = cluster();
    let settings = kafka(&cluster);
    publish(&settings, 0..20).await;
    let store = Arc::new(Store::default());
    let at = Partition { topic: Topic::BigcommerceOrders, partition: 0 };
    store.offsets.lock().unwrap().insert(at, 1);
    store.offsets_away.store(true, Ordering::SeqCst);
    let reader = Reader::start(&settings, "group", &store);
    let status = reader.consumer.status();
    eventually("the offsets are asked again", || store.refused.load(Ordering::SeqCst) >= 3).await;
    assert!(status.borrow().waiting.is_some());
    assert!(store.orders().is_empty());
    store.offsets_away.store(false, Ordering::SeqCst);
    eventually("all events but the stored one are read", || store.distinct() == 19).await;
    let first = store.records.lock().unwrap().iter().filter(|record| record.at() == at).map(|record| record.offset).min();
    assert_eq!(first, Some(1));
    publish(&settings, 20..40).await;
    eventually("reading goes on", || store.distinct() == 39).await;
    reader.stop().await;
}

#[tokio::test]
async fn an_unknown_major_version_stops_its_partition_alone() {
    let cluster = cluster();
    let settings = kafka(&cluster);
    let topic = Topic::BigcommerceOrders;
    let sample = serde_json::to_vec(&event(900)).unwrap();
    write_raw(&settings.brokers, topic.name(), 1, &sample);
    write_raw(&settings.brokers, topic.name(), 1, br#"{"version":2,"everything":"new"}"#);
    write_raw(&settings.brokers, topic.name(), 1, &sample);
    write_raw(&settings.brokers, topic.name(), 2, &serde_json::to_vec(&event(901)).unwrap());
    let store = Arc::new(Store::default());
    let reader = Reader::start(&settings, "group", &store);
    let status = reader.consumer.status();
    eventually("the halt is reported", || status.borrow().halted == 1).await;
    eventually("what stands before it and elsewhere is stored", || store.distinct() == 2).await;
    write_raw(&settings.brokers, topic.name(), 2, &serde_json::to_vec(&event(902)).unwrap());
    eventually("other partitions go on", || store.distinct() == 3).await;
    let halt = store.halts.lock().unwrap()[0];
    assert_eq!((halt.partition, halt.offset, halt.version), (Partition { topic, partition: 1 }, 1, 2));
    assert_eq!(store.offsets.lock().unwrap()[&halt.partition], 1, "the record is read by the next release");
    assert_eq!(store.orders().iter().filter(|&&order| order == 900).count(), 1);
    let waits = status.borrow().oldest_unread_at.is_some();
    assert!(waits, "the record at which it stopped grows older, whatever else is taken in");
    reader.stop().await;
}

#[tokio::test]
async fn an_unreadable_record_is_handed_over_and_kept_with_its_coordinates() {
    let cluster = cluster();
    let settings = kafka(&cluster);
    let bytes = b"not json, \xff\xfe";
    write_raw(&settings.brokers, Topic::BrightpearlNotes.name(), 2, bytes);
    let store = Arc::new(Store::default());
    let reader = Reader::start(&settings, "group", &store);
    eventually("it is handed over", || !store.records.lock().unwrap().is_empty()).await;
    let record = store.records.lock().unwrap()[0].clone();
    let reason = record.envelope.clone().unwrap_err();

    let first_at: Timestamp = "2026-03-01T09:30:00Z".parse().unwrap();
    let letters = DeadLetters::start(&settings).unwrap();
    let published = letters.publish(&record, &reason, first_at).await.unwrap();
    assert_eq!(published.topic, Topic::DeadLetters);

    let reading: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &settings.brokers)
        .set("group.id", "operator")
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap();
    reading.subscribe(&[Topic::DeadLetters.name()]).unwrap();
    let until = Instant::now() + DEADLINE;
    let letter = loop {
        assert!(Instant::now() < until, "the dead letter is read");
        if let Some(Ok(message)) = reading.poll(Duration::from_millis(100)) {
            break message.detach();
        }
    };
    assert_eq!(letter.payload(), Some(bytes.as_slice()));
    assert_eq!(letter.key(), Some(b"k".as_slice()));
    let headers: Vec<(String, String)> =
        letter.headers().unwrap().iter().map(|header| (header.key.to_owned(), String::from_utf8(header.value.unwrap().to_vec()).unwrap())).collect();
    for (name, value) in [
        (DeadLetters::TOPIC, "brightpearl.goods-out-notes.v1"),
        (DeadLetters::PARTITION, "2"),
        (DeadLetters::OFFSET, "0"),
        (DeadLetters::REASON, reason.as_str()),
        (DeadLetters::FIRST_AT, "2026-03-01T09:30:00Z"),
    ] {
        assert!(headers.contains(&(name.to_owned(), value.to_owned())), "{name}: {value} in {headers:?}");
    }
    letters.flush(Duration::from_secs(5)).await.unwrap();
    reader.stop().await;
}

#[tokio::test]
async fn a_panic_of_the_handler_neither_ends_intake_nor_loses_the_batch() {
    let cluster = cluster();
    let settings = kafka(&cluster);
    publish(&settings, 0..5).await;
    let store = Arc::new(Store::default());
    store.panics.store(2, Ordering::SeqCst);
    let reader = Reader::start(&settings, "group", &store);
    eventually("all events are stored", || store.distinct() == 5).await;
    assert_eq!(store.panics.load(Ordering::SeqCst), 0);
    reader.stop().await;
}

#[tokio::test]
async fn a_stop_is_prompt_while_the_store_and_the_brokers_are_away() {
    let cluster = cluster();
    let settings = kafka(&cluster);
    publish(&settings, 0..5).await;
    let store = Arc::new(Store::default());
    store.away.store(true, Ordering::SeqCst);
    let reader = Reader::start(&settings, "group", &store);
    eventually("a batch was refused", || store.refused.load(Ordering::SeqCst) > 0).await;
    cluster.broker_down(-1).unwrap();
    let began = Instant::now();
    let kept = Arc::clone(&reader.store);
    reader.stop().await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(kept.offsets.lock().unwrap().is_empty(), "nothing was stored, so no offset was either");
}
