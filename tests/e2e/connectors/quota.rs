//! Quotas: what replies tell of them, and what throttling looks like (BC §b, BP §c).

use std::sync::Arc;
use std::time::Duration;

use orderbridge_http_client::{CallError, PoolKey};
use orderbridge_schema::ids::StoreStatusId;
use orderbridge_schema::work::Share;
use serde_json::json;

use super::{Gate, Office, SHARE, Shop, guard, http};

const WINDOW: Duration = Duration::from_secs(30);
const MINUTE: Duration = Duration::from_secs(60);

/// The wait that a throttled call was told.
fn wait_of(error: CallError) -> Option<Duration> {
    match error {
        CallError::Throttled { retry_after } => retry_after,
        other => panic!("not throttled: {other:?}"),
    }
}

#[tokio::test]
async fn a_stores_bucket_is_told_to_the_gate_and_an_empty_one_throttles() {
    let shop = Shop::open_with(json!({ "quota": 3 })).await;
    let gate = Arc::new(Gate::default());
    let client = shop.client_of(http(), Arc::<Gate>::clone(&gate), &shop.token);
    for left in [2, 1, 0] {
        client.time(Share::Sweeps).await.unwrap();
        let seen = gate.last();
        assert_eq!((seen.limit, seen.remaining, seen.throttled), (Some(3), Some(left), false));
        assert!(seen.resets_in.unwrap() <= WINDOW);
    }
    let wait = wait_of(client.time(SHARE).await.unwrap_err()).unwrap();
    assert!(wait > Duration::ZERO && wait <= WINDOW, "{wait:?}");
    assert_eq!((gate.last().remaining, gate.last().throttled), (Some(0), true));
    assert_eq!(gate.acquired()[0], (client.pool().clone(), Share::Sweeps));
    assert_eq!((client.pool(), gate.acquired().len()), (&PoolKey("bigcommerce/abc123".into()), 4));
    shop.sim.advance(WINDOW);
    client.time(SHARE).await.unwrap();
}

#[tokio::test]
async fn a_throttled_store_may_name_its_wait_in_seconds_or_not_at_all() {
    let shop = Shop::open_with(json!({ "quota": 1, "throttle_style": "retry_after" })).await;
    let gate = Arc::new(Gate::default());
    let client = shop.client_of(http(), Arc::<Gate>::clone(&gate), &shop.token);
    client.time(SHARE).await.unwrap();
    let wait = wait_of(client.time(SHARE).await.unwrap_err()).unwrap();
    assert_eq!(wait.subsec_millis(), 0, "the longer of the two is the one in whole seconds");
    assert!(wait > Duration::ZERO && wait <= WINDOW);
    shop.act("settings", json!({ "throttle_style": "bare" })).await;
    assert_eq!(wait_of(client.store_info(SHARE).await.unwrap_err()), None);
    assert_eq!((gate.last().remaining, gate.last().throttled), (None, true));
    // V3 says the same in another body.
    assert_eq!(wait_of(client.hooks(SHARE).await.unwrap_err()), None);
}

#[tokio::test]
async fn a_throttled_write_is_a_definite_no() {
    let shop = Shop::open().await;
    let client = shop.client();
    let placed = shop.place(json!({ "lines": [{ "sku": "A" }] })).await;
    let order = super::id(&placed["id"]).into();
    shop.sim.spoil("*/v2/orders/*", json!({ "kind": "throttle" })).await;
    let error = client.set_order_status(order, StoreStatusId(9), guard(client.pool())).await.unwrap_err();
    assert!(error.is_definite_no());
    wait_of(error);
    assert_eq!(client.order(order, SHARE).await.unwrap().unwrap().status, StoreStatusId(11));
    shop.sim.spoil("*/v2/time", json!({ "kind": "status", "status": 429, "body": [], "headers": { "Retry-After": "7" } })).await;
    assert_eq!(wait_of(client.time(SHARE).await.unwrap_err()), Some(Duration::from_secs(7)));
    shop.sim.spoil("*/v2/time", json!({ "kind": "status", "status": 509 })).await;
    assert_eq!(wait_of(client.time(SHARE).await.unwrap_err()), None);
}

#[tokio::test]
async fn an_accounts_minute_is_told_to_the_gate_and_a_used_up_one_throttles() {
    let office = Office::open().await;
    let gate = Arc::new(Gate::default());
    let client = office.client_of(http(), Arc::<Gate>::clone(&gate), &office.installation("access_token"));
    // Early in a minute, so that all calls fall into one window.
    let into = office.sim.clock.now().as_millisecond().rem_euclid(60_000);
    office.sim.advance(Duration::from_millis(u64::try_from(61_000 - into).unwrap()));
    office.sim.switch("requests_per_minute", 2).await;
    for left in [1, 0] {
        client.installation(SHARE).await.unwrap();
        let seen = gate.last();
        assert_eq!((seen.remaining, seen.throttled), (Some(left), false));
        assert!(seen.resets_in.unwrap() <= MINUTE);
    }
    let wait = wait_of(client.installation(SHARE).await.unwrap_err()).unwrap();
    assert!(wait > Duration::ZERO && wait <= MINUTE, "{wait:?}");
    assert_eq!((gate.last().remaining, gate.last().throttled), (Some(0), true));
    assert_eq!(client.pool(), &PoolKey(format!("brightpearl/acme/{}", office.installation("dev_ref"))));
    office.sim.advance(MINUTE);
    client.installation(SHARE).await.unwrap();
}

#[tokio::test]
async fn even_a_refused_token_tells_what_is_left() {
    let office = Office::open().await;
    let gate = Arc::new(Gate::default());
    let client = office.client_of(http(), Arc::<Gate>::clone(&gate), "nonsense");
    assert_eq!(client.installation(SHARE).await, Err(CallError::Unauthorised));
    assert!(gate.last().remaining.is_some() && !gate.last().throttled);
}

#[tokio::test]
async fn too_many_requests_and_an_outage_are_told_apart_although_both_are_503() {
    let office = Office::open().await;
    let gate = Arc::new(Gate::default());
    let client = office.client_of(http(), Arc::<Gate>::clone(&gate), &office.installation("access_token"));
    let path = "*/integration/instance";
    let body = json!({ "response": "You have sent too many requests. Please wait before sending another request" });
    office.sim.spoil(path, json!({ "kind": "status", "status": 503, "body": body })).await;
    assert_eq!(wait_of(client.installation(SHARE).await.unwrap_err()), None);
    let body = json!({ "errors": [{ "code": "CMNC-999", "message": "You have sent too many requests." }] });
    office.sim.spoil(path, json!({ "kind": "status", "status": 503, "body": body })).await;
    wait_of(client.installation(SHARE).await.unwrap_err());
    office.sim.spoil(path, json!({ "kind": "throttle" })).await;
    assert!(wait_of(client.installation(SHARE).await.unwrap_err()).is_some());
    assert!(gate.last().throttled);
    for body in [json!("<html>Service Unavailable</html>"), json!({ "response": "Down for maintenance" }), json!(null)] {
        office.sim.spoil(path, json!({ "kind": "status", "status": 503, "body": body })).await;
        let error = client.installation(SHARE).await.unwrap_err();
        assert!(matches!(error, CallError::Uncertain { .. }), "{error:?}");
        assert!(!gate.last().throttled);
    }
}
