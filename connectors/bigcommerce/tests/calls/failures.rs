//! Quotas, and how failures are sorted.

use std::sync::Arc;
use std::time::Duration;

use orderbridge_http_client::{CallError, HttpClient, PoolKey, QuotaSeen};
use orderbridge_schema::ids::{StoreOrderId, StoreStatusId};
use orderbridge_schema::work::Share;

use crate::client_with;
use crate::support::{Answer, Gate, Server, guard, http, impatient_http};

#[tokio::test]
async fn the_quota_is_observed_on_every_reply() {
    for (status, throttled) in [(200, false), (401, false), (404, false), (429, true), (500, false)] {
        let server = Server::start(move |_| {
            let reply =
                Answer::json(status, r#"{"time":1735689600}"#).with("X-Rate-Limit-Requests-Quota", "150").with("X-Rate-Limit-Requests-Left", "35");
            reply.with("X-Rate-Limit-Time-Window-Ms", "30000").with("X-Rate-Limit-Time-Reset-Ms", "21840")
        })
        .await;
        let gate = Arc::new(Gate::default());
        let _result = client_with(http(), &server, &gate).time(Share::Sweeps).await;
        let seen = QuotaSeen { limit: Some(150), remaining: Some(35), resets_in: Some(Duration::from_millis(21_840)), throttled };
        let pool = PoolKey("bigcommerce/abc123".into());
        assert_eq!(*gate.observed.lock().unwrap(), [(pool.clone(), seen)], "{status}");
        assert_eq!(*gate.acquired.lock().unwrap(), [(pool, Share::Sweeps)]);
    }
}

async fn failure(answer: impl Fn() -> Answer + Send + Sync + 'static) -> CallError {
    failure_of(http(), answer).await
}

async fn failure_of(http: HttpClient, answer: impl Fn() -> Answer + Send + Sync + 'static) -> CallError {
    let server = Server::start(move |_| answer()).await;
    let client = client_with(http, &server, &Arc::new(Gate::default()));
    client.set_order_status(StoreOrderId(9), StoreStatusId(2), guard(client.pool())).await.unwrap_err()
}

#[tokio::test]
async fn each_class_of_failure_is_told_apart() {
    let v2 = r#"[{"status":400,"message":"The field 'product_id' cannot be written to. Please remove it from your request before trying again."}]"#;
    let v3 = r#"{"status":422,"title":"JSON data is missing or invalid","type":"/x","errors":{"destination":"error.path.missing."}}"#;
    let refused = |status: u16, message: &str| CallError::refused(status, &format!("http-{status}"), message);
    assert_eq!(failure(|| Answer::json(401, "{}")).await, CallError::Unauthorised);
    assert_eq!(failure(|| Answer::json(404, r#"[{"status":404,"message":"gone"}]"#)).await, CallError::NotFound);
    let text = "The field 'product_id' cannot be written to. Please remove it from your request before trying again.";
    assert_eq!(failure(move || Answer::json(400, v2)).await, refused(400, text));
    assert_eq!(failure(move || Answer::json(422, v3)).await, refused(422, "JSON data is missing or invalid (destination: error.path.missing.)"));
    assert_eq!(failure(|| Answer::empty(403)).await, refused(403, "without a reason"));
    assert_eq!(failure(|| Answer::html(413)).await, refused(413, "without a reason"));
    assert_eq!(failure(|| Answer::json(507, r#"{"status":507,"title":"Plan limit"}"#)).await, refused(507, "Plan limit"));
    assert_eq!(failure(|| Answer::empty(302)).await, refused(302, "without a reason"));
    for status in [400, 403, 404, 500, 502, 503, 504] {
        assert!(!failure(move || Answer::html(status)).await.is_definite_no(), "{status} as a page");
    }
    for status in [408, 499, 500, 501, 502, 503, 504, 520] {
        assert!(!failure(move || Answer::empty(status)).await.is_definite_no(), "{status}");
    }
    for cut in [|| Answer::Cut, || Answer::CutBody] {
        assert!(!failure(cut).await.is_definite_no());
    }
    assert!(!failure_of(impatient_http(), || Answer::Stall).await.is_definite_no());
}

#[tokio::test]
async fn a_throttled_call_says_how_long_to_wait() {
    let throttled = |seconds: Option<u64>| CallError::Throttled { retry_after: seconds.map(Duration::from_secs) };
    assert_eq!(failure(|| Answer::empty(429)).await, throttled(None));
    assert_eq!(failure(|| Answer::json(429, "{}").with("X-Rate-Limit-Time-Reset-Ms", "21000")).await, throttled(Some(21)));
    let both = || Answer::json(429, "{}").with("X-Rate-Limit-Time-Reset-Ms", "21000").with("X-Retry-After", "40");
    assert_eq!(failure(both).await, throttled(Some(40)));
    assert_eq!(failure(|| Answer::json(509, "{}").with("Retry-After", "7")).await, throttled(Some(7)));
}

#[tokio::test]
async fn errors_show_no_personal_data() {
    let body = r#"[{"status":400,"message":"billing_address: ada@example.com is not valid"}]"#;
    let error = failure(move || Answer::json(400, body)).await;
    assert_eq!(error, CallError::refused(400, "http-400", "billing_address: (hidden) is not valid"));
    assert!(!error.to_string().contains("ada"));
}
