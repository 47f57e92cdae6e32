//! The request quota (BC §b).

use serde_json::json;

use crate::harness::Shop;

#[tokio::test]
async fn every_answer_tells_the_window_and_an_empty_one_is_429() {
    let shop = Shop::open_with(json!({ "quota": 3 })).await;
    for left in ["2", "1", "0"] {
        let answer = shop.get("v2/time").await;
        assert_eq!((answer.status, answer.header("x-rate-limit-requests-left")), (200, left));
        assert_eq!(answer.header("x-rate-limit-requests-quota"), "3");
        assert_eq!(answer.header("x-rate-limit-time-window-ms"), "30000");
        assert!(answer.header("x-rate-limit-time-reset-ms").parse::<i64>().unwrap() <= 30_000);
    }
    let refused = shop.get("v3/channels").await;
    assert_eq!((refused.status, refused.json()["status"].as_i64()), (429, Some(429)));
    assert_eq!(refused.header("x-rate-limit-requests-left"), "0");
    assert_eq!(refused.header("x-retry-after"), "");
    shop.sim("POST", "stores/abc123/settings", json!({ "throttle_style": "retry_after" })).await;
    let seconds: i64 = shop.get("v2/time").await.header("x-retry-after").parse().unwrap();
    assert!((1..=30).contains(&seconds));
    shop.sim("POST", "stores/abc123/settings", json!({ "throttle_style": "bare" })).await;
    let bare = shop.get("v2/time").await;
    assert_eq!((bare.status, bare.header("x-rate-limit-requests-left")), (429, ""));
    shop.advance(30_000).await;
    assert_eq!(shop.get("v2/time").await.status, 200);
}

#[tokio::test]
async fn a_throttled_call_is_told_the_rest_of_the_window_even_if_the_quota_is_untouched() {
    let shop = Shop::open_with(json!({ "quota": 150 })).await;
    let throttle = async |action| shop.sim("POST", "faults", json!({ "action": action, "times": 1 })).await;
    throttle(json!({ "kind": "throttle" })).await;
    let refused = shop.get("v2/time").await;
    assert_eq!((refused.status, refused.header("x-rate-limit-requests-left")), (429, "0"));
    assert!((29_000..=30_000).contains(&refused.header("x-rate-limit-time-reset-ms").parse::<i64>().unwrap()));
    let next = shop.get("v2/time").await;
    assert_eq!((next.status, next.header("x-rate-limit-requests-left")), (200, "149"), "that was for one call");
    shop.advance(10_000).await;
    throttle(json!({ "kind": "throttle", "empty": true })).await;
    let refused = shop.get("v2/time").await;
    assert!((15_000..=20_000).contains(&refused.header("x-rate-limit-time-reset-ms").parse::<i64>().unwrap()));
    assert_eq!(shop.get("v2/time").await.status, 429, "now the window is used up");
    shop.advance(20_000).await;
    assert_eq!(shop.get("v2/time").await.status, 200);
}

#[tokio::test]
async fn refusals_tell_the_window_too() {
    let shop = Shop::open_with(json!({ "quota": 150 })).await;
    shop.get("v2/time").await;
    for version in ["v2/time", "v3/channels"] {
        let unknown = shop.call_as("nonsense", "GET", version, None).await;
        assert_eq!((unknown.status, unknown.header("x-rate-limit-requests-quota")), (401, "150"));
        assert_eq!(unknown.header("x-rate-limit-requests-left"), "149", "and take nothing out of it");
        assert!(unknown.header("x-rate-limit-time-reset-ms").parse::<i64>().unwrap() > 0);
    }
    shop.sim("POST", "stores/abc123/settings", json!({ "down": true })).await;
    let down = shop.get("v2/time").await;
    assert_eq!((down.status, down.header("x-rate-limit-time-window-ms")), (503, "30000"));
}

#[tokio::test]
async fn other_apps_use_the_same_quota() {
    let shop = Shop::open_with(json!({ "quota": 150 })).await;
    shop.get("v2/time").await;
    shop.sim("POST", "stores/abc123/requests", json!({ "count": 140 })).await;
    assert_eq!(shop.get("v2/time").await.header("x-rate-limit-requests-left"), "8");
    shop.sim("POST", "stores/abc123/settings", json!({ "others_per_window": 100 })).await;
    shop.advance(30_000).await;
    assert_eq!(shop.get("v2/time").await.header("x-rate-limit-requests-left"), "49");
}
