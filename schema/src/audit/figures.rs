//! What an audit reads of Brightpearl's orders and payments and of the store's refunds.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::command::is_our_key;
use crate::facts::{SalesOrder, SalesOrderRow};
use crate::ids::{PaymentId, SalesOrderId, StoreOrderId};
use crate::money::{minor_decimals, round};

/// A sum that is too large for a decimal shows as the largest there is.
fn total(amounts: impl Iterator<Item = Decimal>) -> Decimal {
    amounts.fold(Decimal::ZERO, Decimal::saturating_add)
}

/// The figures of a sales order (BP §e.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SalesOrderFigures {
    /// Its id.
    pub id: SalesOrderId,
    /// The key it was made under, by whichever system; empty if by none.
    pub external_ref: String,
    /// The customer's reference: the store's order number.
    pub reference: String,
    /// The order it was made from by a back-order, if any.
    pub parent: Option<SalesOrderId>,
    /// Currency of its amounts.
    pub currency: String,
    /// Total with tax of all its rows.
    pub total: Decimal,
    /// Tax in the total.
    pub tax: Decimal,
    /// Total with tax of rows that people added in Brightpearl, which stand for nothing of the store's.
    pub added_total: Decimal,
    /// Tax in that.
    pub added_tax: Decimal,
}

impl SalesOrderFigures {
    /// Total with tax of the rows that stand for the store's order.
    #[must_use]
    pub fn own_total(&self) -> Decimal {
        self.total.saturating_sub(self.added_total)
    }

    /// Tax in that.
    #[must_use]
    pub fn own_tax(&self) -> Decimal {
        self.tax.saturating_sub(self.added_tax)
    }
}

impl From<&SalesOrder> for SalesOrderFigures {
    fn from(order: &SalesOrder) -> Self {
        // Only where Brightpearl echoes our rows' keys can others' rows be told apart (UNCONFIRMED, BP §e.2).
        let is_echoed = order.rows.iter().any(|row| is_our_key(&row.external_ref));
        let is_added = |row: &&SalesOrderRow| is_echoed && !row.bundle_child && !is_our_key(&row.external_ref);
        let decimals = minor_decimals(&order.currency);
        let sum = |amount: fn(&SalesOrderRow) -> Decimal| round(total(order.rows.iter().filter(is_added).map(amount)), decimals);
        Self {
            id: order.id,
            external_ref: order.external_ref.clone(),
            reference: order.reference.clone(),
            parent: order.parent,
            currency: order.currency.to_ascii_uppercase(),
            total: round(order.total, decimals),
            tax: round(order.tax, decimals),
            added_total: sum(|row| row.net.saturating_add(row.tax)),
            added_tax: sum(|row| row.tax),
        }
    }
}

/// Which way a customer payment moves money (BP §i.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MoneyWay {
    /// Received: `RECEIPT` and `CAPTURE`.
    In,
    /// Paid out: `PAYMENT`.
    Out,
    /// Neither: `AUTH`, `VOID` and what this version does not know.
    None,
}

impl MoneyWay {
    /// The way of a payment's type.
    #[must_use]
    pub fn of(payment_type: &str) -> Self {
        match payment_type.trim().to_ascii_uppercase().as_str() {
            "RECEIPT" | "CAPTURE" => Self::In,
            "PAYMENT" => Self::Out,
            _ => Self::None,
        }
    }
}

/// A customer payment as Brightpearl has it (BP §i.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookedPayment {
    /// Its id.
    pub id: PaymentId,
    /// Our key if we made it, else whatever its maker wrote; may be empty.
    pub reference: String,
    /// Which way the money moved.
    pub way: MoneyWay,
    /// The sales order or sales credit it is booked on, if Brightpearl says.
    pub order: Option<SalesOrderId>,
    /// Currency of the amount; empty if Brightpearl does not say.
    pub currency: String,
    /// What was paid, or authorised.
    pub amount: Decimal,
    /// When it was paid, if Brightpearl says.
    pub paid_at: Option<Timestamp>,
}

/// A refund of the store (BC §d.9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundFigures {
    /// Its id.
    pub id: u64,
    /// The order it gives money back for.
    pub order: StoreOrderId,
    /// Total with tax.
    pub total: Decimal,
    /// The payments it was made by.
    pub payments: Vec<RefundPayment>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl RefundFigures {
    /// The money that went back.
    #[must_use]
    pub fn paid_back(&self) -> Decimal {
        total(self.payments.iter().filter(|payment| !payment.declined).map(|payment| payment.amount))
    }
}

/// One payment of a refund (BC §d.9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundPayment {
    /// Its id.
    pub id: u64,
    /// How much.
    pub amount: Decimal,
    /// It did not go through.
    pub declined: bool,
}
