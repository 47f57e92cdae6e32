//! What a store changed about a customer is changed on the contact; what staff corrected in Brightpearl stays.

use std::collections::BTreeSet;

use orderbridge_schema::command::{Command, ContactAddress, ContactUpdate};
use orderbridge_schema::decision::{Decision, Effect, Remark};
use orderbridge_schema::facts::{Address, AddressRole, ContactDetails, CustomerFact, CustomerField, SaidOfCustomer, StoreOrder};
use orderbridge_schema::ids::ContactId;
use orderbridge_schema::work::Aspects;

use crate::contact::{adapted, choose_contact, fitted};
use crate::facts::{Ask, ContactFact, Context, Need, OrderFacts, known};

/// Decides about the contact of an order that has its sales order. Nothing else waits for this.
///
/// What the store says now is compared with what it had carried last, not with the contact: a difference to the contact alone is a
/// correction by staff. The first order of a contact that nothing was ever carried to is only remembered, for the same reason.
pub(crate) fn decide_customer(ctx: &Context<'_>, facts: &OrderFacts) -> Ask<Decision> {
    let (Some(Some(order)), Some(customer)) = (&facts.store_order, &facts.customer) else { return Ok(Decision::default()) };
    if !ctx.rules.items_and_customers.customers.update || order.deleted || !facts.looks_at(Aspects::STORE_ORDER) {
        return Ok(Decision::default());
    }
    let changed = match news(customer) {
        News::Nothing => return Ok(Decision::default()),
        News::First => return Ok(remembered(customer.now.clone())),
        News::Changed(changed) => changed,
    };
    let Some(contact) = contact(facts)? else { return Ok(Decision::default()) };
    Ok(match known(facts.contacts.get(&contact), Need::ContactDetails(contact))? {
        Some(details) => carried(order, customer, &changed, details),
        None => gone(customer, contact),
    })
}

impl OrderFacts {
    /// From now on this was carried of what the store says of the customer.
    pub fn carried_of_customer(&mut self, said: &SaidOfCustomer) {
        let Some(customer) = &mut self.customer else { return };
        let sent = customer.sent.get_or_insert_with(|| said.clone());
        sent.order = sent.order.max(said.order);
        sent.digests.extend(said.digests.iter().map(|(field, digest)| (*field, digest.clone())));
    }
}

enum News {
    /// The store says what it said before, or this order is older than what was carried.
    Nothing,
    /// Nothing was ever carried for this customer.
    First,
    /// These fields differ from what was carried last.
    Changed(BTreeSet<CustomerField>),
}

fn news(customer: &CustomerFact) -> News {
    let Some(sent) = &customer.sent else { return News::First };
    if customer.now.order < sent.order {
        return News::Nothing;
    }
    let differs = |field: &&CustomerField| customer.now.digests.get(field).is_some_and(|said| sent.digests.get(field) != Some(said));
    let changed: BTreeSet<CustomerField> = CustomerField::ALL.iter().filter(differs).copied().collect();
    if changed.is_empty() { News::Nothing } else { News::Changed(changed) }
}

fn contact(facts: &OrderFacts) -> Ask<Option<ContactId>> {
    Ok(match known(facts.contact.as_ref(), Need::Contact)? {
        ContactFact::Linked(contact) => Some(*contact),
        ContactFact::Found { matches, .. } => choose_contact(matches).map(|contact| contact.id),
    })
}

/// Commands for what the contact does not have yet; what it has already, and what cannot be carried, is only remembered.
fn carried(order: &StoreOrder, customer: &CustomerFact, changed: &BTreeSet<CustomerField>, details: &ContactDetails) -> Decision {
    let wanted = fitted(&order.billing);
    let (lacking, rest): (BTreeSet<CustomerField>, BTreeSet<CustomerField>) =
        changed.iter().copied().partition(|field| *field != CustomerField::Company && !is_there(*field, &wanted, &details.billing));
    let mut decision = if rest.is_empty() { Decision::default() } else { remembered(said(customer, &rest)) };
    if rest.contains(&CustomerField::Company) && !is_there(CustomerField::Company, &wanted, &details.billing) {
        let text =
            format!("the customer's company was changed at the store; Brightpearl lets nobody but staff change that of contact {}", details.id);
        decision.remarks.push(Remark { key: "company-not-carried", text });
    }
    let names: BTreeSet<CustomerField> = lacking.iter().copied().filter(|field| *field != CustomerField::Address).collect();
    decision.remarks.extend(adapted(&order.billing, &lacking));
    if !names.is_empty() {
        let said = said(customer, &names);
        let update = ContactUpdate { contact: details.id, fields: names, values: wanted.clone(), said };
        decision.commands.push(Command::UpdateContact(Box::new(update)));
    }
    if lacking.contains(&CustomerField::Address) {
        let said = said(customer, &[CustomerField::Address].into());
        let new = ContactAddress { contact: details.id, roles: roles(details), address: wanted, said };
        decision.commands.push(Command::SetContactAddress(Box::new(new)));
    }
    if decision.commands.is_empty() {
        decision.cleared.push(Effect::Customer);
    }
    decision
}

/// What the new address is put in the place of: the billing address, and whatever else is that very address. One that staff set apart
/// stays.
fn roles(details: &ContactDetails) -> BTreeSet<AddressRole> {
    let billing = details.addresses.get(&AddressRole::Billing);
    let is_same = |role: &AddressRole| *role == AddressRole::Billing || details.addresses.get(role) == billing;
    AddressRole::ALL.into_iter().filter(is_same).collect()
}

fn said(customer: &CustomerFact, fields: &BTreeSet<CustomerField>) -> SaidOfCustomer {
    let mut said = customer.now.clone();
    said.digests.retain(|field, _| fields.contains(field));
    said
}

fn remembered(said: SaidOfCustomer) -> Decision {
    Decision { customer: Some(said), ..Decision::default() }
}

fn gone(customer: &CustomerFact, contact: ContactId) -> Decision {
    let text = format!("what the store changed about the customer is not carried: contact {contact} is not in Brightpearl any more");
    let remarks = vec![Remark { key: "contact-gone", text }];
    Decision { remarks, cleared: vec![Effect::Customer], ..remembered(customer.now.clone()) }
}

/// Whether a contact has a field as it would be written. Of an address the country is left out, which Brightpearl spells otherwise.
#[must_use]
pub fn is_there(field: CustomerField, wanted: &Address, present: &Address) -> bool {
    let same = |one: &str, other: &str| one.trim() == other.trim();
    match field {
        CustomerField::FirstName => same(&wanted.first_name, &present.first_name),
        CustomerField::LastName => same(&wanted.last_name, &present.last_name),
        CustomerField::Phone => same(&wanted.phone, &present.phone),
        CustomerField::Company => same(&wanted.company, &present.company),
        CustomerField::Address => {
            same(&wanted.street_1, &present.street_1)
                && same(&wanted.street_2, &present.street_2)
                && same(&wanted.city, &present.city)
                && same(&wanted.state, &present.state)
                && same(&wanted.postcode, &present.postcode)
        }
    }
}
