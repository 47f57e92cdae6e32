//! JSON over one kept connection: the simulators' control API, and their own API where a ceiling is measured.

use std::net::SocketAddr;

use anyhow::{Context as _, anyhow, bail};
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use crate::http::Connection;

/// A server that is asked things, one after the other.
#[derive(Debug)]
pub struct Api {
    addr: SocketAddr,
    connection: Mutex<Option<Connection>>,
}

/// The bytes of a request.
pub fn request(method: &str, addr: SocketAddr, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Vec<u8> {
    let body = body.map(Value::to_string).unwrap_or_default();
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {addr}\r\naccept: application/json\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        text.push_str("content-type: application/json\r\n");
    }
    text.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    text.into_bytes()
}

impl Api {
    /// The server at a base URL such as `http://127.0.0.1:9081`.
    pub fn new(base: &str) -> anyhow::Result<Self> {
        let url = Url::parse(base)?;
        let addr = format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
        Ok(Self { addr: addr.parse().with_context(|| format!("{base} names no address"))?, connection: Mutex::default() })
    }

    /// Where it is.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its base URL.
    pub fn base(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Reads from the control API.
    pub async fn look(&self, path: &str) -> anyhow::Result<Value> {
        self.control("GET", path, None).await
    }

    /// Acts through the control API.
    pub async fn act(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.control("POST", path, Some(body)).await
    }

    /// Empties something.
    pub async fn clear(&self, path: &str) -> anyhow::Result<()> {
        self.control("DELETE", path, None).await.map(drop)
    }

    /// How many records of the ledger fit the filter.
    pub async fn counted(&self, what: &str, filter: &str) -> anyhow::Result<u64> {
        let shown = self.look(&format!("ledger/{what}/count?{filter}")).await?;
        shown.get("count").and_then(Value::as_u64).ok_or_else(|| anyhow!("the ledger counts nothing"))
    }

    async fn control(&self, method: &str, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        self.call(&request(method, self.addr, &format!("/_sim/{path}"), &[], body)).await.with_context(|| format!("{method} /_sim/{path}"))
    }

    /// Sends a request and reads JSON; anything but a 2xx is an error.
    pub async fn call(&self, request: &[u8]) -> anyhow::Result<Value> {
        let mut kept = self.connection.lock().await;
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => Connection::open(self.addr).await?,
        };
        let (status, body) = connection.exchange(request).await?;
        if !(200..300).contains(&status) {
            bail!("{status} {}", String::from_utf8_lossy(body.get(..body.len().min(300)).unwrap_or_default()));
        }
        let value = if body.is_empty() { Value::Null } else { serde_json::from_slice(body).unwrap_or(Value::Null) };
        *kept = Some(connection);
        Ok(value)
    }

    /// Whether a path answers with a 2xx.
    pub async fn is_fine(&self, path: &str) -> bool {
        self.call(&request("GET", self.addr, path, &[], None)).await.is_ok()
    }
}
