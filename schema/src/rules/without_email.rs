//! Whose contact stands for a shopper who cannot be found by e-mail.

use serde::{Deserialize, Serialize};

use crate::ids::ContactId;

/// Whose contact stands for a shopper whose e-mail address is missing (orders by phone) or masked (marketplaces).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WithoutEmail {
    /// What happens to their orders.
    pub treatment: WithoutEmailTreatment,
    /// The contact that stands for all of them; with a contact per customer, for guests, who are no customers of the store.
    pub contact: Option<ContactId>,
    /// Domains whose addresses lead to no person, such as a marketplace's relay; those below them are meant too.
    pub masked_domains: Vec<String>,
}

/// What happens to orders without an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WithoutEmailTreatment {
    /// They are held.
    #[default]
    Held,
    /// One chosen contact stands for all of them.
    Contact,
    /// Each customer of the store gets a contact, known by the store's number of the customer.
    ContactPerCustomer,
}

impl WithoutEmail {
    /// Whether an address leads to no person.
    #[must_use]
    pub fn is_masked(&self, email: &str) -> bool {
        let Some((_, domain)) = email.trim().rsplit_once('@') else { return false };
        let domain = domain.to_lowercase();
        let is_below = |masked: &String| {
            let masked = masked.trim().to_lowercase();
            domain == masked || domain.strip_suffix(&masked).is_some_and(|rest| rest.ends_with('.'))
        };
        self.masked_domains.iter().any(is_below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_domain_stands_for_those_below_it_and_for_no_other() {
        let rules = WithoutEmail { masked_domains: vec!["Marketplace.example.com".into()], ..WithoutEmail::default() };
        for masked in ["x@marketplace.example.com", " Y.z@MARKETPLACE.EXAMPLE.COM ", "x@uk.marketplace.example.com"] {
            assert!(rules.is_masked(masked), "{masked}");
        }
        for plain in ["", "x", "x@example.com", "x@mymarketplace.example.com", "marketplace.example.com"] {
            assert!(!rules.is_masked(plain), "{plain}");
        }
    }
}
