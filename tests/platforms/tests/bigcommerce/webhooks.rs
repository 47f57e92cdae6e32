//! Delivery of webhooks: shapes, signature, retries, block-list (BC §c).

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::harness::{Shop, until};
use crate::receiver::{Post, Receiver};

pub async fn listen(shop: &Shop, scope: &str) -> Receiver {
    let receiver = Receiver::start().await;
    hook(shop, scope, &receiver.url).await;
    receiver
}

pub async fn hook(shop: &Shop, scope: &str, url: &str) {
    shop.switch("allow_loopback_http", json!(true)).await;
    let body = json!({ "scope": scope, "destination": url, "is_active": true, "headers": { "X-Connector-Secret": "top" } });
    let answer = shop.call("POST", "v3/hooks", Some(body)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

pub fn sign(secret: &str, post: &Post) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{}.{}.", post.header("webhook-id"), post.header("webhook-timestamp")).as_bytes());
    mac.update(&post.body);
    format!("v1,{}", base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes()))
}

#[tokio::test]
async fn a_checkout_tells_of_creation_payment_and_status() {
    let shop = Shop::open().await;
    let receiver = listen(&shop, "store/order/*").await;
    let per_channel = listen(&shop, "store/channel/1/order/created").await;
    shop.place(json!({ "id": 250, "lines": [{ "sku": "A" }] })).await;
    until("four events", async || receiver.posts().len() >= 4 && !per_channel.posts().is_empty()).await;
    let mut scopes = receiver.scopes();
    scopes.sort();
    assert_eq!(scopes, ["store/order/created", "store/order/statusUpdated", "store/order/transaction/created", "store/order/updated"]);
    let created = receiver.of_scope("store/order/created")[0].json();
    assert_eq!((created["producer"].as_str(), created["store_id"].as_str()), (Some("stores/abc123"), Some("1025646")));
    assert_eq!(created["data"], json!({ "type": "order", "id": 250 }));
    assert_eq!(created["hash"].as_str().unwrap().len(), 40);
    assert!(created["created_at"].is_i64());
    let changed = receiver.of_scope("store/order/statusUpdated")[0].json();
    assert_eq!(changed["data"]["status"], json!({ "previous_status_id": 0, "new_status_id": 11 }));
    let paid = receiver.of_scope("store/order/transaction/created")[0].json();
    assert_eq!((&paid["data"]["order_id"], &paid["data"]["type"]), (&json!("250"), &json!("transaction")));
    assert!(paid["data"]["transaction_id"].is_string() && paid["data"].get("id").is_none());
    assert_eq!(per_channel.posts()[0].json()["data"], json!({ "order_id": 250 }));
    let post = &receiver.posts()[0];
    assert_eq!(post.header("x-connector-secret"), "top");
    let text = String::from_utf8(post.body.clone()).unwrap();
    assert!(text.starts_with(r#"{"producer":"stores/abc123","hash":""#), "{text}");
}

#[tokio::test]
async fn shipments_metafields_and_refunds_have_their_quirks() {
    let shop = Shop::open().await;
    let order = shop.place(json!({ "id": 251, "lines": [{ "sku": "A" }] })).await;
    let orders = listen(&shop, "store/order/*").await;
    let shipments = listen(&shop, "store/shipment/*").await;
    let body = json!({ "order_address_id": order["shipping_addresses"][0]["id"], "items": [{ "order_product_id": order["products"][0]["id"], "quantity": 1 }] });
    let shipment = shop.call("POST", "v2/orders/251/shipments", Some(body)).await.json();
    let field = json!({ "permission_set": "app_only", "namespace": "n", "key": "k", "value": "v" });
    assert_eq!(shop.call("POST", "v3/orders/251/metafields", Some(field)).await.status, 200);
    shop.sim("POST", "stores/abc123/orders/251/refund", json!({})).await;
    shop.sim("POST", "stores/abc123/orders/251/message", json!({ "message": "Where is it?" })).await;
    until("all events", async || orders.of_scope("store/order/message/created").len() == 1 && !shipments.posts().is_empty()).await;
    assert_eq!(shipments.posts()[0].json()["data"], json!({ "type": "shipment", "id": shipment["id"], "orderId": 251 }));
    until("the metafield", async || !orders.of_scope("store/order/metafield/created").is_empty()).await;
    let field = orders.of_scope("store/order/metafield/created")[0].json()["data"].clone();
    assert_eq!(field, json!({ "metafield_id": 1, "resource_id": "251" }));
    until("the refund", async || !orders.of_scope("store/order/refund/created").is_empty()).await;
    let refund = orders.of_scope("store/order/refund/created")[0].json()["data"].clone();
    assert_eq!(refund, json!({ "type": "order", "id": 251, "refund": { "refund_id": 1 } }));
    until("status 4", async || orders.of_scope("store/order/statusUpdated").iter().any(|post| post.json()["data"]["status"]["new_status_id"] == 4))
        .await;
}

#[tokio::test]
async fn deliveries_are_signed_with_the_raw_client_secret() {
    let shop = Shop::open().await;
    let receiver = listen(&shop, "store/order/created").await;
    let mut seen = 0;
    for (signing, good) in [("signed", true), ("extra_tokens", true), ("old_timestamp", true), ("wrong_secret", false), ("unsigned", false)] {
        shop.sim("POST", "webhooks", json!({ "signature": signing })).await;
        shop.place(json!({ "lines": [{ "sku": "A" }] })).await;
        seen += 1;
        until("the delivery", async || receiver.posts().len() == seen).await;
        let post = receiver.posts()[seen - 1].clone();
        let tokens: Vec<&str> = post.header("webhook-signature").split(' ').collect();
        assert_eq!(tokens.contains(&sign(&shop.secret, &post).as_str()), good, "{signing}");
        match signing {
            "extra_tokens" => assert_eq!(tokens.len(), 3),
            "unsigned" => assert_eq!(post.header("webhook-id"), ""),
            "old_timestamp" => {
                let age = shop.clock.now().as_second() - post.header("webhook-timestamp").parse::<i64>().unwrap();
                assert!((3600..3700).contains(&age));
            }
            _ => assert_eq!(tokens.len(), 1),
        }
    }
    assert_eq!(shop.sim_raw("POST", "webhooks", json!({ "signature": "none" })).await.status, 400);
}

#[tokio::test]
async fn an_envelope_can_lack_what_some_of_the_platforms_own_samples_lack() {
    let shop = Shop::open().await;
    let receiver = listen(&shop, "store/order/statusUpdated").await;
    shop.sim("POST", "webhooks", json!({ "complete": false })).await;
    shop.place(json!({ "lines": [{ "sku": "A" }] })).await;
    until("the delivery", async || !receiver.posts().is_empty()).await;
    let body = receiver.posts()[0].json();
    assert_eq!(body["scope"], "store/order/statusUpdated");
    assert!(body.get("created_at").is_none() && body["data"].get("status").is_none() && body["data"]["id"].is_number(), "{body}");
    shop.sim("POST", "webhooks", json!({ "complete": true })).await;
    shop.place(json!({ "lines": [{ "sku": "A" }] })).await;
    until("the second delivery", async || receiver.posts().len() == 2).await;
    assert!(receiver.posts()[1].json()["data"]["status"]["new_status_id"].is_number());
}

#[tokio::test]
async fn a_failed_delivery_is_retried_with_the_same_id_and_hash() {
    let shop = Shop::open().await;
    let receiver = listen(&shop, "store/order/created").await;
    receiver.answer_with(500);
    shop.place(json!({ "lines": [{ "sku": "A" }] })).await;
    until("the first try", async || receiver.posts().len() == 1).await;
    until("the retry to be planned", async || shop.sim("GET", "stores/abc123/deliveries", json!({})).await[0]["attempt"] == 2).await;
    shop.advance(61_000).await;
    until("the retry", async || receiver.posts().len() == 2).await;
    let posts = receiver.posts();
    assert_eq!(posts[0].header("webhook-id"), posts[1].header("webhook-id"));
    assert_eq!(posts[0].body, posts[1].body);
    assert_ne!(posts[0].header("webhook-timestamp"), posts[1].header("webhook-timestamp"), "signed anew");
    assert_eq!(posts[1].header("webhook-signature"), sign(&shop.secret, &posts[1]));
    shop.switch("fresh_retry_timestamp", json!(false)).await;
    until("the next retry to be planned", async || shop.sim("GET", "stores/abc123/deliveries", json!({})).await[0]["attempt"] == 3).await;
    receiver.answer_with(204);
    shop.advance(181_000).await;
    until("the second retry", async || receiver.posts().len() == 3).await;
    assert_eq!(receiver.posts()[2].header("webhook-timestamp"), posts[0].header("webhook-timestamp"));
    until("an empty queue", async || shop.sim("GET", "stores/abc123/deliveries", json!({})).await == json!([])).await;
    let ledger = shop.sim("GET", "ledger/deliveries", json!({})).await;
    let answers: Vec<&Value> = ledger.as_array().unwrap().iter().map(|row| &row["answer"]).collect();
    assert_eq!(answers, [&json!(500), &json!(500), &json!(204)]);
}

#[tokio::test]
async fn after_the_eleventh_retry_the_hook_is_deactivated_and_its_events_are_lost() {
    let shop = Shop::open().await;
    let receiver = listen(&shop, "store/order/created").await;
    let trouble = listen(&shop, "store/hook/deliveryException").await;
    receiver.answer_with(503);
    shop.place(json!({ "lines": [{ "sku": "A" }] })).await;
    for (tries, wait) in (1..).zip([60, 180, 300, 600, 900, 1800, 3600, 7200, 21_600, 50_400, 86_400]) {
        until("a try", async || receiver.posts().len() == tries).await;
        until("its retry", async || shop.sim("GET", "stores/abc123/deliveries", json!({})).await[0]["attempt"] == tries + 1).await;
        shop.advance(wait * 1000 + 500).await;
    }
    until("the last try", async || receiver.posts().len() == 12).await;
    until("the deactivation", async || shop.get("v3/hooks/admin?is_active=false").await.json()["data"]["hooks_list"][0]["status"] == "deactivated")
        .await;
    let codes = || trouble.posts().iter().map(|post| post.json()["data"]["error_code"].as_i64().unwrap()).collect::<Vec<_>>();
    until("90002", async || codes().contains(&90002)).await;
    assert!(codes().contains(&90001));
    receiver.answer_with(200);
    shop.place(json!({ "lines": [{ "sku": "A" }] })).await;
    assert_eq!(shop.sim("GET", "stores/abc123/deliveries", json!({})).await, json!([]), "a deactivated hook gets nothing");
}

#[tokio::test]
async fn a_domain_with_too_many_failures_is_blocked_for_three_minutes() {
    let shop = Shop::open().await;
    let receiver = listen(&shop, "store/order/created").await;
    receiver.answer_with(500);
    shop.sim("POST", "stores/abc123/orders/random", json!({ "count": 100 })).await;
    let blocked = async || shop.get("v3/hooks/admin").await.json()["data"]["blocked_domains"].clone();
    until("the block", async || blocked().await != json!([])).await;
    let shown = blocked().await;
    assert!(shown[0]["time_left"].as_i64().unwrap() > 170);
    assert_eq!(shown[0]["reasons"][0]["failure_description"], "HTTP 500");
    let before = receiver.posts().len();
    shop.place(json!({ "lines": [{ "sku": "A" }] })).await;
    until("the event in the retry queue", async || {
        let rows = shop.sim("GET", "stores/abc123/deliveries", json!({})).await;
        rows.as_array().unwrap().iter().filter(|row| row["attempt"] == 2).count() == 101
    })
    .await;
    assert_eq!(receiver.posts().len(), before);
    receiver.answer_with(200);
    shop.advance(300_000).await;
    until("delivery after the block", async || receiver.posts().len() == before + 101).await;
    assert_eq!(blocked().await, json!([]));
}

#[tokio::test]
async fn a_new_hook_starts_after_its_delay() {
    let shop = Shop::open_with(json!({ "hook_delay_ms": 60_000 })).await;
    let receiver = listen(&shop, "store/order/created").await;
    shop.place(json!({ "id": 700, "lines": [{ "sku": "A" }] })).await;
    shop.advance(61_000).await;
    shop.place(json!({ "id": 701, "lines": [{ "sku": "A" }] })).await;
    until("the later order", async || !receiver.posts().is_empty()).await;
    assert_eq!(receiver.posts()[0].json()["data"]["id"], 701);
}

#[tokio::test]
async fn a_silent_hook_is_deactivated_after_ninety_days() {
    let shop = Shop::open().await;
    listen(&shop, "store/order/created").await;
    shop.advance(91 * 24 * 3_600_000).await;
    until("the deactivation", async || shop.get("v3/hooks/admin").await.json()["data"]["hooks_list"][0]["status"] == "deactivated").await;
}

#[tokio::test]
async fn chaos_duplicates_and_drops() {
    let shop = Shop::open().await;
    let receiver = listen(&shop, "store/order/created").await;
    shop.sim("POST", "chaos", json!({ "duplicate": 1.0 })).await;
    shop.place(json!({ "lines": [{ "sku": "A" }] })).await;
    until("both copies", async || receiver.posts().len() == 2).await;
    assert_eq!(receiver.posts()[0].header("webhook-id"), receiver.posts()[1].header("webhook-id"));
    shop.sim("POST", "chaos", json!({ "drop": 1.0 })).await;
    shop.place(json!({ "lines": [{ "sku": "A" }] })).await;
    until("the dropped one", async || shop.sim("GET", "ledger/deliveries/count", json!({})).await["count"] == 3).await;
    let ledger = shop.sim("GET", "ledger/deliveries", json!({})).await;
    assert_eq!((&ledger[2]["dropped"], &ledger[2]["answer"], &ledger[0]["duplicated"]), (&json!(true), &Value::Null, &json!(true)));
    assert_eq!(receiver.posts().len(), 2);
    assert_eq!(shop.sim("GET", "stores/abc123/deliveries", json!({})).await, json!([]), "a dropped one is not retried");
    assert_eq!(shop.sim_raw("POST", "chaos", json!({ "drop": 2 })).await.status, 400);
}

#[tokio::test]
async fn an_uninstall_kills_the_token_and_tells_the_app() {
    let shop = Shop::open().await;
    let receiver = listen(&shop, "store/app/uninstalled").await;
    hook(&shop, "store/order/*", &receiver.url).await;
    let client = shop.get("v3/hooks").await.json()["data"][0]["client_id"].as_str().unwrap().to_owned();
    shop.sim("POST", &format!("stores/abc123/accounts/{client}/uninstall"), json!({})).await;
    until("the event", async || receiver.scopes() == ["store/app/uninstalled"]).await;
    assert_eq!(shop.get("v2/time").await.status, 401);
    assert_eq!(receiver.posts()[0].header("webhook-signature"), sign(&shop.secret, &receiver.posts()[0]));
    assert_eq!(shop.sim("GET", "stores/abc123/hooks", json!({})).await.as_array().unwrap().len(), 1);
}
