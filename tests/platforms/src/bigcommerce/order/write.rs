//! Writing orders: create, update with patch semantics, archive (BC §d.7, §d.8).

use serde_json::{Map, Value, json};

use super::edit::{change_lines, new_line};
use super::model::{Destination, Order};
use super::pricing::{Cost, Quirks};
use super::write_apply::apply;
use super::write_fields::check_fields;
use crate::bigcommerce::address::Address;
use crate::bigcommerce::context::Context;
use crate::bigcommerce::reply::{Reply, v2, v2_error, v2_invalid, v2_not_found, v2_read_only, v2_required};
use crate::bigcommerce::value::{flag_at, int_at, list_at, parse_date, text_at};
use crate::core::ApiResponse;

fn object(ctx: &Context<'_>) -> Result<(Value, Map<String, Value>), ApiResponse> {
    let body = ctx.v2_body()?;
    let map = body.as_object().cloned().unwrap_or_default();
    Ok((body, map))
}

/// `POST /orders`.
pub(in crate::bigcommerce) fn create(ctx: &mut Context<'_>) -> Reply {
    let (body, fields) = object(ctx)?;
    check_fields(&fields, true)?;
    let billing = body.get("billing_address").filter(|billing| billing.is_object());
    let billing = Address::read(billing.ok_or_else(|| v2_required("billing_address"))?);
    if billing.get("zip").is_empty() {
        return Err(v2_required("billing_address.zip"));
    }
    let rows = list_at(&body, "products");
    if body.get("consignments").is_some() {
        let text = "Orders with consignments cannot be created here; send products and shipping_addresses.";
        return Err(v2_error(400, text));
    }
    if rows.is_empty() {
        return Err(v2_required("products"));
    }
    let currency = text_at(&body, "default_currency_code").unwrap_or(&ctx.store.currency).to_owned();
    let lines = rows.iter().map(|row| new_line(ctx.store, row)).collect::<Result<Vec<_>, _>>()?;
    ctx.store.check_stock(&[], &lines)?;
    let cart_id = ctx.rng.uuid().to_string();
    let mut order = ctx.store.blank_order(&currency, ctx.now, cart_id);
    order.terms.quirks = Quirks::of(ctx.switches);
    order.lines = lines;
    order.billing = billing;
    order.source = "external".to_owned();
    order.status = 1;
    if let Some(text) = text_at(&body, "date_created") {
        order.created = parse_date(text).ok_or_else(|| v2_invalid("date_created"))?;
    }
    order.external_merchant_id = text_at(&body, "external_merchant_id").map(str::to_owned);
    addresses(ctx, &mut order, list_at(&body, "shipping_addresses"))?;
    order.recalculate();
    apply(ctx, &mut order, &body)?;
    let id = order.id;
    // Placed and paid in one step: the status is part of the creation, not a change of it.
    ctx.store.orders.insert(id, order);
    let now = ctx.now;
    ctx.store.stock_follows_status(id, now);
    ctx.store.emit_order(id, "created", Vec::new(), now);
    let code = ctx.switches.get("order_post_status").parse().unwrap_or(200);
    Ok(ApiResponse::json(code, &ctx.view().order(ctx.order(id)?)))
}

/// Shipping addresses of a new order; without any, billing is used for what is shipped.
fn addresses(ctx: &mut Context<'_>, order: &mut Order, rows: &[Value]) -> Result<(), ApiResponse> {
    if order.is_digital() {
        return Ok(());
    }
    let mut targets: Vec<(Address, String)> = Vec::new();
    for row in rows {
        targets.push((Address::read(row), text_at(row, "shipping_method").unwrap_or_default().to_owned()));
    }
    if targets.is_empty() {
        targets.push((order.billing.clone(), "None".to_owned()));
    }
    if targets.iter().any(|(address, _)| address.get("zip").is_empty()) {
        return Err(v2_required("shipping_addresses.zip"));
    }
    for (address, method) in targets {
        let id = ctx.store.next_id("order address", 1);
        let (shipping, handling) = (Cost::default(), Cost::default());
        order.destinations.push(Destination { id, address, method, shipping, handling });
    }
    let first = order.destinations.first().map_or(0, |to| to.id);
    for line in order.lines.iter_mut().filter(|line| line.ships()) {
        line.address_id = first;
    }
    Ok(())
}

/// `PUT /orders/{id}`: only the fields sent change.
pub(in crate::bigcommerce) fn update(ctx: &mut Context<'_>, id: i64) -> Reply {
    let (body, fields) = object(ctx)?;
    check_fields(&fields, false)?;
    // Worked on as a copy, so that a refusal halfway leaves nothing changed.
    let mut order = ctx.order(id)?.clone();
    let before = order.lines.clone();
    if let Some(rows) = body.get("products") {
        let rows = rows.as_array().ok_or_else(|| v2_invalid("products"))?;
        change_lines(ctx.store, &mut order, rows)?;
        ctx.store.check_stock(&before, &order.lines)?;
        order.recalculate();
    }
    if let Some(billing) = body.get("billing_address") {
        order.billing.patch(billing);
        if order.billing.get("zip").is_empty() {
            return Err(v2_required("billing_address.zip"));
        }
    }
    if let Some(rows) = body.get("shipping_addresses") {
        for row in rows.as_array().ok_or_else(|| v2_read_only("shipping_addresses"))? {
            let to = int_at(row, "id").and_then(|id| order.destinations.iter_mut().find(|to| to.id == id));
            patch_destination(to.ok_or_else(|| v2_invalid("shipping_addresses"))?, row);
        }
    }
    let status_before = order.status;
    apply(ctx, &mut order, &body)?;
    let archive = flag_at(&body, "is_deleted").is_some_and(|wish| wish && !order.archived);
    if let Some(wish) = flag_at(&body, "is_deleted") {
        order.archived = wish;
    }
    let wanted = std::mem::replace(&mut order.status, status_before);
    ctx.store.orders.insert(id, order);
    let now = ctx.now;
    ctx.store.restock(&before, id, now);
    ctx.store.set_status(id, wanted, now);
    ctx.store.touch(id, now);
    if archive {
        ctx.store.emit_order(id, "archived", Vec::new(), now);
    }
    Ok(v2(&ctx.view().order(ctx.order(id)?)))
}

fn patch_destination(to: &mut Destination, row: &Value) {
    to.address.patch(row);
    if let Some(method) = text_at(row, "shipping_method") {
        method.clone_into(&mut to.method);
    }
}

/// `PUT /orders/{id}/shipping_addresses/{aid}`: nothing is recalculated.
pub(in crate::bigcommerce) fn update_address(ctx: &mut Context<'_>, id: i64, address: &str) -> Reply {
    let (body, _) = object(ctx)?;
    for field in ["id", "order_id", "items_total", "items_shipped", "shipping_zone_id", "shipping_quotes"] {
        if body.get(field).is_some() {
            return Err(v2_read_only(field));
        }
    }
    let Some(order) = ctx.store.orders.get_mut(&id) else {
        return Err(v2_not_found());
    };
    let known = address.parse().ok().and_then(|address: i64| order.destinations.iter_mut().find(|to| to.id == address));
    let to = known.ok_or_else(v2_not_found)?;
    patch_destination(to, &body);
    let address = to.id;
    let now = ctx.now;
    ctx.store.touch(id, now);
    let order = ctx.order(id)?;
    Ok(v2(&json!(order.destination(address).map(|to| ctx.view().destination(order, to)))))
}

/// `DELETE /orders/{id}`.
pub(in crate::bigcommerce) fn archive(ctx: &mut Context<'_>, id: i64) -> ApiResponse {
    let now = ctx.now;
    ctx.store.archive_order(id, now);
    ApiResponse::empty(204)
}

/// `DELETE /orders`: archives every order.
pub(in crate::bigcommerce) fn archive_all(ctx: &mut Context<'_>) -> ApiResponse {
    let now = ctx.now;
    let ids: Vec<i64> = ctx.store.orders.keys().copied().collect();
    ids.into_iter().for_each(|id| ctx.store.archive_order(id, now));
    ApiResponse::empty(204)
}

impl crate::bigcommerce::state::Store {
    /// Archives an order, if it is not yet.
    pub(in crate::bigcommerce) fn archive_order(&mut self, id: i64, now: jiff::Timestamp) {
        let Some(order) = self.orders.get_mut(&id).filter(|order| !order.archived) else {
            return;
        };
        order.archived = true;
        order.modified = now;
        self.emit_order(id, "archived", Vec::new(), now);
    }
}
