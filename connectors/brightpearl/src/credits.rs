//! Makes sales credits (BP §e.8).

use orderbridge_http_client::{CallError, Method, SendGuard};
use orderbridge_schema::command::NewSalesCredit;
use orderbridge_schema::ids::SalesOrderId;
use orderbridge_schema::money::round;
use orderbridge_schema::work::Share;
use serde::Serialize;

use crate::client::{Client, Place, place};
use crate::create::{AddressBody, BillingBody, CustomerBody, RowBody, date, price_mode};
use crate::reply;

/// Decimals of an exchange rate, at most (BP §i.1).
const RATE_DECIMALS: u32 = 6;
/// `orderTypeId` of sales credits in searches (BP §e.4).
const SALES_CREDIT_TYPE: u64 = 3;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreditBody<'a> {
    customer: CustomerBody<'a>,
    billing: BillingBody<'a>,
    delivery: DeliveryBody<'a>,
    #[serde(rename = "ref")]
    reference: String,
    external_ref: &'a str,
    installed_integration_instance_id: u64,
    parent_id: u64,
    placed_on: String,
    tax_date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warehouse_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_id: Option<u64>,
    price_mode_code: &'static str,
    currency: CurrencyBody<'a>,
    rows: Vec<RowBody<'a>>,
}

#[derive(Serialize)]
struct DeliveryBody<'a> {
    address: AddressBody<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CurrencyBody<'a> {
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fixed_exchange_rate: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exchange_rate: Option<String>,
}

impl<'a> CreditBody<'a> {
    fn of(credit: &'a NewSalesCredit) -> Self {
        Self {
            customer: CustomerBody { id: credit.contact.0, address: AddressBody::on_order(&credit.billing) },
            billing: BillingBody { contact_id: credit.contact.0, address: AddressBody::on_order(&credit.billing) },
            delivery: DeliveryBody { address: AddressBody::on_order(&credit.billing) },
            reference: credit.order.to_string(),
            external_ref: &credit.external_ref,
            installed_integration_instance_id: credit.installation.0,
            parent_id: credit.sales_order.0,
            placed_on: date(credit.refunded_at),
            tax_date: date(credit.refunded_at),
            status_id: credit.status.map(|id| id.0),
            warehouse_id: credit.warehouse.map(|id| id.0),
            channel_id: credit.channel.map(|id| id.0),
            price_mode_code: price_mode(credit.price_mode),
            currency: CurrencyBody {
                code: &credit.currency,
                fixed_exchange_rate: credit.rate.map(|_rate| true),
                exchange_rate: credit.rate.map(|rate| round(rate, RATE_DECIMALS).normalize().to_string()),
            },
            rows: credit.rows.iter().map(|row| RowBody::of(row, credit.decimals)).collect(),
        }
    }
}

impl Client {
    /// Makes a sales credit, all of it or nothing. The same key makes no second one (BP §e.2). `None`: it is there, but the reply does
    /// not name it.
    ///
    /// # Errors
    /// [`CallError`]; after `Uncertain` the same credit may be sent again.
    pub async fn create_sales_credit(&self, credit: &NewSalesCredit, guard: SendGuard) -> Result<Option<SalesOrderId>, CallError> {
        let place = place(&["order-service", "sales-credit", ""], "/order-service/sales-credit/");
        let body =
            serde_json::to_value(CreditBody::of(credit)).map_err(|_cause| CallError::not_sent("the sales credit cannot be written as JSON"))?;
        let reply = self.send(Method::Post, place, Some(&body), guard).await?;
        reply::created_id(&reply, "a new sales credit").map(|id| id.map(SalesOrderId))
    }

    /// The sales credit made under a key, by whichever installation.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn sales_credit_with_external_ref(&self, external_ref: &str, share: Share) -> Result<Option<SalesOrderId>, CallError> {
        let query = [("externalRef", external_ref), ("columns", "orderId,orderTypeId,externalRef")];
        let place = Place { segments: &["order-service", "order-search"], query: &query, template: "/order-service/order-search" };
        let found = self
            .search(place, share, |page, row| {
                // The filter may match more than it was asked for: each row is looked at again.
                let is_credit = !page.has("orderTypeId") || row.id("orderTypeId") == Some(SALES_CREDIT_TYPE);
                row.id("orderId").filter(|_id| is_credit && row.text("externalRef") == external_ref).map(SalesOrderId)
            })
            .await?;
        Ok(found.into_iter().min())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orderbridge_schema::command::NewRow;
    use orderbridge_schema::facts::Address;
    use orderbridge_schema::ids::{ChannelId, ContactId, InstallationId, ProductId, RefundId, StoreOrderId, WarehouseId};
    use orderbridge_schema::rules::PriceMode;
    use serde_json::json;

    #[test]
    fn a_sales_credit_is_written_with_its_order_and_rows_above_zero() {
        let row = NewRow {
            external_ref: "bc-line-551".into(),
            product: Some(ProductId(5001)),
            name: "Harbour mug".into(),
            quantity: 1,
            net: "15.5".parse().unwrap(),
            tax: "3.1".parse().unwrap(),
            tax_code: "T20".into(),
            nominal_code: Some("4000".into()),
            line: None,
            details: Vec::new(),
        };
        let credit = NewSalesCredit {
            order: StoreOrderId(9001),
            refund: RefundId(3),
            sales_order: SalesOrderId(70001),
            external_ref: "bc-store7-refund-3".into(),
            installation: InstallationId(41),
            contact: ContactId(30011),
            refunded_at: "2026-03-09T10:00:00Z".parse().unwrap(),
            status: None,
            channel: Some(ChannelId(5)),
            warehouse: Some(WarehouseId(2)),
            price_mode: PriceMode::Exc,
            currency: "EUR".into(),
            decimals: 2,
            rate: "1.17120000".parse().ok(),
            billing: Address { first_name: "Mara".into(), street_1: "7 Quay St".into(), ..Address::default() },
            rows: vec![row],
        };
        let body = serde_json::to_value(CreditBody::of(&credit)).unwrap();
        assert_eq!((&body["parentId"], &body["externalRef"], &body["ref"]), (&json!(70001), &json!("bc-store7-refund-3"), &json!("9001")));
        assert_eq!(body["currency"], json!({"code": "EUR", "fixedExchangeRate": true, "exchangeRate": "1.1712"}));
        assert_eq!((&body["rows"][0]["net"], &body["rows"][0]["nominalCode"]), (&json!("15.50"), &json!("4000")));
        assert_eq!(body["customer"]["address"]["addressFullName"], json!("Mara"));
        assert!(body.get("statusId").is_none());
    }
}
