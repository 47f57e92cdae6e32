//! How a store order becomes a sales order.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{OrderDefaults, StatusRules, WithoutEmail};
use crate::ids::{
    ChannelId, ContactId, LeadSourceId, PriceListId, ProjectId, SalesOrderStatusId, ShippingMethodId, StoreChannelId, StoreStatusId, WarehouseId,
};

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
    /// Seconds after which an order that never comes to rest is created all the same; never less than `settle_seconds`.
    pub settle_max_seconds: u32,
    /// Channels of the store whose orders are created; all if empty.
    pub store_channels: BTreeSet<StoreChannelId>,
    /// Where orders must come from to be created (`order_source` or `external_source`, BC §d.2); anywhere if empty.
    pub sources: Vec<String>,
    /// Where orders come from that are left alone, such as marketplaces that Brightpearl imports from by itself.
    pub except_sources: Vec<String>,
    /// Orders placed before this are left alone, unless a person imports them.
    pub go_live: Option<Timestamp>,
    /// Whether orders of shoppers without an account are created.
    pub guests: bool,
    /// Whose contact stands for a shopper whose e-mail address is missing or masked.
    pub without_email: WithoutEmail,
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
    /// Member of staff who owns created sales orders, if any.
    pub staff_owner: Option<ContactId>,
    /// What differs for a channel of the store, a currency, or both.
    pub defaults: Vec<OrderDefaults>,
    /// Status of new sales orders where the status map has no entry; the account's own if none.
    pub new_order_status: Option<SalesOrderStatusId>,
    /// Store's delivery text to Brightpearl's shipping method; case and outer blanks do not count.
    pub shipping_methods: Vec<ShippingMethodEntry>,
    /// For texts without an entry.
    pub default_shipping_method: Option<ShippingMethodId>,
    /// What happens to texts for which there is neither.
    pub unmapped_shipping: Unmapped,
    /// Statuses, both ways.
    pub status: StatusRules,
    /// When stock is reserved for a new sales order, in its warehouse.
    pub allocation: Allocation,
    /// Whether edits at the store are carried to sales orders that are neither on their way nor invoiced. If not, each is held with the
    /// difference in words.
    pub edits: bool,
}

impl Default for OrderRules {
    fn default() -> Self {
        Self {
            enabled: true,
            create_statuses: [9, 10, 11].into_iter().map(StoreStatusId).collect(),
            settle_seconds: 30,
            settle_max_seconds: 600,
            store_channels: BTreeSet::new(),
            sources: Vec::new(),
            except_sources: Vec::new(),
            go_live: None,
            guests: true,
            without_email: WithoutEmail::default(),
            channel: None,
            warehouse: None,
            price_list: None,
            price_mode: PriceMode::default(),
            lead_source: None,
            project: None,
            staff_owner: None,
            defaults: Vec::new(),
            new_order_status: None,
            shipping_methods: Vec::new(),
            default_shipping_method: None,
            unmapped_shipping: Unmapped::default(),
            status: StatusRules::default(),
            allocation: Allocation::default(),
            edits: true,
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

    /// The longest that an order waits to come to rest, in seconds.
    #[must_use]
    pub fn settle_limit(&self) -> u32 {
        self.settle_max_seconds.max(self.settle_seconds)
    }

    /// The first status of a sales order that is made from an order in this status; the account's own if none. The default of new orders
    /// comes before the map's own, which is for changes.
    #[must_use]
    pub fn first_status(&self, store: StoreStatusId) -> Option<SalesOrderStatusId> {
        let entry = self.status.brightpearl.iter().find(|entry| entry.store == store);
        entry.map(|entry| entry.brightpearl).or(self.new_order_status).or(self.status.brightpearl_default)
    }

    /// Whether orders from there are to be created. Case and outer blanks do not count.
    #[must_use]
    pub fn takes_source(&self, source: &str, external_source: &str) -> bool {
        let names = |list: &[String]| {
            let is = |name: &String, source: &str| !source.trim().is_empty() && name.trim().eq_ignore_ascii_case(source.trim());
            list.iter().any(|name| is(name, source) || is(name, external_source))
        };
        !names(&self.except_sources) && (self.sources.is_empty() || names(&self.sources))
    }
}

/// When stock is reserved for a new sales order (BP §h.2). Merchants may leave it to Brightpearl's own automation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Allocation {
    /// Never by us.
    #[default]
    Off,
    /// As soon as the sales order is there.
    OnCreation,
    /// Once Brightpearl has it as paid, or as having nothing to pay.
    WhenPaid,
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

/// What happens to an order for which a map has no entry and no default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unmapped {
    /// It goes on without.
    #[default]
    None,
    /// It waits until the map is completed.
    Held,
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
