//! What a refund is worth (BC §d.9).

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::model::Order;
use super::pricing::Cost;
use crate::bigcommerce::reply::v3_field_error;
use crate::bigcommerce::value::{decimal_at, int_at, list_at, number, round, text_at};
use crate::core::ApiResponse;

/// A refund's items, checked and priced.
#[derive(Debug, Clone, Default)]
pub(in crate::bigcommerce) struct Wanted {
    pub(in crate::bigcommerce) total: Decimal,
    pub(in crate::bigcommerce) tax: Decimal,
    pub(in crate::bigcommerce) order_level: Decimal,
    /// Lines and pieces given back.
    pub(in crate::bigcommerce) pieces: Vec<(i64, i64)>,
    pub(in crate::bigcommerce) items: Vec<Value>,
    /// Only the control panel's refunds restock.
    pub(in crate::bigcommerce) restock: bool,
    /// The payment provider refuses to pay it back.
    pub(in crate::bigcommerce) declined: bool,
}

fn invalid(field: &str, why: &str) -> ApiResponse {
    v3_field_error(422, "The refund is not valid.", field, why)
}

/// Reads `items` and the overrides.
pub(in crate::bigcommerce) fn read(order: &Order, body: &Value) -> Result<Wanted, ApiResponse> {
    let mut wanted = Wanted::default();
    let rows = list_at(body, "items");
    let adjusted = body.get("tax_adjustment_amount").is_some() || body.get("merchant_calculated_override").is_some();
    if rows.is_empty() && !adjusted {
        return Err(invalid("items", "must not be empty"));
    }
    for row in rows {
        item(order, row, &mut wanted)?;
    }
    if let Some(tax) = decimal_at(body, "tax_adjustment_amount") {
        wanted.total += tax;
        wanted.tax += tax;
    }
    if let Some(given) = body.get("merchant_calculated_override") {
        let total = decimal_at(given, "total_amount").ok_or_else(|| invalid("total_amount", "is required"))?;
        (wanted.total, wanted.tax) = (total, decimal_at(given, "total_tax").unwrap_or_default());
    }
    let back: Decimal = order.refunds.iter().map(|refund| refund.total).sum();
    if !wanted.total.is_sign_positive() || wanted.total.is_zero() {
        return Err(invalid("items", "must be worth something"));
    }
    if back + wanted.total > order.totals.total.inc {
        return Err(invalid("items", "are worth more than is left of the order"));
    }
    Ok(wanted)
}

fn item(order: &Order, row: &Value, wanted: &mut Wanted) -> Result<(), ApiResponse> {
    let kind = text_at(row, "item_type").ok_or_else(|| invalid("item_type", "is required"))?;
    let id = int_at(row, "item_id").ok_or_else(|| invalid("item_id", "is required"))?;
    let (amount, tax) = match kind {
        "PRODUCT" => product(order, id, row, wanted)?,
        "GIFT_WRAPPING" => {
            let wrapping = order.line(id).and_then(|line| line.wrapping.as_ref()).ok_or_else(|| invalid("item_id", "is not wrapped"))?;
            (wrapping.cost.charge.inc, wrapping.cost.charge.tax)
        }
        "SHIPPING" | "HANDLING" => {
            let to = order.destination(id).ok_or_else(|| invalid("item_id", "is not an address of the order"))?;
            part_of(if kind == "SHIPPING" { &to.shipping } else { &to.handling }, row, order.terms.places)?
        }
        "FEE" => {
            let fee = order.fees.iter().find(|fee| fee.id == id).ok_or_else(|| invalid("item_id", "is not a fee of the order"))?;
            part_of(&fee.cost, row, order.terms.places)?
        }
        "TAX" | "ORDER" => {
            if id != order.id {
                return Err(invalid("item_id", "must be the order's id"));
            }
            let amount = decimal_at(row, "amount").filter(|amount| amount.is_sign_positive()).ok_or_else(|| invalid("amount", "is required"))?;
            wanted.order_level += amount;
            (amount, if kind == "TAX" { amount } else { Decimal::ZERO })
        }
        _ => return Err(invalid("item_type", "is not known")),
    };
    wanted.total += amount;
    wanted.tax += tax;
    wanted.items.push(json!({
        "item_type": kind, "item_id": id,
        "quantity": if kind == "PRODUCT" { int_at(row, "quantity").unwrap_or(1) } else { 1 },
        "requested_amount": decimal_at(row, "amount").map(number), "reason": text_at(row, "reason").unwrap_or_default(),
        "adjustments": [],
    }));
    Ok(())
}

/// Pieces of a line at what the shopper paid; the last piece takes what rounding left.
fn product(order: &Order, id: i64, row: &Value, wanted: &mut Wanted) -> Result<(Decimal, Decimal), ApiResponse> {
    let line = order.line(id).ok_or_else(|| invalid("item_id", "is not a line of the order"))?;
    let quantity = int_at(row, "quantity").filter(|quantity| *quantity > 0).ok_or_else(|| invalid("quantity", "must be positive"))?;
    if quantity > line.quantity - line.refunded {
        return Err(invalid("quantity", "is more than is left of the line"));
    }
    let places = order.terms.places;
    let upto = |amount: Decimal, pieces: i64| round(amount * Decimal::from(pieces) / Decimal::from(line.quantity), places);
    let share = |amount: Decimal| upto(amount, line.refunded + quantity) - upto(amount, line.refunded);
    wanted.pieces.push((id, quantity));
    Ok((share(line.paid(order.terms)), share(line.cost.due_total())))
}

/// An amount out of a cost with its share of the tax; all of it without `amount`.
fn part_of(cost: &Cost, row: &Value, places: u32) -> Result<(Decimal, Decimal), ApiResponse> {
    let whole = cost.charge.inc;
    let amount = decimal_at(row, "amount").unwrap_or(whole);
    if amount.is_sign_negative() || amount > whole || whole.is_zero() {
        return Err(invalid("amount", "is more than was paid"));
    }
    Ok((amount, round(cost.charge.tax * amount / whole, places)))
}
