//! Which contact stands for a customer (BP §f).

use std::collections::BTreeSet;

use orderbridge_schema::command::NewContact;
use orderbridge_schema::decision::Remark;
use orderbridge_schema::facts::{Address, ContactMatch, CustomerField, StoreOrder};
use orderbridge_schema::ids::{ContactId, StoreCustomerId, StoreHash};
use orderbridge_schema::rules::{Rules, WithoutEmail, WithoutEmailTreatment};

/// Longest first or last name that Brightpearl takes (BP §f).
const NAME_CHARS_MAX: usize = 32;
/// What stands for something that was left empty.
const STAND_IN: &str = "-";

/// An e-mail address as it is compared and hashed: trimmed, lower case. Empty if there is none.
#[must_use]
pub fn normalise_email(email: &str) -> String {
    email.trim().to_lowercase()
}

/// The contact that stands for the customer: never staff or a supplier, primary contacts first, then the lowest id.
#[must_use]
pub fn choose_contact(matches: &[ContactMatch]) -> Option<&ContactMatch> {
    matches.iter().filter(|contact| !contact.staff && !contact.supplier).min_by_key(|contact| (!contact.primary, contact.id))
}

/// How the shopper of an order is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shopper {
    /// By an e-mail address, normalised.
    Email(String),
    /// By the store's number of the customer, since the address is missing or masked.
    Customer(StoreCustomerId),
    /// Not at all: this contact stands for them.
    Contact(ContactId),
    /// Not at all.
    Unknown,
}

impl Shopper {
    /// The shopper of an order.
    #[must_use]
    pub fn of(order: &StoreOrder, rules: &WithoutEmail) -> Self {
        let email = normalise_email(&order.billing.email);
        if !email.is_empty() && !rules.is_masked(&email) {
            return Self::Email(email);
        }
        match (rules.treatment, rules.contact) {
            (WithoutEmailTreatment::Held, _) => Self::Unknown,
            (WithoutEmailTreatment::ContactPerCustomer, _) if order.customer.0 != 0 => Self::Customer(order.customer),
            (WithoutEmailTreatment::Contact | WithoutEmailTreatment::ContactPerCustomer, chosen) => chosen.map_or(Self::Unknown, Self::Contact),
        }
    }

    /// What stands for them in our records, as its keyed hash: one text for one shopper, whatever order they place. None if nothing does.
    #[must_use]
    pub fn key(&self, store: &StoreHash) -> Option<String> {
        match self {
            Self::Email(email) => Some(email.clone()),
            // No e-mail address has blanks in it.
            Self::Customer(customer) => Some(format!("customer {customer} of store {store}")),
            Self::Contact(_) | Self::Unknown => None,
        }
    }
}

/// The account reference that a customer's contact is found by who has no e-mail address.
#[must_use]
pub fn customer_reference(store: &StoreHash, customer: StoreCustomerId) -> String {
    format!("BC-{store}-{customer}")
}

/// The names of the contact for a billing address, as Brightpearl takes them.
#[must_use]
pub fn contact_names(billing: &Address) -> (String, String) {
    (fitted_name(&billing.first_name), fitted_name(&billing.last_name))
}

/// What stands on the timeline where several contacts could have been chosen.
pub(crate) fn choice(matches: &[ContactMatch], chosen: ContactId) -> Option<Remark> {
    let customers = matches.iter().filter(|contact| !contact.staff && !contact.supplier);
    let mut ids: Vec<ContactId> = customers.map(|contact| contact.id).collect();
    ids.sort_unstable();
    let all = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let text = format!("contacts {all} could all be the customer's; {chosen} was chosen: primary contacts first, then the lowest id");
    (ids.len() > 1).then_some(Remark { key: "contact-chosen", text })
}

/// The contact to make for an order's customer, with names and lines that Brightpearl takes. The order itself carries the full address.
pub(crate) fn new_contact(order: &StoreOrder, store: &StoreHash, email_hash: &str, rules: &Rules) -> NewContact {
    let by_reference = match Shopper::of(order, &rules.orders.without_email) {
        Shopper::Customer(customer) => Some(customer_reference(store, customer)),
        Shopper::Email(_) | Shopper::Contact(_) | Shopper::Unknown => None,
    };
    let mut address = fitted(&order.billing);
    // A masked address leads to no person, and another order of the same customer may have another one.
    if by_reference.is_some() {
        address.email.clear();
    }
    let choices = rules.orders.choices(order.channel, &order.currency);
    NewContact {
        email_hash: email_hash.to_owned(),
        address,
        price_list: choices.price_list,
        lead_source: choices.lead_source,
        found_by_reference: by_reference.is_some(),
        reference: by_reference.or_else(|| (order.customer.0 != 0).then(|| format!("BC-{}", order.customer))),
    }
}

/// A billing address as a contact can have it.
pub(crate) fn fitted(billing: &Address) -> Address {
    Address {
        first_name: fitted_name(&billing.first_name),
        last_name: fitted_name(&billing.last_name),
        street_1: filled(&billing.street_1),
        postcode: filled(&billing.postcode),
        phone: filled(&billing.phone),
        email: billing.email.trim().to_owned(),
        ..billing.clone()
    }
}

/// What stands on the timeline where fields of a contact cannot be as the store has them.
pub(crate) fn adapted(billing: &Address, fields: &BTreeSet<CustomerField>) -> Option<Remark> {
    let names = [(CustomerField::FirstName, &billing.first_name), (CustomerField::LastName, &billing.last_name)];
    let names = names.into_iter().filter(|(field, _)| fields.contains(field));
    let mut told: Vec<String> = names.filter_map(|(field, name)| told_of_name(field, name)).collect();
    let rest = [
        (CustomerField::Phone, "telephone", &billing.phone),
        (CustomerField::Address, "street", &billing.street_1),
        (CustomerField::Address, "postcode", &billing.postcode),
    ];
    let missing = rest.into_iter().filter(|(field, _, text)| fields.contains(field) && text.trim().is_empty());
    told.extend(missing.map(|(_, what, _)| format!("\"{STAND_IN}\" stands for the missing {what}")));
    let text = || format!("on the contact, {}; the order's own addresses are complete", told.join(", "));
    (!told.is_empty()).then(|| Remark { key: "contact-adapted", text: text() })
}

fn told_of_name(field: CustomerField, name: &str) -> Option<String> {
    match name.trim().chars().count() {
        0 => Some(format!("\"{STAND_IN}\" stands for the missing {}", field.shown())),
        1..=NAME_CHARS_MAX => None,
        _ => Some(format!("the {} is cut to {NAME_CHARS_MAX} characters", field.shown())),
    }
}

fn fitted_name(name: &str) -> String {
    filled(&name.trim().chars().take(NAME_CHARS_MAX).collect::<String>())
}

/// A field that a contact needs and the shopper left empty.
fn filled(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() { STAND_IN.to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(id: u64, staff: bool, supplier: bool, primary: bool) -> ContactMatch {
        ContactMatch { id: ContactId(id), email: "a@example.com".into(), staff, supplier, primary }
    }

    #[test]
    fn primary_contacts_come_first_then_the_lowest_id() {
        let all = [contact(9, false, false, true), contact(3, false, false, false), contact(7, false, false, true)];
        assert_eq!(choose_contact(&all).unwrap().id, ContactId(7));
    }

    #[test]
    fn staff_and_suppliers_are_never_chosen() {
        assert!(choose_contact(&[contact(1, true, false, true), contact(2, false, true, true)]).is_none());
        assert!(choose_contact(&[]).is_none());
    }

    #[test]
    fn names_are_cut_by_characters_and_never_left_empty() {
        assert_eq!(fitted_name(&"\u{e9}".repeat(40)).chars().count(), 32);
        assert_eq!(fitted_name("  "), "-");
        assert_eq!(normalise_email("  Mara@Example.COM "), "mara@example.com");
    }
}
