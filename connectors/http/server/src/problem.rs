//! Errors as senders see them: RFC 9457 problem details.

use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;

/// A problem with a stable code. Its body is the same whoever asks and whatever the cause was: causes go to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    retry_after: Option<Duration>,
}

#[derive(Serialize)]
struct Body {
    r#type: String,
    title: &'static str,
    status: u16,
    code: &'static str,
}

impl Problem {
    /// The sender's mistake: a body that cannot be read.
    #[must_use]
    pub const fn malformed() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "The request cannot be understood")
    }

    /// Who sends cannot prove who it is.
    #[must_use]
    pub const fn unauthorised() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorised", "The request is not authentic")
    }

    /// Nothing lives under this path.
    #[must_use]
    pub const fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "Nothing is here")
    }

    /// The body is longer than allowed.
    #[must_use]
    pub const fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large")
    }

    /// Our own trouble; the same request may succeed after a while.
    #[must_use]
    pub const fn unavailable(retry_after: Duration) -> Self {
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The request cannot be taken now");
        Self { retry_after: Some(retry_after), ..problem }
    }

    /// A mistake of ours.
    #[must_use]
    pub const fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong here")
    }

    const fn new(status: StatusCode, code: &'static str, title: &'static str) -> Self {
        Self { status, code, title, retry_after: None }
    }

    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// As an answer.
    #[must_use]
    pub fn response(&self) -> HttpResponse {
        let body =
            Body { r#type: format!("urn:orderbridge:problem:{}", self.code), title: self.title, status: self.status.as_u16(), code: self.code };
        let mut response = HttpResponse::build(self.status);
        if let Some(wait) = self.retry_after {
            // Whole seconds, rounded up: 0 would say "at once".
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.insert_header((RETRY_AFTER, seconds.max(1).to_string()));
        }
        response.insert_header((CONTENT_TYPE, "application/problem+json"));
        response.body(serde_json::to_string(&body).unwrap_or_default())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.title, self.code)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        self.response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_whole_seconds_and_never_zero() {
        for (wait, header) in [(Duration::ZERO, "1"), (Duration::from_millis(1200), "2"), (Duration::from_secs(30), "30")] {
            let response = Problem::unavailable(wait).response();
            assert_eq!(response.headers().get(RETRY_AFTER).unwrap(), header);
        }
        assert!(Problem::not_found().response().headers().get(RETRY_AFTER).is_none());
    }
}
