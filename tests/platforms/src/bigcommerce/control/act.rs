//! Shopper and staff act on an order that exists.

use serde_json::{Value, json};

use super::payment::{Payment, pay, record};
use super::place_line::line;
use super::{Answer, created, judge, ok, only, refuse};
use crate::bigcommerce::context::Context;
use crate::bigcommerce::order::payment;
use crate::bigcommerce::order::refund_price::read;
use crate::bigcommerce::status;
use crate::bigcommerce::value::{decimal_at, flag_at, int_at, list_at, number, rfc2822, text_at};
use crate::core::ApiResponse;

/// `POST …/orders/{id}/{action}`; `None` for an action that does not exist.
pub(super) fn act(ctx: &mut Context<'_>, id: i64, action: &str, body: &Value) -> Option<Answer> {
    let done = match action {
        "pay" => pay_now(ctx, id, body),
        "edit" => edit(ctx, id, body),
        "cancel" => only(body, &[]).map(|()| ctx.store.set_and_touch(id, status::CANCELLED, ctx.now)),
        "status" => set_status(ctx, id, body),
        "notes" => notes(ctx, id, body),
        "archive" => only(body, &[]).map(|()| ctx.store.archive_order(id, ctx.now)),
        "message" => message(ctx, id, body),
        "capture" => only(body, &[]).map(|()| payment::captured(ctx.store, id, ctx.now)),
        "void" => only(body, &[]).map(|()| payment::voided(ctx.store, id, ctx.now)),
        "transaction" => record(ctx, id, body),
        "settle" => only(body, &[]).map(|()| payment::settled(ctx.store, id, ctx.now)),
        "refund" => return Some(refund(ctx, id, body)),
        _ => return None,
    };
    Some(done.and_then(|()| ok(&judge::order(ctx, id))))
}

impl crate::bigcommerce::state::Store {
    /// A status change by staff, with the `updated` event that comes with it.
    pub(super) fn set_and_touch(&mut self, id: i64, status: i64, now: jiff::Timestamp) {
        self.set_status(id, status, now);
        self.touch(id, now);
    }
}

type Done = Result<(), ApiResponse>;

/// Pays what is not paid; an order that waited for it moves on to 11.
fn pay_now(ctx: &mut Context<'_>, id: i64, body: &Value) -> Done {
    only(body, &["payment", "payment_method", "status"])?;
    let payment = Payment::read(body)?;
    pay(ctx, id, &payment);
    let before = ctx.store.orders.get(&id).map_or(0, |order| order.status);
    let waiting = [status::INCOMPLETE, 1, status::AWAITING_PAYMENT].contains(&before);
    let next = int_at(body, "status").unwrap_or(if waiting { status::AWAITING_FULFILMENT } else { before });
    let now = ctx.now;
    ctx.store.set_and_touch(id, next, now);
    Ok(())
}

/// Control-panel edit: `lines` with `id` change (quantity 0 removes) and lose their discounts, without `id` are added.
fn edit(ctx: &mut Context<'_>, id: i64, body: &Value) -> Done {
    only(body, &["lines", "discount", "billing", "address"])?;
    let Some(mut order) = ctx.store.orders.get(&id).cloned() else {
        return Ok(());
    };
    let before = order.lines.clone();
    for row in list_at(body, "lines") {
        let Some(line_id) = int_at(row, "id") else {
            let added = line(ctx.store, &order, row)?;
            order.lines.push(added);
            continue;
        };
        only(row, &["id", "quantity", "price"])?;
        let known = order.lines.iter_mut().find(|line| line.id == line_id);
        let known = known.ok_or_else(|| refuse(format!("the order has no line {line_id}")))?;
        known.quantity = int_at(row, "quantity").unwrap_or(known.quantity);
        if known.quantity < known.shipped {
            return Err(refuse("less than what has been shipped"));
        }
        if let Some(price) = decimal_at(row, "price") {
            known.cost.entered = price;
            known.cost.given = None;
        }
        known.discounts.clear();
    }
    order.lines.retain(|line| line.quantity > 0);
    if order.lines.is_empty() {
        return Err(refuse("an order keeps at least one line"));
    }
    if let Some(billing) = body.get("billing") {
        order.billing.patch(billing);
    }
    if let (Some(address), Some(to)) = (body.get("address"), order.destinations.first_mut()) {
        to.address.patch(address);
    }
    order.recalculate();
    if let Some(amount) = decimal_at(body, "discount") {
        order.set_manual_discount(amount);
    }
    ctx.store.orders.insert(id, order);
    let now = ctx.now;
    ctx.store.restock(&before, id, now);
    ctx.store.touch(id, now);
    Ok(())
}

fn set_status(ctx: &mut Context<'_>, id: i64, body: &Value) -> Done {
    only(body, &["status"])?;
    let wanted = int_at(body, "status").filter(|wanted| status::exists(*wanted)).ok_or_else(|| refuse("no such status"))?;
    let now = ctx.now;
    ctx.store.set_and_touch(id, wanted, now);
    Ok(())
}

fn notes(ctx: &mut Context<'_>, id: i64, body: &Value) -> Done {
    only(body, &["staff_notes", "customer_message", "external_order_id"])?;
    if let Some(order) = ctx.store.orders.get_mut(&id) {
        for (name, place) in [
            ("staff_notes", &mut order.staff_notes),
            ("customer_message", &mut order.customer_message),
            ("external_order_id", &mut order.external_order_id),
        ] {
            if let Some(text) = text_at(body, name) {
                text.clone_into(place);
            }
        }
    }
    let now = ctx.now;
    ctx.store.touch(id, now);
    Ok(())
}

fn message(ctx: &mut Context<'_>, id: i64, body: &Value) -> Done {
    only(body, &["from", "subject", "message"])?;
    let message_id = ctx.store.next_id("order message", 1);
    let staff = text_at(body, "from") == Some("staff");
    let now = ctx.now;
    if let Some(order) = ctx.store.orders.get_mut(&id) {
        order.messages.push(json!({ "id": message_id, "order_id": id, "staff_id": i64::from(staff),
            "customer_id": order.customer_id, "type": if staff { "merchant" } else { "customer" },
            "subject": text_at(body, "subject").unwrap_or_default(), "message": text_at(body, "message").unwrap_or_default(),
            "status": "unread", "is_flagged": false, "date_created": rfc2822(now), "customer": {} }));
    }
    let data = vec![("message", json!({ "order_message_id": message_id }))];
    ctx.store.emit_order(id, "message/created", data, now);
    Ok(())
}

/// Control-panel refund: `items` as the API takes them; none refunds all that is left. Paid back by the first way the
/// order was paid, else offline. `restock` gives the pieces back to stock.
fn refund(ctx: &mut Context<'_>, id: i64, body: &Value) -> Answer {
    only(body, &["items", "amount", "reason", "restock", "provider_id", "declined"])?;
    let Some(order) = ctx.store.orders.get(&id) else {
        return Err(refuse("no such order"));
    };
    let back: rust_decimal::Decimal = order.refunds.iter().map(|refund| refund.total).sum();
    let left = order.totals.total.inc - back;
    let amount = decimal_at(body, "amount").unwrap_or(left);
    let items = body
        .get("items")
        .cloned()
        .unwrap_or_else(|| json!([{ "item_type": "ORDER", "item_id": id, "amount": number(amount), "reason": text_at(body, "reason") }]));
    let mut wanted = read(order, &json!({ "items": items }))?;
    wanted.declined = flag_at(body, "declined").unwrap_or(false);
    wanted.restock = flag_at(body, "restock").unwrap_or(ctx.store.settings.refund_adjusts_stock);
    let paid = order.transactions.iter().find(|known| known.ok && ["purchase", "capture"].contains(&known.event.as_str()));
    let provider = text_at(body, "provider_id").or(paid.map(|paid| paid.gateway.as_str())).unwrap_or("custom").to_owned();
    let whole = json!({ "reason": text_at(body, "reason").unwrap_or_default(),
        "payments": [{ "provider_id": provider, "amount": number(wanted.total), "offline": paid.is_none() }] });
    let now = ctx.now;
    let refund = ctx.store.refund(id, &wanted, &whole, now);
    created(&json!({ "refund": refund, "order": judge::order(ctx, id) }))
}
