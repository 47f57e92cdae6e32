//! The control API of one simulated platform, and how its JSON is read.

use std::io::Write as _;

use rust_decimal::Decimal;
use serde_json::Value;

/// Why the shop cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// A simulator is not there, or its answer cannot be read.
    #[error("{what}: {source}")]
    Http {
        /// What was asked for.
        what: String,
        /// The library's words.
        source: reqwest::Error,
    },
    /// A simulator does not do what was asked.
    #[error("{what} was refused with {status}: {why}")]
    Refused {
        /// What was asked for.
        what: String,
        /// The answer's status.
        status: u16,
        /// The answer's body.
        why: String,
    },
    /// A simulator answers something else than expected.
    #[error("unexpected answer: {0}")]
    Shape(String),
    /// A file cannot be read or written.
    #[error("{what}: {source}")]
    File {
        /// Which.
        what: String,
        /// Why.
        source: std::io::Error,
    },
}

/// One platform's port.
#[derive(Debug, Clone)]
pub struct Sim {
    base: String,
    client: reqwest::Client,
}

impl Sim {
    /// The platform at this base URL.
    pub fn new(base: &str) -> Self {
        Self { base: base.trim_end_matches('/').to_owned(), client: reqwest::Client::new() }
    }

    /// Reads below `/_sim/`.
    pub async fn get(&self, path: &str) -> Result<Value, Trouble> {
        self.ask(reqwest::Method::GET, path, None).await
    }

    /// Acts below `/_sim/`.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Trouble> {
        self.ask(reqwest::Method::POST, path, Some(body)).await
    }

    /// Empties or removes below `/_sim/`.
    pub async fn delete(&self, path: &str) -> Result<Value, Trouble> {
        self.ask(reqwest::Method::DELETE, path, None).await
    }

    async fn ask(&self, method: reqwest::Method, path: &str, body: Option<&Value>) -> Result<Value, Trouble> {
        let what = format!("{method} {}/_sim/{path}", self.base);
        let mut request = self.client.request(method, format!("{}/_sim/{path}", self.base));
        if let Some(body) = body {
            request = request.json(body);
        }
        let failed = |source: reqwest::Error| Trouble::Http { what: what.clone(), source };
        let answer = request.send().await.map_err(failed)?;
        let status = answer.status();
        let text = answer.text().await.map_err(failed)?;
        if !status.is_success() {
            return Err(Trouble::Refused { what, status: status.as_u16(), why: text });
        }
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).map_err(|error| Trouble::Shape(format!("{what}: {error}")))
    }
}

/// A text at a JSON pointer; empty if there is none.
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A whole number at a JSON pointer, written as number or text.
pub fn int(value: &Value, pointer: &str) -> Option<i64> {
    let found = value.pointer(pointer)?;
    found.as_i64().or_else(|| found.as_str().and_then(|text| text.parse().ok()))
}

/// An amount at a JSON pointer, written as number or text.
pub fn amount(value: &Value, pointer: &str) -> Option<Decimal> {
    match value.pointer(pointer)? {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

/// The elements of a list at a JSON pointer; none if there is no list.
pub fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A whole number that must be there.
pub fn wanted(value: &Value, pointer: &str) -> Result<i64, Trouble> {
    int(value, pointer).ok_or_else(|| Trouble::Shape(format!("there is no number at {pointer} in {value}")))
}

/// Prints one line. A reader that has gone away is no reason to fail: the ledgers hold the same.
pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let told = writeln!(out, "{line}").and_then(|()| out.flush());
    drop(told);
}

/// Prints one line where errors go.
pub fn complain(line: &str) {
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}
