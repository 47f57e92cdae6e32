//! What a command writes that brings a sales order into step with its store order.

use crate::command::NewRow;
use crate::edit::Contents;
use crate::facts::{Address, Writable};
use crate::ids::{SalesOrderId, SalesOrderRowId, ShippingMethodId, StoreOrderId};

/// How many differences are told one by one.
const TOLD: usize = 12;

/// A sales order to be changed where it differs from its store order, and nowhere else (BP §e.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SalesOrderEdit {
    /// The store's order.
    pub order: StoreOrderId,
    /// Brightpearl's order.
    pub sales_order: SalesOrderId,
    /// The version that was read: another one by then, and nothing is changed.
    pub version: u64,
    /// All of it as it was read.
    pub writable: Writable,
    /// Decimals of amounts in its currency.
    pub decimals: u32,
    /// Rows to be given another quantity, amounts and tax code.
    pub changed: Vec<(SalesOrderRowId, NewRow)>,
    /// Rows to be made.
    pub added: Vec<NewRow>,
    /// Rows to be taken away, with their components.
    pub removed: Vec<SalesOrderRowId>,
    /// Our keys of the rows that are ours, which Brightpearl may not give back when it is read.
    pub keys: Vec<(SalesOrderRowId, String)>,
    /// Billing address, if it is another one.
    pub billing: Option<Address>,
    /// Delivery address, if it is another one.
    pub delivery: Option<Address>,
    /// How it is carried, if that is another way; none for no method.
    pub shipping_method: Option<Option<ShippingMethodId>>,
    /// What the store's order says, by its digests.
    pub contents: Contents,
    /// The differences, in words without personal data.
    pub words: Vec<String>,
}

impl SalesOrderEdit {
    pub(super) fn describe(&self) -> String {
        format!("bring sales order {} into step with the store: {}", self.sales_order, in_words(&self.words))
    }

    /// What it would write, but for addresses.
    pub(super) fn content(&self) -> String {
        format!("{}|{}|{:?}|{:?}|{:?}|{:?}", self.sales_order, self.version, self.changed, self.added, self.removed, self.shipping_method)
    }

    pub(super) fn addresses(&self) -> Vec<&Address> {
        self.billing.iter().chain(&self.delivery).collect()
    }
}

/// Differences one after the other, the first dozen in full.
#[must_use]
pub fn in_words(differences: &[String]) -> String {
    let more = differences.len().checked_sub(TOLD).filter(|more| *more > 0).map(|more| format!("; and {more} more")).unwrap_or_default();
    let told: Vec<&str> = differences.iter().take(TOLD).map(String::as_str).collect();
    format!("{}{more}", told.join("; "))
}
