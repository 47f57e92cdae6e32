//! Changes rows of sales orders (BP §e.3, §e.5).

use orderbridge_http_client::{CallError, Method, SendGuard};
use orderbridge_schema::command::{NewOrderRow, OrderRowChange};
use orderbridge_schema::ids::SalesOrderId;
use orderbridge_schema::work::Share;
use serde_json::{Value, json};

use crate::client::{Client, place};
use crate::reply;

/// Quantity, net and tax together: a changed net alone has the tax worked out anew.
fn operations(change: &OrderRowChange) -> Value {
    let replace = |path: &str, value: String| json!({ "op": "replace", "path": path, "value": value });
    let row = &change.change;
    json!([
        replace("/quantity/magnitude", row.to.to_string()),
        replace("/rowValue/rowNet/value", row.net.to_string()),
        replace("/rowValue/rowTax/value", row.tax.to_string()),
    ])
}

fn new_row(row: &NewOrderRow) -> Value {
    let row = &row.row;
    let mut body = json!({
        "productName": row.name,
        "quantity": { "magnitude": 1 },
        "rowValue": { "taxCode": row.tax_code, "rowNet": { "value": row.net.to_string() }, "rowTax": { "value": row.tax.to_string() } },
    });
    if let (Some(body), Some(code)) = (body.as_object_mut(), &row.nominal_code) {
        body.insert("nominalCode".to_owned(), Value::from(code.as_str()));
    }
    body
}

impl Client {
    /// Leaves a row with fewer pieces, or takes it off.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn set_order_row(&self, change: &OrderRowChange, guard: SendGuard) -> Result<(), CallError> {
        let (order, row) = (change.sales_order.to_string(), change.change.row.to_string());
        let segments = ["order-service", "order", &order, "row", &row];
        let place = place(&segments, "/order-service/order/{id}/row/{id}");
        if change.change.to == 0 {
            return self.send(Method::Delete, place, None, guard).await.map(drop);
        }
        self.send(Method::Patch, place, Some(&operations(change)), guard).await.map(drop)
    }

    /// Whether a row is as it was to be.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn has_order_row(&self, change: &OrderRowChange, share: Share) -> Result<bool, CallError> {
        let orders = self.orders(&[change.sales_order], share).await?;
        let Some(order) = orders.first() else { return Ok(false) };
        let (row, wanted) = (order.rows.iter().find(|row| row.id == change.change.row), &change.change);
        Ok(match row {
            None => wanted.to == 0,
            Some(row) => row.quantity == wanted.to.into() && row.net == wanted.net && row.tax == wanted.tax,
        })
    }

    /// Adds a row of free text. `None`: it is there, but the reply does not name it.
    ///
    /// # Errors
    /// [`CallError`]; after `Uncertain` it may be there, and a second one would stand beside it.
    pub async fn add_order_row(&self, row: &NewOrderRow, guard: SendGuard) -> Result<Option<u64>, CallError> {
        let order = row.sales_order.to_string();
        let segments = ["order-service", "order", &order, "row"];
        let answer = self.send(Method::Post, place(&segments, "/order-service/order/{id}/row"), Some(&new_row(row)), guard).await?;
        reply::created_id(&answer, "a new order row")
    }

    /// The row of a sales order whose name begins so, if it has one.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn row_named(&self, order: SalesOrderId, start: &str, share: Share) -> Result<Option<u64>, CallError> {
        let orders = self.orders(&[order], share).await?;
        Ok(orders.iter().flat_map(|order| &order.rows).find(|row| row.name.starts_with(start)).map(|row| row.id.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orderbridge_schema::ids::{ProductId, RefundId, SalesOrderRowId};
    use orderbridge_schema::refund::{ExtraRow, RowChange};

    #[test]
    fn a_row_is_written_as_brightpearl_wants_it() {
        let (net, tax) = ("10.10".parse().unwrap(), "2.02".parse().unwrap());
        let change = RowChange { row: SalesOrderRowId(81001), product: ProductId(5001), from: 2, to: 1, net, tax };
        let change = OrderRowChange { sales_order: SalesOrderId(70001), refund: RefundId(3), change };
        let expected = json!([
            {"op": "replace", "path": "/quantity/magnitude", "value": "1"},
            {"op": "replace", "path": "/rowValue/rowNet/value", "value": "10.10"},
            {"op": "replace", "path": "/rowValue/rowTax/value", "value": "2.02"},
        ]);
        assert_eq!(operations(&change), expected);
        let row = ExtraRow { name: "Refund 3: delivery".into(), net: -net, tax: -tax, tax_code: "T20".into(), nominal_code: Some("4040".into()) };
        let expected = json!({"productName": "Refund 3: delivery", "quantity": {"magnitude": 1}, "nominalCode": "4040",
            "rowValue": {"taxCode": "T20", "rowNet": {"value": "-10.10"}, "rowTax": {"value": "-2.02"}}});
        assert_eq!(new_row(&NewOrderRow { sales_order: SalesOrderId(70001), refund: RefundId(3), row }), expected);
    }
}
