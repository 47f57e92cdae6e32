//! Reading stock, its settings and the locations (BC §f).

use serde_json::{Value, json};

use super::catalogue::{Level, Location, Product, Variant};
use super::context::Context;
use super::inventory::{ITEMS_MAX, identity, problem};
use super::reply::{Page, Reply, id_list_param, list_param, v3_not_found};
use super::value::{flag_at, int_at, list_at, text_at};
use crate::core::ApiResponse;

/// `/v3/inventory/items` and `/v3/inventory/locations…`.
pub(super) fn route(ctx: &mut Context<'_>, rest: &[&str]) -> Reply {
    match (ctx.method(), rest) {
        ("GET", ["items"]) => list_items(ctx),
        ("GET", ["locations"]) => list_locations(ctx),
        ("GET", ["locations", id, "items"]) => {
            let id = location(ctx, id)?;
            list_location_items(ctx, id)
        }
        ("PUT", ["locations", id, "items"]) => {
            let id = location(ctx, id)?;
            settings(ctx, id)
        }
        (_, ["items" | "locations"] | ["locations", _, "items"]) => Err(problem(405, "Method not allowed")),
        _ => Err(v3_not_found("The requested resource was")),
    }
}

fn location(ctx: &Context<'_>, id: &str) -> Result<i64, ApiResponse> {
    let found = ctx.store.catalogue.locations.iter().find(|location| location.id.to_string() == id);
    found.map(|location| location.id).ok_or_else(|| problem(404, &format!("Location with id {id} not found")))
}

fn identity_row(product: &Product, variant: &Variant) -> Value {
    let sku = if variant.sku.is_empty() { &product.sku } else { &variant.sku };
    let sku_id = (!variant.is_base()).then_some(variant.id);
    json!({ "sku": sku, "variant_id": variant.id, "product_id": product.id, "sku_id": sku_id })
}

/// The list of one location's items has no `sku_id`.
fn flat_identity(product: &Product, variant: &Variant) -> Value {
    let mut row = identity_row(product, variant);
    if let Some(row) = row.as_object_mut() {
        row.remove("sku_id");
    }
    row
}

/// Open from nine to five on all days.
fn operating_hours() -> Value {
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    days.iter().map(|day| ((*day).to_owned(), json!({ "open": true, "opening": "09:00", "closing": "17:00" }))).collect()
}

fn settings_row(level: &Level) -> Value {
    json!({ "safety_stock": level.safety, "is_in_stock": level.onhand > level.safety, "warning_level": level.warning,
        "bin_picking_number": level.bin })
}

fn wanted<'a>(ctx: &'a Context<'_>) -> impl Iterator<Item = (&'a Product, &'a Variant)> {
    let skus = list_param(ctx.request, "sku:in").map(|skus| skus.iter().map(|sku| sku.to_lowercase()).collect::<Vec<_>>());
    let (variants, products) = (id_list_param(ctx.request, "variant_id:in"), id_list_param(ctx.request, "product_id:in"));
    let all = ctx.store.catalogue.products.values();
    all.flat_map(|product| product.variants.iter().map(move |variant| (product, variant))).filter(move |(product, variant)| {
        let sku = if variant.sku.is_empty() { &product.sku } else { &variant.sku };
        skus.as_ref().is_none_or(|skus| skus.contains(&sku.to_lowercase()))
            && variants.as_ref().is_none_or(|ids| ids.contains(&variant.id))
            && products.as_ref().is_none_or(|ids| ids.contains(&product.id))
    })
}

fn list_items(ctx: &Context<'_>) -> Reply {
    let page = Page::v3(ctx.request, 1000, ctx.clamps())?;
    let (ids, codes) = (id_list_param(ctx.request, "location_id:in"), list_param(ctx.request, "location_code:in"));
    let shown = |location: &&Location| {
        ids.as_ref().is_none_or(|ids| ids.contains(&location.id)) && codes.as_ref().is_none_or(|codes| codes.contains(&location.code))
    };
    let rows = wanted(ctx)
        .map(|(product, variant)| {
            let places = ctx.store.catalogue.locations.iter().filter(shown);
            let places: Vec<Value> = places
                .map(|place| {
                    let level = variant.levels.get(&place.id).cloned().unwrap_or_default();
                    json!({ "location_id": place.id, "location_code": place.code, "location_name": place.label,
                        "location_enabled": place.enabled, "available_to_sell": level.onhand - level.safety,
                        "total_inventory_onhand": level.onhand, "settings": settings_row(&level) })
                })
                .collect();
            json!({ "identity": identity_row(product, variant), "locations": places })
        })
        .collect();
    Ok(page.v3_list(ctx.request, rows))
}

fn list_location_items(ctx: &Context<'_>, location: i64) -> Reply {
    let page = Page::v3(ctx.request, 1000, ctx.clamps())?;
    let rows = wanted(ctx)
        .map(|(product, variant)| {
            let level = variant.levels.get(&location).cloned().unwrap_or_default();
            json!({ "identity": flat_identity(product, variant), "available_to_sell": level.onhand - level.safety,
                "total_inventory_onhand": level.onhand, "settings": settings_row(&level) })
        })
        .collect();
    Ok(page.v3_list(ctx.request, rows))
}

/// `PUT /v3/inventory/locations/{id}/items`: safety stock and the like; at least one setting per item.
fn settings(ctx: &mut Context<'_>, location: i64) -> Reply {
    let body = ctx.request.json().map_err(|_unreadable| problem(400, "Input is invalid."))?;
    let rows = list_at(&body, "settings");
    if rows.is_empty() {
        return Err(problem(422, "settings must not be empty"));
    }
    if rows.len() > ITEMS_MAX {
        return Err(problem(413, &format!("The request payload is too large. The maximum items allowed in the array is {ITEMS_MAX}")));
    }
    let mut found = Vec::new();
    for row in rows {
        let (variant, label) = identity(ctx.store, row.get("identity").unwrap_or(&Value::Null))?;
        let names = ["safety_stock", "is_in_stock", "warning_level", "bin_picking_number"];
        if !names.iter().any(|name| row.get(*name).is_some()) {
            return Err(problem(422, &format!("[Item with {label} has no setting]")));
        }
        let negative = ["safety_stock", "warning_level"].iter().any(|name| int_at(row, name).is_some_and(|level| level < 0));
        if negative || (row.get("is_in_stock").is_some() && flag_at(row, "is_in_stock").is_none()) {
            return Err(problem(422, &format!("[Item with {label} has a setting that is not valid]")));
        }
        found.push((variant, row));
    }
    for (variant, row) in found {
        let Some(variant) = ctx.store.catalogue.variant_mut(variant) else {
            continue;
        };
        let level = variant.levels.entry(location).or_default();
        level.safety = int_at(row, "safety_stock").unwrap_or(level.safety);
        level.warning = int_at(row, "warning_level").unwrap_or(level.warning);
        if let Some(bin) = text_at(row, "bin_picking_number") {
            bin.clone_into(&mut level.bin);
        }
    }
    Ok(ApiResponse::json(200, &json!({ "transaction_id": ctx.rng.uuid().to_string() })))
}

fn list_locations(ctx: &Context<'_>) -> Reply {
    let page = Page::v3(ctx.request, 250, ctx.clamps())?;
    let default = ctx.store.catalogue.default_location();
    let only_default = ctx.request.param("is_default").map(|text| text == "true");
    let (ids, codes) = (id_list_param(ctx.request, "location_id:in"), list_param(ctx.request, "location_code:in"));
    let rows = ctx
        .store
        .catalogue
        .locations
        .iter()
        .filter(|place| only_default.is_none_or(|wish| (place.id == default) == wish))
        .filter(|place| ids.as_ref().is_none_or(|ids| ids.contains(&place.id)))
        .filter(|place| codes.as_ref().is_none_or(|codes| codes.contains(&place.code)))
        .map(|place| {
            json!({ "id": place.id, "code": place.code, "label": place.label, "description": "",
                "managed_by_external_source": place.managed_externally, "type_id": "PHYSICAL",
                "enabled": place.enabled, "operating_hours": operating_hours(), "time_zone": "Europe/London",
                "address": { "address1": "1 Shop Street", "address2": "", "city": "Bristol", "state": "Bristol",
                    "zip": "BS1 1AA", "email": "shop@example.com", "phone": "", "country_code": "GB",
                    "geo_coordinates": { "latitude": 51.45, "longitude": -2.59 } },
                "storefront_visibility": true, "special_hours": [] })
        })
        .collect();
    Ok(page.v3_list(ctx.request, rows))
}
