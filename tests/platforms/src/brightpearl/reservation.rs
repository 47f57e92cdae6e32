//! Reservations and the fulfilment status (BP §h.2).

use std::collections::BTreeMap;

use rust_decimal::prelude::ToPrimitive;
use serde_json::{Map, Value, json};

use super::call::Call;
use super::idset;
use super::json::{array, int};
use super::lists::Lists;
use super::product::FREE_TEXT;
use super::reply::{Answer, Refusal, Reply};
use super::stock::Reservation;

fn refuse(message: impl Into<String>) -> Refusal {
    Refusal::bad("WHSC-999", message)
}

/// Checks one line `{productId, salesOrderRowId, quantity}` against an order: (row, product, quantity).
///
/// # Errors
/// WHSC-014 and placeholders.
pub fn line(call: &Call<'_>, order: i64, value: &Value) -> Result<(i64, i64, i64), Refusal> {
    let product = int(value, "productId")?.filter(|id| *id > 0);
    let product = product.ok_or_else(|| Refusal::bad("WHSC-014", "Product ID must be set and greater than 0"))?;
    let row_id = int(value, "salesOrderRowId")?.ok_or_else(|| refuse("salesOrderRowId is required"))?;
    let quantity = int(value, "quantity")?.filter(|quantity| *quantity > 0).ok_or_else(|| refuse("The quantity must be greater than 0"))?;
    let row = call.account.orders.get(&order).and_then(|order| order.rows.get(&row_id));
    let row = row.ok_or_else(|| refuse(format!("Row {row_id} does not belong to order {order}")))?;
    if row.product_id != product {
        return Err(refuse(format!("Row {row_id} is not for product {product}")));
    }
    if product == FREE_TEXT || row.bundle_parent || !row.tracked {
        return Err(refuse(format!("Product {product} is not stock tracked")));
    }
    Ok((row_id, product, quantity))
}

/// The lines of a body's `products`, the same row twice summed (BP §h.2).
fn wanted(call: &Call<'_>, order: i64, body: &Value) -> Result<BTreeMap<i64, (i64, i64)>, Refusal> {
    let mut rows: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    for value in array(body, "products")? {
        let (row, product, quantity) = line(call, order, value)?;
        rows.entry(row).or_insert((product, 0)).1 += quantity;
    }
    if rows.is_empty() {
        return Err(refuse("products is required"));
    }
    Ok(rows)
}

fn sales_order(call: &Call<'_>, id: i64) -> Result<(), Refusal> {
    let order = call.account.orders.get(&id).filter(|order| order.kind == "SO").ok_or_else(|| refuse(format!("Order {id} does not exist")))?;
    if order.status_id == call.account.lists.config_id("cancelledOrderStatusId") && order.status_id != 0 {
        return Err(refuse(format!("Order {id} is cancelled")));
    }
    Ok(())
}

/// Whether rows have room for what is wanted, where a switch forbids more. `replacing`: the quantities take the place of those reserved.
fn check_room(call: &Call<'_>, id: i64, rows: &BTreeMap<i64, (i64, i64)>, replacing: bool) -> Result<(), Refusal> {
    if call.switches.is("over_reservation", "accepted") {
        return Ok(());
    }
    let order = call.account.orders.get(&id).cloned().unwrap_or_default();
    let states = call.account.row_states(&order);
    for (row, (_, quantity)) in rows {
        let held = states.get(row).map_or(0, |state| state.fulfilled + if replacing { 0 } else { state.reserved });
        let room = order.rows.get(row).and_then(|row| row.quantity.to_i64()).unwrap_or(0) - held;
        if *quantity > room {
            return Err(refuse(format!("Only {room} of row {row} can still be reserved")));
        }
    }
    Ok(())
}

/// `POST /order/{id}/reservation/warehouse/{id}`: partial where stock is short, refused where there is none.
pub fn create(call: &mut Call<'_>, id: i64, warehouse: i64) -> Answer {
    let body = call.json()?.clone();
    sales_order(call, id)?;
    if !Lists::has(&call.account.lists.warehouses, "id", warehouse) {
        return Err(Refusal::bad("WHSC-070", format!("Warehouse {warehouse} does not exist")));
    }
    if call.account.reservations.get(&id).is_some_and(|one| one.warehouse != warehouse) {
        return Err(refuse(format!("Order {id} is already reserved in another warehouse")));
    }
    let rows = wanted(call, id, &body)?;
    check_room(call, id, &rows, false)?;
    let mut reserved = 0;
    for (row, (product, quantity)) in rows {
        let taken = call.account.allocate(product, warehouse, quantity, call.switches, call.now);
        reserved += taken;
        if taken > 0 {
            let reservation = call.account.reservations.entry(id).or_insert_with(|| Reservation { warehouse, rows: BTreeMap::new() });
            *reservation.rows.entry(row).or_insert(0) += taken;
        }
    }
    if reserved == 0 {
        return Err(refuse("There is no stock on hand to reserve"));
    }
    changed(call, id);
    Reply::done()
}

fn changed(call: &mut Call<'_>, id: i64) {
    // No event tells of reservations (BP §d.3).
    call.account.bump(id, call.now);
}

/// `PUT /order/{id}/reservation`: sets quantities; rows that are not listed stay or go by a switch.
pub fn put(call: &mut Call<'_>, id: i64) -> Answer {
    let body = call.json()?.clone();
    sales_order(call, id)?;
    let missing = || Refusal::missing(format!("No reservation exists for order {id}"));
    let old = call.account.reservations.get(&id).cloned().ok_or_else(missing)?;
    let rows = wanted(call, id, &body)?;
    check_room(call, id, &rows, true)?;
    let warehouse = old.warehouse;
    let drop_unlisted = call.switches.is("reservation_put", "drop_unlisted");
    let mut fresh = if drop_unlisted { BTreeMap::new() } else { old.rows.clone() };
    let products: BTreeMap<i64, i64> =
        old.rows.keys().filter_map(|row| Some((*row, call.account.orders.get(&id)?.rows.get(row)?.product_id))).collect();
    for (row, quantity) in &old.rows {
        if let Some(product) = products.get(row)
            && (drop_unlisted || rows.contains_key(row))
        {
            call.account.release(*product, warehouse, *quantity, call.switches, call.now);
        }
    }
    for (row, (product, quantity)) in rows {
        let taken = call.account.allocate(product, warehouse, quantity, call.switches, call.now);
        fresh.insert(row, taken);
    }
    fresh.retain(|_, quantity| *quantity > 0);
    if fresh.is_empty() {
        call.account.reservations.remove(&id);
    } else {
        call.account.reservations.insert(id, Reservation { warehouse, rows: fresh });
    }
    changed(call, id);
    Reply::done()
}

/// `GET /order/{ids}/reservation`.
pub fn read(call: &Call<'_>, ids: &str) -> Answer {
    let mut shown = Vec::new();
    for id in idset::parse(ids)? {
        let Some(reservation) = call.account.reservations.get(&id) else { continue };
        let rows: Map<String, Value> = reservation
            .rows
            .iter()
            .map(|(row, quantity)| {
                let product = call.account.orders.get(&id).and_then(|order| order.rows.get(row)).map_or(0, |row| row.product_id);
                (row.to_string(), json!({"productId": product, "quantity": quantity}))
            })
            .collect();
        shown.push(json!({"orderId": id, "warehouseId": reservation.warehouse, "orderRows": rows}));
    }
    if shown.is_empty() {
        return Err(Refusal::missing(format!("No reservation exists for order {ids}")));
    }
    Reply::data(shown)
}

/// `GET /order/{id}/fulfilment-status`: rows that are not stock tracked stay 0 for ever.
pub fn fulfilment(call: &Call<'_>, id: i64) -> Answer {
    let order = call.account.orders.get(&id).ok_or_else(|| Refusal::missing(format!("No order found with id {id}")))?;
    let states = call.account.row_states(order);
    let shown: Map<String, Value> = order
        .rows
        .values()
        .map(|row| {
            let state = states.get(&row.id).cloned().unwrap_or_default();
            let quantity = if row.tracked { row.quantity.to_i64().unwrap_or(0) } else { 0 };
            let places: Map<String, Value> = state.places.iter().map(|(warehouse, count)| (warehouse.to_string(), json!(count))).collect();
            (row.id.to_string(), json!({"quantity": quantity, "fulfilled": state.fulfilled, "shipped": state.shipped, "fulfilmentLocations": places}))
        })
        .collect();
    Reply::data(Value::Object(shown))
}
