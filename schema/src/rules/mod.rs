//! A tenant's rules, checked when they are saved.
//!
//! Maps are lists of entries rather than tables, so that a settings file names each entry's line when something is wrong with it.

mod check;

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::ids::{ChannelId, LeadSourceId, Platform, PriceListId, ProjectId, SalesOrderStatusId, ShippingMethodId, StoreStatusId, WarehouseId};

pub use check::RuleProblem;

/// All rules of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Store orders to sales orders.
    pub orders: OrderRules,
    /// Tax codes, nominal codes, tenders.
    pub money: MoneyRules,
    /// Statuses, both ways.
    pub status: StatusRules,
    /// Notes to shipments.
    pub shipments: ShipmentRules,
}

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

/// How money is classed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MoneyRules {
    /// Which tax code a row gets; the most specific entry wins. Codes are the merchant's own words (BP §e.9).
    pub tax_codes: Vec<TaxCodeEntry>,
    /// For rows without a matching entry.
    pub default_tax_code: Option<String>,
    /// Nominal code of delivery rows.
    pub shipping_nominal_code: Option<String>,
    /// Nominal code of discount rows.
    pub discount_nominal_code: Option<String>,
    /// Nominal code of handling, wrapping and fee rows.
    pub fee_nominal_code: Option<String>,
    /// Whether the store's total is before or after gift certificates and store credit (UNCONFIRMED, BC §j.2).
    pub tenders: Tenders,
}

impl MoneyRules {
    /// The tax code for a store tax class and rate. Entries that name both come first, then class, then rate.
    #[must_use]
    pub fn tax_code(&self, class: &str, rate: Decimal) -> Option<&str> {
        let fits = |entry: &&TaxCodeEntry| {
            entry.class.as_ref().is_none_or(|named| named.trim().eq_ignore_ascii_case(class.trim())) && entry.rate.is_none_or(|named| named == rate)
        };
        let rank = |entry: &&TaxCodeEntry| (entry.class.is_some(), entry.rate.is_some());
        let entry = self.tax_codes.iter().filter(fits).max_by_key(rank);
        entry.map(|entry| entry.code.as_str()).or(self.default_tax_code.as_deref())
    }
}

/// One line of the tax map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxCodeEntry {
    /// Name of the store's tax class; any if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Rate in per cent, written as text, such as "20"; any if left out. "0" is a row without tax.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Decimal>,
    /// Brightpearl's tax code.
    pub code: String,
}

/// Whether the store's total already lacks what was paid by gift certificate or store credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tenders {
    /// Take the reading under which the lines add up.
    #[default]
    Detect,
    /// The total is before tenders.
    Included,
    /// The total is after tenders.
    Excluded,
}

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

/// How a shipped note becomes a shipment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShipmentRules {
    /// Whether shipments are made at all.
    pub enabled: bool,
    /// Brightpearl's shipping method to the store's carrier.
    pub methods: Vec<CarrierEntry>,
    /// For methods without an entry; without it the method's own name is passed through.
    pub default: Option<Carrier>,
}

impl Default for ShipmentRules {
    fn default() -> Self {
        Self { enabled: true, methods: Vec::new(), default: None }
    }
}

impl ShipmentRules {
    /// The carrier for a shipping method, if the map or its default has one.
    #[must_use]
    pub fn carrier(&self, method: Option<ShippingMethodId>) -> Option<&Carrier> {
        let entry = method.and_then(|method| self.methods.iter().find(|entry| entry.brightpearl == method));
        entry.map(|entry| &entry.carrier).or(self.default.as_ref())
    }
}

/// One line of the carrier map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarrierEntry {
    /// Brightpearl's shipping method.
    pub brightpearl: ShippingMethodId,
    /// What the store is told.
    #[serde(flatten)]
    pub carrier: Carrier,
}

/// What the store is told about who carries a shipment (BC §d.5).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Carrier {
    /// `shipping_provider`, such as `royalmail`; may be empty.
    pub provider: String,
    /// `tracking_carrier`, such as `dpd-uk`; may be empty.
    pub carrier: String,
    /// Text for the shopper.
    pub method: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_tax_entry_wins() {
        let entry = |class: Option<&str>, rate: Option<i64>, code: &str| TaxCodeEntry {
            class: class.map(str::to_owned),
            rate: rate.map(Decimal::from),
            code: code.to_owned(),
        };
        let rules = MoneyRules {
            tax_codes: vec![
                entry(None, Some(20), "T20"),
                entry(Some("Books"), None, "T0"),
                entry(Some("books "), Some(20), "B20"),
                entry(None, Some(0), "Z"),
            ],
            default_tax_code: Some("-".into()),
            ..MoneyRules::default()
        };
        assert_eq!(rules.tax_code("Default", Decimal::from(20)), Some("T20"));
        assert_eq!(rules.tax_code("BOOKS", Decimal::from(5)), Some("T0"));
        assert_eq!(rules.tax_code("Books", "20.0000".parse().unwrap()), Some("B20"));
        assert_eq!(rules.tax_code("Default", Decimal::ZERO), Some("Z"));
        assert_eq!(rules.tax_code("Default", Decimal::from(7)), Some("-"));
    }

    #[test]
    fn every_problem_is_named_with_its_place() {
        let mut rules = Rules::default();
        rules.orders.create_statuses.insert(StoreStatusId(15));
        rules.status.brightpearl = vec![ToBrightpearlEntry { store: StoreStatusId(11), brightpearl: SalesOrderStatusId(2) }; 2];
        rules.orders.settle_seconds = 3601;
        let paths: Vec<String> = rules.problems().into_iter().map(|problem| problem.path).collect();
        assert_eq!(paths, ["orders.create_statuses[3]", "status.brightpearl[1]", "orders.settle_seconds"]);
        assert!(Rules::default().problems().is_empty());
    }

    #[test]
    fn rules_survive_their_stored_form() {
        let mut rules = Rules::default();
        rules.shipments.methods.push(CarrierEntry {
            brightpearl: ShippingMethodId(6),
            carrier: Carrier { provider: "royalmail".into(), carrier: String::new(), method: "Tracked 48".into() },
        });
        let stored = serde_json::to_string(&rules).unwrap();
        assert_eq!(serde_json::from_str::<Rules>(&stored).unwrap(), rules);
        assert!(serde_json::from_str::<Rules>(r#"{"ordres":{}}"#).is_err());
    }
}
