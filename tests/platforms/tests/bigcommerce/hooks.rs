//! Registration of webhooks (BC §c).

use serde_json::{Value, json};

use crate::harness::{Answer, Shop};

async fn register(shop: &Shop, scope: &str, destination: &str) -> Answer {
    let body = json!({ "scope": scope, "destination": destination, "is_active": true, "headers": { "X-Connector-Secret": "s" } });
    shop.call("POST", "v3/hooks", Some(body)).await
}

#[tokio::test]
async fn a_hook_is_made_read_changed_and_deleted() {
    let shop = Shop::open().await;
    let answer = register(&shop, "store/order/*", "https://hooks.example.com/bc/7f3a").await;
    assert_eq!(answer.status, 200, "200, not 201");
    let hook = answer.json()["data"].clone();
    assert_eq!((hook["store_hash"].as_str(), hook["events_history_enabled"].as_bool()), (Some("abc123"), Some(false)));
    assert!(hook["created_at"].is_i64());
    let path = format!("v3/hooks/{}", hook["id"]);
    assert_eq!(shop.get(&path).await.json()["data"], hook);
    let empty = shop.call("PUT", &path, Some(json!({}))).await;
    assert_eq!(empty.status, 422);
    assert_eq!(empty.json()["errors"]["data"], "Update webhook request should not be empty");
    assert_eq!(empty.json()["title"], "The following fields are invalid: data");
    let off = shop.call("PUT", &path, Some(json!({ "is_active": false, "headers": null }))).await.json()["data"].clone();
    assert_eq!((off["is_active"].as_bool(), &off["headers"]), (Some(false), &Value::Null));
    assert_eq!(shop.get("v3/hooks?is_active=true").await.json()["meta"]["pagination"]["total"], 0);
    let gone = shop.call("DELETE", &path, None).await;
    assert_eq!((gone.status, gone.json()["data"]["id"].as_i64()), (200, hook["id"].as_i64()));
    let missing = shop.get(&path).await;
    assert_eq!(missing.json()["title"], format!("Webhook with id [{}] not found", hook["id"]));
    assert_eq!(missing.status, 404);
}

#[tokio::test]
async fn bad_hooks_are_refused() {
    let shop = Shop::open().await;
    for destination in ["http://hooks.example.com/", "https://hooks.example.com:8443/", "http://127.0.0.1:1/", "nonsense"] {
        let answer = register(&shop, "store/order/*", destination).await;
        assert_eq!((answer.status, answer.json()["title"].as_str()), (400, Some("Input is invalid.")), "{destination}");
    }
    assert_eq!(register(&shop, "store/weather/*", "https://hooks.example.com/").await.status, 400);
    let missing = shop.call("POST", "v3/hooks", Some(json!({ "scope": "store/order/*" }))).await;
    assert_eq!((missing.status, missing.json()["errors"]["destination"].as_str()), (422, Some("error.path.missing.")));
    let odd = json!({ "scope": "store/order/*", "destination": "https://hooks.example.com/", "is_active": "yes" });
    assert_eq!(shop.call("POST", "v3/hooks", Some(odd)).await.status, 400);
    shop.switch("allow_loopback_http", json!(true)).await;
    assert_eq!(register(&shop, "store/order/*", "http://127.0.0.1:1/").await.status, 200);
    assert_eq!(register(&shop, "store/order/*", "http://hooks.example.com/").await.status, 400);
}

#[tokio::test]
async fn a_channel_has_its_own_scopes_and_no_others() {
    let shop = Shop::open().await;
    for (scope, status) in [
        ("store/channel/1/order/created", 200),
        ("store/channel/7/order/refund/created", 200),
        ("store/channel/1/inventory/product/stock_changed", 200),
        ("store/channel/1/inventory/product/settings_changed", 200),
        ("store/channel/1/order/*", 200),
        ("store/channel/1/inventory/product/*", 200),
        ("store/channel/1/*", 200),
        ("store/channel/1/banana", 400),
        ("store/channel/1/order/exploded", 400),
        ("store/channel/1/order/created/*", 400),
        ("store/channel/first/order/created", 400),
        ("store/channel/1/", 400),
    ] {
        assert_eq!(register(&shop, scope, "https://hooks.example.com/").await.status, status, "{scope}");
    }
}

#[tokio::test]
async fn one_scope_takes_ten_destinations_and_each_once() {
    let shop = Shop::open().await;
    for n in 0..10 {
        assert_eq!(register(&shop, "store/order/*", &format!("https://hooks.example.com/{n}")).await.status, 200);
    }
    assert_eq!(register(&shop, "store/order/*", "https://hooks.example.com/3").await.status, 422);
    shop.switch("duplicate_hook_status", json!("409")).await;
    assert_eq!(register(&shop, "store/order/*", "https://hooks.example.com/3").await.status, 409);
    assert_eq!(register(&shop, "store/order/*", "https://hooks.example.com/10").await.status, 422);
    assert_eq!(register(&shop, "store/shipment/*", "https://hooks.example.com/3").await.status, 200);
    assert_eq!(shop.get("v3/hooks?scope=store/order/*&limit=4&page=3").await.json()["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn hooks_belong_to_the_account_that_made_them() {
    let shop = Shop::open().await;
    let other = shop.sim("POST", "stores/abc123/accounts", json!({})).await;
    let token = other["access_token"].as_str().unwrap();
    let id = register(&shop, "store/order/*", "https://hooks.example.com/").await.json()["data"]["id"].clone();
    assert_eq!(shop.call_as(token, "GET", "v3/hooks", None).await.json()["data"], json!([]));
    assert_eq!(shop.call_as(token, "GET", &format!("v3/hooks/{id}"), None).await.status, 404);
    assert_eq!(shop.call_as(token, "DELETE", &format!("v3/hooks/{id}"), None).await.status, 404);
    let client = other["client_id"].as_str().unwrap();
    assert_eq!(shop.sim_raw("DELETE", &format!("stores/abc123/accounts/{client}"), json!({})).await.status, 204);
    assert_eq!(shop.call_as(token, "GET", "v3/hooks", None).await.status, 401);
}

#[tokio::test]
async fn the_admin_view_shows_states_and_takes_emails() {
    let shop = Shop::open().await;
    register(&shop, "store/order/*", "https://hooks.example.com/").await;
    assert_eq!(shop.call("PUT", "v3/hooks/admin", Some(json!({ "emails": ["ops@example.com"] }))).await.status, 204);
    assert_eq!(shop.call("PUT", "v3/hooks/admin", Some(json!({ "emails": ["nobody"] }))).await.status, 400);
    let admin = shop.get("v3/hooks/admin").await.json()["data"].clone();
    assert_eq!(admin["emails"], json!(["ops@example.com"]));
    assert_eq!(admin["hooks_list"][0]["status"], "active");
    assert_eq!(admin["blocked_domains"], json!([]));
}
