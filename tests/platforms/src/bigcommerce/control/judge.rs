//! The full state, for those who judge a test.

use serde_json::{Value, json};

use crate::bigcommerce::context::Context;
use crate::bigcommerce::order::shipment;
use crate::bigcommerce::state::Store;

/// One order with everything that belongs to it.
pub(super) fn order(ctx: &Context<'_>, id: i64) -> Value {
    let Some(order) = ctx.store.orders.get(&id) else {
        return Value::Null;
    };
    let view = ctx.view();
    let mut shown = view.order(order);
    let transactions = order.transactions.iter().map(|row| {
        json!({ "id": row.id, "event": row.event, "method": row.method, "gateway": row.gateway,
            "amount": row.amount.to_string(), "ok": row.ok, "reference": row.reference })
    });
    if let Some(shown) = shown.as_object_mut() {
        let mut put = |name: &str, rows: Vec<Value>| shown.insert(name.to_owned(), Value::Array(rows));
        put("products", order.lines.iter().map(|line| view.line(order, line)).collect());
        put("shipping_addresses", order.destinations.iter().map(|to| view.destination(order, to)).collect());
        put("coupons", order.coupons.iter().map(|coupon| view.coupon(order, coupon)).collect());
        put("taxes", view.taxes(order, true));
        put("fees", order.fees.iter().map(crate::bigcommerce::order::view::View::fee).collect());
        put("shipments", order.shipments.iter().map(|row| shipment::show(order, row)).collect());
        put("messages", order.messages.clone());
        put("transactions", transactions.collect());
        put("refunds", order.refunds.iter().map(|refund| refund.show(id)).collect());
        shown.remove("consignments");
    }
    shown
}

/// All orders, or those from `min_id` on, at most `limit`.
pub(super) fn orders(ctx: &Context<'_>) -> Value {
    let number = |name: &str| ctx.request.param(name).and_then(|text| text.parse::<i64>().ok());
    let from = number("min_id").unwrap_or(0);
    let limit = number("limit").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let rows: Vec<Value> = ctx.store.orders.range(from..).take(limit).map(|(id, _)| order(ctx, *id)).collect();
    json!(rows)
}

/// Products with their variants and stock.
pub(super) fn products(store: &Store) -> Vec<Value> {
    let shown = store.catalogue.products.values().map(|product| {
        let variants = product.variants.iter().map(|variant| {
            let levels =
                variant.levels.iter().map(|(location, level)| json!({ "location_id": location, "onhand": level.onhand, "safety": level.safety }));
            json!({ "id": variant.id, "sku": variant.sku, "levels": levels.collect::<Vec<_>>() })
        });
        json!({ "id": product.id, "sku": product.sku, "name": product.name, "price": product.price.to_string(),
            "variants": variants.collect::<Vec<_>>() })
    });
    shown.collect()
}

/// Mails that the platform would have sent.
pub(super) fn mails(store: &Store) -> Value {
    let rows = store.mails.iter().map(|mail| json!({ "at": mail.at, "kind": mail.kind, "order_id": mail.order_id, "text": mail.text }));
    json!(rows.collect::<Vec<_>>())
}

/// The hooks of all accounts.
pub(super) fn hooks(store: &Store) -> Value {
    let rows = store.hooks.values().map(|hook| {
        json!({ "id": hook.id, "client_id": hook.client_id, "scope": hook.scope, "destination": hook.destination,
            "headers": hook.headers, "is_active": hook.active, "deactivated": hook.deactivated })
    });
    json!(rows.collect::<Vec<_>>())
}
