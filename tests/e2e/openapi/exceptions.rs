//! Where the files are known to be wrong, or the platform is known to differ from them: each with the reason, by the fact sheet (BC).

use super::check::{Part, Violation};

/// Violations that are none. In `call`, `at` and `says`, `*` stands for any text.
#[derive(Debug)]
pub(crate) struct Exception {
    pub(crate) call: &'static str,
    pub(crate) part: Part,
    pub(crate) at: &'static str,
    pub(crate) says: &'static str,
    pub(crate) why: &'static str,
}

impl Exception {
    pub(super) fn excuses(&self, violation: &Violation) -> bool {
        self.part == violation.part && fits(self.call, &violation.call) && fits(self.at, &violation.at) && fits(self.says, &violation.what)
    }
}

/// Whether a text is of a pattern, in which `*` is any run of characters.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let Some((before, behind)) = pattern.split_once('*') else { return pattern == text };
    let Some(rest) = text.strip_prefix(before) else { return false };
    (0..=rest.len()).filter_map(|start| rest.get(start..)).any(|rest| fits(behind, rest))
}

/// The exceptions for the vendor's files.
pub(crate) const BIGCOMMERCE: &[Exception] = &[
    // What the platform does in general.
    status("GET /v2/*", "204", "§0: V2 answers an empty list with 204"),
    path("GET /v2/orders/{}/shippingaddresses*", "§d: the links inside orders have this spelling; that it works too is inferred"),
    // Requests.
    Exception {
        call: "GET /v2/orders",
        part: Part::Query,
        at: "sort",
        says: "value is not one of *",
        why: "§d.1: a direction may follow the field; the files' own words say so, their list of values does not",
    },
    Exception {
        call: "PUT /v3/catalog/products",
        part: Part::Request,
        at: "/*/id",
        says: "False schema *",
        why: "§f: the id says which product is meant; the file marks it as read-only and as required",
    },
    // Fields that answers have.
    unlisted("GET /v2/order_statuses*", "*/order", "§d.6: the place in lists; the file's examples have it"),
    unlisted("* /v2/orders*", "*/credit_card_type", "§d.2: an order has it"),
    unlisted("* /v2/orders*", "*/custom_status", "§d.2: an order has it"),
    unlisted("GET /v2/orders/{order_id}/fees", "/fees", "§j.2: the file's example is an object with the list, its schema one fee"),
    unlisted("* /v3/hooks*", "/data*/events_history_enabled", "§c: still answered, always false, though no longer described"),
    unlisted("GET /v3/channels*", "/data*/config_meta", "§g: a channel has it"),
    unlisted("GET /v3/catalog/products", "/data/*/variants", "§f: what `include` asks for"),
    unlisted("GET /v3/catalog/products/*/variants*", "/data*/map_price", "§f: an empty object where there is none, as in the file's examples"),
    unlisted("* /v3/catalog/variants", "/data/*/calculated_weight", "§f: a variant has it, as in the file's examples"),
    unlisted("* /v3/catalog/variants", "/data/*/gtin", "§f: a variant has it"),
    unlisted("* /v3/catalog/variants", "/data/*/image_url", "§f: a variant has it, as in the file's examples"),
    unlisted("* /v3/catalog/variants", "/data/*/map_price", "§f: an empty object where there is none, as in the file's examples"),
    unlisted("* /v3/catalog/variants", "/data/*/mpn", "§f: a variant has it, as in the file's examples"),
    unlisted("GET /v3/orders/payment_actions/refunds/{refund_id}", "/data/items/*/adjustments", "§d.9: as in lists of refunds"),
    unlisted("GET /v3/orders/payment_actions/refunds/{refund_id}", "/data/payments/*/transaction_id", "§d.9: as in lists of refunds"),
    // Values.
    Exception {
        call: "GET /v3/hooks",
        part: Part::Answer,
        at: "/data",
        says: "value has less than 1 item",
        why: "§0: V3 answers an empty list with an empty list",
    },
    number("GET /v2/orders/{order_id}/taxes", "/*/sales_tax_id", "§j.2: ids come as numbers and as texts"),
    number("GET /v2/orders/{order_id}/taxes", "/*/order_product_id", "§j.2: ids come as numbers and as texts"),
    null("GET /v2/orders/{order_id}/taxes", "/*/order_product_id", "§j.2: null unless the row is for a line"),
    null("* /v3/catalog/products*", "/data*/base_variant_id", "in the file's own words null for a product with variants"),
    null("* /v3/customers", "/data/*/channel_ids", "§e: null for a customer of all channels"),
    null("GET /v3/inventory/items", "/data/*/identity/sku_id", "§f: null for a base variant, in the file's own words too"),
    null("* /v3/orders/*/payment_actions/refunds", "/data*/items/*/requested_amount", "§d.9: may be null"),
    null("GET /v3/orders/payment_actions/refunds", "/data/*/items/*/requested_amount", "§d.9: may be null"),
    null("GET /v3/orders/{order_id}/transactions", "/data/*/reference_transaction_id", "§d.9: null if it refers to none"),
];

const fn path(call: &'static str, why: &'static str) -> Exception {
    Exception { call, part: Part::Path, at: "", says: "*", why }
}

const fn status(call: &'static str, status: &'static str, why: &'static str) -> Exception {
    Exception { call, part: Part::Status, at: status, says: "*", why }
}

/// A field of an answer that its schema does not list.
const fn unlisted(call: &'static str, at: &'static str, why: &'static str) -> Exception {
    Exception { call, part: Part::Answer, at, says: "is not listed", why }
}

/// Null where the schema has no null.
const fn null(call: &'static str, at: &'static str, why: &'static str) -> Exception {
    Exception { call, part: Part::Answer, at, says: "value is not of type * (null)", why }
}

/// A number where the schema has another type.
const fn number(call: &'static str, at: &'static str, why: &'static str) -> Exception {
    Exception { call, part: Part::Answer, at, says: "value is not of type * (number)", why }
}
