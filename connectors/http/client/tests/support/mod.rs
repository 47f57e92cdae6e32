//! A small HTTP server that answers, stalls or cuts as a test tells it, and remembers every request; and a gate that remembers what
//! it was told. The platform crates' tests use this file too.
#![allow(dead_code, reason = "each test binary uses another part")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on must fail")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use orderbridge_http_client::{BoxFuture, Deadline, HttpClient, HttpSettings, Permit, PoolKey, QuotaDenied, QuotaGate, QuotaSeen, SendGuard};
use orderbridge_schema::work::Share;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// A request as it came in.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    pub fn query(&self, name: &str) -> Option<String> {
        let url = Url::parse("http://x").unwrap().join(&self.target).unwrap();
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What the server does with a request.
pub enum Answer {
    Reply {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
    /// Takes the request and never answers.
    Stall,
    /// Takes the request and closes.
    Cut,
    /// Answers with half a body and closes.
    CutBody,
}

impl Answer {
    pub fn json(status: u16, body: impl Into<String>) -> Self {
        Self::Reply { status, headers: vec![("Content-Type", "application/json".into())], body: body.into() }
    }

    pub fn html(status: u16) -> Self {
        let body = "<!DOCTYPE html><html><body>Bad gateway</body></html>".into();
        Self::Reply { status, headers: vec![("Content-Type", "text/html".into())], body }
    }

    pub fn empty(status: u16) -> Self {
        Self::Reply { status, headers: vec![], body: String::new() }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Self::Reply { headers, .. } = &mut self {
            headers.push((name, value.into()));
        }
        self
    }
}

pub struct Server {
    pub url: Url,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub async fn start(answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let (seen, answer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(answer));
        let remembered = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((stream, _peer)) = listener.accept().await {
                let (seen, answer) = (Arc::clone(&remembered), Arc::clone(&answer));
                tokio::spawn(async move {
                    let _closed = serve(stream, &seen, answer.as_ref()).await;
                });
            }
        });
        Self { url, seen, task }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Path and query of every request so far.
    pub fn targets(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.target).collect()
    }
}

async fn serve(mut stream: TcpStream, seen: &Mutex<Vec<Seen>>, answer: &(dyn Fn(&Seen) -> Answer + Send + Sync)) -> std::io::Result<()> {
    while let Some(request) = read(&mut stream).await? {
        seen.lock().unwrap().push(request.clone());
        match answer(&request) {
            Answer::Reply { status, headers, body } => {
                let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
                let head = format!("HTTP/1.1 {status} Told\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
                stream.write_all((head + &body).as_bytes()).await?;
            }
            Answer::Stall => std::future::pending().await,
            Answer::Cut => return Ok(()),
            Answer::CutBody => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"id\":").await?;
                return Ok(());
            }
        }
    }
    Ok(())
}

async fn read(stream: &mut TcpStream) -> std::io::Result<Option<Seen>> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next().unwrap().split(' ');
    let (method, target) = (first.next().unwrap().to_owned(), first.next().unwrap().to_owned());
    let headers: Vec<(String, String)> = lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.into(), value.into())).collect();
    let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length")).map_or(0, |(_, value)| value.parse().unwrap());
    while bytes.len() < end + 4 + length {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
    let body = String::from_utf8_lossy(&bytes[end + 4..end + 4 + length]).into_owned();
    Ok(Some(Seen { method, target, headers, body }))
}

pub fn settings() -> HttpSettings {
    HttpSettings {
        connect_timeout: Duration::from_secs(5),
        read_timeout: Duration::from_secs(5),
        total_timeout: Duration::from_secs(10),
        body_bytes_max: 4_000_000,
        user_agent: "orderbridge-test/1".into(),
    }
}

pub fn http() -> HttpClient {
    HttpClient::new(&settings()).unwrap()
}

/// A client that soon gives up.
pub fn impatient_http() -> HttpClient {
    HttpClient::new(&HttpSettings { total_timeout: Duration::from_millis(500), ..settings() }).unwrap()
}

pub fn guard(pool: &PoolKey) -> SendGuard {
    SendGuard { permit: Permit::new(pool.clone(), Share::Orders), deadline: Deadline::after(Duration::from_secs(30)) }
}

pub fn late_guard(pool: &PoolKey) -> SendGuard {
    SendGuard { permit: Permit::new(pool.clone(), Share::Orders), deadline: Deadline::after(Duration::ZERO) }
}

/// Gives what it is told to and remembers.
#[derive(Debug, Default)]
pub struct Gate {
    pub denied: Option<QuotaDenied>,
    pub acquired: Mutex<Vec<(PoolKey, Share)>>,
    pub observed: Mutex<Vec<(PoolKey, QuotaSeen)>>,
}

impl QuotaGate for Gate {
    fn acquire<'a>(&'a self, pool: &'a PoolKey, share: Share) -> BoxFuture<'a, Result<Permit, QuotaDenied>> {
        self.acquired.lock().unwrap().push((pool.clone(), share));
        Box::pin(std::future::ready(self.denied.map_or_else(|| Ok(Permit::new(pool.clone(), share)), Err)))
    }

    fn give_back(&self, _permit: Permit) {}

    fn observe(&self, pool: &PoolKey, seen: QuotaSeen) {
        self.observed.lock().unwrap().push((pool.clone(), seen));
    }
}
