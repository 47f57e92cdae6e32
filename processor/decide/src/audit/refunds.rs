//! Refunds side by side: what went back at the store, and what is booked as paid out.
//!
//! A refund's payments carry `bc-{store}-refund-{id}-{payment}`, on the sales order or on a sales credit (BP §e.8). What somebody booked by
//! hand over the same amount counts as well.

use std::collections::BTreeSet;

use orderbridge_schema::audit::{BookedPayment, DifferenceKind, Money, MoneyWay, RefundFigures, Window};
use orderbridge_schema::decision::Effect;
use orderbridge_schema::ids::{PaymentId, SalesOrderId, StoreHash};
use rust_decimal::Decimal;

use super::cause::{self, Reason};
use super::orders::{build, sum};
use super::{Findings, OrderBooks, refund_of_key};
use crate::facts::Context;

/// Compares what the store paid back for an order with what is booked.
pub(super) fn compare(ctx: &Context<'_>, window: Window, books: &OrderBooks, findings: &mut Findings) {
    let (Some(order), Some(link)) = (books.store_order(), books.facts.links.first()) else { return };
    let currency = order.currency.to_ascii_uppercase();
    let comparison = Comparison { store: ctx.store, window, books, currency, sales_order: link.sales_order };
    let mut matched: BTreeSet<PaymentId> = BTreeSet::new();
    // Those with a key first, so that what was entered by hand is left for those without.
    let (keyed, others): (Vec<&RefundFigures>, Vec<&RefundFigures>) =
        books.refunds.iter().partition(|refund| !comparison.keyed(refund.id).is_empty());
    for refund in keyed.into_iter().chain(others) {
        comparison.one(refund, &mut matched, findings);
    }
    comparison.extra(&matched, findings);
}

struct Comparison<'a> {
    store: &'a StoreHash,
    window: Window,
    books: &'a OrderBooks,
    currency: String,
    sales_order: SalesOrderId,
}

impl Comparison<'_> {
    fn one(&self, refund: &RefundFigures, matched: &mut BTreeSet<PaymentId>, findings: &mut Findings) {
        let paid_back = refund.paid_back();
        let booked = match self.keyed(refund.id) {
            keyed if keyed.is_empty() => self.by_hand(paid_back, matched).into_iter().collect(),
            keyed => keyed,
        };
        matched.extend(booked.iter().map(|payment| payment.id));
        let counted = self.window.has(refund.created_at);
        if counted && !paid_back.is_zero() {
            findings.book(&self.currency).refunds.store.add(paid_back);
        }
        for payment in booked.iter().filter(|_| counted) {
            findings.book(&self.currency_of(payment)).refunds.brightpearl.add(payment.amount);
        }
        let store = Some(Money { amount: paid_back, currency: self.currency.clone() });
        let reference = Some(format!("bc-{}-refund-{}", self.store, refund.id));
        let Some(first) = booked.first() else {
            if !paid_back.is_zero() && (counted || self.books.all_payments) {
                let why = "what the store paid back is not booked in Brightpearl: enter it there, or look at the order's timeline";
                let reason = cause::of(self.books, |effect| effect == Effect::Refund, why);
                let order = Some(refund.order);
                findings.differ(build(DifferenceKind::RefundMissing, order, Some(self.sales_order), reference, store, None, counted, reason));
            }
            return;
        };
        let theirs = Money { amount: sum(booked.iter().map(|payment| payment.amount)), currency: self.currency_of(first) };
        if theirs.amount != paid_back || theirs.currency != self.currency {
            let reason = cause::of(self.books, |effect| effect == Effect::Refund, "it is booked with another amount than the store paid back");
            let on = first.order.or(Some(self.sales_order));
            findings.differ(build(DifferenceKind::RefundDiffers, Some(refund.order), on, reference, store, Some(theirs), counted, reason));
        }
    }

    /// Money out that no refund stands for.
    fn extra(&self, matched: &BTreeSet<PaymentId>, findings: &mut Findings) {
        for payment in self.books.payments.iter().filter(|payment| self.is_out(payment) && !matched.contains(&payment.id)) {
            let counted = payment.paid_at.is_some_and(|at| self.window.has(at));
            if counted {
                findings.book(&self.currency_of(payment)).refunds.brightpearl.add(payment.amount);
            }
            let is_ours = refund_of_key(self.store, &payment.reference).is_some();
            let reason = if is_ours {
                Reason::new("unknown", "the store has no such refund of the order")
            } else {
                Reason::new("entered-by-hand", "it carries no key of ours, and no refund of the order has its amount")
            };
            let theirs = Money { amount: payment.amount, currency: self.currency_of(payment) };
            let reference = Some(payment.reference.clone()).filter(|_| is_ours);
            let on = payment.order.or(Some(self.sales_order));
            findings.differ(build(DifferenceKind::RefundExtra, Some(self.books.facts.id), on, reference, None, Some(theirs), counted, reason));
        }
    }

    fn keyed(&self, refund: u64) -> Vec<&BookedPayment> {
        self.books.payments.iter().filter(|payment| self.is_out(payment) && refund_of_key(self.store, &payment.reference) == Some(refund)).collect()
    }

    /// Money out over that amount, entered by somebody and not taken for another refund.
    fn by_hand(&self, amount: Decimal, matched: &BTreeSet<PaymentId>) -> Option<&BookedPayment> {
        self.books.payments.iter().find(|payment| {
            let is_free = !matched.contains(&payment.id) && refund_of_key(self.store, &payment.reference).is_none();
            self.is_out(payment) && is_free && payment.amount == amount && !amount.is_zero()
        })
    }

    fn is_out(&self, payment: &BookedPayment) -> bool {
        // Whatever type a refund's payment is given, its key tells what it is.
        payment.way == MoneyWay::Out || refund_of_key(self.store, &payment.reference).is_some()
    }

    fn currency_of(&self, payment: &BookedPayment) -> String {
        if payment.currency.is_empty() { self.currency.clone() } else { payment.currency.clone() }
    }
}
