//! Stock is reserved for a new sales order, on creation or once it is paid, and what came of it is read back (BP §h.2).
//!
//! The first reservation is a POST, which Brightpearl adds to what is there; everything after it is a PUT, which sets quantities. What is
//! not in stock is no dead end: it is told and tried again when the order is looked at later, but not at every event in vain.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use orderbridge_schema::command::{Command, Reservation};
use orderbridge_schema::decision::{Cause, Decision, Effect, Hold, Remark};
use orderbridge_schema::facts::{Allocated, SalesOrder, SalesOrderRow};
use orderbridge_schema::ids::{ProductId, StoreStatusId};
use orderbridge_schema::link::OrderLink;
use orderbridge_schema::reservation::{ReservationMark, ReservationState, ReservedRow};
use orderbridge_schema::rules::Allocation;
use orderbridge_schema::work::Aspects;
use rust_decimal::prelude::ToPrimitive;

use crate::cancellation::is_cancelled;
use crate::facts::{Ask, Context, Need, Needs, OrderFacts, gather, known};

/// The product of free-text rows (BP §e.3).
const FREE_TEXT: ProductId = ProductId(1000);
/// How long after a try in vain the next event tries again: each costs three calls.
const TRY_AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(15);
/// Store statuses in which the order is checked for fraud (BC §d.6): nothing is kept back for it meanwhile.
const IN_CHECK: [StoreStatusId; 2] = [StoreStatusId(12), StoreStatusId(13)];
/// Store statuses in which nothing is to be delivered (BC §d.6): incomplete, refunded, cancelled, declined.
const NOT_DELIVERED: [StoreStatusId; 4] = [StoreStatusId(0), StoreStatusId(4), StoreStatusId(5), StoreStatusId(6)];
/// Rows that a remark names one by one.
const ROWS_TOLD: usize = 10;

/// A sales order that is compared for the first time is one that stock is reserved for from now on, if the rules want it. Orders from
/// before the rules wanted it are left alone.
pub(crate) fn wanted_from_now_on(ctx: &Context<'_>, facts: &OrderFacts, link: &OrderLink, mut decision: Decision) -> Decision {
    let is_known = facts.reservations.iter().any(|mark| mark.sales_order == link.sales_order);
    if ctx.rules.orders.allocation != Allocation::Off && decision.verified.is_some() && !is_known {
        decision.reservations.push(ReservationMark { sales_order: link.sales_order, state: ReservationState::Wanted, tried_at: None });
    }
    decision
}

/// Decides about the reservations of all sales orders made from the order.
pub(crate) fn decide_allocation(ctx: &Context<'_>, facts: &OrderFacts) -> Ask<Decision> {
    let mut whole = Decision::default();
    if ctx.rules.orders.allocation == Allocation::Off {
        return Ok(whole);
    }
    let is_linked = |mark: &&ReservationMark| facts.links.iter().any(|link| link.sales_order == mark.sales_order);
    for mark in facts.reservations.iter().filter(is_linked) {
        let one = match mark.state {
            ReservationState::Done => Decision::default(),
            ReservationState::Asked | ReservationState::Set => read_back(ctx, facts, mark)?,
            ReservationState::Wanted | ReservationState::Part | ReservationState::Nothing => decide_mark(ctx, facts, mark)?,
        };
        whole.commands.extend(one.commands);
        whole.holds.extend(one.holds);
        whole.remarks.extend(one.remarks);
        whole.reservations.extend(one.reservations);
    }
    if whole.holds.is_empty() {
        whole.cleared.push(Effect::Allocation);
    }
    Ok(whole)
}

/// A reservation that is wanted, or that lacks something.
fn decide_mark(ctx: &Context<'_>, facts: &OrderFacts, mark: &ReservationMark) -> Ask<Decision> {
    let is_looked_at = facts.looks_at(Aspects::STORE_ORDER) || facts.looks_at(Aspects::SALES_ORDER);
    let is_rested = mark.tried_at.is_none_or(|at| ctx.now.duration_since(at) >= TRY_AGAIN_AFTER);
    if !is_looked_at || !is_rested {
        return Ok(Decision::default());
    }
    match store_status(facts)? {
        Some(status) if IN_CHECK.contains(&status) => {
            return Ok(remark("allocation-waits", "stock is reserved once the store has checked the order".into()));
        }
        Some(status) if !NOT_DELIVERED.contains(&status) => {}
        _ => return Ok(Decision::default()),
    }
    let sales_order = known(facts.sales_orders.get(&mark.sales_order), Need::SalesOrder(mark.sales_order))?;
    match sales_order {
        Some(sales_order) if !is_cancelled(ctx, sales_order) => decide_open(ctx, facts, mark, sales_order),
        _ => Ok(Decision::default()),
    }
}

/// The store's status: as it was read, or else as it was when both sides last agreed.
fn store_status(facts: &OrderFacts) -> Ask<Option<StoreStatusId>> {
    match (&facts.store_order, &facts.agreed) {
        (Some(order), _) => Ok(order.as_ref().filter(|order| !order.deleted).map(|order| order.status)),
        (None, Some(agreement)) => Ok(Some(agreement.pair.store)),
        (None, None) => Err(Needs::from([Need::StoreOrder])),
    }
}

fn decide_open(ctx: &Context<'_>, facts: &OrderFacts, mark: &ReservationMark, sales_order: &SalesOrder) -> Ask<Decision> {
    let (id, standing) = (mark.sales_order, sales_order.standing);
    if standing.allocated == Allocated::NotNeeded {
        return Ok(done(mark, "allocation-not-needed", format!("sales order {id} holds nothing that stock is kept of")));
    }
    if standing.fulfilled || standing.invoiced {
        return Ok(done(mark, "allocation-left-alone", format!("sales order {id} is on its way or invoiced already: its stock is left alone")));
    }
    match (mark.state, standing.allocated) {
        (ReservationState::Part, Allocated::All) => Ok(done(mark, "reserved", format!("stock is reserved for all of sales order {id} now"))),
        (ReservationState::Part, Allocated::Nothing) => {
            Ok(done(mark, "allocation-left-alone", format!("the reservation of sales order {id} was released in Brightpearl, which is left so")))
        }
        // Somebody else's doing, or our own call whose answer never came.
        (ReservationState::Wanted | ReservationState::Nothing, Allocated::Part | Allocated::All) => read_back(ctx, facts, mark),
        (ReservationState::Wanted | ReservationState::Nothing, Allocated::Unknown) => {
            let reserved = known(facts.reserved.get(&id), Need::Reservation(id))?;
            if reserved.is_empty() { ask(ctx, facts, mark, sales_order) } else { read_back(ctx, facts, mark) }
        }
        _ => ask(ctx, facts, mark, sales_order),
    }
}

/// Asks for all that is wanted.
fn ask(ctx: &Context<'_>, facts: &OrderFacts, mark: &ReservationMark, sales_order: &SalesOrder) -> Ask<Decision> {
    if ctx.rules.orders.allocation == Allocation::WhenPaid && !sales_order.standing.paid {
        return Ok(remark("allocation-waits", "stock is reserved once Brightpearl has the order as paid".into()));
    }
    let rows = wanted_rows(facts, sales_order)?;
    if rows.is_empty() {
        let text = format!("sales order {} holds nothing that stock is kept of", mark.sales_order);
        return Ok(done(mark, "allocation-not-needed", text));
    }
    let Some(warehouse) = sales_order.standing.warehouse.or(ctx.rules.orders.warehouse) else {
        return Ok(Decision { holds: vec![no_warehouse()], ..Decision::default() });
    };
    let products: BTreeSet<ProductId> = rows.iter().map(|row| row.product).collect();
    let reservation = Box::new(Reservation { sales_order: mark.sales_order, warehouse, rows });
    let command = match mark.state {
        ReservationState::Part => Command::SetReservation(reservation),
        _ => Command::ReserveStock(reservation),
    };
    // A refusal says nothing that a program could rely on (BP §m.2): whether nothing is on hand is looked up.
    if facts.refused.contains_key(&command.name()) {
        let sales_order = mark.sales_order;
        if *known(facts.on_hand.get(&sales_order), Need::OnHand { sales_order, warehouse, products })? == Some(0) {
            return Ok(in_vain(ctx, mark));
        }
    }
    Ok(Decision { commands: vec![command], ..Decision::default() })
}

/// Nothing, or nothing more, is in stock.
fn in_vain(ctx: &Context<'_>, mark: &ReservationMark) -> Decision {
    let state = if mark.state == ReservationState::Part { ReservationState::Part } else { ReservationState::Nothing };
    let more = if state == ReservationState::Part { "nothing more" } else { "nothing" };
    let text = format!("{more} of sales order {} is in stock to be reserved; it is tried again when the order is looked at later", mark.sales_order);
    noted(ReservationMark { state, tried_at: Some(ctx.now), ..*mark }, "not-in-stock", text)
}

/// What is reserved now, beside what is wanted.
fn read_back(ctx: &Context<'_>, facts: &OrderFacts, mark: &ReservationMark) -> Ask<Decision> {
    let id = mark.sales_order;
    gather([(!facts.sales_orders.contains_key(&id), Need::SalesOrder(id)), (!facts.reserved.contains_key(&id), Need::Reservation(id))])?;
    let (Some(Some(sales_order)), Some(reserved)) = (facts.sales_orders.get(&id), facts.reserved.get(&id)) else { return Ok(Decision::default()) };
    if reserved.is_empty() {
        return Ok(in_vain(ctx, mark));
    }
    let wanted = wanted_rows(facts, sales_order)?;
    let has = |row: &ReservedRow| reserved.iter().filter(|one| one.row == row.row).map(|one| one.quantity).sum::<u32>();
    // Somebody else reserved at the same moment, and both were added up.
    if mark.state != ReservationState::Set && wanted.iter().any(|row| has(row) > row.quantity) {
        let warehouse = sales_order.standing.warehouse.or(ctx.rules.orders.warehouse);
        let command = |warehouse| Command::SetReservation(Box::new(Reservation { sales_order: id, warehouse, rows: wanted.clone() }));
        return Ok(Decision { commands: warehouse.map(command).into_iter().collect(), ..Decision::default() });
    }
    let short: Vec<(&ReservedRow, u32)> = wanted.iter().map(|row| (row, has(row))).filter(|(row, has)| *has < row.quantity).collect();
    if short.is_empty() {
        let pieces: u64 = wanted.iter().map(|row| u64::from(row.quantity)).sum();
        return Ok(done(mark, "reserved", format!("all {pieces} pieces of sales order {id} are reserved")));
    }
    let mark = ReservationMark { state: ReservationState::Part, tried_at: Some(ctx.now), ..*mark };
    Ok(noted(mark, "reserved-in-part", told_in_part(&short)))
}

/// Rows are named by their ids: their names may hold what the shopper wrote.
fn told_in_part(short: &[(&ReservedRow, u32)]) -> String {
    let row = |(row, has): &(&ReservedRow, u32)| format!("{has} of {} of row {} (product {})", row.quantity, row.row, row.product);
    let rows: Vec<String> = short.iter().take(ROWS_TOLD).map(row).collect();
    let more = short.len().checked_sub(ROWS_TOLD).filter(|more| *more > 0).map(|more| format!(" and less than wanted of {more} more rows"));
    format!("reserved {}{}; the rest is not in stock", rows.join(", "), more.unwrap_or_default())
}

/// The rows that stock is kept of, each once: no free text, no bundle (its components are), nothing that is not counted in pieces.
pub(crate) fn wanted_rows(facts: &OrderFacts, sales_order: &SalesOrder) -> Ask<Vec<ReservedRow>> {
    let is_bundle = |row: &SalesOrderRow| sales_order.rows.iter().any(|part| part.bundle_parent_row == Some(row.id));
    let piece = |row: &SalesOrderRow| {
        let quantity = Some(row.quantity).filter(|quantity| quantity.fract().is_zero()).and_then(|quantity| quantity.to_u32());
        let quantity = quantity.filter(|quantity| *quantity > 0 && row.product != FREE_TEXT && !is_bundle(row))?;
        Some(ReservedRow { row: row.id, product: row.product, quantity })
    };
    let rows: Vec<ReservedRow> = sales_order.rows.iter().filter_map(piece).collect();
    let unknown: BTreeSet<ProductId> = rows.iter().map(|row| row.product).filter(|product| !facts.stock_tracked.contains_key(product)).collect();
    if !unknown.is_empty() {
        return Err(Needs::from([Need::StockTracked(unknown)]));
    }
    Ok(rows.into_iter().filter(|row| facts.stock_tracked.get(&row.product) == Some(&true)).collect())
}

fn done(mark: &ReservationMark, key: &'static str, text: String) -> Decision {
    noted(ReservationMark { state: ReservationState::Done, ..*mark }, key, text)
}

fn noted(mark: ReservationMark, key: &'static str, text: String) -> Decision {
    Decision { reservations: vec![mark], ..remark(key, text) }
}

fn remark(key: &'static str, text: String) -> Decision {
    Decision { remarks: vec![Remark { key, text }], ..Decision::default() }
}

fn no_warehouse() -> Hold {
    Hold {
        effect: Effect::Allocation,
        cause: Cause::MissingRule("orders.warehouse"),
        why: "neither the sales order nor the settings name a warehouse to reserve stock in".into(),
        remedy: "choose a warehouse in the tenant's settings (orders.warehouse)".into(),
    }
}
