//! A tenant's rules, in the sections of its settings, checked when they are saved.
//!
//! Maps are lists of entries rather than tables, so that a settings file names each entry's line when something is wrong with it.

mod accounting;
mod against;
mod check;
mod check_orders;
mod compare;
mod customers;
mod defaults;
mod fulfilment;
mod identity;
mod items;
mod known_lists;
mod notes;
mod orders;
mod payments;
mod refunds;
mod status;
mod version;
mod warnings;
mod without_email;

use serde::{Deserialize, Serialize};

pub use accounting::{Discounts, RateDirection, TaxCodeEntry, TaxedAs, TaxesAndAccounts, Tenders};
pub use against::{List, NAMES};
pub use check::RuleProblem;
pub use compare::{RuleDifference, compare};
pub use customers::CustomerRules;
pub use defaults::{Choices, OrderDefaults};
pub use fulfilment::{Carrier, CarrierEntry, FulfilmentRules};
pub use identity::{IdentityRules, ProductField, StoreField};
pub use items::{ItemRules, UnknownProduct};
pub use known_lists::KnownLists;
pub use notes::{NoteRules, TextTarget};
pub use orders::{Allocation, OrderRules, PriceMode, ShippingMethodEntry, Unmapped};
pub use payments::{OfflineEntry, PaymentMethodEntry, PaymentRules};
pub use refunds::{RefundRules, Restock};
pub use status::{StatusRules, ToBrightpearlEntry, ToStoreEntry};
pub use version::{Author, Origin};
pub use without_email::{WithoutEmail, WithoutEmailTreatment};

/// All rules of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Store orders to sales orders, and statuses both ways.
    pub orders: OrderRules,
    /// Tax codes, nominal codes, tenders.
    pub taxes_and_accounts: TaxesAndAccounts,
    /// Notes to shipments.
    pub fulfilment: FulfilmentRules,
    /// What was paid to payments.
    pub payments: PaymentRules,
    /// The order's texts.
    pub notes: NoteRules,
    /// Order lines to products, customers to contacts.
    pub items_and_customers: ItemRules,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{SalesOrderStatusId, ShippingMethodId, StoreStatusId};

    #[test]
    fn every_problem_is_named_with_its_place() {
        let mut rules = Rules::default();
        rules.orders.create_statuses.insert(StoreStatusId(15));
        rules.orders.status.brightpearl = vec![ToBrightpearlEntry { store: StoreStatusId(11), brightpearl: SalesOrderStatusId(2) }; 2];
        rules.orders.settle_seconds = 3601;
        let paths: Vec<String> = rules.problems().into_iter().map(|problem| problem.path).collect();
        assert_eq!(paths, ["orders.create_statuses[3]", "orders.status.brightpearl[1]", "orders.settle_seconds"]);
        assert!(Rules::default().problems().is_empty());
    }

    #[test]
    fn rules_survive_their_stored_form() {
        let mut rules = Rules::default();
        rules.fulfilment.methods.push(CarrierEntry {
            brightpearl: ShippingMethodId(6),
            carrier: Carrier { provider: "royalmail".into(), carrier: String::new(), method: "Tracked 48".into() },
        });
        let stored = serde_json::to_string(&rules).unwrap();
        assert_eq!(serde_json::from_str::<Rules>(&stored).unwrap(), rules);
        assert!(serde_json::from_str::<Rules>(r#"{"ordres":{}}"#).is_err());
    }
}
