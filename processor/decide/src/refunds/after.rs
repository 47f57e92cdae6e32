//! What is known of a sales order after its rows were changed, without reading it again.

use orderbridge_schema::command::{Command, NewOrderRow, OrderRowChange};
use orderbridge_schema::facts::{SalesOrder, SalesOrderRow};
use orderbridge_schema::ids::SalesOrderRowId;
use rust_decimal::Decimal;

use super::FREE_TEXT;
use crate::facts::OrderFacts;

/// Brings a sales order that was read in step with a change of its rows; `id` is a new row's.
pub fn after_row(facts: &mut OrderFacts, command: &Command, id: Option<u64>) {
    let id = SalesOrderRowId(id.unwrap_or_default());
    match command {
        Command::SetOrderRow(change) => {
            facts.sales_orders.get_mut(&change.sales_order).into_iter().flatten().for_each(|order| changed(order, change));
        }
        Command::AddOrderRow(new) => {
            facts.sales_orders.get_mut(&new.sales_order).into_iter().flatten().for_each(|order| added(order, new, id));
        }
        _ => {}
    }
}

fn changed(order: &mut SalesOrder, change: &OrderRowChange) {
    let change = &change.change;
    let Some(row) = order.rows.iter_mut().find(|row| row.id == change.row) else { return };
    let (net, tax) = (change.net.saturating_sub(row.net), change.tax.saturating_sub(row.tax));
    (row.quantity, row.net, row.tax) = (Decimal::from(change.to), change.net, change.tax);
    if change.to == 0 {
        order.rows.retain(|row| row.id != change.row && row.bundle_parent_row != Some(change.row));
    }
    add(order, net, tax);
}

fn added(order: &mut SalesOrder, new: &NewOrderRow, id: SalesOrderRowId) {
    let row = &new.row;
    order.rows.push(SalesOrderRow {
        id,
        sequence: u32::MAX,
        product: FREE_TEXT,
        name: row.name.clone(),
        quantity: Decimal::ONE,
        net: row.net,
        tax: row.tax,
        tax_code: row.tax_code.clone(),
        nominal_code: row.nominal_code.clone().unwrap_or_default(),
        cost: None,
        external_ref: String::new(),
        bundle_child: false,
        bundle_parent_row: None,
    });
    add(order, row.net, row.tax);
}

fn add(order: &mut SalesOrder, net: Decimal, tax: Decimal) {
    order.tax = order.tax.saturating_add(tax);
    order.total = order.total.saturating_add(net).saturating_add(tax);
}
