//! What a store says was given back for an order (BC §d.9).

use jiff::Timestamp;
use orderbridge_http_client::CallError;
use orderbridge_schema::facts::{Refund, RefundItem, RefundPayment, Refunds};
use orderbridge_schema::ids::{RefundId, StoreOrderId};
use orderbridge_schema::work::Share;
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::client::{Client, place};
use crate::{lenient, reply};

#[derive(Deserialize)]
struct RefundPayload {
    #[serde(deserialize_with = "lenient::required_whole")]
    id: u64,
    #[serde(deserialize_with = "lenient::required_moment")]
    created: Timestamp,
    #[serde(deserialize_with = "lenient::required_money")]
    total_amount: Decimal,
    #[serde(deserialize_with = "lenient::required_money")]
    total_tax: Decimal,
    #[serde(default)]
    items: Vec<ItemPayload>,
    #[serde(default)]
    payments: Vec<PaymentPayload>,
}

#[derive(Deserialize)]
struct ItemPayload {
    #[serde(default, deserialize_with = "lenient::text")]
    item_type: String,
    #[serde(default, deserialize_with = "lenient::whole")]
    item_id: u64,
    #[serde(default, deserialize_with = "lenient::count")]
    quantity: u32,
}

#[derive(Deserialize)]
struct PaymentPayload {
    #[serde(deserialize_with = "lenient::required_whole")]
    id: u64,
    #[serde(default, deserialize_with = "lenient::text")]
    provider_id: String,
    #[serde(deserialize_with = "lenient::required_money")]
    amount: Decimal,
    #[serde(default, deserialize_with = "lenient::flag")]
    offline: bool,
    #[serde(default, deserialize_with = "lenient::flag")]
    is_declined: bool,
}

impl From<RefundPayload> for Refund {
    fn from(refund: RefundPayload) -> Self {
        let payment = |payment: PaymentPayload| RefundPayment {
            id: payment.id,
            provider: payment.provider_id,
            amount: payment.amount,
            offline: payment.offline,
            declined: payment.is_declined,
        };
        Self {
            id: RefundId(refund.id),
            created_at: refund.created,
            total: refund.total_amount,
            tax: refund.total_tax,
            items: refund.items.into_iter().map(|item| RefundItem::of(&item.item_type, item.item_id, item.quantity)).collect(),
            payments: refund.payments.into_iter().map(payment).collect(),
        }
    }
}

impl Client {
    /// The refunds of an order. A token that may not read them is an answer, so that the order's other affairs go on.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn refunds(&self, order: StoreOrderId, share: Share) -> Result<Refunds, CallError> {
        let id = order.to_string();
        let segments = ["v3", "orders", &id, "payment_actions", "refunds"];
        match self.get(place(&segments, "/v3/orders/{id}/payment_actions/refunds"), share).await {
            Ok(reply) if reply::is_empty(&reply) => Ok(Refunds::Read(Vec::new())),
            Ok(reply) => {
                let rows: Vec<RefundPayload> = reply::data(&reply, "an order's refunds")?;
                Ok(Refunds::Read(rows.into_iter().map(Refund::from).collect()))
            }
            Err(CallError::NotFound) => Ok(Refunds::Read(Vec::new())),
            Err(error @ CallError::Refused { .. }) => Ok(Refunds::Refused(error.to_string())),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orderbridge_schema::ids::OrderLineId;
    use serde_json::json;

    #[test]
    fn a_refund_is_read_with_what_it_is_for_and_how_it_was_paid_back() {
        let refund = json!({"id": 3, "order_id": 225, "user_id": 3334, "created": "2026-03-02T10:00:00+00:00", "reason": "damaged",
            "total_amount": 36.0, "total_tax": "6.0", "uses_merchant_override_values": false,
            "items": [{"item_type": "PRODUCT", "item_id": 188, "quantity": 1, "requested_amount": null, "adjustments": []},
                {"item_type": "SHIPPING", "item_id": 127, "quantity": 1, "requested_amount": "6.0"}, {"item_type": "ORDER", "item_id": 225}],
            "payments": [{"id": 9, "provider_id": "stripe", "amount": 36.0, "offline": false, "is_declined": true, "transaction_id": "88"}]});
        let refund: Refund = serde_json::from_value::<RefundPayload>(refund).unwrap().into();
        assert_eq!((refund.id, refund.total, refund.tax), (RefundId(3), "36".parse().unwrap(), "6".parse().unwrap()));
        let amounts = ["delivery", "part of the order"].map(|what| RefundItem::Amount(what.into()));
        assert_eq!(refund.items[0], RefundItem::Product { line: OrderLineId(188), quantity: 1 });
        assert_eq!(refund.items[1..], amounts);
        assert_eq!((refund.payments[0].id, refund.payments[0].provider.as_str(), refund.payments[0].declined), (9, "stripe", true));
    }

    #[test]
    fn one_without_items_is_read_and_one_without_a_total_is_not() {
        let bare = json!({"id": "4", "created": "2026-03-02T10:00:00Z", "total_amount": "1.20", "total_tax": 1.2});
        let refund: Refund = serde_json::from_value::<RefundPayload>(bare).unwrap().into();
        assert!(refund.items.is_empty() && refund.payments.is_empty());
        assert!(serde_json::from_value::<RefundPayload>(json!({"id": 4, "created": "2026-03-02T10:00:00Z", "total_tax": 0})).is_err());
    }
}
