//! A store order as an audit keeps it between its pages: what is compared, and nothing about a person.

use jiff::Timestamp;
use orderbridge_schema::facts::{Address, Charge, StoreOrder};
use orderbridge_schema::ids::{StoreChannelId, StoreCustomerId, StoreOrderId, StoreStatusId};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) id: StoreOrderId,
    status: StoreStatusId,
    created_at: Timestamp,
    modified_at: Timestamp,
    is_guest: bool,
    currency: String,
    total: Decimal,
    tax: Decimal,
    store_credit: Decimal,
    gift_certificates: Decimal,
    payment_method: String,
    payment_status: String,
    deleted: bool,
    channel: StoreChannelId,
    source: String,
    external_source: String,
}

impl From<StoreOrder> for Entry {
    fn from(order: StoreOrder) -> Self {
        Self {
            id: order.id,
            status: order.status,
            created_at: order.created_at,
            modified_at: order.modified_at,
            is_guest: order.customer.0 == 0,
            currency: order.currency,
            total: order.total,
            tax: order.tax,
            store_credit: order.store_credit,
            gift_certificates: order.gift_certificates,
            payment_method: order.payment_method,
            payment_status: order.payment_status,
            deleted: order.deleted,
            channel: order.channel,
            source: order.source,
            external_source: order.external_source,
        }
    }
}

impl From<Entry> for StoreOrder {
    /// What was not kept is empty: nothing that is compared depends on it.
    fn from(entry: Entry) -> Self {
        let nothing = || Charge { gross: Decimal::ZERO, tax: Decimal::ZERO };
        Self {
            id: entry.id,
            status: entry.status,
            created_at: entry.created_at,
            modified_at: entry.modified_at,
            customer: StoreCustomerId(u64::from(!entry.is_guest)),
            currency: entry.currency,
            store_currency: String::new(),
            store_rate: None,
            total: entry.total,
            tax: entry.tax,
            shipping: nothing(),
            handling: nothing(),
            wrapping: nothing(),
            discount: Decimal::ZERO,
            coupon_discount: Decimal::ZERO,
            store_credit: entry.store_credit,
            gift_certificates: entry.gift_certificates,
            payment_method: entry.payment_method,
            payment_status: entry.payment_status,
            billing: Address::default(),
            address_count: 0,
            digital: false,
            deleted: entry.deleted,
            channel: entry.channel,
            source: entry.source,
            external_source: entry.external_source,
            external_order_id: String::new(),
            customer_message: String::new().into(),
            staff_notes: String::new().into(),
        }
    }
}
