//! Spoilt deliveries (BP §l.11).

use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{Receiver, Sim, eventually};

const EVENT: &str = "order.modified.order-status";

async fn ledger(sim: &Sim) -> Vec<Value> {
    sim.control("GET", "/ledger/deliveries", Value::Null).await.as_array().unwrap().clone()
}

async fn ledger_of(sim: &Sim, count: usize) -> Vec<Value> {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        let rows = ledger(sim).await;
        if rows.len() >= count {
            return rows;
        }
        assert!(std::time::Instant::now() < deadline, "only {} of {count} came", rows.len());
    }
}

/// A hook that gets each id by itself, and so many made-up events.
async fn raised(chaos: Value, count: i64) -> (Sim, Receiver) {
    let sim = Sim::start().await;
    let receiver = Receiver::start().await;
    sim.hook(EVENT, &receiver.url, false, 1).await;
    sim.control("POST", "/chaos", chaos).await;
    sim.act("/events", json!({"event": EVENT, "ids": (70_001..=70_000 + count).collect::<Vec<_>>()})).await;
    (sim, receiver)
}

fn ids(calls: &[Value]) -> Vec<i64> {
    calls.iter().map(|call| call["id"].as_str().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn reordered_calls_overtake_each_other() {
    let (sim, receiver) = raised(json!({"reorder": 0.5}), 12).await;
    let came = ids(&receiver.wait(12).await);
    let mut sorted = came.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (70_001..=70_012).collect::<Vec<_>>(), "each came once");
    assert_ne!(came, sorted);
    let held: Vec<u64> = ledger_of(&sim, 12).await.iter().map(|row| row["delayed_ms"].as_u64().unwrap()).filter(|ms| *ms > 0).collect();
    assert!(!held.is_empty() && held.len() < 12 && held.iter().all(|ms| (200..=2000).contains(ms)), "{held:?}");
}

#[tokio::test]
async fn delayed_calls_come_late_and_all_the_same() {
    let (sim, receiver) = raised(json!({"delay_ms_max": 300}), 8).await;
    receiver.wait(8).await;
    let rows = ledger_of(&sim, 8).await;
    assert!(rows.iter().all(|row| row["delayed_ms"].as_u64().unwrap() <= 300 && row["answer"] == 200), "{rows:?}");
    assert!(rows.iter().any(|row| row["delayed_ms"].as_u64().unwrap() > 0));
}

#[tokio::test]
async fn calls_can_come_twice_or_never() {
    let (sim, receiver) = raised(json!({"duplicate": 1.0}), 1).await;
    let calls = receiver.wait(2).await;
    assert_eq!(calls[0], calls[1]);
    assert_eq!(ledger_of(&sim, 2).await[0]["duplicated"], true);
    sim.control("POST", "/chaos", json!({"drop": 1.0})).await;
    sim.act("/events", json!({"event": EVENT, "ids": [70_009]})).await;
    let rows = ledger_of(&sim, 3).await;
    assert_eq!((&rows[2]["dropped"], &rows[2]["answer"]), (&json!(true), &Value::Null));
    assert_eq!(sim.view("/deliveries").await["waiting"], json!([]), "a dropped one is not repeated, whatever its quality");
    assert_eq!(receiver.calls().len(), 2);
}

#[tokio::test]
async fn a_receiver_that_takes_too_long_counts_as_failed() {
    let sim = Sim::start().await;
    sim.switch(json!({"webhook_retry_ms": 3_600_000})).await;
    // It lets connections in and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    sim.hook(EVENT, &format!("http://{}/hook", silent.local_addr().unwrap()), true, 1).await;
    sim.control("POST", "/delivery", json!({"timeout_ms": 50})).await;
    sim.act("/events", json!({"event": EVENT, "ids": [70_001]})).await;
    let row = ledger_of(&sim, 1).await.remove(0);
    assert_eq!((&row["error"], &row["answer"]), (&json!("timed out"), &Value::Null));
    let waiting = sim.view("/deliveries").await["waiting"].clone();
    assert_eq!((waiting.as_array().unwrap().len(), &waiting[0]["tries"]), (1, &json!(1)), "with quality 1 it is tried again");
}

#[tokio::test]
async fn a_forged_call_looks_like_the_hooks_own_but_for_its_secret() {
    let sim = Sim::start().await;
    let receiver = Receiver::start().await;
    let url = format!("{}/s3cr3t", receiver.url);
    let hook = sim.hook(EVENT, &url, true, 1).await;
    let forge = async |body: Value| {
        let mut wish = json!({"hook": hook, "event": EVENT, "ids": [70_001, 70_002]});
        wish.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        sim.try_control("POST", "/accounts/acme/forge", wish).await
    };
    for (place, (spoil, path, literal)) in
        [("url", "/hook/xxxxxx", "s3"), ("body", "/hook/s3cr3t", "xx"), ("both", "/hook/xxxxxx", "xx"), ("nothing", "/hook/s3cr3t", "s3")]
            .iter()
            .enumerate()
    {
        assert_eq!(forge(json!({"spoil": spoil})).await.0, 200);
        let row = ledger_of(&sim, place + 1).await[place].clone();
        assert!(row["url"].as_str().unwrap().ends_with(path), "{spoil}: {row}");
        assert_eq!(row["event"], format!("forged.{EVENT}"));
        let body = &receiver.calls()[place];
        assert_eq!((&body["literal"], &body["fullEvent"], &body["id"]), (&json!(literal), &json!(EVENT), &json!("70001-70002")), "{spoil}");
        assert_eq!(body["accountCode"], "acme");
    }
    receiver.answer(&[503, 503]);
    forge(json!({})).await;
    ledger_of(&sim, 5).await;
    assert_eq!(sim.view("/deliveries").await["waiting"], json!([]), "a stranger does not try again");
    for wrong in [json!({"hook": 1}), json!({"ids": []}), json!({"spoil": "colour"})] {
        assert_eq!(forge(wrong.clone()).await.0, 400, "{wrong}");
    }
    eventually(|| receiver.calls().len() == 5).await;
}

#[tokio::test]
async fn what_holds_no_secret_cannot_be_forged_by_spoiling_it() {
    let sim = Sim::start().await;
    sim.switch(json!({"webhook_http": true})).await;
    let bare = json!({"subscribeTo": "order", "httpMethod": "POST", "uriTemplate": "http://127.0.0.1:1", "contentType": "application/json",
        "bodyTemplate": "{\"a\":\"${account-code}\",\"t\":\"${resource-type}\",\"l\":\"${lifecycle-event}\"}"});
    let hook = sim.post("/integration-service/webhook", bare).await.id();
    for spoil in ["url", "body", "both"] {
        let wish = json!({"hook": hook, "event": "order.modified", "ids": [1], "spoil": spoil});
        assert_eq!(sim.try_control("POST", "/accounts/acme/forge", wish).await.0, 400, "{spoil}");
    }
}
