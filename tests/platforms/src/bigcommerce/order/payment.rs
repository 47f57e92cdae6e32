//! Transactions, capture and void (BC §d.9).

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::bigcommerce::context::Context;
use crate::bigcommerce::reply::{Page, Reply, v3_error};
use crate::bigcommerce::state::{Effect, Store};
use crate::bigcommerce::value::{iso, number};
use crate::core::ApiResponse;

/// One payment record.
#[derive(Debug, Clone)]
pub(in crate::bigcommerce) struct Transaction {
    pub(in crate::bigcommerce) id: i64,
    /// `purchase`, `authorization`, `capture`, `refund`, `void`, `pending` or `settled`.
    pub(in crate::bigcommerce) event: String,
    pub(in crate::bigcommerce) method: String,
    pub(in crate::bigcommerce) amount: Decimal,
    pub(in crate::bigcommerce) gateway: String,
    pub(in crate::bigcommerce) ok: bool,
    pub(in crate::bigcommerce) reference: Option<i64>,
    pub(in crate::bigcommerce) at: Timestamp,
    /// The gateway was in test mode.
    pub(in crate::bigcommerce) test: bool,
    /// Currency, if it is not the order's.
    pub(in crate::bigcommerce) currency: Option<String>,
}

impl Transaction {
    /// As V3 shows it: `order_id` is text, absent parts are `{}` or null (BC §d.9).
    fn show(&self, order: i64, currency: &str) -> Value {
        let card = self.method == "credit_card";
        json!({
            "id": self.id, "order_id": order.to_string(), "event": self.event, "method": self.method,
            "amount": number(self.amount), "currency": self.currency.as_deref().unwrap_or(currency), "gateway": self.gateway,
            "gateway_transaction_id": if card { format!("gw-{}", self.id) } else { String::new() },
            "payment_method_id": if card { format!("{}.card", self.gateway) } else { String::new() },
            "date_created": iso(self.at), "test": self.test, "status": if self.ok { "ok" } else { "error" },
            "fraud_review": false, "reference_transaction_id": self.reference,
            "offline": if self.method == "offline" { json!({ "display_name": "Manual" }) } else { json!({}) },
            "custom": if self.method == "custom" { json!({ "payment_method": "Custom" }) } else { json!({}) },
            "credit_card": if card {
                json!({ "card_type": "visa", "card_iin": "411111", "card_last4": "1111", "card_expiry_month": 12,
                    "card_expiry_year": 2030 })
            } else { json!({}) },
            "gift_certificate": if self.method == "gift_certificate" {
                json!({ "code": "GIFT-1", "original_balance": number(self.amount),
                    "starting_balance": number(self.amount), "remaining_balance": 0, "status": "active" })
            } else { json!({}) },
            "store_credit": if self.method == "store_credit" { json!({ "remaining_balance": 0 }) } else { json!({}) },
            "avs_result": {}, "cvv_result": {}, "custom_provider_field_result": {},
        })
    }
}

impl Store {
    /// Adds a payment record and tells hooks. Gives its id.
    pub(in crate::bigcommerce) fn add_transaction(&mut self, order_id: i64, mut transaction: Transaction) -> i64 {
        let id = self.next_id("transaction", 176_342_342);
        transaction.id = id;
        let at = transaction.at;
        let text = |text: &str| json!(text);
        let data = vec![
            ("type", text("transaction")),
            ("order_id", json!(order_id.to_string())),
            ("transaction_id", json!(id.to_string())),
            ("transaction_status", text(if transaction.ok { "complete" } else { "error" })),
            ("transaction_type", json!(transaction.event)),
            ("result", json!({ "code": "", "message": "", "type": "" })),
            ("platform_transaction_id", json!(id.to_string())),
            ("provider_transaction_id", json!(format!("gw-{id}"))),
        ];
        if let Some(order) = self.orders.get_mut(&order_id) {
            order.transactions.push(transaction);
        }
        self.emit("store/order/transaction/created", data, at);
        id
    }
}

/// `GET /v3/orders/{id}/transactions`: 204 when there are none.
pub(in crate::bigcommerce) fn list(ctx: &Context<'_>, id: i64) -> Reply {
    if ctx.method() != "GET" {
        return Err(v3_error(405, "Method not allowed"));
    }
    let order = ctx.order(id)?;
    if order.transactions.is_empty() {
        return Ok(ApiResponse::empty(204));
    }
    let page = Page::v3(ctx.request, 250, ctx.clamps())?;
    let rows = order.transactions.iter().map(|transaction| transaction.show(id, &order.currency)).collect();
    Ok(page.v3_list(ctx.request, rows))
}

/// `POST …/payment_actions/capture` and `/void`: accepted, done later.
pub(in crate::bigcommerce) fn act(ctx: &mut Context<'_>, id: i64, action: &str) -> Reply {
    if ctx.method() != "POST" {
        return Err(v3_error(405, "Method not allowed"));
    }
    if ctx.order(id)?.payment_status != "authorized" {
        return Err(v3_error(422, &format!("The payment of this order does not allow {action}.")));
    }
    let due = ctx.now + SignedDuration::from_millis(ctx.store.settings.payment_delay_ms);
    if let Some(order) = ctx.store.orders.get_mut(&id) {
        order.payment_status = format!("{action} pending");
    }
    let effect = if action == "capture" { Effect::Capture { order_id: id } } else { Effect::Void { order_id: id } };
    ctx.store.pending.push((due, effect));
    let now = ctx.now;
    ctx.store.touch(id, now);
    Ok(ApiResponse::json(201, &json!({})))
}

/// A capture has gone through.
pub(in crate::bigcommerce) fn captured(store: &mut Store, id: i64, now: Timestamp) {
    finish(store, id, ("authorization", "capture"), "captured", now);
}

/// A void has gone through.
pub(in crate::bigcommerce) fn voided(store: &mut Store, id: i64, now: Timestamp) {
    finish(store, id, ("authorization", "void"), "void", now);
}

/// A pending payment has arrived.
pub(in crate::bigcommerce) fn settled(store: &mut Store, id: i64, now: Timestamp) {
    finish(store, id, ("pending", "settled"), "paid", now);
}

fn finish(store: &mut Store, id: i64, (earlier, event): (&str, &str), payment_status: &str, now: Timestamp) {
    let Some(order) = store.orders.get_mut(&id) else {
        return;
    };
    payment_status.clone_into(&mut order.payment_status);
    let Some(first) = order.transactions.iter().find(|known| known.event == earlier && known.ok).cloned() else {
        return;
    };
    let next = Transaction { event: event.to_owned(), reference: Some(first.id), at: now, ..first };
    store.add_transaction(id, next);
    store.touch(id, now);
}
