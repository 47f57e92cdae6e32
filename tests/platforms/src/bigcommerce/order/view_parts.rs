//! An order's sub-resources as V2 shows them (BC §d.4).

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::model::{Coupon, Destination, Fee, Order};
use super::pricing::{Cost, Rate};
use super::view::{View, merge, put_charge, put_sides};
use crate::bigcommerce::value::{money, number};

/// What a tax row is about.
struct Taxed<'a> {
    cost: &'a Cost,
    address_id: i64,
    pickup_method_id: i64,
    class_id: i64,
    line_id: Option<i64>,
    kind: Option<&'static str>,
}

impl View<'_> {
    /// One shipping address.
    pub(in crate::bigcommerce) fn destination(&self, order: &Order, to: &Destination) -> Value {
        let mut shown = to.address.to_json();
        put_charge(&mut shown, "base_cost", "cost", to.shipping.charge);
        put_charge(&mut shown, "base_handling_cost", "handling_cost", to.handling.charge);
        let quotes = format!("/orders/{}/shippingaddresses/{}/shippingquotes", order.id, to.id);
        merge(
            &mut shown,
            json!({
                "id": to.id, "order_id": order.id, "items_total": order.pieces(to.id, false),
                "items_shipped": order.pieces(to.id, true), "shipping_method": to.method,
                "cost_tax_class_id": 2, "handling_cost_tax_class_id": 2, "shipping_zone_id": 1,
                "shipping_zone_name": self.store.country, "shipping_quotes": self.link(&quotes),
            }),
        );
        self.quirks(shown)
    }

    /// One coupon; its amounts are numbers by default (BC §d.4).
    pub(in crate::bigcommerce) fn coupon(&self, order: &Order, coupon: &Coupon) -> Value {
        let texts = self.switches.get("coupon_amounts") == "string";
        let amount = |amount: Decimal| {
            if texts { json!(money(amount)) } else { number(amount) }
        };
        json!({ "id": coupon.id, "coupon_id": coupon.coupon_id, "order_id": order.id, "code": coupon.code,
            "amount": amount(coupon.amount), "type": coupon.kind, "discount": amount(order.coupon_discount(coupon)) })
    }

    /// One fee.
    pub(in crate::bigcommerce) fn fee(fee: &Fee) -> Value {
        let mut shown = serde_json::Map::new();
        shown.insert("base_cost".to_owned(), json!(money(fee.cost.charge.base)));
        put_sides(&mut shown, "cost", fee.cost.charge);
        merge(
            &mut shown,
            json!({ "id": fee.id, "type": "custom_fee", "display_name_customer": fee.name,
                "display_name_merchant": fee.name, "source": "AA", "tax_class_id": null }),
        );
        Value::Object(shown)
    }

    /// The tax rows, one per rate and thing taxed.
    pub(in crate::bigcommerce) fn taxes(&self, order: &Order, details: bool) -> Vec<Value> {
        let mut rows = Vec::new();
        for taxed in self.taxed(order) {
            for (index, (rate, tax)) in taxed.cost.due.iter().enumerate() {
                let id = order.id * 10_000 + i64::try_from(rows.len()).unwrap_or(0) + 1;
                let mut row = json!({
                    "id": id, "order_id": order.id, "order_address_id": taxed.address_id, "tax_rate_id": 1,
                    "sales_tax_id": self.id(i64::try_from(index).unwrap_or(0) + 1),
                    "tax_class_id": taxed.class_id, "name": rate.name, "class": class(taxed.class_id),
                    "rate": money(rate.percent), "priority": 0,
                    "priority_amount": money(priority_amount(order, rate, &taxed)),
                    "line_amount": money(*tax), "order_pickup_method_id": taxed.pickup_method_id,
                });
                if let (true, Some(row)) = (details, row.as_object_mut()) {
                    row.insert("order_product_id".to_owned(), taxed.line_id.map_or(Value::Null, |id| self.id(id)));
                    row.extend(taxed.kind.map(|kind| ("line_item_type".to_owned(), json!(kind))));
                }
                rows.push(row);
            }
        }
        rows
    }

    fn id(&self, id: i64) -> Value {
        if self.switches.get("tax_row_ids") == "string" { json!(id.to_string()) } else { json!(id) }
    }

    fn taxed<'a>(&self, order: &'a Order) -> Vec<Taxed<'a>> {
        let mut all = Vec::new();
        for line in &order.lines {
            let taxed = |cost, class_id, kind| Taxed {
                cost,
                address_id: line.address_id,
                pickup_method_id: line.pickup_method_id,
                class_id,
                line_id: Some(line.id),
                kind: Some(kind),
            };
            all.push(taxed(&line.cost, line.tax_class_id, "item"));
            if let Some(wrapping) = &line.wrapping {
                all.push(Taxed { line_id: None, ..taxed(&wrapping.cost, 3, "gift-wrapping") });
            }
        }
        for to in &order.destinations {
            for (cost, kind) in [(&to.shipping, "shipping"), (&to.handling, "handling")] {
                let (address_id, kind) = (to.id, Some(kind));
                all.push(Taxed { cost, address_id, pickup_method_id: 0, class_id: 2, line_id: None, kind });
            }
        }
        if self.switches.get("fee_tax_rows") == "untyped" {
            let address_id = order.destinations.first().map_or(0, |to| to.id);
            all.extend(order.fees.iter().map(|fee| Taxed {
                cost: &fee.cost,
                address_id,
                pickup_method_id: 0,
                class_id: 0,
                line_id: None,
                kind: None,
            }));
        }
        all
    }
}

/// The tax of the same rate on everything that goes to the same address.
fn priority_amount(order: &Order, rate: &Rate, taxed: &Taxed<'_>) -> Decimal {
    let of = |cost: &Cost| cost.due.iter().filter(|(known, _)| known == rate).map(|(_, tax)| *tax).sum::<Decimal>();
    let lines = order.lines.iter().filter(|line| line.address_id == taxed.address_id);
    let lines: Decimal = lines.map(|line| of(&line.cost)).sum();
    let shipping = order.destination(taxed.address_id).map_or(Decimal::ZERO, |to| of(&to.shipping) + of(&to.handling));
    lines + shipping
}

const fn class(id: i64) -> &'static str {
    match id {
        2 => "Shipping",
        3 => "Gift Wrapping",
        1 => "Non-Taxable Products",
        _ => "Default Tax Class",
    }
}
