//! What becomes of a call that succeeds, stalls, is cut, comes too late or finds nobody.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use orderbridge_http_client::{CallError, HttpClient, HttpSettings, MeteredClient, Method, Permit, PoolKey, QuotaDenied, QuotaSeen, Request};
use orderbridge_schema::work::Share;
use support::{Answer, Gate, Server, guard, http, impatient_http, late_guard, settings};
use url::Url;

fn pool() -> PoolKey {
    PoolKey("test/pool".into())
}

fn get(url: &Url) -> Request {
    Request::new(Method::Get, url.join("/things/7?token=t0p").unwrap(), "/things/{id}")
}

fn post(url: &Url) -> Request {
    Request::new(Method::Post, url.join("/things").unwrap(), "/things").body("application/json", r#"{"a":1}"#)
}

async fn call(client: &HttpClient, request: Request) -> Result<u16, CallError> {
    client.call(request, Permit::new(pool(), Share::Orders), None).await.map(|reply| reply.status)
}

fn is_uncertain(result: &Result<u16, CallError>) -> bool {
    matches!(result, Err(CallError::Uncertain { .. }))
}

#[tokio::test]
async fn a_request_arrives_whole_and_any_status_is_a_reply() {
    let server = Server::start(|_| Answer::json(418, "{}").with("X-Kind", "Pot")).await;
    let request = post(&server.url).header("accept", "application/json").secret_header("x-auth-token", "t0k".to_owned().into());
    assert!(!format!("{request:?}").contains("t0k"));
    let reply = http().call(request, Permit::new(pool(), Share::Orders), None).await.unwrap();
    assert_eq!((reply.status, reply.header("x-kind"), reply.is_success(), &reply.body[..]), (418, Some("Pot"), false, &b"{}"[..]));
    let seen = server.seen().remove(0);
    assert_eq!((seen.method.as_str(), seen.target.as_str(), seen.body.as_str()), ("POST", "/things", r#"{"a":1}"#));
    for (name, value) in [
        ("x-auth-token", "t0k"),
        ("accept", "application/json"),
        ("content-type", "application/json"),
        ("content-length", "7"),
        ("user-agent", "orderbridge-test/1"),
    ] {
        assert_eq!(seen.header(name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn a_redirect_is_a_reply_and_nobody_follows_it() {
    let server = Server::start(|_| Answer::empty(302).with("Location", "/elsewhere")).await;
    assert_eq!(call(&http(), get(&server.url)).await, Ok(302));
    assert_eq!(server.targets(), ["/things/7?token=t0p"]);
}

#[tokio::test]
async fn what_was_written_and_not_answered_is_in_doubt() {
    for answer in [|| Answer::Stall, || Answer::Cut, || Answer::CutBody] {
        let server = Server::start(move |_| answer()).await;
        assert!(is_uncertain(&call(&impatient_http(), post(&server.url)).await));
        assert_eq!(server.seen().len(), 1, "a call is never repeated by itself");
    }
}

#[tokio::test]
async fn where_nobody_listens_nothing_was_sent() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    for request in [get(&url), post(&url), get(&"http://no-such-host.invalid".parse().unwrap())] {
        assert!(matches!(call(&http(), request).await, Err(CallError::NotSent { .. })));
    }
}

#[tokio::test]
async fn a_connection_that_is_never_made_counts_as_not_sent() {
    // The server takes the connection and says nothing, so that the TLS handshake never ends.
    let server = Server::start(|_| Answer::Stall).await;
    let url = server.url.as_str().replace("http:", "https:").parse().unwrap();
    let client = HttpClient::new(&HttpSettings { connect_timeout: Duration::from_millis(150), ..settings() }).unwrap();
    assert_eq!(call(&client, post(&url)).await, Err(CallError::not_sent("connecting timed out")));
}

#[tokio::test]
async fn a_reply_that_is_too_long_is_not_read() {
    let server = Server::start(|_| Answer::json(200, "x".repeat(2000))).await;
    let client = HttpClient::new(&HttpSettings { body_bytes_max: 1999, ..settings() }).unwrap();
    assert!(is_uncertain(&call(&client, get(&server.url)).await));
    let client = HttpClient::new(&HttpSettings { body_bytes_max: 2000, ..settings() }).unwrap();
    assert_eq!(call(&client, get(&server.url)).await, Ok(200));
}

#[tokio::test]
async fn an_error_shows_neither_address_nor_query() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let text = call(&http(), get(&url)).await.unwrap_err().to_string();
    assert!(!text.contains("t0p") && !text.contains("127.0.0.1"), "{text}");
}

fn metered(gate: &Arc<Gate>) -> MeteredClient {
    let gate: Arc<Gate> = Arc::clone(gate);
    MeteredClient::new(http(), gate, pool(), |reply| QuotaSeen { throttled: reply.status == 429, ..QuotaSeen::default() })
}

#[tokio::test]
async fn every_read_is_paid_for_and_every_reply_observed() {
    let server = Server::start(|_| Answer::json(429, "{}")).await;
    let gate = Arc::new(Gate::default());
    assert_eq!(metered(&gate).read(get(&server.url), Share::Stock).await.unwrap().status, 429);
    assert_eq!(*gate.acquired.lock().unwrap(), [(pool(), Share::Stock)]);
    assert_eq!(*gate.observed.lock().unwrap(), [(pool(), QuotaSeen { throttled: true, ..QuotaSeen::default() })]);
}

#[tokio::test]
async fn without_quota_nothing_is_sent() {
    let server = Server::start(|_| Answer::json(200, "{}")).await;
    let denied = QuotaDenied::used_up("2026-03-01T00:01:00Z".parse().unwrap());
    let gate = Arc::new(Gate { denied: Some(denied), ..Gate::default() });
    assert_eq!(metered(&gate).read(get(&server.url), Share::Orders).await.unwrap_err(), CallError::Quota(denied));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_write_after_its_deadline_or_with_another_pools_permit_is_not_sent() {
    let server = Server::start(|_| Answer::json(200, "{}")).await;
    let gate = Arc::new(Gate::default());
    let client = metered(&gate);
    for late in [late_guard(&pool()), guard(&PoolKey("test/other".into()))] {
        assert!(matches!(client.write(post(&server.url), late).await, Err(CallError::NotSent { .. })));
    }
    assert!(server.seen().is_empty());
    assert_eq!(client.write(post(&server.url), guard(&pool())).await.unwrap().status, 200);
    assert!(gate.acquired.lock().unwrap().is_empty(), "a write brings its own permit");
    assert_eq!(gate.observed.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn at_most_four_calls_of_a_pool_are_under_way_and_other_pools_do_not_wait() {
    let server = Server::start(|seen| if seen.method == "POST" { Answer::Stall } else { Answer::json(200, "{}") }).await;
    let client = impatient_http();
    let begin = |request: Request, pool: PoolKey| {
        let client = client.clone();
        tokio::spawn(async move { client.call(request, Permit::new(pool, Share::Orders), None).await })
    };
    let stuck: Vec<_> = (0..4).map(|_| begin(post(&server.url), pool())).collect();
    while server.seen().len() < 4 {
        tokio::task::yield_now().await;
    }
    let fifth = begin(get(&server.url), pool());
    let other = begin(get(&server.url), PoolKey("test/other".into()));
    assert_eq!(other.await.unwrap().unwrap().status, 200);
    assert_eq!(server.seen().len(), 5, "the fifth of the pool waits");
    for call in stuck {
        assert!(matches!(call.await.unwrap(), Err(CallError::Uncertain { .. })));
    }
    assert_eq!(fifth.await.unwrap().unwrap().status, 200);
}
