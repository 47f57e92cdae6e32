//! What a payment is made of.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::ids::{InvalidId, SalesOrderId, StoreHash, StoreOrderId};

/// Longest reference that Brightpearl takes (BP §i.1).
pub const REFERENCE_CHARS_MAX: usize = 64;

/// Brightpearl's kinds of payment (BP §i.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum PaymentKind {
    /// Money is promised and may be taken later.
    Auth,
    /// Promised money was taken.
    Capture,
    /// Money came in.
    Receipt,
    /// What was promised will not be taken.
    Void,
    /// Money went out: a refund.
    Payment,
}

impl PaymentKind {
    const ALL: [Self; 5] = [Self::Auth, Self::Capture, Self::Receipt, Self::Void, Self::Payment];

    /// Brightpearl's name of it, in calls and in our database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "AUTH",
            Self::Capture => "CAPTURE",
            Self::Receipt => "RECEIPT",
            Self::Void => "VOID",
            Self::Payment => "PAYMENT",
        }
    }

    /// Whether money moves with it, in or out, and nothing is merely promised.
    #[must_use]
    pub const fn moves_money(self) -> bool {
        matches!(self, Self::Capture | Self::Receipt | Self::Payment)
    }

    /// Whether money comes in with it.
    #[must_use]
    pub const fn is_money_in(self) -> bool {
        matches!(self, Self::Capture | Self::Receipt)
    }
}

impl fmt::Display for PaymentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for PaymentKind {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or(InvalidId { what: "a kind of payment", rule: "AUTH, CAPTURE, RECEIPT, VOID or PAYMENT" })
    }
}

/// A payment to be booked (BP §i.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPayment {
    /// The store's order.
    pub order: StoreOrderId,
    /// The sales order it is for.
    pub sales_order: SalesOrderId,
    /// Our key, at most [`REFERENCE_CHARS_MAX`] characters: Brightpearl takes it once per method.
    pub reference: String,
    /// Payment method by its code. Frozen when it is first sent, because Brightpearl's key has it in it.
    pub method: String,
    /// What kind of payment.
    pub kind: PaymentKind,
    /// Joins an authorization with what becomes of it.
    pub code: Option<String>,
    /// How much, in the minor unit, above zero.
    pub amount: Decimal,
    /// Currency of the amount: the order's.
    pub currency: String,
    /// The sales order's exchange rate; Brightpearl's own default if it is not known.
    pub rate: Option<Decimal>,
    /// When the store booked it.
    pub paid_at: Timestamp,
    /// Until when an authorization can be captured.
    pub expires_at: Option<Timestamp>,
}

impl NewPayment {
    /// What it does, in plain words.
    #[must_use]
    pub fn describe(&self) -> String {
        let (kind, amount, currency) = (self.kind, self.amount, &self.currency);
        format!("book {kind} of {amount} {currency} by {} on sales order {} ({})", self.method, self.sales_order, self.reference)
    }
}

/// Our key of something paid: of a transaction `txn-44120`, of what only the order tells of `order-9001-gift` and the like.
#[must_use]
pub fn payment_reference(store: &StoreHash, what: &str) -> String {
    format!("bc-{store}-{what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_read_back_as_it_was_written() {
        for kind in PaymentKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert!("payment".parse::<PaymentKind>().is_err());
    }
}
