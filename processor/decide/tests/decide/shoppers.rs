//! Shoppers whose e-mail address is missing or masked.

use orderbridge_decide::{ContactFact, Need, Shopper};
use orderbridge_schema::command::{Command, NewContact};
use orderbridge_schema::decision::{Cause, Effect};
use orderbridge_schema::facts::ContactMatch;
use orderbridge_schema::ids::{ContactId, StoreCustomerId, StoreHash};
use orderbridge_schema::rules::WithoutEmailTreatment;

use crate::case::Case;

fn treated(email: &str, customer: u64, treatment: WithoutEmailTreatment, contact: Option<u64>) -> Case {
    let mut case = Case::new();
    case.order().billing.email = email.into();
    case.order().customer = StoreCustomerId(customer);
    let rules = &mut case.rules.orders.without_email;
    (rules.treatment, rules.contact) = (treatment, contact.map(ContactId));
    rules.masked_domains = vec!["marketplace.example.com".into()];
    case.full.contact = Some(ContactFact::Found { email_hash: "c0ffee".into(), matches: Vec::new() });
    case
}

fn asks_for_contact(case: &Case) -> bool {
    case.run().rounds.iter().flatten().any(|need| *need == Need::Contact)
}

fn new_contact(case: &Case) -> NewContact {
    match case.command() {
        Command::CreateContact(contact) => *contact,
        other => panic!("no contact: {other:?}"),
    }
}

#[test]
fn without_a_choice_they_are_held_and_nothing_is_searched_for() {
    for email in ["", "x1y2@marketplace.example.com"] {
        let case = treated(email, 7, WithoutEmailTreatment::Held, Some(300));
        assert_eq!(case.held(Effect::Creation), [Cause::NoEmail]);
        assert!(!asks_for_contact(&case));
    }
}

#[test]
fn one_chosen_contact_stands_for_all_of_them_without_a_search() {
    for (email, customer) in [("", 0), ("x1y2@uk.marketplace.example.com", 7)] {
        let case = treated(email, customer, WithoutEmailTreatment::Contact, Some(555));
        assert_eq!(case.created_order().contact, ContactId(555));
        assert!(!asks_for_contact(&case));
    }
}

#[test]
fn who_has_an_address_of_their_own_is_found_by_it_as_ever() {
    let case = treated("ada@example.com", 7, WithoutEmailTreatment::Contact, Some(555));
    assert!(asks_for_contact(&case));
    let contact = new_contact(&case);
    assert_eq!((contact.address.email.as_str(), contact.found_by_reference), ("ada@example.com", false));
}

#[test]
fn a_customer_gets_a_contact_that_is_found_by_the_stores_number_of_them() {
    let mut case = treated("x1y2@marketplace.example.com", 7, WithoutEmailTreatment::ContactPerCustomer, None);
    let contact = new_contact(&case);
    assert_eq!((contact.reference.as_deref(), contact.found_by_reference), (Some("BC-store7-7"), true));
    assert_eq!(contact.address.email, "", "a masked address leads to no person");
    let found = ContactMatch { id: ContactId(12), email: String::new(), staff: false, supplier: false, primary: true };
    case.full.contact = Some(ContactFact::Found { email_hash: "c0ffee".into(), matches: vec![found] });
    let order = case.created_order();
    assert_eq!((order.contact, order.billing.email.as_str()), (ContactId(12), "x1y2@marketplace.example.com"), "the order keeps what the store says");
}

#[test]
fn a_guest_is_no_customer_and_takes_the_chosen_contact_or_waits() {
    assert_eq!(treated("", 0, WithoutEmailTreatment::ContactPerCustomer, None).held(Effect::Creation), [Cause::NoEmail]);
    assert_eq!(treated("", 0, WithoutEmailTreatment::ContactPerCustomer, Some(555)).created_order().contact, ContactId(555));
}

#[test]
fn one_customer_has_one_key_whatever_the_order_says_and_another_store_another() {
    let key = |email: &str, store: &str| {
        let mut case = treated(email, 7, WithoutEmailTreatment::ContactPerCustomer, None);
        let rules = case.rules.orders.without_email.clone();
        Shopper::of(case.order(), &rules).key(&StoreHash::new(store).unwrap()).unwrap()
    };
    assert_eq!(key("", "store7"), key("z@marketplace.example.com", "store7"));
    assert_ne!(key("", "store7"), key("", "store8"));
    assert_eq!(key(" Ada@Example.com", "store7"), "ada@example.com");
}
