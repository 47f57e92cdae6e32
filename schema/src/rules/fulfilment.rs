//! How a shipped note becomes a shipment.

use serde::{Deserialize, Serialize};

use crate::ids::ShippingMethodId;

/// How a shipped note becomes a shipment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FulfilmentRules {
    /// Whether shipments are made at all.
    pub enabled: bool,
    /// Brightpearl's shipping method to the store's carrier.
    pub methods: Vec<CarrierEntry>,
    /// For methods without an entry; without it the method's own name is passed through.
    pub default: Option<Carrier>,
}

impl Default for FulfilmentRules {
    fn default() -> Self {
        Self { enabled: true, methods: Vec::new(), default: None }
    }
}

impl FulfilmentRules {
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
