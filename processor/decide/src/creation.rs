//! From a store order that has no sales order yet to the command that makes one, or to why it waits.

use orderbridge_schema::command::{Command, NewSalesOrder, external_ref};
use orderbridge_schema::decision::{Cause, Decision, Effect, Hold, Remark};
use orderbridge_schema::facts::{CustomerField, StoreOrder};
use orderbridge_schema::ids::{ChannelId, ContactId, WarehouseId};
use orderbridge_schema::rules::Choices;

use crate::adoption;
use crate::contact::{Shopper, adapted, choice, choose_contact, customer_reference, new_contact};
use crate::currency;
use crate::delivery::{delivery, held, several_places, shipping_method};
use crate::facts::{Ask, ContactFact, Context, Need, OrderFacts, gather, known};
use crate::gate::{self, skipped};
use crate::rows::{self, NoRows, plan_rows};

/// Decides about an order without a sales order.
pub(crate) fn decide_creation(ctx: &Context<'_>, facts: &OrderFacts) -> Ask<Decision> {
    if let Some(sales_order) = facts.wanted_adoption.filter(|_| !facts.creation_in_doubt) {
        return Ok(adoption::by_hand(sales_order));
    }
    let Some(order) = known(facts.store_order.as_ref(), Need::StoreOrder)? else {
        return Ok(skipped("order-gone", "the store has no such order any more".into()));
    };
    if let Some(reason) = gate::left_alone(ctx, facts, order) {
        return Ok(reason);
    }
    if let Some(seconds) = gate::settles_in(ctx, facts, order) {
        return Ok(Decision { again_after_seconds: Some(seconds), ..Decision::default() });
    }
    let choices = ctx.rules.orders.choices(order.channel, &order.currency);
    let (channel, warehouse) = match required(&choices) {
        Ok(both) => both,
        Err(holds) => return Ok(Decision { holds, ..Decision::default() }),
    };
    if let Some(hold) = currency::unsuitable(order, &ctx.reference.store) {
        return Ok(held(hold));
    }
    if order.address_count > 1 {
        return Ok(held(several_places(order.address_count)));
    }
    let is_searched_for = matches!(shopper(ctx, order), Shopper::Email(_) | Shopper::Customer(_));
    gather([
        (facts.lines.is_none(), Need::Lines),
        (facts.taxes.is_none(), Need::Taxes),
        (facts.addresses.is_none() && order.address_count > 0, Need::Addresses),
        (facts.contact.is_none() && is_searched_for, Need::Contact),
        (facts.existing.is_none() && ctx.search_before_creating, Need::Existing),
        (facts.with_number.is_none() && adoption::may_be_entered(ctx, order), Need::WithNumber(channel)),
    ])?;
    if let Some(decision) = adoption::adopt(ctx, facts, order) {
        return Ok(decision);
    }
    create(ctx, facts, order, channel, warehouse)
}

fn create(ctx: &Context<'_>, facts: &OrderFacts, order: &StoreOrder, channel: ChannelId, warehouse: WarehouseId) -> Ask<Decision> {
    // Rows first: a contact is not made for an order that cannot be created yet.
    let rows = match plan_rows(ctx, order, facts) {
        Ok(rows) => rows,
        Err(NoRows::Need(needs)) => return Err(needs),
        Err(NoRows::Held(holds)) => return Ok(Decision { holds, ..Decision::default() }),
    };
    let exchange_rate = match currency::exchange_rate(ctx, order) {
        Ok(rate) => rate,
        Err(hold) => return Ok(held(hold)),
    };
    let delivery = match delivery(facts, order)? {
        Ok(delivery) => delivery,
        Err(hold) => return Ok(held(hold)),
    };
    let orders = &ctx.rules.orders;
    let shipping_method = match shipping_method(orders, delivery.method.as_deref()) {
        Ok(method) => method,
        Err(hold) => return Ok(held(hold)),
    };
    let (contact, chosen) = match contact(ctx, facts, order) {
        Ok(found) => found,
        Err(decision) => return Ok(*decision),
    };
    let choices = orders.choices(order.channel, &order.currency);
    let sales_order = NewSalesOrder {
        order: order.id,
        part: 0,
        external_ref: external_ref(ctx.store, order.id),
        installation: ctx.installation,
        contact,
        reference: order.id.to_string(),
        placed_at: order.created_at,
        status: orders.first_status(order.status),
        agreed_with: order.status,
        channel,
        warehouse,
        price_list: choices.price_list,
        price_mode: choices.price_mode,
        lead_source: choices.lead_source,
        project: choices.project,
        staff_owner: choices.staff_owner,
        currency: order.currency.clone(),
        decimals: currency::decimals(order, &ctx.reference.store),
        exchange_rate,
        shipping_method,
        billing: order.billing.clone(),
        delivery: delivery.address,
        rows,
    };
    let why_taken = gate::why_taken(ctx.rules, facts, order.status);
    let remarks = why_taken.into_iter().chain(chosen).chain(rows::remarks(ctx, facts, &sales_order.rows)).collect();
    let commands = vec![Command::CreateSalesOrder(Box::new(sales_order))];
    Ok(Decision { commands, remarks, cleared: vec![Effect::Creation], ..Decision::default() })
}

fn shopper(ctx: &Context<'_>, order: &StoreOrder) -> Shopper {
    Shopper::of(order, &ctx.rules.orders.without_email)
}

/// The contact and what is to be told of the choice, or the decision to make one or to wait.
fn contact(ctx: &Context<'_>, facts: &OrderFacts, order: &StoreOrder) -> Result<(ContactId, Option<Remark>), Box<Decision>> {
    if let Shopper::Contact(contact) = shopper(ctx, order) {
        return Ok((contact, None));
    }
    match &facts.contact {
        None => Err(Box::new(held(no_email(order)))),
        Some(ContactFact::Linked(contact)) => Ok((*contact, None)),
        Some(ContactFact::Found { email_hash, matches }) => match choose_contact(matches) {
            Some(contact) => Ok((contact.id, choice(matches, contact.id))),
            None if matches.is_empty() && !ctx.rules.items_and_customers.customers.auto_create => {
                Err(Box::new(held(unknown_contact(ctx, order, email_hash))))
            }
            None if matches.is_empty() => {
                let command = Command::CreateContact(Box::new(new_contact(order, ctx.store, email_hash, ctx.rules)));
                let remarks = adapted(&order.billing, &CustomerField::ALL.into()).into_iter().collect();
                Err(Box::new(Decision { commands: vec![command], remarks, ..Decision::default() }))
            }
            None => Err(Box::new(held(contact_not_customer(email_hash)))),
        },
    }
}

fn required(choices: &Choices) -> Result<(ChannelId, WarehouseId), Vec<Hold>> {
    let missing = |rule: &'static str, what: &str| Hold {
        effect: Effect::Creation,
        cause: Cause::MissingRule(rule),
        why: format!("no {what} is chosen for created sales orders"),
        remedy: format!("choose a {what} in the tenant's settings ({rule})"),
    };
    match (choices.channel, choices.warehouse) {
        (Some(channel), Some(warehouse)) => Ok((channel, warehouse)),
        (channel, warehouse) => {
            let channel = channel.is_none().then(|| missing("orders.channel", "sales channel"));
            let warehouse = warehouse.is_none().then(|| missing("orders.warehouse", "warehouse"));
            Err(channel.into_iter().chain(warehouse).collect())
        }
    }
}

fn no_email(order: &StoreOrder) -> Hold {
    Hold {
        effect: Effect::Creation,
        cause: Cause::NoEmail,
        why: format!("store order {} has no e-mail address of its shopper to find or make a contact by", order.id),
        remedy: "add it to the order's billing address at the store, or choose in the tenant's settings whose contact stands for such shoppers \
                 (orders.without_email)"
            .into(),
    }
}

fn unknown_contact(ctx: &Context<'_>, order: &StoreOrder, email_hash: &str) -> Hold {
    let contact = match shopper(ctx, order) {
        Shopper::Customer(customer) => format!("of the customer's name with the account reference {}", customer_reference(ctx.store, customer)),
        Shopper::Email(_) | Shopper::Contact(_) | Shopper::Unknown => "with the customer's e-mail address".to_owned(),
    };
    Hold {
        effect: Effect::Creation,
        cause: Cause::UnknownContact(email_hash.to_owned()),
        why: "the customer has no contact in Brightpearl, and by the tenant's settings none is made".into(),
        remedy: format!(
            "make a contact {contact} in Brightpearl and release the order, if it does not go on by itself, or have contacts made \
             (items_and_customers.customers.auto_create)"
        ),
    }
}

fn contact_not_customer(email_hash: &str) -> Hold {
    Hold {
        effect: Effect::Creation,
        cause: Cause::ContactNotCustomer(email_hash.to_owned()),
        why: "the customer's e-mail address belongs only to staff or supplier contacts in Brightpearl".into(),
        remedy: "give the customer a contact of their own in Brightpearl, or change the e-mail address of the staff or supplier contact".into(),
    }
}

/// Facts that planning the rows again needs, when a sales order is compared with the store's order.
pub(crate) fn comparison_needs(facts: &OrderFacts) -> Ask<()> {
    gather([(facts.store_order.is_none(), Need::StoreOrder), (facts.lines.is_none(), Need::Lines), (facts.taxes.is_none(), Need::Taxes)])
}
