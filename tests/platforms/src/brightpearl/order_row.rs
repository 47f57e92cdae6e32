//! Rows of the low-level order resource (BP §e.3, §e.5).

use serde_json::{Value, json};

use super::call::Call;
use super::json::{at, int, text};
use super::order::Order;
use super::order_build::{amount, flat_row, insert_row, quantity, row_tax};
use super::order_view;
use super::reply::{Answer, Refusal, Reply};
use super::sales_order::check_processed;

fn open_order(call: &Call<'_>, id: i64) -> Result<Order, Refusal> {
    let order = call.account.orders.get(&id).cloned().ok_or_else(|| Refusal::bad("ORDC-003", format!("Invalid order id {id}")))?;
    if order.is_invoiced() {
        return Err(Refusal::bad("ORDC-999", format!("Order {id} is invoiced")));
    }
    Ok(order)
}

fn save(call: &mut Call<'_>, order: Order) {
    let id = order.id;
    call.account.orders.insert(id, order);
    call.account.bump(id, call.now);
    call.account.raise("order.modified", id, call.now);
}

/// `POST /order/{id}/row`: nested money, at most two decimals.
pub fn create(call: &mut Call<'_>, id: i64) -> Answer {
    let body = call.json()?.clone();
    let mut order = open_order(call, id)?;
    let net = amount(&body, "rowValue.rowNet.value", 2)?;
    let tax = amount(&body, "rowValue.rowTax.value", 2)?;
    let part = |path: &str| at(&body, path).cloned().unwrap_or(Value::Null);
    let flat = json!({"productId": part("productId"), "name": part("productName"), "quantity": part("quantity.magnitude"),
        "taxCode": part("rowValue.taxCode"), "net": net.map(|net| net.to_string()), "tax": tax.map(|tax| tax.to_string()),
        "nominalCode": part("nominalCode"), "externalRef": part("externalRef")});
    let row = flat_row(call.account, &order, &flat, 0, call.switches)?;
    let row_id = insert_row(call.account, &mut order, row);
    save(call, order);
    Reply::data(row_id)
}

/// `PATCH /order/{id}/row/{rowId}` with the paths of BP §e.5. A changed net alone re-computes the tax.
pub fn patch(call: &mut Call<'_>, id: i64, row_id: i64) -> Answer {
    let operations = call.json()?.as_array().cloned().ok_or_else(Refusal::internal)?;
    let mut order = open_order(call, id)?;
    let mut row = order.rows.get(&row_id).cloned().ok_or_else(|| Refusal::missing(format!("No row {row_id} on order {id}")))?;
    let mut tax_sent = false;
    let mut net_sent = false;
    for operation in &operations {
        let op = text(operation, "op")?.unwrap_or_default();
        let path = text(operation, "path")?.unwrap_or_default();
        let wrong = || Refusal::server("CMNC-044", format!("Invalid patch operation ({op}) for given path ({path})"));
        if op != "replace" {
            return Err(wrong());
        }
        match path.as_str() {
            "/quantity/magnitude" => {
                row.quantity = quantity(operation, "value", row.tracked || row.bundle_parent, 0, call.switches)?;
                check_processed(call.account, &order, row_id, row.quantity)?;
            }
            "/rowValue/rowNet/value" => {
                row.net = amount(operation, "value", 4)?.ok_or_else(Refusal::internal)?;
                net_sent = true;
            }
            "/rowValue/rowTax/value" => {
                row.tax = amount(operation, "value", 4)?.ok_or_else(Refusal::internal)?;
                tax_sent = true;
            }
            "/nominalCode" => {
                let code = text(operation, "value")?.filter(|code| call.account.lists.has_nominal(code));
                row.nominal_code = code.ok_or_else(|| Refusal::bad("ORDC-999", "The nominal code does not exist"))?;
            }
            "/rowValue/taxCalculator" => {
                let name = text(operation, "value")?.filter(|name| ["brightpearl", "manual", "avalara"].contains(&name.as_str()));
                row.tax_calculator = name.ok_or_else(|| Refusal::bad("ORDC-999", "The tax calculator does not exist"))?;
            }
            "/orderRowSequence" => row.sequence = int(operation, "value")?.ok_or_else(Refusal::internal)?,
            _ => return Err(wrong()),
        }
    }
    if net_sent && !tax_sent {
        row.tax = row_tax(call.account, &row.tax_code, row.net);
    }
    order.rows.insert(row_id, row.clone());
    let view = order_view::row_view(call.account, &order, &row, call.switches);
    save(call, order);
    super::goods_out::tell_shipped(call.account, id, call.switches, call.now);
    Reply::data(view)
}

/// `DELETE /order/{id}/row/{rowId}`; a bundle's components go with it.
pub fn delete(call: &mut Call<'_>, id: i64, row_id: i64) -> Answer {
    let mut order = open_order(call, id)?;
    if !order.rows.contains_key(&row_id) {
        return Err(Refusal::missing(format!("No row {row_id} on order {id}")));
    }
    for row in order.rows.values().filter(|row| row.id == row_id || row.parent_row == row_id) {
        check_processed(call.account, &order, row.id, rust_decimal::Decimal::ZERO)?;
    }
    order.rows.retain(|_, row| row.id != row_id && row.parent_row != row_id);
    save(call, order);
    Reply::done()
}
