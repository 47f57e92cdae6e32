//! The switches of the simulated BigCommerce (BC §j and §j.2). The first value of each is the default.

use crate::core::SwitchDef;

const NO_YES: &[&str] = &["false", "true"];
const YES_NO: &[&str] = &["true", "false"];

/// All switches.
pub(super) const SWITCHES: &[SwitchDef] = &[
    SwitchDef { name: "allow_loopback_http", values: NO_YES, note: "hooks may point at http on loopback, any port" },
    SwitchDef { name: "fees_shape", values: &["object", "array", "single"], note: "what /orders/{id}/fees answers" },
    SwitchDef { name: "consignments_include", values: YES_NO, note: "include=consignments.line_items,fees works" },
    SwitchDef { name: "tax_row_ids", values: &["number", "string"], note: "type of sales_tax_id and order_product_id" },
    SwitchDef { name: "fee_tax_rows", values: &["untyped", "none"], note: "tax on fees has a row without line_item_type" },
    SwitchDef { name: "total_after_credits", values: NO_YES, note: "total_inc_tax is after store credit and gift certificates" },
    SwitchDef { name: "status_after_shipment", values: &["both", "shipped_only", "none"], note: "status set to 2 and 3" },
    SwitchDef { name: "digital_left_status", values: &["2", "3"], note: "status when only digital lines are left" },
    SwitchDef { name: "limit_above_max", values: &["refuse", "clamp"], note: "limit above the maximum: 413 or clamped" },
    SwitchDef { name: "order_post_status", values: &["200", "201"], note: "status of a created order" },
    SwitchDef { name: "list_incomplete", values: YES_NO, note: "order lists show status 0" },
    SwitchDef { name: "list_archived", values: NO_YES, note: "order lists show archived orders" },
    SwitchDef { name: "fresh_retry_timestamp", values: YES_NO, note: "a retried webhook is signed anew" },
    SwitchDef { name: "money_as_number", values: NO_YES, note: "V2 amounts come as numbers" },
    SwitchDef { name: "null_for_empty", values: NO_YES, note: "V2 empty texts come as null" },
    SwitchDef { name: "variant_sku_finds_base", values: YES_NO, note: "catalog/variants?sku= finds base variants" },
    SwitchDef { name: "coupon_amounts", values: &["number", "string"], note: "type of a coupon's amount and discount" },
    SwitchDef { name: "address_spelling", values: &["both", "shipping_addresses", "shippingaddresses"], note: "paths of an order's addresses" },
    SwitchDef { name: "discount_basis", values: &["inclusive", "exclusive"], note: "discounts of tax-exclusive stores are with or without tax" },
    SwitchDef { name: "free_shipping_tax", values: &["none", "full"], note: "tax due on shipping that a coupon makes free" },
    SwitchDef { name: "exchange_rate", values: &["direct", "inverse"], note: "direction of an order's rates" },
    SwitchDef { name: "wrapping_cost", values: &["line", "piece"], note: "a line's wrapping cost is for the line or for one piece" },
    SwitchDef { name: "duplicate_hook_status", values: &["422", "409", "400"], note: "answer to a second identical hook" },
    SwitchDef { name: "unknown_store_status", values: &["404", "401"], note: "answer for a store hash that is not known" },
];
