//! On a real broker: `KAFKA_BROKERS`, or the one that `make up` starts.

use std::sync::Arc;
use std::time::Duration;

use orderbridge_kafka::{Consumer, ConsumerSettings, KafkaSettings, Publisher, TopicSettings, Topics};
use orderbridge_schema::topics::Topic;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::consumer::{Reader, publish};
use crate::support::{DEADLINE, Handler, Store, event, eventually};

pub fn settings() -> KafkaSettings {
    let brokers = std::env::var("KAFKA_BROKERS").unwrap_or_else(|_| "127.0.0.1:19092".into());
    KafkaSettings { topic_prefix: format!("test-{}.", Uuid::now_v7().simple()), ..KafkaSettings::new(brokers) }
}

pub fn topics(settings: &KafkaSettings) -> Topics {
    Topics::new(settings, &TopicSettings::single_broker()).unwrap()
}

#[tokio::test]
async fn topics_are_made_once_and_their_drift_is_shown() {
    let settings = settings();
    let ours = topics(&settings);
    let missing = ours.describe().await.unwrap();
    assert_eq!(missing.len(), Topic::ALL.len());
    assert!(missing.iter().all(|report| report.drift == ["the topic does not exist"]), "{missing:?}");

    assert!(ours.create().await.unwrap().iter().all(|creation| creation.created));
    assert!(ours.create().await.unwrap().iter().all(|creation| !creation.created));
    for report in ours.describe().await.unwrap() {
        assert!(report.drift.is_empty(), "{report:?}");
        assert_eq!((report.partitions, report.replication), (3, 1));
        assert_eq!(report.configs["message.timestamp.type"], "LogAppendTime");
        assert_eq!(report.configs["retention.bytes"], "-1");
        let days = if report.topic.ends_with("dead-letters.v1") { 90 } else { 14 };
        assert_eq!(report.configs["retention.ms"], (days * 86_400_000_u64).to_string());
    }

    let wanted = TopicSettings { partitions: 12, retention: Duration::from_secs(20 * 86_400), ..TopicSettings::single_broker() };
    let drifted = Topics::new(&settings, &wanted).unwrap().describe().await.unwrap();
    assert_eq!(drifted[0].drift, ["partitions is 3, the settings say 12", "retention.ms is 1209600000, the settings say 1728000000"]);
    ours.delete_prefixed().await.unwrap();
}

#[tokio::test]
async fn topics_without_a_prefix_are_never_deleted() {
    let settings = KafkaSettings { topic_prefix: String::new(), ..settings() };
    assert!(topics(&settings).delete_prefixed().await.unwrap_err().to_string().contains("prefix"));
}

#[tokio::test]
async fn a_replication_that_the_cluster_cannot_give_is_refused_by_name() {
    let settings = settings();
    let wanted = TopicSettings { replication: 31, ..TopicSettings::production() };
    let error = Topics::new(&settings, &wanted).unwrap().create().await.unwrap_err();
    assert!(error.to_string().contains(&settings.topic_prefix), "{error}");
}

#[tokio::test]
async fn a_restarted_member_with_a_lasting_name_goes_on_where_it_stopped() {
    let settings = settings();
    let topics = topics(&settings);
    topics.create().await.unwrap();
    let publisher = Publisher::start(&settings).unwrap();
    eventually("the publisher is connected", || publisher.connected()).await;
    let store = Arc::new(Store::default());
    let consumer =
        ConsumerSettings { group_instance_id: Some("replica-0".into()), ..ConsumerSettings::new(format!("{}group", settings.topic_prefix)) };
    for round in 0..2 {
        for order in round * 10..(round + 1) * 10 {
            publisher.publish(&event(order)).await.unwrap();
        }
        let token = CancellationToken::new();
        let running = Consumer::start(&settings, &consumer, Handler(Arc::clone(&store)), token.clone()).unwrap();
        eventually("all events are stored", || store.distinct() == (round + 1) * 10).await;
        token.cancel();
        tokio::time::timeout(DEADLINE, running.ended()).await.unwrap().unwrap();
    }
    assert_eq!(store.orders().len(), 20, "nothing is read twice after an orderly stop");
    topics.delete_prefixed().await.unwrap();
}

#[tokio::test]
async fn reading_begins_where_the_store_says_not_where_the_brokers_say() {
    let settings = settings();
    let topics = topics(&settings);
    topics.create().await.unwrap();
    let group = format!("{}group", settings.topic_prefix);
    publish(&settings, 0..30).await;
    let store = Arc::new(Store::default());
    let reader = Reader::start(&settings, &group, &store);
    eventually("all events are stored", || store.distinct() == 30).await;
    reader.stop().await;

    // A database restored from a backup that knew nothing yet.
    let restored = Arc::new(Store::default());
    let reader = Reader::start(&settings, &group, &restored);
    eventually("all events are read again", || restored.distinct() == 30).await;
    reader.stop().await;

    // One that knew a part: exactly the rest is read again.
    let partial = Arc::new(Store::default());
    let skipped: i64 = {
        let all = store.offsets.lock().unwrap();
        let mut offsets = partial.offsets.lock().unwrap();
        offsets.extend(all.iter().map(|(partition, next)| (*partition, next / 2)));
        offsets.values().sum()
    };
    let reader = Reader::start(&settings, &group, &partial);
    let rest = 30 - usize::try_from(skipped).unwrap();
    eventually("the rest is read again", || partial.distinct() == rest).await;
    assert_eq!(partial.orders().len(), rest);
    reader.stop().await;
    topics.delete_prefixed().await.unwrap();
}

#[tokio::test]
async fn members_share_the_partitions_and_one_that_stops_leaves_nothing_behind() {
    let settings = settings();
    let topics = topics(&settings);
    topics.create().await.unwrap();
    let group = format!("{}group", settings.topic_prefix);
    let store = Arc::new(Store::default());
    let first = Reader::start(&settings, &group, &store);
    let (one, all) = (first.consumer.status(), Topic::events().count() * 3);
    eventually("the first member has all partitions", || one.borrow().assigned == all).await;
    publish(&settings, 0..30).await;

    let second = Reader::start(&settings, &group, &store);
    let two = second.consumer.status();
    eventually("the members share", || two.borrow().assigned > 0 && one.borrow().assigned + two.borrow().assigned == all).await;
    publish(&settings, 30..60).await;
    eventually("all events are stored", || store.distinct() == 60).await;

    first.stop().await;
    publish(&settings, 60..90).await;
    eventually("the other goes on alone", || store.distinct() == 90).await;
    eventually("the other has all partitions", || two.borrow().assigned == all).await;
    second.stop().await;
    topics.delete_prefixed().await.unwrap();
}
