//! Changes sales orders only if nobody else has meanwhile (BP §e.5).

use orderbridge_http_client::{CallError, Method, SendGuard};
use orderbridge_schema::command::{NewRow, SalesOrderEdit};
use orderbridge_schema::facts::WholeSalesOrder;
use orderbridge_schema::ids::SalesOrderRowId;
use serde_json::{Map, Value, json};

use crate::client::{Client, Place};
use crate::create::{AddressBody, amount};
use crate::reply;
use crate::whole::whole;

/// What is written back: everything as it was read, but for what is changed. A field that is left out would be cleared (BP §e.5).
fn body(edit: &SalesOrderEdit) -> Value {
    let mut body = edit.writable.expose().clone();
    if let Some(rows) = body.get_mut("rows") {
        let present = rows.as_array_mut().map(std::mem::take).unwrap_or_default();
        let kept = present.into_iter().filter(|row| !is_removed(edit, row)).map(|row| changed(edit, row));
        *rows = kept.chain(edit.added.iter().map(|row| added(row, edit.decimals))).collect();
    }
    if let Some(address) = edit.billing.as_ref().map(|address| json!(AddressBody::on_order(address))) {
        set(&mut body, "customer", "address", address.clone());
        set(&mut body, "billing", "address", address);
    }
    if let Some(address) = &edit.delivery {
        set(&mut body, "delivery", "address", json!(AddressBody::on_order(address)));
    }
    if let Some(method) = edit.shipping_method {
        set(&mut body, "delivery", "shippingMethodId", json!(method.map_or(0, |method| method.0)));
    }
    body
}

fn set(body: &mut Value, part: &str, field: &str, value: Value) {
    let Some(fields) = body.as_object_mut() else { return };
    let part = fields.entry(part).or_insert_with(|| Value::Object(Map::new()));
    if let Some(fields) = part.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
}

fn row_id(row: &Value, field: &str) -> Option<SalesOrderRowId> {
    let value = row.get(field)?;
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok()).map(SalesOrderRowId)
}

/// A row goes with its components.
fn is_removed(edit: &SalesOrderEdit, row: &Value) -> bool {
    ["id", "parentRowId"].iter().filter_map(|field| row_id(row, field)).any(|id| edit.removed.contains(&id))
}

fn changed(edit: &SalesOrderEdit, mut row: Value) -> Value {
    let Some(id) = row_id(&row, "id") else { return row };
    let Some(fields) = row.as_object_mut() else { return row };
    if let Some((_, key)) = edit.keys.iter().find(|(known, _)| *known == id) {
        fields.insert("externalRef".to_owned(), json!(key));
    }
    if let Some((_, new)) = edit.changed.iter().find(|(known, _)| *known == id) {
        fields.insert("quantity".to_owned(), json!(new.quantity.to_string()));
        fields.insert("net".to_owned(), json!(amount(new.net, edit.decimals)));
        fields.insert("tax".to_owned(), json!(amount(new.tax, edit.decimals)));
        fields.insert("taxCode".to_owned(), json!(new.tax_code));
    }
    row
}

fn added(row: &NewRow, decimals: u32) -> Value {
    let mut body = json!({
        "name": row.name, "quantity": row.quantity.to_string(), "taxCode": row.tax_code, "net": amount(row.net, decimals),
        "tax": amount(row.tax, decimals), "externalRef": row.external_ref,
    });
    if let (Some(fields), Some(product)) = (body.as_object_mut(), row.product) {
        fields.insert("productId".to_owned(), json!(product.0));
    }
    if let (Some(fields), Some(code)) = (body.as_object_mut(), &row.nominal_code) {
        fields.insert("nominalCode".to_owned(), json!(code));
    }
    body
}

impl Client {
    /// Changes a sales order that is still as it was read; all of it or nothing (BP §e.5). Gives it as it is now, if the reply tells.
    ///
    /// # Errors
    /// [`CallError`]; `Refused` with status 412 if somebody else has changed it.
    pub async fn edit_sales_order(&self, edit: &SalesOrderEdit, guard: SendGuard) -> Result<Option<WholeSalesOrder>, CallError> {
        let (id, version) = (edit.sales_order.to_string(), edit.version.to_string());
        let segments = ["order-service", "sales-order", &id, ""];
        let place = Place { segments: &segments, query: &[], template: "/order-service/sales-order/{id}/" };
        let reply = self.send_if_match(Method::Put, place, &body(edit), &version, guard).await?;
        // What it looks like now is worth a call less; a reply that does not tell is no failure of the change.
        Ok(reply::list::<Value>(&reply, "a sales order").ok().and_then(|mut found| found.pop()).and_then(|value| whole(value).ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::whole::tests::read;
    use orderbridge_schema::edit::Contents;
    use orderbridge_schema::facts::Address;
    use orderbridge_schema::ids::{ProductId, SalesOrderId, StoreOrderId};

    fn new_row(product: Option<u64>) -> NewRow {
        NewRow {
            external_ref: "bc-line-560".into(),
            product: product.map(ProductId),
            name: "Tea".into(),
            quantity: 3,
            net: "15".parse().unwrap(),
            tax: "3".parse().unwrap(),
            tax_code: "T20".into(),
            nominal_code: None,
            line: None,
            details: Vec::new(),
        }
    }

    fn edit() -> SalesOrderEdit {
        SalesOrderEdit {
            order: StoreOrderId(9001),
            sales_order: SalesOrderId(70001),
            version: 5,
            writable: whole(read()).unwrap().writable,
            decimals: 2,
            changed: Vec::new(),
            added: Vec::new(),
            removed: Vec::new(),
            keys: vec![(SalesOrderRowId(81001), "bc-line-551".into())],
            billing: None,
            delivery: None,
            shipping_method: None,
            contents: Contents::default(),
            words: Vec::new(),
        }
    }

    #[test]
    fn everything_goes_back_as_it_was_read_but_for_what_is_changed() {
        let mut expected = read();
        expected["rows"][2]["externalRef"] = "bc-line-551".into();
        assert_eq!(body(&edit()), expected);
        let changed = SalesOrderEdit { changed: vec![(SalesOrderRowId(81001), new_row(None))], ..edit() };
        for (field, value) in [("quantity", "3"), ("net", "15.00"), ("tax", "3.00"), ("taxCode", "T20")] {
            expected["rows"][2][field] = value.into();
        }
        assert_eq!(body(&changed), expected);
    }

    #[test]
    fn a_row_goes_with_its_components_and_another_comes_behind() {
        let edit = SalesOrderEdit { removed: vec![SalesOrderRowId(81002)], added: vec![new_row(Some(5009))], ..edit() };
        let rows = body(&edit)["rows"].as_array().unwrap().clone();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0]["id"], 81001);
        let new = json!({"productId": 5009, "name": "Tea", "quantity": "3", "taxCode": "T20", "net": "15.00", "tax": "3.00",
            "externalRef": "bc-line-560"});
        assert_eq!(rows[1], new);
    }

    #[test]
    fn addresses_and_the_shipping_method_take_the_place_of_what_was_there() {
        let address = Address { street_1: "9 High St".into(), ..Address::default() };
        let edit = SalesOrderEdit { billing: Some(address.clone()), delivery: Some(address), shipping_method: Some(None), ..edit() };
        let body = body(&edit);
        for place in ["/customer/address/addressLine1", "/billing/address/addressLine1", "/delivery/address/addressLine1"] {
            assert_eq!(body.pointer(place).unwrap(), "9 High St", "{place}");
        }
        assert_eq!((&body["delivery"]["shippingMethodId"], &body["billing"]["contactId"]), (&json!(0), &json!(30011)));
        assert_eq!(body["delivery"]["date"], read()["delivery"]["date"]);
    }
}
