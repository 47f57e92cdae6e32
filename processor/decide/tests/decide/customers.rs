use std::collections::{BTreeMap, BTreeSet};

use orderbridge_decide::{ContactFact, Need};
use orderbridge_schema::command::{Command, ContactAddress, ContactUpdate};
use orderbridge_schema::decision::{Cause, Effect, Hold};
use orderbridge_schema::facts::{Address, AddressRole, ContactDetails, ContactMatch, CustomerFact, CustomerField, SaidOfCustomer};
use orderbridge_schema::ids::{ContactId, PostalAddressId, StoreOrderId};
use orderbridge_schema::work::Aspects;

use crate::case::{Case, remark_keys};
use crate::facts::ORDER;

const CONTACT: ContactId = ContactId(300);

/// What an order says, with the texts themselves for digests.
fn said(order: StoreOrderId, billing: &Address) -> SaidOfCustomer {
    let digests = CustomerField::ALL.into_iter().filter_map(|field| Some((field, field.said(billing)?))).collect();
    SaidOfCustomer { email_hash: "c0ffee".into(), order, digests }
}

/// A linked order of a customer whose contact is as the store had it, before the store's order was changed like this.
fn changed(change: impl FnOnce(&mut Address)) -> Case {
    let mut case = Case::linked();
    case.order().billing.phone = "0117 1".into();
    let before = case.order().billing.clone();
    let addresses = AddressRole::ALL.map(|role| (role, PostalAddressId(91)));
    let details = ContactDetails { id: CONTACT, billing: before.clone(), addresses: addresses.into() };
    case.full.contacts = BTreeMap::from([(CONTACT, Some(details))]);
    change(&mut case.order().billing);
    let now = said(ORDER, &case.order().billing.clone());
    case.full.customer = Some(CustomerFact { sent: Some(said(ORDER, &before)), now });
    case
}

fn details(case: &mut Case) -> &mut ContactDetails {
    case.full.contacts.get_mut(&CONTACT).unwrap().as_mut().unwrap()
}

fn update(case: &Case) -> ContactUpdate {
    match case.command() {
        Command::UpdateContact(update) => *update,
        other => panic!("no update: {other:?}"),
    }
}

fn address(case: &Case) -> ContactAddress {
    match case.command() {
        Command::SetContactAddress(new) => *new,
        other => panic!("no address: {other:?}"),
    }
}

fn asks_brightpearl(case: &Case) -> bool {
    case.run().rounds.into_iter().flatten().any(|need| matches!(need, Need::Contact | Need::ContactDetails(_)))
}

#[test]
fn nothing_is_read_or_written_while_the_store_says_what_it_said() {
    let case = changed(|_| ());
    let decision = case.decision();
    assert!(decision.commands.is_empty() && decision.customer.is_none() && !asks_brightpearl(&case));
    // An optional field that was left empty this time says nothing.
    let case = changed(|billing| billing.phone = " ".into());
    assert!(case.decision().commands.is_empty() && !asks_brightpearl(&case));
}

#[test]
fn only_what_the_store_changed_is_written_and_staff_corrections_stay() {
    let mut case = changed(|billing| billing.phone = "0117 2".into());
    details(&mut case).billing.last_name = "Byron-King".into();
    details(&mut case).billing.street_1 = "1b Test Street".into();
    let update = update(&case);
    assert_eq!((update.contact, update.fields.clone()), (CONTACT, BTreeSet::from([CustomerField::Phone])));
    assert_eq!((update.value(CustomerField::Phone), update.value(CustomerField::LastName)), (Some("0117 2"), None));
    assert_eq!(update.said.digests, BTreeMap::from([(CustomerField::Phone, "0117 2".to_owned())]));

    // A correction by staff alone is none of the store's changes.
    let mut case = changed(|_| ());
    details(&mut case).billing.phone = "0117 9".into();
    assert!(case.decision().commands.is_empty());
}

#[test]
fn what_the_contact_has_already_is_only_remembered() {
    let mut case = changed(|billing| billing.phone = "0117 2".into());
    details(&mut case).billing.phone = " 0117 2".into();
    let decision = case.decision();
    assert!(decision.commands.is_empty());
    assert_eq!(decision.customer.unwrap().digests.into_keys().collect::<Vec<_>>(), [CustomerField::Phone]);
}

#[test]
fn a_new_address_takes_the_place_of_the_former_one_and_of_no_other() {
    let mut case = changed(|billing| billing.street_1 = "9 New Street".into());
    assert_eq!(address(&case).roles, AddressRole::ALL.into());
    details(&mut case).addresses.insert(AddressRole::Delivery, PostalAddressId(92));
    let new = address(&case);
    assert_eq!(new.roles, [AddressRole::Default, AddressRole::Billing].into());
    assert_eq!((new.address.street_1.as_str(), new.said.digests.len()), ("9 New Street", 1));
}

#[test]
fn names_and_address_are_two_commands_each_with_its_own_part() {
    let case = changed(|billing| {
        billing.first_name = "Grace".into();
        billing.city = "Bath".into();
    });
    let commands = case.decision().commands;
    let [Command::UpdateContact(update), Command::SetContactAddress(new)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!(update.said.digests.keys().collect::<Vec<_>>(), [&CustomerField::FirstName]);
    assert_eq!(new.said.digests.keys().collect::<Vec<_>>(), [&CustomerField::Address]);
}

#[test]
fn a_company_is_told_of_since_nothing_can_write_it() {
    let case = changed(|billing| billing.company = "Engines Ltd".into());
    let decision = case.decision();
    assert_eq!((decision.commands.len(), remark_keys(&decision)), (0, vec!["company-not-carried"]));
    assert!(!decision.remarks[0].text.contains("Engines") && decision.customer.is_some());
}

#[test]
fn the_first_order_of_a_known_contact_is_only_remembered() {
    let mut case = changed(|billing| billing.phone = "0117 2".into());
    case.full.customer.as_mut().unwrap().sent = None;
    let decision = case.decision();
    assert!(decision.commands.is_empty() && !asks_brightpearl(&case));
    assert_eq!(decision.customer, Some(case.full.customer.unwrap().now));
}

#[test]
fn an_older_order_never_overrules_a_newer_one() {
    let mut case = changed(|billing| billing.phone = "0117 2".into());
    case.full.customer.as_mut().unwrap().sent.as_mut().unwrap().order = StoreOrderId(ORDER.0 + 1);
    assert!(case.decision().commands.is_empty() && !asks_brightpearl(&case));
}

#[test]
fn updates_can_be_switched_off_and_need_a_change_at_the_store() {
    let mut case = changed(|billing| billing.phone = "0117 2".into());
    assert!(case.clone().with_aspects(Aspects::SALES_ORDER).decision().commands.is_empty());
    case.rules.items_and_customers.customers.update = false;
    assert!(case.decision().commands.is_empty());
}

#[test]
fn a_contact_that_is_gone_stops_nothing() {
    let mut case = changed(|billing| billing.phone = "0117 2".into());
    case.full.contacts.insert(CONTACT, None);
    let decision = case.decision();
    assert_eq!((decision.commands.len(), decision.holds.len(), remark_keys(&decision)), (0, 0, vec!["contact-gone"]));
}

#[test]
fn other_effects_come_first_and_a_refusal_of_one_does_not_stop_the_other() {
    let mut case = changed(|billing| billing.phone = "0117 2".into());
    case.order().external_order_id = String::new();
    let reference = case.command();
    assert!(matches!(reference, Command::SetExternalOrderId { .. }), "{reference:?}");
    let hold = |effect| Hold { effect, cause: Cause::Refused("x".into()), why: "no".into(), remedy: "yes".into() };
    case.full.refused.insert(reference.name(), hold(Effect::Verification));
    assert_eq!(update(&case).contact, CONTACT);
    case.full.refused.insert(Command::UpdateContact(Box::new(update(&case))).name(), hold(Effect::Customer));
    let held: Vec<Effect> = case.decision().holds.into_iter().map(|hold| hold.effect).collect();
    assert_eq!(held, [Effect::Verification, Effect::Customer]);
}

fn contact(id: u64, staff: bool, primary: bool) -> ContactMatch {
    ContactMatch { id: ContactId(id), email: "ada@example.com".into(), staff, supplier: false, primary }
}

fn found(matches: Vec<ContactMatch>) -> Case {
    let mut case = Case::new();
    case.full.contact = Some(ContactFact::Found { email_hash: "c0ffee".into(), matches });
    case
}

#[test]
fn a_choice_among_several_contacts_is_told() {
    let decision = found(vec![contact(12, false, true), contact(9, false, false), contact(7, true, true)]).decision();
    assert_eq!(remark_keys(&decision), ["contact-chosen"]);
    assert!(decision.remarks[0].text.contains("9, 12") && decision.remarks[0].text.contains("12 was chosen"), "{}", decision.remarks[0].text);
    assert!(remark_keys(&found(vec![contact(12, false, true), contact(7, true, true)]).decision()).is_empty(), "staff is no choice");
}

#[test]
fn without_automatic_contacts_an_unknown_customer_waits() {
    let mut case = found(Vec::new());
    case.rules.items_and_customers.customers.auto_create = false;
    assert_eq!(case.held(Effect::Creation), [Cause::UnknownContact("c0ffee".into())]);
    case.full.contact = found(vec![contact(9, false, false)]).full.contact;
    assert_eq!(case.created_order().contact, ContactId(9));
}

#[test]
fn what_does_not_fit_a_contact_is_adapted_told_and_in_full_on_the_order() {
    let long = "Wolfeschlegelsteinhausenbergerdorff-Senior";
    let mut case = found(Vec::new());
    (case.order().billing.first_name, case.order().billing.last_name, case.order().billing.postcode) = (long.into(), " ".into(), String::new());
    let decision = case.decision();
    let Command::CreateContact(new) = &decision.commands[0] else { panic!("{decision:?}") };
    let made = &new.address;
    assert_eq!((made.first_name.chars().count(), made.last_name.as_str(), made.phone.as_str(), made.postcode.as_str()), (32, "-", "-", "-"));
    assert_eq!(remark_keys(&decision), ["contact-adapted"]);
    for word in ["first name is cut", "missing last name", "missing telephone", "missing postcode"] {
        assert!(decision.remarks[0].text.contains(word), "{}", decision.remarks[0].text);
    }
    assert!(!decision.remarks[0].text.contains("Wolfe"));
    case.full.contact = Some(ContactFact::Linked(ContactId(9)));
    assert_eq!(case.created_order().billing.first_name, long);
}
