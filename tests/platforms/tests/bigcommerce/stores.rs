//! Stores, tokens, scopes and what a store tells about itself (BC §a, §g).

use serde_json::{Value, json};

use crate::harness::Shop;

#[tokio::test]
async fn tokens_and_scopes_are_checked() {
    let shop = Shop::open().await;
    let v2 = shop.call_as("wrong", "GET", "v2/orders", None).await;
    assert_eq!((v2.status, v2.json()[0]["status"].as_i64()), (401, Some(401)));
    let v3 = shop.call_as("", "GET", "v3/customers", None).await;
    assert_eq!((v3.status, v3.json()["status"].as_i64()), (401, Some(401)));
    let reader = shop.sim("POST", "stores/abc123/accounts", json!({ "scopes": ["store_v2_orders_read_only"] })).await;
    let token = reader["access_token"].as_str().unwrap();
    shop.place(json!({ "id": 800, "lines": [{ "sku": "A" }] })).await;
    assert_eq!(shop.call_as(token, "GET", "v2/orders/800", None).await.status, 200);
    assert_eq!(shop.call_as(token, "PUT", "v2/orders/800", Some(json!({ "staff_notes": "x" }))).await.status, 403);
    assert_eq!(shop.call_as(token, "GET", "v3/orders/800/transactions", None).await.status, 403, "the orders scope is not enough");
    assert_eq!(shop.call_as(token, "GET", "v3/customers", None).await.status, 403);
    assert_eq!(shop.call_as(token, "GET", "v3/hooks", None).await.status, 200, "hooks need no scope");
    let client = reader["client_id"].as_str().unwrap();
    let fresh = shop.sim("POST", &format!("stores/abc123/accounts/{client}/revoke"), json!({})).await;
    assert_eq!(shop.call_as(token, "GET", "v2/orders/800", None).await.status, 401);
    assert_eq!(shop.call_as(fresh["access_token"].as_str().unwrap(), "GET", "v2/orders/800", None).await.status, 200);
}

#[tokio::test]
async fn unknown_stores_and_paths_are_refused() {
    let shop = Shop::open().await;
    let elsewhere = format!("{}/stores/nosuch/v2/time", shop.url);
    assert_eq!(shop.client.get(&elsewhere).send().await.unwrap().status(), 404);
    shop.switch("unknown_store_status", json!("401")).await;
    assert_eq!(shop.client.get(&elsewhere).send().await.unwrap().status(), 401);
    assert_eq!(shop.get("v2/nothing").await.status, 404);
    assert_eq!(shop.get("v3/nothing").await.status, 404);
    assert_eq!(shop.get("v3/customers/1").await.status, 404, "there is no such endpoint");
    assert_eq!(shop.call("POST", "v2/store", Some(json!({}))).await.status, 405);
    let xml = shop.client.put(format!("{}/stores/abc123/v2/orders/1", shop.url)).header("X-Auth-Token", &shop.token);
    assert_eq!(xml.header("Content-Type", "text/xml").body("<x/>").send().await.unwrap().status(), 404);
    assert_eq!(shop.sim_raw("POST", "switches", json!({ "no_such": true })).await.status, 400);
    assert_eq!(shop.sim_raw("POST", "nothing", json!({})).await.status, 404);
    assert_eq!(shop.sim_raw("POST", "stores/abc123/orders", json!({ "lnies": [] })).await.status, 400);
}

#[tokio::test]
async fn a_code_becomes_a_token_once() {
    let shop = Shop::open().await;
    let secret = "app-secret";
    let code =
        shop.sim("POST", "stores/abc123/oauth_codes", json!({ "client_id": "app1", "client_secret": secret, "scope": "store_v2_orders" })).await;
    let field = |name: &str| code[name].as_str().unwrap().to_owned();
    let mut form = vec![
        ("client_id", "app1".to_owned()),
        ("client_secret", "wrong".to_owned()),
        ("code", field("code")),
        ("context", field("context")),
        ("scope", field("scope")),
        ("grant_type", "authorization_code".to_owned()),
        ("redirect_uri", field("redirect_uri")),
    ];
    let url = format!("{}/oauth2/token", shop.url);
    assert_eq!(shop.client.post(&url).form(&form).send().await.unwrap().status(), 401);
    form[1].1 = secret.to_owned();
    let granted: Value = shop.client.post(&url).form(&form).send().await.unwrap().json().await.unwrap();
    assert_eq!((granted["context"].as_str(), granted["scope"].as_str()), (Some("stores/abc123"), Some("store_v2_orders")));
    let token = granted["access_token"].as_str().unwrap();
    assert_eq!(shop.call_as(token, "GET", "v2/orders", None).await.status, 204);
    assert_eq!(shop.call_as(token, "GET", "v3/customers", None).await.status, 403);
    assert_eq!(shop.client.post(&url).form(&form).send().await.unwrap().status(), 400, "a code works once");
    let again = shop.sim("POST", "stores/abc123/oauth_codes", json!({ "client_id": "app1", "scope": "store_v2_orders" })).await;
    let body = json!({ "client_id": "app1", "client_secret": secret, "code": again["code"], "context": "stores/abc123",
        "scope": "store_v2_orders", "grant_type": "authorization_code", "redirect_uri": again["redirect_uri"] });
    assert_eq!(shop.client.post(&url).json(&body).send().await.unwrap().status(), 200);
    assert_eq!(shop.call_as(token, "GET", "v2/orders", None).await.status, 401, "the old token is dead");
}

#[tokio::test]
async fn a_store_tells_about_itself() {
    let shop = Shop::open_with(json!({ "currency": "EUR", "currencies": [{ "code": "GBP", "rate": 0.85 }] })).await;
    let store = shop.get("v2/store").await.json();
    assert_eq!((store["id"].as_str(), store["store_id"].as_i64(), store["currency"].as_str()), (Some("abc123"), Some(1_025_646), Some("EUR")));
    assert!(shop.get("v2/time").await.json()["time"].is_i64());
    let currencies = shop.get("v2/currencies").await.json();
    assert_eq!((&currencies[1]["currency_code"], &currencies[1]["currency_exchange_rate"]), (&json!("GBP"), &json!("0.8500000000")));
    assert_eq!(shop.get("v2/currencies/2").await.json()["currency_code"], "GBP");
    assert_eq!(shop.get("v2/order_statuses").await.json().as_array().unwrap().len(), 15);
    assert_eq!(shop.get("v2/order_statuses/11").await.json()["name"], "Awaiting Fulfillment");
    assert_eq!(shop.get("v2/shipping/zones/1/methods").await.json()[0]["type"], "perorder");
    assert_eq!(shop.get("v2/payments/methods").await.json()[1]["code"], "bankdeposit");
    assert_eq!(shop.get("v3/channels").await.json()["data"][0]["id"], 1);
    assert_eq!(shop.get("v3/tax/settings").await.json()["data"]["rounding_strategy"], "RATE_ROUNDING");
    assert_eq!(shop.get("v3/settings/inventory").await.json()["data"]["update_stock_behavior"], "order_placed");
    for path in ["v2/tax_classes", "v2/shipping/zones", "v2/tax_classes/0", "v3/channels/1"] {
        assert_eq!(shop.get(path).await.status, 200, "{path}");
    }
    shop.sim("POST", "stores/abc123/settings", json!({ "down": true })).await;
    assert_eq!(shop.get("v2/store").await.status, 503);
}
