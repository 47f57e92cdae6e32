//! The server as its senders and its orchestrator see it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_web::web::{self, Payload};
use actix_web::{HttpResponse, Responder as _};
use orderbridge_http_server::{BodyError, BodyLimits, Check, HttpServer, HttpServerSettings, Metrics, Problem, Readiness, Routes, ServerError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

const DEADLINE: Duration = Duration::from_secs(20);

struct Running {
    addr: SocketAddr,
    token: CancellationToken,
    task: tokio::task::JoinHandle<Result<(), ServerError>>,
}

fn settings() -> HttpServerSettings {
    HttpServerSettings { unready_delay: Duration::ZERO, ..HttpServerSettings::new("127.0.0.1:0".parse().unwrap()) }
}

fn start(settings: &HttpServerSettings, checks: Vec<Check>, routes: impl Fn(&mut Routes<'_>) + Clone + Send + 'static) -> Running {
    let server = HttpServer::bind(settings, Readiness::new(checks), Metrics::install().unwrap(), routes).unwrap();
    let token = CancellationToken::new();
    let addr = server.addr();
    Running { addr, task: tokio::spawn(server.run(token.clone())), token }
}

impl Running {
    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    async fn stop(self) {
        self.token.cancel();
        tokio::time::timeout(DEADLINE, self.task).await.unwrap().unwrap().unwrap();
    }
}

fn echo(routes: &mut Routes<'_>) {
    let limits = BodyLimits { bytes_max: 2000, timeout: Duration::from_millis(300) };
    let handler = move |payload: Payload| async move {
        match limits.read(payload).await {
            Ok(body) => HttpResponse::Ok().body(body),
            Err(BodyError::TooLarge) => Problem::too_large().response(),
            Err(BodyError::TimedOut) => Problem::unavailable(Duration::from_secs(1)).response(),
            Err(BodyError::Broken) => Problem::malformed().response(),
        }
    };
    routes.route("/echo/{secret}", web::post().to(handler));
}

#[tokio::test]
async fn readiness_names_what_is_wrong_and_health_does_not_care() {
    let broken = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&broken);
    let check = Check::new("broker", move || if asked.load(Ordering::SeqCst) { Err("no broker answers".into()) } else { Ok(()) });
    let server = start(&settings(), vec![check], |_| {});
    let ready = reqwest::get(server.url("/readyz")).await.unwrap();
    assert_eq!(ready.status(), 200);
    assert_eq!(ready.json::<serde_json::Value>().await.unwrap(), serde_json::json!({"ready": true, "checks": {"broker": "ok", "running": "ok"}}));
    broken.store(true, Ordering::SeqCst);
    let ready = reqwest::get(server.url("/readyz")).await.unwrap();
    assert_eq!(ready.status(), 503);
    assert_eq!(ready.json::<serde_json::Value>().await.unwrap()["checks"]["broker"], "no broker answers");
    assert_eq!(reqwest::get(server.url("/healthz")).await.unwrap().status(), 200);
    server.stop().await;
}

#[tokio::test]
async fn metrics_count_by_route_and_never_show_a_path() {
    let server = start(&settings(), vec![], echo);
    let client = reqwest::Client::new();
    let answer = client.post(server.url("/echo/hunter2")).header("x-request-id", "abc-1").body("hello").send().await.unwrap();
    assert_eq!(answer.headers()["x-request-id"], "abc-1");
    assert_eq!(answer.text().await.unwrap(), "hello");
    let metrics = reqwest::get(server.url("/metrics")).await.unwrap().text().await.unwrap();
    assert!(metrics.contains(r#"orderbridge_http_requests_total{route="/echo/{secret}",status="200"}"#), "{metrics}");
    assert!(metrics.contains("orderbridge_http_request_duration_seconds_bucket"), "{metrics}");
    assert!(!metrics.contains("hunter2"));
    server.stop().await;
}

#[tokio::test]
async fn an_unknown_path_is_a_problem_with_a_stable_code() {
    let server = start(&settings(), vec![], |_| {});
    let answer = reqwest::get(server.url("/nothing/here")).await.unwrap();
    assert_eq!(answer.status(), 404);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    assert!(answer.headers().contains_key("x-request-id"));
    let body: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(
        body,
        serde_json::json!({"type": "urn:orderbridge:problem:not-found", "title": "Nothing is here", "status": 404, "code": "not-found"})
    );
    server.stop().await;
}

#[tokio::test]
async fn a_body_is_bounded_in_size_and_time() {
    let server = start(&settings(), vec![], echo);
    let client = reqwest::Client::new();
    let post = |body: Vec<u8>| client.post(server.url("/echo/x")).body(body).send();
    assert_eq!(post(vec![b'x'; 2000]).await.unwrap().status(), 200);
    assert_eq!(post(vec![b'x'; 2001]).await.unwrap().status(), 413);

    let mut slow = tokio::net::TcpStream::connect(server.addr).await.unwrap();
    slow.write_all(b"POST /echo/x HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc").await.unwrap();
    let mut answer = vec![0; 12];
    tokio::time::timeout(DEADLINE, slow.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(answer, b"HTTP/1.1 503");
    server.stop().await;
}

#[tokio::test]
async fn a_stop_finishes_what_has_begun_and_refuses_what_has_not() {
    let gate = Arc::new(Semaphore::new(0));
    let inside = Arc::new(Semaphore::new(0));
    let (held, entered) = (Arc::clone(&gate), Arc::clone(&inside));
    let routes = move |routes: &mut Routes<'_>| {
        let (held, entered) = (Arc::clone(&held), Arc::clone(&entered));
        let handler = move || {
            let (held, entered) = (Arc::clone(&held), Arc::clone(&entered));
            async move {
                entered.add_permits(1);
                held.acquire().await.unwrap().forget();
                HttpResponse::Ok().body("done")
            }
        };
        routes.route("/slow", web::get().to(handler));
    };
    let delayed = HttpServerSettings { unready_delay: Duration::from_millis(300), ..settings() };
    let server = start(&delayed, vec![], routes);
    let requests: Vec<_> = (0..20).map(|_| tokio::spawn(reqwest::get(server.url("/slow")))).collect();
    tokio::time::timeout(DEADLINE, inside.acquire_many(20)).await.unwrap().unwrap().forget();

    server.token.cancel();
    let until = Instant::now() + DEADLINE;
    while reqwest::get(server.url("/readyz")).await.is_ok_and(|answer| answer.status() == 200) {
        assert!(Instant::now() < until, "not ready comes first");
    }
    while tokio::net::TcpStream::connect(server.addr).await.is_ok() {
        assert!(Instant::now() < until, "then connections are refused");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    gate.add_permits(20);
    for request in requests {
        let answer = request.await.unwrap().unwrap();
        assert_eq!(answer.headers()["connection"], "close");
        assert_eq!(answer.text().await.unwrap(), "done");
    }
    tokio::time::timeout(DEADLINE, server.task).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let inside = Arc::new(Semaphore::new(0));
    let entered = Arc::clone(&inside);
    let routes = move |routes: &mut Routes<'_>| {
        let entered = Arc::clone(&entered);
        let handler = move || {
            entered.add_permits(1);
            std::future::pending::<HttpResponse>()
        };
        routes.route("/stuck", web::get().to(handler));
    };
    let server = start(&HttpServerSettings { drain_timeout: Duration::from_secs(1), ..settings() }, vec![], routes);
    let stuck = tokio::spawn(reqwest::get(server.url("/stuck")));
    tokio::time::timeout(DEADLINE, inside.acquire()).await.unwrap().unwrap().forget();
    let began = Instant::now();
    server.stop().await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(stuck.await.unwrap().is_err());
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let first = start(&settings(), vec![], |_| {});
    let taken = HttpServerSettings::new(first.addr);
    let error = HttpServer::bind(&taken, Readiness::default(), Metrics::install().unwrap(), |_| {}).unwrap_err();
    assert!(error.to_string().contains(&first.addr.to_string()), "{error}");
    first.stop().await;
}

#[actix_web::test]
async fn a_problem_is_an_error_that_handlers_may_return() {
    let request = actix_web::test::TestRequest::default().to_http_request();
    let failed: Result<HttpResponse, Problem> = Err(Problem::internal());
    let response = failed.respond_to(&request);
    assert_eq!(response.status(), 500);
}
