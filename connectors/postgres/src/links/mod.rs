//! Remembered pairs of ids, and all that is known about an order.

mod agree;
mod customer;
mod extras;
mod find;
mod in_step;
mod linked;
mod marks;
mod payment;
mod refund;
mod state;
mod write;

use std::collections::BTreeMap;

use jiff::Timestamp;
use orderbridge_schema::command::{CommandKind, PaymentKind};
use orderbridge_schema::decision::Agreement;
use orderbridge_schema::edit::{Absence, InStep, Missing, NowInStep};
use orderbridge_schema::facts::SaidOfCustomer;
use orderbridge_schema::ids::{SalesOrderId, StoreOrderId, TenantId};
use orderbridge_schema::link::{ContactLink, OrderLink, PaymentLink, RowLink, ShipmentLink};
use orderbridge_schema::order_text::SentText;
use orderbridge_schema::refund::RefundMark;
use orderbridge_schema::reservation::ReservationMark;
use orderbridge_schema::seen::StatusSet;
use rust_decimal::Decimal;

use crate::journal::JournalEntry;
use crate::work::StoredHold;

pub(crate) use agree::agree_on;
pub use linked::LinkedIn;
pub(crate) use marks::see_on;
pub(crate) use write::write_links;

/// A link to be remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewLink {
    /// A store order and its sales order.
    Order(TenantId, OrderLink),
    /// The exchange rate that a linked sales order was made with; behind its link.
    Rate(TenantId, SalesOrderId, Decimal),
    /// A note and its shipment.
    Shipment(TenantId, ShipmentLink),
    /// Something paid and its payment, in the command's account.
    Payment(TenantId, PaymentLink),
    /// A shopper and their contact, in the command's account.
    Contact(ContactLink),
    /// How far a reservation has come.
    Reservation(TenantId, StoreOrderId, ReservationMark),
    /// What stands of a text on a sales order.
    Text(TenantId, StoreOrderId, SentText),
    /// What a store had carried to a customer's contact.
    Customer(TenantId, SaidOfCustomer),
    /// How far a refund has come, in the command's account.
    Refund(TenantId, StoreOrderId, RefundMark),
    /// Both sides are in step.
    InStep(TenantId, StoreOrderId, NowInStep),
    /// Something of an order was missed.
    Absence(TenantId, StoreOrderId, Absence),
    /// What was missed is there.
    FoundAgain(TenantId, StoreOrderId, Missing),
}

/// Whether a comparison of a sales order with its store order was remembered.
#[must_use = "a comparison that was not stored must be made again"]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// With the holds it led to.
    Stored,
    /// The order has no such link.
    NotLinked,
    /// The rules changed since it was decided: decide again.
    Outdated,
}

/// All that is remembered about one store order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OrderState {
    /// Sales orders made from it.
    pub links: Vec<OrderLink>,
    /// The exchange rates that they were made with, where we made them.
    pub exchange_rates: BTreeMap<SalesOrderId, Decimal>,
    /// Its lines' rows.
    pub rows: Vec<RowLink>,
    /// Shipments made from notes.
    pub shipments: Vec<ShipmentLink>,
    /// Payments booked.
    pub payments: Vec<PaymentLink>,
    /// What it said of its payment when all of it was booked.
    pub paid_as_seen: Option<String>,
    /// How far its refunds have come.
    pub refunds: Vec<RefundMark>,
    /// What it said of its refunds when all of them were booked.
    pub refunds_as_seen: Option<String>,
    /// The last agreed statuses.
    pub agreed: Option<Agreement>,
    /// Effects that wait.
    pub holds: Vec<StoredHold>,
    /// How far its sales orders' reservations have come.
    pub reservations: Vec<ReservationMark>,
    /// What stands of its texts on its sales orders.
    pub sent_texts: Vec<SentText>,
    /// What its sales orders had in common with it when they were in step.
    pub in_step: Vec<InStep>,
    /// What of it was missed.
    pub absences: Vec<Absence>,
    /// Commands on the order or its sales orders that are sent, in doubt, or confirmed with their id unknown.
    pub unsettled: Vec<JournalEntry>,
    /// Statuses it was seen in, while it has no sales order.
    pub seen: StatusSet,
    /// The sales order that a person says stands for it, while it has none.
    pub wanted_adoption: Option<SalesOrderId>,
}

impl OrderState {
    /// Whether a sales order was sent for it and it is not known whether it was made.
    #[must_use]
    pub fn creation_in_doubt(&self) -> bool {
        self.unsettled.iter().any(|entry| entry.key.kind == orderbridge_schema::command::CommandKind::CreateSalesOrder)
    }

    /// When shipments whose outcome is unknown were sent, by the mark that their command's key holds.
    #[must_use]
    pub fn shipments_in_doubt(&self) -> BTreeMap<String, Timestamp> {
        let shipments = self.unsettled.iter().filter(|entry| entry.key.kind == CommandKind::CreateShipment);
        shipments.filter_map(|entry| Some((entry.key.id.clone(), entry.sent_at?))).collect()
    }

    /// Payments that may be booked, by our key, with the method and kind that they were sent with.
    pub fn payments_in_doubt(&self) -> impl Iterator<Item = (String, String, PaymentKind)> {
        let payments = self.unsettled.iter().filter(|entry| entry.key.kind == CommandKind::CreatePayment);
        payments.filter_map(|entry| {
            let sent = |name: &str| entry.explanation.pointer(&format!("/payment/{name}"))?.as_str();
            Some((entry.key.id.clone(), sent("method")?.to_owned(), sent("kind")?.parse().ok()?))
        })
    }
}
