//! What was given back, as the store tells it (BC §d.9).

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::ids::{OrderLineId, RefundId};

/// A refund of a store order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// Its id, unique in the store.
    pub id: RefundId,
    /// When it was made.
    pub created_at: Timestamp,
    /// How much, with tax.
    pub total: Decimal,
    /// Tax in the total.
    pub tax: Decimal,
    /// What for; empty for a mere correction of tax.
    pub items: Vec<RefundItem>,
    /// By which ways.
    pub payments: Vec<RefundPayment>,
}

/// What a refund is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundItem {
    /// Pieces of an order line.
    Product {
        /// The line.
        line: OrderLineId,
        /// How many, 1 or more.
        quantity: u32,
    },
    /// An amount: delivery, handling, gift wrapping, a fee, tax, or a part of the whole order; in plain words.
    Amount(String),
}

impl RefundItem {
    /// By the store's name of the kind.
    #[must_use]
    pub fn of(kind: &str, id: u64, quantity: u32) -> Self {
        match kind {
            "PRODUCT" => Self::Product { line: OrderLineId(id), quantity },
            "SHIPPING" => Self::Amount("delivery".into()),
            "HANDLING" => Self::Amount("handling".into()),
            "GIFT_WRAPPING" => Self::Amount("gift wrapping".into()),
            "FEE" => Self::Amount("fee".into()),
            "TAX" => Self::Amount("tax".into()),
            "ORDER" => Self::Amount("part of the order".into()),
            _ => Self::Amount("other".into()),
        }
    }
}

/// One way by which a refund was paid back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundPayment {
    /// Its id.
    pub id: u64,
    /// Who pays back, such as `stripe` or `storecredit`.
    pub provider: String,
    /// How much.
    pub amount: Decimal,
    /// Paid back outside the store.
    pub offline: bool,
    /// It was not paid back.
    pub declined: bool,
}

/// The refunds of a store order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refunds {
    /// These; may be none.
    Read(Vec<Refund>),
    /// The store does not let us read them; its words.
    Refused(String),
}
