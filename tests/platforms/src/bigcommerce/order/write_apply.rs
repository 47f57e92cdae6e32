//! Applies the fields that creating and updating an order share (BC §d.7, §d.8).

use rust_decimal::Decimal;
use serde_json::Value;

use super::edit::pair;
use super::model::{Fee, Order};
use super::pricing::Cost;
use crate::bigcommerce::context::Context;
use crate::bigcommerce::reply::{v2_error, v2_invalid, v2_required};
use crate::bigcommerce::status;
use crate::bigcommerce::value::{decimal, int, text_at};
use crate::core::ApiResponse;

fn amount(body: &Value, name: &str) -> Result<Option<Decimal>, ApiResponse> {
    let Some(value) = body.get(name) else {
        return Ok(None);
    };
    let amount = decimal(value).filter(|amount| !amount.is_sign_negative());
    amount.map(Some).ok_or_else(|| v2_invalid(name))
}

/// Applies the writable fields that creating and updating share.
pub(super) fn apply(ctx: &mut Context<'_>, order: &mut Order, body: &Value) -> Result<(), ApiResponse> {
    texts(order, body)?;
    if let Some(value) = body.get("status_id") {
        order.status = int(value).filter(|id| status::exists(*id)).ok_or_else(|| v2_invalid("status_id"))?;
    }
    if let Some(value) = body.get("customer_id") {
        let id = int(value).filter(|id| *id == 0 || ctx.store.customers.contains_key(id));
        order.customer_id = id.ok_or_else(|| v2_invalid("customer_id"))?;
    }
    if let Some(value) = body.get("channel_id") {
        let id = int(value).filter(|id| ctx.store.channels.iter().any(|channel| channel.id == *id));
        order.channel_id = id.ok_or_else(|| v2_invalid("channel_id"))?;
    }
    costs(ctx, order, body)?;
    if let Some(discount) = amount(body, "discount_amount")? {
        order.set_manual_discount(discount);
    }
    if let Some(total) = pair(body, "total")? {
        order.given_total = Some(total);
        order.recalculate();
    }
    Ok(())
}

fn texts(order: &mut Order, body: &Value) -> Result<(), ApiResponse> {
    let fields = [
        ("staff_notes", &mut order.staff_notes),
        ("customer_message", &mut order.customer_message),
        ("external_order_id", &mut order.external_order_id),
        ("payment_method", &mut order.payment_method),
        ("payment_provider_id", &mut order.payment_provider_id),
        ("tax_provider_id", &mut order.tax_provider),
        ("customer_locale", &mut order.locale),
        ("ip_address", &mut order.ip_address),
        ("geoip_country", &mut order.geoip_country),
    ];
    for (name, field) in fields {
        match body.get(name) {
            None => {}
            Some(Value::Null) => field.clear(),
            Some(Value::String(text)) if text.len() <= 65_535 => field.clone_from(text),
            Some(_) => return Err(v2_invalid(name)),
        }
    }
    match body.get("external_source") {
        None => {}
        Some(Value::Null) => order.external_source = None,
        Some(Value::String(text)) => order.external_source = Some(text.clone()),
        Some(_) => return Err(v2_invalid("external_source")),
    }
    Ok(())
}

/// Shipping, handling and wrapping costs and fees. Both sides of a cost or neither.
fn costs(ctx: &mut Context<'_>, order: &mut Order, body: &Value) -> Result<(), ApiResponse> {
    for name in ["shipping_cost", "handling_cost"] {
        let Some((ex, inc)) = pair(body, name)? else {
            continue;
        };
        for (index, to) in order.destinations.iter_mut().enumerate() {
            let cost = if index == 0 { Cost::given(ex, inc) } else { Cost::default() };
            *(if name == "shipping_cost" { &mut to.shipping } else { &mut to.handling }) = cost;
        }
    }
    if let Some((ex, inc)) = pair(body, "wrapping_cost")? {
        for (index, line) in order.lines.iter_mut().enumerate() {
            line.wrapping = None;
            if index == 0 && !inc.is_zero() {
                let name = "Gift Wrap".to_owned();
                line.wrapping = Some(super::model::Wrapping { name, message: String::new(), cost: Cost::given(ex, inc) });
            }
        }
    }
    // The sum of the lines can only be stated, not changed.
    if let Some((ex, inc)) = pair(body, "subtotal")? {
        let sum = order.totals.subtotal;
        if (sum.ex, sum.inc) != (ex, inc) {
            return Err(v2_error(400, "The subtotal must be the sum of the products."));
        }
    }
    if let Some(rows) = body.get("fees") {
        order.fees.clear();
        for row in rows.as_array().ok_or_else(|| v2_invalid("fees"))? {
            let base = amount(row, "base_cost")?.or(amount(row, "cost_inc_tax")?).ok_or_else(|| v2_required("base_cost"))?;
            let cost = pair(row, "cost")?.map_or_else(|| Cost::new(base, Vec::new()), |(ex, inc)| Cost::given(ex, inc));
            let name = text_at(row, "display_name_customer").unwrap_or("Fee").to_owned();
            order.fees.push(Fee { id: ctx.store.next_id("order fee", 1), name, cost });
        }
    }
    order.recalculate();
    Ok(())
}
