//! Consignments (BC §d.4): the same order by how it reaches the shopper. Money is JSON numbers here.

use serde_json::{Map, Value, json};

use super::model::{Destination, Kind, Line, Order};
use super::pricing::Charge;
use super::view::merge;
use crate::bigcommerce::context::Context;
use crate::bigcommerce::reply::{Reply, list_param, v2};
use crate::bigcommerce::value::number;

/// `GET /orders/{id}/consignments`.
pub(in crate::bigcommerce) fn get(ctx: &Context<'_>, id: i64) -> Reply {
    let lines = list_param(ctx.request, "include").is_some_and(|asked| asked.iter().any(|name| name == "consignments.line_items"));
    Ok(v2(&show(ctx, ctx.order(id)?, lines)))
}

/// The consignments with their lines, or with links to them.
pub(super) fn show(ctx: &Context<'_>, order: &Order, lines: bool) -> Value {
    let items = |wanted: &dyn Fn(&Line) -> bool| -> Vec<Value> {
        let found = order.lines.iter().filter(|line| wanted(line));
        found
            .map(|line| if lines { ctx.view().line(order, line) } else { ctx.view().link(&format!("/orders/{}/products/{}", order.id, line.id)) })
            .collect()
    };
    let pickup = items(&|line| line.pickup_method_id != 0);
    let digital = items(&|line| line.kind == Kind::Digital);
    let certificates = items(&|line| line.kind == Kind::GiftCertificate);
    let email = order.billing.get("email");
    let some = |rows: Vec<Value>, make: &dyn Fn(Vec<Value>) -> Value| {
        if rows.is_empty() { json!([]) } else { json!([make(rows)]) }
    };
    let recipient = |rows: Vec<Value>| json!({ "recipient_email": email, "line_items": rows });
    let shipping: Vec<Value> = order.destinations.iter().map(|to| shipment(ctx, order, to, items(&|line| line.address_id == to.id))).collect();
    json!({
        "pickups": some(pickup, &|rows| pickup_consignment(order, &rows)),
        "shipping": shipping,
        "downloads": some(digital, &recipient),
        "email": { "gift_certificates": some(certificates, &recipient) },
    })
}

fn pickup_consignment(order: &Order, rows: &[Value]) -> Value {
    let method = order.lines.iter().map(|line| line.pickup_method_id).find(|id| *id != 0);
    json!({ "id": method, "pickup_method_id": 1, "pickup_method_display_name": "Pick up in store",
        "collection_instructions": "Bring your order number", "collection_time_description": "9am - 5pm",
        "location": { "id": 1, "name": "Default location", "code": "BC-LOCATION-1", "address_line_1": "1 Shop Street",
            "address_line_2": "", "city": "Bristol", "state": "Bristol", "postal_code": "BS1 1AA",
            "country_alpha2": "GB", "email": "shop@example.com", "phone": "" },
        "line_items": rows })
}

fn numbers(shown: &mut Map<String, Value>, base: &str, prefix: &str, charge: Charge) {
    shown.insert(base.to_owned(), number(charge.base));
    shown.insert(format!("{prefix}_ex_tax"), number(charge.ex));
    shown.insert(format!("{prefix}_inc_tax"), number(charge.inc));
    shown.insert(format!("{prefix}_tax"), number(charge.tax));
}

fn shipment(ctx: &Context<'_>, order: &Order, to: &Destination, rows: Vec<Value>) -> Value {
    let mut shown = to.address.to_json();
    numbers(&mut shown, "base_cost", "cost", to.shipping.charge);
    numbers(&mut shown, "base_handling_cost", "handling_cost", to.handling.charge);
    let quotes = format!("/orders/{}/consignments/shipping/{}/shipping_quotes", order.id, to.id);
    merge(
        &mut shown,
        json!({ "id": to.id, "shipping_method": to.method, "line_items": rows,
            "items_total": order.pieces(to.id, false), "items_shipped": order.pieces(to.id, true),
            "cost_tax_class_id": 2, "handling_cost_tax_class_id": 2, "shipping_zone_id": 1,
            "shipping_zone_name": ctx.store.country, "shipping_quotes": ctx.view().link(&quotes) }),
    );
    Value::Object(shown)
}
