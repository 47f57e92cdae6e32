//! The specialised sales orders and sales credits (BP §e.2, §e.4, §e.5, §e.8).

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Map, Value, json};

use super::account::{Account, IdKind};
use super::call::{Actor, Call};
use super::idset;
use super::json::instant;
use super::json::int;
use super::order::{Order, Row};
use super::order_build::{flat_row, flat_rows, header, insert_row};
use super::order_view;
use super::reply::{Answer, Refusal, Reply};
use super::search::Kind;
use super::time::later;

/// Orders per GET (BP §a.6).
const PAGE: usize = 200;

/// Handles `/sales-order/…` (kind SO) and `/sales-credit/…` (kind SC).
pub fn handle(call: &mut Call<'_>, kind: &str, rest: &[&str]) -> Answer {
    match (call.method.clone().as_str(), rest) {
        ("POST", []) => create(call, kind),
        ("GET", [ids]) => read(call, kind, ids),
        ("OPTIONS", [ids]) => {
            let found: Vec<i64> =
                idset::parse(ids)?.into_iter().filter(|id| call.account.orders.get(id).is_some_and(|order| order.kind == kind)).collect();
            let prefix = if kind == "SO" { "/sales-order" } else { "/sales-credit" };
            Reply::data(json!({ "getUris": idset::uris(prefix, &found, PAGE) }))
        }
        ("PUT", [id]) if kind == "SO" => put(call, Call::id(id)?),
        ("PUT", [id, "row", rows]) if kind == "SO" => put_rows(call, Call::id(id)?, rows),
        ("POST", [id, "close"]) => close(call, kind, Call::id(id)?),
        _ => Err(Refusal::unknown_path()),
    }
}

fn create(call: &mut Call<'_>, kind: &str) -> Answer {
    let body = call.json()?.clone();
    if !body.is_object() {
        return Err(Refusal::internal());
    }
    if let Some(id) = repeated(call.account, &body, kind)? {
        return if call.switches.is("repeated_order_body", "id") { Reply::data(id) } else { Reply::done() };
    }
    let id = place(call, &body, kind)?;
    Reply::data(id)
}

/// The order that this (externalRef, installedIntegrationInstanceId) has made already (BP §e.2).
fn repeated(account: &Account, body: &Value, kind: &str) -> Result<Option<i64>, Refusal> {
    let reference = super::json::text(body, "externalRef")?.filter(|value| !value.is_empty());
    let (Some(reference), Some(instance)) = (reference, int(body, "installedIntegrationInstanceId")?) else {
        return Ok(None);
    };
    Ok(account.order_keys.get(&(reference, instance, kind.to_owned())).copied())
}

/// Checks everything, then makes the order with all rows at once.
fn place(call: &mut Call<'_>, body: &Value, kind: &str) -> Result<i64, Refusal> {
    let mut order = header(call.account, body, kind, call.actor, call.now, call.switches)?;
    let rows = flat_rows(call.account, &order, body, call.switches)?;
    for (_, row) in rows {
        insert_row(call.account, &mut order, row);
    }
    let id = store(call.account, order, call.now);
    if kind == "SO" {
        call.account.raise("sales-order.created", id, call.now);
    }
    if call.switches.on("order_modified_on_create") {
        call.account.raise("order.modified", id, call.now);
    }
    Ok(id)
}

/// Gives a new order its id and remembers its key.
pub fn store(account: &mut Account, mut order: Order, now: jiff::Timestamp) -> i64 {
    let id = account.next_id(IdKind::Order);
    order.id = id;
    if let (Some(reference), Some(instance)) = (&order.external_ref, order.instance) {
        account.order_keys.entry((reference.clone(), instance, order.kind.clone())).or_insert(id);
    }
    if let Some(contact) = account.contacts.get_mut(&order.contact_id) {
        contact.last_ordered_on = Some(now);
    }
    account.orders.insert(id, order);
    account.touch(Kind::Order, id);
    id
}

/// Found orders; 207 if only a part of the ids exist (BP §a.3, §e.4), with or without a status for each.
fn read(call: &Call<'_>, kind: &str, ids: &str) -> Answer {
    let wanted = idset::parse_capped(ids, PAGE)?;
    let found: Vec<Value> = wanted
        .iter()
        .filter_map(|id| call.account.orders.get(id).filter(|order| order.kind == kind))
        .map(|order| order_view::sales_order(call.account, order, call.switches))
        .collect();
    if found.is_empty() {
        return Err(Refusal::missing(format!("No orders found for {ids}")));
    }
    if found.len() == wanted.len() {
        return Reply::data(found);
    }
    if call.switches.is("partial_read", "list") {
        return Reply::partial(json!(found));
    }
    let exists = |id: &i64| call.account.orders.get(id).is_some_and(|order| order.kind == kind);
    let missing = |id: &i64| Refusal::missing(format!("No order found with id {id}"));
    let statuses: Map<String, Value> = wanted.iter().map(|id| (id.to_string(), json!(if exists(id) { 200 } else { 404 }))).collect();
    let errors: Map<String, Value> =
        wanted.iter().map(|id| (id.to_string(), if exists(id) { json!([]) } else { json!([missing(id).error()]) })).collect();
    Ok(Reply { status: 207, body: json!({"response": found, "resourceStatuses": statuses, "resourceErrors": errors}) })
}

fn existing(account: &Account, kind: &str, id: i64) -> Result<Order, Refusal> {
    account.orders.get(&id).filter(|order| order.kind == kind).cloned().ok_or_else(|| Refusal::missing(format!("No order found with id {id}")))
}

/// Replaces all writable fields; optimistic lock by If-Match (BP §e.5).
fn put(call: &mut Call<'_>, id: i64) -> Answer {
    let body = call.json()?.clone();
    let old = existing(call.account, "SO", id)?;
    // A header that is missing, blank or no number means no check.
    if let Some(version) = call.if_match.as_deref().and_then(|text| text.trim().parse::<i64>().ok())
        && version != old.version
    {
        return Err(Refusal {
            status: 412,
            code: "ORDC-999".to_owned(),
            message: format!("Version {version} is not the latest version of order {id}"),
        });
    }
    let mut fresh = header(call.account, &body, "SO", Actor { instance: call.actor.instance, contact: old.created_by }, call.now, call.switches)?;
    let sent = flat_rows(call.account, &fresh, &body, call.switches)?;
    if old.is_invoiced() && (sent.len() != old.rows.len() || sent.iter().any(|(id, _)| id.is_none_or(|id| !old.rows.contains_key(&id)))) {
        return Err(Refusal::bad("ORDC-999", "The rows of an invoiced order cannot be added or removed"));
    }
    keep_history(&mut fresh, &old);
    let kept: BTreeSet<i64> = sent.iter().filter_map(|(id, _)| *id).collect();
    for row in old.rows.values().filter(|row| !kept.contains(&row.id) && !kept.contains(&row.parent_row)) {
        check_processed(call.account, &old, row.id, Decimal::ZERO)?;
    }
    for (row_id, mut row) in sent {
        let Some(row_id) = row_id else {
            insert_row(call.account, &mut fresh, row);
            continue;
        };
        let before = old.rows.get(&row_id).ok_or_else(|| Refusal::bad("ORDC-999", format!("Row {row_id} does not belong to order {id}")))?;
        check_processed(call.account, &old, row_id, row.quantity)?;
        keep_row(&mut row, before);
        fresh.rows.insert(row_id, row);
        for child in old.rows.values().filter(|child| child.parent_row == row_id) {
            fresh.rows.entry(child.id).or_insert_with(|| child.clone());
        }
    }
    let status_changed = fresh.status_id != old.status_id;
    if status_changed {
        super::order_status::guard(call.account, &old, fresh.status_id, call.switches)?;
    }
    rekey(call.account, &old, &fresh);
    call.account.orders.insert(id, fresh);
    call.account.bump(id, call.now);
    call.account.raise("order.modified", id, call.now);
    if status_changed {
        call.account.raise("order.modified.order-status", id, call.now);
    }
    let order = existing(call.account, "SO", id)?;
    Reply::data(order_view::sales_order(call.account, &order, call.switches))
}

fn rekey(account: &mut Account, old: &Order, fresh: &Order) {
    let key = |order: &Order| Some((order.external_ref.clone()?, order.instance?, order.kind.clone()));
    if key(old) != key(fresh) {
        if let Some(key) = key(old) {
            account.order_keys.remove(&key);
        }
        if let Some(key) = key(fresh) {
            account.order_keys.insert(key, old.id);
        }
    }
}

fn keep_history(fresh: &mut Order, old: &Order) {
    fresh.id = old.id;
    fresh.version = old.version;
    fresh.created_on = old.created_on;
    fresh.created_by = old.created_by;
    fresh.custom.clone_from(&old.custom);
    fresh.notes.clone_from(&old.notes);
    fresh.goods_out.clone_from(&old.goods_out);
    fresh.goods_out_made = old.goods_out_made;
    fresh.drop_ships.clone_from(&old.drop_ships);
    fresh.payments.clone_from(&old.payments);
    fresh.received.clone_from(&old.received);
    fresh.is_clone = old.is_clone;
    fresh.told_shipped = old.told_shipped;
    let tax_date = fresh.invoice.tax_date;
    fresh.invoice = old.invoice.clone();
    fresh.invoice.tax_date = tax_date;
}

fn keep_row(row: &mut Row, before: &Row) {
    row.id = before.id;
    row.sequence = before.sequence;
    row.bundle_child = before.bundle_child;
    row.parent_row = before.parent_row;
    row.cloned_from = before.cloned_from;
}

/// A quantity must not fall below what is reserved or on notes (BP §e.5).
///
/// # Errors
/// ORDC-024.
pub fn check_processed(account: &Account, order: &Order, row: i64, quantity: Decimal) -> Result<(), Refusal> {
    let states = account.row_states(order);
    let processed = states.get(&row).map_or(0, |state| state.reserved + state.fulfilled);
    if quantity.floor().to_i64().unwrap_or(0) < processed {
        return Err(Refusal::bad("ORDC-024", format!("Cannot update order row: {processed} of row {row} are reserved or fulfilled")));
    }
    Ok(())
}

/// `PUT /sales-order/{id}/row/{idset}` (BP §e.5): each row judged alone, 207 on mixed results.
fn put_rows(call: &mut Call<'_>, id: i64, ids: &str) -> Answer {
    let wanted = idset::parse(ids)?;
    let sent = call.json()?.as_array().cloned().ok_or_else(Refusal::internal)?;
    let order = existing(call.account, "SO", id)?;
    if order.is_invoiced() {
        return Err(Refusal::bad("ORDC-999", format!("Order {id} is invoiced")));
    }
    let sent_ids: BTreeSet<i64> = sent.iter().filter_map(|row| int(row, "id").ok().flatten()).collect();
    if sent_ids != wanted.iter().copied().collect::<BTreeSet<_>>() {
        return Err(Refusal::bad("ORDC-999", "The row ids of the body do not match those of the path"));
    }
    let (mut statuses, mut errors, mut failed) = (Map::new(), Map::new(), Vec::new());
    let mut changed = order.clone();
    for (position, value) in sent.iter().enumerate() {
        let Some(row_id) = int(value, "id")? else { continue };
        let outcome = replace_row(call, &order, row_id, value, position).map_err(|refusal| refusal.veiled(call.switches));
        match outcome {
            Ok(row) => {
                changed.rows.insert(row_id, row);
                statuses.insert(row_id.to_string(), json!(200));
                errors.insert(row_id.to_string(), json!([]));
            }
            Err(refusal) => {
                statuses.insert(row_id.to_string(), json!(refusal.status));
                errors.insert(row_id.to_string(), json!([refusal.error()]));
                failed.push(refusal);
            }
        }
    }
    if failed.len() == sent.len()
        && let Some(first) = failed.first()
    {
        return Err(first.clone());
    }
    call.account.orders.insert(id, changed);
    call.account.bump(id, call.now);
    call.account.raise("order.modified", id, call.now);
    let answer = json!({"resourceStatuses": statuses, "resourceErrors": errors});
    if failed.is_empty() { Reply::data(answer) } else { Reply::partial(answer) }
}

fn replace_row(call: &Call<'_>, order: &Order, row_id: i64, value: &Value, position: usize) -> Result<Row, Refusal> {
    let account = &*call.account;
    let before = order.rows.get(&row_id).ok_or_else(|| Refusal::missing(format!("No row {row_id} on order {}", order.id)))?;
    let mut row = flat_row(account, order, value, position, call.switches)?;
    check_processed(account, order, row_id, row.quantity)?;
    keep_row(&mut row, before);
    row.external_ref = row.external_ref.or_else(|| before.external_ref.clone());
    Ok(row)
}

/// Close: invoice pending at once, invoiced after a while (BP §e.5).
fn close(call: &mut Call<'_>, kind: &str, id: i64) -> Answer {
    let body = call.json()?.clone();
    let tax_date = instant(&body, "taxDate")?;
    let order = existing(call.account, kind, id)?;
    if order.is_invoiced() {
        return Err(Refusal::bad("ORDC-999", format!("Order {id} is already invoiced")));
    }
    if order.rows.is_empty() {
        return Err(Refusal::bad("ORDC-999", format!("Order {id} has no rows")));
    }
    let finishes = later(call.now, call.switches.number("invoice_delay_ms"));
    if let Some(order) = call.account.orders.get_mut(&id) {
        order.invoice.reference = "pending".to_owned();
        order.invoice.tax_date = tax_date.or(order.invoice.tax_date);
        order.invoice.finishes_at = Some(finishes);
    }
    call.account.pending_invoices.push((finishes, id));
    call.account.bump(id, call.now);
    call.account.raise("order.modified", id, call.now);
    Reply::done()
}

/// Finishes the invoices that are due.
pub fn finish_invoices(account: &mut Account, now: jiff::Timestamp) {
    let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut account.pending_invoices).into_iter().partition(|(at, _)| *at <= now);
    account.pending_invoices = later;
    for (at, id) in due {
        let Some(kind) = account.orders.get(&id).filter(|order| order.invoice.finishes_at == Some(at)).map(|order| order.kind.clone()) else {
            continue;
        };
        let number = account.next_id(IdKind::Invoice);
        let invoiced = account.lists.config_id("invoicedOrderStatusId");
        let mut status_changed = false;
        if let Some(order) = account.orders.get_mut(&id) {
            order.invoice.reference = format!("{}-{number}", if kind == "SO" { "SI" } else { "SC" });
            order.invoice.finishes_at = None;
            order.invoice.closed_on = Some(now);
            if kind == "SO" && invoiced != 0 && order.status_id != invoiced {
                order.status_id = invoiced;
                status_changed = true;
            }
        }
        account.bump(id, now);
        account.raise(if status_changed { "order.modified.order-status" } else { "order.modified" }, id, now);
    }
}
