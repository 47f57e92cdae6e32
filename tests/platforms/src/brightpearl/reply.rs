//! Answers and refusals in the platform's envelope (BP §a.3, §a.4).

use serde_json::{Value, json};

use super::switches::Switches;
use crate::core::ApiResponse;

/// A successful answer: its status and the whole body.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status, 200 or 207.
    pub status: u16,
    /// The whole body, envelope included.
    pub body: Value,
}

impl Reply {
    /// `{"response": value}` with status 200.
    pub fn data(value: impl Into<Value>) -> Answer {
        Ok(Self { status: 200, body: json!({ "response": value.into() }) })
    }

    /// `{}` with status 200: done, nothing to say.
    pub fn done() -> Answer {
        Ok(Self { status: 200, body: json!({}) })
    }

    /// 207 for a request that succeeded for some of its resources only.
    pub fn partial(value: Value) -> Answer {
        Ok(Self { status: 207, body: json!({ "response": value }) })
    }
}

/// A functional failure, with the code and text of BP §a.4 where they are known.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// HTTP status: 400, 404, 412 or 500.
    pub status: u16,
    /// The platform's code; a code that ends in `-999` is a placeholder of ours (BP §m.2).
    pub code: String,
    /// The text for a person.
    pub message: String,
}

impl Refusal {
    /// A 400 with a code.
    pub fn bad(code: &str, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.to_owned(), message: message.into() }
    }

    /// A 404 CMNC-404.
    pub fn missing(message: impl Into<String>) -> Self {
        Self { status: 404, code: "CMNC-404".to_owned(), message: message.into() }
    }

    /// A client's fault that the platform reports as a 500 (BP §a.4).
    pub fn server(code: &str, message: impl Into<String>) -> Self {
        Self { status: 500, code: code.to_owned(), message: message.into() }
    }

    /// The 500 CMNU-003 that malformed and wrongly typed bodies get.
    pub fn internal() -> Self {
        Self::server("CMNU-003", "Internal Server Error")
    }

    /// A resource or method that the service does not have.
    pub fn unknown_path() -> Self {
        Self::missing("The requested resource does not exist or does not support this method")
    }

    /// The same with the number and the status that the switches give to codes nobody documents (BP §m.2).
    pub fn veiled(mut self, switches: &Switches) -> Self {
        if let Some(family) = self.code.strip_suffix("-999") {
            self.code = format!("{family}-{:03}", switches.number("placeholder_code"));
            if self.status == 400 {
                self.status = switches.word("placeholder_status").parse().unwrap_or(400);
            }
        }
        self
    }

    /// The error object that goes into `errors`.
    pub fn error(&self) -> Value {
        json!({ "code": self.code, "message": self.message })
    }

    /// The whole body.
    pub fn body(&self) -> Value {
        json!({ "errors": [self.error()] })
    }
}

/// What a handler gives back.
pub type Answer = Result<Reply, Refusal>;

/// Renders an answer; errors escape `=` as the platform does (BP §a.4, CMNC-018).
pub fn render(answer: &Answer) -> ApiResponse {
    match answer {
        Ok(reply) => ApiResponse::json(reply.status, &reply.body),
        Err(refusal) => {
            let mut response = ApiResponse::json(refusal.status, &refusal.body());
            let text = String::from_utf8_lossy(&response.body).replace('=', "\\u003d");
            response.body = text.into_bytes();
            response
        }
    }
}
