//! Products and variants as V3 shows them (BC §f).

use serde_json::{Value, json};

use super::catalogue::{Product, Tracking, Variant};
use super::context::Context;
use super::reply::list_param;
use super::value::{decimal, iso, number};

/// Keeps only the fields that `include_fields` and `exclude_fields` leave.
pub(super) fn fields(ctx: &Context<'_>, mut shown: Value) -> Value {
    if let Some(shown) = shown.as_object_mut() {
        if let Some(keep) = list_param(ctx.request, "include_fields") {
            shown.retain(|name, _| name == "id" || keep.contains(name));
        }
        if let Some(drop) = list_param(ctx.request, "exclude_fields") {
            shown.retain(|name, _| name == "id" || !drop.contains(name));
        }
    }
    shown
}

/// The level that the catalogue shows: the default location's (BC §f).
fn level(ctx: &Context<'_>, variant: &Variant) -> i64 {
    variant.levels.get(&ctx.store.catalogue.default_location()).map_or(0, |level| level.onhand)
}

/// One product, with what `include` asks for.
pub(super) fn show_product(ctx: &Context<'_>, product: &Product, include: &[String]) -> Value {
    let stock = match product.tracking {
        Tracking::None => 0,
        Tracking::Product => product.variants.first().map_or(0, |variant| level(ctx, variant)),
        Tracking::Variant => product.variants.iter().map(|variant| level(ctx, variant)).sum(),
    };
    let simple = product.variants.first().filter(|variant| variant.is_base());
    let mut shown = json!({
        "id": product.id, "name": product.name, "type": if product.digital { "digital" } else { "physical" },
        "sku": product.sku, "description": "", "weight": number(product.weight), "width": 0, "depth": 0, "height": 0,
        "price": number(product.price), "cost_price": 0, "retail_price": 0, "sale_price": 0, "map_price": 0,
        "tax_class_id": product.tax_class_id, "product_tax_code": "", "calculated_price": number(product.price),
        "categories": [], "brand_id": 0, "inventory_level": stock,
        "inventory_warning_level": 0, "inventory_tracking": product.tracking.name(), "reviews_rating_sum": 0,
        "is_visible": product.visible, "is_featured": false, "upc": product.upc, "mpn": product.mpn, "gtin": "",
        "date_created": iso(product.created), "date_modified": iso(product.modified), "condition": "New",
        "availability": "available", "base_variant_id": simple.map(|variant| variant.id),
    });
    if let Some(shown) = shown.as_object_mut() {
        for name in include {
            let rows = match name.as_str() {
                "variants" => product.variants.iter().map(|variant| show_variant(ctx, product, variant)).collect(),
                "images" | "custom_fields" | "options" | "modifiers" => Vec::new(),
                _ => continue,
            };
            shown.insert(name.clone(), Value::Array(rows));
        }
    }
    shown
}

/// One variant.
pub(super) fn show_variant(ctx: &Context<'_>, product: &Product, variant: &Variant) -> Value {
    let sku = if variant.sku.is_empty() { &product.sku } else { &variant.sku };
    let sale = variant.written.get("sale_price").filter(|price| decimal(price).is_some_and(|price| !price.is_zero())).cloned();
    let mut shown = json!({
        "id": variant.id, "product_id": product.id, "sku": sku,
        "sku_id": (!variant.is_base()).then_some(variant.id), "price": variant.price.map(number),
        "calculated_price": sale.unwrap_or_else(|| number(variant.price.unwrap_or(product.price))), "cost_price": 0, "sale_price": null,
        "retail_price": null, "map_price": {}, "weight": null, "calculated_weight": number(product.weight),
        "width": null, "height": null, "depth": null, "is_free_shipping": false, "fixed_cost_shipping_price": null,
        "upc": if variant.upc.is_empty() { &product.upc } else { &variant.upc }, "mpn": product.mpn, "gtin": "",
        "inventory_level": level(ctx, variant), "inventory_warning_level": 0, "bin_picking_number": "",
        "purchasing_disabled": false, "purchasing_disabled_message": "", "image_url": "",
        "option_values": variant.options,
    });
    if let Some(shown) = shown.as_object_mut() {
        shown.extend(variant.written.clone());
    }
    shown
}
