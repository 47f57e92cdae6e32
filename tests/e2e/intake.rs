//! The webhook endpoints of a running installation.

use std::collections::BTreeSet;
use std::time::Duration;

use orderbridge_kafka::Reader;
use orderbridge_schema::topics::Topic;
use serde_json::{Value, json};

use crate::installation::{Installation, run, shared};
use crate::merchant::Merchant;
use crate::wait::{SOON, until};

#[test]
fn an_unsigned_webhook_and_an_unknown_connection_are_refused() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        let hooks = installation.look(&installation.bigcommerce, &format!("stores/{}/hooks", merchant.id)).await;
        let destination = hooks[0]["destination"].as_str().unwrap().to_owned();
        let body = r#"{"producer":"stores/x","hash":"0","created_at":1,"store_id":"1","scope":"store/order/created","data":{"type":"order","id":1}}"#;
        let answer = installation.http.post(&destination).body(body).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 401);
        let unknown = format!("{}/webhooks/bigcommerce/c-nobody", installation.public_url);
        let answer = installation.http.post(&unknown).body(body).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 404);
    });
}

#[test]
fn hooks_are_registered_once_and_only_ours_are_touched() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        let hooks = async || {
            let store = installation.look(&installation.bigcommerce, &format!("stores/{}/hooks", merchant.id)).await;
            let account = installation.look(&installation.brightpearl, &format!("accounts/{}/webhooks", merchant.id)).await;
            (store.as_array().unwrap().len(), account["webhooks"].as_array().unwrap().len())
        };
        let foreign = json!({"subscribeTo": "goods-out-note", "httpMethod": "POST", "uriTemplate": "https://other.example/hook/${account-code}", "contentType": "application/json",
            "idSetAccepted": true, "qualityOfService": 1, "bodyTemplate": "${resource-type} ${lifecycle-event} ${resource-id} ${account-code}"});
        let url = format!("{}/public-api/{}/integration-service/webhook", installation.brightpearl, merchant.id);
        let made = installation.http.post(url).bearer_auth(merchant.brightpearl_token());
        let made = made.header("brightpearl-app-ref", "connector-app").header("brightpearl-dev-ref", "connector-dev").json(&foreign);
        assert!(made.send().await.unwrap().status().is_success());
        let before = hooks().await;
        assert!(before.0 > 0 && before.1 > 0);
        installation.orderbridge(&["hooks", "sync", "--tenant", &merchant.id]).await;
        assert_eq!(hooks().await, before);
    });
}

#[test]
fn metrics_and_health_answer() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        let order = merchant.place_simple().await;
        merchant.synced(order).await;
        until("the processor counts what it does", SOON, || async {
            let text = installation.http.get(format!("{}/metrics", installation.processor_url)).send().await.ok()?.text().await.ok()?;
            text.contains("orderbridge_commands_total").then_some(())
        })
        .await;
        let alive = installation.http.get(format!("{}/healthz", installation.public_url)).send().await.unwrap();
        assert!(alive.status().is_success());
    });
}

#[test]
fn an_incomplete_envelope_is_a_hint_like_any_other() {
    run(async {
        let installation = Installation::new(&[]).await;
        let _all = installation.start("all", &[]).await;
        installation.control(&installation.bigcommerce, "webhooks", json!({"complete": false})).await;
        let merchant = Merchant::new(&installation).await;
        let order = merchant.place_simple().await;
        merchant.synced(order).await;
        // All is in order here, and the doctor says so.
        let report = installation.orderbridge(&["doctor", "--tenant", &merchant.id, "--json"]).await;
        assert!(report.contains("webhook"), "{report}");
    });
}

/// Names of deliveries that are in Kafka.
async fn in_kafka(installation: &Installation) -> BTreeSet<String> {
    let reader = Reader::new(&installation.kafka()).unwrap();
    let mut found = BTreeSet::new();
    for topic in Topic::events() {
        let mut reading = reader.open(reader.whole(topic).await.unwrap()).unwrap();
        loop {
            let records = reading.next(500).await.unwrap();
            if records.is_empty() {
                break;
            }
            found.extend(records.iter().filter_map(|record| record.envelope().unwrap().delivery_id));
        }
    }
    found
}

#[test]
fn a_sigterm_under_load_drops_no_webhook_that_was_answered() {
    run(async {
        let installation = Installation::new(&[]).await;
        let mut ingest = installation.start("ingest", &[]).await;
        let merchant = Merchant::new(&installation).await;
        let deliveries = async || {
            let sent = installation.look(&installation.bigcommerce, &format!("ledger/deliveries?tenant={}", merchant.id)).await;
            let name = |delivery: &Value| {
                delivery["headers"].as_array().unwrap().iter().find(|header| header[0] == "webhook-id").unwrap()[1].as_str().unwrap().to_owned()
            };
            let (answered, refused): (Vec<Value>, Vec<Value>) = sent
                .as_array()
                .unwrap()
                .iter()
                .cloned()
                .partition(|delivery| delivery["answer"].as_u64().is_some_and(|status| (200..300).contains(&status)));
            (answered.iter().map(name).collect::<BTreeSet<_>>(), refused.len())
        };
        let placed = futures_util::future::join_all((0..60).map(|_| merchant.place_simple()));
        let stopped = async {
            until("the load has begun", SOON, || async { (deliveries().await.0.len() >= 10).then_some(()) }).await;
            ingest.stop().await
        };
        let (orders, code) = tokio::join!(placed, stopped);
        assert_eq!(code, Some(0));
        // What is sent from now on meets nobody, and is sent again a minute later: before that minute, the answered ones must be there.
        let last = merchant.place_simple().await;
        until("all was sent once", SOON, || async { (deliveries().await.1 > 0).then_some(()) }).await;
        let (answered, _) = deliveries().await;
        let stored = in_kafka(&installation).await;
        let lost: Vec<&String> = answered.difference(&stored).collect();
        assert!(lost.is_empty(), "{} of {} answered deliveries are lost: {lost:?}", lost.len(), answered.len());

        let _all = installation.start("all", &[]).await;
        installation.advance(Duration::from_secs(70));
        for order in orders.into_iter().chain([last]) {
            merchant.synced(order).await;
        }
    });
}

#[test]
fn the_doctors_calls_are_paid_like_all_others() {
    run(async {
        let installation = Installation::new(&[]).await;
        let merchant = Merchant::new(&installation).await;
        installation.sql("delete from quota_windows").await;
        // Nothing runs, so that its hooks cannot answer; whatever it finds, it asks both platforms.
        let looked = installation.try_orderbridge(&["doctor", "--tenant", &merchant.id, "--json"]).await;
        assert!(String::from_utf8(looked.stdout).unwrap().contains("our installation is"));
        let paid = "do $$ begin if (select count(*) from quota_windows where granted > 0) < 2 then raise exception 'not paid'; end if; end $$";
        installation.sql(paid).await;
    });
}
