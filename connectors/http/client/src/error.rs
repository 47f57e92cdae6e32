//! Why a call failed, sorted by what to do next.

use std::fmt;
use std::time::Duration;

use crate::quota::QuotaDenied;

/// Longest text kept of a platform's message.
const TEXT_CHARS_MAX: usize = 300;

/// Why a call did not give what was asked. Texts hold no token, e-mail address or body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No quota: nothing was sent.
    #[error(transparent)]
    Quota(#[from] QuotaDenied),
    /// Nothing reached the platform: no connection, or the deadline passed first.
    #[error("not sent: {why}")]
    NotSent {
        /// What stopped it.
        why: String,
    },
    /// 401: the token is not accepted.
    #[error("the platform does not accept the credentials")]
    Unauthorised,
    /// The platform asks to slow down (BC §b: 429; BP §c: 503).
    #[error("throttled by the platform")]
    Throttled {
        /// How long it asks to wait, if it says.
        retry_after: Option<Duration>,
    },
    /// 404: there is no such thing.
    #[error("not found")]
    NotFound,
    /// Any other definite no.
    #[error("refused with status {status} {code}: {message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The platform's own code, or the status again if it has none.
        code: String,
        /// The platform's words, shortened and cleaned.
        message: String,
    },
    /// It is not known whether the platform acted: a read may be repeated, a write is in doubt.
    #[error("uncertain: {why}")]
    Uncertain {
        /// HTTP status, if an answer came that says nothing.
        status: Option<u16>,
        /// What happened.
        why: String,
    },
}

/// How calls fail that others like them would fail too: what breakers tell causes apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureClass {
    /// No connection.
    Unreachable,
    /// No answer in time, or one that was cut or cannot be read.
    NoAnswer,
    /// The platform asks to slow down.
    Throttled,
    /// An answer with this status that answers nothing.
    Status(u16),
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable => f.write_str("unreachable"),
            Self::NoAnswer => f.write_str("no-answer"),
            Self::Throttled => f.write_str("throttled"),
            Self::Status(status) => write!(f, "http-{status}"),
        }
    }
}

impl CallError {
    /// A refusal with the platform's words made fit to be shown.
    #[must_use]
    pub fn refused(status: u16, code: &str, message: &str) -> Self {
        Self::Refused { status, code: redact(code).chars().take(60).collect(), message: redact(message) }
    }

    /// Nothing was sent because of `why`.
    #[must_use]
    pub fn not_sent(why: impl Into<String>) -> Self {
        Self::NotSent { why: why.into() }
    }

    /// Nobody knows, because of `why`.
    #[must_use]
    pub fn uncertain(why: impl Into<String>) -> Self {
        Self::Uncertain { status: None, why: why.into() }
    }

    /// Nobody knows: an answer with this status came that says nothing.
    #[must_use]
    pub fn no_answer(status: u16, why: impl Into<String>) -> Self {
        Self::Uncertain { status: Some(status), why: why.into() }
    }

    /// How it failed, if the next call may well fail the same way. What our own quota or the credentials stop is no such failure.
    #[must_use]
    pub const fn class(&self) -> Option<FailureClass> {
        match self {
            Self::Quota(_) | Self::Unauthorised => None,
            Self::NotSent { .. } => Some(FailureClass::Unreachable),
            Self::Throttled { .. } => Some(FailureClass::Throttled),
            Self::NotFound => Some(FailureClass::Status(404)),
            Self::Refused { status, .. } | Self::Uncertain { status: Some(status), .. } => Some(FailureClass::Status(*status)),
            Self::Uncertain { status: None, .. } => Some(FailureClass::NoAnswer),
        }
    }

    /// Whether it is certain that nothing was changed.
    #[must_use]
    pub const fn is_definite_no(&self) -> bool {
        !matches!(self, Self::Uncertain { .. })
    }
}

/// Makes a platform's text fit to be shown: no e-mail address, telephone number, token or query, no control character, at most 300
/// characters.
#[must_use]
pub fn redact(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let mut shown = String::new();
    for word in words.take(TEXT_CHARS_MAX) {
        if !shown.is_empty() {
            shown.push(' ');
        }
        shown.push_str(&redact_word(word));
    }
    shown.chars().take(TEXT_CHARS_MAX).collect()
}

fn redact_word(word: &str) -> String {
    const HIDDEN: &str = "(hidden)";
    let lower = word.to_ascii_lowercase();
    if lower.contains('@') || lower.contains("%40") || lower.contains("\\u0040") || is_telephone(word) || has_token(word) {
        return HIDDEN.into();
    }
    match word.split_once('?') {
        Some((front, query)) if query.contains('=') => format!("{front}?{HIDDEN}"),
        _ => word.into(),
    }
}

fn is_telephone(word: &str) -> bool {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    word.contains('+') && digits >= 8
}

/// A run of at least 24 characters as tokens have, with a digit and a letter in it.
fn has_token(word: &str) -> bool {
    let token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '=' | '_');
    let has = |run: &str, kind: fn(&u8) -> bool| run.bytes().any(|byte| kind(&byte));
    let is_token = |run: &str| run.len() >= 24 && has(run, u8::is_ascii_digit) && has(run, u8::is_ascii_alphabetic);
    // Base64 may have slashes, and so has a path; a path is not of both cases with digits between.
    let is_base64 = |run: &str| is_token(run) && has(run, u8::is_ascii_uppercase) && has(run, u8::is_ascii_lowercase);
    word.split(|c: char| !token(c)).any(is_token) || word.split(|c: char| !token(c) && c != '/').any(is_base64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_an_uncertain_call_may_have_changed_something() {
        assert!(!CallError::uncertain("cut").is_definite_no());
        for error in [CallError::not_sent("refused"), CallError::Unauthorised, CallError::NotFound, CallError::refused(400, "X", "no")] {
            assert!(error.is_definite_no());
        }
    }

    #[test]
    fn failures_are_told_apart_by_how_others_would_fail() {
        let classes = [
            (CallError::not_sent("no connection"), "unreachable"),
            (CallError::uncertain("cut"), "no-answer"),
            (CallError::Throttled { retry_after: None }, "throttled"),
            (CallError::no_answer(503, "status 503 and a page instead of an answer"), "http-503"),
        ];
        for (error, class) in classes {
            assert_eq!(error.class().map(|class| class.to_string()).as_deref(), Some(class));
        }
        assert_eq!(CallError::Unauthorised.class(), None);
    }

    #[test]
    fn what_identifies_a_person_or_opens_a_door_is_hidden() {
        for (text, shown) in [
            ("Invalid instance token: Qk3xYz0123456789abcdefghij==", "Invalid instance token: (hidden)"),
            ("so is Vc4kJwjB+/hVxiQ/HfuMusCCJfiQjKoT5mM0xE/97BwA==;", "so is (hidden)"),
            ("/public-api/acme/order-service/sales-order/70001/row/12", "/public-api/acme/order-service/sales-order/70001/row/12"),
            ("filter primaryEmail=mara@example.com\nbad", "filter (hidden) bad"),
            ("filter primaryEmail=mara%40example.com", "filter (hidden)"),
            ("call +441170000000 now", "call (hidden) now"),
            ("see https://x.example/a?token=1", "see https://x.example/a?(hidden)"),
            ("The field 'product_id' cannot be written to.", "The field 'product_id' cannot be written to."),
            ("ORDC-006 \u{7} bell", "ORDC-006 bell"),
        ] {
            assert_eq!(redact(text), shown);
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_long_or_multi_line(text in ".{0,600}") {
            let shown = redact(&text);
            prop_assert!(shown.chars().count() <= 300);
            prop_assert!(!shown.chars().any(char::is_control));
            prop_assert!(!shown.contains('@'));
        }
    }
}
