//! How what was paid at the store is booked in Brightpearl.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{RefundRules, RuleProblem};
use crate::ids::StoreStatusId;

/// The highest of BigCommerce's fixed status ids (BC §d.6).
const LAST_STORE_STATUS: u64 = 14;
/// Longest code of a payment method that a payment can name (BP §i.1).
const METHOD_CHARS_MAX: usize = 36;
/// No authorization is good for longer than this.
const AUTHORIZATION_DAYS_MAX: u32 = 365;

/// How what was paid at the store is booked in Brightpearl.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PaymentRules {
    /// Whether payments are booked at all.
    pub enabled: bool,
    /// Whether authorizations are booked too, and captures as theirs. Without it a capture is a plain receipt.
    pub uncaptured: bool,
    /// For how many days an authorization is booked as good, 1 to 365.
    pub authorization_days: u32,
    /// The store's gateway or text to Brightpearl's payment method.
    pub methods: Vec<PaymentMethodEntry>,
    /// For everything without an entry, gift certificates and store credit included; without it such payments are held.
    pub default_method: Option<String>,
    /// Ways of payment outside the store, and when they count as paid.
    pub offline: Vec<OfflineEntry>,
    /// What was given back.
    pub refunds: RefundRules,
}

impl Default for PaymentRules {
    fn default() -> Self {
        Self {
            enabled: false,
            uncaptured: true,
            authorization_days: 7,
            methods: Vec::new(),
            default_method: None,
            offline: Vec::new(),
            refunds: RefundRules::default(),
        }
    }
}

impl PaymentRules {
    /// Brightpearl's payment method for a gateway and the texts that stand for the way of payment. Entries that name both come first,
    /// then the gateway, then the text.
    #[must_use]
    pub fn method(&self, gateway: &str, texts: &[&str]) -> Option<&str> {
        let text_fits = |named: &String| texts.iter().any(|text| same(named, text));
        let fits = |entry: &&PaymentMethodEntry| {
            let is_gateway = entry.gateway.as_ref().is_none_or(|named| same(named, gateway));
            is_gateway && entry.text.as_ref().is_none_or(text_fits)
        };
        let rank = |entry: &&PaymentMethodEntry| (entry.gateway.is_some(), entry.text.is_some());
        // The first of equals, as everywhere in maps.
        let entry = self.methods.iter().rev().filter(fits).max_by_key(rank);
        entry.map(|entry| entry.method.trim()).or_else(|| self.default_method.as_deref().map(str::trim))
    }

    /// Statuses in which an order paid outside the store counts as paid; none if it never does.
    #[must_use]
    pub fn offline_statuses(&self, texts: &[&str]) -> Option<&BTreeSet<StoreStatusId>> {
        let entry = self.offline.iter().find(|entry| texts.iter().any(|text| same(&entry.text, text)));
        entry.map(|entry| &entry.paid_statuses).filter(|statuses| !statuses.is_empty())
    }

    /// Everything wrong with these rules.
    pub(super) fn problems(&self) -> Vec<RuleProblem> {
        let mut found = Vec::new();
        let mut add = |path: String, message: &str| found.push(RuleProblem { path, message: message.to_owned() });
        if !(1..=AUTHORIZATION_DAYS_MAX).contains(&self.authorization_days) {
            add("payments.authorization_days".into(), "an authorization is good for 1 to 365 days");
        }
        let mut seen = BTreeSet::new();
        for (index, entry) in self.methods.iter().enumerate() {
            let place = format!("payments.methods[{index}]");
            if !seen.insert((entry.gateway.as_deref().map(plain), entry.text.as_deref().map(plain))) {
                add(place.clone(), "an earlier entry already says what happens here");
            }
            if entry.gateway.is_none() && entry.text.is_none() {
                add(place.clone(), "an entry must name a gateway, a text or both; what is for all others is `default_method`");
            }
            if !is_code(&entry.method) {
                add(format!("{place}.method"), "a payment method's code has 1 to 36 characters");
            }
        }
        if self.default_method.as_deref().is_some_and(|method| !is_code(method)) {
            add("payments.default_method".into(), "a payment method's code has 1 to 36 characters");
        }
        let mut seen = BTreeSet::new();
        for (index, entry) in self.offline.iter().enumerate() {
            if !seen.insert(plain(&entry.text)) {
                add(format!("payments.offline[{index}]"), "an earlier entry already says what happens here");
            }
            if entry.paid_statuses.iter().any(|status| status.0 > LAST_STORE_STATUS) {
                add(format!("payments.offline[{index}].paid_statuses"), "BigCommerce's order statuses are 0 to 14");
            }
        }
        found.extend(self.refunds.problems());
        found
    }
}

fn plain(text: &str) -> String {
    text.trim().to_lowercase()
}

fn same(one: &str, other: &str) -> bool {
    !other.trim().is_empty() && plain(one) == plain(other)
}

fn is_code(text: &str) -> bool {
    (1..=METHOD_CHARS_MAX).contains(&text.trim().chars().count())
}

/// One line of the map of payment methods. Case and outer blanks do not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaymentMethodEntry {
    /// The store's gateway, such as `stripe`; `giftcertificate` and `storecredit` for those. Any if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// What the shopper saw, such as "Bank Deposit", or the store's own kind, such as `credit_card`. Any if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Code of Brightpearl's payment method.
    pub method: String,
}

/// A way of payment outside the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfflineEntry {
    /// What the shopper saw, such as "Bank Deposit". Case and outer blanks do not count.
    pub text: String,
    /// The store's statuses that say it was paid; never if there are none.
    #[serde(default)]
    pub paid_statuses: BTreeSet<StoreStatusId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(gateway: Option<&str>, text: Option<&str>, method: &str) -> PaymentMethodEntry {
        PaymentMethodEntry { gateway: gateway.map(str::to_owned), text: text.map(str::to_owned), method: method.to_owned() }
    }

    #[test]
    fn gateway_and_text_come_before_the_gateway_before_the_text_before_the_default() {
        let mut rules = PaymentRules {
            methods: vec![
                entry(None, Some("Credit Card"), "CARD"),
                entry(Some("stripe"), None, "STRIPE"),
                entry(Some("STRIPE "), Some("Klarna"), "KLARNA"),
                entry(None, Some("credit_card"), "CARD2"),
            ],
            ..PaymentRules::default()
        };
        let both = ["Credit Card", "credit_card"];
        assert_eq!(rules.method("Stripe", &["klarna"]), Some("KLARNA"));
        assert_eq!(rules.method("stripe", &both), Some("STRIPE"));
        assert_eq!(rules.method("braintree", &both), Some("CARD"));
        assert_eq!(rules.method("braintree", &["credit_card"]), Some("CARD2"));
        assert_eq!(rules.method("", &["", "PayPal"]), None);
        rules.default_method = Some("OTHER".into());
        assert_eq!(rules.method("", &["", "PayPal"]), Some("OTHER"));
    }

    #[test]
    fn what_is_paid_outside_the_store_is_never_paid_unless_a_status_says_so() {
        let entry =
            |text: &str, statuses: &[u64]| OfflineEntry { text: text.into(), paid_statuses: statuses.iter().copied().map(StoreStatusId).collect() };
        let rules = PaymentRules { offline: vec![entry("Bank Deposit", &[11, 2]), entry("Cash", &[])], ..PaymentRules::default() };
        assert!(rules.offline_statuses(&["bank deposit "]).unwrap().contains(&StoreStatusId(11)));
        assert_eq!((rules.offline_statuses(&["Cash"]), rules.offline_statuses(&["", "Cheque"])), (None, None));
    }

    #[test]
    fn every_mistake_is_named_with_its_place() {
        let offline = |text: &str, status| OfflineEntry { text: text.into(), paid_statuses: [StoreStatusId(status)].into() };
        let rules = PaymentRules {
            authorization_days: 0,
            methods: vec![entry(Some("a"), None, ""), entry(Some(" A"), None, "M"), entry(None, None, "M")],
            default_method: Some("x".repeat(37)),
            offline: vec![offline("Cash", 15), offline("cash ", 2)],
            ..PaymentRules::default()
        };
        let places: Vec<String> = rules.problems().into_iter().map(|problem| problem.path).collect();
        let expected = [
            "payments.authorization_days",
            "payments.methods[0].method",
            "payments.methods[1]",
            "payments.methods[2]",
            "payments.default_method",
            "payments.offline[0].paid_statuses",
            "payments.offline[1]",
        ];
        assert_eq!(places, expected);
        assert!(PaymentRules::default().problems().is_empty());
    }
}
