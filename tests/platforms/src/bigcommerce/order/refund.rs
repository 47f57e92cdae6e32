//! Refund quotes and refunds (BC §d.9).

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::model::Order;
use super::payment::Transaction;
use super::refund_price::{Wanted, read};
use super::stock::stocked;
use crate::bigcommerce::context::Context;
use crate::bigcommerce::reply::{Page, Reply, id_list_param, v3, v3_error, v3_field_error, v3_not_found};
use crate::bigcommerce::state::Store;
use crate::bigcommerce::status::{PARTIALLY_REFUNDED, REFUNDED};
use crate::bigcommerce::value::{decimal_at, flag_at, iso_offset, list_at, number, parse_date, text_at};

/// One refund.
#[derive(Debug, Clone)]
pub(in crate::bigcommerce) struct Refund {
    pub(in crate::bigcommerce) id: i64,
    created: Timestamp,
    reason: String,
    pub(in crate::bigcommerce) total: Decimal,
    pub(in crate::bigcommerce) tax: Decimal,
    overridden: bool,
    items: Vec<Value>,
    payments: Vec<Value>,
}

impl Refund {
    pub(in crate::bigcommerce) fn show(&self, order: i64) -> Value {
        json!({ "id": self.id, "order_id": order, "user_id": 3334, "created": iso_offset(self.created),
            "reason": self.reason, "total_amount": number(self.total), "total_tax": number(self.tax),
            "uses_merchant_override_values": self.overridden, "items": self.items, "payments": self.payments })
    }
}

/// The sets of payment methods a refund of this size may use.
fn methods(order: &Order, total: Decimal) -> Vec<Value> {
    let mut sets = Vec::new();
    let online = order.transactions.iter().find(|known| known.ok && ["purchase", "capture"].contains(&known.event.as_str()));
    if let Some(paid) = online {
        sets.push(json!([{ "provider_id": paid.gateway, "provider_description": paid.gateway, "amount": number(total),
            "offline": false, "offline_provider": false, "offline_reason": "" }]));
    }
    for (provider, description) in [("storecredit", "Store credit"), ("custom", "Custom")] {
        sets.push(json!([{ "provider_id": provider, "provider_description": description, "amount": number(total),
            "offline": true, "offline_provider": true, "offline_reason": "This is an offline payment provider." }]));
    }
    sets
}

/// `POST …/refund_quotes`.
pub(in crate::bigcommerce) fn quote(ctx: &mut Context<'_>, id: i64) -> Reply {
    if ctx.method() != "POST" {
        return Err(v3_error(405, "Method not allowed"));
    }
    let body = ctx.v3_body()?;
    let order = ctx.order(id)?;
    let wanted = read(order, &body)?;
    let sets = methods(order, wanted.total);
    let data = json!({ "order_id": id, "total_refund_amount": number(wanted.total),
        "total_refund_tax_amount": number(wanted.tax), "rounding": 0, "adjustment": 0,
        "tax_inclusive": order.terms.inclusive, "order_level_refund_amount": number(wanted.order_level),
        "refund_methods": sets });
    ctx.store.quoted.insert(id, sets);
    Ok(v3(201, &data))
}

/// `…/payment_actions/refunds` of one order.
pub(in crate::bigcommerce) fn route(ctx: &mut Context<'_>, id: i64) -> Reply {
    match ctx.method() {
        "GET" => {
            let rows: Vec<Value> = ctx.order(id)?.refunds.iter().map(|refund| refund.show(id)).collect();
            Ok(v3(200, &json!(rows)))
        }
        "POST" => {
            let body = ctx.v3_body()?;
            let wanted = read(ctx.order(id)?, &body)?;
            check_payments(ctx.order(id)?, ctx.store.quoted.get(&id), &body, &wanted)?;
            let now = ctx.now;
            let refund = ctx.store.refund(id, &wanted, &body, now);
            ctx.store.quoted.remove(&id);
            Ok(v3(201, &refund))
        }
        _ => Err(v3_error(405, "Method not allowed")),
    }
}

/// The payments must be one of the offered sets and add up to the refund.
fn check_payments(order: &Order, quoted: Option<&Vec<Value>>, body: &Value, wanted: &Wanted) -> Result<(), crate::core::ApiResponse> {
    let payments = list_at(body, "payments");
    let paid: Decimal = payments.iter().filter_map(|row| decimal_at(row, "amount")).sum();
    if payments.is_empty() || paid != wanted.total {
        let why = format!("must add up to {}", wanted.total);
        return Err(v3_field_error(422, "The payments do not match the refund.", "payments", &why));
    }
    let provider = |row: &Value| text_at(row, "provider_id").unwrap_or_default().to_owned();
    let wish: Vec<String> = payments.iter().map(provider).collect();
    if order.customer_id == 0 && wish.iter().any(|name| name == "storecredit") {
        let error = json!({ "data": [{ "status": 422, "title": "Unable to provide store credit for a guest customer.", "type": "/api-docs/getting-started/api-status-codes" }] });
        return Err(crate::core::ApiResponse::json(422, &error));
    }
    let sets = quoted.cloned().unwrap_or_else(|| methods(order, wanted.total));
    let offered = sets.iter().any(|set| set.as_array().is_some_and(|set| set.iter().map(provider).collect::<Vec<_>>() == wish));
    if offered {
        return Ok(());
    }
    Err(v3_field_error(422, "The payments do not match the refund.", "payments", "is not one of the offered methods"))
}

impl Store {
    /// Refunds: record, transaction, status 4 or 14, events.
    pub(in crate::bigcommerce) fn refund(&mut self, order_id: i64, wanted: &Wanted, body: &Value, now: Timestamp) -> Value {
        let id = self.next_id("refund", 1);
        let mut payments = Vec::new();
        for row in list_at(body, "payments") {
            payments.push(self.pay_back(order_id, row, wanted.declined, now));
        }
        let refund = Refund {
            id,
            created: now,
            reason: text_at(body, "reason").unwrap_or_default().to_owned(),
            total: wanted.total,
            tax: wanted.tax,
            overridden: body.get("merchant_calculated_override").is_some(),
            items: wanted.items.clone(),
            payments,
        };
        let shown = refund.show(order_id);
        self.book(order_id, refund, wanted, now);
        self.emit_order(order_id, "refund/created", vec![("refund", json!({ "refund_id": id }))], now);
        let status = self.orders.get(&order_id).map_or(REFUNDED, |order| {
            let back: Decimal = order.refunds.iter().map(|refund| refund.total).sum();
            if back >= order.totals.total.inc { REFUNDED } else { PARTIALLY_REFUNDED }
        });
        self.set_status(order_id, status, now);
        self.touch(order_id, now);
        shown
    }

    fn pay_back(&mut self, order_id: i64, row: &Value, declined: bool, now: Timestamp) -> Value {
        let amount = decimal_at(row, "amount").unwrap_or_default();
        let provider = text_at(row, "provider_id").unwrap_or_default().to_owned();
        let offline = flag_at(row, "offline").unwrap_or(false);
        let paid = self.orders.get(&order_id).and_then(|order| order.transactions.iter().find(|known| known.gateway == provider));
        let (method, reference) = paid.map_or(("offline".to_owned(), None), |paid| (paid.method.clone(), Some(paid.id)));
        let method = if provider == "storecredit" { "store_credit".to_owned() } else { method };
        let event = "refund".to_owned();
        let transaction =
            Transaction { id: 0, event, method, amount, gateway: provider.clone(), ok: !declined, reference, at: now, test: false, currency: None };
        let transaction = self.add_transaction(order_id, transaction);
        json!({ "id": self.next_id("refund payment", 1), "provider_id": provider, "amount": number(amount),
            "offline": offline, "is_declined": declined, "declined_message": if declined { "The provider declined the refund." } else { "" },
            "transaction_id": transaction.to_string() })
    }

    /// Counts refunded pieces; stock comes back only where the merchant has set that for the control panel's refunds.
    fn book(&mut self, order_id: i64, refund: Refund, wanted: &Wanted, now: Timestamp) {
        let mut back = Vec::new();
        let Some(order) = self.orders.get_mut(&order_id) else {
            return;
        };
        for (line_id, quantity) in &wanted.pieces {
            if let Some(line) = order.lines.iter_mut().find(|line| line.id == *line_id) {
                line.refunded += quantity;
                back.extend(stocked(line).map(|(variant, _)| (variant, *quantity)));
            }
        }
        let full: Decimal = order.refunds.iter().map(|known| known.total).sum::<Decimal>() + refund.total;
        let status = if full >= order.totals.total.inc { "refunded" } else { "partially refunded" };
        if !order.payment_status.is_empty() {
            status.clone_into(&mut order.payment_status);
        }
        order.refunds.push(refund);
        if wanted.restock && order.stock_taken {
            for (variant, quantity) in back {
                self.move_stock(variant, quantity, now);
            }
        }
    }
}

/// `GET /v3/orders/payment_actions/refunds[/{id}]`.
pub(in crate::bigcommerce) fn list_all(ctx: &Context<'_>, rest: &[&str]) -> Reply {
    if ctx.method() != "GET" {
        return Err(v3_error(405, "Method not allowed"));
    }
    let all = ctx.store.orders.values().flat_map(|order| order.refunds.iter().map(move |refund| (order.id, refund)));
    if let [id] = rest {
        let found = all.into_iter().find(|(_, refund)| refund.id.to_string() == *id);
        return found.map(|(order, refund)| v3(200, &refund.show(order))).ok_or_else(|| v3_not_found("The refund was"));
    }
    let page = Page::v3(ctx.request, 250, ctx.clamps())?;
    let (orders, ids) = (id_list_param(ctx.request, "order_id:in"), id_list_param(ctx.request, "id:in"));
    let bound = |name: &str| ctx.request.param(name).and_then(parse_date).map(|at| at.as_second());
    let (after, before) = (bound("created:min"), bound("created:max"));
    let transaction = ctx.request.param("transaction_id").filter(|text| !text.is_empty());
    let paid_by = |refund: &Refund, id: &str| refund.payments.iter().any(|payment| text_at(payment, "transaction_id") == Some(id));
    let mut rows: Vec<(i64, Value)> = all
        .filter(|(order, _)| orders.as_ref().is_none_or(|wanted| wanted.contains(order)))
        .filter(|(_, refund)| ids.as_ref().is_none_or(|wanted| wanted.contains(&refund.id)))
        .filter(|(_, refund)| after.is_none_or(|at| refund.created.as_second() >= at))
        .filter(|(_, refund)| before.is_none_or(|at| refund.created.as_second() <= at))
        .filter(|(_, refund)| transaction.is_none_or(|id| paid_by(refund, id)))
        .map(|(order, refund)| (refund.id, refund.show(order)))
        .collect();
    rows.sort_by_key(|(id, _)| *id);
    Ok(page.v3_list(ctx.request, rows.into_iter().map(|(_, row)| row).collect()))
}
