//! How the shopper pays.

use rust_decimal::Decimal;
use serde_json::Value;

use super::{only, refuse};
use crate::bigcommerce::context::Context;
use crate::bigcommerce::order::payment::Transaction;
use crate::bigcommerce::status;
use crate::bigcommerce::value::{decimal_at, flag_at, int_at, text_at};
use crate::core::ApiResponse;

/// How an order is paid.
pub(super) struct Payment {
    kind: String,
    pub(super) method: String,
    gateway: String,
    pub(super) status: i64,
    /// Whether gift certificate and store credit have records of their own, or the order's fields alone tell of them (BC §j).
    tender_records: bool,
}

impl Payment {
    /// Reads `payment`: a kind, or an object with `kind`, `method` (the text shown), `gateway` and `tender_records`.
    pub(super) fn read(body: &Value) -> Result<Self, ApiResponse> {
        let wish = body.get("payment").unwrap_or(&Value::Null);
        let kind = wish.as_str().or_else(|| text_at(wish, "kind")).unwrap_or("card").to_owned();
        let (method, gateway, status) = match kind.as_str() {
            "card" => ("Credit Card", "stripe", status::AWAITING_FULFILMENT),
            "authorize" => ("Credit Card", "braintree", status::AWAITING_FULFILMENT),
            "wallet" => ("PayPal", "paypalexpress", status::AWAITING_FULFILMENT),
            "offline" => ("Bank Deposit", "bankdeposit", status::AWAITING_PAYMENT),
            "none" => ("", "", status::AWAITING_PAYMENT),
            "declined" => ("Credit Card", "stripe", status::DECLINED),
            "pending" => ("Bank Transfer", "banktransfer", status::AWAITING_PAYMENT),
            _ => {
                return Err(refuse("payment.kind must be card, authorize, wallet, offline, none, declined or pending"));
            }
        };
        let shown = text_at(wish, "method").or_else(|| text_at(body, "payment_method")).unwrap_or(method);
        let gateway = text_at(wish, "gateway").unwrap_or(gateway).to_owned();
        let tender_records = flag_at(wish, "tender_records").unwrap_or(true);
        Ok(Self { method: shown.to_owned(), gateway, kind, status, tender_records })
    }
}

/// Payment records: gift certificate and store credit first, the rest by the chosen method.
pub(super) fn pay(ctx: &mut Context<'_>, id: i64, payment: &Payment) {
    let Some(order) = ctx.store.orders.get_mut(&id) else {
        return;
    };
    let rest = order.totals.total.inc - order.store_credit - order.gift_certificate;
    let (event, method, status) = match payment.kind.as_str() {
        "authorize" => ("authorization", "credit_card", "authorized"),
        "wallet" => ("purchase", "electronic_wallet", "captured"),
        "card" => ("purchase", "credit_card", "captured"),
        "declined" => ("purchase", "credit_card", "declined"),
        "pending" => ("pending", "offsite", "pending"),
        _ => ("", "", ""),
    };
    let mut rows = Vec::new();
    if payment.tender_records {
        rows.push(("purchase", "gift_certificate", "giftcertificate", order.gift_certificate));
        rows.push(("purchase", "store_credit", "storecredit", order.store_credit));
    }
    if !event.is_empty() {
        rows.push((event, method, payment.gateway.as_str(), rest));
        status.clone_into(&mut order.payment_status);
        order.payment_provider_id = format!("pi_{id}");
    }
    payment.method.clone_into(&mut order.payment_method);
    let at = ctx.now;
    for (event, method, gateway, amount) in rows.into_iter().filter(|(.., amount)| amount > &Decimal::ZERO) {
        let (event, method, gateway) = (event.to_owned(), method.to_owned(), gateway.to_owned());
        let transaction =
            Transaction { id: 0, event, method, amount, gateway, ok: payment.kind != "declined", reference: None, at, test: false, currency: None };
        ctx.store.add_transaction(id, transaction);
    }
}

/// A payment record of any kind, as a gateway or staff would leave it (BC §d.9).
pub(super) fn record(ctx: &mut Context<'_>, id: i64, body: &Value) -> Result<(), ApiResponse> {
    only(body, &["event", "method", "gateway", "amount", "ok", "test", "reference", "currency", "payment_status"])?;
    let event = text_at(body, "event").unwrap_or("purchase").to_owned();
    if !["purchase", "authorization", "capture", "refund", "void", "pending", "settled"].contains(&event.as_str()) {
        return Err(refuse("event must be purchase, authorization, capture, refund, void, pending or settled"));
    }
    let amount = decimal_at(body, "amount").ok_or_else(|| refuse("amount must be a number"))?;
    let (method, gateway) = (text_at(body, "method").unwrap_or("credit_card"), text_at(body, "gateway").unwrap_or("stripe"));
    let transaction = Transaction {
        id: 0,
        event,
        method: method.to_owned(),
        amount,
        gateway: gateway.to_owned(),
        ok: flag_at(body, "ok").unwrap_or(true),
        reference: int_at(body, "reference"),
        at: ctx.now,
        test: flag_at(body, "test").unwrap_or(false),
        currency: text_at(body, "currency").map(str::to_owned),
    };
    ctx.store.add_transaction(id, transaction);
    if let Some(status) = text_at(body, "payment_status") {
        if let Some(order) = ctx.store.orders.get_mut(&id) {
            status.clone_into(&mut order.payment_status);
        }
        let now = ctx.now;
        ctx.store.touch(id, now);
    }
    Ok(())
}
