//! Ids as distinct types, so that a sales order's id can never stand where a store order's is wanted.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be {rule}")]
pub struct InvalidId {
    /// The kind of id, in plain words.
    pub what: &'static str,
    /// What a valid one looks like.
    pub rule: &'static str,
}

macro_rules! number_ids {
    ($($(#[$doc:meta])* $name:ident = $what:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<u64> for $name {
            fn from(id: u64) -> Self {
                Self(id)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.parse().map(Self).map_err(|_cause| InvalidId { what: $what, rule: "a whole number" })
            }
        }
    )+};
}

number_ids! {
    /// An order of a BigCommerce store; the number the shopper sees (BC §d.2).
    StoreOrderId = "a store order id";
    /// One line of a store order, `order_product_id` to shipments and refunds (BC §d.3).
    OrderLineId = "an order line id";
    /// One delivery address of a store order (BC §d.4); 0 means none.
    OrderAddressId = "an order address id";
    /// A shipment of a store order (BC §d.5).
    ShipmentId = "a shipment id";
    /// A customer of a store; 0 is a guest (BC §d.2).
    StoreCustomerId = "a store customer id";
    /// A channel of a store; 1 is the default storefront (BC §d.2).
    StoreChannelId = "a store channel id";
    /// One of BigCommerce's fixed order statuses, 0 to 14 (BC §d.6).
    StoreStatusId = "a store status id";
    /// A payment record of a store order (BC §d.9).
    TransactionId = "a transaction id";
    /// A refund of a store order, unique in the store (BC §d.9).
    RefundId = "a refund id";
    /// A Brightpearl sales order (BP §e).
    SalesOrderId = "a sales order id";
    /// A row of a Brightpearl sales order (BP §e.4).
    SalesOrderRowId = "a sales order row id";
    /// A Brightpearl order status (BP §e.6).
    SalesOrderStatusId = "a sales order status id";
    /// A Brightpearl customer payment (BP §i.1).
    PaymentId = "a payment id";
    /// A Brightpearl contact (BP §f).
    ContactId = "a contact id";
    /// A Brightpearl postal address (BP §f).
    PostalAddressId = "a postal address id";
    /// A Brightpearl product; 1000 is what free-text rows get (BP §e.3).
    ProductId = "a product id";
    /// A Brightpearl warehouse (BP §h.1).
    WarehouseId = "a warehouse id";
    /// A Brightpearl sales channel (BP §j).
    ChannelId = "a channel id";
    /// A Brightpearl price list (BP §j).
    PriceListId = "a price list id";
    /// A Brightpearl lead source (BP §j).
    LeadSourceId = "a lead source id";
    /// A Brightpearl project (BP §j).
    ProjectId = "a project id";
    /// A Brightpearl shipping method (BP §h.5).
    ShippingMethodId = "a shipping method id";
    /// A goods-out or drop-ship note; the two number independently (BP §h.3, §h.4).
    NoteId = "a note id";
    /// Our installed integration instance in a Brightpearl account (BP §b.4).
    InstallationId = "an installation id";
}

macro_rules! text_ids {
    ($($(#[$doc:meta])* $name:ident = $what:literal, $max:literal, $rule:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks and wraps a text.
            ///
            /// # Errors
            /// [`InvalidId`] if it is empty, too long or has a character that such an id never has.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                let fits = !text.is_empty() && text.len() <= $max;
                let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
                if fits && text.chars().all(allowed) {
                    Ok(Self(text))
                } else {
                    Err(InvalidId { what: $what, rule: $rule })
                }
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    )+};
}

text_ids! {
    /// One merchant's pairing of one store with one Brightpearl account.
    TenantId = "a tenant id", 63, "1 to 63 letters, digits, - or _";
    /// The code of a Brightpearl account, as in `/public-api/{account}` (BP §a.1).
    AccountCode = "an account code", 63, "1 to 63 letters, digits, - or _";
    /// The hash that names a BigCommerce store in paths and in `producer` (BC §c).
    StoreHash = "a store hash", 63, "1 to 63 letters, digits, - or _";
    /// What stands in the path of a webhook; says which secrets verify it and nothing else.
    ConnectionId = "a connection id", 63, "1 to 63 letters, digits, - or _";
}

/// The two platforms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// The online store.
    Bigcommerce,
    /// The retail ERP.
    Brightpearl,
}

impl Platform {
    /// The lower-case name used in topics, metrics, labels and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bigcommerce => "bigcommerce",
            Self::Brightpearl => "brightpearl",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_id_refuses_what_could_break_a_path_or_a_key() {
        for bad in ["", "a b", "a/b", "a\u{e9}", &"x".repeat(64)] {
            assert!(TenantId::new(bad).is_err(), "{bad:?}");
        }
        assert_eq!(TenantId::new("acme-uk_2").unwrap().as_str(), "acme-uk_2");
    }

    #[test]
    fn a_text_id_is_checked_when_it_is_read_from_json() {
        assert!(serde_json::from_str::<StoreHash>("\"abc/../x\"").is_err());
        assert_eq!(serde_json::from_str::<StoreHash>("\"abc123\"").unwrap().as_str(), "abc123");
    }
}
