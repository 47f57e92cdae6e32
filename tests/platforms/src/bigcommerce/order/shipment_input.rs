//! What a shipment may say, checked (BC §d.5).

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::model::Order;
use crate::bigcommerce::reply::{v2_error, v2_invalid, v2_read_only, v2_required};
use crate::bigcommerce::value::{decimal, int};
use crate::core::ApiResponse;

/// Values of `shipping_provider`; `carrier_{id}` too.
const PROVIDERS: [&str; 13] =
    ["", "auspost", "canadapost", "endicia", "usps", "fedex", "ups", "upsready", "upsonline", "shipperhq", "royalmail", "custom", "other"];
/// Tracking carriers that the platform knows; Royal Mail is a provider instead.
const CARRIERS: [&str; 23] = [
    "",
    "dpd-uk",
    "dpd",
    "interlink-express",
    "myhermes-uk",
    "yodel",
    "tnt-uk",
    "tnt",
    "dhl",
    "dhlparcel-uk",
    "dhl-global-mail",
    "fedex",
    "fedex-uk",
    "ups",
    "gls",
    "canada-post",
    "usps",
    "australia-post",
    "an-post",
    "asendia-uk",
    "parcel-force",
    "hermes-de",
    "dpd-de",
];
/// Fields that callers never write.
const READ_ONLY: [&str; 8] = [
    "id",
    "order_id",
    "date_created",
    "customer_id",
    "billing_address",
    "shipping_address",
    "shipping_provider_display_name",
    "generated_tracking_link",
];
/// Text fields with their greatest length.
const TEXTS: [(&str, usize); 6] = [
    ("tracking_number", 50),
    ("tracking_link", 500),
    ("tracking_carrier", 100),
    ("shipping_provider", 100),
    ("shipping_method", 255),
    ("comments", 65_535),
];

/// The fields that a shipment carries besides its items.
#[derive(Debug, Clone, Default)]
pub(super) struct Labels {
    texts: BTreeMap<&'static str, String>,
    pub(super) cost: Decimal,
}

impl Labels {
    pub(super) fn get(&self, name: &str) -> &str {
        self.texts.get(name).map_or("", String::as_str)
    }

    /// Takes over the fields of a body, each checked.
    pub(super) fn patch(&mut self, body: &Map<String, Value>) -> Result<(), ApiResponse> {
        for (name, longest) in TEXTS {
            let Some(value) = body.get(name) else {
                continue;
            };
            let text = match value {
                Value::String(text) => text.as_str(),
                Value::Null => "",
                _ => return Err(v2_invalid(name)),
            };
            if text.chars().count() > longest {
                return Err(v2_error(400, &format!("The field '{name}' must not be longer than {longest} characters.")));
            }
            let known = match name {
                "tracking_carrier" => CARRIERS.contains(&text),
                "shipping_provider" => PROVIDERS.contains(&text) || text.starts_with("carrier_"),
                _ => true,
            };
            if !known {
                return Err(v2_invalid(name));
            }
            self.texts.insert(name, text.to_owned());
        }
        if let Some(value) = body.get("merchant_shipping_cost") {
            let cost = decimal(value).filter(|cost| !cost.is_sign_negative());
            self.cost = cost.ok_or_else(|| v2_invalid("merchant_shipping_cost"))?;
        }
        Ok(())
    }
}

/// Refuses unknown and read-only fields; `items` may be among the latter.
pub(super) fn check_fields(body: &Map<String, Value>, items_too: bool) -> Result<(), ApiResponse> {
    for name in body.keys() {
        let writable = TEXTS.iter().any(|(known, _)| known == name)
            || ["order_address_id", "merchant_shipping_cost"].contains(&name.as_str())
            || (items_too && name == "items");
        if !writable && (READ_ONLY.contains(&name.as_str()) || name == "items") {
            return Err(v2_read_only(name));
        }
        if !writable {
            return Err(v2_error(400, &format!("The field '{name}' is not supported by this resource.")));
        }
    }
    Ok(())
}

/// The items of a new shipment: lines of one address, not more than is left of each.
pub(super) fn read_items(order: &Order, body: &Map<String, Value>) -> Result<(i64, Vec<(i64, i64)>), ApiResponse> {
    let address = body.get("order_address_id").ok_or_else(|| v2_required("order_address_id"))?;
    let address = int(address).filter(|id| order.destination(*id).is_some());
    let address = address.ok_or_else(|| v2_invalid("order_address_id"))?;
    let rows = body.get("items").ok_or_else(|| v2_required("items"))?;
    let rows = rows.as_array().filter(|rows| !rows.is_empty()).ok_or_else(|| v2_invalid("items"))?;
    let mut items: Vec<(i64, i64)> = Vec::new();
    for row in rows {
        let row = row.as_object().ok_or_else(|| v2_invalid("items"))?;
        if let Some(field) = row.keys().find(|name| !["order_product_id", "quantity"].contains(&name.as_str())) {
            return Err(v2_read_only(field));
        }
        let line = row.get("order_product_id").ok_or_else(|| v2_required("order_product_id"))?;
        let line = int(line).and_then(|id| order.line(id)).ok_or_else(|| v2_invalid("order_product_id"))?;
        let quantity = row.get("quantity").ok_or_else(|| v2_required("quantity"))?;
        let quantity = int(quantity).filter(|quantity| *quantity > 0).ok_or_else(|| v2_invalid("quantity"))?;
        if !line.ships() || line.address_id != address {
            return Err(v2_error(400, "The order product cannot be shipped to this address."));
        }
        match items.iter_mut().find(|(id, _)| *id == line.id) {
            Some((_, sum)) => *sum += quantity,
            None => items.push((line.id, quantity)),
        }
        let wanted = items.iter().find(|(id, _)| *id == line.id).map_or(0, |(_, sum)| *sum);
        if wanted > line.quantity - line.shipped - line.refunded {
            return Err(v2_error(400, "The quantity is greater than the quantity that is left to ship."));
        }
    }
    Ok((address, items))
}
