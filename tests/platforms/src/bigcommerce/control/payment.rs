//! How the shopper pays.

use rust_decimal::Decimal;
use serde_json::Value;

use super::refuse;
use crate::bigcommerce::context::Context;
use crate::bigcommerce::order::payment::Transaction;
use crate::bigcommerce::status;
use crate::bigcommerce::value::text_at;
use crate::core::ApiResponse;

/// How an order is paid.
pub(super) struct Payment {
    kind: String,
    pub(super) method: String,
    gateway: String,
    pub(super) status: i64,
}

impl Payment {
    /// Reads `payment`: a kind, or an object with `kind`, `method` (the text shown) and `gateway`.
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
        Ok(Self { method: shown.to_owned(), gateway, kind, status })
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
    let mut rows = vec![
        ("purchase", "gift_certificate", "giftcertificate", order.gift_certificate),
        ("purchase", "store_credit", "storecredit", order.store_credit),
    ];
    if !event.is_empty() {
        rows.push((event, method, payment.gateway.as_str(), rest));
        status.clone_into(&mut order.payment_status);
        order.payment_provider_id = format!("pi_{id}");
    }
    payment.method.clone_into(&mut order.payment_method);
    let at = ctx.now;
    for (event, method, gateway, amount) in rows.into_iter().filter(|(.., amount)| amount > &Decimal::ZERO) {
        let (event, method, gateway) = (event.to_owned(), method.to_owned(), gateway.to_owned());
        let transaction = Transaction { id: 0, event, method, amount, gateway, ok: payment.kind != "declined", reference: None, at };
        ctx.store.add_transaction(id, transaction);
    }
}
