use orderbridge_kafka::{KafkaSettings, TopicSettings, Topics};
use orderbridge_postgres::SignatureMode;
use orderbridge_schema::envelope::{EntityKind, Verified};
use orderbridge_schema::topics::Topic;
use uuid::Uuid;

use crate::support::{Ingest, Merchant, Options, cluster, kafka, stored};

async fn status(ingest: &Ingest, merchant: &Merchant, secret: &str, body: impl Into<reqwest::Body>) -> u16 {
    ingest.call(&merchant.account_connection, secret, body).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_call_with_both_secrets_is_stored_for_its_account() {
    let (cluster, merchant) = (cluster(), Merchant::new(SignatureMode::Require).await);
    let ingest = Ingest::start(&merchant, &cluster).await;
    assert_eq!(status(&ingest, &merchant, &merchant.path_secret, merchant.notes("4101-4102,4110").to_string()).await, 200);
    let events = stored(&kafka(&cluster));
    assert_eq!(events.len(), 1);
    let event = &events[0];
    assert_eq!((event.entity, event.ids.as_str(), event.topic()), (EntityKind::GoodsOutNote, "4101-4102,4110", Topic::BrightpearlNotes));
    assert_eq!((&event.account, &event.tenant, event.verified), (&merchant.account, &None, Verified::PathSecret));
    assert_eq!(event.occurred_at, "2026-03-02T14:05:31.402Z".parse().ok());
    assert!(event.traceparent.as_ref().unwrap().contains(&event.event_id.simple().to_string()), "a trace begins here");
    ingest.stop().await;
}

#[tokio::test]
async fn wrong_secrets_are_refused_and_what_may_be_our_fault_is_asked_for_again() {
    let (cluster, merchant) = (cluster(), Merchant::new(SignatureMode::Require).await);
    let ingest = Ingest::start(&merchant, &cluster).await;
    let with = |field: &str, value: &str| {
        let mut body = merchant.notes("4101");
        body[field] = value.into();
        body.to_string()
    };
    let right = merchant.notes("4101").to_string();
    let path = &merchant.path_secret;
    let wrong_path = format!("{path}x");
    for (secret, body, expected) in [
        (wrong_path.as_str(), right.clone(), 401),
        ("x", right.clone(), 401),
        ("x", "not json".into(), 401),
        (path, with("literal", "guessed"), 401),
        (path, with("literal", ""), 401),
        (path, with("accountCode", "another"), 401),
        (path, "not json".into(), 400),
        (path, String::new(), 400),
        // A template of ours that is wrong, or an event that another release of ours subscribed to: a 4xx would lose it (BP §d.4).
        (path, with("id", "${resource-id}"), 503),
        (path, with("id", ""), 503),
        (path, with("fullEvent", "goods-out-note.exploded"), 503),
    ] {
        assert_eq!(status(&ingest, &merchant, secret, body.clone()).await, expected, "{body}");
    }
    assert!(stored(&kafka(&cluster)).is_empty());
    ingest.stop().await;
}

/// On a real broker, which has a limit of its own.
#[tokio::test]
async fn a_huge_id_set_is_stored_as_it_came() {
    let merchant = Merchant::new(SignatureMode::Require).await;
    let brokers = std::env::var("KAFKA_BROKERS").unwrap_or_else(|_| "127.0.0.1:19092".into());
    let kafka = KafkaSettings { topic_prefix: format!("test-{}.", Uuid::now_v7().simple()), ..KafkaSettings::new(brokers) };
    let topics = Topics::new(&kafka, &TopicSettings::single_broker()).unwrap();
    topics.create().await.unwrap();
    let options = Options::new(&merchant, kafka.clone());
    let ingest = Ingest::with(&options).await;
    let mut ids = "1-18446744073709551000".to_owned();
    let room = options.settings.http.body_bytes_max - merchant.notes(&ids).to_string().len();
    for id in 0..room / 8 {
        ids.push_str(&format!(",{}", 1_000_000 + id));
    }
    assert!(ids.len() > 800_000);
    assert_eq!(status(&ingest, &merchant, &merchant.path_secret, merchant.notes(&ids).to_string()).await, 200);
    let events = stored(&kafka);
    assert_eq!(events.len(), 1);
    assert!(events[0].ids == ids, "not one id is lost");
    ingest.stop().await;
    topics.delete_prefixed().await.unwrap();
}
