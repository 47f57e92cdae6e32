//! Customer payments (BP §i.1).

use orderbridge_http_client::{CallError, Method, SendGuard};
use orderbridge_schema::command::{NewPayment, PaymentKind};
use orderbridge_schema::facts::SalesOrderPayment;
use orderbridge_schema::ids::{PaymentId, SalesOrderId};
use orderbridge_schema::money::{DECIMALS_MAX, round};
use orderbridge_schema::work::Share;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::client::{Client, Place, place};
use crate::search::Row;
use crate::{lenient, reply};

/// Decimals of an exchange rate, at most (BP §i.1).
const RATE_DECIMALS: u32 = 6;
const COLUMNS: &str = "paymentId,transactionRef,paymentMethodCode,paymentType,amountAuthorized,amountPaid,orderId";

/// A number as the platform's samples have it; as text where a JSON number would not come back with the same digits.
fn number(number: Decimal) -> Value {
    let text = number.normalize().to_string();
    let written = serde_json::from_str::<Value>(&text).ok().filter(|value| lenient::decimal(&value.to_string()) == Some(number));
    written.unwrap_or(Value::String(text))
}

fn body(payment: &NewPayment) -> Value {
    let field = if payment.kind.moves_money() { "amountPaid" } else { "amountAuthorized" };
    let mut body = json!({
        "transactionRef": payment.reference,
        "paymentMethodCode": payment.method,
        "paymentType": payment.kind.as_str(),
        "orderId": payment.sales_order.0,
        "currencyIsoCode": payment.currency,
        "paymentDate": format!("{:.0}", payment.paid_at),
        "journalRef": format!("BigCommerce order {}", payment.order),
        field: number(round(payment.amount, DECIMALS_MAX)),
    });
    let optional = [
        ("transactionCode", payment.code.clone().map(Value::from)),
        ("exchangeRate", payment.rate.map(|rate| number(round(rate, RATE_DECIMALS)))),
        ("authorizationExpiry", payment.expires_at.map(|at| Value::from(format!("{at:.0}")))),
    ];
    let fields = optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    if let Some(body) = body.as_object_mut() {
        body.extend(fields);
    }
    body
}

fn payment(row: Row<'_>) -> Option<SalesOrderPayment> {
    let number = |column: &str| lenient::decimal(&row.text(column)).unwrap_or_default();
    let (paid, authorized) = (number("amountPaid"), number("amountAuthorized"));
    Some(SalesOrderPayment {
        id: PaymentId(row.id("paymentId")?),
        reference: row.text("transactionRef"),
        method: row.text("paymentMethodCode"),
        kind: row.text("paymentType").parse::<PaymentKind>().ok(),
        amount: if paid.is_zero() { authorized } else { paid },
    })
}

impl Client {
    /// Books a payment. Brightpearl takes the same reference once per method (BP §i.1). `None`: it is there, but the reply does not name
    /// it.
    ///
    /// # Errors
    /// [`CallError`]. A refusal may mean that it was booked before: look for it, since the code does not tell (BP §m.2).
    pub async fn create_payment(&self, payment: &NewPayment, guard: SendGuard) -> Result<Option<PaymentId>, CallError> {
        let place = place(&["accounting-service", "customer-payment"], "/accounting-service/customer-payment");
        let reply = self.send(Method::Post, place, Some(&body(payment)), guard).await?;
        reply::created_id(&reply, "a new payment").map(|id| id.map(PaymentId))
    }

    /// All payments of a sales order, whoever made them.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn payments_of_order(&self, order: SalesOrderId, share: Share) -> Result<Vec<SalesOrderPayment>, CallError> {
        let id = order.to_string();
        let query = [("orderId", id.as_str()), ("columns", COLUMNS)];
        let template = "/accounting-service/customer-payment-search";
        let place = Place { segments: &["accounting-service", "customer-payment-search"], query: &query, template };
        // The filter may match more than it was asked for: each row is looked at again.
        self.search(place, share, |page, row| payment(row).filter(|_| !page.has("orderId") || row.id("orderId") == Some(order.0))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orderbridge_schema::ids::StoreOrderId;

    fn new(kind: PaymentKind, amount: &str, currency: &str) -> NewPayment {
        NewPayment {
            order: StoreOrderId(9001),
            sales_order: SalesOrderId(70001),
            reference: "bc-abc-txn-44120".into(),
            method: "STRIPE".into(),
            kind,
            code: Some("44119".into()),
            amount: amount.parse().unwrap(),
            currency: currency.into(),
            rate: "1.17120000".parse().ok(),
            paid_at: "2026-03-02T09:15:00Z".parse().unwrap(),
            expires_at: None,
        }
    }

    #[test]
    fn money_and_promises_stand_in_fields_of_their_own() {
        let receipt = body(&new(PaymentKind::Capture, "48.3", "GBP"));
        let expected = json!({
            "transactionRef": "bc-abc-txn-44120", "transactionCode": "44119", "paymentMethodCode": "STRIPE", "paymentType": "CAPTURE", "orderId": 70001,
            "currencyIsoCode": "GBP", "exchangeRate": 1.1712, "amountPaid": 48.3, "paymentDate": "2026-03-02T09:15:00Z",
            "journalRef": "BigCommerce order 9001",
        });
        assert_eq!(receipt, expected);
        let mut promise = new(PaymentKind::Auth, "500.0000", "JPY");
        promise.expires_at = "2026-03-09T09:15:00Z".parse().ok();
        (promise.rate, promise.code) = (None, None);
        let promise = body(&promise);
        assert_eq!((&promise["amountAuthorized"], &promise["authorizationExpiry"]), (&json!(500), &json!("2026-03-09T09:15:00Z")));
        assert_eq!(number("12345678901234567.89".parse().unwrap()), json!("12345678901234567.89"), "no digit is lost");
        for absent in ["amountPaid", "exchangeRate", "transactionCode"] {
            assert!(promise.get(absent).is_none(), "{absent}");
        }
    }
}
