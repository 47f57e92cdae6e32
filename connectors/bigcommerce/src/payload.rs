//! Orders, addresses and shipments as V2 writes them, and how they become facts (BC §d.2, §d.4, §d.5). Unknown fields are ignored; nothing here leaves the crate.

use jiff::Timestamp;
use orderbridge_schema::facts::{Address, Charge, OrderAddress, StoreOrder, StoreShipment};
use orderbridge_schema::ids::{OrderAddressId, OrderLineId, ShipmentId, StoreChannelId, StoreCustomerId, StoreOrderId, StoreStatusId};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::lenient;

/// An order (BC §d.2).
#[derive(Deserialize)]
pub(crate) struct OrderPayload {
    #[serde(deserialize_with = "lenient::required_whole")]
    id: u64,
    #[serde(deserialize_with = "lenient::whole")]
    status_id: u64,
    #[serde(deserialize_with = "lenient::required_moment")]
    date_created: Timestamp,
    #[serde(default, deserialize_with = "lenient::moment")]
    date_modified: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient::whole")]
    customer_id: u64,
    #[serde(default, deserialize_with = "lenient::text")]
    default_currency_code: String,
    #[serde(default, deserialize_with = "lenient::text")]
    currency_code: String,
    #[serde(default, deserialize_with = "lenient::text")]
    store_default_currency_code: String,
    #[serde(default, deserialize_with = "lenient::optional_money")]
    store_default_to_transactional_exchange_rate: Option<Decimal>,
    #[serde(deserialize_with = "lenient::required_money")]
    total_inc_tax: Decimal,
    #[serde(deserialize_with = "lenient::required_money")]
    total_tax: Decimal,
    #[serde(default, deserialize_with = "lenient::money")]
    shipping_cost_inc_tax: Decimal,
    #[serde(default, deserialize_with = "lenient::money")]
    shipping_cost_tax: Decimal,
    #[serde(default, deserialize_with = "lenient::money")]
    handling_cost_inc_tax: Decimal,
    #[serde(default, deserialize_with = "lenient::money")]
    handling_cost_tax: Decimal,
    #[serde(default, deserialize_with = "lenient::money")]
    wrapping_cost_inc_tax: Decimal,
    #[serde(default, deserialize_with = "lenient::money")]
    wrapping_cost_tax: Decimal,
    #[serde(default, deserialize_with = "lenient::money")]
    discount_amount: Decimal,
    #[serde(default, deserialize_with = "lenient::money")]
    coupon_discount: Decimal,
    #[serde(default, deserialize_with = "lenient::money")]
    store_credit_amount: Decimal,
    #[serde(default, deserialize_with = "lenient::money")]
    gift_certificate_amount: Decimal,
    #[serde(default, deserialize_with = "lenient::text")]
    payment_method: String,
    #[serde(default, deserialize_with = "lenient::text")]
    payment_status: String,
    #[serde(default, deserialize_with = "lenient::object")]
    billing_address: AddressPayload,
    #[serde(default, deserialize_with = "lenient::count")]
    pub(crate) shipping_address_count: u32,
    #[serde(default)]
    items_total: Option<Box<RawValue>>,
    /// Consignments if they were asked for and are given, else a link or nothing (BC §d.4).
    #[serde(default)]
    pub(crate) consignments: Option<Box<RawValue>>,
    /// Likewise.
    #[serde(default)]
    pub(crate) fees: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "lenient::flag")]
    order_is_digital: bool,
    #[serde(default, deserialize_with = "lenient::flag")]
    is_deleted: bool,
    #[serde(default, deserialize_with = "lenient::whole")]
    channel_id: u64,
    #[serde(default, deserialize_with = "lenient::text")]
    external_order_id: String,
    #[serde(default, deserialize_with = "lenient::text")]
    order_source: String,
    #[serde(default, deserialize_with = "lenient::text")]
    external_source: String,
    #[serde(default, deserialize_with = "lenient::text")]
    customer_message: String,
    #[serde(default, deserialize_with = "lenient::text")]
    staff_notes: String,
}

impl OrderPayload {
    /// How many pieces all lines have together, if it says so in a form that can be read: an order is not unreadable for want of it.
    pub(crate) fn items_total(&self) -> Option<u64> {
        self.items_total.as_deref()?.get().trim().trim_matches('"').parse().ok()
    }
}

impl From<OrderPayload> for StoreOrder {
    fn from(order: OrderPayload) -> Self {
        let currency = if order.default_currency_code.is_empty() { order.currency_code } else { order.default_currency_code };
        Self {
            id: StoreOrderId(order.id),
            status: StoreStatusId(order.status_id),
            created_at: order.date_created,
            modified_at: order.date_modified.unwrap_or(order.date_created),
            customer: StoreCustomerId(order.customer_id),
            currency,
            store_currency: order.store_default_currency_code,
            store_rate: order.store_default_to_transactional_exchange_rate.filter(|rate| *rate > Decimal::ZERO),
            total: order.total_inc_tax,
            tax: order.total_tax,
            shipping: Charge { gross: order.shipping_cost_inc_tax, tax: order.shipping_cost_tax },
            handling: Charge { gross: order.handling_cost_inc_tax, tax: order.handling_cost_tax },
            wrapping: Charge { gross: order.wrapping_cost_inc_tax, tax: order.wrapping_cost_tax },
            discount: order.discount_amount,
            coupon_discount: order.coupon_discount,
            store_credit: order.store_credit_amount,
            gift_certificates: order.gift_certificate_amount,
            payment_method: order.payment_method,
            payment_status: order.payment_status,
            billing: order.billing_address.into(),
            address_count: order.shipping_address_count,
            digital: order.order_is_digital,
            deleted: order.is_deleted,
            // Orders from before channels existed are the default storefront's.
            channel: StoreChannelId(order.channel_id.max(1)),
            source: order.order_source,
            external_source: order.external_source,
            external_order_id: order.external_order_id,
            customer_message: order.customer_message.into(),
            staff_notes: order.staff_notes.into(),
        }
    }
}

/// The address fields that orders and their delivery addresses share (BC §d.2, §d.4).
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct AddressPayload {
    #[serde(deserialize_with = "lenient::text")]
    first_name: String,
    #[serde(deserialize_with = "lenient::text")]
    last_name: String,
    #[serde(deserialize_with = "lenient::text")]
    company: String,
    #[serde(deserialize_with = "lenient::text")]
    street_1: String,
    #[serde(deserialize_with = "lenient::text")]
    street_2: String,
    #[serde(deserialize_with = "lenient::text")]
    city: String,
    #[serde(deserialize_with = "lenient::text")]
    state: String,
    #[serde(deserialize_with = "lenient::text")]
    zip: String,
    #[serde(deserialize_with = "lenient::text")]
    country_iso2: String,
    #[serde(deserialize_with = "lenient::text")]
    phone: String,
    #[serde(deserialize_with = "lenient::text")]
    email: String,
    #[serde(deserialize_with = "lenient::whole")]
    id: u64,
    #[serde(deserialize_with = "lenient::text")]
    shipping_method: String,
    #[serde(deserialize_with = "lenient::count")]
    items_total: u32,
    #[serde(deserialize_with = "lenient::count")]
    items_shipped: u32,
}

impl From<AddressPayload> for Address {
    fn from(address: AddressPayload) -> Self {
        Self {
            first_name: address.first_name,
            last_name: address.last_name,
            company: address.company,
            street_1: address.street_1,
            street_2: address.street_2,
            city: address.city,
            state: address.state,
            postcode: address.zip,
            country_iso2: address.country_iso2,
            phone: address.phone,
            email: address.email,
        }
    }
}

impl From<AddressPayload> for OrderAddress {
    fn from(mut address: AddressPayload) -> Self {
        Self {
            id: OrderAddressId(address.id),
            shipping_method: std::mem::take(&mut address.shipping_method),
            items_total: address.items_total,
            items_shipped: address.items_shipped,
            address: address.into(),
        }
    }
}

/// A shipment (BC §d.5).
#[derive(Deserialize)]
pub(crate) struct ShipmentPayload {
    #[serde(deserialize_with = "lenient::required_whole")]
    id: u64,
    #[serde(default, deserialize_with = "lenient::whole")]
    order_address_id: u64,
    #[serde(default, deserialize_with = "lenient::text")]
    comments: String,
    #[serde(default, deserialize_with = "lenient::text")]
    tracking_number: String,
    #[serde(deserialize_with = "lenient::required_moment")]
    date_created: Timestamp,
    #[serde(default, deserialize_with = "lenient::list")]
    items: Vec<ShippedItem>,
}

#[derive(Deserialize)]
struct ShippedItem {
    #[serde(deserialize_with = "lenient::required_whole")]
    order_product_id: u64,
    #[serde(default, deserialize_with = "lenient::count")]
    quantity: u32,
}

impl From<ShipmentPayload> for StoreShipment {
    fn from(shipment: ShipmentPayload) -> Self {
        let items = shipment.items.into_iter().map(|item| (OrderLineId(item.order_product_id), item.quantity));
        Self {
            id: ShipmentId(shipment.id),
            address: OrderAddressId(shipment.order_address_id),
            comments: shipment.comments,
            tracking_number: shipment.tracking_number,
            created_at: shipment.date_created,
            items: items.collect(),
        }
    }
}
