//! Acting as the warehouse: allocate, make notes, pick, pack, ship, drop-ship.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Value, json};

use super::{Desk, Done, bad, id};
use crate::brightpearl::account::IdKind;
use crate::brightpearl::drop_ship::{self, DropShipNote};
use crate::brightpearl::goods_note::GoodsOutNote;
use crate::brightpearl::json::{array, at, flag, int, text};
use crate::brightpearl::order::{Order, Row};
use crate::brightpearl::order_build::{insert_row, new_status};
use crate::brightpearl::reply::Refusal;
use crate::brightpearl::search::Kind;
use crate::brightpearl::stock::StockChange;
use crate::brightpearl::{goods_out, reservation, sales_order};

/// The handlers of this module.
pub fn handle(desk: &mut Desk<'_>, method: &str, rest: &[&str], body: &Value) -> Option<Done> {
    Some(match (method, rest) {
        ("POST", ["orders", order, "allocate"]) => id(order).and_then(|order| allocate(desk, order, body)),
        ("POST", ["orders", order, "goods-out"]) => id(order).and_then(|order| create(desk, order, body).map(|note| json!({ "id": note }))),
        ("POST", ["orders", order, "ship"]) => id(order).and_then(|order| ship_order(desk, order, body)),
        ("POST", ["orders", order, "drop-ship"]) => id(order).and_then(|order| drop_ship(desk, order, body)),
        ("POST", ["goods-out", "transfer"]) => transfer(desk, body),
        ("POST", ["goods-out", note, step @ ("print" | "pick" | "pack" | "ship" | "un-print" | "un-pick" | "un-pack")]) => {
            id(note).and_then(|note| step_note(desk, note, step, body))
        }
        ("PATCH", ["goods-out", note]) => id(note).and_then(|note| change(desk, note, body)),
        ("DELETE", ["goods-out", note]) => id(note).and_then(|note| {
            let order = desk.account.notes.get(&note).map(|note| note.order).ok_or_else(|| bad("there is no such note"))?;
            desk.run("DELETE", json!({}), |call| goods_out::delete(call, order, note))
        }),
        ("DELETE", ["drop-ship", note]) => id(note).and_then(|note| delete_drop(desk, note)),
        ("POST", ["drop-ship", note, "ship"]) => id(note).and_then(|note| ship_drop(desk, note, body)),
        _ => return None,
    })
}

/// Rows to act on as `(row, product, quantity)`: those given by `row_id` or `sku`, or all that is still open.
fn chosen(desk: &Desk<'_>, order: i64, body: &Value) -> Result<Vec<(i64, i64, i64)>, Refusal> {
    let found = desk.account.orders.get(&order).ok_or_else(|| bad("there is no such order"))?;
    let states = desk.account.row_states(found);
    let open: Vec<(i64, i64, i64)> = found
        .rows
        .values()
        .filter(|row| row.tracked)
        .map(|row| (row.id, row.product_id, row.quantity.to_i64().unwrap_or(0) - states.get(&row.id).map_or(0, |state| state.fulfilled)))
        .filter(|(.., quantity)| *quantity > 0)
        .collect();
    let given = array(body, "rows")?;
    if given.is_empty() {
        return Ok(open);
    }
    let mut rows = Vec::new();
    for one in given {
        let row_id = int(one, "row_id")?;
        let sku = text(one, "sku")?;
        let fits =
            |row: i64| row_id.map_or_else(|| sku.as_ref().is_some_and(|sku| found.rows.get(&row).is_some_and(|row| row.sku == *sku)), |id| id == row);
        let (row, product, left) = open.iter().copied().find(|(row, ..)| fits(*row)).ok_or_else(|| bad("a row is not open on this order"))?;
        rows.push((row, product, int(one, "quantity")?.unwrap_or(left)));
    }
    Ok(rows)
}

fn warehouse_of(desk: &Desk<'_>, order: i64, body: &Value) -> Result<i64, Refusal> {
    let own = desk.account.reservations.get(&order).map(|held| held.warehouse);
    let own = own.or_else(|| desk.account.orders.get(&order).map(|order| order.warehouse_id)).unwrap_or(0);
    Ok(int(body, "warehouse")?.unwrap_or(own))
}

fn products(rows: &[(i64, i64, i64)]) -> Value {
    rows.iter().map(|(row, product, quantity)| json!({"productId": product, "salesOrderRowId": row, "quantity": quantity})).collect()
}

fn allocate(desk: &mut Desk<'_>, order: i64, body: &Value) -> Done {
    let rows = chosen(desk, order, body)?;
    let warehouse = warehouse_of(desk, order, body)?;
    desk.run("POST", json!({ "products": products(&rows) }), |call| reservation::create(call, order, warehouse))
}

/// Makes one note for what is given or left. `"top_up": true` first receives stock that is short.
fn create(desk: &mut Desk<'_>, order: i64, body: &Value) -> Result<i64, Refusal> {
    let rows = chosen(desk, order, body)?;
    if rows.is_empty() {
        return Err(bad("nothing is left to ship on this order"));
    }
    let warehouse = warehouse_of(desk, order, body)?;
    if flag(body, "top_up")?.unwrap_or(false) {
        for (row, product, quantity) in &rows {
            let reserved = desk.account.reservations.get(&order).and_then(|held| held.rows.get(row)).copied().unwrap_or(0);
            let short = quantity - reserved - desk.account.on_hand(*product, warehouse);
            let location = desk.account.lists.default_location(warehouse).ok_or_else(|| bad("there is no such warehouse"))?;
            if short > 0 {
                desk.account.correct_stock(StockChange { product: *product, warehouse, location, quantity: short }, desk.switches, desk.now)?;
            }
        }
    }
    let fallback = desk.account.orders.get(&order).map_or(0, |order| order.shipping_method_id);
    let method = int(body, "shipping_method_id")?.unwrap_or(fallback);
    let sent = json!({"warehouses": [{"warehouseId": warehouse, "transfer": false, "products": products(&rows)}], "priority": false, "shippingMethodId": method});
    let made = desk.run("POST", sent, |call| goods_out::create(call, order))?;
    made.get(0).and_then(Value::as_i64).ok_or_else(|| bad("no note was made"))
}

/// Makes and ships one note: `{"rows"?, "reference"?, "shipping_method_id"?, "warehouse"?, "top_up"?}`.
fn ship_order(desk: &mut Desk<'_>, order: i64, body: &Value) -> Done {
    let note = create(desk, order, body)?;
    step_note(desk, note, "ship", body)?;
    Ok(json!({"id": note, "order_id": order, "shipping_status": status(desk, order)}))
}

fn status(desk: &Desk<'_>, order: i64) -> &'static str {
    desk.account.orders.get(&order).map_or("", |found| desk.account.codes(found, desk.switches).shipping)
}

/// One step of a note; a `reference`, `shipping_method_id`, `boxes` or `weight` is written first.
fn step_note(desk: &mut Desk<'_>, note: i64, step: &str, body: &Value) -> Done {
    if ["reference", "shipping_method_id", "boxes", "weight"].iter().any(|field| at(body, field).is_some()) {
        let sent = json!({"shipping": {"reference": body.get("reference"), "shippingMethodId": body.get("shipping_method_id"),
            "boxes": body.get("boxes"), "weight": body.get("weight")}});
        desk.run("PUT", sent, |call| goods_out::update(call, note))?;
    }
    let code = match step {
        "print" => "PRI",
        "pick" => "PIC",
        "pack" => "PAC",
        "un-print" => "UPR",
        "un-pick" => "UPI",
        "un-pack" => "UPA",
        _ => "SHW",
    };
    desk.run("POST", json!({"events": [{"eventCode": code, "eventOwnerId": 4}]}), |call| goods_out::event(call, note))?;
    Ok(json!({ "id": note }))
}

/// Changes a note as the UI might, even after it was shipped: `{"reference"?, "shipping_method_id"?}`.
fn change(desk: &mut Desk<'_>, note: i64, body: &Value) -> Done {
    let found = desk.account.notes.get_mut(&note).ok_or_else(|| bad("there is no such note"))?;
    if let Some(reference) = text(body, "reference")? {
        found.reference = reference;
    }
    if let Some(method) = int(body, "shipping_method_id")? {
        found.method = method;
    }
    desk.account.touch(Kind::GoodsOut, note);
    desk.account.raise("goods-out-note.modified", note, desk.now);
    Ok(json!({ "id": note }))
}

/// A transfer between warehouses, shipped at once: such notes have order 0 and must be ignored by shops.
fn transfer(desk: &mut Desk<'_>, body: &Value) -> Done {
    let note = desk.account.next_id(IdKind::GoodsOut);
    let warehouse = int(body, "warehouse")?.unwrap_or_else(|| desk.account.lists.config_id("defaultWarehouseId"));
    let made = GoodsOutNote {
        id: note,
        warehouse,
        transfer: true,
        created_on: desk.now,
        release_date: desk.now,
        created_by: 4,
        sequence: 1,
        ..GoodsOutNote::default()
    };
    desk.account.notes.insert(note, made);
    desk.account.touch(Kind::GoodsOut, note);
    desk.account.raise("goods-out-note.created", note, desk.now);
    step_note(desk, note, "ship", &json!({}))
}

/// Makes a drop-ship note with its purchase order; `"ship": true` ships it at once.
fn drop_ship(desk: &mut Desk<'_>, order: i64, body: &Value) -> Done {
    let rows = chosen(desk, order, body)?;
    if rows.is_empty() {
        return Err(bad("nothing is left to ship on this order"));
    }
    let supplier = int(body, "supplier_id")?.unwrap_or(300);
    let purchase_order = purchase(desk, order, supplier, &rows)?;
    let note = desk.account.next_id(IdKind::DropShip);
    let method = desk.account.orders.get(&order).map_or(0, |order| order.shipping_method_id);
    let made = DropShipNote { id: note, order, purchase_order, supplier, lines: rows, method, created_on: desk.now, ..DropShipNote::default() };
    desk.account.drop_ships.insert(note, made);
    if let Some(order) = desk.account.orders.get_mut(&order) {
        order.drop_ships.push(note);
    }
    desk.account.bump(order, desk.now);
    desk.account.raise("drop-ship-note.created", note, desk.now);
    if flag(body, "ship")?.unwrap_or(false) {
        ship_drop(desk, note, body)?;
    }
    Ok(json!({"id": note, "purchase_order_id": purchase_order}))
}

/// The purchase order behind a drop-ship note.
fn purchase(desk: &mut Desk<'_>, order: i64, supplier: i64, rows: &[(i64, i64, i64)]) -> Result<i64, Refusal> {
    let sale = desk.account.orders.get(&order).cloned().ok_or_else(|| bad("there is no such order"))?;
    let mut bought = Order {
        kind: "PO".to_owned(),
        parent_id: order,
        reference: sale.reference.clone(),
        status_id: new_status(desk.account, "PO"),
        version: 1,
        placed_on: desk.now,
        created_on: desk.now,
        updated_on: desk.now,
        created_by: 4,
        price_mode: "EXC".to_owned(),
        currency: sale.currency.clone(),
        exchange_rate: sale.exchange_rate,
        warehouse_id: sale.warehouse_id,
        contact_id: supplier,
        billing_contact_id: supplier,
        delivery_address: sale.delivery_address.clone(),
        ..Order::default()
    };
    for (row, _, quantity) in rows {
        let Some(sold) = sale.rows.get(row) else { continue };
        let quantity = Decimal::from(*quantity);
        let (net, tax) = (sold.cost * quantity, Decimal::ZERO);
        insert_row(desk.account, &mut bought, Row { quantity, net, tax, external_ref: None, cloned_from: *row, parent_row: 0, ..sold.clone() });
    }
    Ok(sales_order::store(desk.account, bought, desk.now))
}

/// Takes back a drop-ship note that is not shipped.
fn delete_drop(desk: &mut Desk<'_>, note: i64) -> Done {
    let order = desk.account.drop_ships.get(&note).filter(|note| note.shipped_on.is_none()).map(|note| note.order);
    let order = order.ok_or_else(|| bad("there is no such unshipped note"))?;
    desk.account.drop_ships.remove(&note);
    if let Some(order) = desk.account.orders.get_mut(&order) {
        order.drop_ships.retain(|known| *known != note);
    }
    desk.account.bump(order, desk.now);
    desk.account.raise("drop-ship-note.destroyed", note, desk.now);
    Ok(json!({}))
}

fn ship_drop(desk: &mut Desk<'_>, note: i64, body: &Value) -> Done {
    let sent = json!({"trackingReference": body.get("reference"), "shippingMethodId": body.get("shipping_method_id"), "events": [{"eventCode": "SHS", "eventOwnerId": 4}]});
    desk.run("POST", sent, |call| drop_ship::event(call, note))?;
    Ok(json!({ "id": note }))
}
