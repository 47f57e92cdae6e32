//! Makes sales orders (BP §e.2).

use jiff::Timestamp;
use orderbridge_http_client::{CallError, Method, SendGuard};
use orderbridge_schema::command::{NewRow, NewSalesOrder};
use orderbridge_schema::facts::Address;
use orderbridge_schema::ids::SalesOrderId;
use orderbridge_schema::money::round;
use orderbridge_schema::rules::PriceMode;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::client::{Client, place};
use crate::reply;

/// Decimals of an exchange rate (BP §e.4, §i.1).
const RATE_DECIMALS: u32 = 6;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OrderBody<'a> {
    customer: CustomerBody<'a>,
    billing: BillingBody<'a>,
    delivery: DeliveryBody<'a>,
    #[serde(rename = "ref")]
    reference: &'a str,
    external_ref: &'a str,
    installed_integration_instance_id: u64,
    placed_on: String,
    tax_date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_id: Option<u64>,
    warehouse_id: u64,
    channel_id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    price_list_id: Option<u64>,
    price_mode_code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    lead_source_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    staff_owner_id: Option<u64>,
    currency: CurrencyBody<'a>,
    rows: Vec<RowBody<'a>>,
}

#[derive(Serialize)]
pub(crate) struct CustomerBody<'a> {
    pub(crate) id: u64,
    pub(crate) address: AddressBody<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BillingBody<'a> {
    pub(crate) contact_id: u64,
    pub(crate) address: AddressBody<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeliveryBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping_method_id: Option<u64>,
    address: AddressBody<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CurrencyBody<'a> {
    code: &'a str,
    fixed_exchange_rate: bool,
    exchange_rate: String,
}

/// Brightpearl has four lines and no fields for city and state: by convention the third and the fourth (BP §e.2).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AddressBody<'a> {
    #[serde(skip_serializing_if = "String::is_empty")]
    address_full_name: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    company_name: &'a str,
    address_line1: &'a str,
    address_line2: &'a str,
    address_line3: &'a str,
    address_line4: &'a str,
    postal_code: &'a str,
    /// Two letters: the documentation speaks of three, connectors in production send two (BP §f).
    #[serde(skip_serializing_if = "str::is_empty")]
    country_iso_code: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    telephone: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    email: &'a str,
}

impl<'a> AddressBody<'a> {
    /// An address on an order.
    pub(crate) fn on_order(address: &'a Address) -> Self {
        let name = format!("{} {}", address.first_name.trim(), address.last_name.trim());
        Self {
            address_full_name: name.trim().to_owned(),
            company_name: &address.company,
            telephone: &address.phone,
            email: &address.email,
            ..Self::alone(address)
        }
    }

    /// The place alone, without the person.
    pub(crate) fn alone(address: &'a Address) -> Self {
        // The first line is required (BP §f): the second moves up where the shopper filled in that one only.
        let (line1, line2) = match address.street_1.trim() {
            "" => (address.street_2.as_str(), ""),
            _ => (address.street_1.as_str(), address.street_2.as_str()),
        };
        Self {
            address_full_name: String::new(),
            company_name: "",
            address_line1: line1,
            address_line2: line2,
            address_line3: &address.city,
            address_line4: &address.state,
            postal_code: &address.postcode,
            country_iso_code: &address.country_iso2,
            telephone: "",
            email: "",
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RowBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    product_id: Option<u64>,
    name: &'a str,
    quantity: String,
    tax_code: &'a str,
    net: String,
    tax: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    nominal_code: Option<&'a str>,
    external_ref: &'a str,
}

impl<'a> OrderBody<'a> {
    fn of(order: &'a NewSalesOrder) -> Self {
        Self {
            customer: CustomerBody { id: order.contact.0, address: AddressBody::on_order(&order.billing) },
            billing: BillingBody { contact_id: order.contact.0, address: AddressBody::on_order(&order.billing) },
            delivery: DeliveryBody { shipping_method_id: order.shipping_method.map(|id| id.0), address: AddressBody::on_order(&order.delivery) },
            reference: &order.reference,
            external_ref: &order.external_ref,
            installed_integration_instance_id: order.installation.0,
            placed_on: date(order.placed_at),
            tax_date: date(order.placed_at),
            status_id: order.status.map(|id| id.0),
            warehouse_id: order.warehouse.0,
            channel_id: order.channel.0,
            price_list_id: order.price_list.map(|id| id.0),
            price_mode_code: price_mode(order.price_mode),
            lead_source_id: order.lead_source.map(|id| id.0),
            project_id: order.project.map(|id| id.0),
            staff_owner_id: order.staff_owner.map(|id| id.0),
            // Fixed, so that payments at the same rate leave nothing open (BP §k.1 6); six decimals (BP §e.4).
            currency: CurrencyBody { code: &order.currency, fixed_exchange_rate: true, exchange_rate: amount(order.exchange_rate, RATE_DECIMALS) },
            rows: order.rows.iter().map(|row| RowBody::of(row, order.decimals)).collect(),
        }
    }
}

impl<'a> RowBody<'a> {
    pub(crate) fn of(row: &'a NewRow, decimals: u32) -> Self {
        Self {
            product_id: row.product.map(|id| id.0),
            name: &row.name,
            quantity: row.quantity.to_string(),
            tax_code: &row.tax_code,
            net: amount(row.net, decimals),
            tax: amount(row.tax, decimals),
            nominal_code: row.nominal_code.as_deref(),
            external_ref: &row.external_ref,
        }
    }
}

/// Brightpearl's word for whether prices include tax.
pub(crate) const fn price_mode(mode: PriceMode) -> &'static str {
    match mode {
        PriceMode::Inc => "INC",
        PriceMode::Exc => "EXC",
    }
}

/// With an explicit offset: without one Brightpearl guesses (BP §a.2).
pub(crate) fn date(at: Timestamp) -> String {
    format!("{at:.0}")
}

/// An amount in the currency's minor unit, with all its decimals.
pub(crate) fn amount(amount: Decimal, decimals: u32) -> String {
    let places = usize::try_from(decimals).unwrap_or_default();
    format!("{:.places$}", round(amount, decimals))
}

impl Client {
    /// Makes a sales order, all of it or nothing. The same key makes no second one (BP §e.2). `None`: it is there, but the reply
    /// does not name it.
    ///
    /// # Errors
    /// [`CallError`]; after `Uncertain` the same order may be sent again.
    pub async fn create_sales_order(&self, order: &NewSalesOrder, guard: SendGuard) -> Result<Option<SalesOrderId>, CallError> {
        let place = place(&["order-service", "sales-order", ""], "/order-service/sales-order/");
        let body = serde_json::to_value(OrderBody::of(order)).map_err(|_cause| CallError::not_sent("the sales order cannot be written as JSON"))?;
        let reply = self.send(Method::Post, place, Some(&body), guard).await?;
        reply::created_id(&reply, "a new sales order").map(|id| id.map(SalesOrderId))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orderbridge_schema::ids::{
        ChannelId, ContactId, InstallationId, LeadSourceId, PriceListId, ProductId, SalesOrderStatusId, ShippingMethodId, StoreOrderId, WarehouseId,
    };
    use serde_json::{Value, json};

    fn address() -> Address {
        Address {
            first_name: "Mara".into(),
            last_name: "Lind".into(),
            street_1: "7 Quay St".into(),
            city: "Bristol".into(),
            state: "Avon".into(),
            postcode: "BS1 4XX".into(),
            country_iso2: "GB".into(),
            phone: "+44 117 000 0000".into(),
            email: "mara@example.com".into(),
            ..Address::default()
        }
    }

    fn row(product: Option<u64>, name: &str, quantity: u32, net: &str, tax: &str) -> NewRow {
        NewRow {
            external_ref: "bc-line-551".into(),
            product: product.map(ProductId),
            name: name.into(),
            quantity,
            net: net.parse().unwrap(),
            tax: tax.parse().unwrap(),
            tax_code: "T20".into(),
            nominal_code: product.is_none().then(|| "4040".into()),
            line: None,
            details: Vec::new(),
        }
    }

    fn order(currency: &str) -> NewSalesOrder {
        NewSalesOrder {
            order: StoreOrderId(9001),
            part: 0,
            external_ref: "bc-store7-9001".into(),
            installation: InstallationId(41),
            contact: ContactId(30011),
            reference: "9001".into(),
            placed_at: "2026-03-02T09:14:55.25Z".parse().unwrap(),
            status: Some(SalesOrderStatusId(17)),
            agreed_with: orderbridge_schema::ids::StoreStatusId(11),
            channel: ChannelId(5),
            warehouse: WarehouseId(2),
            price_list: Some(PriceListId(2)),
            price_mode: PriceMode::Exc,
            lead_source: Some(LeadSourceId(3)),
            project: None,
            staff_owner: Some(ContactId(4)),
            currency: currency.into(),
            decimals: orderbridge_schema::money::minor_decimals(currency),
            exchange_rate: "1.15".parse().unwrap(),
            shipping_method: Some(ShippingMethodId(6)),
            billing: address(),
            delivery: Address { company: "Quay Ltd".into(), email: String::new(), ..address() },
            rows: vec![row(Some(5001), "Harbour mug", 2, "31", "6.2"), row(None, "Delivery", 1, "9.25", "1.85")],
        }
    }

    fn body(order: &NewSalesOrder) -> Value {
        serde_json::to_value(OrderBody::of(order)).unwrap()
    }

    #[test]
    fn a_sales_order_is_written_as_brightpearl_wants_it() {
        let billing = json!({
            "addressFullName": "Mara Lind", "addressLine1": "7 Quay St", "addressLine2": "", "addressLine3": "Bristol", "addressLine4": "Avon",
            "postalCode": "BS1 4XX", "countryIsoCode": "GB", "telephone": "+44 117 000 0000", "email": "mara@example.com",
        });
        let mut delivery = billing.clone();
        delivery.as_object_mut().unwrap().remove("email");
        delivery["companyName"] = "Quay Ltd".into();
        let expected = json!({
            "customer": {"id": 30011, "address": billing}, "billing": {"contactId": 30011, "address": billing},
            "delivery": {"shippingMethodId": 6, "address": delivery},
            "ref": "9001", "externalRef": "bc-store7-9001", "installedIntegrationInstanceId": 41,
            "placedOn": "2026-03-02T09:14:55Z", "taxDate": "2026-03-02T09:14:55Z",
            "statusId": 17, "warehouseId": 2, "channelId": 5, "leadSourceId": 3, "staffOwnerId": 4, "priceListId": 2, "priceModeCode": "EXC",
            "currency": {"code": "GBP", "fixedExchangeRate": true, "exchangeRate": "1.150000"},
            "rows": [
                {"productId": 5001, "name": "Harbour mug", "quantity": "2", "taxCode": "T20", "net": "31.00", "tax": "6.20", "externalRef": "bc-line-551"},
                {"name": "Delivery", "quantity": "1", "taxCode": "T20", "net": "9.25", "tax": "1.85", "nominalCode": "4040", "externalRef": "bc-line-551"},
            ],
        });
        assert_eq!(body(&order("GBP")), expected);
    }

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        for (currency, net) in [("GBP", "31.00"), ("JPY", "31"), ("KWD", "31.000")] {
            assert_eq!(body(&order(currency))["rows"][0]["net"], net, "{currency}");
        }
    }

    #[test]
    fn what_the_rules_do_not_name_is_left_to_brightpearl() {
        let plain = NewSalesOrder { status: None, price_list: None, lead_source: None, staff_owner: None, shipping_method: None, ..order("GBP") };
        let body = body(&plain);
        for field in ["statusId", "priceListId", "leadSourceId", "projectId", "staffOwnerId"] {
            assert!(body.get(field).is_none(), "{field}");
        }
        assert!(body["delivery"].get("shippingMethodId").is_none());
    }

    #[test]
    fn the_second_street_line_moves_up_where_the_first_is_empty() {
        let address = Address { street_1: " ".into(), street_2: "Flat 2".into(), ..address() };
        let body = serde_json::to_value(AddressBody::alone(&address)).unwrap();
        assert_eq!((body["addressLine1"].as_str(), body["addressLine2"].as_str()), (Some("Flat 2"), Some("")));
        assert!(body.get("addressFullName").is_none());
    }
}
