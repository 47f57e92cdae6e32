use orderbridge_schema::audit::{BookedPayment, DifferenceKind, MoneyWay};
use orderbridge_schema::command::PaymentKind;
use orderbridge_schema::decision::Effect;
use orderbridge_schema::facts::{TransactionEvent, Transactions};
use orderbridge_schema::ids::StoreStatusId;

use super::{Ledger, booked};
use crate::facts::{ago, d};
use crate::payments::{after, row};

fn purchase() -> Ledger {
    Ledger::paid(vec![row(1, TransactionEvent::Purchase, "42")])
}

#[test]
fn a_payment_that_is_booked_is_no_difference() {
    let mut ledger = purchase();
    ledger.books.payments = vec![booked(9, "txn-1", "42")];
    let findings = ledger.findings();
    assert!(!findings.is_doubtful(), "{findings:?}");
    let payments = findings.books["GBP"].payments;
    assert_eq!((payments.store.count, payments.store.total), (1, d("42")));
    assert_eq!(payments.store, payments.brightpearl);
}

#[test]
fn a_payment_that_is_not_booked_is_missing_with_what_holds_it() {
    let mut ledger = purchase();
    let difference = ledger.difference();
    assert_eq!((difference.kind, difference.cause.as_str(), difference.by), (DifferenceKind::PaymentMissing, "unknown", Some(d("42"))));
    assert_eq!(difference.reference.as_deref(), Some("bc-store7-txn-1"));
    ledger.hold(Effect::Creation, "of-no-concern");
    ledger.hold(Effect::Payment, "unusable-payment-method:STRIPE/GBP");
    assert_eq!(ledger.difference().cause, "held:unusable-payment-method:STRIPE/GBP");
    ledger.books.holds.clear();
    let sent = orderbridge_decide::SentPayment { method: "STRIPE".into(), kind: PaymentKind::Receipt };
    ledger.books.facts.payments_in_doubt.insert("bc-store7-txn-1".into(), sent);
    assert_eq!(ledger.difference().cause, "in-doubt");
    ledger.books.facts.payments_in_doubt.clear();
    ledger.books.due = Some(1);
    assert_eq!(ledger.findings().waiting[0].kind, DifferenceKind::PaymentMissing);
}

#[test]
fn a_payment_with_another_amount_or_currency_differs() {
    let mut ledger = purchase();
    ledger.books.payments = vec![booked(9, "txn-1", "40")];
    let difference = ledger.difference();
    assert_eq!((difference.kind, difference.by), (DifferenceKind::PaymentDiffers, Some(d("2"))));
    ledger.books.payments = vec![BookedPayment { currency: "EUR".into(), ..booked(9, "txn-1", "42") }];
    let difference = ledger.difference();
    assert_eq!((difference.kind, difference.by), (DifferenceKind::PaymentDiffers, None));
}

#[test]
fn a_payment_that_the_store_knows_nothing_of_is_one_too_many() {
    let mut ledger = purchase();
    ledger.books.payments = vec![booked(9, "txn-1", "42"), booked(10, "txn-8", "42"), booked(11, "", "5")];
    let differences = ledger.findings().differences;
    assert!(differences.iter().all(|difference| difference.kind == DifferenceKind::PaymentExtra));
    let told: Vec<_> = differences.iter().map(|one| (one.cause.as_str(), one.reference.as_deref(), one.by)).collect();
    assert_eq!(told, [("unknown", Some("bc-store7-txn-8"), Some(d("-42"))), ("entered-by-hand", None, Some(d("-5")))]);
    assert_eq!(ledger.findings().books["GBP"].payments.brightpearl.total, d("89"));
}

#[test]
fn a_payment_booked_twice_by_other_methods_is_told() {
    let mut ledger = purchase();
    ledger.books.payments = vec![booked(9, "txn-1", "42"), booked(10, "txn-1", "42")];
    let difference = ledger.difference();
    assert_eq!((difference.kind, difference.by), (DifferenceKind::PaymentDiffers, Some(d("-42"))));
}

#[test]
fn promises_are_compared_by_key_and_counted_nowhere() {
    let mut ledger = Ledger::paid(vec![row(1, TransactionEvent::Authorization, "42"), after(2, TransactionEvent::Capture, "42", 1)]);
    ledger.rules.payments.uncaptured = true;
    let promise = BookedPayment { way: MoneyWay::None, ..booked(9, "txn-1", "42") };
    ledger.books.payments = vec![promise, booked(10, "txn-2", "42")];
    let findings = ledger.findings();
    assert!(!findings.is_doubtful(), "{findings:?}");
    assert_eq!(findings.books["GBP"].payments.store.total, d("42"));
    ledger.books.payments.remove(0);
    assert_eq!(ledger.difference().reference.as_deref(), Some("bc-store7-txn-1"));
}

#[test]
fn without_the_records_what_we_booked_is_expected_and_asked_for_before_it_is_missed() {
    let mut ledger = purchase();
    ledger.books.facts.transactions = None;
    ledger.remember("txn-1", "42");
    let findings = ledger.findings();
    assert!(findings.wants_payments && !findings.is_doubtful());
    ledger.books.all_payments = true;
    assert_eq!(ledger.difference().kind, DifferenceKind::PaymentMissing);
    ledger.books.payments = vec![booked(9, "txn-1", "42")];
    assert!(!ledger.findings().is_doubtful());
    ledger.books.payments.push(booked(10, "txn-2", "1"));
    assert!(ledger.difference().why.contains("not read"), "the records are to be read");
}

#[test]
fn a_payment_from_before_the_window_is_not_missed_in_its_list() {
    let mut early = row(1, TransactionEvent::Purchase, "42");
    early.created_at = ago(86_400 * 2);
    let mut ledger = Ledger::paid(vec![early]);
    assert!(!ledger.findings().is_doubtful());
    ledger.books.all_payments = true;
    assert_eq!(ledger.kinds(), [DifferenceKind::PaymentMissing], "where all were read it is");
}

#[test]
fn nothing_is_compared_where_the_rules_book_no_payments_or_the_store_has_doubts() {
    let mut ledger = purchase();
    ledger.rules.payments.enabled = false;
    ledger.books.payments = vec![booked(9, "", "5")];
    assert!(!ledger.findings().is_doubtful());
    let mut ledger = purchase();
    ledger.order().status = StoreStatusId(12);
    assert!(!ledger.findings().is_doubtful(), "it is booked when the store has no doubts any more");
}

#[test]
fn records_that_may_not_be_read_leave_what_was_booked() {
    let mut ledger = purchase();
    ledger.books.facts.transactions = Some(Transactions::Refused("no scope".into()));
    ledger.remember("txn-1", "42");
    ledger.books.payments = vec![booked(9, "txn-1", "42")];
    assert!(!ledger.findings().is_doubtful());
}
