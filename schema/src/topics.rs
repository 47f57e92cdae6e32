//! The Kafka topics.

use serde::{Deserialize, Serialize};

/// A topic that events are published to, or the one for records that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Topic {
    /// Orders, their messages, refunds, transactions and metafields.
    #[serde(rename = "bigcommerce.orders.v1")]
    BigcommerceOrders,
    /// Shipments made, changed or deleted at the store.
    #[serde(rename = "bigcommerce.shipments.v1")]
    BigcommerceShipments,
    /// Customers and their addresses.
    #[serde(rename = "bigcommerce.customers.v1")]
    BigcommerceCustomers,
    /// Products, variants and their stock.
    #[serde(rename = "bigcommerce.products.v1")]
    BigcommerceProducts,
    /// The app, the store's profile and the hooks themselves.
    #[serde(rename = "bigcommerce.platform.v1")]
    BigcommercePlatform,
    /// Goods-out notes and drop-ship notes.
    #[serde(rename = "brightpearl.goods-out-notes.v1")]
    BrightpearlNotes,
    /// Orders and their status.
    #[serde(rename = "brightpearl.orders.v1")]
    BrightpearlOrders,
    /// Products and their stock.
    #[serde(rename = "brightpearl.products.v1")]
    BrightpearlProducts,
    /// Records that could not be read, with where they came from.
    #[serde(rename = "dead-letters.v1")]
    DeadLetters,
}

impl Topic {
    /// All topics, in a stable order.
    pub const ALL: [Self; 9] = [
        Self::BigcommerceOrders,
        Self::BigcommerceShipments,
        Self::BigcommerceCustomers,
        Self::BigcommerceProducts,
        Self::BigcommercePlatform,
        Self::BrightpearlNotes,
        Self::BrightpearlOrders,
        Self::BrightpearlProducts,
        Self::DeadLetters,
    ];

    /// The topics that intake reads: all but dead letters.
    pub fn events() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|&topic| topic != Self::DeadLetters)
    }

    /// Its name at the broker.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BigcommerceOrders => "bigcommerce.orders.v1",
            Self::BigcommerceShipments => "bigcommerce.shipments.v1",
            Self::BigcommerceCustomers => "bigcommerce.customers.v1",
            Self::BigcommerceProducts => "bigcommerce.products.v1",
            Self::BigcommercePlatform => "bigcommerce.platform.v1",
            Self::BrightpearlNotes => "brightpearl.goods-out-notes.v1",
            Self::BrightpearlOrders => "brightpearl.orders.v1",
            Self::BrightpearlProducts => "brightpearl.products.v1",
            Self::DeadLetters => "dead-letters.v1",
        }
    }

    /// The topic of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.name() == name)
    }
}

impl std::fmt::Display for Topic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
