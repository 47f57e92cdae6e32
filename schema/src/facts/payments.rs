//! What was paid, as the store tells it and as Brightpearl has it.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::command::PaymentKind;
use crate::ids::{PaymentId, TransactionId};

/// What a payment record of the store says happened (BC §d.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TransactionEvent {
    /// Authorised and captured in one.
    Purchase,
    /// Promised.
    Authorization,
    /// Taken.
    Capture,
    /// Given back: a matter of refunds.
    Refund,
    /// Will not be taken.
    Void,
    /// On its way.
    Pending,
    /// Arrived.
    Settled,
    /// Something that this version does not know.
    Other,
}

impl TransactionEvent {
    /// The event by the store's name of it.
    #[must_use]
    pub fn of(name: &str) -> Self {
        match name.trim().to_ascii_lowercase().as_str() {
            "purchase" => Self::Purchase,
            "authorization" => Self::Authorization,
            "capture" => Self::Capture,
            "refund" => Self::Refund,
            "void" => Self::Void,
            "pending" => Self::Pending,
            "settled" => Self::Settled,
            _ => Self::Other,
        }
    }
}

/// One payment record of a store order (BC §d.9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// Its id at the store.
    pub id: TransactionId,
    /// What happened.
    pub event: TransactionEvent,
    /// The store's kind of payment, such as `credit_card` or `gift_certificate`.
    pub method: String,
    /// Who took the payment, such as `stripe`.
    pub gateway: String,
    /// How much: a positive number, whatever the event.
    pub amount: Decimal,
    /// Currency of the amount; empty if the store does not say.
    pub currency: String,
    /// It was successful.
    pub ok: bool,
    /// The gateway was in test mode: no money moved.
    pub test: bool,
    /// The earlier record that it continues.
    pub continues: Option<TransactionId>,
    /// What the shopper saw of an offline or custom way of payment, empty if nothing.
    pub shown: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The payment records of a store order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transactions {
    /// These; may be none.
    Read(Vec<Transaction>),
    /// The store does not let us read them (BC §a: it takes a scope of its own); its words.
    Refused(String),
}

/// A payment as Brightpearl has it (BP §i.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SalesOrderPayment {
    /// Its id.
    pub id: PaymentId,
    /// Our key if we made it, else whatever its maker wrote; may be empty.
    pub reference: String,
    /// Payment method by its code.
    pub method: String,
    /// What kind; none for kinds that are none of ours.
    pub kind: Option<PaymentKind>,
    /// What was paid, or authorised.
    pub amount: Decimal,
}
