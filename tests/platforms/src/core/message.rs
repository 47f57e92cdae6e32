//! One HTTP exchange as the platforms see it: whole, in memory, without any type of the HTTP library.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

/// The port a request came in by. Both platforms have their sign-in on another host than the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// One port for everything.
    Whole,
    /// The API's own port; sign-in and tokens are elsewhere.
    Api,
    /// The sign-in's own port, beside the API at this address.
    SignIn(SocketAddr),
}

impl Door {
    /// Whether the API is behind it.
    #[must_use]
    pub const fn leads_to_api(self) -> bool {
        !matches!(self, Self::SignIn(_))
    }

    /// Whether sign-in and tokens are behind it.
    #[must_use]
    pub const fn leads_to_sign_in(self) -> bool {
        !matches!(self, Self::Api)
    }
}

/// One request, read completely.
#[derive(Debug, Clone)]
pub struct ApiRequest {
    /// The method in capitals.
    pub method: String,
    /// The raw path as sent, without the query.
    pub path: String,
    /// Percent-decoded query pairs in the order sent; `+` is a space.
    pub query: Vec<(String, String)>,
    /// Headers with lower-case names; a repeated header is joined by `, `.
    pub headers: BTreeMap<String, String>,
    /// The body's bytes.
    pub body: Bytes,
    /// When the request was read, by the simulator's clock.
    pub at: Timestamp,
    /// Length of path and query as sent, in bytes.
    pub uri_len: usize,
    /// The port it came in by.
    pub door: Door,
}

impl ApiRequest {
    /// The first value of a query parameter.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A header by its lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// The parser's own message when the body is not JSON; an empty body is an error too.
    pub fn json(&self) -> Result<Value, String> {
        serde_json::from_slice(&self.body).map_err(|error| error.to_string())
    }

    /// The body of a control call: an empty one means `{}`.
    ///
    /// # Errors
    /// A ready 400 answer when the body is not a JSON object.
    pub fn control_body(&self) -> Result<Value, ApiResponse> {
        if self.body.is_empty() {
            return Ok(json!({}));
        }
        match self.json() {
            Ok(value) if value.is_object() => Ok(value),
            Ok(_) => Err(ApiResponse::refusal(400, "the body must be a JSON object")),
            Err(error) => Err(ApiResponse::refusal(400, &format!("the body is not JSON: {error}"))),
        }
    }

    /// The path's segments, percent-decoded; empty ones are dropped.
    #[must_use]
    pub fn segments(&self) -> Vec<String> {
        self.path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect()
    }
}

/// One answer.
#[derive(Debug, Clone)]
pub struct ApiResponse {
    /// The HTTP status.
    pub status: u16,
    /// Headers in the order to send.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Vec<u8>,
}

impl ApiResponse {
    /// A JSON answer.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: vec![("Content-Type".to_owned(), "application/json".to_owned())], body: body.to_string().into_bytes() }
    }

    /// An answer without a body.
    #[must_use]
    pub const fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// An HTML answer, as proxies in front of a platform give.
    #[must_use]
    pub fn html(status: u16, body: &str) -> Self {
        Self { status, headers: vec![("Content-Type".to_owned(), "text/html; charset=utf-8".to_owned())], body: body.as_bytes().to_vec() }
    }

    /// What a control call answers when it cannot do what was asked: `{"error": why}`.
    #[must_use]
    pub fn refusal(status: u16, why: &str) -> Self {
        Self::json(status, &json!({ "error": why }))
    }

    /// The same answer with one header more.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}
