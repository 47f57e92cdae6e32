//! The order object and its lines as V2 shows them (BC §d.2, §d.3).

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::model::{Line, Order, Wrapping};
use super::pricing::Charge;
use crate::bigcommerce::state::Store;
use crate::bigcommerce::status;
use crate::bigcommerce::value::{fixed, money, number, rfc2822, rfc2822_or_empty};
use crate::core::Switches;

/// Shows orders of one store by the present switches.
#[derive(Clone, Copy)]
pub(in crate::bigcommerce) struct View<'a> {
    pub(in crate::bigcommerce) store: &'a Store,
    pub(in crate::bigcommerce) switches: &'a Switches,
}

/// Puts the four `*_ex_tax`, `*_inc_tax`, `*_tax` and base fields of a charge.
pub(super) fn put_charge(into: &mut Map<String, Value>, base: &str, prefix: &str, charge: Charge) {
    into.insert(base.to_owned(), json!(money(charge.base)));
    put_sides(into, prefix, charge);
}

/// Puts the three sides of a charge.
pub(super) fn put_sides(into: &mut Map<String, Value>, prefix: &str, charge: Charge) {
    into.insert(format!("{prefix}_ex_tax"), json!(money(charge.ex)));
    into.insert(format!("{prefix}_inc_tax"), json!(money(charge.inc)));
    into.insert(format!("{prefix}_tax"), json!(money(charge.tax)));
}

/// Merges an object into another.
pub(super) fn merge(into: &mut Map<String, Value>, more: Value) {
    if let Value::Object(more) = more {
        into.extend(more);
    }
}

impl View<'_> {
    /// The order object.
    pub(in crate::bigcommerce) fn order(&self, order: &Order) -> Value {
        let mut shown = Map::new();
        self.heading(&mut shown, order);
        self.amounts(&mut shown, order);
        self.payment(&mut shown, order);
        self.origin(&mut shown, order);
        self.links(&mut shown, order.id);
        self.quirks(shown)
    }

    fn heading(&self, shown: &mut Map<String, Value>, order: &Order) {
        let mut billing = order.billing.to_json();
        billing.entry("form_fields").or_insert(json!([]));
        merge(
            shown,
            json!({
                "id": order.id, "customer_id": order.customer_id,
                "date_created": rfc2822(order.created), "date_modified": rfc2822(order.modified),
                "date_shipped": rfc2822_or_empty(order.shipped),
                "status_id": order.status, "status": status::label(order.status),
                "custom_status": status::label(order.status),
                "items_total": order.lines.iter().map(|line| line.quantity).sum::<i64>(),
                "items_shipped": order.lines.iter().map(|line| line.shipped).sum::<i64>(),
                "order_is_digital": order.is_digital(), "staff_notes": order.staff_notes,
                "customer_message": order.customer_message,
                "shipping_address_count": order.destinations.len(), "is_deleted": order.archived,
                "billing_address": billing, "is_email_opt_in": order.email_opt_in,
            }),
        );
    }

    fn amounts(&self, shown: &mut Map<String, Value>, order: &Order) {
        let totals = &order.totals;
        let rate = |rate: Decimal| fixed(if self.switches.get("exchange_rate") == "inverse" { inverse(rate) } else { rate }, 10);
        put_sides(shown, "subtotal", totals.subtotal);
        put_charge(shown, "base_shipping_cost", "shipping_cost", totals.shipping);
        put_charge(shown, "base_handling_cost", "handling_cost", totals.handling);
        put_charge(shown, "base_wrapping_cost", "wrapping_cost", totals.wrapping);
        put_sides(shown, "total", totals.total);
        if self.switches.on("total_after_credits") {
            let rest = totals.total.inc - order.store_credit - order.gift_certificate;
            shown.insert("total_inc_tax".to_owned(), json!(money(rest)));
        }
        merge(
            shown,
            json!({
                "shipping_cost_tax_class_id": 2, "handling_cost_tax_class_id": 2, "wrapping_cost_tax_class_id": 3,
                "is_tax_inclusive_pricing": order.terms.inclusive, "refunded_amount": money(Decimal::ZERO),
                "store_credit_amount": money(order.store_credit),
                "gift_certificate_amount": money(order.gift_certificate),
                "discount_amount": money(totals.discount), "coupon_discount": money(totals.coupons),
                "currency_id": self.store.currency_id(&order.display_currency),
                "currency_code": order.display_currency, "currency_exchange_rate": rate(order.display_rate),
                "default_currency_id": self.store.currency_id(&order.currency),
                "default_currency_code": order.currency,
                "store_default_currency_code": self.store.currency,
                "store_default_to_transactional_exchange_rate": rate(order.store_rate),
            }),
        );
    }

    fn payment(&self, shown: &mut Map<String, Value>, order: &Order) {
        merge(
            shown,
            json!({
                "payment_method": order.payment_method, "payment_provider_id": order.payment_provider_id,
                "payment_status": order.payment_status, "credit_card_type": null,
                "ip_address": order.ip_address, "ip_address_v6": "", "geoip_country": order.geoip_country,
                "geoip_country_iso2": self.store.country_iso2, "ebay_order_id": "0", "cart_id": order.cart_id,
            }),
        );
    }

    fn origin(&self, shown: &mut Map<String, Value>, order: &Order) {
        merge(
            shown,
            json!({
                "order_source": order.source, "channel_id": order.channel_id,
                "external_source": order.external_source, "external_id": order.external_id,
                "external_merchant_id": order.external_merchant_id,
                "external_order_id": order.external_order_id, "tax_provider_id": order.tax_provider,
                "customer_locale": order.locale,
            }),
        );
    }

    fn links(&self, shown: &mut Map<String, Value>, id: i64) {
        for (field, path) in [
            ("products", "products"),
            ("shipping_addresses", "shippingaddresses"),
            ("coupons", "coupons"),
            ("consignments", "consignments"),
            ("fees", "fees"),
        ] {
            shown.insert(field.to_owned(), self.link(&format!("/orders/{id}/{path}")));
        }
    }

    /// A link as V2 embeds it.
    pub(super) fn link(&self, resource: &str) -> Value {
        let url = format!("https://api.bigcommerce.com/stores/{}/v2{resource}", self.store.hash);
        json!({ "url": url, "resource": resource })
    }

    /// Applies the switches for loosely typed answers, to what is inside an object too.
    pub(super) fn quirks(&self, mut shown: Map<String, Value>) -> Value {
        let (numbers, nulls) = (self.switches.on("money_as_number"), self.switches.on("null_for_empty"));
        if numbers || nulls {
            shown.iter_mut().for_each(|(name, value)| loosen(name, value, numbers, nulls));
        }
        Value::Object(shown)
    }

    /// One line.
    pub(in crate::bigcommerce) fn line(&self, order: &Order, line: &Line) -> Value {
        let mut shown = Map::new();
        let unit = line.cost.unit(order.terms);
        put_charge(&mut shown, "base_price", "price", unit);
        put_charge(&mut shown, "base_total", "total", line.cost.charge);
        put_sides(&mut shown, "cost_price", Charge::default());
        let wrapping = line.wrapping.clone().unwrap_or_default();
        let charge = if order.terms.quirks.wrapping_per_piece { wrapping.cost.unit(order.terms) } else { wrapping.cost.charge };
        put_charge(&mut shown, "base_wrapping_cost", "wrapping_cost", charge);
        merge(&mut shown, line_identity(order, line));
        merge(&mut shown, line_extras(line, &wrapping));
        let discounts: Vec<Value> = line
            .discounts
            .iter()
            .map(|discount| {
                json!({ "id": discount.id, "amount": money(discount.amount), "name": discount.name,
                    "code": discount.code, "target": discount.target })
            })
            .collect();
        shown.insert("applied_discounts".to_owned(), json!(discounts));
        shown.insert("discounted_total_inc_tax".to_owned(), json!(money(line.paid(order.terms))));
        self.quirks(shown)
    }
}

/// Money as a number, empty text as null.
fn loosen(name: &str, value: &mut Value, numbers: bool, nulls: bool) {
    match value {
        Value::Object(inner) => inner.iter_mut().for_each(|(name, value)| loosen(name, value, numbers, nulls)),
        Value::Array(rows) => rows.iter_mut().for_each(|row| loosen(name, row, numbers, nulls)),
        Value::String(text) if text.is_empty() && nulls && !name.starts_with("date_") => *value = Value::Null,
        Value::String(text) if numbers && is_money(name) => *value = text.parse::<Decimal>().map_or(Value::Null, number),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The names that V2 gives to amounts.
fn is_money(name: &str) -> bool {
    name.ends_with("_ex_tax")
        || name.ends_with("_inc_tax")
        || name.ends_with("_tax")
        || name.ends_with("_cost")
        || name.ends_with("_amount")
        || ["base_total", "base_price", "amount", "coupon_discount"].contains(&name)
}

/// A rate in the other direction.
fn inverse(rate: Decimal) -> Decimal {
    Decimal::ONE.checked_div(rate).unwrap_or(rate)
}

fn line_identity(order: &Order, line: &Line) -> Value {
    json!({
        "id": line.id, "order_id": order.id, "product_id": line.product_id, "variant_id": line.variant_id,
        "order_pickup_method_id": line.pickup_method_id, "order_address_id": line.address_id,
        "name": line.name, "name_customer": line.name, "name_merchant": line.name, "sku": line.sku,
        "upc": line.upc, "type": line.kind.name(), "quantity": line.quantity,
        "quantity_shipped": line.shipped, "quantity_refunded": line.refunded,
        "is_refunded": line.refunded >= line.quantity, "refund_amount": money(Decimal::ZERO), "return_id": 0,
        "is_bundled_product": line.parent.is_some(), "parent_order_product_id": line.parent,
    })
}

fn line_extras(line: &Line, wrapping: &Wrapping) -> Value {
    json!({
        "base_cost_price": money(Decimal::ZERO), "weight": money(line.weight), "width": "0.0000",
        "height": "0.0000", "depth": "0.0000", "fixed_shipping_cost": "0.0000", "ebay_item_id": "",
        "ebay_transaction_id": "", "option_set_id": null, "bin_picking_number": "", "external_id": null,
        "brand": "", "gift_certificate_id": null, "event_name": null, "event_date": null,
        "wrapping_id": i64::from(line.wrapping.is_some()), "wrapping_name": wrapping.name,
        "wrapping_message": wrapping.message, "product_options": line.options, "configurable_fields": [],
    })
}
