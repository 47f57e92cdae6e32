//! The webhook endpoints of a running installation.

use serde_json::json;

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

#[test]
fn a_sigterm_under_load_drops_no_webhook_that_was_answered() {
    run(async {
        let installation = Installation::new(&[]).await;
        let mut ingest = installation.start("ingest", &[]).await;
        let merchant = Merchant::new(&installation).await;
        let orders: Vec<u64> = futures_util::future::join_all((0..12).map(|_| merchant.place_simple())).await;
        assert_eq!(ingest.stop().await, Some(0));
        let _all = installation.start("all", &[]).await;
        // What was answered is in Kafka; what was not is sent again by the platform a minute later.
        installation.advance(std::time::Duration::from_secs(70));
        for order in orders {
            merchant.synced(order).await;
        }
    });
}
