//! Quotas, and how failures are sorted.

use std::sync::Arc;
use std::time::Duration;

use orderbridge_http_client::{CallError, HttpClient, PoolKey, QuotaSeen};
use orderbridge_schema::ids::{SalesOrderId, SalesOrderStatusId};
use orderbridge_schema::work::Share;
use serde_json::json;

use crate::client_with;
use crate::support::{Answer, Gate, Server, guard, http, impatient_http};

#[tokio::test]
async fn the_quota_is_observed_on_every_reply() {
    for (status, left, throttled) in [(200, 57, false), (401, 57, false), (400, 57, false), (503, 57, false), (503, 0, true)] {
        let server = Server::start(move |_| {
            let reply = Answer::json(status, r#"{"response":[]}"#).with("Brightpearl-Requests-Remaining", left.to_string());
            reply.with("brightpearl-next-throttle-period", "4321")
        })
        .await;
        let gate = Arc::new(Gate::default());
        let _result = client_with(http(), &server, &gate).warehouses(Share::Stock).await;
        let seen = QuotaSeen { limit: None, remaining: Some(left), resets_in: Some(Duration::from_millis(4321)), throttled };
        let pool = PoolKey("brightpearl/acme/dev7".into());
        assert_eq!(*gate.observed.lock().unwrap(), [(pool.clone(), seen)], "{status} {left}");
        assert_eq!(*gate.acquired.lock().unwrap(), [(pool, Share::Stock)]);
    }
}

async fn failure(answer: impl Fn() -> Answer + Send + Sync + 'static) -> CallError {
    failure_of(http(), answer).await
}

async fn failure_of(http: HttpClient, answer: impl Fn() -> Answer + Send + Sync + 'static) -> CallError {
    let server = Server::start(move |_| answer()).await;
    let client = client_with(http, &server, &Arc::new(Gate::default()));
    client.set_order_status(SalesOrderId(9), SalesOrderStatusId(2), guard(client.pool())).await.unwrap_err()
}

#[tokio::test]
async fn each_class_of_failure_is_told_apart() {
    let coded = |code: &str| json!({"errors": [{"code": code, "message": "No, because"}, {"code": "X-1", "message": "other"}]}).to_string();
    let token = r#"{"response":"Invalid instance token: Qk3xYz0123456789abcdefghij=="}"#;
    assert_eq!(failure(move || Answer::json(401, token)).await, CallError::Unauthorised);
    assert_eq!(failure(|| Answer::json(404, r#"{"errors":[{"code":"CMNC-404","message":"none"}]}"#)).await, CallError::NotFound);
    for (status, code) in [(400, "ORDC-006"), (500, "CMNC-018"), (500, "CMNC-044"), (409, "ANY-1"), (200, "WHSB-061")] {
        let body = coded(code);
        assert_eq!(failure(move || Answer::json(status, body.clone())).await, CallError::refused(status, code, "No, because"), "{status} {code}");
    }
    assert_eq!(failure(|| Answer::json(400, r#"{"errors":[{"message":"no"}]}"#)).await, CallError::refused(400, "http-400", "no"));
    assert_eq!(failure(|| Answer::empty(412)).await, CallError::refused(412, "http-412", "without a reason"));
    assert_eq!(failure(|| Answer::html(414)).await, CallError::refused(414, "http-414", "without a reason"));
    let broken = coded("CMNU-003");
    assert!(!failure(move || Answer::json(500, broken.clone())).await.is_definite_no());
    for status in [400, 403, 404, 500, 502, 503, 504, 520] {
        assert!(!failure(move || Answer::html(status)).await.is_definite_no(), "{status} as a page");
    }
    for cut in [|| Answer::Cut, || Answer::CutBody] {
        assert!(!failure(cut).await.is_definite_no());
    }
    assert!(!failure_of(impatient_http(), || Answer::Stall).await.is_definite_no());
}

#[tokio::test]
async fn a_503_is_throttling_only_if_it_says_so() {
    let throttled = |seconds: Option<u64>| CallError::Throttled { retry_after: seconds.map(Duration::from_secs) };
    let text = r#"{"response":"You have sent too many requests. Please wait before sending another request"}"#;
    assert_eq!(failure(move || Answer::json(503, text)).await, throttled(None));
    assert_eq!(failure(move || Answer::json(503, text).with("brightpearl-next-throttle-period", "12000")).await, throttled(Some(12)));
    let listed = r#"{"errors":[{"code":"CMNC-503","message":"You have sent too many requests. Please wait"}]}"#;
    assert_eq!(failure(move || Answer::json(503, listed)).await, throttled(None));
    let headers = || Answer::empty(503).with("brightpearl-next-throttle-period", "3000").with("brightpearl-requests-remaining", "0");
    assert_eq!(failure(headers).await, throttled(Some(3)));
    assert_eq!(failure(|| Answer::json(429, "{}")).await, throttled(None));
    for outage in [|| Answer::empty(503), || Answer::json(503, r#"{"response":"Service unavailable"}"#)] {
        assert!(!failure(outage).await.is_definite_no());
    }
}

#[tokio::test]
async fn errors_show_no_personal_data() {
    let body = r#"{"errors":[{"code":"CMNC-018","message":"The filter primaryEmail=mara@example.com cannot be parsed"}]}"#;
    let error = failure(move || Answer::json(500, body)).await;
    assert_eq!(error, CallError::refused(500, "CMNC-018", "The filter (hidden) cannot be parsed"));
    assert!(!error.to_string().contains("mara"));
}
