//! From a store order that has no sales order yet to the command that makes one, or to why it waits.

use orderbridge_schema::command::{Command, NewSalesOrder, external_ref};
use orderbridge_schema::decision::{Cause, Decision, Effect, Hold, Remark};
use orderbridge_schema::facts::{Address, OrderAddress, StoreOrder};
use orderbridge_schema::ids::{ChannelId, ContactId, WarehouseId};
use orderbridge_schema::rules::OrderRules;

use crate::contact::{choose_contact, new_contact, normalise_email};
use crate::currency::refused_currency;
use crate::facts::{Ask, ContactFact, Context, Need, OrderFacts, gather, known};
use crate::rows::{NoRows, plan_rows};

/// Decides about an order without a sales order.
pub(crate) fn decide_creation(ctx: &Context<'_>, facts: &OrderFacts) -> Ask<Decision> {
    let Some(order) = known(facts.store_order.as_ref(), Need::StoreOrder)? else {
        return Ok(skipped("order-gone", "the store has no such order any more".into()));
    };
    if let Some(reason) = skip_reason(order, &ctx.rules.orders) {
        return Ok(reason);
    }
    let settled_at = i64::from(ctx.rules.orders.settle_seconds) - ctx.now.duration_since(order.modified_at).as_secs();
    if let Some(seconds) = u32::try_from(settled_at).ok().filter(|&seconds| seconds > 0) {
        return Ok(Decision { again_after_seconds: Some(seconds), ..Decision::default() });
    }
    let (channel, warehouse) = match required(&ctx.rules.orders) {
        Ok(both) => both,
        Err(holds) => return Ok(Decision { holds, ..Decision::default() }),
    };
    if let Some(hold) = refused_currency(ctx.reference, &order.currency) {
        return Ok(held(hold));
    }
    if order.address_count > 1 {
        return Ok(held(several_addresses(order)));
    }
    gather([
        (facts.lines.is_none(), Need::Lines),
        (facts.taxes.is_none(), Need::Taxes),
        (facts.addresses.is_none() && order.address_count > 0, Need::Addresses),
        (facts.contact.is_none() && !normalise_email(&order.billing.email).is_empty(), Need::Contact),
        (facts.existing.is_none() && ctx.search_before_creating, Need::Existing),
    ])?;
    if let Some(decision) = adopt(facts) {
        return Ok(decision);
    }
    create(ctx, facts, order, channel, warehouse)
}

fn create(ctx: &Context<'_>, facts: &OrderFacts, order: &StoreOrder, channel: ChannelId, warehouse: WarehouseId) -> Ask<Decision> {
    // Rows first: a contact is not made for an order that cannot be created yet.
    let rows = match plan_rows(order, facts, &ctx.rules.taxes_and_accounts) {
        Ok(rows) => rows,
        Err(NoRows::Need(needs)) => return Err(needs),
        Err(NoRows::Held(holds)) => return Ok(Decision { holds, ..Decision::default() }),
    };
    let contact = match contact(ctx, facts, order) {
        Ok(contact) => contact,
        Err(decision) => return Ok(*decision),
    };
    let address = facts.addresses.as_ref().and_then(|addresses| addresses.first());
    let orders = &ctx.rules.orders;
    let sales_order = NewSalesOrder {
        order: order.id,
        part: 0,
        external_ref: external_ref(ctx.store, order.id),
        installation: ctx.installation,
        contact,
        reference: order.id.to_string(),
        placed_at: order.created_at,
        status: ctx.rules.orders.status.for_brightpearl(order.status),
        agreed_with: order.status,
        channel,
        warehouse,
        price_list: orders.price_list,
        price_mode: orders.price_mode,
        lead_source: orders.lead_source,
        project: orders.project,
        currency: order.currency.clone(),
        shipping_method: address.and_then(|address| orders.shipping_method(&address.shipping_method)),
        billing: order.billing.clone(),
        delivery: delivery_address(address, order),
        rows,
    };
    Ok(Decision { commands: vec![Command::CreateSalesOrder(Box::new(sales_order))], cleared: vec![Effect::Creation], ..Decision::default() })
}

/// The contact, or the decision to make one or to wait.
fn contact(ctx: &Context<'_>, facts: &OrderFacts, order: &StoreOrder) -> Result<ContactId, Box<Decision>> {
    match &facts.contact {
        None => Err(Box::new(held(no_email(order)))),
        Some(ContactFact::Linked(contact)) => Ok(*contact),
        Some(ContactFact::Found { email_hash, matches }) => match choose_contact(matches) {
            Some(contact) => Ok(contact.id),
            None if matches.is_empty() => {
                let command = Command::CreateContact(Box::new(new_contact(order, email_hash, ctx.rules)));
                Err(Box::new(Decision { commands: vec![command], ..Decision::default() }))
            }
            None => Err(Box::new(held(contact_not_customer(email_hash)))),
        },
    }
}

/// Orders that are left alone, with the reason.
fn skip_reason(order: &StoreOrder, rules: &OrderRules) -> Option<Decision> {
    if !rules.enabled {
        Some(skipped("order-sync-off", "order sync is switched off".into()))
    } else if order.deleted {
        Some(skipped("order-archived", "the order is archived at the store".into()))
    } else if !rules.create_statuses.contains(&order.status) {
        Some(skipped("status-not-selected", format!("store status {} is not one in which orders are created", order.status)))
    } else {
        None
    }
}

/// The sales order that an earlier installation made, if a search found exactly one.
fn adopt(facts: &OrderFacts) -> Option<Decision> {
    match facts.existing.as_deref() {
        Some([sales_order]) => {
            let text = format!("sales order {sales_order} was made for this order before; it is taken over");
            let remarks = vec![Remark { key: "sales-order-adopted", text }];
            Some(Decision { adopted: Some(*sales_order), remarks, ..Decision::default() })
        }
        Some([_, _, ..]) => Some(held(Hold {
            effect: Effect::Creation,
            cause: Cause::InDoubt("several-sales-orders".into()),
            why: "several sales orders in Brightpearl carry this order's key".into(),
            remedy: "cancel all but one of them in Brightpearl and clear their external reference".into(),
        })),
        _ => None,
    }
}

fn required(rules: &OrderRules) -> Result<(ChannelId, WarehouseId), Vec<Hold>> {
    let missing = |rule: &'static str, what: &str| Hold {
        effect: Effect::Creation,
        cause: Cause::MissingRule(rule),
        why: format!("no {what} is chosen for created sales orders"),
        remedy: format!("choose a {what} in the tenant's settings ({rule})"),
    };
    match (rules.channel, rules.warehouse) {
        (Some(channel), Some(warehouse)) => Ok((channel, warehouse)),
        (channel, warehouse) => {
            let channel = channel.is_none().then(|| missing("orders.channel", "sales channel"));
            let warehouse = warehouse.is_none().then(|| missing("orders.warehouse", "warehouse"));
            Err(channel.into_iter().chain(warehouse).collect())
        }
    }
}

fn several_addresses(order: &StoreOrder) -> Hold {
    Hold {
        effect: Effect::Creation,
        cause: Cause::SeveralAddresses,
        why: format!("the order goes to {} addresses, a sales order to one", order.address_count),
        remedy: "enter it in Brightpearl by hand, one sales order per address".into(),
    }
}

fn no_email(order: &StoreOrder) -> Hold {
    Hold {
        effect: Effect::Creation,
        cause: Cause::NoEmail,
        why: format!("store order {} has no e-mail address to find or make a contact by", order.id),
        remedy: "add the customer's e-mail address to the order's billing address at the store".into(),
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

/// Digital orders have no delivery address: billing stands in, as Brightpearl would do.
fn delivery_address(address: Option<&OrderAddress>, order: &StoreOrder) -> Address {
    address.map_or_else(|| order.billing.clone(), |address| address.address.clone())
}

fn skipped(key: &'static str, text: String) -> Decision {
    Decision { remarks: vec![Remark { key, text }], cleared: vec![Effect::Creation], ..Decision::default() }
}

fn held(hold: Hold) -> Decision {
    Decision { holds: vec![hold], ..Decision::default() }
}

/// Facts that planning the rows again needs, when a sales order is compared with the store's order.
pub(crate) fn comparison_needs(facts: &OrderFacts) -> Ask<()> {
    gather([(facts.store_order.is_none(), Need::StoreOrder), (facts.lines.is_none(), Need::Lines), (facts.taxes.is_none(), Need::Taxes)])
}
