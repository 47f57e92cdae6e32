//! Shipments and what follows from them: counts, dates, status, mail, events (BC §d.5).

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::model::Order;
use super::shipment_input::{Labels, check_fields, read_items};
use crate::bigcommerce::context::Context;
use crate::bigcommerce::reply::{Page, Reply, v2, v2_error, v2_invalid, v2_list, v2_not_found};
use crate::bigcommerce::state::Mail;
use crate::bigcommerce::status;
use crate::bigcommerce::value::{int, money, rfc2822};
use crate::core::ApiResponse;

/// One shipment.
#[derive(Debug, Clone)]
pub(in crate::bigcommerce) struct Shipment {
    pub(in crate::bigcommerce) id: i64,
    address_id: i64,
    created: Timestamp,
    labels: Labels,
    items: Vec<(i64, i64)>,
}

/// `/orders/{id}/shipments…`.
pub(in crate::bigcommerce) fn route(ctx: &mut Context<'_>, order: i64, rest: &[&str]) -> Reply {
    match (ctx.method(), rest) {
        ("GET", []) => {
            let page = Page::v2(ctx.request, ctx.clamps())?;
            let order = ctx.order(order)?;
            Ok(v2_list(page.cut(order.shipments.iter().map(|shipment| show(order, shipment)).collect())))
        }
        ("GET", ["count"]) => Ok(v2(&json!({ "count": ctx.order(order)?.shipments.len() }))),
        ("GET", [id]) => {
            let id = find(ctx, order, id)?;
            one(ctx, order, id, 200)
        }
        ("POST", []) => create(ctx, order),
        ("PUT", [id]) => update(ctx, order, id),
        ("DELETE", []) => {
            let ids: Vec<i64> = ctx.order(order)?.shipments.iter().map(|shipment| shipment.id).collect();
            ids.into_iter().for_each(|id| remove(ctx, order, id));
            Ok(ApiResponse::empty(204))
        }
        ("DELETE", [id]) => {
            let id = find(ctx, order, id)?;
            remove(ctx, order, id);
            Ok(ApiResponse::empty(204))
        }
        (_, [] | [_]) => Err(v2_error(405, "The method is not allowed for this resource.")),
        _ => Err(v2_not_found()),
    }
}

fn find(ctx: &Context<'_>, order: i64, id: &str) -> Result<i64, ApiResponse> {
    let id = id.parse::<i64>().map_err(|_unreadable| v2_not_found())?;
    let known = ctx.order(order)?.shipments.iter().any(|shipment| shipment.id == id);
    if known { Ok(id) } else { Err(v2_not_found()) }
}

fn one(ctx: &Context<'_>, order: i64, id: i64, status: u16) -> Reply {
    let order = ctx.order(order)?;
    let shipment = order.shipments.iter().find(|shipment| shipment.id == id).ok_or_else(v2_not_found)?;
    Ok(ApiResponse::json(status, &show(order, shipment)))
}

/// One shipment as V2 shows it.
pub(in crate::bigcommerce) fn show(order: &Order, shipment: &Shipment) -> Value {
    let mut to = order.destination(shipment.address_id).map(|to| to.address.to_json()).unwrap_or_default();
    to.remove("form_fields");
    let mut billing = order.billing.to_json();
    billing.remove("form_fields");
    let labels = &shipment.labels;
    let items: Vec<Value> =
        shipment.items.iter().map(|(line, quantity)| json!({ "order_product_id": line, "product_id": 0, "quantity": quantity })).collect();
    json!({
        "id": shipment.id, "order_id": order.id, "customer_id": order.customer_id,
        "order_address_id": shipment.address_id, "date_created": rfc2822(shipment.created),
        "tracking_number": labels.get("tracking_number"), "merchant_shipping_cost": money(labels.cost),
        "shipping_method": labels.get("shipping_method"), "comments": labels.get("comments"),
        "shipping_provider": labels.get("shipping_provider"), "tracking_carrier": labels.get("tracking_carrier"),
        "tracking_link": labels.get("tracking_link"), "billing_address": billing, "shipping_address": to,
        "items": items, "shipping_provider_display_name": display_name(labels.get("shipping_provider")),
        "generated_tracking_link": tracking_link(labels),
    })
}

fn display_name(provider: &str) -> &str {
    match provider {
        "royalmail" => "Royal Mail",
        "usps" => "USPS",
        "fedex" => "FedEx",
        "ups" | "upsready" | "upsonline" => "UPS",
        "auspost" => "Australia Post",
        "canadapost" => "Canada Post",
        other => other,
    }
}

/// Made from carrier and number unless the caller gave a link of its own.
fn tracking_link(labels: &Labels) -> String {
    let number = labels.get("tracking_number");
    let provider = labels.get("shipping_provider");
    let carrier = if labels.get("tracking_carrier").is_empty() { provider } else { labels.get("tracking_carrier") };
    if number.is_empty() || carrier.is_empty() || carrier == "custom" || !labels.get("tracking_link").is_empty() {
        return String::new();
    }
    format!("https://tracking.example.com/{carrier}/{number}")
}

fn object(ctx: &Context<'_>) -> Result<Map<String, Value>, ApiResponse> {
    let Value::Object(body) = ctx.v2_body()? else {
        return Err(v2_error(400, "The request body must be an object."));
    };
    Ok(body)
}

fn create(ctx: &mut Context<'_>, order_id: i64) -> Reply {
    let body = object(ctx)?;
    check_fields(&body, true)?;
    let order = ctx.order(order_id)?;
    let (address_id, items) = read_items(order, &body)?;
    let mut labels = Labels::default();
    labels.patch(&body)?;
    let id = ctx.store.next_id("shipment", 1);
    let (now, mails) = (ctx.now, ctx.store.settings.shipment_mails);
    let Some(order) = ctx.store.orders.get_mut(&order_id) else {
        return Err(v2_not_found());
    };
    for (line_id, quantity) in &items {
        if let Some(line) = order.lines.iter_mut().find(|line| line.id == *line_id) {
            line.shipped += quantity;
        }
    }
    let text = format!("tracking {:?}", labels.get("tracking_number"));
    order.shipments.push(Shipment { id, address_id, created: now, labels, items });
    if mails {
        ctx.store.mails.push(Mail { at: now, kind: "shipment", order_id, text });
    }
    emit(ctx, "created", order_id, id);
    follow(ctx, order_id);
    one(ctx, order_id, id, 201)
}

/// Date and status that follow from what has been shipped.
fn follow(ctx: &mut Context<'_>, order_id: i64) {
    let now = ctx.now;
    let Some(order) = ctx.store.orders.get_mut(&order_id) else {
        return;
    };
    let open = |line: &super::model::Line| line.quantity - line.refunded > line.shipped;
    let physical_left = order.lines.iter().any(|line| line.ships() && open(line));
    let others_left = order.lines.iter().any(|line| !line.ships() && open(line));
    let switch = ctx.switches.get("status_after_shipment");
    let next = if physical_left {
        (switch == "both").then_some(status::PARTIALLY_SHIPPED)
    } else {
        order.shipped = Some(now);
        let full = if others_left { ctx.switches.get("digital_left_status").parse().unwrap_or(status::SHIPPED) } else { status::SHIPPED };
        (switch != "none").then_some(full)
    };
    if let Some(next) = next {
        ctx.store.set_status(order_id, next, now);
    }
    ctx.store.touch(order_id, now);
}

fn emit(ctx: &mut Context<'_>, what: &str, order: i64, id: i64) {
    let data = vec![("type", json!("shipment")), ("id", json!(id)), ("orderId", json!(order))];
    ctx.store.emit(format!("store/shipment/{what}"), data, ctx.now);
}

fn update(ctx: &mut Context<'_>, order_id: i64, id: &str) -> Reply {
    let id = find(ctx, order_id, id)?;
    let body = object(ctx)?;
    check_fields(&body, false)?;
    let order = ctx.order(order_id)?;
    let address = match body.get("order_address_id") {
        None => None,
        Some(value) => {
            let known = int(value).filter(|id| order.destination(*id).is_some());
            Some(known.ok_or_else(|| v2_invalid("order_address_id"))?)
        }
    };
    let Some(order) = ctx.store.orders.get_mut(&order_id) else {
        return Err(v2_not_found());
    };
    let Some(shipment) = order.shipments.iter_mut().find(|shipment| shipment.id == id) else {
        return Err(v2_not_found());
    };
    let mut labels = shipment.labels.clone();
    labels.patch(&body)?;
    shipment.labels = labels;
    shipment.address_id = address.unwrap_or(shipment.address_id);
    emit(ctx, "updated", order_id, id);
    let now = ctx.now;
    ctx.store.touch(order_id, now);
    one(ctx, order_id, id, 200)
}

/// Takes a shipment away. The order's status stays as it is (BC §d.5).
fn remove(ctx: &mut Context<'_>, order_id: i64, id: i64) {
    let Some(order) = ctx.store.orders.get_mut(&order_id) else {
        return;
    };
    let Some(at) = order.shipments.iter().position(|shipment| shipment.id == id) else {
        return;
    };
    let shipment = order.shipments.remove(at);
    for (line_id, quantity) in shipment.items {
        if let Some(line) = order.lines.iter_mut().find(|line| line.id == line_id) {
            line.shipped -= quantity;
        }
    }
    emit(ctx, "deleted", order_id, id);
    let now = ctx.now;
    ctx.store.touch(order_id, now);
}
