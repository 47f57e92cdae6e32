//! Reads sales orders and sets their status (BP §e.4, §e.5).

use std::collections::BTreeMap;

use jiff::Timestamp;
use orderbridge_http_client::{CallError, Method, SendGuard};
use orderbridge_schema::facts::{Allocated, SalesOrder, SalesOrderRow, Standing};
use orderbridge_schema::ids::{ChannelId, ContactId, InstallationId, ProductId, SalesOrderId, SalesOrderRowId, SalesOrderStatusId, WarehouseId};
use orderbridge_schema::work::Share;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;

use crate::client::{Client, IDS, Place, id_sets, place};
use crate::lenient;

/// `orderTypeId` of sales orders in searches (BP §e.4).
const SALES_ORDER_TYPE: u64 = 1;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrderPayload {
    #[serde(deserialize_with = "lenient::required_whole")]
    id: u64,
    #[serde(default, deserialize_with = "lenient::whole")]
    parent_order_id: u64,
    #[serde(default, deserialize_with = "lenient::text")]
    order_type_code: String,
    #[serde(default, deserialize_with = "lenient::text")]
    reference: String,
    #[serde(default, deserialize_with = "lenient::object")]
    order_status: StatusPayload,
    #[serde(default, deserialize_with = "lenient::text")]
    order_payment_status: String,
    #[serde(default, deserialize_with = "lenient::moment")]
    updated_on: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient::object")]
    currency: CurrencyPayload,
    total_value: TotalPayload,
    #[serde(default, deserialize_with = "lenient::object")]
    assignment: AssignmentPayload,
    #[serde(default, deserialize_with = "lenient::object")]
    parties: PartiesPayload,
    #[serde(default, deserialize_with = "lenient::map")]
    order_rows: BTreeMap<u64, RowPayload>,
    #[serde(default, deserialize_with = "lenient::text")]
    external_ref: String,
    #[serde(default, deserialize_with = "lenient::whole")]
    installed_integration_instance_id: u64,
    #[serde(default, deserialize_with = "lenient::whole")]
    warehouse_id: u64,
    #[serde(default, deserialize_with = "lenient::text")]
    stock_status_code: String,
    #[serde(default, deserialize_with = "lenient::text")]
    allocation_status_code: String,
    #[serde(default, deserialize_with = "lenient::text")]
    shipping_status_code: String,
    #[serde(default, deserialize_with = "lenient::list")]
    invoices: Vec<InvoicePayload>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InvoicePayload {
    #[serde(default, deserialize_with = "lenient::text")]
    invoice_reference: String,
}

impl OrderPayload {
    /// How far it has come (BP §e.4, §e.6).
    fn standing(&self) -> Standing {
        Standing {
            warehouse: some::<WarehouseId>(self.warehouse_id),
            paid: matches!(self.order_payment_status.as_str(), "PAID" | "NOT_APPLICABLE"),
            allocated: Allocated::of(&self.allocation_status_code),
            fulfilled: matches!(self.stock_status_code.as_str(), "SOP" | "SOA") || matches!(self.shipping_status_code.as_str(), "SPS" | "ASS"),
            // An open order has one entry without a number; a pending one is about to have it.
            invoiced: self.invoices.iter().any(|invoice| !invoice.invoice_reference.is_empty()),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct StatusPayload {
    #[serde(deserialize_with = "lenient::whole")]
    order_status_id: u64,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct CurrencyPayload {
    #[serde(deserialize_with = "lenient::text")]
    order_currency_code: String,
    #[serde(deserialize_with = "lenient::money")]
    exchange_rate: Decimal,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TotalPayload {
    #[serde(deserialize_with = "lenient::required_money")]
    total: Decimal,
    #[serde(default, deserialize_with = "lenient::money")]
    tax_amount: Decimal,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct AssignmentPayload {
    #[serde(deserialize_with = "lenient::object")]
    current: CurrentPayload,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct CurrentPayload {
    #[serde(deserialize_with = "lenient::whole")]
    channel_id: u64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PartiesPayload {
    #[serde(deserialize_with = "lenient::object")]
    customer: PartyPayload,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct PartyPayload {
    #[serde(deserialize_with = "lenient::whole")]
    contact_id: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RowPayload {
    #[serde(default, deserialize_with = "lenient::object")]
    item_cost: CostPayload,
    #[serde(default, deserialize_with = "lenient::count")]
    order_row_sequence: u32,
    #[serde(default, deserialize_with = "lenient::whole")]
    product_id: u64,
    #[serde(default, deserialize_with = "lenient::text")]
    product_name: String,
    #[serde(default, deserialize_with = "lenient::object")]
    quantity: QuantityPayload,
    row_value: RowValuePayload,
    #[serde(default, deserialize_with = "lenient::object")]
    composition: CompositionPayload,
    #[serde(default, deserialize_with = "lenient::text")]
    nominal_code: String,
    #[serde(default, deserialize_with = "lenient::text")]
    external_ref: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CostPayload {
    #[serde(deserialize_with = "lenient::optional_money")]
    value: Option<Decimal>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct QuantityPayload {
    #[serde(deserialize_with = "lenient::money")]
    magnitude: Decimal,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RowValuePayload {
    #[serde(default, deserialize_with = "lenient::text")]
    tax_code: String,
    row_net: AmountPayload,
    #[serde(default, deserialize_with = "lenient::object")]
    row_tax: AmountPayload,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct AmountPayload {
    #[serde(deserialize_with = "lenient::money")]
    value: Decimal,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct CompositionPayload {
    #[serde(deserialize_with = "lenient::flag")]
    bundle_child: bool,
    #[serde(deserialize_with = "lenient::whole")]
    parent_order_row_id: u64,
}

fn some<T: From<u64>>(id: u64) -> Option<T> {
    Some(id).filter(|id| *id > 0).map(T::from)
}

impl From<OrderPayload> for SalesOrder {
    fn from(order: OrderPayload) -> Self {
        let standing = order.standing();
        let mut rows: Vec<SalesOrderRow> = order.order_rows.into_iter().map(row).collect();
        rows.sort_by_key(|row| (row.sequence, row.id));
        Self {
            id: SalesOrderId(order.id),
            type_code: order.order_type_code,
            reference: order.reference,
            external_ref: order.external_ref,
            installation: some::<InstallationId>(order.installed_integration_instance_id),
            status: SalesOrderStatusId(order.order_status.order_status_id),
            channel: some::<ChannelId>(order.assignment.current.channel_id),
            contact: some::<ContactId>(order.parties.customer.contact_id),
            parent: some::<SalesOrderId>(order.parent_order_id),
            exchange_rate: Some(order.currency.exchange_rate).filter(|rate| *rate > Decimal::ZERO),
            payment_status: order.order_payment_status,
            currency: order.currency.order_currency_code,
            total: order.total_value.total,
            tax: order.total_value.tax_amount,
            updated_at: order.updated_on,
            standing,
            rows,
        }
    }
}

fn row((id, row): (u64, RowPayload)) -> SalesOrderRow {
    SalesOrderRow {
        id: SalesOrderRowId(id),
        sequence: row.order_row_sequence,
        product: ProductId(row.product_id),
        name: row.product_name,
        quantity: row.quantity.magnitude,
        net: row.row_value.row_net.value,
        tax: row.row_value.row_tax.value,
        tax_code: row.row_value.tax_code,
        nominal_code: row.nominal_code,
        cost: row.item_cost.value,
        external_ref: row.external_ref,
        bundle_child: row.composition.bundle_child,
        bundle_parent_row: some::<SalesOrderRowId>(row.composition.parent_order_row_id),
    }
}

impl Client {
    /// The orders that exist among `ids`, of any type, 200 per call (BP §e.4).
    ///
    /// # Errors
    /// [`CallError`] of the first call that failed.
    pub async fn orders(&self, ids: &[SalesOrderId], share: Share) -> Result<Vec<SalesOrder>, CallError> {
        let mut orders = Vec::with_capacity(ids.len());
        for set in id_sets(ids.iter().map(|id| id.0), IDS) {
            let segments = ["order-service", "order", set.as_str()];
            let payloads: Vec<OrderPayload> = self.list(place(&segments, "/order-service/order/{idset}"), share).await?;
            orders.extend(payloads.into_iter().map(SalesOrder::from));
        }
        Ok(orders)
    }

    /// The sales orders made under a key, by one installation or by any, ascending. The search's index may lag behind a write (BP §a.5).
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn orders_with_external_ref(
        &self,
        external_ref: &str,
        installation: Option<InstallationId>,
        share: Share,
    ) -> Result<Vec<SalesOrderId>, CallError> {
        let instance = installation.map(|id| id.to_string());
        let columns = "orderId,orderTypeId,externalRef,installedIntegrationInstanceId";
        let mut query = vec![("externalRef", external_ref), ("columns", columns)];
        query.extend(instance.as_deref().map(|id| ("installedIntegrationInstanceId", id)));
        let place = Place { segments: &["order-service", "order-search"], query: &query, template: "/order-service/order-search" };
        let mut found = self
            .search(place, share, |page, row| {
                // The filter may match more than it was asked for: each row is looked at again.
                let ours = row.text("externalRef") == external_ref;
                let installed = installation
                    .is_none_or(|id| !page.has("installedIntegrationInstanceId") || row.id("installedIntegrationInstanceId") == Some(id.0));
                let sale = !page.has("orderTypeId") || row.id("orderTypeId") == Some(SALES_ORDER_TYPE);
                row.id("orderId").filter(|_id| ours && installed && sale).map(SalesOrderId)
            })
            .await?;
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Sets an order's status; the account's automations may act on it (BP §e.5).
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn set_order_status(&self, order: SalesOrderId, status: SalesOrderStatusId, guard: SendGuard) -> Result<(), CallError> {
        let id = order.to_string();
        let segments = ["order-service", "order", &id, "status"];
        let body = json!({ "orderStatusId": status.0 });
        self.send(Method::Put, place(&segments, "/order-service/order/{id}/status"), Some(&body), guard).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: &str = r#"{"id":70001,"parentOrderId":0,"orderTypeCode":"SO","reference":"9001","version":3,"state":{"tax":"READY"},
 "orderStatus":{"orderStatusId":17,"name":"New web order"},"orderPaymentStatus":"PAID","placedOn":"2026-03-02T09:14:55.000+00:00",
 "updatedOn":"2026-03-02T03:15:40.000-06:00","warehouseId":2,"stockStatusCode":"SON","allocationStatusCode":"APA","shippingStatusCode":"SNS",
 "invoices":[{"invoiceReference":"","taxDate":"2026-03-02T09:14:55.000+00:00"}],"delivery":{"shippingMethodId":6},
 "currency":{"orderCurrencyCode":"GBP","exchangeRate":"1.171200"},
 "totalValue":{"net":"40.25","taxAmount":"8.05","total":"48.30"},"assignment":{"current":{"channelId":5,"projectId":0}},
 "parties":{"customer":{"contactId":30011,"email":"mara@example.com"}},
 "orderRows":{"81002":{"orderRowSequence":"20","productId":1000,"productName":"Delivery","quantity":{"magnitude":1},
    "rowValue":{"rowNet":{"value":9.25},"rowTax":{"currencyCode":"GBP","value":"1.85"}},"composition":{"bundleChild":false,"parentOrderRowId":0}},
  "81001":{"orderRowSequence":"10","productId":5001,"productName":"Harbour mug","quantity":{"magnitude":"2.0000"},
    "rowValue":{"rowNet":{"currencyCode":"GBP","value":"31.0000"},"rowTax":{"value":"6.20"}},"externalRef":"bc-line-551"},
  "81003":{"orderRowSequence":"30","productId":5003,"quantity":{"magnitude":"2.0000"},"rowValue":{"rowNet":{"value":"0.0000"},"rowTax":{"value":"0.00"}},
    "composition":{"bundleChild":true,"parentOrderRowId":81001}}},
 "externalRef":"bc-store7-9001","installedIntegrationInstanceId":"41","colourOfTheDay":"green"}"#;

    fn order(json: &str) -> SalesOrder {
        serde_json::from_str::<OrderPayload>(json).unwrap().into()
    }

    #[test]
    fn an_order_is_read_with_its_rows_in_sequence() {
        let order = order(ORDER);
        assert_eq!((order.id, order.installation, order.channel), (SalesOrderId(70001), Some(InstallationId(41)), Some(ChannelId(5))));
        assert_eq!((order.total, order.tax), ("48.30".parse().unwrap(), "8.05".parse().unwrap()));
        assert_eq!((order.status, order.contact, order.parent), (SalesOrderStatusId(17), Some(ContactId(30011)), None));
        assert_eq!(order.updated_at, "2026-03-02T09:15:40Z".parse().ok());
        let standing = Standing { warehouse: Some(WarehouseId(2)), paid: true, allocated: Allocated::Part, fulfilled: false, invoiced: false };
        assert_eq!(order.standing, standing);
        assert_eq!(order.rows.iter().map(|row| row.id.0).collect::<Vec<_>>(), [81001, 81002, 81003]);
        assert_eq!(order.rows[0].external_ref, "bc-line-551");
        assert_eq!((order.exchange_rate, order.payment_status.as_str()), ("1.1712".parse().ok(), "PAID"));
        assert_eq!((order.rows[1].net, order.rows[1].quantity), ("9.25".parse().unwrap(), Decimal::ONE));
        assert_eq!(order.rows[2].bundle_parent_row, Some(SalesOrderRowId(81001)));
        assert!(order.rows[2].bundle_child && !order.rows[0].bundle_child);
    }

    #[test]
    fn a_bare_order_is_read_and_one_without_a_total_is_not() {
        let bare = order(r#"{"id":"62","totalValue":{"total":0},"orderRows":[]}"#);
        assert_eq!((bare.id, bare.rows.len(), bare.installation, bare.contact), (SalesOrderId(62), 0, None, None));
        assert_eq!((bare.exchange_rate, bare.payment_status.as_str()), (None, ""));
        assert_eq!(bare.standing, Standing::default());
        assert!(serde_json::from_str::<OrderPayload>(r#"{"id":62,"totalValue":{}}"#).is_err());
        assert!(serde_json::from_str::<OrderPayload>(r#"{"id":62}"#).is_err());
    }
}
