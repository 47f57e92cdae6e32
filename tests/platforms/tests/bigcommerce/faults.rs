//! The core's faults, ledger and clock, seen through this platform.

use serde_json::json;

use crate::harness::{Shop, until};

async fn fault(shop: &Shop, rule: serde_json::Value) -> i64 {
    shop.sim("POST", "faults", rule).await["id"].as_i64().unwrap()
}

async fn notes(shop: &Shop, text: &str) -> Result<u16, reqwest::Error> {
    let request = shop.client.put(format!("{}/stores/abc123/v2/orders/900", shop.url)).header("X-Auth-Token", &shop.token);
    Ok(request.json(&json!({ "staff_notes": text })).send().await?.status().as_u16())
}

async fn stored(shop: &Shop) -> String {
    shop.sim("GET", "stores/abc123/orders/900", json!({})).await["staff_notes"].as_str().unwrap().to_owned()
}

async fn shop() -> Shop {
    let shop = Shop::open().await;
    shop.place(json!({ "id": 900, "lines": [{ "sku": "A" }] })).await;
    shop
}

#[tokio::test]
async fn a_cut_loses_the_answer_before_or_after_the_effect() {
    let shop = shop().await;
    let before = fault(&shop, json!({ "method": "PUT", "path": "*/orders/900", "action": { "kind": "cut_before" }, "times": 1 })).await;
    assert!(notes(&shop, "one").await.is_err());
    assert_eq!(stored(&shop).await, "");
    fault(&shop, json!({ "path": "*/orders/*", "action": { "kind": "cut_after" }, "times": 1 })).await;
    assert!(notes(&shop, "two").await.is_err());
    assert_eq!(stored(&shop).await, "two");
    fault(&shop, json!({ "path": "*/orders/*", "action": { "kind": "commit_late", "ms": 150 }, "times": 1 })).await;
    assert!(notes(&shop, "three").await.is_err());
    assert_eq!(stored(&shop).await, "two");
    until("the late commit", async || stored(&shop).await == "three").await;
    assert_eq!(notes(&shop, "four").await.unwrap(), 200);
    assert_eq!(shop.sim("GET", &format!("faults/{before}"), json!({})).await["fired"], 1);
    let calls = shop.sim("GET", "ledger/calls?method=PUT&path=orders/900&tenant=abc123", json!({})).await;
    let seen: Vec<_> = calls.as_array().unwrap().iter().map(|call| (call["fault"].as_str(), call["status"].as_u64())).collect();
    assert_eq!(seen, [(Some("cut_before"), None), (Some("cut_after"), Some(200)), (Some("commit_late"), Some(200)), (None, Some(200))]);
}

#[tokio::test]
async fn answers_can_be_replaced_throttled_and_spoilt() {
    let shop = shop().await;
    let html = json!({ "kind": "status", "status": 502, "body": "<html>Bad gateway</html>", "headers": { "X-Proxy": "yes" } });
    fault(&shop, json!({ "action": html, "times": 1 })).await;
    let bad = shop.get("v2/orders/900").await;
    assert_eq!((bad.status, bad.text.as_str(), bad.header("x-proxy")), (502, "<html>Bad gateway</html>", "yes"));
    fault(&shop, json!({ "action": { "kind": "throttle" }, "times": 1 })).await;
    let throttled = shop.get("v2/orders/900").await;
    assert_eq!(throttled.status, 429);
    assert_eq!(throttled.header("x-rate-limit-time-window-ms"), "30000");
    fault(&shop, json!({ "action": { "kind": "corrupt_body" }, "times": 1 })).await;
    let spoilt = shop.get("v2/orders/900").await;
    assert_eq!(spoilt.status, 200);
    assert!(serde_json::from_str::<serde_json::Value>(&spoilt.text).is_err());
    let other = fault(&shop, json!({ "tenant": "someone", "action": { "kind": "cut_before" } })).await;
    assert_eq!(shop.get("v2/orders/900").await.status, 200, "a rule for another tenant");
    assert_eq!(shop.sim("DELETE", &format!("faults/{other}"), json!({})).await["fired"], 0);
    let second = json!({ "skip": 1, "times": 1, "path": "*/time", "action": { "kind": "status", "status": 500 } });
    fault(&shop, second).await;
    assert_eq!(shop.get("v2/time").await.status, 200);
    let url = format!("{}/stores/abc123/v2/time", shop.url);
    assert_eq!(shop.client.get(url).header("X-Auth-Token", &shop.token).send().await.unwrap().status(), 500);
    assert_eq!(shop.sim_raw("POST", "faults", json!({ "action": { "kind": "explode" } })).await.status, 400);
}

#[tokio::test]
async fn the_ledger_counts_and_can_leave_out_bodies() {
    let shop = shop().await;
    shop.get("v2/orders/900").await;
    let call = shop.sim("GET", "ledger/calls", json!({})).await[0].clone();
    assert_eq!(call["response_body"]["id"], 900);
    shop.sim("POST", "ledger", json!({ "bodies": false })).await;
    shop.get("v2/orders/900?x=1").await;
    let since = format!("ledger/calls?since={}", call["seq"]);
    let later = shop.sim("GET", &since, json!({})).await;
    assert_eq!((later[0]["response_body"].is_null(), &later[0]["query"]), (true, &json!([["x", "1"]])));
    assert_eq!(shop.sim("GET", "ledger/calls/count?status=200", json!({})).await["count"], 2);
    assert_eq!(shop.sim_raw("DELETE", "ledger/calls", json!({})).await.status, 204);
    assert_eq!(shop.sim("GET", "ledger/calls/count", json!({})).await["count"], 0);
    assert_eq!(shop.sim_raw("GET", "ledger/calls?colour=red", json!({})).await.status, 400);
}

#[tokio::test]
async fn a_reset_forgets_everything() {
    let shop = shop().await;
    fault(&shop, json!({ "action": { "kind": "cut_before" } })).await;
    shop.sim("POST", "reset", json!({ "seed": 3 })).await;
    assert_eq!(shop.sim("GET", "stores", json!({})).await, json!([]));
    assert_eq!(shop.sim("GET", "faults", json!({})).await, json!([]));
    assert_eq!(shop.sim("GET", "ledger/calls/count", json!({})).await["count"], 0);
    assert_eq!(shop.sim("GET", "health", json!({})).await["platform"], "bigcommerce");
}

#[tokio::test]
async fn processes_share_a_clock_by_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clock");
    let settings = platforms::Settings { clock_file: Some(path.clone()), ..platforms::Settings::default() };
    let running = platforms::start(settings).await.unwrap();
    let client = reqwest::Client::new();
    let url = format!("{}/_sim/clock", running.bigcommerce_url);
    client.post(&url).json(&json!({ "advance_ms": 3_600_000 })).send().await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "3600000");
    std::fs::write(&path, "-5000").unwrap();
    let other: serde_json::Value = client.get(format!("{}/_sim/clock", running.brightpearl_url)).send().await.unwrap().json().await.unwrap();
    assert_eq!(other["offset_ms"], -5000);
    let answer = client.get(&url).send().await.unwrap();
    let date = answer.headers()["date"].to_str().unwrap().to_owned();
    let said = jiff::fmt::rfc2822::parse(&date.replace("GMT", "+0000")).unwrap().timestamp();
    assert!((jiff::Timestamp::now().as_second() - said.as_second() - 5).abs() <= 2, "the Date header follows the clock");
    assert_eq!(client.post(&url).json(&json!({})).send().await.unwrap().status(), 400);
    running.stop().await;
    assert!(client.get(&url).send().await.is_err());
}
