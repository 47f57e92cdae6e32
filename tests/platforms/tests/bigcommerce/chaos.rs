//! Spoilt deliveries and faults by chance (BC §i 8, 9).

use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::harness::{Shop, until};
use crate::webhooks::{hook, listen};

async fn ledger(shop: &Shop) -> Vec<Value> {
    shop.sim("GET", "ledger/deliveries", json!({})).await.as_array().unwrap().clone()
}

fn delay(row: &Value) -> u64 {
    row["delayed_ms"].as_u64().unwrap()
}

#[tokio::test]
async fn reordered_deliveries_overtake_each_other() {
    let shop = Shop::open().await;
    let receiver = listen(&shop, "store/order/created").await;
    shop.sim("POST", "chaos", json!({ "reorder": 0.5 })).await;
    for id in 300..312 {
        shop.place(json!({ "id": id, "lines": [{ "sku": "A" }] })).await;
    }
    until("all posts", async || receiver.posts().len() == 12).await;
    let came: Vec<i64> = receiver.posts().iter().map(|post| post.json()["data"]["id"].as_i64().unwrap()).collect();
    let mut sorted = came.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (300..312).collect::<Vec<_>>(), "each came once");
    assert_ne!(came, sorted, "in another order");
    until("the ledger", async || ledger(&shop).await.len() == 12).await;
    let rows = ledger(&shop).await;
    let held: Vec<u64> = rows.iter().map(delay).filter(|ms| *ms > 0).collect();
    assert!(!held.is_empty() && held.len() < 12 && held.iter().all(|ms| (200..=2000).contains(ms)), "{held:?}");
}

#[tokio::test]
async fn delayed_deliveries_come_late_and_all_the_same() {
    let shop = Shop::open().await;
    let receiver = listen(&shop, "store/order/created").await;
    shop.sim("POST", "chaos", json!({ "delay_ms_max": 300 })).await;
    for _ in 0..8 {
        shop.place(json!({ "lines": [{ "sku": "A" }] })).await;
    }
    until("all posts", async || receiver.posts().len() == 8).await;
    until("the ledger", async || ledger(&shop).await.len() == 8).await;
    let rows = ledger(&shop).await;
    assert!(rows.iter().all(|row| delay(row) <= 300 && row["answer"] == 200), "{rows:?}");
    assert!(rows.iter().any(|row| delay(row) > 0));
}

#[tokio::test]
async fn a_receiver_that_takes_too_long_counts_as_failed() {
    let shop = Shop::open().await;
    // It lets connections in and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    hook(&shop, "store/order/created", &format!("http://{}/hook", silent.local_addr().unwrap())).await;
    assert_eq!(shop.sim("POST", "delivery", json!({ "timeout_ms": 50 })).await, json!({ "timeout_ms": 50 }));
    shop.place(json!({ "lines": [{ "sku": "A" }] })).await;
    until("the ledger", async || !ledger(&shop).await.is_empty()).await;
    let row = ledger(&shop).await.remove(0);
    assert_eq!((&row["error"], &row["answer"]), (&json!("timed out"), &Value::Null));
    until("the retry to be planned", async || shop.sim("GET", "stores/abc123/deliveries", json!({})).await[0]["attempt"] == 2).await;
    assert_eq!(shop.sim_raw("POST", "delivery", json!({ "timeout_ms": "soon" })).await.status, 400);
}

#[tokio::test]
async fn faults_by_chance_strike_the_same_calls_for_the_same_seed() {
    let struck = async |seed: Option<u64>| {
        let shop = Shop::open().await;
        if let Some(seed) = seed {
            shop.sim("POST", "reset", json!({ "seed": seed })).await;
        }
        let rule = json!({ "path": "*/v2/time", "action": { "kind": "status", "status": 502 }, "probability": 0.5 });
        shop.sim("POST", "faults", rule).await;
        let mut calls = Vec::new();
        for _ in 0..40 {
            calls.push(shop.get("v2/time").await.status == 502);
        }
        calls
    };
    let first = struck(None).await;
    assert!((10..=30).contains(&first.iter().filter(|hit| **hit).count()), "{first:?}");
    assert_eq!(struck(None).await, first);
    assert_ne!(struck(Some(11)).await, first, "another seed strikes others");
    let shop = Shop::open().await;
    let rule = json!({ "action": { "kind": "cut_before" }, "probability": 1.5 });
    assert_eq!(shop.sim_raw("POST", "faults", rule).await.status, 400);
}
