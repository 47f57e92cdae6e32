//! Statuses, both ways: only a side that has changed since both last agreed is carried across, and our own writes are no change.

use orderbridge_schema::command::Command;
use orderbridge_schema::decision::{AgreedStatus, Agreement, Decision, Effect, Hold, Remark};
use orderbridge_schema::facts::{SalesOrder, StoreOrder};
use orderbridge_schema::ids::{Platform, StoreStatusId};
use orderbridge_schema::link::OrderLink;
use orderbridge_schema::rules::StatusRules;
use orderbridge_schema::work::Aspects;

use crate::cancellation;
use crate::facts::{Ask, Context, Need, OrderFacts, gather, known};
use crate::verification::sales_order_missing;

/// How long after our own write a read of the value before it is taken for a stale read.
const STALE_READ_SECONDS: i64 = 120;
/// When to read again then.
const READ_AGAIN_SECONDS: u32 = 20;

/// Whether the store wants a person to look for fraud first (12, 13; BC §d.6): payment and allocation wait for that.
#[must_use]
pub const fn waits_for_fraud_check(status: StoreStatusId) -> bool {
    matches!(status.0, 12 | 13)
}

/// Decides whether a status is carried across.
pub(crate) fn decide_status(ctx: &Context<'_>, facts: &OrderFacts, link: &OrderLink) -> Ask<Decision> {
    if facts.aspects.has(Aspects::REAPPLY) {
        return reapply(ctx, facts, link);
    }
    let looked_at = |aspect: Aspects| facts.looks_at(aspect);
    if !looked_at(Aspects::STORE_ORDER) && !looked_at(Aspects::SALES_ORDER) {
        return Ok(Decision::default());
    }
    let Some(agreement) = facts.agreed else { return first_agreement(ctx, facts, link) };
    let store_changed = looked_at(Aspects::STORE_ORDER) && store_order(facts)?.is_some_and(|order| order.status != agreement.pair.store);
    let brightpearl_changed =
        looked_at(Aspects::SALES_ORDER) && sales_order(facts, link)?.is_none_or(|order| order.status != agreement.pair.brightpearl);
    if !store_changed && !brightpearl_changed {
        return Ok(Decision { cleared: vec![Effect::Status], ..Decision::default() });
    }
    let Some(sales_order) = sales_order(facts, link)? else {
        return Ok(Decision { holds: vec![sales_order_missing(link.sales_order)], ..Decision::default() });
    };
    match store_order(facts)? {
        Some(order) if !order.deleted => carry(ctx, facts, agreement, order, sales_order),
        _ => Ok(remark("order-gone", "the order is archived or gone at the store: its status is left alone".into())),
    }
}

/// Compares both sides by the present rules, whether one has changed or not: a person asked for it.
fn reapply(ctx: &Context<'_>, facts: &OrderFacts, link: &OrderLink) -> Ask<Decision> {
    gather([
        (facts.store_order.is_none(), Need::StoreOrder),
        (!facts.sales_orders.contains_key(&link.sales_order), Need::SalesOrder(link.sales_order)),
    ])?;
    let Some(sales_order) = sales_order(facts, link)? else {
        return Ok(Decision { holds: vec![sales_order_missing(link.sales_order)], ..Decision::default() });
    };
    match store_order(facts)? {
        Some(order) if !order.deleted => {
            let now = AgreedStatus { store: order.status, brightpearl: sales_order.status };
            let agreement = facts.agreed.unwrap_or(Agreement { pair: now, before: None, at: ctx.now });
            carry(ctx, facts, agreement, order, sales_order)
        }
        _ => Ok(remark("order-gone", "the order is archived or gone at the store: its status is left alone".into())),
    }
}

/// What both sides say when they are first compared is what they agree on: the sales order was just made from the store's order. Only if
/// the store has moved on since (our records may have been cut off in between) is that carried like any other change.
fn first_agreement(ctx: &Context<'_>, facts: &OrderFacts, link: &OrderLink) -> Ask<Decision> {
    let (Some(order), Some(sales_order)) = (store_order(facts)?, sales_order(facts, link)?) else { return Ok(Decision::default()) };
    let now = AgreedStatus { store: order.status, brightpearl: sales_order.status };
    match made_with(ctx, link, now).filter(|_| !order.deleted) {
        Some(pair) => carry(ctx, facts, Agreement { pair, before: None, at: ctx.now }, order, sales_order),
        None => Ok(Decision { agreed: Some(now), ..Decision::default() }),
    }
}

/// The statuses that our sales order was made with, if the store has left the statuses in which orders are created while the sales order
/// still has the one it was given.
fn made_with(ctx: &Context<'_>, link: &OrderLink, now: AgreedStatus) -> Option<AgreedStatus> {
    let (orders, status) = (&ctx.rules.orders, &ctx.rules.orders.status);
    // One that others entered was made with statuses of their own.
    let is_made_by_us = link.installation == ctx.installation && !link.external_ref.is_empty();
    if !is_made_by_us || orders.create_statuses.contains(&now.store) || agree(status, now) {
        return None;
    }
    let store = orders.create_statuses.iter().copied().find(|&store| orders.first_status(store) == Some(now.brightpearl))?;
    Some(AgreedStatus { store, brightpearl: now.brightpearl })
}

fn carry(ctx: &Context<'_>, facts: &OrderFacts, agreement: Agreement, order: &StoreOrder, sales_order: &SalesOrder) -> Ask<Decision> {
    let rules = &ctx.rules.orders.status;
    let now = AgreedStatus { store: order.status, brightpearl: sales_order.status };
    if is_stale(ctx, agreement, now) {
        return Ok(Decision { again_after_seconds: Some(READ_AGAIN_SECONDS), ..Decision::default() });
    }
    if agree(rules, now) {
        return Ok(Decision { agreed: Some(now), cleared: vec![Effect::Status], ..Decision::default() });
    }
    let store_changed = now.store != agreement.pair.store;
    let brightpearl_changed = now.brightpearl != agreement.pair.brightpearl;
    let from = match (store_changed, brightpearl_changed) {
        (true, true) => rules.winner,
        (true, false) => Platform::Bigcommerce,
        (false, true) => Platform::Brightpearl,
        // Only where the rules are applied again.
        (false, false) => leading(rules, now),
    };
    let mut decision = match from {
        Platform::Bigcommerce => match hindered(ctx, facts, order, sales_order)? {
            Some(hold) => Decision { holds: vec![hold], ..Decision::default() },
            None => to_brightpearl(rules, now, sales_order),
        },
        Platform::Brightpearl => to_store(ctx, now, order, facts)?,
    };
    if store_changed && brightpearl_changed {
        let text = format!("both sides changed (store {}, Brightpearl {}); {from} is set to win", now.store, now.brightpearl);
        decision.remarks.push(Remark { key: "status-both-changed", text });
    }
    Ok(decision)
}

/// What stands in the way of the status that the store's is mapped to.
fn hindered(ctx: &Context<'_>, facts: &OrderFacts, order: &StoreOrder, sales_order: &SalesOrder) -> Ask<Option<Hold>> {
    let rules = &ctx.rules.orders.status;
    match rules.for_brightpearl(order.status).filter(|_| rules.to_brightpearl) {
        Some(wanted) => cancellation::hindrance(ctx, facts, order, sales_order, wanted),
        None => Ok(None),
    }
}

/// The side by which the other is set if neither has changed: the one that is set to win, unless only the other is mapped.
fn leading(rules: &StatusRules, now: AgreedStatus) -> Platform {
    let is_mapped = |side| match side {
        Platform::Bigcommerce => rules.to_brightpearl && rules.for_brightpearl(now.store).is_some(),
        Platform::Brightpearl => rules.to_store && rules.for_store(now.brightpearl).is_some(),
    };
    let other = match rules.winner {
        Platform::Bigcommerce => Platform::Brightpearl,
        Platform::Brightpearl => Platform::Bigcommerce,
    };
    if is_mapped(rules.winner) || !is_mapped(other) { rules.winner } else { other }
}

fn to_brightpearl(rules: &StatusRules, now: AgreedStatus, sales_order: &SalesOrder) -> Decision {
    match rules.for_brightpearl(now.store).filter(|_| rules.to_brightpearl) {
        Some(status) => {
            let command = Command::SetSalesOrderStatus { sales_order: sales_order.id, status, agreed_with: now.store };
            Decision { commands: vec![command], cleared: vec![Effect::Status], ..Decision::default() }
        }
        None if !rules.to_brightpearl => accepted(now, format!("store status {} stays there: carrying statuses to Brightpearl is off", now.store)),
        None => accepted(now, format!("store status {} is mapped to no Brightpearl status", now.store)),
    }
}

fn to_store(ctx: &Context<'_>, now: AgreedStatus, order: &StoreOrder, facts: &OrderFacts) -> Ask<Decision> {
    let rules = &ctx.rules.orders.status;
    match rules.for_store(now.brightpearl).filter(|_| rules.to_store) {
        Some(status) => {
            if ctx.rules.fulfilment.enabled {
                // Asking for the notes has the shipments decided, and made, before any status: a shipment moves the store's status by
                // itself, so one that is made later would undo this one, and which event came first would matter.
                known(facts.notes.as_ref(), Need::Notes)?;
            }
            let command = Command::SetStoreStatus { order: order.id, status, agreed_with: now.brightpearl };
            Ok(Decision { commands: vec![command], cleared: vec![Effect::Status], ..Decision::default() })
        }
        None if !rules.to_store => {
            Ok(accepted(now, format!("Brightpearl status {} stays there: carrying statuses to the store is off", now.brightpearl)))
        }
        None => Ok(accepted(now, format!("Brightpearl status {} is mapped to no store status", now.brightpearl))),
    }
}

/// No rule carries the change: what both sides say now is remembered, so that a later rule does not carry an old change.
fn accepted(now: AgreedStatus, text: String) -> Decision {
    let remarks = vec![Remark { key: "status-not-mapped", text }];
    Decision { agreed: Some(now), remarks, cleared: vec![Effect::Status], ..Decision::default() }
}

/// Either map taking one side's status to the other's is agreement: many-to-one maps are normal.
fn agree(rules: &StatusRules, pair: AgreedStatus) -> bool {
    rules.for_brightpearl(pair.store) == Some(pair.brightpearl) || rules.for_store(pair.brightpearl) == Some(pair.store)
}

/// A read in which at least one side shows its value from before our own recent write, and neither shows anything new.
fn is_stale(ctx: &Context<'_>, agreement: Agreement, now: AgreedStatus) -> bool {
    let Some(before) = agreement.before else { return false };
    let recent = ctx.now.duration_since(agreement.at).as_secs() < STALE_READ_SECONDS;
    let store_old = now.store == before.store;
    let brightpearl_old = now.brightpearl == before.brightpearl;
    let nothing_new = (store_old || now.store == agreement.pair.store) && (brightpearl_old || now.brightpearl == agreement.pair.brightpearl);
    recent && nothing_new && now != agreement.pair
}

fn store_order(facts: &OrderFacts) -> Ask<Option<&StoreOrder>> {
    known(facts.store_order.as_ref(), Need::StoreOrder).map(Option::as_ref)
}

fn sales_order<'a>(facts: &'a OrderFacts, link: &OrderLink) -> Ask<Option<&'a SalesOrder>> {
    known(facts.sales_orders.get(&link.sales_order), Need::SalesOrder(link.sales_order)).map(Option::as_ref)
}

fn remark(key: &'static str, text: String) -> Decision {
    Decision { remarks: vec![Remark { key, text }], cleared: vec![Effect::Status], ..Decision::default() }
}
