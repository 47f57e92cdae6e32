//! Sorts replies: what succeeded, what was refused, what nobody knows (BP §a.3, §a.4, §c).

use std::time::Duration;

use orderbridge_http_client::{CallError, QuotaSeen, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::lenient;

const NEXT_PERIOD: &str = "brightpearl-next-throttle-period";
const REMAINING: &str = "brightpearl-requests-remaining";

/// What a reply's headers say about the pool (BP §c); they stand on 401 and errors too.
pub(crate) fn quota_of(reply: &Response) -> QuotaSeen {
    QuotaSeen { limit: None, remaining: remaining(reply), resets_in: next_period(reply), throttled: is_throttled(reply) }
}

fn remaining(reply: &Response) -> Option<u32> {
    reply.header(REMAINING)?.trim().parse().ok()
}

fn next_period(reply: &Response) -> Option<Duration> {
    reply.header(NEXT_PERIOD)?.trim().parse().ok().map(Duration::from_millis)
}

/// 503 stands for "too many requests" and for an outage: only the text or the pool's headers tell (BP §c).
fn is_throttled(reply: &Response) -> bool {
    match reply.status {
        429 => true,
        503 => says_too_many(&reply.body) || (next_period(reply).is_some() && remaining(reply).is_none_or(|left| left == 0)),
        _ => false,
    }
}

fn says_too_many(body: &[u8]) -> bool {
    let Ok(envelope) = serde_json::from_slice::<Failure>(body) else { return false };
    let text = envelope.response.as_deref().map(RawValue::get).unwrap_or_default();
    let mut texts = std::iter::once(text).chain(envelope.errors.iter().map(|error| error.message.as_str()));
    texts.any(|text| text.to_ascii_lowercase().contains("too many requests"))
}

#[derive(Deserialize, Default)]
struct Failure {
    #[serde(default)]
    response: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "lenient::list")]
    errors: Vec<ErrorPayload>,
}

#[derive(Deserialize)]
struct ErrorPayload {
    #[serde(default, deserialize_with = "lenient::text")]
    code: String,
    #[serde(default, deserialize_with = "lenient::text")]
    message: String,
}

/// Passes a 2xx on and sorts everything else.
pub(crate) fn accepted(reply: Response) -> Result<Response, CallError> {
    if is_throttled(&reply) {
        return Err(CallError::Throttled { retry_after: next_period(&reply) });
    }
    let failure: Option<Failure> = serde_json::from_slice(&reply.body).ok();
    let error = failure.as_ref().and_then(|failure| failure.errors.first());
    match (reply.status, error) {
        (200..=299, Some(error)) if failure.as_ref().is_some_and(|failure| failure.response.is_none()) => Err(refused(&reply, error)),
        (200..=299, _) => Ok(reply),
        // Its text repeats the token and is thrown away (BP §a.3).
        (401, _) => Err(CallError::Unauthorised),
        (404, _) if !is_html(&reply) => Err(CallError::NotFound),
        // Code CMNU-003 says that something broke, not that nothing was done; other codes are a plain no even with status 500 (BP §a.4).
        (400..=599, Some(error)) if is_functional(&error.code) || (reply.status < 500 && error.code.is_empty()) => Err(refused(&reply, error)),
        (405 | 412 | 413 | 414 | 415 | 431, _) => Err(CallError::refused(reply.status, &http_code(&reply), "without a reason")),
        (300..=399, _) => Err(CallError::refused(reply.status, &http_code(&reply), "redirects are not followed")),
        (400 | 403 | 409 | 410 | 422, _) if !is_html(&reply) => Err(CallError::refused(reply.status, &http_code(&reply), "without a reason")),
        _ => Err(uncertain(&reply)),
    }
}

fn is_functional(code: &str) -> bool {
    !code.is_empty() && !code.to_ascii_uppercase().starts_with("CMNU")
}

fn http_code(reply: &Response) -> String {
    format!("http-{}", reply.status)
}

fn refused(reply: &Response, error: &ErrorPayload) -> CallError {
    let code = if error.code.is_empty() { http_code(reply) } else { error.code.clone() };
    CallError::refused(reply.status, &code, &error.message)
}

fn uncertain(reply: &Response) -> CallError {
    let form = if is_html(reply) { " and a page" } else { "" };
    CallError::no_answer(reply.status, format!("status {}{form} instead of an answer", reply.status))
}

fn is_html(reply: &Response) -> bool {
    reply.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("html")) || reply.body.trim_ascii_start().starts_with(b"<")
}

#[derive(Deserialize)]
struct Envelope<T> {
    response: T,
}

/// What stands in `response`.
pub(crate) fn response<T: DeserializeOwned>(reply: &Response, what: &'static str) -> Result<T, CallError> {
    serde_json::from_slice::<Envelope<T>>(&reply.body).map(|envelope| envelope.response).map_err(|error| unreadable(&error, what))
}

/// The rows of a list; no body, `{}` and `null` are an empty list.
pub(crate) fn list<T: DeserializeOwned>(reply: &Response, what: &'static str) -> Result<Vec<T>, CallError> {
    #[derive(Deserialize)]
    struct Rows<T: DeserializeOwned> {
        #[serde(default = "Vec::new", deserialize_with = "lenient::list", bound = "T: DeserializeOwned")]
        response: Vec<T>,
    }
    if is_empty(reply) {
        return Ok(Vec::new());
    }
    serde_json::from_slice::<Rows<T>>(&reply.body).map(|rows| rows.response).map_err(|error| unreadable(&error, what))
}

/// The id of what was made, wherever it stands: alone, or in the thing itself (BP §e.2). `None` if the reply names none.
pub(crate) fn created_id(reply: &Response, what: &'static str) -> Result<Option<u64>, CallError> {
    #[derive(Deserialize)]
    struct Made {
        #[serde(default)]
        response: serde_json::Value,
    }
    let made: Made = serde_json::from_slice(&reply.body).map_err(|error| unreadable(&error, what))?;
    Ok(id_in(&made.response))
}

fn id_in(value: &serde_json::Value) -> Option<u64> {
    use serde_json::Value;
    let id = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Array(values) if values.len() == 1 => values.first().and_then(id_in),
        Value::Object(fields) => ["id", "orderId", "salesOrderId"].iter().find_map(|name| fields.get(*name)).and_then(id_in),
        _ => None,
    };
    id.filter(|id| *id > 0)
}

/// Checks that a write's reply is the platform's: an empty one or JSON. A page with a good status is a proxy's, and proves nothing.
pub(crate) fn readable(reply: Response, what: &'static str) -> Result<Response, CallError> {
    if is_empty(&reply) {
        return Ok(reply);
    }
    let read = serde_json::from_slice::<serde::de::IgnoredAny>(&reply.body).map_err(|error| unreadable(&error, what));
    read.map(|_json| reply)
}

/// Whether a reply carries nothing.
pub(crate) fn is_empty(reply: &Response) -> bool {
    reply.status == 204 || reply.body.trim_ascii().is_empty()
}

/// The error's own words can repeat what was read, so only its place is told.
pub(crate) fn unreadable(error: &serde_json::Error, what: &'static str) -> CallError {
    let (line, column) = (error.line(), error.column());
    CallError::uncertain(format!("the reply to {what} cannot be read ({:?} error at line {line}, column {column})", error.classify()))
}
