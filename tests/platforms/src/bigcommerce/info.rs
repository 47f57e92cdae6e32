//! The store's own data and settings (BC §g, §f settings).

use serde_json::{Value, json};

use super::context::Context;
use super::order::pricing::Rounding;
use super::reply::{Page, Reply, list_param, v2, v2_error, v2_list, v2_not_found, v3, v3_error, v3_not_found};
use super::state::{StockBehaviour, Store, minor_units};
use super::value::{fixed, int, rfc2822};

/// `/v2/…` apart from orders and customers.
pub(super) fn v2_route(ctx: &Context<'_>, rest: &[&str]) -> Option<Reply> {
    let known = matches!(
        rest,
        ["store" | "time" | "currencies" | "tax_classes"] | ["currencies" | "tax_classes", _] | ["shipping", "zones", ..] | ["payments", "methods"]
    );
    if !known {
        return None;
    }
    if ctx.method() != "GET" {
        return Some(Err(v2_error(405, "The method is not allowed for this resource.")));
    }
    Some(match rest {
        ["store"] => Ok(v2(&store(ctx.store))),
        ["time"] => Ok(v2(&json!({ "time": ctx.now.as_second() }))),
        ["currencies"] => Ok(v2(&json!(currencies(ctx)))),
        ["currencies", id] => one(&currencies(ctx), id),
        ["tax_classes"] => Ok(v2(&json!(tax_classes()))),
        ["tax_classes", id] => one(&tax_classes(), id),
        ["shipping", "zones"] => Ok(v2(&json!([zone(ctx.store)]))),
        ["shipping", "zones", "1"] => Ok(v2(&zone(ctx.store))),
        ["shipping", "zones", "1", "methods"] => Ok(v2(&json!(methods()))),
        ["shipping", "zones", "1", "methods", id] => one(&methods(), id),
        ["payments", "methods"] => Page::v2(ctx.request, ctx.clamps()).map(|page| v2_list(page.cut(payment_methods()))),
        _ => Err(v2_not_found()),
    })
}

fn one(rows: &[Value], id: &str) -> Reply {
    let found = rows.iter().find(|row| row.get("id").and_then(int) == id.parse().ok());
    found.map(v2).ok_or_else(v2_not_found)
}

fn store(store: &Store) -> Value {
    let domain = format!("store-{}.example.com", store.hash);
    json!({
        "id": store.hash, "store_id": store.store_id, "account_uuid": uuid::Uuid::from_u128(u128::from(store.store_id.unsigned_abs())).to_string(),
        "name": store.name, "domain": domain, "secure_url": format!("https://{domain}"),
        "control_panel_base_url": format!("https://{domain}"), "status": if store.down { "down" } else { "live" },
        "first_name": "Ada", "last_name": "Byron", "address": "", "phone": "", "admin_email": "owner@example.com",
        "order_email": "orders@example.com", "country": store.country, "country_code": store.country_iso2,
        "timezone": { "name": "Europe/London", "raw_offset": 0, "dst_offset": 3600, "dst_correction": true,
            "date_format": { "display": "jS M Y", "export": "M jS Y", "extended_display": "M jS Y @ g:i A" } },
        "language": "en", "currency": store.currency, "currency_symbol": store.currency,
        "decimal_separator": ".", "thousands_separator": ",", "decimal_places": minor_units(&store.currency),
        "currency_symbol_location": "left", "weight_units": "KGS", "dimension_units": "Centimeters",
        "dimension_decimal_places": 2, "plan_name": store.plan, "plan_level": store.plan, "plan_is_trial": false,
        "industry": "", "logo": {}, "is_price_entered_with_tax": store.inclusive, "default_channel_id": 1,
        "default_site_id": 1000, "features": { "multi_storefront_enabled": store.channels.len() > 1 },
    })
}

fn currencies(ctx: &Context<'_>) -> Vec<Value> {
    let store = &ctx.store;
    let own = (store.currency.clone(), rust_decimal::Decimal::ONE);
    std::iter::once(&own)
        .chain(&store.currencies)
        .map(|(code, rate)| {
            let default = *code == store.currency;
            json!({
                "id": store.currency_id(code), "is_default": default, "last_updated": rfc2822(ctx.now),
                "country_iso2": if default { store.country_iso2.as_str() } else { "" }, "default_for_country_codes": [],
                "currency_code": code, "currency_exchange_rate": fixed(*rate, 10), "name": code, "token": code,
                "auto_update": false, "token_location": "left", "decimal_token": ".", "thousands_token": ",",
                "decimal_places": minor_units(code), "enabled": true, "is_transactional": true, "use_default_name": true,
            })
        })
        .collect()
}

fn tax_classes() -> Vec<Value> {
    let stamp = "Thu, 01 Jan 2026 00:00:00 +0000";
    [(0, "Default Tax Class"), (1, "Non-Taxable Products"), (2, "Shipping"), (3, "Gift Wrapping")]
        .iter()
        .map(|(id, name)| json!({ "id": id.to_string(), "name": name, "created_at": stamp, "updated_at": stamp }))
        .collect()
}

fn zone(store: &Store) -> Value {
    json!({ "id": 1, "name": store.country, "type": "country", "enabled": true,
        "locations": [{ "id": 1, "country_iso2": store.country_iso2 }],
        "free_shipping": { "enabled": false, "minimum_sub_total": "0", "exclude_fixed_shipping_products": false },
        "handling_fees": { "fixed_surcharge": "0" } })
}

fn methods() -> Vec<Value> {
    [(1, "Royal Mail Tracked 48", "perorder"), (2, "DPD Next Day", "perorder"), (3, "Free Shipping", "freeshipping")]
        .iter()
        .map(|(id, name, kind)| {
            json!({ "id": id, "name": name, "type": kind, "settings": { "rate": 5 }, "enabled": true,
                "handling_fees": { "fixed_surcharge": 0 }, "is_fallback": false, "channel_ids": [1] })
        })
        .collect()
}

fn payment_methods() -> Vec<Value> {
    [("bigpaypay", "Test Payment Provider"), ("bankdeposit", "Bank Deposit"), ("cod", "Cash on Delivery"), ("cheque", "Cheque")]
        .iter()
        .map(|(code, name)| json!({ "code": code, "name": name, "test_mode": false }))
        .collect()
}

/// `/v3/channels`, `/v3/settings/inventory`, `/v3/tax/settings`, `/v3/payments/methods`.
pub(super) fn v3_route(ctx: &Context<'_>, rest: &[&str]) -> Option<Reply> {
    let known = matches!(rest, ["channels"] | ["channels", _] | ["settings", "inventory"] | ["tax", "settings"] | ["payments", "methods"]);
    if !known {
        return None;
    }
    if ctx.method() != "GET" {
        return Some(Err(v3_error(405, "Method not allowed")));
    }
    Some(match rest {
        ["channels"] => list_channels(ctx),
        ["channels", id] => {
            let found = ctx.store.channels.iter().find(|channel| channel.id.to_string() == *id);
            found.map(|channel| v3(200, &show_channel(channel))).ok_or_else(|| v3_not_found("The channel was"))
        }
        ["settings", "inventory"] => Ok(v3(200, &inventory_settings(ctx.store))),
        ["tax", "settings"] => Ok(v3(200, &tax_settings(ctx.store))),
        _ => accepted_methods(ctx),
    })
}

fn show_channel(channel: &super::state::Channel) -> Value {
    json!({ "id": channel.id, "name": channel.name, "type": channel.kind, "platform": channel.platform,
        "status": "active", "external_id": "", "is_listable_from_ui": true, "is_visible": true, "is_enabled": true,
        "icon_url": "", "date_created": "2026-01-01T00:00:00Z", "date_modified": "2026-01-01T00:00:00Z",
        "config_meta": null })
}

fn list_channels(ctx: &Context<'_>) -> Reply {
    let page = Page::v3(ctx.request, 250, ctx.clamps())?;
    let kinds = list_param(ctx.request, "type:in").or_else(|| list_param(ctx.request, "type"));
    let statuses = list_param(ctx.request, "status:in");
    let rows = ctx
        .store
        .channels
        .iter()
        .filter(|channel| kinds.as_ref().is_none_or(|kinds| kinds.contains(&channel.kind)))
        .filter(|_| statuses.as_ref().is_none_or(|statuses| statuses.iter().any(|status| status == "active")))
        .map(show_channel)
        .collect();
    Ok(page.v3_list(ctx.request, rows))
}

fn inventory_settings(store: &Store) -> Value {
    let behaviour = match store.settings.stock {
        StockBehaviour::OrderPlaced => "order_placed",
        StockBehaviour::CompletedOrShipped => "order_completed_or_shipped",
    };
    json!({ "product_out_of_stock_behavior": "do_nothing", "option_out_of_stock_behavior": "label_option",
        "update_stock_behavior": behaviour, "edit_order_stock_adjustment": store.settings.edit_adjusts_stock,
        "refund_order_stock_adjustment": store.settings.refund_adjusts_stock,
        "stock_level_display": "dont_show", "default_out_of_stock_message": "Out of stock",
        "hide_in_product_filtering": false, "show_pre_order_stock_levels": false, "show_out_of_stock_message": true })
}

fn tax_settings(store: &Store) -> Value {
    let rounding = match store.rounding {
        Rounding::Rate => "RATE_ROUNDING",
        Rounding::None => "NO_ROUNDING",
    };
    json!({ "tax_entered_with_prices": store.inclusive, "rounding_strategy": rounding,
        "should_subtract_store_tax": true, "fallback_strategy": "BASIC", "document_submission_strategy": "ON_PAYMENT_CAPTURE",
        "price_display_settings": { "invoice_price_display_strategy": "ZONE", "control_panel_price_display_strategy": "ZONE" } })
}

fn accepted_methods(ctx: &Context<'_>) -> Reply {
    let id = ctx.request.param("order_id").and_then(|id| id.parse::<i64>().ok());
    if id.is_none_or(|id| !ctx.store.orders.contains_key(&id)) {
        return Err(v3_error(404, "The order was not found"));
    }
    Ok(v3(
        200,
        &json!([{ "id": "bigpaypay.card", "name": "Test Payment Provider", "test_mode": false, "type": "card",
        "supported_instruments": [], "stored_instruments": [] }]),
    ))
}
