//! Lines, coupons and costs of a compact order description.

use rust_decimal::Decimal;
use serde_json::Value;

use super::{only, refuse};
use crate::bigcommerce::order::model::{Coupon, Discount, Kind, Line, Order, Wrapping};
use crate::bigcommerce::order::pricing::{Cost, Rate};
use crate::bigcommerce::state::Store;
use crate::bigcommerce::value::{decimal, decimal_at, flag_at, int_at, list_at, round, string_at, text_at};
use crate::core::ApiResponse;

const LINE: [&str; 18] = [
    "sku",
    "product_id",
    "variant_id",
    "name",
    "quantity",
    "price",
    "price_ex_tax",
    "price_inc_tax",
    "tax_rate",
    "tax_rates",
    "type",
    "address",
    "discount",
    "wrapping",
    "pickup",
    "parent",
    "options",
    "id",
];

/// The rates that a body gives: `tax_rate` (percent) or `tax_rates` (`[{"name","rate"}]`); `None` if neither.
pub(super) fn rates(body: &Value) -> Result<Option<Vec<Rate>>, ApiResponse> {
    let named = |name: &str, percent: Decimal| Rate { name: name.to_owned(), percent };
    if let Some(value) = body.get("tax_rate") {
        let percent = decimal(value).ok_or_else(|| refuse("tax_rate must be a percentage"))?;
        return Ok(Some(if percent.is_zero() { Vec::new() } else { vec![named("VAT", percent)] }));
    }
    if body.get("tax_rates").is_none() {
        return Ok(None);
    }
    let read = |row: &Value| {
        let percent = decimal_at(row, "rate").ok_or_else(|| refuse("each of tax_rates is {\"name\":…,\"rate\":percent}"))?;
        Ok(named(text_at(row, "name").unwrap_or("Tax"), percent))
    };
    list_at(body, "tax_rates").iter().map(read).collect::<Result<Vec<_>, _>>().map(Some)
}

/// A cost: a bare amount, or an object with `cost` and rates. Without rates the store's apply.
pub(super) fn cost(store: &Store, value: &Value) -> Result<Cost, ApiResponse> {
    let amount = decimal(value).or_else(|| decimal_at(value, "cost"));
    let amount = amount.filter(|amount| !amount.is_sign_negative()).ok_or_else(|| refuse("a cost is an amount of 0 or more"))?;
    let rates = rates(value)?.unwrap_or_else(|| store.rates.clone());
    Ok(Cost::new(amount, rates))
}

/// One line of the description.
pub(super) fn line(store: &mut Store, order: &Order, row: &Value) -> Result<Line, ApiResponse> {
    only(row, &LINE)?;
    let quantity = int_at(row, "quantity").unwrap_or(1);
    if quantity < 1 {
        return Err(refuse("quantity must be 1 or more"));
    }
    let mut line = base_line(store, row, quantity)?;
    if let Some(price) = decimal_at(row, "price") {
        line.cost.entered = price;
    }
    if let Some((ex, inc)) = decimal_at(row, "price_ex_tax").zip(decimal_at(row, "price_inc_tax")) {
        line.cost = Cost::given(ex, inc);
    }
    if let Some(rates) = rates(row)? {
        line.cost.rates = rates;
    }
    if let Some(kind) = text_at(row, "type") {
        line.kind = Kind::parse(kind).ok_or_else(|| refuse("type must be physical, digital or giftcertificate"))?;
    }
    if line.kind == Kind::GiftCertificate {
        line.cost.rates.clear();
    }
    if flag_at(row, "pickup") == Some(true) {
        line.pickup_method_id = 1;
    }
    if line.ships() {
        line.address_id = address(order, row)?;
    }
    if let Some(parent) = int_at(row, "parent") {
        let at = usize::try_from(parent).ok().and_then(|at| order.lines.get(at));
        line.parent = Some(at.ok_or_else(|| refuse("parent is the index of an earlier line"))?.id);
    }
    line.options.extend(list_at(row, "options").iter().cloned());
    extras(store, &mut line, row)?;
    Ok(line)
}

fn address(order: &Order, row: &Value) -> Result<i64, ApiResponse> {
    let at = usize::try_from(int_at(row, "address").unwrap_or(0)).ok().and_then(|at| order.destinations.get(at));
    at.map(|to| to.id).ok_or_else(|| refuse("address is the index of one of addresses"))
}

/// The line before the description's own price and tax.
fn base_line(store: &mut Store, row: &Value, quantity: i64) -> Result<Line, ApiResponse> {
    let variant = if let Some(id) = int_at(row, "variant_id") {
        Some(id)
    } else if let Some(id) = int_at(row, "product_id").filter(|id| *id != 0) {
        let product = store.catalogue.products.get(&id).ok_or_else(|| refuse(format!("no product has id {id}")))?;
        product.variants.first().map(|variant| variant.id)
    } else {
        text_at(row, "sku").and_then(|sku| store.catalogue.find_sku(sku)).map(|(_, variant)| variant.id)
    };
    if let Some(variant) = variant {
        let line = store.catalogue_line(variant, quantity);
        return line.ok_or_else(|| refuse(format!("no variant has id {variant}")));
    }
    // Not in the catalogue: a custom line, which needs a price.
    let sku = string_at(row, "sku");
    let name = text_at(row, "name").unwrap_or(&sku).to_owned();
    if name.is_empty() || (row.get("price").is_none() && row.get("price_ex_tax").is_none()) {
        return Err(refuse("a line needs a sku, product_id or variant_id of the catalogue, or a name and a price"));
    }
    let cost = Cost::new(Decimal::ZERO, store.rates.clone());
    let mut line = store.custom_line(&name, quantity, cost);
    line.sku = sku;
    Ok(line)
}

fn extras(store: &Store, line: &mut Line, row: &Value) -> Result<(), ApiResponse> {
    if let Some(amount) = decimal_at(row, "discount") {
        line.discounts.push(Discount {
            id: "product-discount".to_owned(),
            amount,
            name: "Automatic promotion".to_owned(),
            code: None,
            target: "product",
        });
    }
    if let Some(wrapping) = row.get("wrapping") {
        line.wrapping = Some(Wrapping {
            name: text_at(wrapping, "name").unwrap_or("Gift Wrap").to_owned(),
            message: string_at(wrapping, "message"),
            cost: cost(store, wrapping)?,
        });
    }
    Ok(())
}

/// Adds a coupon and spreads what it takes off (BC §d.4 for the types).
pub(super) fn coupon(store: &mut Store, order: &mut Order, row: &Value) -> Result<(), ApiResponse> {
    only(row, &["code", "type", "amount"])?;
    let kind = int_at(row, "type").unwrap_or(2);
    if !(0..=5).contains(&kind) {
        return Err(refuse("a coupon's type is 0 to 5"));
    }
    let amount = decimal_at(row, "amount").unwrap_or_default();
    let code = text_at(row, "code").unwrap_or("SAVE").to_owned();
    let coupon = Coupon {
        id: store.next_id("order coupon", 1),
        coupon_id: store.next_id("coupon", 1),
        code: code.clone(),
        kind,
        amount,
        off_shipping: Decimal::ZERO,
    };
    let target = if kind == 0 { "product" } else { "order" };
    let template = Discount { id: coupon.id.to_string(), amount, name: format!("Coupon {code}"), code: Some(code), target };
    order.coupons.push(coupon);
    order.recalculate();
    match kind {
        0 | 1 => {
            let terms = order.terms;
            for line in &mut order.lines {
                let off = if kind == 0 {
                    amount * Decimal::from(line.quantity)
                } else {
                    round(line.discountable(terms) * amount / Decimal::ONE_HUNDRED, terms.places)
                };
                let off = off.min(line.discountable(terms));
                if !off.is_zero() {
                    line.discounts.push(Discount { amount: off, ..template.clone() });
                }
            }
            order.recalculate();
        }
        2 | 5 => order.spread(amount, &template),
        _ => {}
    }
    Ok(())
}
