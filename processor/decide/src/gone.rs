//! Orders of which one side is gone: nothing more is done about them, and nothing is ever made again by itself.
//!
//! An archived order is gone at once. What was not there when it was read may be there a moment later: it counts as gone when it is
//! missing again at least ten minutes after the first time. Until then the order is left alone as well.

use jiff::SignedDuration;
use orderbridge_schema::decision::{Cause, Decision, Effect, Hold, Remark};
use orderbridge_schema::edit::{Absence, Missing};
use orderbridge_schema::facts::StoreOrder;
use orderbridge_schema::work::Aspects;

use crate::facts::{Ask, Context, Need, OrderFacts, known};

/// How far apart two reads must lie that both miss something.
const APART: SignedDuration = SignedDuration::from_mins(10);
/// When a sales order is looked for again that was made a moment ago: Brightpearl may not show it yet.
const NEW_AGAIN_SECONDS: i64 = 60;

/// What becomes of an order of which something is missing, or was; `None` if nothing is.
pub(crate) fn decide_gone(ctx: &Context<'_>, facts: &OrderFacts) -> Ask<Option<Decision>> {
    // A person who asks for the order by hand has it looked for again.
    let is_asked_for = facts.aspects.has(Aspects::BY_HAND) && !facts.absences.is_empty();
    if let Some(gone) = facts.absences.iter().find(|absence| absence.gone_at.is_some()).filter(|_| !is_asked_for) {
        return Ok(Some(held(gone.what)));
    }
    let missing: Vec<Missing> = store_side(facts, is_asked_for)?.into_iter().chain(sales_orders(facts, is_asked_for)?).collect();
    if missing.is_empty() {
        let found_again: Vec<Missing> = facts.absences.iter().map(|absence| absence.what).filter(|what| was_looked_for(facts, *what)).collect();
        return Ok((!found_again.is_empty()).then(|| is_there(found_again)));
    }
    Ok(Some(missed(ctx, facts, &missing)))
}

/// What the store lacks, if its order was read. One that was missed before is looked for.
fn store_side(facts: &OrderFacts, is_asked_for: bool) -> Ask<Option<Missing>> {
    let was_missed = facts.absences.iter().any(|absence| absence.what.sales_order().is_none());
    let read = facts.store_order.as_ref();
    let read = if was_missed || is_asked_for { Some(known(read, Need::StoreOrder)?) } else { read };
    Ok(read.and_then(|order| lacks(order.as_ref())))
}

const fn lacks(order: Option<&StoreOrder>) -> Option<Missing> {
    match order {
        None => Some(Missing::StoreOrder),
        Some(order) if order.deleted => Some(Missing::Archived),
        Some(_) => None,
    }
}

/// Sales orders that were read and were not there. One that was missed before is looked for.
fn sales_orders(facts: &OrderFacts, is_asked_for: bool) -> Ask<Vec<Missing>> {
    let mut missing = Vec::new();
    for id in facts.links.iter().map(|link| link.sales_order) {
        let was_missed = facts.absences.iter().any(|absence| absence.what == Missing::SalesOrder(id));
        let read = facts.sales_orders.get(&id);
        let read = if was_missed || is_asked_for { Some(known(read, Need::SalesOrder(id))?) } else { read };
        if read == Some(&None) {
            missing.push(Missing::SalesOrder(id));
        }
    }
    Ok(missing)
}

fn was_looked_for(facts: &OrderFacts, what: Missing) -> bool {
    match what {
        Missing::Archived | Missing::StoreOrder => facts.store_order.is_some(),
        Missing::SalesOrder(id) => facts.sales_orders.contains_key(&id),
    }
}

fn is_there(found_again: Vec<Missing>) -> Decision {
    let text = "what was missing of the order is there again: it is kept in step as before".to_owned();
    Decision { found_again, remarks: vec![Remark { key: "found-again", text }], ..Decision::default() }
}

fn missed(ctx: &Context<'_>, facts: &OrderFacts, missing: &[Missing]) -> Decision {
    let mut decision = Decision::default();
    for what in missing.iter().copied() {
        let before = facts.absences.iter().find(|absence| absence.what == what);
        let since = before.map_or(ctx.now, |absence| absence.since);
        let waits = APART - ctx.now.duration_since(since);
        if what == Missing::Archived || (before.is_some() && !waits.is_positive()) {
            let gone_at = before.and_then(|absence| absence.gone_at).or(Some(ctx.now));
            decision.absences.push(Absence { what, since, gone_at });
            decision.holds.push(hold(what));
            continue;
        }
        if before.is_none() {
            decision.absences.push(Absence { what, since, gone_at: None });
            let text = format!("{what}, or was not there when it was read: it counts as gone if it is still missing in ten minutes");
            decision.remarks.push(Remark { key: "missed", text });
        }
        let is_new = facts.links.iter().any(|link| !link.verified && Some(link.sales_order) == what.sales_order());
        let seconds = if is_new { waits.as_secs().min(NEW_AGAIN_SECONDS) } else { waits.as_secs() };
        let again = u32::try_from(seconds.saturating_add(1)).unwrap_or(1);
        decision.again_after_seconds = Some(decision.again_after_seconds.map_or(again, |other| other.min(again)));
    }
    if !decision.holds.is_empty() {
        decision.again_after_seconds = None;
    }
    decision
}

fn held(what: Missing) -> Decision {
    Decision { holds: vec![hold(what)], ..Decision::default() }
}

fn hold(what: Missing) -> Hold {
    let (cause, remedy) = match what {
        Missing::Archived => {
            (Cause::OrderArchived, "settle the sales order in Brightpearl by hand; if the order is restored at the store, import it by hand")
        }
        Missing::StoreOrder => (Cause::StoreOrderMissing, "settle the sales order in Brightpearl by hand; if the order is back, import it by hand"),
        Missing::SalesOrder(_) => (
            Cause::SalesOrderMissing,
            "if it was deleted on purpose nothing is to be done; it is never made again by itself. If it is back, import the order by hand",
        ),
    };
    Hold { effect: Effect::Verification, cause, why: format!("{what}: nothing more is done about the order"), remedy: remedy.into() }
}
