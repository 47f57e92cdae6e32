//! Lists that an audit reads: orders by id, and refunds by their date (BC §d.1, §d.9).

use jiff::Timestamp;
use orderbridge_http_client::CallError;
use orderbridge_schema::audit::{RefundFigures, RefundPayment, Window};
use orderbridge_schema::facts::StoreOrder;
use orderbridge_schema::ids::StoreOrderId;
use orderbridge_schema::work::Share;
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::client::{Client, PAGE, Place};
use crate::orders::OrderPage;
use crate::payload::OrderPayload;
use crate::{lenient, reply};

/// Most ids of one `order_id:in`: an address must stay below 8 kB.
const IDS_IN: usize = 200;

#[derive(Deserialize)]
struct RefundPayload {
    #[serde(deserialize_with = "lenient::required_whole")]
    id: u64,
    #[serde(deserialize_with = "lenient::required_whole")]
    order_id: u64,
    #[serde(deserialize_with = "lenient::required_moment")]
    created: Timestamp,
    #[serde(default, deserialize_with = "lenient::money")]
    total_amount: Decimal,
    #[serde(default, deserialize_with = "lenient::list")]
    payments: Vec<PaymentPayload>,
}

#[derive(Deserialize)]
struct PaymentPayload {
    #[serde(default, deserialize_with = "lenient::whole")]
    id: u64,
    #[serde(default, deserialize_with = "lenient::money")]
    amount: Decimal,
    #[serde(default, deserialize_with = "lenient::flag")]
    is_declined: bool,
}

impl From<RefundPayload> for RefundFigures {
    fn from(refund: RefundPayload) -> Self {
        let payment = |payment: PaymentPayload| RefundPayment { id: payment.id, amount: payment.amount, declined: payment.is_declined };
        Self {
            id: refund.id,
            order: StoreOrderId(refund.order_id),
            total: refund.total_amount,
            payments: refund.payments.into_iter().map(payment).collect(),
            created_at: refund.created,
        }
    }
}

/// A page of refunds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundPage {
    /// In no order that counts.
    pub refunds: Vec<RefundFigures>,
    /// Whether a further page may have some.
    pub more: bool,
}

impl Client {
    /// Orders placed before the window's end that changed since it began, 250 with the lowest ids behind `after`. Going on by id instead
    /// of by page, nothing is passed over while orders change.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn orders_of_window(&self, window: Window, after: StoreOrderId, share: Share) -> Result<OrderPage, CallError> {
        let (from, last) = (format!("{:.0}", window.from), format!("{:.0}", window.last_second()));
        let (first, limit) = (after.0.saturating_add(1).to_string(), PAGE.to_string());
        let query = [
            ("min_date_modified", from.as_str()),
            ("max_date_created", last.as_str()),
            ("min_id", first.as_str()),
            ("sort", "id:asc"),
            ("limit", limit.as_str()),
        ];
        let reply = self.get(Place { segments: &["v2", "orders"], query: &query, template: "/v2/orders" }, share).await?;
        let orders: Vec<StoreOrder> = reply::list::<OrderPayload>(&reply, "the orders")?.into_iter().map(StoreOrder::from).collect();
        Ok(OrderPage { more: orders.len() >= PAGE, orders })
    }

    /// One page (from 1, of 250) of the refunds made in a window, of any order.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn refunds_of_window(&self, window: Window, page: u32, share: Share) -> Result<RefundPage, CallError> {
        let (from, to) = (format!("{:.0}", window.from), format!("{:.0}", window.to));
        let mut read = self.refund_page(&[("created:min", from.as_str()), ("created:max", to.as_str())], page, share).await?;
        // Whether dates have parts of seconds is not told, and the filter has its own end.
        read.refunds.retain(|refund| window.has(refund.created_at));
        Ok(read)
    }

    /// All refunds of these orders.
    ///
    /// # Errors
    /// [`CallError`] of the first call that failed.
    pub async fn refunds_of_orders(&self, orders: &[StoreOrderId], share: Share) -> Result<Vec<RefundFigures>, CallError> {
        let mut refunds = Vec::new();
        for chunk in orders.chunks(IDS_IN) {
            let ids = chunk.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            let mut page = 1;
            loop {
                let read = self.refund_page(&[("order_id:in", ids.as_str())], page, share).await?;
                refunds.extend(read.refunds);
                if !read.more {
                    break;
                }
                page += 1;
            }
        }
        Ok(refunds)
    }

    async fn refund_page(&self, filters: &[(&str, &str)], page: u32, share: Share) -> Result<RefundPage, CallError> {
        let (page, limit) = (page.max(1).to_string(), PAGE.to_string());
        let query: Vec<_> = filters.iter().copied().chain([("page", page.as_str()), ("limit", limit.as_str())]).collect();
        let segments = ["v3", "orders", "payment_actions", "refunds"];
        let reply = self.get(Place { segments: &segments, query: &query, template: "/v3/orders/payment_actions/refunds" }, share).await;
        let reply = match reply {
            Ok(reply) => reply,
            Err(CallError::NotFound) => return Ok(RefundPage { refunds: Vec::new(), more: false }),
            Err(error) => return Err(error),
        };
        if reply::is_empty(&reply) {
            return Ok(RefundPage { refunds: Vec::new(), more: false });
        }
        let rows: Vec<RefundPayload> = reply::data(&reply, "the refunds")?;
        Ok(RefundPage { more: rows.len() >= PAGE, refunds: rows.into_iter().map(RefundFigures::from).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_refund_is_read_with_what_went_back() {
        let refund: RefundFigures =
            serde_json::from_value::<RefundPayload>(json!({"id": 3, "order_id": "225", "created": "2026-03-02T10:00:00+00:00",
            "total_amount": 36.0, "total_tax": 6.0, "items": [], "payments": [
                {"id": 9, "provider_id": "stripe", "amount": "30.00", "offline": false, "is_declined": false, "transaction_id": "88"},
                {"id": 10, "amount": 6, "is_declined": true}]}))
            .unwrap()
            .into();
        assert_eq!((refund.id, refund.order, refund.total), (3, StoreOrderId(225), Decimal::from(36)));
        assert_eq!((refund.payments.len(), refund.paid_back()), (2, Decimal::from(30)));
        let bare = json!({"id": 4, "order_id": 225, "created": "2026-03-02T10:00:00Z", "payments": null});
        let bare: RefundFigures = serde_json::from_value::<RefundPayload>(bare).unwrap().into();
        assert_eq!((bare.total, bare.paid_back()), (Decimal::ZERO, Decimal::ZERO));
    }
}
