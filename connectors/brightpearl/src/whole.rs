//! Reads sales orders with all that is needed to write them back (BP §e.4).

use jiff::Timestamp;
use orderbridge_http_client::CallError;
use orderbridge_schema::facts::{Allocated, SalesOrder, SalesOrderRow, Standing, WholeSalesOrder, Writable};
use orderbridge_schema::ids::{
    ChannelId, ContactId, InstallationId, ProductId, SalesOrderId, SalesOrderRowId, SalesOrderStatusId, ShippingMethodId, WarehouseId,
};
use orderbridge_schema::work::Share;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;

use crate::client::{Client, IDS, id_sets, place};
use crate::{lenient, reply};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    #[serde(deserialize_with = "lenient::required_whole")]
    id: u64,
    #[serde(deserialize_with = "lenient::required_whole")]
    version: u64,
    #[serde(default, rename = "ref", deserialize_with = "lenient::text")]
    reference: String,
    #[serde(default, deserialize_with = "lenient::text")]
    external_ref: String,
    #[serde(default, deserialize_with = "lenient::whole")]
    installed_integration_instance_id: u64,
    #[serde(default, deserialize_with = "lenient::whole")]
    parent_id: u64,
    #[serde(default, deserialize_with = "lenient::whole")]
    status_id: u64,
    #[serde(default, deserialize_with = "lenient::whole")]
    warehouse_id: u64,
    #[serde(default, deserialize_with = "lenient::whole")]
    channel_id: u64,
    #[serde(default, deserialize_with = "lenient::object")]
    customer: CustomerPayload,
    #[serde(default, deserialize_with = "lenient::object")]
    currency: CurrencyPayload,
    #[serde(default, deserialize_with = "lenient::object")]
    delivery: DeliveryPayload,
    total: TotalPayload,
    #[serde(default, deserialize_with = "lenient::text")]
    order_payment_status: String,
    #[serde(default, deserialize_with = "lenient::text")]
    allocation_status_code: String,
    #[serde(default, deserialize_with = "lenient::text")]
    stock_status_code: String,
    #[serde(default, deserialize_with = "lenient::text")]
    shipping_status_code: String,
    #[serde(default, deserialize_with = "lenient::moment")]
    updated_on: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient::object")]
    invoice: InvoicePayload,
    #[serde(default, deserialize_with = "lenient::list")]
    rows: Vec<RowPayload>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CustomerPayload {
    #[serde(deserialize_with = "lenient::whole")]
    id: u64,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct CurrencyPayload {
    #[serde(deserialize_with = "lenient::text")]
    code: String,
    #[serde(deserialize_with = "lenient::money")]
    exchange_rate: Decimal,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct DeliveryPayload {
    #[serde(deserialize_with = "lenient::whole")]
    shipping_method_id: u64,
}

#[derive(Deserialize)]
struct TotalPayload {
    #[serde(deserialize_with = "lenient::required_money")]
    gross: Decimal,
    #[serde(default, deserialize_with = "lenient::money")]
    tax: Decimal,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct InvoicePayload {
    #[serde(deserialize_with = "lenient::text")]
    invoice_reference: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RowPayload {
    #[serde(deserialize_with = "lenient::required_whole")]
    id: u64,
    #[serde(default, deserialize_with = "lenient::count")]
    sequence: u32,
    #[serde(default, deserialize_with = "lenient::whole")]
    product_id: u64,
    #[serde(default, deserialize_with = "lenient::text")]
    name: String,
    #[serde(default, deserialize_with = "lenient::money")]
    quantity: Decimal,
    #[serde(deserialize_with = "lenient::required_money")]
    net: Decimal,
    #[serde(default, deserialize_with = "lenient::money")]
    tax: Decimal,
    #[serde(default, deserialize_with = "lenient::text")]
    tax_code: String,
    #[serde(default, deserialize_with = "lenient::text")]
    nominal_code: String,
    #[serde(default, deserialize_with = "lenient::text")]
    external_ref: String,
    #[serde(default, deserialize_with = "lenient::flag")]
    bundle_child: bool,
    #[serde(default, deserialize_with = "lenient::whole")]
    parent_row_id: u64,
}

fn some<T: From<u64>>(id: u64) -> Option<T> {
    Some(id).filter(|id| *id > 0).map(T::from)
}

fn row(row: RowPayload) -> SalesOrderRow {
    SalesOrderRow {
        id: SalesOrderRowId(row.id),
        sequence: row.sequence,
        product: ProductId(row.product_id),
        name: row.name,
        quantity: row.quantity,
        net: row.net,
        tax: row.tax,
        tax_code: row.tax_code,
        nominal_code: row.nominal_code,
        // This resource does not tell it.
        cost: None,
        external_ref: row.external_ref,
        bundle_child: row.bundle_child,
        bundle_parent_row: some::<SalesOrderRowId>(row.parent_row_id),
    }
}

impl Payload {
    fn standing(&self) -> Standing {
        Standing {
            warehouse: some::<WarehouseId>(self.warehouse_id),
            paid: matches!(self.order_payment_status.as_str(), "PAID" | "NOT_APPLICABLE"),
            allocated: Allocated::of(&self.allocation_status_code),
            fulfilled: matches!(self.stock_status_code.as_str(), "SOP" | "SOA") || matches!(self.shipping_status_code.as_str(), "SPS" | "ASS"),
            invoiced: !self.invoice.invoice_reference.is_empty(),
        }
    }
}

/// What was read, beside the whole of it in Brightpearl's own words.
pub(crate) fn whole(value: Value) -> Result<WholeSalesOrder, CallError> {
    let payload = serde_json::from_value::<Payload>(value.clone()).map_err(|error| reply::unreadable(&error, "a sales order"))?;
    let standing = payload.standing();
    let mut rows: Vec<SalesOrderRow> = payload.rows.into_iter().map(row).collect();
    rows.sort_by_key(|row| (row.sequence, row.id));
    let order = SalesOrder {
        id: SalesOrderId(payload.id),
        type_code: "SO".to_owned(),
        reference: payload.reference,
        external_ref: payload.external_ref,
        installation: some::<InstallationId>(payload.installed_integration_instance_id),
        status: SalesOrderStatusId(payload.status_id),
        channel: some::<ChannelId>(payload.channel_id),
        contact: some::<ContactId>(payload.customer.id),
        parent: some::<SalesOrderId>(payload.parent_id),
        currency: payload.currency.code,
        exchange_rate: Some(payload.currency.exchange_rate).filter(|rate| *rate > Decimal::ZERO),
        payment_status: payload.order_payment_status,
        total: payload.total.gross,
        tax: payload.total.tax,
        updated_at: payload.updated_on,
        standing,
        rows,
    };
    let shipping_method = some::<ShippingMethodId>(payload.delivery.shipping_method_id);
    Ok(WholeSalesOrder { order, version: payload.version, shipping_method, writable: Writable::new(value) })
}

impl Client {
    /// The sales orders that exist among `ids`, 200 per call, with all that is needed to write them back.
    ///
    /// # Errors
    /// [`CallError`] of the first call that failed.
    pub async fn whole_sales_orders(&self, ids: &[SalesOrderId], share: Share) -> Result<Vec<WholeSalesOrder>, CallError> {
        let mut orders = Vec::with_capacity(ids.len());
        for set in id_sets(ids.iter().map(|id| id.0), IDS) {
            let segments = ["order-service", "sales-order", set.as_str()];
            let found: Vec<Value> = self.list(place(&segments, "/order-service/sales-order/{idset}"), share).await?;
            for value in found {
                orders.push(whole(value)?);
            }
        }
        Ok(orders)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;

    /// A sales order as Brightpearl gives it.
    pub(crate) fn read() -> Value {
        json!({"id": 70001, "version": 5, "customer": {"id": 30011, "address": {"addressLine1": "1"}}, "billing": {"contactId": 30011},
            "ref": "9001", "externalRef": "bc-store7-9001", "installedIntegrationInstanceId": 41, "statusId": 17, "warehouseId": "2",
            "channelId": 5, "priceModeCode": "EXC", "currency": {"code": "GBP", "exchangeRate": "1.000000"},
            "delivery": {"shippingMethodId": 6, "date": "2026-03-06T12:00:00.000+00:00"}, "total": {"gross": "48.30", "tax": "8.05"},
            "orderPaymentStatus": "PAID", "allocationStatusCode": "AAA", "stockStatusCode": "SON", "shippingStatusCode": "SNS",
            "invoice": {"invoiceReference": ""}, "colourOfTheDay": "green",
            "rows": [
                {"id": 81003, "sequence": 30, "productId": 5003, "quantity": "1", "net": "0.0000", "bundleChild": true, "parentRowId": 81002},
                {"id": 81002, "sequence": 20, "productId": 5002, "quantity": "1.0000", "net": "10.0000", "tax": "2.00", "nominalCode": "4000"},
                {"id": 81001, "sequence": "10", "productId": 5001, "quantity": "2.0000", "net": "31.0000", "tax": "6.20", "name": "Mug"}]})
    }

    #[test]
    fn a_sales_order_is_read_with_its_version_and_standing() {
        let whole = whole(read()).unwrap();
        assert_eq!((whole.version, whole.order.id, whole.shipping_method), (5, SalesOrderId(70001), Some(ShippingMethodId(6))));
        assert_eq!((whole.order.total, whole.order.tax), ("48.30".parse().unwrap(), "8.05".parse().unwrap()));
        let standing = Standing { warehouse: Some(WarehouseId(2)), paid: true, allocated: Allocated::All, fulfilled: false, invoiced: false };
        assert_eq!(whole.order.standing, standing);
        assert_eq!(whole.order.rows.iter().map(|row| row.id.0).collect::<Vec<_>>(), [81001, 81002, 81003]);
        assert!(!format!("{whole:?}").contains("green"), "what is written back is not shown");
    }
}
