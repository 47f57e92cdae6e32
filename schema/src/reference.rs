//! What a merchant's settings may name: the lists of both platforms, as they were read last (BP §j, BC §g).
//!
//! Read when a tenant is first worked on, then daily and when somebody asks for it. Rules are checked against it; effects take defaults
//! from it. An entry that is not in a list any more was deleted on the platform.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::ids::{
    ChannelId, ContactId, LeadSourceId, PriceListId, ProjectId, SalesOrderStatusId, ShippingMethodId, StoreChannelId, StoreStatusId, WarehouseId,
};

/// Both sides of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reference {
    /// The Brightpearl account's lists.
    pub account: AccountReference,
    /// The store's lists.
    pub store: StoreReference,
}

/// Something with an id and a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed<I> {
    /// Its id.
    pub id: I,
    /// As the merchant calls it.
    pub name: String,
}

/// A Brightpearl account's lists (BP §j).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountReference {
    /// The account's configuration by name (BP §i.3): base currency, default statuses, nominal codes and the like.
    pub configuration: BTreeMap<String, String>,
    /// Sales channels.
    pub channels: Vec<Listed<ChannelId>>,
    /// Warehouses.
    pub warehouses: Vec<Listed<WarehouseId>>,
    /// Statuses that a sales order may be given: neither hidden nor disabled.
    pub order_statuses: Vec<Listed<SalesOrderStatusId>>,
    /// Shipping methods.
    pub shipping_methods: Vec<Listed<ShippingMethodId>>,
    /// Price lists for selling.
    pub price_lists: Vec<Listed<PriceListId>>,
    /// Lead sources.
    pub lead_sources: Vec<Listed<LeadSourceId>>,
    /// Projects.
    pub projects: Vec<Listed<ProjectId>>,
    /// Members of staff, by contact. Their names are personal data and left out.
    pub staff: Vec<ContactId>,
    /// Tax codes.
    pub tax_codes: Vec<TaxCode>,
    /// Nominal codes.
    pub nominal_codes: Vec<NominalCode>,
    /// Payment methods.
    pub payment_methods: Vec<PaymentMethod>,
    /// Custom fields of sales orders.
    pub custom_fields: Vec<CustomField>,
    /// Currencies.
    pub currencies: Vec<AccountCurrency>,
}

/// A tax code (BP §i.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxCode {
    /// As the merchant calls it; what rows carry.
    pub code: String,
    /// What it is for.
    pub description: String,
    /// Per cent; Brightpearl leaves a zero out.
    pub rate: Decimal,
}

/// A nominal code (BP §i.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NominalCode {
    /// The code that rows carry.
    pub code: String,
    /// As the merchant calls it.
    pub name: String,
}

/// A payment method (BP §i.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentMethod {
    /// The code that payments carry.
    pub code: String,
    /// As the merchant calls it.
    pub name: String,
    /// Whether it may be used.
    pub active: bool,
    /// Currencies in which it has a bank account: in others a payment never becomes a journal (BP §i.1).
    pub currencies: Vec<String>,
}

/// A custom field of sales orders (BP §e.7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomField {
    /// `PCF_…`.
    pub code: String,
    /// As the merchant calls it.
    pub name: String,
    /// What it holds.
    pub kind: FieldKind,
    /// Of a selection, what can be chosen: the option's id and its text.
    #[serde(default)]
    pub options: BTreeMap<u64, String>,
}

/// What a custom field holds (BP §e.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldKind {
    /// A line of text.
    Text,
    /// Several lines of text.
    TextArea,
    /// Yes or no.
    YesNo,
    /// A whole number.
    Integer,
    /// A day.
    Date,
    /// One of its options.
    Select,
    /// A kind that this version does not know.
    Other,
}

impl FieldKind {
    /// The kind by Brightpearl's name, in any of its spellings.
    #[must_use]
    pub fn of(name: &str) -> Self {
        match name.to_lowercase().replace('_', "").as_str() {
            "text" => Self::Text,
            "textarea" => Self::TextArea,
            "yesno" => Self::YesNo,
            "integer" => Self::Integer,
            "date" => Self::Date,
            "select" => Self::Select,
            _ => Self::Other,
        }
    }
}

/// A currency of an account (BP §i.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountCurrency {
    /// ISO code.
    pub code: String,
    /// Brightpearl's present rate against the base currency, if it is above zero.
    pub rate: Option<Decimal>,
    /// Whether it is the base currency.
    pub is_base: bool,
}

impl AccountReference {
    /// A value of the account's configuration, if it has one that is not empty.
    #[must_use]
    pub fn configured(&self, name: &str) -> Option<&str> {
        self.configuration.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// The currency that the account keeps its books in.
    #[must_use]
    pub fn base_currency(&self) -> Option<&str> {
        self.configured("baseCurrencyCode")
            .or_else(|| self.currencies.iter().find(|currency| currency.is_base).map(|currency| currency.code.as_str()))
    }
}

/// A store's lists (BC §g).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StoreReference {
    /// The store's default currency.
    pub currency: String,
    /// Currencies.
    pub currencies: Vec<StoreCurrency>,
    /// Sales channels that are open; empty if the token may not list them.
    pub channels: Vec<Listed<StoreChannelId>>,
    /// Order statuses in the merchant's words.
    pub order_statuses: Vec<Listed<StoreStatusId>>,
    /// Names of tax classes; the default class may not be among them.
    pub tax_classes: Vec<String>,
    /// Codes and names of payment methods, as far as the store tells them.
    pub payment_methods: Vec<StorePaymentMethod>,
    /// Whether prices are entered with tax.
    pub prices_include_tax: bool,
}

/// A currency of a store (BC §g).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreCurrency {
    /// ISO code.
    pub code: String,
    /// Decimal places of its amounts.
    pub decimals: u32,
    /// Whether the store's prices are kept in it.
    pub is_default: bool,
    /// Whether shoppers can pay in it.
    pub is_transactional: bool,
}

/// A payment method of a store (BC §g).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorePaymentMethod {
    /// Its code, such as `bankdeposit`.
    pub code: String,
    /// As the shopper sees it.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_fields_are_known_in_every_spelling() {
        for (name, kind) in
            [("TEXT_AREA", FieldKind::TextArea), ("textarea", FieldKind::TextArea), ("YESNO", FieldKind::YesNo), ("x", FieldKind::Other)]
        {
            assert_eq!(FieldKind::of(name), kind);
        }
    }

    #[test]
    fn the_base_currency_is_configured_or_listed() {
        let mut account = AccountReference::default();
        assert_eq!(account.base_currency(), None);
        account.currencies = vec![AccountCurrency { code: "EUR".into(), rate: None, is_base: true }];
        assert_eq!(account.base_currency(), Some("EUR"));
        account.configuration.insert("baseCurrencyCode".into(), "GBP".into());
        assert_eq!(account.base_currency(), Some("GBP"));
    }
}
