use std::time::{Duration, Instant};

use orderbridge_postgres::SignatureMode;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use crate::support::{Ingest, Merchant, Options, cluster, eventually, kafka, stored};

#[tokio::test]
async fn a_frozen_broker_gives_503_within_a_second_and_not_ready_within_five() {
    let (cluster, merchant) = (cluster(), Merchant::new(SignatureMode::Require).await);
    let ingest = Ingest::start(&merchant, &cluster).await;
    assert_eq!(ingest.order(&merchant, 250).status().await, 200);

    cluster.broker_round_trip_time(-1, Duration::from_secs(60)).unwrap();
    let frozen = Instant::now();
    let order = ingest.order(&merchant, 251).send().await;
    assert!(frozen.elapsed() < Duration::from_secs(1), "{:?}", frozen.elapsed());
    let second = Instant::now();
    let call = ingest.call(&merchant.account_connection, &merchant.path_secret, merchant.notes("1").to_string()).send().await.unwrap();
    assert!(second.elapsed() < Duration::from_secs(1), "{:?}", second.elapsed());
    for answer in [order, call] {
        assert_eq!(answer.status(), 503);
        assert_eq!(answer.headers()["retry-after"], "5");
    }
    eventually("the loss shows", || async { ingest.ready().await == 503 }).await;
    assert!(frozen.elapsed() < Duration::from_secs(5), "{:?}", frozen.elapsed());
    ingest.token.cancel();
}

#[tokio::test]
async fn a_broker_that_comes_back_is_used_again() {
    let (cluster, merchant) = (cluster(), Merchant::new(SignatureMode::Require).await);
    let ingest = Ingest::start(&merchant, &cluster).await;
    cluster.broker_down(-1).unwrap();
    let gone = Instant::now();
    eventually("the loss shows", || async { ingest.ready().await == 503 }).await;
    assert!(gone.elapsed() < Duration::from_secs(5), "{:?}", gone.elapsed());
    assert_eq!(ingest.order(&merchant, 250).status().await, 503);
    cluster.broker_up(-1).unwrap();
    eventually("the broker is found again", || async { ingest.ready().await == 200 }).await;
    assert_eq!(ingest.order(&merchant, 251).status().await, 200);
    ingest.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flood_during_an_outage_is_answered_within_a_second_each() {
    let (cluster, merchant) = (cluster(), Merchant::new(SignatureMode::Require).await);
    let mut options = Options::new(&merchant, kafka(&cluster));
    options.kafka.queue_kbytes_max = 1024;
    // The rest of the second is for a dozen large bodies, read and checked side by side on a busy machine.
    options.kafka.publish_timeout = Duration::from_millis(600);
    let ingest = Ingest::with(&options).await;
    cluster.broker_down(-1).unwrap();
    let ids: String = (0..40_000).map(|id| format!(",{}", 100_000 + id)).collect();
    let body = merchant.notes(&format!("1{ids}")).to_string();
    let calls: Vec<_> = (0..12)
        .map(|_| {
            let request = ingest.call(&merchant.account_connection, &merchant.path_secret, body.clone());
            tokio::spawn(async move {
                let began = Instant::now();
                (request.send().await.unwrap().status(), began.elapsed())
            })
        })
        .collect();
    for call in calls {
        let (status, elapsed) = call.await.unwrap();
        assert_eq!(status, 503);
        assert!(elapsed < Duration::from_secs(1), "{elapsed:?}");
    }
    ingest.token.cancel();
}

#[tokio::test]
async fn a_stop_with_requests_in_flight_drops_none() {
    let (cluster, merchant) = (cluster(), Merchant::new(SignatureMode::Require).await);
    let mut options = Options::new(&merchant, kafka(&cluster));
    options.settings.http.unready_delay = Duration::from_millis(200);
    let ingest = Ingest::with(&options).await;
    assert_eq!(ingest.order(&merchant, 1).status().await, 200);
    cluster.broker_round_trip_time(-1, Duration::from_millis(200)).unwrap();
    let requests: Vec<_> = (2..=41)
        .map(|order| {
            let request = ingest.order(&merchant, order).request();
            tokio::spawn(async move { request.send().await.map(|answer| answer.status().as_u16()) })
        })
        .collect();
    // All are on their way, none can be answered yet: the brokers take their time.
    tokio::task::yield_now().await;
    ingest.stop().await;
    for request in requests {
        assert_eq!(request.await.unwrap().unwrap(), 200);
    }
    cluster.broker_round_trip_time(-1, Duration::ZERO).unwrap();
    let mut orders: Vec<u64> = stored(&kafka(&cluster)).iter().map(|event| event.ids.parse().unwrap()).collect();
    orders.sort_unstable();
    assert_eq!(orders, (1..=41).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_topic_that_takes_less_than_we_do_is_our_trouble_and_no_refusal() {
    let (cluster, merchant) = (cluster(), Merchant::new(SignatureMode::Require).await);
    let ingest = Ingest::start(&merchant, &cluster).await;
    for brightpearl in [true, false] {
        cluster.request_errors(RDKafkaApiKey::Produce, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE]);
        let answer = if brightpearl {
            ingest.call(&merchant.account_connection, &merchant.path_secret, merchant.notes("1").to_string()).send().await.unwrap()
        } else {
            ingest.order(&merchant, 250).send().await
        };
        assert_eq!(answer.status(), 503, "a 4xx would have Brightpearl drop the event");
        assert_eq!(answer.headers()["retry-after"], "5");
    }
    assert_eq!(ingest.order(&merchant, 251).status().await, 200);
    ingest.stop().await;
}
