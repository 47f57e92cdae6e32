//! How a store order becomes a sales order.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::StatusRules;
use crate::ids::{ChannelId, LeadSourceId, PriceListId, ProjectId, ShippingMethodId, StoreStatusId, WarehouseId};

/// How a store order becomes a sales order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrderRules {
    /// Whether orders are created at all.
    pub enabled: bool,
    /// Store statuses in which an order is created; linked orders always go on syncing.
    pub create_statuses: BTreeSet<StoreStatusId>,
    /// Seconds an order must have been left alone before it is created, so that none is taken half written (BC §h 3).
    pub settle_seconds: u32,
    /// Sales channel in Brightpearl. Required before an order can be created.
    pub channel: Option<ChannelId>,
    /// Warehouse in Brightpearl. Required before an order can be created.
    pub warehouse: Option<WarehouseId>,
    /// Price list; the customer's own if none.
    pub price_list: Option<PriceListId>,
    /// Whether that list's prices include tax.
    pub price_mode: PriceMode,
    /// Lead source, if any.
    pub lead_source: Option<LeadSourceId>,
    /// Project, if any.
    pub project: Option<ProjectId>,
    /// Store's delivery text to Brightpearl's shipping method; case and outer blanks do not count.
    pub shipping_methods: Vec<ShippingMethodEntry>,
    /// For texts without an entry.
    pub default_shipping_method: Option<ShippingMethodId>,
    /// Statuses, both ways.
    pub status: StatusRules,
}

impl Default for OrderRules {
    fn default() -> Self {
        Self {
            enabled: true,
            create_statuses: [9, 10, 11].into_iter().map(StoreStatusId).collect(),
            settle_seconds: 30,
            channel: None,
            warehouse: None,
            price_list: None,
            price_mode: PriceMode::default(),
            lead_source: None,
            project: None,
            shipping_methods: Vec::new(),
            default_shipping_method: None,
            status: StatusRules::default(),
        }
    }
}

impl OrderRules {
    /// The shipping method for the store's delivery text.
    #[must_use]
    pub fn shipping_method(&self, text: &str) -> Option<ShippingMethodId> {
        let wanted = text.trim().to_lowercase();
        let entry = self.shipping_methods.iter().find(|entry| entry.store.trim().to_lowercase() == wanted);
        entry.map(|entry| entry.brightpearl).or(self.default_shipping_method)
    }
}

/// One line of the map from delivery text to shipping method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShippingMethodEntry {
    /// The store's text.
    pub store: String,
    /// Brightpearl's method.
    pub brightpearl: ShippingMethodId,
}

/// Whether an order's price list is with or without tax (BP §e.2, `priceModeCode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum PriceMode {
    /// With tax.
    #[serde(rename = "INC")]
    Inc,
    /// Without tax.
    #[default]
    #[serde(rename = "EXC")]
    Exc,
}
