//! What a hook may say, checked (BC §c, managing hooks).

use serde_json::{Map, Value, json};

use super::context::Context;
use super::reply::v3_error;
use super::value::flag_at;
use crate::core::ApiResponse;

/// The event families; `store/{family}/*` is a wildcard.
const FAMILIES: [&str; 13] =
    ["order", "shipment", "product", "sku", "customer", "category", "inventory", "cart", "subscriber", "channel", "hook", "app", "information"];
/// Concrete scopes outside `store/channel/{id}/`.
const SCOPES: [&str; 37] = [
    "order/created",
    "order/updated",
    "order/archived",
    "order/statusUpdated",
    "order/message/created",
    "order/refund/created",
    "order/transaction/created",
    "order/transaction/updated",
    "order/metafield/created",
    "order/metafield/updated",
    "order/metafield/deleted",
    "shipment/created",
    "shipment/updated",
    "shipment/deleted",
    "product/created",
    "product/updated",
    "product/deleted",
    "product/inventory/updated",
    "product/inventory/order/updated",
    "sku/created",
    "sku/updated",
    "sku/deleted",
    "sku/inventory/updated",
    "sku/inventory/order/updated",
    "inventory/location/created",
    "inventory/location/updated",
    "customer/created",
    "customer/updated",
    "customer/deleted",
    "customer/address/created",
    "customer/address/updated",
    "customer/address/deleted",
    "app/uninstalled",
    "information/updated",
    "hook/deliveryException",
    "category/updated",
    "cart/converted",
];

/// What follows `store/channel/{id}/` (BC §c): concrete scopes and, inferred from the store's own, wildcards.
const CHANNEL_SCOPES: [&str; 14] = [
    "*",
    "order/*",
    "order/created",
    "order/updated",
    "order/archived",
    "order/statusUpdated",
    "order/message/created",
    "order/refund/created",
    "inventory/*",
    "inventory/product/*",
    "inventory/product/stock_changed",
    "inventory/product/low_stock_reached",
    "inventory/product/out_of_stock_reached",
    "inventory/product/settings_changed",
];

/// Fields of a body, checked.
#[derive(Default)]
pub(super) struct Wish {
    pub(super) scope: Option<String>,
    pub(super) destination: Option<String>,
    pub(super) headers: Option<Map<String, Value>>,
    pub(super) active: Option<bool>,
    pub(super) history: bool,
}

/// A bad value; the platform does not say which.
pub(super) fn invalid() -> ApiResponse {
    v3_error(400, "Input is invalid.")
}

/// A missing field.
pub(super) fn missing(field: &str) -> ApiResponse {
    let body = json!({ "status": 422, "title": "JSON data is missing or invalid",
        "type": "/api-docs/getting-started/api-status-codes", "errors": { field: "error.path.missing." } });
    ApiResponse::json(422, &body)
}

fn known_scope(scope: &str) -> bool {
    let Some(rest) = scope.strip_prefix("store/") else {
        return false;
    };
    if let Some(part) = channel_part(rest) {
        return CHANNEL_SCOPES.contains(&part);
    }
    SCOPES.contains(&rest) || rest.strip_suffix("/*").is_some_and(|family| FAMILIES.contains(&family))
}

/// What follows `channel/{id}/`.
fn channel_part(rest: &str) -> Option<&str> {
    let (id, part) = rest.strip_prefix("channel/")?.split_once('/')?;
    id.parse::<i64>().ok().map(|_| part)
}

/// Destinations are https on port 443; a switch lets http on loopback through.
fn check_destination(ctx: &Context<'_>, destination: &str) -> Result<(), ApiResponse> {
    let url = url::Url::parse(destination).map_err(|_unreadable| invalid())?;
    let loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    if url.scheme() == "http" && loopback && ctx.switches.on("allow_loopback_http") {
        return Ok(());
    }
    if url.scheme() != "https" {
        return Err(invalid());
    }
    if url.port_or_known_default() != Some(443) {
        return Err(invalid());
    }
    Ok(())
}

/// Reads the fields of a POST or PUT, each checked.
pub(super) fn read(ctx: &Context<'_>) -> Result<Wish, ApiResponse> {
    let body = ctx.v3_body()?;
    if !body.is_object() {
        return Err(v3_error(400, "Input is invalid."));
    }
    let mut wish = Wish { history: body.get("events_history_enabled").is_some(), ..Wish::default() };
    for (field, place) in [("scope", &mut wish.scope), ("destination", &mut wish.destination)] {
        if let Some(value) = body.get(field) {
            let text = value.as_str().ok_or_else(invalid)?;
            *place = Some(text.to_owned());
        }
    }
    if wish.scope.as_deref().is_some_and(|scope| !known_scope(scope)) {
        return Err(invalid());
    }
    if let Some(destination) = &wish.destination {
        check_destination(ctx, destination)?;
    }
    wish.headers = read_headers(&body)?;
    if body.get("is_active").is_some() {
        wish.active = Some(flag_at(&body, "is_active").ok_or_else(invalid)?);
    }
    Ok(wish)
}

/// Custom headers: texts only, at most 64, names up to 64 characters, values up to 8 KB.
fn read_headers(body: &Value) -> Result<Option<Map<String, Value>>, ApiResponse> {
    match body.get("headers") {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(Map::new())),
        Some(Value::Object(headers)) => {
            let fits = |(name, value): (&String, &Value)| (1..=64).contains(&name.len()) && value.as_str().is_some_and(|value| value.len() <= 8192);
            if headers.len() > 64 || !headers.iter().all(fits) {
                return Err(invalid());
            }
            Ok(Some(headers.clone()))
        }
        Some(_) => Err(invalid()),
    }
}
