//! Payments side by side, each by our key of it.

use std::collections::BTreeSet;

use orderbridge_schema::audit::{BookedPayment, DifferenceKind, Money, MoneyWay, Window};
use orderbridge_schema::decision::Effect;
use orderbridge_schema::facts::{StoreOrder, Transactions};
use orderbridge_schema::ids::{PaymentId, SalesOrderId};

use super::cause::{self, Reason};
use super::orders::{build, sum};
use super::{Findings, OrderBooks, is_our_payment, refund_of_key};
use crate::facts::Context;
use crate::payments::{Expected, expected};

const NOT_BOOKED: &str = "nothing that is remembered tells why: the sales order's payment may have been deleted in Brightpearl";

/// Compares what should be booked of an order with what is.
pub(super) fn compare(ctx: &Context<'_>, window: Window, books: &OrderBooks, findings: &mut Findings) {
    let (Some(order), Some(link)) = (books.store_order(), books.facts.links.first()) else { return };
    let comparison = Comparison { ctx, window, books, order, sales_order: link.sales_order };
    let mut matched: BTreeSet<PaymentId> = BTreeSet::new();
    for expected in expected(ctx, &books.facts, order, link) {
        comparison.one(&expected, &mut matched, findings);
    }
    comparison.extra(&matched, findings);
}

/// Tells of payments with our key that are booked on what stands for no order.
pub(super) fn strays(window: Window, strays: &[BookedPayment], findings: &mut Findings) {
    for payment in strays.iter().filter(|payment| payment.paid_at.is_some_and(|at| window.has(at))) {
        let kind = if payment.way == MoneyWay::Out { DifferenceKind::RefundExtra } else { DifferenceKind::PaymentExtra };
        let reason = Reason::new("not-linked", "it carries a key of ours and is booked on what stands for no order of the store");
        let book = findings.book(&payment.currency);
        match payment.way {
            MoneyWay::In => book.payments.brightpearl.add(payment.amount),
            MoneyWay::Out => book.refunds.brightpearl.add(payment.amount),
            MoneyWay::None => {}
        }
        let theirs = Money { amount: payment.amount, currency: payment.currency.clone() };
        findings.differ(build(kind, None, payment.order, Some(payment.reference.clone()), None, Some(theirs), true, reason));
    }
}

struct Comparison<'a> {
    ctx: &'a Context<'a>,
    window: Window,
    books: &'a OrderBooks,
    order: &'a StoreOrder,
    sales_order: SalesOrderId,
}

impl Comparison<'_> {
    fn one(&self, expected: &Expected, matched: &mut BTreeSet<PaymentId>, findings: &mut Findings) {
        let currency = self.order.currency.to_ascii_uppercase();
        let booked = self.booked(&expected.reference);
        matched.extend(booked.iter().map(|payment| payment.id));
        let is_in_window = |payment: &&BookedPayment| payment.paid_at.is_some_and(|at| self.window.has(at));
        let counted = expected.paid_at.map_or_else(|| booked.iter().any(is_in_window), |at| self.window.has(at));
        let is_money = expected.kind.is_money_in();
        if is_money && counted {
            findings.book(&currency).payments.store.add(expected.amount);
        }
        self.count(booked.iter().copied().filter(|payment| payment.way == MoneyWay::In && (counted || is_in_window(payment))), findings);
        let store = Some(Money { amount: expected.amount, currency: currency.clone() });
        let reference = || Some(expected.reference.clone());
        let Some(first) = booked.first() else {
            if self.is_to_be_there(expected, findings) {
                let reason = self.reason(&expected.reference, NOT_BOOKED);
                findings.differ(build(
                    DifferenceKind::PaymentMissing,
                    Some(self.order.id),
                    Some(self.sales_order),
                    reference(),
                    store,
                    None,
                    counted,
                    reason,
                ));
            }
            return;
        };
        let theirs = Money { amount: sum(booked.iter().map(|payment| payment.amount)), currency: self.currency_of(first) };
        if theirs.amount != expected.amount || theirs.currency != currency {
            let reason = self.reason(&expected.reference, "it is booked with another amount or currency than the store has");
            let on = first.order.or(Some(self.sales_order));
            findings.differ(build(DifferenceKind::PaymentDiffers, Some(self.order.id), on, reference(), store, Some(theirs), counted, reason));
        }
    }

    /// What is not among the window's payments is missing if it belongs there, or if all of the order's were read.
    fn is_to_be_there(&self, expected: &Expected, findings: &mut Findings) -> bool {
        match expected.paid_at {
            _ if self.books.all_payments => true,
            Some(at) => self.window.has(at),
            None => {
                findings.wants_payments = true;
                false
            }
        }
    }

    /// What is booked and nothing at the store stands for.
    fn extra(&self, matched: &BTreeSet<PaymentId>, findings: &mut Findings) {
        let is_of_payments = |payment: &&BookedPayment| payment.way != MoneyWay::Out && refund_of_key(self.ctx.store, &payment.reference).is_none();
        let extra = self.books.payments.iter().filter(is_of_payments).filter(|payment| !matched.contains(&payment.id));
        for payment in extra {
            let is_ours = is_our_payment(self.ctx.store, &payment.reference);
            // A promise that somebody noted moves no money.
            if payment.way == MoneyWay::None && !is_ours {
                continue;
            }
            let counted = payment.paid_at.is_some_and(|at| self.window.has(at));
            if payment.way == MoneyWay::In && counted {
                self.count(std::iter::once(payment), findings);
            }
            let reason = if is_ours {
                let records = matches!(self.books.facts.transactions, Some(Transactions::Read(_)));
                let otherwise = if records { "the store has no such payment of the order" } else { "the store's payment records were not read" };
                self.reason(&payment.reference, otherwise)
            } else {
                Reason::new("entered-by-hand", "it carries no key of ours: somebody entered it, or another system did")
            };
            let theirs = Money { amount: payment.amount, currency: self.currency_of(payment) };
            let on = payment.order.or(Some(self.sales_order));
            let reference = Some(payment.reference.clone()).filter(|reference| !reference.is_empty() && is_ours);
            findings.differ(build(DifferenceKind::PaymentExtra, Some(self.order.id), on, reference, None, Some(theirs), counted, reason));
        }
    }

    /// What is booked under a key, also in parts where several sales orders stand for the order.
    fn booked(&self, reference: &str) -> Vec<&BookedPayment> {
        let is_part =
            |payment: &BookedPayment| payment.reference.strip_prefix(reference).is_some_and(|rest| rest.is_empty() || rest.starts_with("-a"));
        self.books.payments.iter().filter(|payment| payment.way != MoneyWay::Out && is_part(payment)).collect()
    }

    fn count<'b>(&self, payments: impl Iterator<Item = &'b BookedPayment>, findings: &mut Findings) {
        for payment in payments {
            let currency = self.currency_of(payment);
            findings.book(&currency).payments.brightpearl.add(payment.amount);
        }
    }

    fn currency_of(&self, payment: &BookedPayment) -> String {
        if payment.currency.is_empty() { self.order.currency.to_ascii_uppercase() } else { payment.currency.clone() }
    }

    fn reason(&self, reference: &str, otherwise: &str) -> Reason {
        if self.books.facts.payments_in_doubt.contains_key(reference) {
            return Reason::new("in-doubt", "the call that books it has no known outcome yet; it is looked up and settled by itself");
        }
        cause::of(self.books, |effect| effect == Effect::Payment, otherwise)
    }
}
