//! Which of the store's orders become sales orders, and when. All of it gates creation only: what is linked goes on syncing.

use jiff::Timestamp;
use orderbridge_schema::decision::{Decision, Effect, Remark};
use orderbridge_schema::facts::StoreOrder;
use orderbridge_schema::ids::StoreStatusId;
use orderbridge_schema::rules::Rules;
use orderbridge_schema::seen::StatusSet;
use orderbridge_schema::work::Aspects;

use crate::facts::{Context, OrderFacts};

/// Refunded, cancelled, declined (BC §d.6): nothing is left to be sent.
const UNDONE: [u64; 3] = [4, 5, 6];
/// Shipped, in part, awaiting pick-up or shipment, completed: where an order goes on to that was taken in time.
const MOVED_ON: [u64; 5] = [2, 3, 8, 9, 10];
/// Abandoned at the payment page, or about to be paid: no order yet.
const INCOMPLETE: u64 = 0;

/// Why an order is left alone, if it is.
pub(crate) fn left_alone(ctx: &Context<'_>, facts: &OrderFacts, order: &StoreOrder) -> Option<Decision> {
    let rules = &ctx.rules.orders;
    if !rules.enabled {
        Some(skipped("order-sync-off", "order sync is switched off".into()))
    } else if order.deleted {
        Some(skipped("order-archived", "the order is archived at the store".into()))
    } else if !rules.store_channels.is_empty() && !rules.store_channels.contains(&order.channel) {
        Some(skipped("store-channel-not-selected", format!("orders of the store's channel {} are left alone", order.channel)))
    } else if !rules.takes_source(&order.source, &order.external_source) {
        Some(skipped("source-not-selected", format!("orders from {} are left alone", source(order))))
    } else if is_by_hand(facts) {
        by_status(ctx.rules, facts, order)
    } else if let Some(go_live) = rules.go_live.filter(|go_live| order.created_at < *go_live) {
        Some(skipped("before-go-live", format!("it was placed before {go_live:.0}, from when on orders are created")))
    } else if !rules.guests && order.customer.0 == 0 {
        Some(skipped("guest-order", "orders of guests are left alone".into()))
    } else {
        by_status(ctx.rules, facts, order)
    }
}

/// The set of statuses gates creation; one that was in it and has moved on since is created all the same.
fn by_status(rules: &Rules, facts: &OrderFacts, order: &StoreOrder) -> Option<Decision> {
    let (status, chosen) = (order.status, &rules.orders.create_statuses);
    let not_selected = || Some(skipped("status-not-selected", format!("store status {status} is not one in which orders are created")));
    let is_wanted = is_by_hand(facts) || facts.seen.first_of(chosen).is_some();
    if chosen.contains(&status) {
        None
    } else if is_wanted && UNDONE.contains(&status.0) {
        let text = format!("store status {status}: it was refunded, cancelled or declined before a sales order was made");
        Some(skipped("order-undone", text))
    } else if is_wanted && (MOVED_ON.contains(&status.0) || (is_by_hand(facts) && status.0 != INCOMPLETE)) {
        None
    } else {
        not_selected()
    }
}

/// What is worth telling of an order that is created although its status is none of the chosen ones.
pub(crate) fn why_taken(rules: &Rules, facts: &OrderFacts, status: StoreStatusId) -> Option<Remark> {
    let chosen = &rules.orders.create_statuses;
    let seen = facts.seen.first_of(chosen).filter(|_| !chosen.contains(&status))?;
    let text = format!("it was in store status {seen} before, in which orders are created, and is in {status} now");
    Some(Remark { key: "seen-in-chosen-status", text })
}

/// In how many seconds an order has come to rest; none if it has, or has waited as long as it may.
///
/// Our own writes never begin the wait anew: there is none to the store's order before its sales order is linked.
pub(crate) fn settles_in(ctx: &Context<'_>, facts: &OrderFacts, order: &StoreOrder) -> Option<u32> {
    let rules = &ctx.rules.orders;
    let left = |wait: u32, since: Timestamp| i64::from(wait) - ctx.now.duration_since(since).as_secs();
    let of_change = left(rules.settle_seconds, order.modified_at);
    let of_wait = facts.waiting_since.map_or(of_change, |since| left(rules.settle_limit(), since));
    u32::try_from(of_change.min(of_wait)).ok().filter(|&seconds| seconds > 0 && !is_by_hand(facts))
}

/// Whether a person asked for the order.
fn is_by_hand(facts: &OrderFacts) -> bool {
    facts.aspects.has(Aspects::BY_HAND)
}

/// What a read saw of an order that is still to be created, if that is not remembered yet: it may have moved on by the next look.
#[must_use]
pub fn newly_seen(rules: &Rules, facts: &OrderFacts) -> StatusSet {
    let Some(Some(order)) = &facts.store_order else { return StatusSet::NONE };
    let seen = StatusSet::of(order.status);
    let is_new = facts.links.is_empty() && rules.orders.create_statuses.contains(&order.status) && !facts.seen.has(seen);
    if is_new { seen } else { StatusSet::NONE }
}

/// What need not be remembered of an order that was left alone: by the rules it was decided by it was never in a chosen status. Other
/// rules must not find it was, years later.
#[must_use]
pub fn seen_in_vain(rules: &Rules, facts: &OrderFacts) -> StatusSet {
    let is_in_vain = facts.links.is_empty() && facts.store_order.is_some() && facts.seen.first_of(&rules.orders.create_statuses).is_none();
    if is_in_vain { facts.seen } else { StatusSet::NONE }
}

fn source(order: &StoreOrder) -> &str {
    if order.external_source.trim().is_empty() { order.source.trim() } else { order.external_source.trim() }
}

pub(crate) fn skipped(key: &'static str, text: String) -> Decision {
    Decision { remarks: vec![Remark { key, text }], cleared: vec![Effect::Creation], ..Decision::default() }
}
