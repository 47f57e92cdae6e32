//! Edits at the store are carried to a sales order that is neither on its way nor invoiced, row by row and never blindly (BP §e.5).
//!
//! Known for an edit is only what the store says otherwise than when both sides were in step: other rules alone change nothing, and what
//! people change in Brightpearl stays. The change is written to the version that was read, or not at all.

mod contents;
mod decision;
mod rows;
mod stock;
mod words;

use jiff::{SignedDuration, Timestamp};
use orderbridge_schema::command::NewRow;
use orderbridge_schema::decision::{Decision, Effect};
use orderbridge_schema::edit::{InStep, NowInStep};
use orderbridge_schema::facts::StoreOrder;
use orderbridge_schema::ids::StoreStatusId;
use orderbridge_schema::link::OrderLink;
use orderbridge_schema::work::Aspects;

use crate::facts::{Ask, Context, Need, OrderFacts, known};
use crate::rows::{NoRows, plan_rows};

/// A store's dates have whole seconds: what was read sooner after a change may lack another one of the same date.
const SURE_AFTER: SignedDuration = SignedDuration::from_secs(2);

/// Store statuses in which nothing is to be delivered any more (BC §d.6): what becomes of the sales order then is no edit.
const WITHDRAWN: [StoreStatusId; 2] = [StoreStatusId(5), StoreStatusId(6)];

/// The rows that the sales order is to hold of the store's order. Whatever takes pieces off them again, such as a refund, is reckoned in
/// here, and only here: the rows of a sales order that is as this says are left alone.
fn aim(ctx: &Context<'_>, facts: &OrderFacts, order: &StoreOrder) -> Result<Vec<NewRow>, NoRows> {
    plan_rows(ctx, order, facts)
}

/// A sales order whose rows were just matched is in step with the store's order from now on.
pub(crate) fn with_baseline(ctx: &Context<'_>, facts: &OrderFacts, link: &OrderLink, mut decision: Decision) -> Ask<Decision> {
    let is_matched = decision.verified.as_ref().is_some_and(|(_, rows)| !rows.is_empty());
    let (Some(Some(order)), Some(Some(sales_order))) = (&facts.store_order, facts.sales_orders.get(&link.sales_order)) else { return Ok(decision) };
    if !is_matched {
        return Ok(decision);
    }
    let planned = match aim(ctx, facts, order) {
        Ok(planned) => planned,
        Err(NoRows::Need(needs)) => return Err(needs),
        Err(NoRows::Held(_)) => return Ok(decision),
    };
    if let Some(rows) = rows::made(&planned, sales_order, link.external_ref.is_empty()) {
        let contents = contents::contents(facts, order)?;
        let mark = InStep { sales_order: link.sales_order, seen_at: seen_at(ctx, facts, order), contents, rows };
        decision.in_step.push(NowInStep { mark, row_links: None });
    }
    Ok(decision)
}

/// Decides whether the store's order was edited, and what becomes of that.
pub(crate) fn decide_edits(ctx: &Context<'_>, facts: &OrderFacts, link: &OrderLink) -> Ask<Decision> {
    let Some(mark) = facts.in_step.iter().find(|mark| mark.sales_order == link.sales_order) else { return Ok(Decision::default()) };
    if !facts.looks_at(Aspects::STORE_ORDER) {
        return Ok(Decision::default());
    }
    let Some(order) = known(facts.store_order.as_ref(), Need::StoreOrder)?.as_ref().filter(|order| !order.deleted) else {
        return Ok(Decision::default());
    };
    if WITHDRAWN.contains(&order.status) || is_unchanged(facts, mark, order)? {
        return Ok(Decision { cleared: vec![Effect::Edit], ..Decision::default() });
    }
    let contents = contents::contents(facts, order)?;
    if contents == mark.contents {
        let mark = InStep { seen_at: seen_at(ctx, facts, order), ..mark.clone() };
        return Ok(decision::in_step(NowInStep { mark, row_links: None }));
    }
    let planned = match aim(ctx, facts, order) {
        Ok(planned) => planned,
        Err(NoRows::Need(needs)) => return Err(needs),
        Err(NoRows::Held(holds)) => return Ok(decision::held_as_edits(holds)),
    };
    decision::Edit { ctx, facts, link, order, mark, contents, planned }.decide()
}

/// What is remembered of the date of the order's last change: that nothing was edited while it says the same must be certain.
fn seen_at(ctx: &Context<'_>, facts: &OrderFacts, order: &StoreOrder) -> Timestamp {
    let is_sure = facts.read_from.unwrap_or(ctx.now).duration_since(order.modified_at) > SURE_AFTER;
    let before = || order.modified_at.checked_sub(SignedDuration::from_secs(1)).unwrap_or(order.modified_at);
    if is_sure { order.modified_at } else { before() }
}

/// Whether nothing can have been edited, without a call. Where a store gives an order's lines along they are looked at all the same; from
/// one that does not they are not read because of a change that we ourselves made a moment ago.
fn is_unchanged(facts: &OrderFacts, mark: &InStep, order: &StoreOrder) -> Ask<bool> {
    if order.modified_at == mark.seen_at {
        return Ok(true);
    }
    if !facts.written_at_store || facts.lines.is_some() || facts.held.contains(&Effect::Edit) {
        return Ok(false);
    }
    Ok(contents::head(facts, order)? == (mark.contents.amounts.clone(), mark.contents.billing.clone()))
}
