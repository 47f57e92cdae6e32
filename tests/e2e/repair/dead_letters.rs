//! A record that cannot be understood.

use orderbridge_kafka::Publisher;
use orderbridge_schema::envelope::Envelope;
use serde_json::{Value, json};

use super::{json, refused};
use crate::installation::{Installation, run, shared};
use crate::merchant::Merchant;
use crate::wait::{SOON, until};

/// Publishes an event whose ids no reader understands.
async fn publish_bad(installation: &Installation, merchant: &Merchant<'_>) {
    let envelope = json!({
        "version": 1, "event_id": uuid::Uuid::now_v7(), "platform": "bigcommerce", "connection": "c", "tenant": merchant.id,
        "account": merchant.code, "event_type": "store/order/created", "entity": "order", "ids": format!("250x{}", merchant.id),
        "received_at": "2026-03-01T09:30:01Z", "verified": "signature",
    });
    let envelope: Envelope = serde_json::from_value(envelope).unwrap();
    let publisher = Publisher::start(&installation.kafka()).unwrap();
    until("the publisher is connected", SOON, || async { publisher.connected().then_some(()) }).await;
    publisher.publish(&envelope).await.unwrap();
}

/// The dead letters of a merchant, which their content tells.
async fn letters(installation: &Installation, merchant: &Merchant<'_>) -> Vec<Value> {
    let mut found = Vec::new();
    for letter in json(installation, &["dead-letters", "list", "--topic", "bigcommerce.orders.v1"]).await.as_array().unwrap() {
        let shown = json(installation, &["dead-letters", "show", letter["letter"].as_str().unwrap()]).await;
        if shown["content"]["value"].as_str().unwrap().contains(&format!("250x{}", merchant.id)) {
            found.push(letter.clone());
        }
    }
    found
}

#[test]
fn a_record_that_cannot_be_understood_is_listed_retried_and_discarded() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        publish_bad(installation, &merchant).await;
        let first = until("the dead letter is listed", SOON, || async { letters(installation, &merchant).await.pop() }).await;
        let name = first["letter"].as_str().unwrap();
        assert_eq!(
            (&first["state"], &first["came_from"]["topic"], &first["former"]),
            (&json!("open"), &json!("bigcommerce.orders.v1"), &Value::Null)
        );
        assert!(first["why"].as_str().unwrap().contains("store/order/created"), "{first}");
        assert!(first.get("content").is_none() && !first.to_string().contains("250x"), "a list has no content: {first}");
        let shown = installation.orderbridge(&["dead-letters", "show", name]).await;
        assert!(shown.contains("250x") && shown.contains("event-type: store/order/created"), "{shown}");

        let told = installation.orderbridge(&["dead-letters", "retry", name]).await;
        assert!(told.contains("put back on bigcommerce.orders.v1"), "{told}");
        // It is as bad as it was: it comes back, and names the one it was.
        let second = until("it comes back", SOON, || async {
            letters(installation, &merchant).await.into_iter().find(|letter| letter["former"] == first["letter"])
        })
        .await;
        let states = async || letters(installation, &merchant).await.iter().map(|letter| letter["state"].clone()).collect::<Vec<_>>();
        assert_eq!(states().await, ["retried", "open"]);
        let (code, told) = refused(installation, &["dead-letters", "retry", name]).await;
        assert!(code == Some(1) && told.contains("it was retried by") && told.contains("--again"), "{told}");
        assert_eq!(letters(installation, &merchant).await.len(), 2, "nothing was put back");

        let second = second["letter"].as_str().unwrap();
        installation.orderbridge(&["dead-letters", "discard", second, "--why", "a test"]).await;
        assert_eq!(states().await, ["retried", "discarded"]);
        let open = json(installation, &["dead-letters", "list", "--state", "open"]).await;
        assert!(open.as_array().unwrap().iter().all(|letter| letter["letter"] != second));
        installation.orderbridge(&["dead-letters", "retry", second, "--again"]).await;
        until("it comes back again", SOON, || async { (letters(installation, &merchant).await.len() == 3).then_some(()) }).await;

        let (code, told) = refused(installation, &["dead-letters", "show", "0:999999"]).await;
        assert!(code == Some(1) && told.contains("no dead letter 0:999999"), "{told}");
    });
}
