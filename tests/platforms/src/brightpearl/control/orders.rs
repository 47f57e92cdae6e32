//! Acting as staff on orders: make, edit, delete, clone, change status and custom fields, pay; and raising events.

use serde_json::{Value, json};

use super::{Desk, Done, bad, id};
use crate::brightpearl::account::IdKind;
use crate::brightpearl::call::Actor;
use crate::brightpearl::json::{array, int, set, text};
use crate::brightpearl::order::{Invoice, Row};
use crate::brightpearl::order_build::{flat_rows, header, insert_row};
use crate::brightpearl::reply::Refusal;
use crate::brightpearl::search::Kind;
use crate::brightpearl::{custom_field, order_row, order_status, payment, sales_order};

/// The handlers of this module.
pub fn handle(desk: &mut Desk<'_>, method: &str, rest: &[&str], body: &Value) -> Option<Done> {
    Some(match (method, rest) {
        ("POST", ["orders"]) => create(desk, body),
        ("DELETE", ["orders", order]) => id(order).and_then(|order| delete(desk, order)),
        ("POST", ["orders", order, "status"]) => id(order).and_then(|order| status(desk, order, body)),
        ("POST", ["orders", order, "custom-fields"]) => id(order).and_then(|order| fields(desk, order, body)),
        ("POST", ["orders", order, "notes"]) => {
            id(order).and_then(|order| desk.run("POST", body.clone(), |call| order_status::add_note(call, order)))
        }
        ("POST", ["orders", order, "edit"]) => id(order).and_then(|order| edit(desk, order, body)),
        ("POST", ["orders", order, "clone"]) => id(order).and_then(|order| clone(desk, order, body)),
        ("POST", ["orders", order, "pay"]) => id(order).and_then(|order| pay(desk, order, body)),
        ("POST", ["events"]) => raise(desk, body),
        _ => return None,
    })
}

/// An order made in the UI: the body of a sales order, without external reference; only `order.modified` tells of it.
fn create(desk: &mut Desk<'_>, body: &Value) -> Done {
    let kind = text(body, "order_type")?.unwrap_or_else(|| "SO".to_owned());
    let mut order = header(desk.account, body, &kind, Actor::STAFF, desk.now, desk.switches)?;
    for (_, row) in flat_rows(desk.account, &order, body, desk.switches)? {
        insert_row(desk.account, &mut order, row);
    }
    let made = sales_order::store(desk.account, order, desk.now);
    desk.account.raise("order.modified", made, desk.now);
    Ok(json!({ "id": made }))
}

/// Deleting is possible while unpaid, unfulfilled and not invoiced (BP §e.5); nothing tells of it.
fn delete(desk: &mut Desk<'_>, order: i64) -> Done {
    let found = desk.account.orders.get(&order).cloned().ok_or_else(|| bad("there is no such order"))?;
    if !found.payments.is_empty() || !found.goods_out.is_empty() || !found.drop_ships.is_empty() || !found.invoice.reference.is_empty() {
        return Err(bad("an order that is paid, fulfilled or invoiced cannot be deleted"));
    }
    desk.account.drop_reservation(order, desk.switches, desk.now);
    desk.account.orders.remove(&order);
    if desk.switches.on("external_ref_reuse_after_delete") {
        desk.account.order_keys.retain(|_, target| *target != order);
    }
    desk.account.touch(Kind::Order, order);
    Ok(json!({}))
}

/// `{"status_id": 21}` or `{"status": "Shipped"}`, with an optional `note`.
fn status(desk: &mut Desk<'_>, order: i64, body: &Value) -> Done {
    let name = text(body, "status")?.unwrap_or_default();
    let kind = desk.account.orders.get(&order).map(|order| order.kind.clone()).ok_or_else(|| bad("there is no such order"))?;
    let by_name =
        desk.account.lists.order_statuses.iter().find(|entry| {
            entry.get("name").and_then(Value::as_str) == Some(&name) && entry.get("orderTypeCode").and_then(Value::as_str) == Some(&kind)
        });
    let by_name = by_name.and_then(|entry| entry.get("statusId")).and_then(Value::as_i64);
    let wanted = int(body, "status_id")?.or(by_name).ok_or_else(|| bad("there is no such status"))?;
    let mut sent = json!({ "orderStatusId": wanted });
    if let Some(note) = text(body, "note")? {
        set(&mut sent, "orderNote", json!({"text": note, "isPublic": false}));
    }
    desk.run("PUT", sent, |call| order_status::put(call, order))
}

/// `{"PCF_GIFT": "text", "PCF_ZONE": null}`: null clears.
fn fields(desk: &mut Desk<'_>, order: i64, body: &Value) -> Done {
    let operations: Vec<Value> = body
        .as_object()
        .into_iter()
        .flatten()
        .map(|(code, value)| {
            if value.is_null() {
                json!({"op": "remove", "path": format!("/{code}")})
            } else {
                json!({"op": "add", "path": format!("/{code}"), "value": value})
            }
        })
        .collect();
    desk.run("PATCH", json!(operations), |call| custom_field::order(call, order))
}

/// `{"reference"?, "rows": [{"id", "quantity"?, "net"?, "tax"?}], "add": [flat rows], "remove": [row ids]}`.
fn edit(desk: &mut Desk<'_>, order: i64, body: &Value) -> Done {
    for row in array(body, "rows")? {
        let row_id = int(row, "id")?.ok_or_else(|| bad("a row needs an id"))?;
        let paths = [("quantity", "/quantity/magnitude"), ("net", "/rowValue/rowNet/value"), ("tax", "/rowValue/rowTax/value")];
        let operations: Vec<Value> =
            paths.iter().filter_map(|(field, path)| row.get(*field).map(|value| json!({"op": "replace", "path": path, "value": value}))).collect();
        desk.run("PATCH", json!(operations), |call| order_row::patch(call, order, row_id))?;
    }
    for row in array(body, "remove")? {
        let row_id = row.as_i64().ok_or_else(|| bad("remove holds row ids"))?;
        desk.run("DELETE", json!({}), |call| order_row::delete(call, order, row_id))?;
    }
    let mut found = desk.account.orders.get(&order).cloned().ok_or_else(|| bad("there is no such order"))?;
    let added = json!({"rows": body.get("add").cloned().unwrap_or(json!([]))});
    for (_, row) in flat_rows(desk.account, &found, &added, desk.switches)? {
        insert_row(desk.account, &mut found, row);
    }
    if let Some(reference) = text(body, "reference")? {
        found.reference = reference;
    }
    desk.account.orders.insert(order, found);
    desk.account.bump(order, desk.now);
    desk.account.raise("order.modified", order, desk.now);
    Ok(json!({ "id": order }))
}

/// Clones an order without its external reference; `"back_order": true` moves what is not fulfilled to the new one (BP §k.1).
fn clone(desk: &mut Desk<'_>, order: i64, body: &Value) -> Done {
    let back_order = body.get("back_order").and_then(Value::as_bool).unwrap_or(false);
    let mut old = desk.account.orders.get(&order).cloned().ok_or_else(|| bad("there is no such order"))?;
    let states = desk.account.row_states(&old);
    let mut fresh = old.clone();
    (fresh.parent_id, fresh.is_clone, fresh.external_ref, fresh.instance) = (order, true, None, None);
    (fresh.version, fresh.created_on, fresh.updated_on, fresh.created_by) = (1, desk.now, desk.now, 4);
    fresh.invoice = Invoice { tax_date: old.invoice.tax_date, ..Invoice::default() };
    (fresh.goods_out, fresh.drop_ships, fresh.payments, fresh.notes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    (fresh.goods_out_made, fresh.told_shipped) = (0, false);
    fresh.received.clear();
    fresh.rows.clear();
    for row in old.rows.clone().into_values() {
        let fulfilled = rust_decimal::Decimal::from(states.get(&row.id).map_or(0, |state| state.fulfilled));
        if back_order && (!row.tracked || fulfilled >= row.quantity) {
            continue;
        }
        let copy = if back_order { split(&mut old.rows, &row, fulfilled) } else { row.clone() };
        let mut copy = Row { id: desk.account.next_id(IdKind::Row), cloned_from: row.id, parent_row: 0, ..copy };
        copy.sequence = fresh.next_sequence();
        fresh.rows.insert(copy.id, copy);
    }
    if fresh.rows.is_empty() {
        return Err(bad("there is nothing to put on back order"));
    }
    if back_order {
        desk.account.drop_reservation(order, desk.switches, desk.now);
        old.rows.retain(|_, row| !row.quantity.is_zero());
        desk.account.orders.insert(order, old);
        desk.account.bump(order, desk.now);
        desk.account.raise("order.modified", order, desk.now);
    }
    let made = sales_order::store(desk.account, fresh, desk.now);
    desk.account.raise("order.modified", made, desk.now);
    Ok(json!({ "id": made }))
}

/// Leaves the fulfilled part of a row and gives the rest, money in proportion.
fn split(rows: &mut std::collections::BTreeMap<i64, Row>, row: &Row, fulfilled: rust_decimal::Decimal) -> Row {
    let rest = row.quantity - fulfilled;
    let part = |amount: rust_decimal::Decimal| crate::brightpearl::json::round((amount * rest).checked_div(row.quantity).unwrap_or(amount), 4);
    let (net, tax) = (part(row.net), part(row.tax));
    if let Some(kept) = rows.get_mut(&row.id) {
        kept.quantity = fulfilled;
        kept.net -= net;
        kept.tax -= tax;
    }
    Row { quantity: rest, net, tax, ..row.clone() }
}

/// `{"amount", "method"?, "type"?, "reference"?}`: a payment entered by staff.
fn pay(desk: &mut Desk<'_>, order: i64, body: &Value) -> Done {
    let currency = desk.account.orders.get(&order).map(|order| order.currency.clone()).ok_or_else(|| bad("there is no such order"))?;
    let sent = json!({"orderId": order, "paymentMethodCode": body.get("method").cloned().unwrap_or(json!("OTHER")),
        "paymentType": body.get("type").cloned().unwrap_or(json!("RECEIPT")), "currencyIsoCode": currency, "amountPaid": body.get("amount"),
        "paymentDate": crate::brightpearl::time::show_utc(desk.now), "transactionRef": body.get("reference")});
    let made = desk.run("POST", sent, staff_payment)?;
    Ok(json!({ "id": made }))
}

fn staff_payment(call: &mut crate::brightpearl::call::Call<'_>) -> Result<crate::brightpearl::reply::Reply, Refusal> {
    call.path = vec!["customer-payment".to_owned()];
    payment::handle(call)
}

/// Raises an event without a change: `{"event": "order.modified", "id": 70001}` or `"ids"`.
fn raise(desk: &mut Desk<'_>, body: &Value) -> Done {
    let event = text(body, "event")?.ok_or_else(|| bad("event is required"))?;
    crate::brightpearl::webhook::check_event(&event)?;
    let mut ids: Vec<i64> = array(body, "ids")?.iter().filter_map(Value::as_i64).collect();
    ids.extend(int(body, "id")?);
    for one in &ids {
        desk.account.raise(&event, *one, desk.now);
    }
    Ok(json!({ "raised": ids.len() }))
}
