//! What a store says was paid for an order (BC §d.9).

use jiff::Timestamp;
use orderbridge_http_client::CallError;
use orderbridge_schema::facts::{Transaction, TransactionEvent, Transactions};
use orderbridge_schema::ids::{StoreOrderId, TransactionId};
use orderbridge_schema::work::Share;
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::client::{Client, place};
use crate::{lenient, reply};

/// A payment record. Parts that do not apply are null or `{}`.
#[derive(Deserialize)]
struct TransactionPayload {
    #[serde(deserialize_with = "lenient::required_whole")]
    id: u64,
    #[serde(default, deserialize_with = "lenient::text")]
    event: String,
    #[serde(default, deserialize_with = "lenient::text")]
    method: String,
    #[serde(default, deserialize_with = "lenient::text")]
    gateway: String,
    #[serde(deserialize_with = "lenient::required_money")]
    amount: Decimal,
    #[serde(default, deserialize_with = "lenient::text")]
    currency: String,
    #[serde(default, deserialize_with = "lenient::text")]
    status: String,
    #[serde(default, deserialize_with = "lenient::flag")]
    test: bool,
    #[serde(default, deserialize_with = "lenient::whole")]
    reference_transaction_id: u64,
    #[serde(default, deserialize_with = "lenient::object")]
    offline: OfflinePayload,
    #[serde(default, deserialize_with = "lenient::object")]
    custom: CustomPayload,
    #[serde(deserialize_with = "lenient::required_moment")]
    date_created: Timestamp,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct OfflinePayload {
    #[serde(deserialize_with = "lenient::text")]
    display_name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CustomPayload {
    #[serde(deserialize_with = "lenient::text")]
    payment_method: String,
}

impl From<TransactionPayload> for Transaction {
    fn from(row: TransactionPayload) -> Self {
        Self {
            id: TransactionId(row.id),
            event: TransactionEvent::of(&row.event),
            method: row.method,
            gateway: row.gateway,
            amount: row.amount,
            currency: row.currency,
            ok: row.status.eq_ignore_ascii_case("ok"),
            test: row.test,
            continues: Some(row.reference_transaction_id).filter(|id| *id > 0).map(TransactionId),
            shown: if row.offline.display_name.is_empty() { row.custom.payment_method } else { row.offline.display_name },
            created_at: row.date_created,
        }
    }
}

impl Client {
    /// The payment records of an order: one page, since neither its size nor another one can be asked for (BC §d.9). Reading them takes a scope of its own: a token
    /// without it is an answer, so that the order's other affairs go on.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn transactions(&self, order: StoreOrderId, share: Share) -> Result<Transactions, CallError> {
        let id = order.to_string();
        let segments = ["v3", "orders", &id, "transactions"];
        match self.get(place(&segments, "/v3/orders/{id}/transactions"), share).await {
            Ok(reply) if reply::is_empty(&reply) => Ok(Transactions::Read(Vec::new())),
            Ok(reply) => {
                let rows: Vec<TransactionPayload> = reply::data(&reply, "an order's transactions")?;
                Ok(Transactions::Read(rows.into_iter().map(Transaction::from).collect()))
            }
            Err(CallError::NotFound) => Ok(Transactions::Read(Vec::new())),
            Err(error @ CallError::Refused { .. }) => Ok(Transactions::Refused(error.to_string())),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_record_is_read_however_nothing_is_spelt_in_it() {
        for nothing in [json!({}), json!(null), json!(0)] {
            let row = json!({"id": 88, "order_id": "225", "date_created": "2026-03-02T09:15:00+00:00", "event": "capture", "method": "credit_card",
                "amount": 48.3, "currency": "GBP", "gateway": "stripe", "status": "ok", "test": false, "reference_transaction_id": nothing,
                "credit_card": {"card_type": "visa"}, "avs_result": {}});
            let row: Transaction = serde_json::from_value::<TransactionPayload>(row).unwrap().into();
            assert_eq!((row.id, row.event, row.continues), (TransactionId(88), TransactionEvent::Capture, None));
            assert_eq!((row.amount, row.ok, row.test, row.shown.as_str()), ("48.3".parse().unwrap(), true, false, ""));
        }
        let offline = json!({"id": 9, "date_created": "2026-03-02T09:15:00Z", "event": "sent by pigeon", "amount": "5", "status": "error", "test": true,
            "reference_transaction_id": 8, "offline": {"display_name": "Bank Deposit"}, "custom": {}});
        let row: Transaction = serde_json::from_value::<TransactionPayload>(offline).unwrap().into();
        assert_eq!((row.event, row.ok, row.test, row.continues), (TransactionEvent::Other, false, true, Some(TransactionId(8))));
        assert_eq!(row.shown, "Bank Deposit");
    }
}
