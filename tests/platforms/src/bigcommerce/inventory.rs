//! Inventory adjustments: checked at once, applied a little later (BC §f).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::catalogue::Tracking;
use super::context::Context;
use super::reply::{Reply, v3_not_found};
use super::state::{Effect, Store};
use super::value::{int, list_at, text_at};
use crate::core::ApiResponse;

/// Items of one call.
pub(super) const ITEMS_MAX: usize = 2000;
const LEVEL_MAX: i64 = 2_147_483_647;

/// An inventory error: `application/problem+json`.
pub(super) fn problem(status: u16, title: &str) -> ApiResponse {
    let mut answer = ApiResponse::json(
        status,
        &json!({ "status": status, "title": title,
            "type": "https://developer.bigcommerce.com/api-docs/getting-started/api-status-codes", "errors": {} }),
    );
    answer.headers = vec![("Content-Type".to_owned(), "application/problem+json".to_owned())];
    answer
}

/// Which variant an item names, and by what.
#[derive(Debug, Clone)]
struct Named {
    variant_id: i64,
    location_id: i64,
    quantity: i64,
    label: String,
}

/// `PUT …/adjustments/absolute` and `POST …/adjustments/relative`.
pub(super) fn adjust(ctx: &mut Context<'_>, kind: &str) -> Reply {
    let absolute = match (ctx.method(), kind) {
        ("PUT", "absolute") => true,
        ("POST", "relative") => false,
        (_, "absolute" | "relative") => return Err(problem(405, "Method not allowed")),
        _ => return Err(v3_not_found("The requested resource was")),
    };
    let body = ctx.request.json().map_err(|_unreadable| problem(400, "Input is invalid."))?;
    let rows = list_at(&body, "items");
    if rows.is_empty() {
        return Err(problem(422, "items must not be empty"));
    }
    if rows.len() > ITEMS_MAX {
        return Err(problem(413, &format!("The request payload is too large. The maximum items allowed in the array is {ITEMS_MAX}")));
    }
    let named = rows.iter().map(|row| read(ctx.store, row)).collect::<Result<Vec<_>, _>>()?;
    for item in &named {
        check(ctx.store, item, absolute)?;
    }
    let due = ctx.now + SignedDuration::from_millis(ctx.store.settings.inventory_delay_ms);
    for Named { variant_id, location_id, quantity, .. } in named {
        let effect =
            if absolute { Effect::SetStock { variant_id, location_id, quantity } } else { Effect::AddStock { variant_id, location_id, quantity } };
        ctx.store.pending.push((due, effect));
    }
    Ok(ApiResponse::json(200, &json!({ "transaction_id": ctx.rng.uuid().to_string() })))
}

/// The variant that exactly one of `sku`, `variant_id` and `product_id` names; tracking must fit the way of naming.
fn read(store: &Store, row: &Value) -> Result<Named, ApiResponse> {
    let (variant_id, label) = identity(store, row)?;
    let location_id = row.get("location_id").and_then(int).ok_or_else(|| problem(422, "location_id is required"))?;
    if !store.catalogue.locations.iter().any(|location| location.id == location_id) {
        return Err(problem(422, &format!("Location with id {location_id} not found")));
    }
    let quantity = row.get("quantity").and_then(Value::as_i64).ok_or_else(|| problem(422, "quantity must be a whole number"))?;
    Ok(Named { variant_id, location_id, quantity, label })
}

/// Variant id and printable identity.
pub(super) fn identity(store: &Store, row: &Value) -> Result<(i64, String), ApiResponse> {
    let given: Vec<&str> = ["sku", "variant_id", "product_id"].into_iter().filter(|name| row.get(*name).is_some()).collect();
    let [by] = given.as_slice() else {
        return Err(problem(422, "exactly one of sku, variant_id and product_id is required"));
    };
    let by = *by;
    let shown = row.get(by).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).unwrap_or_default();
    let label = format!("{by} {shown}");
    let found = match by {
        "sku" => text_at(row, "sku").and_then(|sku| store.catalogue.find_sku(sku)),
        "variant_id" => row.get("variant_id").and_then(int).and_then(|id| store.catalogue.find_variant(id)),
        _ => {
            let product = row.get("product_id").and_then(int).and_then(|id| store.catalogue.products.get(&id));
            product.and_then(|product| product.variants.first().map(|variant| (product, variant)))
        }
    };
    let Some((product, variant)) = found else {
        return Err(problem(422, &format!("[Item with {label} not found]")));
    };
    let wrong = match (by, product.tracking) {
        ("variant_id", Tracking::Product) if !variant.is_base() => Some("product"),
        ("product_id", Tracking::Variant) => Some("variant"),
        _ => None,
    };
    if let Some(tracked) = wrong {
        return Err(problem(422, &format!("[Item with {label} is tracked by {tracked}, please update stock by {tracked} id]")));
    }
    Ok((variant.id, label))
}

fn check(store: &Store, item: &Named, absolute: bool) -> Result<(), ApiResponse> {
    if absolute {
        let fits = (0..=LEVEL_MAX).contains(&item.quantity);
        return if fits { Ok(()) } else { Err(problem(422, "quantity is out of range")) };
    }
    let level = store.catalogue.find_variant(item.variant_id).and_then(|(_, variant)| variant.levels.get(&item.location_id));
    let Some(level) = level.filter(|level| level.initialised) else {
        let title = format!("Items with identity: [{}] requires absolute adjustment before relative", item.label);
        return Err(problem(422, &title));
    };
    let next = level.onhand + item.quantity;
    if next < level.safety {
        return Err(problem(422, &format!("[Item with {} would fall below its safety stock]", item.label)));
    }
    if next > LEVEL_MAX {
        return Err(problem(422, "quantity is out of range"));
    }
    Ok(())
}

/// Whether the variant's stock is counted at all: without tracking an adjustment has no visible effect (BC §f).
fn is_tracked(store: &Store, variant_id: i64) -> bool {
    store.catalogue.find_variant(variant_id).is_some_and(|(product, _)| product.tracking != Tracking::None)
}

/// An absolute adjustment takes effect.
pub(super) fn set(store: &mut Store, variant_id: i64, location_id: i64, quantity: i64, now: Timestamp) {
    if !is_tracked(store, variant_id) {
        return;
    }
    if let Some(variant) = store.catalogue.variant_mut(variant_id) {
        let level = variant.levels.entry(location_id).or_default();
        level.onhand = quantity;
        level.initialised = true;
    }
    announce(store, variant_id, location_id, ("absolute", quantity), now);
}

/// A relative adjustment takes effect.
pub(super) fn add(store: &mut Store, variant_id: i64, location_id: i64, quantity: i64, now: Timestamp) {
    if !is_tracked(store, variant_id) {
        return;
    }
    if let Some(variant) = store.catalogue.variant_mut(variant_id) {
        variant.levels.entry(location_id).or_default().onhand += quantity;
    }
    announce(store, variant_id, location_id, ("relative", quantity), now);
}

fn announce(store: &mut Store, variant_id: i64, location_id: i64, change: (&str, i64), now: Timestamp) {
    store.emit_stock(variant_id, location_id, change, "inventory/updated", now);
}
