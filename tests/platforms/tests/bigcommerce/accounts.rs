//! Several apps on one store: who hears what, and which secret signs (BC §a, §c).

use serde_json::{Value, json};

use crate::harness::{Answer, Shop, until};
use crate::receiver::Receiver;
use crate::webhooks::sign;

const TROUBLE: &str = "store/hook/deliveryException";

async fn register(shop: &Shop, token: &str, scope: &str, url: &str) -> Answer {
    shop.switch("allow_loopback_http", json!(true)).await;
    shop.call_as(token, "POST", "v3/hooks", Some(json!({ "scope": scope, "destination": url, "is_active": true }))).await
}

async fn other_app(shop: &Shop) -> (String, String) {
    let made = shop.sim("POST", "stores/abc123/accounts", json!({})).await;
    let text = |field: &str| made[field].as_str().unwrap().to_owned();
    (text("client_id"), text("access_token"))
}

/// The posts of a scope once nothing is under way any more.
async fn sent(shop: &Shop, scope: &str) -> Vec<Value> {
    until("an empty queue", async || shop.sim("GET", "stores/abc123/deliveries", json!({})).await == json!([])).await;
    shop.sim("GET", &format!("ledger/deliveries?event={scope}"), json!({})).await.as_array().unwrap().clone()
}

#[tokio::test]
async fn an_uninstall_is_told_to_the_app_that_it_concerns_and_to_no_other() {
    let shop = Shop::open().await;
    let (client, token) = other_app(&shop).await;
    let (mine, theirs) = (Receiver::start().await, Receiver::start().await);
    for (token, receiver) in [(&shop.token, &mine), (&token, &theirs)] {
        assert_eq!(register(&shop, token, "store/app/uninstalled", &receiver.url).await.status, 200);
    }
    shop.sim("POST", &format!("stores/abc123/accounts/{client}/uninstall"), json!({})).await;
    let sent = sent(&shop, "store/app/uninstalled").await;
    assert_eq!((sent.len(), sent[0]["url"].as_str()), (1, Some(theirs.url.as_str())));
    assert_eq!(theirs.posts()[0].json()["data"], json!({ "type": "store" }));
    assert!(mine.posts().is_empty());
    assert_eq!((shop.get("v2/time").await.status, shop.call_as(&token, "GET", "v2/time", None).await.status), (200, 401));
}

#[tokio::test]
async fn trouble_with_a_hook_is_told_to_its_own_app_alone() {
    let shop = Shop::open().await;
    let (_, token) = other_app(&shop).await;
    let (dead, mine, theirs) = (Receiver::start().await, Receiver::start().await, Receiver::start().await);
    dead.answer_with(500);
    let hook = register(&shop, &shop.token, "store/order/created", &dead.url).await.json()["data"]["id"].clone();
    register(&shop, &shop.token, TROUBLE, &mine.url).await;
    register(&shop, &token, TROUBLE, &theirs.url).await;
    shop.place(json!({ "lines": [{ "sku": "A" }] })).await;
    until("the exception", async || mine.posts().len() == 1).await;
    let data = mine.posts()[0].json()["data"].clone();
    assert_eq!((&data["type"], &data["id"], &data["error_code"]), (&json!("webhook"), &hook, &json!(90001)));
    assert_eq!(shop.sim("GET", &format!("ledger/deliveries/count?event={TROUBLE}"), json!({})).await["count"], 1);
    assert!(theirs.posts().is_empty());
}

#[tokio::test]
async fn a_store_and_client_have_one_hook_for_trouble() {
    let shop = Shop::open().await;
    let (_, token) = other_app(&shop).await;
    assert_eq!(register(&shop, &shop.token, TROUBLE, "https://hooks.example.com/1").await.status, 200);
    assert_eq!(register(&shop, &shop.token, TROUBLE, "https://hooks.example.com/2").await.status, 422);
    assert_eq!(register(&shop, &token, TROUBLE, "https://hooks.example.com/2").await.status, 200, "another client has its own");
    let orders = register(&shop, &shop.token, "store/order/*", "https://hooks.example.com/3").await.json()["data"]["id"].clone();
    let moved = shop.call("PUT", &format!("v3/hooks/{orders}"), Some(json!({ "scope": TROUBLE }))).await;
    assert_eq!(moved.status, 422, "nor does a change make a second one");
}

#[tokio::test]
async fn a_new_client_secret_signs_what_is_sent_from_then_on() {
    let shop = Shop::open().await;
    let receiver = Receiver::start().await;
    let made = register(&shop, &shop.token, "store/order/created", &receiver.url).await.json();
    let path = format!("stores/abc123/accounts/{}/secret", made["data"]["client_id"].as_str().unwrap());
    shop.place(json!({ "lines": [{ "sku": "A" }] })).await;
    until("the first post", async || receiver.posts().len() == 1).await;
    let renewed = shop.sim("POST", &path, json!({ "client_secret": "renewed" })).await;
    assert_eq!((&renewed["client_secret"], &renewed["access_token"]), (&json!("renewed"), &json!(shop.token)));
    shop.place(json!({ "lines": [{ "sku": "A" }] })).await;
    until("the second post", async || receiver.posts().len() == 2).await;
    let posts = receiver.posts();
    assert_eq!(posts[0].header("webhook-signature"), sign(&shop.secret, &posts[0]));
    assert_eq!(posts[1].header("webhook-signature"), sign("renewed", &posts[1]));
    let made_up = shop.sim("POST", &path, json!({})).await;
    assert_eq!(made_up["client_secret"].as_str().unwrap().len(), 64);
}
