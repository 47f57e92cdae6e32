//! What a store says of a customer, as keyed digests: they show that something changed, and nothing of what it was or is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Address;
use crate::ids::StoreOrderId;

/// What a store says of a customer, piece by piece: each is compared and carried by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CustomerField {
    /// First name.
    FirstName,
    /// Last name.
    LastName,
    /// Telephone.
    Phone,
    /// Company.
    Company,
    /// Billing address, as a whole.
    Address,
}

impl CustomerField {
    /// Every field.
    pub const ALL: [Self; 5] = [Self::FirstName, Self::LastName, Self::Phone, Self::Company, Self::Address];

    /// In plain words.
    #[must_use]
    pub const fn shown(self) -> &'static str {
        match self {
            Self::FirstName => "first name",
            Self::LastName => "last name",
            Self::Phone => "telephone",
            Self::Company => "company",
            Self::Address => "address",
        }
    }

    /// What a billing address says in this field; none if it says nothing. A shopper who leaves an optional field empty does not ask for
    /// what is known to be forgotten. A missing part of a name is something that is said, as long as there is a name at all.
    #[must_use]
    pub fn said(self, billing: &Address) -> Option<String> {
        let (first, last) = (billing.first_name.trim(), billing.last_name.trim());
        let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let named = |text: &str| (!first.is_empty() || !last.is_empty()).then(|| text.to_owned());
        match self {
            Self::FirstName => named(first),
            Self::LastName => named(last),
            Self::Phone => filled(&billing.phone),
            Self::Company => filled(&billing.company),
            Self::Address => {
                let place = [&billing.street_1, &billing.street_2, &billing.city, &billing.state, &billing.postcode];
                let is_said = place.iter().any(|part| !part.trim().is_empty());
                let all = place.into_iter().chain([&billing.country_iso2]);
                is_said.then(|| all.map(|part| part.trim()).collect::<Vec<_>>().join("\n"))
            }
        }
    }
}

/// A digest for each field that something is said in.
pub type CustomerDigests = BTreeMap<CustomerField, String>;

/// What an order of a store says of its customer, or said when it was last carried to Brightpearl.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaidOfCustomer {
    /// Keyed hash of the customer's e-mail address.
    pub email_hash: String,
    /// The order that says so: an older one never overrules it.
    pub order: StoreOrderId,
    /// What it says.
    pub digests: CustomerDigests,
}

/// What is known about an order's customer without asking Brightpearl.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerFact {
    /// What the order says now.
    pub now: SaidOfCustomer,
    /// What this store last sent; none if that was never anything.
    pub sent: Option<SaidOfCustomer>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_field_says_nothing_and_a_missing_part_of_a_name_does() {
        let said = |billing: &Address| CustomerField::ALL.map(|field| field.said(billing));
        assert_eq!(said(&Address { country_iso2: "GB".into(), ..Address::default() }), [None, None, None, None, None]);
        let one_word = Address { first_name: " Cher ".into(), phone: " ".into(), city: "Bath".into(), ..Address::default() };
        assert_eq!(said(&one_word), [Some("Cher".into()), Some(String::new()), None, None, Some("\n\nBath\n\n\n".into())]);
    }
}
