//! A refund comes off its sales order: the reservation, then the rows, then the money.

use orderbridge_schema::command::{Command, NewOrderRow, OrderRowChange, Reservation};
use orderbridge_schema::decision::{Cause, Decision, Effect, Hold};
use orderbridge_schema::facts::{Allocated, SalesOrder};
use orderbridge_schema::refund::{ExtraRow, RefundMark, RowChange};
use orderbridge_schema::reservation::ReservedRow;
use rust_decimal::Decimal;

use super::{Case, commands, held, paid, sales_order, unclear};
use crate::facts::{Ask, Need, known};

/// The next step of a refund that was begun; nothing if all of it is done.
pub(super) fn step(case: &Case<'_>, mark: &RefundMark) -> Ask<Decision> {
    let sales_order = match sales_order(case)? {
        Ok(sales_order) => sales_order,
        Err(hold) => return Ok(held(*hold)),
    };
    let pending = match pending(case, sales_order, mark) {
        Ok(pending) => pending,
        Err(hold) => return Ok(held(*hold)),
    };
    let is_added = mark.extra.as_ref().is_none_or(|_| has_extra(sales_order, mark));
    if sales_order.standing.invoiced && !(pending.is_empty() && is_added) {
        return Ok(held(*unclear(case.refund, &format!("sales order {} was invoiced before all of it came off", sales_order.id))));
    }
    if !pending.is_empty() {
        if let Some(decision) = release(case, sales_order, &pending)? {
            return Ok(decision);
        }
        let change = |change: &RowChange| {
            let change = OrderRowChange { sales_order: sales_order.id, refund: case.refund.id, change: change.clone() };
            Command::SetOrderRow(Box::new(change))
        };
        return Ok(commands(pending.into_iter().map(change).collect()));
    }
    if let Some(row) = mark.extra.clone().filter(|_| !is_added) {
        return Ok(commands(vec![Command::AddOrderRow(Box::new(NewOrderRow { sales_order: sales_order.id, refund: case.refund.id, row }))]));
    }
    Ok(paid::back(case, mark.sales_order))
}

/// Rows that are not as they are to be.
fn pending<'a>(case: &Case<'_>, sales_order: &SalesOrder, mark: &'a RefundMark) -> Result<Vec<&'a RowChange>, Box<Hold>> {
    let mut pending = Vec::new();
    for change in &mark.rows {
        let row = sales_order.rows.iter().find(|row| row.id == change.row);
        let present = row.map_or(Decimal::ZERO, |row| row.quantity);
        if present == Decimal::from(change.from) {
            pending.push(change);
        } else if present != Decimal::from(change.to) {
            let why = format!("row {} of sales order {} has {} pieces now, and {} are to be left", change.row, sales_order.id, present, change.to);
            return Err(unclear(case.refund, &why));
        }
    }
    Ok(pending)
}

fn has_extra(sales_order: &SalesOrder, mark: &RefundMark) -> bool {
    let start = ExtraRow::mark(mark.refund);
    sales_order.rows.iter().any(|row| row.name.starts_with(&start))
}

/// A row cannot have less than is reserved for it (BP §e.5): what is too much is released before. Nothing if there is none.
fn release(case: &Case<'_>, sales_order: &SalesOrder, pending: &[&RowChange]) -> Ask<Option<Decision>> {
    let id = sales_order.id;
    if matches!(sales_order.standing.allocated, Allocated::NotNeeded | Allocated::Nothing) {
        return Ok(None);
    }
    let reserved = known(case.facts.reserved.get(&id), Need::Reservation(id))?;
    let left = |row: &ReservedRow| pending.iter().find(|change| change.row == row.row).map_or(row.quantity, |change| change.to.min(row.quantity));
    let excess = reserved.iter().filter(|row| left(row) < row.quantity).count();
    if excess == 0 {
        return Ok(None);
    }
    let rows: Vec<ReservedRow> = reserved.iter().map(|row| ReservedRow { quantity: left(row), ..*row }).filter(|row| row.quantity > 0).collect();
    let warehouse = sales_order.standing.warehouse.or(case.ctx.rules.orders.warehouse);
    // Rows that a change of the reservation does not list may stay in it (BP §h.2): tried once, then a person is asked.
    match warehouse.filter(|_| !rows.is_empty() && !case.facts.released.contains(&id)) {
        Some(warehouse) => Ok(Some(commands(vec![Command::SetReservation(Box::new(Reservation { sales_order: id, warehouse, rows }))]))),
        None => Ok(Some(held(still_reserved(case, sales_order)))),
    }
}

fn still_reserved(case: &Case<'_>, sales_order: &SalesOrder) -> Hold {
    Hold {
        effect: Effect::Refund,
        cause: Cause::StockReserved(sales_order.id),
        why: format!(
            "refund {} takes rows off sales order {} that stock is reserved for, and Brightpearl lets nobody but a person release all of a row's stock",
            case.refund.id, sales_order.id
        ),
        remedy: "release the stock of the refunded rows in Brightpearl; the refund then goes on with the order's next change, or when it is retried"
            .into(),
    }
}
