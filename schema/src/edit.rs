//! What was in step last between a store's order and its sales order, by which an edit at the store is known for one; and what of an
//! order is missing.

use std::fmt;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::ids::{InvalidId, ProductId, SalesOrderId, SalesOrderRowId};
use crate::link::RowLink;
use crate::order_text::TextDigest;

/// Keyed digests of what of a store's order its sales order is made from. They tell nothing about the order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contents {
    /// The order's own amounts.
    pub amounts: TextDigest,
    /// Its lines: what, how many, at which price.
    pub lines: TextDigest,
    /// The billing address.
    pub billing: TextDigest,
    /// The delivery address.
    pub delivery: TextDigest,
    /// The store's text for how it is carried.
    pub shipping: TextDigest,
}

/// A row of a sales order that stands for something of the store's order, as both sides had it when they were in step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnedRow {
    /// Brightpearl's row.
    pub row: SalesOrderRowId,
    /// Our key of what it stands for.
    pub key: String,
    /// Product on it; 1000 for free text.
    pub product: ProductId,
    /// How many.
    pub quantity: u32,
    /// Without tax.
    pub net: Decimal,
    /// Tax.
    pub tax: Decimal,
}

/// What a sales order and its store order had in common when they were in step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InStep {
    /// Brightpearl's order.
    pub sales_order: SalesOrderId,
    /// When the store's order had changed last then, by the store's clock: while it says the same, nothing was edited. A moment earlier
    /// where it was read so soon after that it may have changed once more within the same second.
    pub seen_at: Timestamp,
    /// What the store's order said.
    pub contents: Contents,
    /// The rows that are ours. All others are somebody else's.
    pub rows: Vec<OwnedRow>,
}

/// Both sides are in step now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NowInStep {
    /// What is to be remembered.
    pub mark: InStep,
    /// The rows of the store's lines, which take the place of those that are linked; none if they are the same.
    pub row_links: Option<Vec<RowLink>>,
}

/// What of a linked order can be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Missing {
    /// The store's order is archived, which is how BigCommerce deletes.
    Archived,
    /// The store has no such order.
    StoreOrder,
    /// Brightpearl has no such sales order.
    SalesOrder(SalesOrderId),
}

impl Missing {
    /// Name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Archived => "archived",
            Self::StoreOrder => "store-order",
            Self::SalesOrder(_) => "sales-order",
        }
    }

    /// The sales order, if it is one.
    #[must_use]
    pub const fn sales_order(self) -> Option<SalesOrderId> {
        match self {
            Self::SalesOrder(id) => Some(id),
            Self::Archived | Self::StoreOrder => None,
        }
    }

    /// From its name and, for a sales order, its id.
    ///
    /// # Errors
    /// [`InvalidId`] for any other name, or a sales order without an id.
    pub fn stored(name: &str, sales_order: Option<SalesOrderId>) -> Result<Self, InvalidId> {
        match (name, sales_order) {
            ("archived", _) => Ok(Self::Archived),
            ("store-order", _) => Ok(Self::StoreOrder),
            ("sales-order", Some(id)) => Ok(Self::SalesOrder(id)),
            _ => Err(InvalidId { what: "something missing", rule: "archived, store-order or sales-order" }),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Archived => f.write_str("the order is archived at the store"),
            Self::StoreOrder => f.write_str("the store has no such order any more"),
            Self::SalesOrder(id) => write!(f, "sales order {id} is not in Brightpearl any more"),
        }
    }
}

/// Something of a linked order that was not there when it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Absence {
    /// What.
    pub what: Missing,
    /// When it was missed first.
    pub since: Timestamp,
    /// When it counted as gone, if it does: nothing is done about the order any more.
    pub gone_at: Option<Timestamp>,
}
