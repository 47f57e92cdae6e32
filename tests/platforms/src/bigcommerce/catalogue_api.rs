//! V3 catalogue: products and variants (BC §f).

use serde_json::{Value, json};

use super::catalogue::{Product, Tracking};
use super::catalogue_view::{fields, show_product, show_variant};
use super::context::Context;
use super::reply::{ERROR_TYPE, Page, Reply, id_list_param, list_param, v3, v3_error, v3_field_error, v3_not_found};
use super::value::{decimal, int, int_at, number, parse_date, text_at};
use crate::core::ApiResponse;

/// Prices of a variant.
const PRICES: [&str; 4] = ["price", "sale_price", "cost_price", "retail_price"];
/// Fields of a variant that are kept as written; price, stock and SKU have rules of their own.
const VARIANT_FIELDS: [&str; 13] = [
    "sale_price",
    "cost_price",
    "retail_price",
    "weight",
    "width",
    "height",
    "depth",
    "bin_picking_number",
    "mpn",
    "gtin",
    "purchasing_disabled",
    "purchasing_disabled_message",
    "image_url",
];

/// `/v3/catalog/…`.
pub(super) fn route(ctx: &mut Context<'_>, rest: &[&str]) -> Reply {
    match (ctx.method(), rest) {
        ("GET", ["products"]) => list_products(ctx),
        ("PUT", ["products"]) => update_products(ctx),
        ("GET", ["products", id]) => {
            let include = list_param(ctx.request, "include").unwrap_or_default();
            let product = find(ctx, id)?;
            Ok(v3(200, &fields(ctx, show_product(ctx, product, &include))))
        }
        ("PUT", ["products", id]) => {
            let id = find(ctx, id)?.id;
            let body = ctx.v3_body()?;
            let shown = patch_product(ctx, id, &body)?;
            Ok(v3(200, &shown))
        }
        ("GET", ["products", id, "variants"]) => {
            let page = Page::v3(ctx.request, 250, ctx.clamps())?;
            let product = find(ctx, id)?;
            Ok(page.v3_list(ctx.request, product.variants.iter().map(|variant| show_variant(ctx, product, variant)).collect()))
        }
        ("GET", ["products", id, "variants", variant]) => {
            let product = find(ctx, id)?;
            let variant = product.variants.iter().find(|known| known.id.to_string() == *variant);
            let variant = variant.ok_or_else(|| v3_not_found("The variant was"))?;
            Ok(v3(200, &show_variant(ctx, product, variant)))
        }
        ("GET", ["variants"]) => list_variants(ctx),
        ("PUT", ["variants"]) => update_variants(ctx),
        ("GET", ["summary"]) => {
            let all = || ctx.store.catalogue.products.values().flat_map(|product| &product.variants);
            let stock: i64 = all().flat_map(|variant| variant.levels.values()).map(|level| level.onhand).sum();
            Ok(v3(200, &json!({ "inventory_count": stock, "variant_count": all().count() })))
        }
        (_, ["products" | "variants", ..]) => Err(v3_error(405, "Method not allowed")),
        _ => Err(v3_not_found("The requested resource was")),
    }
}

fn find<'a>(ctx: &'a Context<'_>, id: &str) -> Result<&'a Product, ApiResponse> {
    let found = id.parse().ok().and_then(|id: i64| ctx.store.catalogue.products.get(&id));
    found.ok_or_else(|| v3_not_found("The product was"))
}

fn list_products(ctx: &Context<'_>) -> Reply {
    let include = list_param(ctx.request, "include").unwrap_or_default();
    let heavy = include.iter().any(|name| name == "options" || name == "modifiers");
    let page = Page::v3(ctx.request, if heavy { 10 } else { 250 }, ctx.clamps() || heavy)?;
    let among =
        |filter: &str, value: &str| list_param(ctx.request, filter).is_none_or(|list| list.iter().any(|known| known.eq_ignore_ascii_case(value)));
    let ids = id_list_param(ctx.request, "id:in").or_else(|| id_list_param(ctx.request, "id"));
    let visible = ctx.request.param("is_visible").map(|text| text == "true" || text == "1");
    let bound = |name: &str| ctx.request.param(name).map(|text| modified_bound(ctx, name, text)).transpose();
    let (after, before) = (bound("date_modified:min")?, bound("date_modified:max")?);
    // The product-level SKU alone; variants are not looked at (BC §f).
    let wanted = |product: &&Product| {
        ids.as_ref().is_none_or(|ids| ids.contains(&product.id))
            && among("sku:in", &product.sku)
            && among("sku", &product.sku)
            && among("name", &product.name)
            && among("upc", &product.upc)
            && among("mpn", &product.mpn)
            && visible.is_none_or(|visible| product.visible == visible)
            && after.is_none_or(|at| product.modified.as_second() >= at)
            && before.is_none_or(|at| product.modified.as_second() <= at)
    };
    let mut rows: Vec<&Product> = ctx.store.catalogue.products.values().filter(wanted).collect();
    sort_products(ctx, &mut rows)?;
    let rows = rows.into_iter().map(|product| fields(ctx, show_product(ctx, product, &include))).collect();
    Ok(page.v3_list(ctx.request, rows))
}

/// `sort` with `direction`; ties stay in order of id.
fn sort_products(ctx: &Context<'_>, rows: &mut [&Product]) -> Result<(), ApiResponse> {
    let refuse = |field: &str| v3_field_error(422, "The query is invalid.", field, "is not a way to sort");
    match ctx.request.param("sort").unwrap_or("id") {
        "id" => {}
        "name" => rows.sort_by(|left, right| left.name.cmp(&right.name)),
        "sku" => rows.sort_by(|left, right| left.sku.cmp(&right.sku)),
        "price" => rows.sort_by_key(|product| product.price),
        "date_modified" => rows.sort_by_key(|product| product.modified),
        _ => return Err(refuse("sort")),
    }
    match ctx.request.param("direction").unwrap_or("asc") {
        "asc" => {}
        "desc" => rows.reverse(),
        _ => return Err(refuse("direction")),
    }
    Ok(())
}

/// A date without a time is completed with the present time of day (BC §f).
fn modified_bound(ctx: &Context<'_>, name: &str, text: &str) -> Result<i64, ApiResponse> {
    let bad = || v3_field_error(422, "The query is invalid.", name, "is not a date");
    let at = parse_date(text).ok_or_else(bad)?.as_second();
    Ok(if text.len() == "2026-01-01".len() { at + ctx.now.as_second().rem_euclid(86_400) } else { at })
}

fn list_variants(ctx: &Context<'_>) -> Reply {
    let page = Page::v3(ctx.request, 250, ctx.clamps())?;
    let (id, products) = (ctx.request.param("id"), id_list_param(ctx.request, "product_id:in"));
    let base = ctx.switches.on("variant_sku_finds_base");
    let sku = ctx.request.param("sku");
    let all = ctx.store.catalogue.products.values();
    let all = all.flat_map(|product| product.variants.iter().map(move |variant| (product, variant)));
    let rows = all
        .filter(|(_, variant)| id.is_none_or(|id| variant.id.to_string() == id))
        .filter(|(product, _)| products.as_ref().is_none_or(|ids| ids.contains(&product.id)))
        .filter(|(product, variant)| {
            let own = if variant.sku.is_empty() { &product.sku } else { &variant.sku };
            sku.is_none_or(|sku| own.eq_ignore_ascii_case(sku) && (base || !variant.is_base()))
        })
        .filter(|(_, variant)| ctx.request.param("upc").is_none_or(|upc| variant.upc == upc))
        .map(|(product, variant)| fields(ctx, show_variant(ctx, product, variant)))
        .collect();
    Ok(page.v3_list(ctx.request, rows))
}

fn batch(ctx: &Context<'_>, max: usize) -> Result<Vec<Value>, ApiResponse> {
    let body = ctx.v3_body()?;
    let rows = body.as_array().filter(|rows| !rows.is_empty()).ok_or_else(|| v3_error(400, "Input is invalid."))?;
    if rows.len() > max {
        return Err(v3_error(413, &format!("The request payload is too large. The maximum items allowed in the array is {max}")));
    }
    Ok(rows.clone())
}

/// All or nothing; what is wrong comes as `batch_errors`.
fn update_variants(ctx: &mut Context<'_>) -> Reply {
    let rows = batch(ctx, 50)?;
    let known = |row: &Value| int_at(row, "id").filter(|id| ctx.store.catalogue.find_variant(*id).is_some());
    let wrong: Vec<Value> = rows
        .iter()
        .enumerate()
        .filter(|(_, row)| known(row).is_none() || bad_price(row))
        .map(|(index, _)| json!({ "status": 422, "title": "The variant is not valid.", "errors": { "index": index.to_string() } }))
        .collect();
    if !wrong.is_empty() {
        return Err(ApiResponse::json(422, &json!({ "batch_errors": wrong })));
    }
    let mut shown = Vec::new();
    for row in &rows {
        let Some(id) = int_at(row, "id") else {
            continue;
        };
        let location = ctx.store.catalogue.default_location();
        let tracked = ctx.store.catalogue.find_variant(id).is_some_and(|(product, _)| product.tracking != Tracking::None);
        let Some(variant) = ctx.store.catalogue.variant_mut(id) else {
            continue;
        };
        if let Some(price) = row.get("price") {
            variant.price = decimal(price);
        }
        for (name, value) in row.as_object().into_iter().flatten().filter(|(name, _)| VARIANT_FIELDS.contains(&name.as_str())) {
            let amount = decimal(value).filter(|_| PRICES.contains(&name.as_str()));
            variant.written.insert(name.clone(), amount.map_or_else(|| value.clone(), number));
        }
        if let Some(quantity) = row.get("inventory_level").and_then(int).filter(|_| tracked) {
            variant.levels.entry(location).or_default().onhand = quantity.max(0);
        }
        let Some((product, variant)) = ctx.store.catalogue.find_variant(id) else {
            continue;
        };
        shown.push(show_variant(ctx, product, variant));
        let data = vec![("type", json!("sku")), ("id", json!(id)), ("sku", json!({ "product_id": product.id, "variant_id": id }))];
        let now = ctx.now;
        ctx.store.emit("store/sku/updated", data, now);
    }
    Ok(v3(200, &json!(shown)))
}

fn bad_price(row: &Value) -> bool {
    let bad = |price: &Value| !price.is_null() && decimal(price).is_none_or(|price| price.is_sign_negative());
    PRICES.iter().filter_map(|name| row.get(*name)).any(bad)
}

fn update_products(ctx: &mut Context<'_>) -> Reply {
    let rows = batch(ctx, 10)?;
    let (mut shown, mut errors) = (Vec::new(), serde_json::Map::new());
    for (index, row) in rows.iter().enumerate() {
        let id = int_at(row, "id").filter(|id| ctx.store.catalogue.products.contains_key(id));
        match id.ok_or_else(|| v3_not_found("The product was")).and_then(|id| patch_product(ctx, id, row)) {
            Ok(row) => shown.push(row),
            Err(refusal) => {
                let refusal: Value = serde_json::from_slice(&refusal.body).unwrap_or_default();
                errors.insert(index.to_string(), json!(text_at(&refusal, "title")));
            }
        }
    }
    if errors.is_empty() {
        return Ok(v3(200, &json!(shown)));
    }
    let errors = json!({ "status": 422, "title": "Some products were not updated.", "type": ERROR_TYPE, "errors": errors });
    Ok(ApiResponse::json(207, &json!({ "data": shown, "meta": {}, "errors": errors })))
}

fn patch_product(ctx: &mut Context<'_>, id: i64, body: &Value) -> Result<Value, ApiResponse> {
    let mut product = ctx.store.catalogue.products.get(&id).cloned().ok_or_else(|| v3_not_found("The product was"))?;
    for (name, field) in [("name", &mut product.name), ("sku", &mut product.sku), ("upc", &mut product.upc), ("mpn", &mut product.mpn)] {
        if let Some(text) = text_at(body, name) {
            text.clone_into(field);
        }
    }
    let others = || ctx.store.catalogue.products.values().filter(|known| known.id != id);
    if others().any(|known| known.name == product.name || (!product.sku.is_empty() && known.sku.eq_ignore_ascii_case(&product.sku))) {
        return Err(v3_error(409, "The product name or SKU is a duplicate"));
    }
    if let Some(price) = body.get("price") {
        let price = decimal(price).filter(|price| !price.is_sign_negative());
        product.price = price.ok_or_else(|| v3_field_error(422, "Input is invalid.", "price", "must be a number"))?;
    }
    if let Some(tracking) = body.get("inventory_tracking") {
        let tracking = tracking.as_str().and_then(Tracking::parse);
        product.tracking = tracking.ok_or_else(|| v3_field_error(422, "Input is invalid.", "inventory_tracking", "is not known"))?;
    }
    if let Some(visible) = body.get("is_visible").and_then(Value::as_bool) {
        product.visible = visible;
    }
    product.modified = ctx.now;
    if let Some(variant) = product.variants.first_mut().filter(|variant| variant.is_base()) {
        variant.sku.clone_from(&product.sku);
    }
    ctx.store.catalogue.put(product.clone());
    let now = ctx.now;
    ctx.store.emit("store/product/updated", vec![("type", json!("product")), ("id", json!(id))], now);
    Ok(show_product(ctx, &product, &[]))
}
