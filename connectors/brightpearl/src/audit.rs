//! Searches that an audit reads: sales orders and customer payments by their date (BP §e.4, §i.1).

use orderbridge_http_client::CallError;
use orderbridge_schema::audit::{BookedPayment, MoneyWay, Window};
use orderbridge_schema::ids::{ChannelId, PaymentId, SalesOrderId, StoreOrderId};
use orderbridge_schema::work::Share;
use serde::{Deserialize, Serialize};

use crate::client::{Client, Place, id_sets};
use crate::lenient;
use crate::search::{Page, Row};

/// `orderTypeId` of sales orders (BP §e.4).
const SALES_ORDER_TYPE: &str = "1";
/// Sales orders in one filter: with ids far apart the address still stays below 8 kB.
const IDS_FILTERED: usize = 200;
const ORDER_COLUMNS: &str = "orderId,orderTypeId,customerRef,parentOrderId,externalRef,departmentId,placedOn";
const PAYMENT_COLUMNS: &str = "paymentId,transactionRef,paymentType,orderId,currencyCode,amountAuthorized,amountPaid,paymentDate";

/// A sales order that a search by date found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedOrder {
    /// Its id.
    pub id: SalesOrderId,
    /// The key it was made under; empty if by none.
    pub external_ref: String,
    /// The customer's reference.
    pub reference: String,
    /// The order it was made from, if any.
    pub parent: Option<SalesOrderId>,
}

/// A page of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<T> {
    /// The rows, by id.
    pub rows: Vec<T>,
    /// Where the further page begins, if there is one.
    pub next: Option<u32>,
}

/// Brightpearl's dates have parts of seconds, and a period its own end: what is dated at the very end is left out when it was read.
fn period(window: Window) -> String {
    format!("{:.0}/{:.0}", window.from, window.to)
}

fn is_in(window: Window, row: &Row<'_>, dated: &str) -> bool {
    row.moment(dated).is_none_or(|at| window.has(at))
}

fn placed(row: Row<'_>) -> Option<PlacedOrder> {
    let id = SalesOrderId(row.id("orderId")?);
    let parent = row.id("parentOrderId").map(SalesOrderId);
    Some(PlacedOrder { id, external_ref: row.text("externalRef"), reference: row.text("customerRef"), parent })
}

fn payment(row: Row<'_>) -> Option<BookedPayment> {
    let number = |column: &str| lenient::decimal(&row.text(column)).unwrap_or_default();
    let (paid, authorized) = (number("amountPaid"), number("amountAuthorized"));
    let amount = if paid.is_zero() { authorized } else { paid };
    // A payment is also undone with a negative one (BP §e.5).
    let way = match MoneyWay::of(&row.text("paymentType")) {
        MoneyWay::In if amount.is_sign_negative() && !amount.is_zero() => MoneyWay::Out,
        way => way,
    };
    Some(BookedPayment {
        id: PaymentId(row.id("paymentId")?),
        reference: row.text("transactionRef"),
        way,
        order: row.id("orderId").map(SalesOrderId),
        currency: row.text("currencyCode").to_ascii_uppercase(),
        amount: amount.abs(),
        paid_at: row.moment("paymentDate"),
    })
}

impl Client {
    /// Sales orders of a channel placed in a window, at most 500, from the `first` (1) on. The order's own date is the one that the shopper
    /// ordered at, where an integration made it.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn orders_of_window(&self, window: Window, channel: ChannelId, first: u32, share: Share) -> Result<Found<PlacedOrder>, CallError> {
        let (period, channel) = (period(window), channel.to_string());
        let query = [
            ("placedOn", period.as_str()),
            ("orderTypeId", SALES_ORDER_TYPE),
            ("departmentId", channel.as_str()),
            ("sort", "orderId.ASC"),
            ("columns", ORDER_COLUMNS),
        ];
        let place = Place { segments: &["order-service", "order-search"], query: &query, template: "/order-service/order-search" };
        let page = self.search_page(place, first, share).await?;
        Ok(found(&page, |row| placed(row).filter(|_| is_in(window, &row, "placedOn"))))
    }

    /// Sales orders with one of these store order numbers as their customer's reference, in any channel: a call for 200 numbers.
    ///
    /// # Errors
    /// [`CallError`] of the first call that failed.
    pub async fn orders_with_numbers(&self, numbers: &[StoreOrderId], share: Share) -> Result<Vec<PlacedOrder>, CallError> {
        let mut all = Vec::new();
        for chunk in numbers.chunks(IDS_FILTERED) {
            let wanted = chunk.iter().map(ToString::to_string).collect::<Vec<_>>();
            let references = wanted.join(",");
            let query = [("customerRefs", references.as_str()), ("columns", "salesOrderId,customerRef,externalRef")];
            let place = Place { segments: &["order-service", "sales-order-search"], query: &query, template: "/order-service/sales-order-search" };
            let found = |row: Row<'_>| {
                let id = SalesOrderId(row.id("salesOrderId")?);
                let (external_ref, reference) = (row.text("externalRef"), row.text("customerRef"));
                wanted.contains(&reference).then_some(PlacedOrder { id, external_ref, reference, parent: None })
            };
            all.extend(self.search(place, share, |_, row| found(row)).await?);
        }
        Ok(all)
    }

    /// Customer payments of the account dated in a window, at most 500, from the `first` (1) on.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn payments_of_window(&self, window: Window, first: u32, share: Share) -> Result<Found<BookedPayment>, CallError> {
        let period = period(window);
        let query = [("paymentDate", period.as_str()), ("sort", "paymentId.ASC"), ("columns", PAYMENT_COLUMNS)];
        let page = self.search_page(payments(&query), first, share).await?;
        Ok(found(&page, |row| payment(row).filter(|_| is_in(window, &row, "paymentDate"))))
    }

    /// All payments of these sales orders, whatever their date.
    ///
    /// # Errors
    /// [`CallError`] of the first call that failed.
    pub async fn payments_of_orders(&self, orders: &[SalesOrderId], share: Share) -> Result<Vec<BookedPayment>, CallError> {
        let mut all = Vec::new();
        for set in id_sets(orders.iter().map(|order| order.0), IDS_FILTERED) {
            let query = [("orderId", set.as_str()), ("columns", PAYMENT_COLUMNS)];
            // The filter may match more than it was asked for: each row is looked at again.
            let wanted = |row: BookedPayment| Some(row).filter(|row| row.order.is_none_or(|order| orders.contains(&order)));
            all.extend(self.search(payments(&query), share, |_, row| payment(row).and_then(wanted)).await?);
        }
        Ok(all)
    }

    /// Payments with that key, whatever they are booked on.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn payments_with_reference(&self, reference: &str, share: Share) -> Result<Vec<BookedPayment>, CallError> {
        let query = [("transactionRef", reference), ("columns", PAYMENT_COLUMNS)];
        self.search(payments(&query), share, |_, row| payment(row).filter(|found| found.reference == reference)).await
    }
}

const fn payments<'a>(query: &'a [(&'a str, &'a str)]) -> Place<'a> {
    Place { segments: &["accounting-service", "customer-payment-search"], query, template: "/accounting-service/customer-payment-search" }
}

fn found<T>(page: &Page, pick: impl Fn(Row<'_>) -> Option<T>) -> Found<T> {
    Found { rows: page.rows().filter_map(pick).collect(), next: page.more.then_some(page.next_result) }
}
