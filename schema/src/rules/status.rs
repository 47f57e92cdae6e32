//! How statuses are carried, both ways.

use serde::{Deserialize, Serialize};

use crate::ids::{Platform, SalesOrderStatusId, StoreStatusId};

/// How statuses are carried, both ways.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StatusRules {
    /// Whether a change at the store is carried to Brightpearl after creation.
    pub to_brightpearl: bool,
    /// Store status to sales order status; also the first status of a new sales order.
    pub brightpearl: Vec<ToBrightpearlEntry>,
    /// For store statuses without an entry: none means the sales order is left as it is.
    pub brightpearl_default: Option<SalesOrderStatusId>,
    /// Whether a change in Brightpearl is carried to the store.
    pub to_store: bool,
    /// Sales order status to store status.
    pub store: Vec<ToStoreEntry>,
    /// For sales order statuses without an entry: none means the store's order is left as it is.
    pub store_default: Option<StoreStatusId>,
    /// Whose value stands when both changed since they last agreed.
    pub winner: Platform,
}

impl Default for StatusRules {
    fn default() -> Self {
        Self {
            to_brightpearl: true,
            brightpearl: Vec::new(),
            brightpearl_default: None,
            to_store: true,
            store: Vec::new(),
            store_default: None,
            winner: Platform::Brightpearl,
        }
    }
}

impl StatusRules {
    /// The sales order status for a store status.
    #[must_use]
    pub fn for_brightpearl(&self, status: StoreStatusId) -> Option<SalesOrderStatusId> {
        let entry = self.brightpearl.iter().find(|entry| entry.store == status);
        entry.map(|entry| entry.brightpearl).or(self.brightpearl_default)
    }

    /// The store status for a sales order status.
    #[must_use]
    pub fn for_store(&self, status: SalesOrderStatusId) -> Option<StoreStatusId> {
        let entry = self.store.iter().find(|entry| entry.brightpearl == status);
        entry.map(|entry| entry.store).or(self.store_default)
    }
}

/// One line of the map to Brightpearl.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToBrightpearlEntry {
    /// When the store says this,
    pub store: StoreStatusId,
    /// Brightpearl gets this.
    pub brightpearl: SalesOrderStatusId,
}

/// One line of the map to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToStoreEntry {
    /// When Brightpearl says this,
    pub brightpearl: SalesOrderStatusId,
    /// the store gets this.
    pub store: StoreStatusId,
}
