//! One store order with everything that hangs on it.

use orderbridge_schema::command::Command;
use orderbridge_schema::decision::{Decision, Effect, Remark};
use orderbridge_schema::link::OrderLink;
use orderbridge_schema::work::Aspects;

use crate::allocation::{decide_allocation, wanted_from_now_on};
use crate::creation::decide_creation;
use crate::customer::decide_customer;
use crate::edits::{decide_edits, with_baseline};
use crate::facts::{Ask, Context, Need, OrderFacts, Step, known};
use crate::gone::decide_gone;
use crate::payments::decide_payments;
use crate::refunds::{self, decide_refunds};
use crate::shipments::decide_shipments;
use crate::status::decide_status;
use crate::texts::decide_texts;
use crate::verification::{decide_again, decide_verification};

/// Decides what is to be done about one store order, or says what must be read first.
///
/// Level-triggered: the answer depends on how both sides are now, never on which event asked. The order of effects is creation,
/// verification, shipments, edits at the store, then the payments and the refunds, the reference at the store and the statuses. A status
/// must never tell the shopper of goods whose shipment is not recorded yet (BC §d.5), nor the staff of money that is not booked yet; goods
/// that have left are told of however long a payment is in doubt. The reference comes behind the payments because its echo has the order
/// looked at once more. The order's texts and its stock come behind that, and the customer last.
#[must_use]
pub fn decide_order(ctx: &Context<'_>, facts: &OrderFacts) -> Step {
    match decide(ctx, facts) {
        Ok(decision) => Step::Decided(Box::new(without_refused(facts, decision))),
        Err(needs) => Step::Need(needs),
    }
}

fn decide(ctx: &Context<'_>, facts: &OrderFacts) -> Ask<Decision> {
    let Some(first) = facts.links.first() else { return Ok(refunds::of_unsent(facts, decide_creation(ctx, facts)?)) };
    if let Some(gone) = decide_gone(ctx, facts)? {
        return Ok(gone);
    }
    if let Some(link) = facts.links.iter().find(|link| !link.verified) {
        let compared = with_baseline(ctx, facts, link, decide_verification(ctx, facts, link)?)?;
        return Ok(wanted_from_now_on(ctx, facts, link, compared));
    }
    let verification = if facts.held.contains(&Effect::Verification) { decide_again(ctx, facts, first)? } else { Decision::default() };
    let shipments = decide_shipments(ctx, facts)?;
    if !shipments.commands.is_empty() {
        return Ok(shipments);
    }
    let edits = decide_edits(ctx, facts, first)?;
    if !edits.commands.is_empty() {
        return Ok(edits);
    }
    let payments = decide_payments(ctx, facts, first)?;
    let refunds = decide_refunds(ctx, facts, first)?;
    // A status is decided about once the refund before it is booked, or cannot be.
    let is_tried = |command: &Command| !facts.refused.contains_key(&command.name());
    if !refunds.refunds.is_empty() || refunds.commands.iter().any(is_tried) {
        return Ok(merged(vec![verification, edits, payments, refunds]));
    }
    let reference = decide_reference(facts, first)?;
    let status = decide_status(ctx, facts, first)?;
    let texts = decide_texts(ctx, facts)?;
    let allocation = decide_allocation(ctx, facts)?;
    let order = merged(vec![verification, shipments, edits, payments, refunds, reference, status, texts, allocation]);
    // Last, and read for only when all else is done: nothing waits for the contact.
    let is_done = order.commands.iter().all(|command| facts.refused.contains_key(&command.name()));
    if is_done { Ok(merged(vec![order, decide_customer(ctx, facts)?])) } else { Ok(order) }
}

/// What a platform refused a moment ago waits; the order's other effects go on.
fn without_refused(facts: &OrderFacts, mut decision: Decision) -> Decision {
    let holds = &mut decision.holds;
    decision.commands.retain(|command| match facts.refused.get(&command.name()) {
        Some(hold) => {
            holds.push(hold.clone());
            false
        }
        None => true,
    });
    decision
}

/// Writes `BP-{id}` on the store's order where nothing else stands.
fn decide_reference(facts: &OrderFacts, link: &OrderLink) -> Ask<Decision> {
    if !facts.looks_at(Aspects::STORE_ORDER) {
        return Ok(Decision::default());
    }
    let Some(order) = known(facts.store_order.as_ref(), Need::StoreOrder)? else { return Ok(Decision::default()) };
    let present = order.external_order_id.trim();
    let ours = present.strip_prefix("BP-").is_some_and(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()));
    if order.deleted || present == format!("BP-{}", link.sales_order) {
        Ok(Decision::default())
    } else if present.is_empty() || ours {
        let command = Command::SetExternalOrderId { order: order.id, sales_order: link.sales_order };
        Ok(Decision { commands: vec![command], ..Decision::default() })
    } else {
        let text = "the store's order already carries another system's id, which is left alone".to_owned();
        Ok(Decision { remarks: vec![Remark { key: "reference-taken", text }], ..Decision::default() })
    }
}

fn merged(parts: Vec<Decision>) -> Decision {
    let mut whole = Decision::default();
    for part in parts {
        whole.commands.extend(part.commands);
        whole.holds.extend(part.holds);
        whole.remarks.extend(part.remarks);
        whole.found_shipments.extend(part.found_shipments);
        whole.found_payments.extend(part.found_payments);
        whole.paid_as_seen = part.paid_as_seen.or(whole.paid_as_seen);
        whole.refunds.extend(part.refunds);
        whole.refunds_as_seen = part.refunds_as_seen.or(whole.refunds_as_seen);
        whole.reservations.extend(part.reservations);
        whole.found_texts.extend(part.found_texts);
        whole.in_step.extend(part.in_step);
        whole.absences.extend(part.absences);
        whole.found_again.extend(part.found_again);
        whole.cleared.extend(part.cleared);
        whole.agreed = part.agreed.or(whole.agreed);
        whole.verified = part.verified.or(whole.verified);
        whole.adopted = part.adopted.or(whole.adopted);
        whole.customer = part.customer.or(whole.customer);
        whole.again_after_seconds = match (whole.again_after_seconds, part.again_after_seconds) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
    whole
}
