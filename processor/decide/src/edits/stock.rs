//! Stock that is kept back for rows that an edit changes (BP §h.2): what is too much is given back first, what lacks is asked for after.

use orderbridge_schema::command::{Command, NewRow, Reservation};
use orderbridge_schema::edit::InStep;
use orderbridge_schema::facts::{Allocated, WholeSalesOrder};
use orderbridge_schema::reservation::{ReservationMark, ReservationState, ReservedRow};
use orderbridge_schema::rules::Allocation;

use super::rows::{Changes, raises};
use crate::allocation::wanted_rows;
use crate::facts::{Ask, Context, Need, OrderFacts, known};

/// The reservation without the pieces that the rows lose, if stock is kept back for them.
pub(super) fn lowered(ctx: &Context<'_>, facts: &OrderFacts, whole: &WholeSalesOrder, changes: &Changes) -> Ask<Option<Command>> {
    let id = whole.order.id;
    if !changes.lowers || facts.lowered.contains(&id) {
        return Ok(None);
    }
    let is_reserved = match whole.order.standing.allocated {
        Allocated::NotNeeded | Allocated::Nothing => false,
        Allocated::Part | Allocated::All => true,
        Allocated::Unknown => !known(facts.reserved.get(&id), Need::Reservation(id))?.is_empty(),
    };
    let Some(warehouse) = whole.order.standing.warehouse.or(ctx.rules.orders.warehouse).filter(|_| is_reserved) else { return Ok(None) };
    let left = |row: ReservedRow| {
        let changed = changes.changed.iter().find(|(id, _)| *id == row.row).map_or(row.quantity, |(_, plan)| plan.quantity);
        let is_parted = whole.order.rows.iter().any(|one| one.id == row.row && one.bundle_parent_row.is_some_and(|id| changes.removed.contains(&id)));
        let is_kept = !changes.removed.contains(&row.row) && !is_parted;
        Some(ReservedRow { quantity: row.quantity.min(changed), ..row }).filter(|row| is_kept && row.quantity > 0)
    };
    let rows: Vec<ReservedRow> = wanted_rows(facts, &whole.order)?.into_iter().filter_map(left).collect();
    // A reservation without rows cannot be set; whether the change goes without that is for Brightpearl to say.
    let command = Command::SetReservation(Box::new(Reservation { sales_order: id, warehouse, rows }));
    Ok(Some(command).filter(|command| !is_empty(command) && !facts.refused.contains_key(&command.name())))
}

fn is_empty(command: &Command) -> bool {
    matches!(command, Command::SetReservation(reservation) if reservation.rows.is_empty())
}

/// Reservations that are to be made whole again after an edit that asks for more. One that was released by people stays released.
pub(super) fn wanted_again(
    ctx: &Context<'_>,
    facts: &OrderFacts,
    (mark, planned): (&InStep, &[NewRow]),
    allocated: Allocated,
) -> Vec<ReservationMark> {
    if ctx.rules.orders.allocation == Allocation::Off || !matches!(allocated, Allocated::Part | Allocated::All) || !raises(mark, planned) {
        return Vec::new();
    }
    let is_made = |one: &&ReservationMark| {
        one.sales_order == mark.sales_order && matches!(one.state, ReservationState::Done | ReservationState::Part | ReservationState::Set)
    };
    let again = |one: &ReservationMark| ReservationMark { state: ReservationState::Part, tried_at: None, ..*one };
    facts.reservations.iter().filter(is_made).map(again).collect()
}
