use orderbridge_schema::audit::{DifferenceKind, RefundFigures, RefundPayment};
use orderbridge_schema::facts::TransactionEvent;

use super::{Ledger, booked, paid_out};
use crate::facts::{ORDER, ago, d};
use crate::payments::row;

fn refund(id: u64, amount: &str) -> RefundFigures {
    let payments = vec![RefundPayment { id: id * 10, amount: d(amount), declined: false }];
    RefundFigures { id, order: ORDER, total: d(amount), payments, created_at: ago(1800) }
}

fn refunded(refunds: Vec<RefundFigures>) -> Ledger {
    let mut ledger = Ledger::paid(vec![row(1, TransactionEvent::Purchase, "42")]);
    ledger.books.payments = vec![booked(9, "txn-1", "42")];
    ledger.books.refunds = refunds;
    ledger
}

#[test]
fn a_refund_that_is_not_booked_is_missing() {
    let difference = refunded(vec![refund(3, "12")]).difference();
    assert_eq!((difference.kind, difference.by), (DifferenceKind::RefundMissing, Some(d("12"))));
    assert_eq!(difference.reference.as_deref(), Some("bc-store7-refund-3"));
}

#[test]
fn a_refund_is_booked_by_its_key_also_in_several_payments() {
    let mut ledger = refunded(vec![refund(3, "12"), refund(4, "5")]);
    ledger.books.refunds[0].payments = vec![
        RefundPayment { id: 30, amount: d("10"), declined: false },
        RefundPayment { id: 31, amount: d("2"), declined: false },
        RefundPayment { id: 32, amount: d("99"), declined: true },
    ];
    ledger.books.payments.extend([paid_out(20, "refund-3-30", "10"), paid_out(21, "refund-3-31", "2"), paid_out(22, "refund-4-40", "5")]);
    let findings = ledger.findings();
    assert!(!findings.is_doubtful(), "{findings:?}");
    let refunds = findings.books["GBP"].refunds;
    assert_eq!((refunds.store.total, refunds.brightpearl.total), (d("17"), d("17")));
    ledger.books.payments.retain(|payment| !payment.reference.ends_with("31"));
    let difference = ledger.difference();
    assert_eq!((difference.kind, difference.by), (DifferenceKind::RefundDiffers, Some(d("2"))));
}

#[test]
fn money_out_that_somebody_booked_counts_for_one_refund_of_its_amount() {
    let mut ledger = refunded(vec![refund(3, "12"), refund(4, "12")]);
    ledger.books.payments.push(paid_out(20, "", "12"));
    assert_eq!(ledger.kinds(), [DifferenceKind::RefundMissing]);
    ledger.books.payments.push(paid_out(21, "", "12"));
    assert!(!ledger.findings().is_doubtful());
    ledger.books.payments.push(paid_out(22, "", "3"));
    let difference = ledger.difference();
    assert_eq!((difference.kind, difference.cause.as_str(), difference.by), (DifferenceKind::RefundExtra, "entered-by-hand", Some(d("-3"))));
}

#[test]
fn money_out_under_a_key_of_no_refund_is_one_too_many() {
    let mut ledger = refunded(Vec::new());
    ledger.books.payments.push(paid_out(20, "refund-7-70", "12"));
    let difference = ledger.difference();
    assert_eq!((difference.kind, difference.cause.as_str()), (DifferenceKind::RefundExtra, "unknown"));
}

#[test]
fn a_refund_that_was_declined_asks_for_nothing() {
    let mut ledger = refunded(vec![refund(3, "12")]);
    ledger.books.refunds[0].payments[0].declined = true;
    assert!(!ledger.findings().is_doubtful());
}

#[test]
fn what_a_refund_took_off_the_sales_order_is_no_difference_and_more_than_that_is() {
    let mut ledger = refunded(vec![refund(3, "12")]);
    ledger.books.payments.push(paid_out(20, "refund-3-30", "12"));
    let order = ledger.sales_order();
    (order.total, order.tax) = (d("30"), d("5"));
    let findings = ledger.findings();
    assert!(!findings.is_doubtful(), "{findings:?}");
    assert_eq!(findings.books["GBP"].taken_off.total, d("12"));
    ledger.sales_order().total = d("29.99");
    assert_eq!(ledger.kinds(), [DifferenceKind::TotalDiffers, DifferenceKind::TaxDiffers]);
}
