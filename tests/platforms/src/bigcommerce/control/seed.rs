//! Catalogue, stock, locations, channels and customers of a store.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Answer, created, ok, only, positive, refuse};
use crate::bigcommerce::catalogue::{Level, Location, Product, Tracking, Variant};
use crate::bigcommerce::context::Context;
use crate::bigcommerce::inventory::identity;
use crate::bigcommerce::state::Channel;
use crate::bigcommerce::value::{decimal_at, flag_at, int_at, list_at, string_at, text_at};
use crate::core::ApiResponse;

/// The rows of a body that is one thing or `{"<plural>":[…]}`.
fn rows<'a>(body: &'a Value, plural: &str) -> Vec<&'a Value> {
    match body.get(plural).and_then(Value::as_array) {
        Some(rows) => rows.iter().collect(),
        None => vec![body],
    }
}

/// `POST …/products`: one, `{"products":[…]}`, or `{"count":n,"prefix":"SKU-","price":…}` made up.
pub(super) fn products(ctx: &mut Context<'_>, body: &Value) -> Answer {
    let mut made = Vec::new();
    if let Some(count) = positive(body, "count")? {
        only(body, &["count", "prefix", "price", "stock"])?;
        let prefix = text_at(body, "prefix").unwrap_or("SKU-");
        for number in 1..=count {
            let price = decimal_at(body, "price").unwrap_or_else(|| Decimal::new(ctx.rng.range(199, 9999), 2));
            let row = json!({ "sku": format!("{prefix}{number}"), "price": price.to_string(),
                "stock": int_at(body, "stock").unwrap_or(1_000_000) });
            made.push(product(ctx, &row)?);
        }
        return created(&json!({ "count": made.len(), "products": made }));
    }
    for row in rows(body, "products") {
        made.push(product(ctx, row)?);
    }
    match (body.get("products"), made.as_slice()) {
        (None, [one]) => created(one),
        _ => created(&json!({ "products": made })),
    }
}

const PRODUCT: [&str; 13] =
    ["id", "name", "sku", "type", "price", "weight", "upc", "tax_class_id", "tax_rate", "inventory_tracking", "is_visible", "stock", "variants"];

/// Refuses what is incomplete or taken.
fn check(ctx: &Context<'_>, row: &Value) -> Result<(), ApiResponse> {
    only(row, &PRODUCT)?;
    let (sku, variants) = (string_at(row, "sku"), list_at(row, "variants"));
    if sku.is_empty() && variants.is_empty() {
        return Err(refuse("a product needs a sku or variants"));
    }
    let skus = std::iter::once(sku).chain(variants.iter().map(|variant| string_at(variant, "sku")));
    let mut skus = skus.filter(|sku| !sku.is_empty());
    match skus.find(|sku| ctx.store.catalogue.find_sku(sku).is_some()) {
        Some(taken) => Err(ApiResponse::refusal(409, &format!("sku {taken:?} is taken"))),
        None => Ok(()),
    }
}

fn product(ctx: &mut Context<'_>, row: &Value) -> Result<Value, ApiResponse> {
    check(ctx, row)?;
    let (sku, variants) = (string_at(row, "sku"), list_at(row, "variants"));
    let name = text_at(row, "name").map_or_else(|| format!("Product {sku}"), str::to_owned);
    let default = if variants.is_empty() { Tracking::Product } else { Tracking::Variant };
    let tracking = text_at(row, "inventory_tracking")
        .map(|text| Tracking::parse(text).ok_or_else(|| refuse("inventory_tracking must be none, product or variant")));
    let id = given_id(ctx, row, "product", 77);
    let mut product = Product {
        id,
        name,
        sku,
        digital: text_at(row, "type") == Some("digital"),
        price: decimal_at(row, "price").unwrap_or(Decimal::TEN),
        weight: decimal_at(row, "weight").unwrap_or(Decimal::ONE),
        upc: string_at(row, "upc"),
        mpn: String::new(),
        visible: flag_at(row, "is_visible").unwrap_or(true),
        tax_class_id: int_at(row, "tax_class_id").unwrap_or(0),
        tax_rate: decimal_at(row, "tax_rate"),
        tracking: tracking.transpose()?.unwrap_or(default),
        created: ctx.now,
        modified: ctx.now,
        variants: Vec::new(),
    };
    add_variants(ctx, &mut product, row);
    let shown = json!({ "id": id, "sku": product.sku, "name": product.name,
        "variants": product.variants.iter().map(|variant| json!({ "id": variant.id, "sku": variant.sku })).collect::<Vec<_>>() });
    ctx.store.catalogue.put(product);
    let now = ctx.now;
    ctx.store.emit("store/product/created", vec![("type", json!("product")), ("id", json!(id))], now);
    Ok(shown)
}

/// The base variant of a simple product, or the variants that are listed.
fn add_variants(ctx: &mut Context<'_>, product: &mut Product, row: &Value) {
    let variants = list_at(row, "variants");
    let id = product.id;
    if variants.is_empty() {
        let base = json!({ "sku": product.sku, "stock": row.get("stock") });
        product.variants.push(variant(ctx, &base, Vec::new()));
    }
    for (index, row) in variants.iter().enumerate() {
        let label = text_at(row, "label").map_or_else(|| format!("Option {}", index + 1), str::to_owned);
        let value = ctx.store.next_id("option value", 100);
        let option = json!({ "id": value, "label": label, "option_id": id * 10, "option_display_name": "Size" });
        let made = variant(ctx, row, vec![option]);
        product.variants.push(made);
    }
}

/// The id that the row gives, or the next one; later ones are above it.
fn given_id(ctx: &mut Context<'_>, row: &Value, kind: &'static str, first: i64) -> i64 {
    let Some(id) = int_at(row, "id") else { return ctx.store.next_id(kind, first) };
    ctx.store.reserve_id(kind, first.max(id.saturating_add(1)));
    id
}

fn variant(ctx: &mut Context<'_>, row: &Value, options: Vec<Value>) -> Variant {
    let id = given_id(ctx, row, "variant", 421);
    let mut variant = Variant {
        id,
        sku: string_at(row, "sku"),
        price: decimal_at(row, "price"),
        upc: string_at(row, "upc"),
        options,
        levels: std::collections::BTreeMap::new(),
        written: serde_json::Map::new(),
    };
    if let Some(onhand) = int_at(row, "stock") {
        let level = Level { onhand, initialised: true, ..Level::default() };
        variant.levels.insert(ctx.store.catalogue.default_location(), level);
    }
    variant
}

/// `DELETE …/products/{id}`.
pub(super) fn remove_product(ctx: &mut Context<'_>, id: &str) -> Answer {
    let id = id.parse().ok().filter(|id| ctx.store.catalogue.remove(*id).is_some());
    let id = id.ok_or_else(|| ApiResponse::refusal(404, "no such product"))?;
    let now = ctx.now;
    ctx.store.emit("store/product/deleted", vec![("type", json!("product")), ("id", json!(id))], now);
    Ok(ApiResponse::empty(204))
}

/// `POST …/stock {"sku":…,"quantity":n,"location_id":1}`: at once, as the control panel does.
pub(super) fn stock(ctx: &mut Context<'_>, body: &Value) -> Answer {
    let quantity = positive(body, "quantity")?.ok_or_else(|| refuse("quantity is missing"))?;
    let (variant, _) = identity(ctx.store, body)?;
    let location = int_at(body, "location_id").unwrap_or(ctx.store.catalogue.default_location());
    let now = ctx.now;
    crate::bigcommerce::inventory::set(ctx.store, variant, location, quantity, now);
    ok(&json!({ "variant_id": variant, "location_id": location, "quantity": quantity }))
}

/// `POST …/locations {"code":…,"label":…}`.
pub(super) fn location(ctx: &mut Context<'_>, body: &Value) -> Answer {
    only(body, &["code", "label", "enabled", "managed_by_external_source"])?;
    let id = ctx.store.next_id("location", 2);
    let code = text_at(body, "code").map_or_else(|| format!("BC-LOCATION-{id}"), str::to_owned);
    ctx.store.catalogue.locations.push(Location {
        id,
        label: text_at(body, "label").unwrap_or(&code).to_owned(),
        code,
        enabled: flag_at(body, "enabled").unwrap_or(true),
        managed_externally: flag_at(body, "managed_by_external_source").unwrap_or(false),
    });
    let now = ctx.now;
    ctx.store.emit("store/inventory/location/created", vec![("location_id", json!(id))], now);
    created(&json!({ "id": id }))
}

/// `POST …/channels {"name":…,"type":…,"platform":…}`.
pub(super) fn channel(ctx: &mut Context<'_>, body: &Value) -> Answer {
    only(body, &["id", "name", "type", "platform"])?;
    let id = int_at(body, "id").unwrap_or_else(|| ctx.store.next_id("channel", 2));
    ctx.store.channels.push(Channel {
        id,
        name: text_at(body, "name").unwrap_or("Channel").to_owned(),
        kind: text_at(body, "type").unwrap_or("storefront").to_owned(),
        platform: text_at(body, "platform").unwrap_or("bigcommerce").to_owned(),
    });
    created(&json!({ "id": id }))
}

/// Adds a customer. The platform has none without a name.
pub(super) fn customer(ctx: &mut Context<'_>, row: &Value) -> Value {
    let mut row = row.clone();
    for (field, name) in [("first_name", "Ada"), ("last_name", "Byron")] {
        if string_at(&row, field).is_empty()
            && let Some(row) = row.as_object_mut()
        {
            row.insert(field.to_owned(), json!(name));
        }
    }
    ctx.add_customer(&row)
}

/// `POST …/customers`: one, or `{"customers":[…]}`, with the fields that V3 takes.
pub(super) fn customers(ctx: &mut Context<'_>, body: &Value) -> Answer {
    let mut made = Vec::new();
    for row in rows(body, "customers") {
        if !string_at(row, "email").contains('@') {
            return Err(refuse("a customer needs an email"));
        }
        made.push(customer(ctx, row));
    }
    match (body.get("customers"), made.as_slice()) {
        (None, [one]) => created(one),
        _ => created(&json!({ "customers": made })),
    }
}
