//! Names by which one request, and all that it sets off, can be followed.

use std::fmt;

use actix_web::http::header::HeaderMap;
use uuid::Uuid;

/// The name of one request, for logs and support.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// The sender's own name of it (`X-Request-Id`) where that is harmless text, else a new one.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let harmless = |text: &str| (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        let given = headers.get("x-request-id").and_then(|value| value.to_str().ok()).filter(|text| harmless(text));
        Self(given.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A W3C trace context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traceparent(String);

impl Traceparent {
    /// The sender's, if it is valid.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        headers.get("traceparent").and_then(|value| value.to_str().ok()).and_then(Self::parse)
    }

    /// Begins a trace that carries an id of ours, so that either finds the other.
    #[must_use]
    pub fn begin(id: Uuid) -> Self {
        // The low half of a random UUID is 62 random bits behind a set one, so never the all-zero span that the standard forbids.
        let (_, span) = Uuid::new_v4().as_u64_pair();
        Self(format!("00-{}-{span:016x}-01", id.simple()))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let hex = |part: &str, length: usize| part.len() == length && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let set = |part: &str| part.bytes().any(|b| b != b'0');
        let mut parts = text.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let valid = hex(version, 2)
            && version != "ff"
            && hex(trace, 32)
            && set(trace)
            && hex(span, 16)
            && set(span)
            && hex(flags, 2)
            && parts.next().is_none();
        valid.then(|| Self(text.to_owned()))
    }
}

impl From<Traceparent> for String {
    fn from(traceparent: Traceparent) -> Self {
        traceparent.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_valid_trace_context_is_taken_over() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(Traceparent::parse(good).unwrap().as_str(), good);
        for bad in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        ] {
            assert!(Traceparent::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_trace_of_ours_is_valid_and_carries_the_id() {
        let id = Uuid::now_v7();
        let trace = Traceparent::begin(id);
        assert_eq!(Traceparent::parse(trace.as_str()).unwrap(), trace);
        assert!(trace.as_str().contains(&id.simple().to_string()));
    }
}
