//! A sales order as it is written back.

use std::fmt;

use serde_json::Value;

use super::SalesOrder;
use crate::ids::ShippingMethodId;

/// Everything that Brightpearl lets be written of a sales order, in its own words: what is left out of a change is cleared (BP §e.5), so
/// that all of it goes back but for what is changed. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Writable(Box<Value>);

impl Writable {
    /// As it was read.
    #[must_use]
    pub fn new(order: Value) -> Self {
        Self(Box::new(order))
    }

    /// Where it is written.
    #[must_use]
    pub const fn expose(&self) -> &Value {
        &self.0
    }
}

impl fmt::Debug for Writable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writable(not shown)")
    }
}

/// A sales order that was read to be changed (BP §e.4, §e.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WholeSalesOrder {
    /// What it says.
    pub order: SalesOrder,
    /// How often it has changed: it is changed only while this is still so.
    pub version: u64,
    /// How it is carried, if it says.
    pub shipping_method: Option<ShippingMethodId>,
    /// The whole of it.
    pub writable: Writable,
}
