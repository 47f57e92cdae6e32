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
async fn other_apps_use_the_same_quota() {
    let shop = Shop::open_with(json!({ "quota": 150 })).await;
    shop.get("v2/time").await;
    shop.sim("POST", "stores/abc123/requests", json!({ "count": 140 })).await;
    assert_eq!(shop.get("v2/time").await.header("x-rate-limit-requests-left"), "8");
    shop.sim("POST", "stores/abc123/settings", json!({ "others_per_window": 100 })).await;
    shop.advance(30_000).await;
    assert_eq!(shop.get("v2/time").await.header("x-rate-limit-requests-left"), "49");
}
