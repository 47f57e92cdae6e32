//! What was refunded at the store is booked in Brightpearl: each refund once, in the way that fits how far its sales order had come when
//! it was looked at first.

mod after;
mod cancelled;
mod credited;
mod paid;
mod plan;
mod restocked;
mod rows;
mod taken_off;

use orderbridge_schema::command::Command;
use orderbridge_schema::decision::{Cause, Decision, Effect, Hold, Remark};
use orderbridge_schema::facts::{Refund, Refunds, SalesOrder, SalesOrderRow, StoreOrder};
use orderbridge_schema::ids::{ProductId, StoreStatusId};
use orderbridge_schema::link::OrderLink;
use orderbridge_schema::refund::{RefundMark, RefundWay};
use orderbridge_schema::work::Aspects;
use rust_decimal::Decimal;

use crate::currency;
use crate::facts::{Ask, Context, Need, OrderFacts, known};

pub use after::after_row;

/// Refunded and partially refunded (BC §d.6).
const REFUNDED: [StoreStatusId; 2] = [StoreStatusId(4), StoreStatusId(14)];
/// The product of free-text rows (BP §e.3).
const FREE_TEXT: ProductId = ProductId(1000);

/// Whose refund is decided about.
#[derive(Clone, Copy)]
struct Case<'a> {
    ctx: &'a Context<'a>,
    facts: &'a OrderFacts,
    order: &'a StoreOrder,
    link: &'a OrderLink,
    refund: &'a Refund,
}

/// Decides about what was refunded. Level-triggered like payments: the store's refunds are read only where an event tells of one, or
/// where the order says that something was refunded and says it otherwise than when all of it was booked.
pub(crate) fn decide_refunds(ctx: &Context<'_>, facts: &OrderFacts, link: &OrderLink) -> Ask<Decision> {
    let is_looked_at = [Aspects::STORE_ORDER, Aspects::TRANSACTIONS, Aspects::REFUNDS].into_iter().any(|aspect| facts.looks_at(aspect));
    if !ctx.rules.payments.refunds.enabled || !is_looked_at {
        return Ok(Decision::default());
    }
    let Some(order) = known(facts.store_order.as_ref(), Need::StoreOrder)? else { return Ok(Decision::default()) };
    let is_gone = order.deleted || facts.sales_orders.get(&link.sales_order) == Some(&None);
    if is_gone || !has_news(facts, order) {
        return Ok(Decision::default());
    }
    let refunds = match known(facts.refunds.as_ref(), Need::Refunds)? {
        Refunds::Read(refunds) => refunds,
        Refunds::Refused(why) => return Ok(held(not_shown(why))),
    };
    let from = ctx.rules.payments.refunds.from;
    let mut due: Vec<&Refund> = refunds.iter().filter(|refund| from.is_none_or(|from| refund.created_at >= from)).collect();
    due.sort_by_key(|refund| refund.id);
    due.dedup_by_key(|refund| refund.id);
    for refund in due {
        let mark = facts.refund_marks.iter().find(|mark| mark.refund == refund.id);
        if mark.is_some_and(|mark| mark.booked) {
            continue;
        }
        // One after the other: what the next one finds depends on what the one before it leaves.
        return next_step(&Case { ctx, facts, order, link, refund }, mark);
    }
    Ok(Decision { refunds_as_seen: Some(as_seen(order)), cleared: vec![Effect::Refund], ..Decision::default() })
}

fn has_news(facts: &OrderFacts, order: &StoreOrder) -> bool {
    let is_open = facts.held.contains(&Effect::Refund) || facts.refund_marks.iter().any(|mark| !mark.booked);
    let is_told = facts.looks_at(Aspects::TRANSACTIONS) || facts.refunds_as_seen.as_ref() != Some(&as_seen(order));
    facts.aspects.has(Aspects::REFUNDS) || is_open || (says_refunded(order) && is_told)
}

/// The store's own sums of what was refunded are always 0 (BC §h 11).
fn says_refunded(order: &StoreOrder) -> bool {
    REFUNDED.contains(&order.status) || order.payment_status.to_lowercase().contains("refunded")
}

/// What the order says of its refunds, as far as it says anything.
fn as_seen(order: &StoreOrder) -> String {
    let status = REFUNDED.contains(&order.status).then_some(order.status);
    format!("{}|{}", order.payment_status.trim(), status.map(|status| status.to_string()).unwrap_or_default())
}

/// A refund of an order that was never sent is told of and left alone.
pub(crate) fn of_unsent(facts: &OrderFacts, mut decision: Decision) -> Decision {
    let is_left_alone = decision.is_settled() && decision.holds.is_empty() && decision.adopted.is_none();
    if facts.aspects.has(Aspects::REFUNDS) && is_left_alone {
        let text = "its refund is not booked: no sales order was made of the order".to_owned();
        decision.remarks.push(Remark { key: "refund-skipped", text });
    }
    decision
}

fn next_step(case: &Case<'_>, mark: Option<&RefundMark>) -> Ask<Decision> {
    let Some(mark) = mark else {
        return Ok(match plan::way(case)? {
            Ok(mark) => begun(case.refund, mark),
            Err(hold) => held(*hold),
        });
    };
    let step = match mark.way {
        RefundWay::Order => taken_off::step(case, mark)?,
        RefundWay::Cancel => cancelled::step(case, mark)?,
        RefundWay::Credit => credited::step(case, mark)?,
    };
    let is_done = step.commands.is_empty() && step.holds.is_empty();
    if !is_done {
        return Ok(step);
    }
    let booked = booked(case, mark);
    Ok(Decision { remarks: step.remarks.into_iter().chain(booked.remarks).collect(), ..booked })
}

fn begun(refund: &Refund, mark: RefundMark) -> Decision {
    let text = format!("refund {} of {} {}", refund.id, refund.total.normalize(), mark.way.words());
    Decision { remarks: vec![Remark { key: "refund-begun", text }], refunds: vec![mark], ..Decision::default() }
}

fn booked(case: &Case<'_>, mark: &RefundMark) -> Decision {
    let (refund, currency) = (case.refund, &case.order.currency);
    let declined: Vec<Decimal> = refund.payments.iter().filter(|payment| payment.declined).map(|payment| payment.amount).collect();
    let text = format!("refund {} of {} {currency} with {} tax is booked", refund.id, refund.total.normalize(), refund.tax.normalize());
    let unpaid = declined.iter().map(|amount| format!("; {} {currency} was declined and is not", amount.normalize())).collect::<String>();
    let remarks = vec![Remark { key: "refund-booked", text: text + &unpaid }];
    Decision { remarks, refunds: vec![RefundMark { booked: true, ..mark.clone() }], ..Decision::default() }
}

impl Case<'_> {
    /// Decimals of the order's amounts.
    fn decimals(&self) -> u32 {
        currency::decimals(self.order, &self.ctx.reference.store)
    }
}

/// The sales order that a refund is of, as it is now.
fn sales_order<'a>(case: &Case<'a>) -> Ask<Result<&'a SalesOrder, Box<Hold>>> {
    let id = case.link.sales_order;
    let missing = || unclear(case.refund, &format!("sales order {id} is not in Brightpearl any more"));
    Ok(known(case.facts.sales_orders.get(&id), Need::SalesOrder(id))?.as_ref().ok_or_else(missing))
}

/// Whether other rows of the sales order are this one's components.
fn is_bundle(sales_order: &SalesOrder, row: &SalesOrderRow) -> bool {
    sales_order.rows.iter().any(|part| part.bundle_parent_row == Some(row.id))
}

fn commands(commands: Vec<Command>) -> Decision {
    Decision { commands, ..Decision::default() }
}

fn held(hold: Hold) -> Decision {
    Decision { holds: vec![hold], ..Decision::default() }
}

/// Nothing is guessed about a refund that does not fit what is there.
fn unclear(refund: &Refund, why: &str) -> Box<Hold> {
    Box::new(Hold {
        effect: Effect::Refund,
        cause: Cause::RefundUnclear(refund.id),
        why: format!("refund {} of {} is not booked in full: {why}", refund.id, refund.total.normalize()),
        remedy: "compare the refund with the sales order and its payments, and enter what is missing in Brightpearl by hand".into(),
    })
}

fn not_shown(why: &str) -> Hold {
    Hold {
        effect: Effect::Refund,
        cause: Cause::Refused("read-refunds".into()),
        why: format!("the store does not show what was refunded: {why}"),
        remedy: "give the store's API account the scope to read orders or order transactions".into(),
    }
}
