use std::time::{Duration, Instant};

use orderbridge_kafka::{KafkaSettings, PublishError, Publisher};
use orderbridge_schema::topics::Topic;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use crate::support::{cluster, event, eventually, kafka};

#[tokio::test]
async fn an_event_is_acknowledged_with_its_place() {
    let cluster = cluster();
    let publisher = Publisher::start(&kafka(&cluster)).unwrap();
    let first = publisher.publish(&event(1)).await.unwrap();
    let second = publisher.publish(&event(1)).await.unwrap();
    assert_eq!(first.topic, Topic::BigcommerceOrders);
    assert_eq!((second.partition, second.offset), (first.partition, first.offset + 1), "one key stays on one partition");
    eventually("the publisher is connected", || publisher.connected()).await;
}

#[tokio::test]
async fn a_broker_that_hangs_is_given_up_within_a_second_and_noticed_within_five() {
    let cluster = cluster();
    let settings = KafkaSettings { probe_interval: Duration::from_secs(1), ..kafka(&cluster) };
    let publisher = Publisher::start(&settings).unwrap();
    publisher.publish(&event(1)).await.unwrap();
    eventually("the publisher is connected", || publisher.connected()).await;

    cluster.broker_round_trip_time(-1, Duration::from_secs(60)).unwrap();
    let hung = Instant::now();
    let error = publisher.publish(&event(2)).await.unwrap_err();
    assert!(matches!(error, PublishError::TimedOut), "{error}");
    assert!(hung.elapsed() < Duration::from_secs(1), "{:?}", hung.elapsed());
    eventually("the loss is noticed", || !publisher.connected()).await;
    assert!(hung.elapsed() < Duration::from_secs(5), "{:?}", hung.elapsed());
}

#[tokio::test]
async fn a_broker_that_goes_and_comes_back_is_lost_and_found() {
    let cluster = cluster();
    let publisher = Publisher::start(&kafka(&cluster)).unwrap();
    eventually("the publisher is connected", || publisher.connected()).await;

    cluster.broker_down(-1).unwrap();
    let gone = Instant::now();
    eventually("the loss is noticed", || !publisher.connected()).await;
    assert!(gone.elapsed() < Duration::from_secs(5), "{:?}", gone.elapsed());
    assert!(publisher.publish(&event(1)).await.unwrap_err().is_transient());

    cluster.broker_up(-1).unwrap();
    eventually("the broker is found again", || publisher.connected()).await;
    publisher.publish(&event(2)).await.unwrap();
}

#[tokio::test]
async fn a_missing_topic_is_no_connection() {
    let cluster = cluster();
    cluster.topic_error(Topic::BrightpearlNotes.name(), RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART).unwrap();
    let publisher = Publisher::start(&kafka(&cluster)).unwrap();
    let says_why = || publisher.health().is_err_and(|why| why.contains(Topic::BrightpearlNotes.name()));
    eventually("the missing topic is named", says_why).await;
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let cluster = cluster();
    cluster.broker_down(-1).unwrap();
    let settings = KafkaSettings { queue_kbytes_max: 2, ..kafka(&cluster) };
    let publisher = Publisher::start(&settings).unwrap();
    let mut large = event(1);
    large.ids = "1".repeat(1000);
    let second = large.clone();
    let waiting = publisher.clone();
    let first = tokio::spawn(async move { waiting.publish(&large).await });
    tokio::task::yield_now().await;
    let began = Instant::now();
    let error = publisher.publish(&second).await.unwrap_err();
    assert!(matches!(error, PublishError::QueueFull), "{error}");
    assert!(began.elapsed() < Duration::from_millis(200), "{:?}", began.elapsed());
    assert!(matches!(first.await.unwrap(), Err(PublishError::TimedOut)));
}

#[tokio::test]
async fn an_event_larger_than_the_topic_takes_is_refused_for_good() {
    let cluster = cluster();
    let settings = kafka(&cluster);
    let publisher = Publisher::start(&settings).unwrap();
    let mut fits = event(1);
    fits.ids = "1".repeat(usize::try_from(settings.body_bytes_max()).unwrap());
    publisher.publish(&fits).await.unwrap();
    let mut large = event(1);
    large.ids = "1".repeat(usize::try_from(settings.message_bytes_max).unwrap());
    let error = publisher.publish(&large).await.unwrap_err();
    assert!(matches!(error, PublishError::TooLarge) && !error.is_transient(), "{error}");
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_still_sent_before_the_end() {
    let cluster = cluster();
    let publisher = Publisher::start(&kafka(&cluster)).unwrap();
    eventually("the publisher is connected", || publisher.connected()).await;
    publisher.publish(&event(1)).await.unwrap();
    cluster.broker_round_trip_time(-1, Duration::from_millis(300)).unwrap();
    let event_1 = event(1);
    let dropped = tokio::time::timeout(Duration::from_millis(20), publisher.publish(&event_1)).await;
    assert!(dropped.is_err(), "the caller went away before the acknowledgement");
    publisher.flush(Duration::from_secs(5)).await.unwrap();
    cluster.broker_round_trip_time(-1, Duration::ZERO).unwrap();
    // One more for each of the three partitions, which have their turns: their ends tell how many there are in all.
    let mut records = 0;
    for _partition in 0..3 {
        records += publisher.publish(&event(1)).await.unwrap().offset + 1;
    }
    assert_eq!(records, 5);
}

#[tokio::test]
async fn a_flush_that_cannot_end_says_how_much_is_left() {
    let cluster = cluster();
    cluster.broker_down(-1).unwrap();
    let publisher = Publisher::start(&kafka(&cluster)).unwrap();
    let event_1 = event(1);
    let dropped = tokio::time::timeout(Duration::from_millis(20), publisher.publish(&event_1)).await;
    assert!(dropped.is_err());
    assert_eq!(publisher.flush(Duration::from_millis(100)).await, Err(1));
}

#[tokio::test]
async fn a_producer_that_cannot_go_on_is_replaced() {
    let cluster = cluster();
    let publisher = Publisher::start(&kafka(&cluster)).unwrap();
    publisher.publish(&event(1)).await.unwrap();
    eventually("the publisher is connected", || publisher.connected()).await;
    cluster.request_errors(RDKafkaApiKey::Produce, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER]);
    let error = publisher.publish(&event(2)).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    eventually("the loss is noticed", || !publisher.connected()).await;
    eventually("another producer takes over", || publisher.connected()).await;
    publisher.publish(&event(3)).await.unwrap();
}
