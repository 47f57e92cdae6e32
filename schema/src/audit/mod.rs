//! The books of both platforms side by side: what an audit reads, and what it says.
//!
//! Amounts are in the currency they were paid in and never added up over currencies. Nothing here names a person.

mod figures;
mod report;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use figures::{BookedPayment, MoneyWay, RefundFigures, RefundPayment, SalesOrderFigures};
pub use report::{AuditReport, Book, Difference, DifferenceKind, Money, Sides, Standing, Sum};

/// The time that an audit is about, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Its first moment.
    pub from: Timestamp,
    /// The moment behind its last.
    pub to: Timestamp,
}

impl Window {
    /// A window of whole seconds: the platforms' filters know no parts of them.
    #[must_use]
    pub fn new(from: Timestamp, to: Timestamp) -> Self {
        let whole = |at: Timestamp| Timestamp::from_second(at.as_second()).unwrap_or(at);
        Self { from: whole(from), to: whole(to) }
    }

    /// Whether a moment lies in it.
    #[must_use]
    pub fn has(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }

    /// Its last second, for filters that include their end.
    #[must_use]
    pub fn last_second(&self) -> Timestamp {
        self.to.checked_sub(jiff::SignedDuration::from_secs(1)).unwrap_or(self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_its_first_moment_and_not_its_end() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let window = Window::new(at("2026-03-01T00:00:00.9Z"), at("2026-03-02T00:00:00.5Z"));
        assert!(window.has(at("2026-03-01T00:00:00Z")) && window.has(at("2026-03-01T23:59:59.999Z")));
        assert!(!window.has(at("2026-02-28T23:59:59.999Z")) && !window.has(at("2026-03-02T00:00:00Z")));
        assert_eq!(window.last_second(), at("2026-03-01T23:59:59Z"));
    }
}
