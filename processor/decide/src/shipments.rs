//! Shipped notes become shipments: one per note and delivery address, never more than is left, never twice.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use orderbridge_schema::command::{Command, NewShipment};
use orderbridge_schema::decision::{Cause, Decision, Effect, Hold, Remark};
use orderbridge_schema::facts::{Note, OrderLine, StoreShipment};
use orderbridge_schema::ids::{OrderAddressId, OrderLineId, SalesOrderId, SalesOrderRowId};
use orderbridge_schema::link::{RowLink, ShipmentLink};
use orderbridge_schema::rules::Carrier;
use orderbridge_schema::work::Aspects;
use rust_decimal::prelude::ToPrimitive;

use crate::facts::{Ask, Context, Need, Needs, OrderFacts, gather, known};

/// Longest tracking number the store takes (BC §d.5).
const TRACKING_CHARS_MAX: usize = 50;
/// How far the two platforms' clocks may lie apart when a shipment is dated before our send.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(60);

/// Decides about shipped notes. At most one shipment per decision: each is preceded by a fresh list of the order's shipments.
pub(crate) fn decide_shipments(ctx: &Context<'_>, facts: &OrderFacts) -> Ask<Decision> {
    let wanted = facts.looks_at(Aspects::NOTES) || facts.notes.is_some();
    if !wanted || !ctx.rules.fulfilment.enabled {
        return Ok(Decision::default());
    }
    let pending = pending_notes(facts, known(facts.notes.as_ref(), Need::Notes)?);
    if pending.is_empty() {
        return Ok(Decision { cleared: vec![Effect::Shipment], ..Decision::default() });
    }
    let unnamed = |note: &&Note| note.shipping_method.is_some() && ctx.rules.fulfilment.carrier(note.shipping_method).is_none();
    gather([
        (facts.lines.is_none(), Need::Lines),
        (facts.shipments.is_none(), Need::Shipments),
        (facts.method_names.is_none() && pending.iter().any(unnamed), Need::MethodNames),
    ])?;
    let unread = unknown_rows(facts, &pending);
    if !unread.is_empty() {
        return Err(unread);
    }
    let mut decision = Decision::default();
    for note in pending {
        decide_note(ctx, facts, note, &mut decision);
        if !decision.commands.is_empty() {
            break;
        }
    }
    if decision.holds.is_empty() {
        decision.cleared.push(Effect::Shipment);
    }
    Ok(decision)
}

/// Shipped notes of our sales orders, oldest first.
fn pending_notes<'a>(facts: &OrderFacts, notes: &'a [Note]) -> Vec<&'a Note> {
    let ours: BTreeSet<SalesOrderId> = facts.links.iter().map(|link| link.sales_order).collect();
    let is_ours = |note: &&Note| note.shipped && !note.transfer && note.order.is_some_and(|order| ours.contains(&order));
    let is_done = |note: &Note| {
        let addresses = addresses_of(facts, note);
        let linked = |address: &OrderAddressId| {
            facts.shipment_links.iter().any(|link| link.kind == note.kind && link.note == note.id && link.address == *address)
        };
        !addresses.is_empty() && addresses.iter().all(linked)
    };
    let mut pending: Vec<&Note> = notes.iter().filter(is_ours).filter(|note| !is_done(note)).collect();
    pending.sort_by_key(|note| (note.shipped_at, note.kind, note.id));
    pending
}

fn addresses_of(facts: &OrderFacts, note: &Note) -> BTreeSet<OrderAddressId> {
    let link = |row: SalesOrderRowId| facts.row_links.iter().find(|link| link.row == row);
    note.rows.iter().filter_map(|row| link(row.row)).filter(|link| is_shippable(link)).map(|link| link.address).collect()
}

fn is_shippable(link: &RowLink) -> bool {
    link.shippable && link.address.0 != 0
}

fn decide_note(ctx: &Context<'_>, facts: &OrderFacts, note: &Note, decision: &mut Decision) {
    let by_address = match items_by_address(facts, note) {
        Ok(by_address) => by_address,
        Err(why) => return decision.holds.push(cannot_ship(note, why)),
    };
    if by_address.is_empty() {
        let text = format!("{} {} holds nothing that the store ships", note.kind, note.id);
        decision.remarks.push(Remark { key: "note-without-goods", text });
    }
    let several = facts.row_links.iter().filter(|link| is_shippable(link)).map(|link| link.address).collect::<BTreeSet<_>>().len() > 1;
    for (address, wanted) in by_address {
        let linked = |link: &ShipmentLink| link.kind == note.kind && link.note == note.id && link.address == address;
        if decision.commands.is_empty() && !facts.shipment_links.iter().any(linked) {
            decide_shipment(ctx, facts, note, (address, several), &wanted, decision);
        }
    }
}

/// What a note holds of each line, by delivery address. `Err` says why it cannot be told.
fn items_by_address(facts: &OrderFacts, note: &Note) -> Result<BTreeMap<OrderAddressId, BTreeMap<OrderLineId, u32>>, &'static str> {
    let mut by_address: BTreeMap<OrderAddressId, BTreeMap<OrderLineId, u32>> = BTreeMap::new();
    let mut known_rows = 0;
    for row in &note.rows {
        let Some(link) = facts.row_links.iter().find(|link| link.row == row.row) else {
            if is_component(facts, note, row.row) {
                return Err("it holds a component of a bundle, which is not yet counted back to the bundle");
            }
            continue;
        };
        known_rows += 1;
        let whole = Some(row.quantity).filter(|quantity| quantity.fract().is_zero()).and_then(|quantity| quantity.to_u32());
        let quantity = whole.ok_or("it holds a part of an item, or a negative number of them")?;
        if is_shippable(link) && quantity > 0 {
            let sum = by_address.entry(link.address).or_default().entry(link.line).or_default();
            *sum = sum.saturating_add(quantity);
        }
    }
    if known_rows == 0 && !note.rows.is_empty() {
        return Err("none of its rows stands for a line of the store's order");
    }
    Ok(by_address)
}

/// Whether a row that stands for no line is a component of a bundle, rather than one that staff added.
fn is_component(facts: &OrderFacts, note: &Note, row: SalesOrderRowId) -> bool {
    let sales_order = note.order.and_then(|order| facts.sales_orders.get(&order)?.as_ref());
    sales_order.is_some_and(|order| order.rows.iter().any(|known| known.id == row && known.bundle_child))
}

/// Sales orders that must be read to tell what the notes' unknown rows are.
fn unknown_rows(facts: &OrderFacts, pending: &[&Note]) -> Needs {
    let is_known = |row: SalesOrderRowId| facts.row_links.iter().any(|link| link.row == row);
    let unknown = pending.iter().filter(|note| note.rows.iter().any(|row| !is_known(row.row)));
    let unread = unknown.filter_map(|note| note.order).filter(|order| !facts.sales_orders.contains_key(order));
    unread.map(Need::SalesOrder).collect()
}

fn decide_shipment(
    ctx: &Context<'_>,
    facts: &OrderFacts,
    note: &Note,
    (address, several): (OrderAddressId, bool),
    wanted: &BTreeMap<OrderLineId, u32>,
    decision: &mut Decision,
) {
    let shipments = facts.shipments.as_deref().unwrap_or_default();
    let mark = NewShipment::mark(note.kind, note.id, several.then_some(address));
    if let Some(found) = shipments.iter().find(|shipment| NewShipment::mark_in(&shipment.comments) == Some(&mark)) {
        decision.found_shipments.push(ShipmentLink { kind: note.kind, note: note.id, order: facts.id, address, shipment: found.id });
        return;
    }
    let items = left_of(wanted, facts.lines.as_deref().unwrap_or_default(), shipments.iter());
    // Before "nothing is left": the unmarked shipment itself may be what left nothing.
    if maybe_ours(facts, &NewShipment::mark(note.kind, note.id, Some(address)), wanted, shipments) {
        return decision.holds.push(shipment_maybe_ours(&mark));
    }
    if items.is_empty() {
        let text = format!("{mark}: nothing of it is left to ship at the store");
        decision.remarks.push(Remark { key: "nothing-left-to-ship", text });
        return;
    }
    let shipped = pieces(items.iter().map(|(_, quantity)| *quantity));
    if shipped < pieces(wanted.values().copied()) {
        let text = format!("{mark}: only what is left at the store is shipped ({shipped} items)");
        decision.remarks.push(Remark { key: "shipped-in-part", text });
    }
    let command = shipment_command(ctx, facts, note, address, items, mark);
    match facts.refused.get(&command.name()) {
        Some(hold) => decision.holds.push(hold.clone()),
        None => decision.commands.push(command),
    }
}

/// How many items together; wider than one quantity, so that no sum overflows.
fn pieces(quantities: impl Iterator<Item = u32>) -> u64 {
    quantities.map(u64::from).sum()
}

/// Of what is wanted, what the store has neither shipped nor refunded.
fn left_of<'a>(
    wanted: &BTreeMap<OrderLineId, u32>,
    lines: &[OrderLine],
    shipments: impl Iterator<Item = &'a StoreShipment>,
) -> Vec<(OrderLineId, u32)> {
    let mut shipped: BTreeMap<OrderLineId, u32> = BTreeMap::new();
    for (line, quantity) in shipments.flat_map(|shipment| &shipment.items) {
        let sum = shipped.entry(*line).or_default();
        *sum = sum.saturating_add(*quantity);
    }
    let left = |id: OrderLineId| {
        let line = lines.iter().find(|known| known.id == id)?;
        Some(line.quantity.saturating_sub(line.refunded).saturating_sub(shipped.get(&id).copied().unwrap_or_default()))
    };
    let item = |(&line, &quantity): (&OrderLineId, &u32)| (line, quantity.min(left(line).unwrap_or(0)));
    wanted.iter().map(item).filter(|(_, quantity)| *quantity > 0).collect()
}

/// After an attempt in doubt, an unmarked shipment of the same lines may be ours with its comment lost, or somebody else's.
///
/// The same lines are those that would have been sent had it not been there.
fn maybe_ours(facts: &OrderFacts, key: &str, wanted: &BTreeMap<OrderLineId, u32>, shipments: &[StoreShipment]) -> bool {
    let Some(&sent_at) = facts.shipments_in_doubt.get(key) else { return false };
    let lines = facts.lines.as_deref().unwrap_or_default();
    let unmarked = |shipment: &&StoreShipment| NewShipment::mark_in(&shipment.comments).is_none();
    let after = |shipment: &&StoreShipment| sent_at.duration_since(shipment.created_at) < CLOCK_SKEW;
    let same = |candidate: &StoreShipment| {
        let others = shipments.iter().filter(|shipment| shipment.id != candidate.id);
        let sent: BTreeSet<(OrderLineId, u32)> = left_of(wanted, lines, others).into_iter().collect();
        !sent.is_empty() && candidate.items.iter().copied().collect::<BTreeSet<_>>() == sent
    };
    shipments.iter().filter(unmarked).filter(after).any(same)
}

fn shipment_command(
    ctx: &Context<'_>,
    facts: &OrderFacts,
    note: &Note,
    address: OrderAddressId,
    items: Vec<(OrderLineId, u32)>,
    mark: String,
) -> Command {
    let carrier = ctx.rules.fulfilment.carrier(note.shipping_method).cloned().unwrap_or_default();
    let name = note.shipping_method.and_then(|method| facts.method_names.as_ref()?.get(&method).cloned()).unwrap_or_default();
    let Carrier { provider, carrier, method } = carrier;
    let numbers: Vec<&str> = note.reference.split([',', ';', '|', '\n', '\r']).map(str::trim).filter(|number| !number.is_empty()).collect();
    let first = numbers.first().copied().unwrap_or_default();
    let told_in_full = numbers.len() <= 1 && first.chars().count() <= TRACKING_CHARS_MAX;
    Command::CreateShipment(Box::new(NewShipment {
        order: facts.id,
        note_kind: note.kind,
        note: note.id,
        address,
        items,
        tracking_number: first.chars().take(TRACKING_CHARS_MAX).collect(),
        shipping_provider: provider,
        tracking_carrier: carrier,
        shipping_method: if method.is_empty() { name } else { method },
        comments: if told_in_full { mark } else { format!("{mark} {}", numbers.join(", ")) },
    }))
}

fn cannot_ship(note: &Note, why: &str) -> Hold {
    let mark = NewShipment::mark(note.kind, note.id, None);
    Hold {
        effect: Effect::Shipment,
        cause: Cause::CannotShip(mark),
        why: format!("{} {} cannot be sent to the store: {why}", note.kind, note.id),
        remedy: "enter the shipment at the store by hand".into(),
    }
}

fn shipment_maybe_ours(mark: &str) -> Hold {
    Hold {
        effect: Effect::Shipment,
        cause: Cause::ShipmentMaybeOurs,
        why: format!("an attempt to send {mark} had no answer, and the store now has an unmarked shipment of the same lines"),
        remedy: format!("if that shipment is the note's, write {mark} at the start of its comments; if not, delete it"),
    }
}
