//! What was paid at the store is booked in Brightpearl: each payment once, and exactly as it was made.

mod expected;
mod method;
mod outside;
mod plan;

use orderbridge_schema::command::{Command, NewPayment, REFERENCE_CHARS_MAX};
use orderbridge_schema::decision::{Cause, Decision, Effect, Hold, Remark};
use orderbridge_schema::facts::{SalesOrder, SalesOrderPayment, StoreOrder, Transaction, Transactions};
use orderbridge_schema::ids::StoreStatusId;
use orderbridge_schema::link::{OrderLink, PaymentLink};
use orderbridge_schema::money;
use orderbridge_schema::work::Aspects;
use rust_decimal::Decimal;

use crate::currency;
use crate::facts::{Ask, Context, Need, Needs, OrderFacts, known};

pub(crate) use expected::{Expected, expected};
pub(crate) use plan::Planned;

use plan::Plan;

/// Manual verification required, and disputed (BC §d.6): what was paid may be taken back any moment.
const DOUBTED: [StoreStatusId; 2] = [StoreStatusId(12), StoreStatusId(13)];

/// Decides about what was paid. Level-triggered: whatever the store says was paid and is not booked yet, is booked. The store's records
/// are read only where an event tells of them, or where the order says something else of its payment than when all of it was booked;
/// a change of rules alone looks at nothing.
pub(crate) fn decide_payments(ctx: &Context<'_>, facts: &OrderFacts, link: &OrderLink) -> Ask<Decision> {
    let rules = &ctx.rules.payments;
    if !rules.enabled {
        // What changes meanwhile is looked at if payments are ever switched on again.
        let stale = facts.aspects.has(Aspects::TRANSACTIONS) && facts.paid_as_seen.as_ref().is_some_and(|seen| !seen.is_empty());
        return Ok(Decision { paid_as_seen: stale.then(String::new), ..Decision::default() });
    }
    if !(facts.looks_at(Aspects::STORE_ORDER) || facts.looks_at(Aspects::TRANSACTIONS)) {
        return Ok(Decision::default());
    }
    let Some(order) = known(facts.store_order.as_ref(), Need::StoreOrder)? else { return Ok(Decision::default()) };
    let is_gone = order.deleted || facts.sales_orders.get(&link.sales_order) == Some(&None);
    let seen = outside::as_seen(rules, order);
    let has_news = facts.looks_at(Aspects::TRANSACTIONS) || facts.paid_as_seen.as_ref() != Some(&seen);
    if is_gone || !has_news {
        return Ok(Decision::default());
    }
    if DOUBTED.contains(&order.status) {
        let text = format!("the store has doubts about the order (status {}): what was paid is booked when it has none", order.status);
        let remarks = vec![Remark { key: "payments-wait", text }];
        // Looked at again with the next event, whatever the order says then.
        return Ok(Decision { remarks, paid_as_seen: Some(String::new()), ..Decision::default() });
    }
    let nothing = [order.total, order.store_credit, order.gift_certificates].iter().all(Decimal::is_zero);
    let rows: &[Transaction] = match (nothing, facts.transactions.as_ref()) {
        (true, _) => &[],
        (false, fact) => match known(fact, Need::Transactions)? {
            Transactions::Read(rows) => rows,
            Transactions::Refused(why) => return Ok(Decision { holds: vec![not_shown(why)], ..Decision::default() }),
        },
    };
    let mut plan = plan::of_transactions(ctx, facts, order, rows);
    outside::of_order(ctx, facts, order, link, rows, &mut plan)?;
    decide(ctx, facts, order, link, plan, seen)
}

/// What of the plan is not booked yet becomes commands, or holds.
fn decide(ctx: &Context<'_>, facts: &OrderFacts, order: &StoreOrder, link: &OrderLink, plan: Plan, seen: String) -> Ask<Decision> {
    let mut decision = Decision { holds: plan.holds, remarks: plan.remarks, ..Decision::default() };
    let is_booked = |planned: &Planned| facts.payment_links.iter().any(|link| link.reference == planned.reference);
    let due: Vec<Planned> = plan.payments.into_iter().filter(|planned| !is_booked(planned)).collect();
    if !due.is_empty() {
        needs(ctx, facts, order, link)?;
    }
    for planned in due {
        if let Some(found) = found(facts, &planned) {
            decision.found_payments.push(linked(ctx, facts, order, link, &planned, found));
            continue;
        }
        match command(ctx, facts, order, link, &planned, &decision.commands) {
            Ok(Some(payment)) => decision.commands.push(Command::CreatePayment(Box::new(payment))),
            Ok(None) => {}
            Err(hold) => decision.holds.push(*hold),
        }
    }
    // One cause is told once, however many payments wait for it.
    let mut told: Vec<Cause> = Vec::new();
    decision.holds.retain(|hold| {
        if told.contains(&hold.cause) {
            false
        } else {
            told.push(hold.cause.clone());
            true
        }
    });
    if decision.holds.is_empty() {
        decision.cleared.push(Effect::Payment);
        decision.paid_as_seen = Some(seen).filter(|_| decision.commands.is_empty() && !plan.unfinished);
    }
    Ok(decision)
}

/// What must be known before anything is booked: the rate, and what is there already where our own records may not show all of it.
fn needs(ctx: &Context<'_>, facts: &OrderFacts, order: &StoreOrder, link: &OrderLink) -> Ask<()> {
    let sales_order = facts.sales_orders.get(&link.sales_order);
    let mut needs = Needs::new();
    let is_base = ctx.reference.account.base_currency().is_some_and(|base| base.eq_ignore_ascii_case(&order.currency));
    let has_rate = is_base || facts.exchange_rate(link.sales_order).is_some();
    if sales_order.is_none() && facts.payment_links.is_empty() && !has_rate {
        needs.insert(Need::SalesOrder(link.sales_order));
    }
    let is_paid = |order: &SalesOrder| matches!(order.payment_status.to_ascii_uppercase().as_str(), "PAID" | "PARTIALLY_PAID");
    let says_paid = sales_order.and_then(Option::as_ref).is_some_and(is_paid);
    if facts.payments.is_none() && facts.payment_links.is_empty() && (ctx.search_before_creating || says_paid) {
        needs.insert(Need::Payments(link.sales_order));
    }
    if needs.is_empty() { Ok(()) } else { Err(needs) }
}

/// The payment that carries the planned one's key in Brightpearl already.
fn found<'a>(facts: &'a OrderFacts, planned: &Planned) -> Option<&'a SalesOrderPayment> {
    facts.payments.iter().flatten().find(|payment| payment.reference == planned.reference)
}

fn linked(ctx: &Context<'_>, facts: &OrderFacts, order: &StoreOrder, link: &OrderLink, planned: &Planned, found: &SalesOrderPayment) -> PaymentLink {
    PaymentLink {
        order: order.id,
        reference: planned.reference.clone(),
        sales_order: link.sales_order,
        payment: found.id,
        kind: found.kind.unwrap_or(planned.kind),
        method: found.method.clone(),
        amount: planned.amount,
        currency: order.currency.clone(),
        rate: rate(ctx, facts, order, link),
    }
}

/// The sales order's own rate, as it was made with, as it is or as it was when an earlier payment was booked; 1 in the account's base
/// currency.
fn rate(ctx: &Context<'_>, facts: &OrderFacts, order: &StoreOrder, link: &OrderLink) -> Option<Decimal> {
    let earlier = || facts.payment_links.iter().find_map(|link| link.rate);
    let is_base = || ctx.reference.account.base_currency().filter(|base| base.eq_ignore_ascii_case(&order.currency)).map(|_| Decimal::ONE);
    facts.exchange_rate(link.sales_order).or_else(earlier).or_else(is_base).filter(|rate| *rate > Decimal::ZERO)
}

/// The command that books a planned payment; none if it must wait for the one that it is joined to.
fn command(
    ctx: &Context<'_>,
    facts: &OrderFacts,
    order: &StoreOrder,
    link: &OrderLink,
    planned: &Planned,
    before: &[Command],
) -> Result<Option<NewPayment>, Box<Hold>> {
    check(ctx, order, planned)?;
    let sent = facts.payments_in_doubt.get(&planned.reference);
    let method = match sent {
        // It may be booked already, and Brightpearl's key has the method in it.
        Some(sent) => sent.method.clone(),
        None => method::usable(ctx, facts, order, planned)?,
    };
    let booked = |reference: &String| facts.payment_links.iter().any(|link| link.reference == *reference);
    let name = |reference: &String| format!("{}/{reference}", orderbridge_schema::command::CommandKind::CreatePayment);
    let comes_before =
        |reference: &String| !facts.refused.contains_key(&name(reference)) && before.iter().any(|command| command.name() == name(reference));
    if planned.joined_to.as_ref().is_some_and(|root| !booked(root) && !comes_before(root)) {
        return Ok(None);
    }
    Ok(Some(NewPayment {
        order: order.id,
        sales_order: link.sales_order,
        reference: planned.reference.clone(),
        method,
        kind: sent.map_or(planned.kind, |sent| sent.kind),
        code: planned.code.clone(),
        amount: planned.amount,
        currency: order.currency.clone(),
        rate: rate(ctx, facts, order, link),
        paid_at: planned.paid_at,
        expires_at: planned.expires_at,
    }))
}

/// The payment of money that goes out on the order's sales order, or why it cannot be booked.
pub(crate) fn money_out(
    ctx: &Context<'_>,
    facts: &OrderFacts,
    order: &StoreOrder,
    link: &OrderLink,
    planned: Planned,
) -> Result<Option<NewPayment>, Box<Hold>> {
    command(ctx, facts, order, link, &planned, &[])
}

/// What Brightpearl would take without a word and what would be wrong in the books.
fn check(ctx: &Context<'_>, order: &StoreOrder, planned: &Planned) -> Result<(), Box<Hold>> {
    let decimals = currency::decimals(order, &ctx.reference.store);
    if !planned.currency.is_empty() && !planned.currency.eq_ignore_ascii_case(&order.currency) {
        return Err(unclear(&planned.reference, format!("it is in {}, the order in {}", planned.currency, order.currency)));
    }
    if planned.amount < Decimal::ZERO || money::round(planned.amount, decimals) != planned.amount {
        return Err(unclear(&planned.reference, format!("{} is no amount of {}", planned.amount, order.currency)));
    }
    if planned.reference.chars().count() > REFERENCE_CHARS_MAX {
        return Err(unclear(&planned.reference, "its key is longer than Brightpearl takes".to_owned()));
    }
    Ok(())
}

fn unclear(reference: &str, why: String) -> Box<Hold> {
    Box::new(Hold {
        effect: Effect::Payment,
        cause: Cause::PaymentUnclear(reference.to_owned()),
        why: format!("payment {reference} is not booked: {why}"),
        remedy: "compare the order's payments at the store with the sales order's, and enter what is missing in Brightpearl by hand".into(),
    })
}

fn not_shown(why: &str) -> Hold {
    Hold {
        effect: Effect::Payment,
        cause: Cause::Refused("read-transactions".into()),
        why: format!("the store does not show what was paid: {why}"),
        remedy: "give the store's API account the scope to read order transactions".into(),
    }
}
