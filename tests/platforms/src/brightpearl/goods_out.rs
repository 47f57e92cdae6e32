//! Goods-out notes (BP §h.3).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::account::{Account, IdKind};
use super::call::Call;
use super::goods_note::{GoodsOutNote, NoteLine};
use super::idset;
use super::json::{array, at, decimal, fixed, flag, instant, int, text};
use super::lists::Lists;
use super::order_build::short;
use super::reply::{Answer, Refusal, Reply};
use super::reservation;
use super::search::Kind;
use super::switches::Switches;

/// Notes per GET (BP §a.6).
const PAGE: usize = 500;

/// Event code, the mark that it sets or clears, and the webhook event.
const MARKS: &[(&str, &str, bool, &str)] = &[
    ("PRI", "printed", true, "goods-out-note.modified.printed"),
    ("UPR", "printed", false, "goods-out-note.modified.un-printed"),
    ("PIC", "picked", true, "goods-out-note.modified.picked"),
    ("UPI", "picked", false, "goods-out-note.modified.un-picked"),
    ("PAC", "packed", true, "goods-out-note.modified.packed"),
    ("UPA", "packed", false, "goods-out-note.modified.un-packed"),
];

fn refuse(message: impl Into<String>) -> Refusal {
    Refusal::bad("WHSC-999", message)
}

/// Whether an order id is meant by a path's order part, an ID set or `*`.
///
/// # Errors
/// 400 for what is neither.
pub fn orders_of(text: &str) -> Result<Option<Vec<i64>>, Refusal> {
    if text == "*" { Ok(None) } else { idset::parse(text).map(Some) }
}

/// `GET /order/{ids|*}/goods-note/goods-out[/{ids}]`: a map by note id; more than 500 notes at once are refused.
pub fn read(call: &Call<'_>, orders: &str, ids: Option<&str>) -> Answer {
    let orders = orders_of(orders)?;
    let ids = ids.map(|ids| idset::parse_capped(ids, PAGE)).transpose()?;
    let account = &*call.account;
    let candidates: Vec<i64> = match (&ids, &orders) {
        (Some(ids), _) => ids.clone(),
        (None, Some(orders)) => orders.iter().filter_map(|id| account.orders.get(id)).flat_map(|order| order.goods_out.clone()).collect(),
        (None, None) => account.notes.keys().copied().collect(),
    };
    if candidates.len() > PAGE {
        return Err(refuse(format!("At most {PAGE} goods-out notes may be requested at once")));
    }
    let shown: Map<String, Value> = candidates
        .iter()
        .filter_map(|id| account.notes.get(id))
        .filter(|note| orders.as_ref().is_none_or(|orders| orders.contains(&note.order)))
        .map(|note| (note.id.to_string(), note.view(account, call.switches)))
        .collect();
    Reply::data(Value::Object(shown))
}

/// What one entry of `warehouses` asks for, checked.
#[derive(Debug)]
struct Asked {
    warehouse: i64,
    release: Timestamp,
    transfer: bool,
    rows: Vec<(i64, i64, i64)>,
}

/// `POST /order/{id}/goods-note/goods-out`: takes over the reservation, then stock on hand; all or nothing.
pub fn create(call: &mut Call<'_>, id: i64) -> Answer {
    let body = call.json()?.clone();
    if call.account.orders.get(&id).is_none_or(|order| order.kind != "SO") {
        return Err(refuse(format!("Order {id} does not exist")));
    }
    let method = int(&body, "shippingMethodId")?.unwrap_or(0);
    if !Lists::has(&call.account.lists.shipping_methods, "id", method) {
        return Err(refuse(format!("Shipping method {method} does not exist")));
    }
    let priority = flag(&body, "priority")?.unwrap_or(false);
    let mut asked = Vec::new();
    for entry in array(&body, "warehouses")? {
        let warehouse = int(entry, "warehouseId")?.filter(|id| *id != 0 && Lists::has(&call.account.lists.warehouses, "id", *id));
        let warehouse = warehouse.ok_or_else(|| Refusal::bad("WHSC-070", "The warehouse does not exist"))?;
        let rows: Result<Vec<_>, _> = array(entry, "products")?.iter().map(|value| reservation::line(call, id, value)).collect();
        let release = instant(entry, "releaseDate")?.unwrap_or(call.now);
        asked.push(Asked { warehouse, release, transfer: flag(entry, "transfer")?.unwrap_or(false), rows: rows? });
    }
    if asked.is_empty() || asked.iter().any(|one| one.rows.is_empty()) {
        return Err(refuse("warehouses and products are required"));
    }
    check_stock(call.account, id, &asked)?;
    let mut made = Vec::new();
    for one in asked {
        made.push(make(call, id, &one, method, priority));
    }
    call.account.bump(id, call.now);
    call.account.raise("order.modified", id, call.now);
    Reply::data(made)
}

fn check_stock(account: &Account, id: i64, asked: &[Asked]) -> Result<(), Refusal> {
    let Some(order) = account.orders.get(&id) else { return Err(refuse("The order does not exist")) };
    let states = account.row_states(order);
    let reservation = account.reservations.get(&id);
    let mut by_row: BTreeMap<i64, i64> = BTreeMap::new();
    let mut free: BTreeMap<(i64, i64), i64> = BTreeMap::new();
    for one in asked {
        for (row, product, quantity) in &one.rows {
            *by_row.entry(*row).or_insert(0) += quantity;
            let reserved = reservation.filter(|held| held.warehouse == one.warehouse).and_then(|held| held.rows.get(row)).copied().unwrap_or(0);
            let rest = (quantity - reserved).max(0);
            let left = free.entry((*product, one.warehouse)).or_insert_with(|| account.on_hand(*product, one.warehouse));
            *left -= rest;
            if *left < 0 {
                return Err(refuse(format!("Not enough stock of product {product} in warehouse {}", one.warehouse)));
            }
        }
    }
    for (row, quantity) in by_row {
        let wanted = order.rows.get(&row).and_then(|row| rust_decimal::prelude::ToPrimitive::to_i64(&row.quantity)).unwrap_or(0);
        let open = wanted - states.get(&row).map_or(0, |state| state.fulfilled);
        if quantity > open {
            return Err(refuse(format!("Only {open} of row {row} can still be fulfilled")));
        }
    }
    Ok(())
}

fn make(call: &mut Call<'_>, id: i64, asked: &Asked, method: i64, priority: bool) -> i64 {
    let mut lines = Vec::new();
    for (row, product, quantity) in &asked.rows {
        let mut reserved = 0;
        if let Some(held) = call.account.reservations.get_mut(&id).filter(|held| held.warehouse == asked.warehouse) {
            reserved = held.rows.get(row).copied().unwrap_or(0).min(*quantity);
            if let Some(left) = held.rows.get_mut(row) {
                *left -= reserved;
            }
            held.rows.retain(|_, left| *left > 0);
        }
        call.account.allocate(*product, asked.warehouse, quantity - reserved, call.switches, call.now);
        for (location, taken) in call.account.place_on_note(*product, asked.warehouse, *quantity) {
            lines.push(NoteLine { row: *row, product: *product, location, quantity: taken });
        }
    }
    if call.account.reservations.get(&id).is_some_and(|held| held.rows.is_empty()) {
        call.account.reservations.remove(&id);
    }
    let note_id = call.account.next_id(IdKind::GoodsOut);
    let last_event = call.account.next_id(IdKind::NoteEvent);
    let Some(order) = call.account.orders.get_mut(&id) else { return note_id };
    order.goods_out.push(note_id);
    order.goods_out_made += 1;
    let note = GoodsOutNote {
        id: note_id,
        order: id,
        warehouse: asked.warehouse,
        transfer: asked.transfer,
        priority,
        lines,
        method,
        release_date: asked.release,
        created_on: call.now,
        created_by: call.actor.contact,
        sequence: order.goods_out_made,
        events: vec![(call.now, call.actor.contact, "PLA".to_owned())],
        last_event,
        ..GoodsOutNote::default()
    };
    call.account.notes.insert(note_id, note);
    call.account.touch(Kind::GoodsOut, note_id);
    call.account.raise("goods-out-note.created", note_id, call.now);
    note_id
}

/// A note that can still be changed.
fn unshipped(call: &Call<'_>, id: i64) -> Result<GoodsOutNote, Refusal> {
    let note = call.account.notes.get(&id).cloned().ok_or_else(|| refuse(format!("You have provided an invalid goods-out note Id: {id}")))?;
    if note.shipped_on.is_some() {
        return Err(refuse(format!("Goods-out note {id} cannot be changed: it has been shipped.")));
    }
    Ok(note)
}

/// `PUT /goods-note/goods-out/{id}`: refused once shipped.
pub fn update(call: &mut Call<'_>, id: i64) -> Answer {
    let body = call.json()?.clone();
    let mut note = unshipped(call, id)?;
    if let Some(priority) = flag(&body, "priority")? {
        note.priority = priority;
    }
    if let Some(method) = int(&body, "shipping.shippingMethodId")? {
        if !Lists::has(&call.account.lists.shipping_methods, "id", method) {
            return Err(refuse(format!("Shipping method {method} does not exist")));
        }
        note.method = method;
    }
    if let Some(reference) = short(text(&body, "shipping.reference")?, "reference", 64)? {
        note.reference = reference;
    }
    if let Some(boxes) = int(&body, "shipping.boxes")? {
        note.boxes = Some(boxes);
    }
    if let Some(weight) = decimal(&body, "shipping.weight")? {
        if weight > rust_decimal::Decimal::new(99_999_999, 2) || weight < rust_decimal::Decimal::ZERO {
            return Err(refuse("The weight is out of range"));
        }
        note.weight = Some(fixed(weight, 2));
    }
    if let Some(label) = short(text(&body, "labelUri")?, "labelUri", 512)? {
        note.label_uri = Some(label);
    }
    call.account.notes.insert(id, note);
    call.account.touch(Kind::GoodsOut, id);
    call.account.raise("goods-out-note.modified", id, call.now);
    Reply::done()
}

/// `POST /goods-note/goods-out/{id}/event`: SHW creates the missing earlier events; nothing after it (BP §h.3).
pub fn event(call: &mut Call<'_>, id: i64) -> Answer {
    let body = call.json()?.clone();
    let mut note = unshipped(call, id)?;
    if let Some(version) = call.if_match.as_deref().and_then(|text| text.trim().parse::<i64>().ok())
        && version != note.last_event
    {
        return Err(Refusal { status: 412, code: "WHSC-999".to_owned(), message: format!("Event {version} is not the latest event of note {id}") });
    }
    let raised = apply(call, &mut note, &body)?;
    if raised.is_empty() {
        return Err(Refusal::bad("WHSB-061", format!("Goods-out note {id} has these events already")));
    }
    note.last_event = call.account.next_id(IdKind::NoteEvent);
    let (order, warehouse, lines) = (note.order, note.warehouse, note.lines.clone());
    let shipped = note.shipped_on.is_some();
    call.account.notes.insert(id, note);
    call.account.touch(Kind::GoodsOut, id);
    for event in raised {
        call.account.raise(event, id, call.now);
    }
    if shipped {
        for line in lines {
            call.account.leave_note(line.product, warehouse, line.location, line.quantity, true);
        }
        // A transfer has no order.
        if order != 0 {
            call.account.bump(order, call.now);
            call.account.raise("order.modified", order, call.now);
            tell_shipped(call.account, order, call.switches, call.now);
        }
    }
    Reply::done()
}

/// Applies the events of a body to a note; gives the webhook events to raise.
fn apply(call: &Call<'_>, note: &mut GoodsOutNote, body: &Value) -> Result<Vec<&'static str>, Refusal> {
    let mut raised = Vec::new();
    for entry in array(body, "events")? {
        let code = text(entry, "eventCode")?.unwrap_or_default();
        let occured = instant(entry, "occured")?.unwrap_or(call.now);
        let owner = int(entry, "eventOwnerId")?.unwrap_or(call.actor.contact);
        at(entry, "eventCode").ok_or_else(|| refuse("eventCode is required"))?;
        if note.shipped_on.is_some() {
            return Err(refuse(format!("Goods-out note {} cannot be changed: it has been shipped.", note.id)));
        }
        if code == "SHW" {
            let missing: Vec<&str> =
                MARKS.iter().filter(|(_, mark, set, _)| *set && !note.marks.contains_key(*mark)).map(|(code, ..)| *code).collect();
            for earlier in missing {
                mark(note, earlier, occured, owner, &mut raised)?;
            }
            note.shipped_on = Some(occured);
            note.shipped_by = owner;
            note.events.push((occured, owner, code));
            raised.push("goods-out-note.modified.shipped");
        } else {
            mark(note, &code, occured, owner, &mut raised)?;
        }
    }
    Ok(raised)
}

fn mark(note: &mut GoodsOutNote, code: &str, at: Timestamp, by: i64, raised: &mut Vec<&'static str>) -> Result<(), Refusal> {
    let (_, mark, set, event) = MARKS.iter().find(|(known, ..)| *known == code).ok_or_else(|| refuse(format!("{code} is not a valid event code")))?;
    if note.marks.contains_key(*mark) == *set {
        return Ok(());
    }
    if *set {
        note.marks.insert((*mark).to_owned(), (at, by));
    } else {
        note.marks.remove(*mark);
    }
    note.events.push((at, by, code.to_owned()));
    raised.push(event);
    Ok(())
}

/// Tells once that an order is fully shipped (BP §d.3).
pub fn tell_shipped(account: &mut Account, order: i64, switches: &Switches, at: Timestamp) {
    let complete = account.orders.get(&order).is_some_and(|one| account.codes(one, switches).shipping == "ASS");
    if let Some(found) = account.orders.get_mut(&order)
        && complete != found.told_shipped
    {
        found.told_shipped = complete;
        if complete {
            account.raise("order.modified.fully-shipped", order, at);
        }
    }
}

/// `DELETE /order/{id}/goods-note/goods-out/{id}` of an unshipped note: its stock is free again.
pub fn delete(call: &mut Call<'_>, order: i64, id: i64) -> Answer {
    let note = unshipped(call, id)?;
    if note.order != order {
        return Err(refuse(format!("You have provided an invalid goods-out note Id: {id}")));
    }
    for line in &note.lines {
        call.account.leave_note(line.product, note.warehouse, line.location, line.quantity, false);
        call.account.raise_on_hand(line.product, call.switches, call.now);
    }
    call.account.notes.remove(&id);
    if let Some(found) = call.account.orders.get_mut(&order) {
        found.goods_out.retain(|other| *other != id);
    }
    call.account.touch(Kind::GoodsOut, id);
    call.account.bump(order, call.now);
    call.account.raise("goods-out-note.destroyed", id, call.now);
    call.account.raise("order.modified", order, call.now);
    Reply::done()
}
