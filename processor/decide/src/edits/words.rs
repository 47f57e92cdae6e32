//! What was edited, in words. Rows are named by what they stand for and by products: their names may hold what the shopper wrote.

use orderbridge_schema::command::NewRow;
use orderbridge_schema::edit::{Contents, InStep, OwnedRow};
use orderbridge_schema::facts::SalesOrderRow;
use rust_decimal::Decimal;

use super::rows::FREE_TEXT;

/// `line 551` for `bc-line-551`, `shipping` for `bc-shipping`.
fn name(key: &str) -> String {
    key.strip_prefix("bc-").unwrap_or(key).replacen("line-", "line ", 1).replacen("fee-", "fee ", 1)
}

fn gross(net: Decimal, tax: Decimal) -> String {
    net.checked_add(tax).map_or_else(|| "an amount too large".to_owned(), |gross| gross.normalize().to_string())
}

/// Everything that the store's order says otherwise than when both sides were in step.
pub(super) fn differences(mark: &InStep, planned: &[NewRow], contents: &Contents) -> Vec<String> {
    let mut words = Vec::new();
    let mut before: Vec<&OwnedRow> = mark.rows.iter().collect();
    for plan in planned {
        match before.iter().position(|row| row.key == plan.external_ref).map(|place| before.remove(place)) {
            Some(row) => words.extend(changed(row, plan)),
            None => words.push(format!("{} is new: {} for {}", name(&plan.external_ref), pieces(plan), gross(plan.net, plan.tax))),
        }
    }
    let gone = |row: &OwnedRow| format!("{} is taken away: {} pieces for {}", name(&row.key), row.quantity, gross(row.net, row.tax));
    words.extend(before.into_iter().map(gone));
    let others = [
        (contents.billing != mark.contents.billing, "the billing address is another one"),
        (contents.delivery != mark.contents.delivery, "the delivery address is another one"),
        (contents.shipping != mark.contents.shipping, "the way of delivery is another one"),
    ];
    words.extend(others.into_iter().filter(|(is_other, _)| *is_other).map(|(_, text)| text.to_owned()));
    words
}

fn pieces(plan: &NewRow) -> String {
    plan.product.map_or_else(|| format!("{} pieces", plan.quantity), |product| format!("{} pieces of product {product}", plan.quantity))
}

fn changed(row: &OwnedRow, plan: &NewRow) -> Option<String> {
    let mut parts = Vec::new();
    if row.quantity != plan.quantity {
        parts.push(format!("{} instead of {} pieces", plan.quantity, row.quantity));
    }
    if row.product != plan.product.unwrap_or(FREE_TEXT) {
        parts.push(format!("product {} instead of {}", plan.product.unwrap_or(FREE_TEXT), row.product));
    }
    if (row.net, row.tax) != (plan.net, plan.tax) {
        let (now, then) = (gross(plan.net, plan.tax), gross(row.net, row.tax));
        let tax = if now == then { format!(" with {} instead of {} tax", plan.tax.normalize(), row.tax.normalize()) } else { String::new() };
        parts.push(format!("{now} instead of {then}{tax}"));
    }
    (!parts.is_empty()).then(|| format!("{}: {}", name(&row.key), parts.join(", ")))
}

/// A row of ours that people changed.
pub(super) fn changed_there(key: &str, row: &SalesOrderRow) -> String {
    let (quantity, gross) = (row.quantity.normalize(), gross(row.net, row.tax));
    format!("row {} ({}) has {quantity} pieces of product {} for {gross} there", row.id, name(key), row.product)
}

/// A row of ours that people took away.
pub(super) fn removed_there(key: &str) -> String {
    format!("the row of {} was taken away there", name(key))
}
