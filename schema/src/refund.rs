//! What becomes of a refund: remembered from the moment it is decided how it is booked until all of it is.
//!
//! A refund is booked in several steps, and the sales order may be shipped or invoiced between two of them. What was decided at first is
//! therefore kept, with the rows as they were and as they are to be: whoever goes on with it later sets the same values.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::ids::{ProductId, RefundId, SalesOrderId, SalesOrderRowId};

/// How a refund is booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefundWay {
    /// Nothing of it was shipped or invoiced: it comes off the sales order.
    Order,
    /// Nothing of the order was, and all of it is refunded: the sales order is cancelled.
    Cancel,
    /// What it refunds was shipped or invoiced: a sales credit stands for it.
    Credit,
}

impl RefundWay {
    /// In plain words, to follow "refund 3 …".
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Order => "comes off the sales order",
            Self::Cancel => "is of the whole order: the sales order is cancelled",
            Self::Credit => "is of goods that were shipped or invoiced: a sales credit stands for it",
        }
    }
}

/// A row of a sales order that pieces are taken off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowChange {
    /// The row.
    pub row: SalesOrderRowId,
    /// Its product.
    pub product: ProductId,
    /// How many there were.
    pub from: u32,
    /// How many are left; at 0 the row goes.
    pub to: u32,
    /// What is left without tax, in the minor unit.
    pub net: Decimal,
    /// Tax of what is left, in the minor unit.
    pub tax: Decimal,
}

/// A row of free text that makes up for what no product row tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtraRow {
    /// Name on the row; begins with [`ExtraRow::mark`], by which it is found again.
    pub name: String,
    /// Without tax, in the minor unit; below zero on a sales order.
    pub net: Decimal,
    /// Tax, likewise.
    pub tax: Decimal,
    /// Tax code, as the merchant calls it.
    pub tax_code: String,
    /// Nominal code; Brightpearl's own default if none.
    pub nominal_code: Option<String>,
}

impl ExtraRow {
    /// How the name of a refund's row begins.
    #[must_use]
    pub fn mark(refund: RefundId) -> String {
        format!("Refund {refund}:")
    }
}

/// What is remembered about a refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundMark {
    /// The store's refund.
    pub refund: RefundId,
    /// Brightpearl's order.
    pub sales_order: SalesOrderId,
    /// How it is booked.
    pub way: RefundWay,
    /// Rows that pieces come off.
    #[serde(default)]
    pub rows: Vec<RowChange>,
    /// The row that is added to the sales order.
    #[serde(default)]
    pub extra: Option<ExtraRow>,
    /// The sales credit that stands for it.
    #[serde(default)]
    pub credit: Option<SalesOrderId>,
    /// The note by which its goods came back into stock.
    #[serde(default)]
    pub goods_in: Option<u64>,
    /// All of it is booked.
    #[serde(default)]
    pub booked: bool,
}

/// Keys of the remarks that tell how a refund is booked and that it is. They are stored together with what is remembered of it.
pub const TOLD: [&str; 2] = ["refund-begun", "refund-booked"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_back_as_it_was_stored() {
        let row =
            RowChange { row: SalesOrderRowId(81001), product: ProductId(5001), from: 2, to: 1, net: "10.10".parse().unwrap(), tax: Decimal::ONE };
        let extra = ExtraRow { name: "Refund 3: delivery".into(), net: -Decimal::ONE, tax: Decimal::ZERO, tax_code: "T0".into(), nominal_code: None };
        let mark = RefundMark {
            refund: RefundId(3),
            sales_order: SalesOrderId(70001),
            way: RefundWay::Order,
            rows: vec![row],
            extra: Some(extra),
            credit: None,
            goods_in: None,
            booked: false,
        };
        let stored = serde_json::to_string(&mark).unwrap();
        assert_eq!(serde_json::from_str::<RefundMark>(&stored).unwrap(), mark);
    }
}
