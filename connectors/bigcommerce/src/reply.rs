//! Sorts replies: what succeeded, what was refused, what nobody knows (BC §0, §b).

use std::time::Duration;

use orderbridge_http_client::{CallError, QuotaSeen, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What a reply's headers say about the store's quota (BC §b).
pub(crate) fn quota_of(reply: &Response) -> QuotaSeen {
    let number = |name| reply.header(name).and_then(|text: &str| text.trim().parse().ok());
    QuotaSeen {
        limit: number("x-rate-limit-requests-quota"),
        remaining: number("x-rate-limit-requests-left"),
        resets_in: millis(reply, "x-rate-limit-time-reset-ms"),
        throttled: matches!(reply.status, 429 | 509),
    }
}

/// Passes a 2xx on and sorts everything else.
pub(crate) fn accepted(reply: Response) -> Result<Response, CallError> {
    match reply.status {
        200..=299 => Ok(reply),
        401 => Err(CallError::Unauthorised),
        429 | 509 => Err(CallError::Throttled { retry_after: retry_after(&reply) }),
        404 if !is_html(&reply) => Err(CallError::NotFound),
        // The request was too old, too slow or given up on the way: nobody says whether it was acted upon.
        408 | 425 | 499 => Err(uncertain(&reply)),
        // These are said before a request is looked at, whoever says them.
        405 | 413 | 414 | 415 | 431 => Err(refused(&reply)),
        300..=499 if !is_html(&reply) => Err(refused(&reply)),
        // A plan's limit is full, or there is no such function: the platform's own no.
        501 | 507 if problem(&reply.body).is_some() => Err(refused(&reply)),
        _ => Err(uncertain(&reply)),
    }
}

/// The rows of a list; 204 and an empty body are an empty list (BC §0).
pub(crate) fn list<T: DeserializeOwned>(reply: &Response, what: &'static str) -> Result<Vec<T>, CallError> {
    if is_empty(reply) { Ok(Vec::new()) } else { one(reply, what) }
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

/// The value of a reply.
pub(crate) fn one<T: DeserializeOwned>(reply: &Response, what: &'static str) -> Result<T, CallError> {
    serde_json::from_slice(&reply.body).map_err(|error| unreadable(&error, what))
}

/// What stands in a V3 reply's `data`.
pub(crate) fn data<T: DeserializeOwned>(reply: &Response, what: &'static str) -> Result<T, CallError> {
    #[derive(Deserialize)]
    struct Envelope<T> {
        data: T,
    }
    one::<Envelope<T>>(reply, what).map(|envelope| envelope.data)
}

/// The error's own words can repeat what was read, so only its place is told.
fn unreadable(error: &serde_json::Error, what: &'static str) -> CallError {
    let (line, column) = (error.line(), error.column());
    CallError::uncertain(format!("the reply to {what} cannot be read ({:?} error at line {line}, column {column})", error.classify()))
}

fn uncertain(reply: &Response) -> CallError {
    let form = if is_html(reply) { " and a page" } else { "" };
    CallError::no_answer(reply.status, format!("status {}{form} instead of an answer", reply.status))
}

fn refused(reply: &Response) -> CallError {
    let words = problem(&reply.body).unwrap_or_else(|| "without a reason".into());
    CallError::refused(reply.status, &format!("http-{}", reply.status), &words)
}

/// The platform's words: a V2 array of messages or a V3 object with a title and the fields (BC §0).
fn problem(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let words = match &value {
        Value::Array(problems) => problems.iter().filter_map(words_of).collect::<Vec<_>>().join("; "),
        other => words_of(other)?,
    };
    Some(words).filter(|words| !words.is_empty())
}

fn words_of(problem: &Value) -> Option<String> {
    let text = |name| problem.get(name).and_then(Value::as_str).filter(|text: &&str| !text.is_empty());
    let main = text("message").or_else(|| text("title")).or_else(|| text("error"))?;
    let errors = problem.get("errors").and_then(Value::as_object);
    let fields: Vec<String> = errors.into_iter().flatten().map(|(field, why)| format!("{field}: {}", why.as_str().unwrap_or_default())).collect();
    Some(if fields.is_empty() { main.to_owned() } else { format!("{main} ({})", fields.join(", ")) })
}

fn is_html(reply: &Response) -> bool {
    reply.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("html")) || reply.body.trim_ascii_start().starts_with(b"<")
}

/// The longer of the waits that a 429 names; none if it names none (BC §b).
fn retry_after(reply: &Response) -> Option<Duration> {
    let seconds = |name| reply.header(name).and_then(|text: &str| text.trim().parse().ok()).map(Duration::from_secs);
    let waits = [millis(reply, "x-rate-limit-time-reset-ms"), seconds("x-retry-after"), seconds("retry-after")];
    waits.into_iter().flatten().max()
}

fn millis(reply: &Response, name: &str) -> Option<Duration> {
    reply.header(name)?.trim().parse().ok().map(Duration::from_millis)
}
