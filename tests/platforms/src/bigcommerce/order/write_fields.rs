//! Which fields of an order callers may write (BC §d.7, §d.8).

use serde_json::{Map, Value};

use crate::bigcommerce::reply::{v2_error, v2_read_only};
use crate::core::ApiResponse;

/// Fields refused with the literal text, besides every `*_tax` and `*_tax_class_id`.
const READ_ONLY: [&str; 28] = [
    "id",
    "date_modified",
    "date_shipped",
    "status",
    "custom_status",
    "payment_status",
    "currency_id",
    "currency_code",
    "currency_exchange_rate",
    "default_currency_id",
    "store_default_currency_code",
    "store_default_to_transactional_exchange_rate",
    "coupon_discount",
    "store_credit_amount",
    "gift_certificate_amount",
    "shipping_address_count",
    "coupons",
    "cart_id",
    "order_source",
    "refunded_amount",
    "external_id",
    "is_tax_inclusive_pricing",
    "items_shipped",
    "geoip_country_iso2",
    "ip_address_v6",
    "custom_fields",
    "taxes",
    "ebay_order_id",
];
/// Fields that a POST takes. `items_total` and `order_is_digital` are derived all the same.
const WRITABLE: [&str; 38] = [
    "billing_address",
    "products",
    "shipping_addresses",
    "consignments",
    "status_id",
    "customer_id",
    "channel_id",
    "external_source",
    "external_order_id",
    "external_merchant_id",
    "staff_notes",
    "customer_message",
    "date_created",
    "discount_amount",
    "payment_method",
    "payment_provider_id",
    "fees",
    "is_deleted",
    "base_shipping_cost",
    "shipping_cost_ex_tax",
    "shipping_cost_inc_tax",
    "base_handling_cost",
    "handling_cost_ex_tax",
    "handling_cost_inc_tax",
    "base_wrapping_cost",
    "wrapping_cost_ex_tax",
    "wrapping_cost_inc_tax",
    "subtotal_ex_tax",
    "subtotal_inc_tax",
    "total_ex_tax",
    "total_inc_tax",
    "default_currency_code",
    "customer_locale",
    "ip_address",
    "geoip_country",
    "tax_provider_id",
    "order_is_digital",
    "items_total",
];

/// Refuses read-only and unknown fields.
pub(super) fn check_fields(body: &Map<String, Value>, creating: bool) -> Result<(), ApiResponse> {
    for name in body.keys() {
        let text = name.as_str();
        let derived = (text.ends_with("_tax") && !text.ends_with("_ex_tax") && !text.ends_with("_inc_tax")) || text.ends_with("_tax_class_id");
        let only_once = !creating && ["external_merchant_id", "date_created", "default_currency_code"].contains(&text);
        if derived || only_once || READ_ONLY.contains(&text) {
            return Err(v2_read_only(text));
        }
        if !WRITABLE.contains(&text) {
            return Err(v2_error(400, &format!("The field '{text}' is not supported by this resource.")));
        }
    }
    Ok(())
}
