//! Records that the database refuses for what they are.

use std::collections::BTreeMap;
use std::time::Duration;

use orderbridge_kafka::{Publisher, Reader};
use orderbridge_schema::envelope::Envelope;
use orderbridge_schema::topics::Topic;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use serde_json::{Value, json};

use crate::installation::{Installation, run};
use crate::merchant::Merchant;
use crate::wait::{SOON, stays, until};

/// One more than the largest id that the database can keep.
const TOO_LARGE: u64 = 1 << 63;
/// Enough to stand on every partition, between other records.
const POISON: u64 = 12;

/// An event about an order of any id.
fn event(merchant: &Merchant<'_>, id: u64) -> Envelope {
    let envelope = json!({
        "version": 1, "event_id": uuid::Uuid::now_v7(), "platform": "bigcommerce", "connection": "c", "tenant": merchant.id,
        "account": merchant.code, "event_type": "store/order/created", "entity": "order", "ids": id.to_string(),
        "received_at": "2026-03-01T09:30:01Z", "verified": "signature",
    });
    serde_json::from_value(envelope).unwrap()
}

async fn publisher(installation: &Installation) -> Publisher {
    let publisher = Publisher::start(&installation.kafka()).unwrap();
    until("the publisher is connected", SOON, || async { publisher.connected().then_some(()) }).await;
    publisher
}

async fn letters(installation: &Installation) -> Vec<Value> {
    let printed = installation.orderbridge(&["dead-letters", "list", "--json"]).await;
    serde_json::from_str::<Value>(&printed).unwrap().as_array().unwrap().clone()
}

/// Where the order topic is read next, by partition.
async fn stored(installation: &Installation) -> BTreeMap<i32, i64> {
    let rows = installation.sql("select partition, next_offset from intake_offsets where topic = 'bigcommerce.orders.v1'").await;
    rows.lines().map(|row| row.split_once('|').unwrap()).map(|(partition, next)| (partition.parse().unwrap(), next.parse().unwrap())).collect()
}

#[test]
fn a_record_that_the_database_refuses_is_found_among_its_neighbours_and_they_are_stored() {
    run(async {
        let installation = Installation::new(&[]).await;
        let _ingest = installation.start("ingest", &[]).await;
        let merchant = Merchant::new(&installation).await;
        let publisher = publisher(&installation).await;
        // Nobody reads yet, so that all of it is in the same few batches.
        let mut orders = Vec::new();
        for number in 0..POISON {
            publisher.publish(&event(&merchant, TOO_LARGE + number)).await.unwrap();
            if number % 2 == 0 {
                orders.push(merchant.place_simple().await);
            }
        }
        until("the orders' own events are published", SOON, || async {
            let told = installation.look(&installation.bigcommerce, "ledger/deliveries?event=store/order/created&status=200").await;
            (told.as_array().unwrap().len() >= orders.len()).then_some(())
        })
        .await;
        let ends = Reader::new(&installation.kafka()).unwrap().whole(Topic::BigcommerceOrders).await.unwrap();
        assert!(ends.iter().all(|span| !span.is_empty()), "every partition has some: {ends:?}");

        let _processor = installation.start("processor", &[]).await;
        for order in orders {
            merchant.synced(order).await;
        }
        until("everything is taken in", SOON, || async {
            let stored = stored(&installation).await;
            ends.iter().all(|span| stored.get(&span.at.partition).is_some_and(|next| *next >= span.to)).then_some(())
        })
        .await;
        let letters = letters(&installation).await;
        assert_eq!(letters.len(), usize::try_from(POISON).unwrap(), "{letters:#?}");
        for letter in letters {
            assert!(letter["why"].as_str().unwrap().starts_with("the database refuses it"), "{letter}");
            let shown = installation.orderbridge(&["dead-letters", "show", letter["letter"].as_str().unwrap()]).await;
            assert!(shown.contains("92233720368547758"), "one of those that are too large: {shown}");
        }
    });
}

#[test]
fn an_offset_waits_until_its_record_is_among_the_dead_letters() {
    run(async {
        let installation = Installation::new(&[]).await;
        let _ingest = installation.start("ingest", &[]).await;
        let merchant = Merchant::new(&installation).await;
        let kafka = installation.kafka();
        let admin: AdminClient<_> = ClientConfig::new().set("bootstrap.servers", &kafka.brokers).create().unwrap();
        let deleted = admin.delete_topics(&[&kafka.topic_name(Topic::DeadLetters)], &AdminOptions::new()).await.unwrap();
        assert!(deleted.iter().all(Result::is_ok), "{deleted:?}");
        let bad = publisher(&installation).await.publish(&event(&merchant, TOO_LARGE)).await.unwrap();

        let _processor = installation.spawn("processor", &[]);
        let tries = || installation.log("processor").matches("a record went to the dead letters").count();
        until("it is tried again and again", SOON, || async { (tries() >= 2).then_some(()) }).await;
        let waits = async || stored(&installation).await.get(&bad.partition).is_none_or(|next| *next <= bad.offset);
        stays("its offset is not passed", Duration::from_secs(3), waits).await;
        let order = merchant.place_simple().await;

        installation.orderbridge(&["topics", "create"]).await;
        until("its offset is passed", SOON, || async { (!waits().await).then_some(()) }).await;
        let letters = letters(&installation).await;
        let came_from = json!({"topic": "bigcommerce.orders.v1", "partition": bad.partition, "offset": bad.offset});
        assert!(letters.iter().any(|letter| letter["came_from"] == came_from), "{letters:#?}");
        merchant.synced(order).await;
    });
}
