use orderbridge_decide::audit::{SentAmounts, is_our_payment, order_of_key, refund_of_key};
use orderbridge_schema::audit::{DifferenceKind, Money};
use orderbridge_schema::decision::Effect;
use orderbridge_schema::ids::{SalesOrderId, StoreHash, StoreOrderId, StoreStatusId};

use super::{Ledger, figures};
use crate::facts::{SALES_ORDER, ago, d};

fn gbp(amount: &str) -> Option<Money> {
    Some(Money { amount: d(amount), currency: "GBP".into() })
}

#[test]
fn books_that_agree_have_no_difference_and_the_same_totals() {
    let findings = Ledger::agreeing().findings();
    assert!(!findings.is_doubtful() && findings.held.is_empty() && findings.skipped.is_empty(), "{findings:?}");
    let book = &findings.books["GBP"];
    assert_eq!((book.orders.store.count, book.orders.store.total), (1, d("42")));
    assert_eq!(book.orders.store, book.orders.brightpearl);
    assert_eq!(book.tax.store, book.tax.brightpearl);
}

#[test]
fn an_order_that_nothing_is_remembered_of_is_missing_for_no_known_reason() {
    let difference = Ledger::unlinked().difference();
    assert_eq!((difference.kind, difference.cause.as_str()), (DifferenceKind::MissingInBrightpearl, "unknown"));
    assert_eq!((difference.store, difference.brightpearl, difference.by), (gbp("42"), None, Some(d("42"))));
    assert!(difference.counted && difference.why.contains("sweep run"));
}

#[test]
fn a_held_order_is_missing_for_what_holds_it_and_listed_with_its_money() {
    let mut ledger = Ledger::unlinked();
    ledger.hold(Effect::Payment, "missing-payment-method:stripe");
    ledger.hold(Effect::Creation, "unknown-sku:TEAPOT");
    let findings = ledger.findings();
    assert_eq!((findings.differences[0].cause.as_str(), findings.held[0].cause.as_str()), ("held:unknown-sku:TEAPOT", "held:unknown-sku:TEAPOT"));
    assert_eq!(findings.held[0].total, gbp("42").unwrap());
    assert_eq!(findings.books["GBP"].held.total, d("42"));
}

#[test]
fn what_stands_for_a_person_is_not_in_a_cause() {
    let mut ledger = Ledger::unlinked();
    ledger.hold(Effect::Creation, "contact-not-customer:5d41402abc4b2a76");
    assert_eq!(ledger.difference().cause, "held:contact-not-customer");
}

#[test]
fn what_is_due_or_comes_to_rest_is_on_its_way_and_what_keeps_failing_is_a_difference() {
    let mut ledger = Ledger::unlinked();
    ledger.books.due = Some(1);
    let findings = ledger.findings();
    assert!(findings.differences.is_empty() && findings.is_doubtful());
    assert_eq!((findings.waiting[0].cause.as_str(), findings.books["GBP"].waiting.total), ("waiting", d("42")));
    ledger.books.due = Some(9);
    assert_eq!(ledger.difference().cause, "failing");
    ledger.books.due = None;
    ledger.books.in_doubt = true;
    assert_eq!(ledger.difference().cause, "in-doubt");
    ledger.books.in_doubt = false;
    ledger.rules.orders.settle_seconds = 30;
    ledger.order().modified_at = ago(5);
    assert_eq!(ledger.findings().waiting.len(), 1);
}

#[test]
fn an_order_that_the_rules_leave_alone_is_listed_and_no_difference() {
    let mut ledger = Ledger::unlinked();
    ledger.order().status = StoreStatusId(7);
    let findings = ledger.findings();
    assert!(!findings.is_doubtful());
    assert_eq!((findings.skipped[0].cause.as_str(), findings.skipped[0].total.amount), ("skipped:status-not-selected", d("42")));
    let book = &findings.books["GBP"];
    assert_eq!((book.skipped.total, book.orders.store.total, book.orders.brightpearl.count), (d("42"), d("42"), 0));
    ledger.order().status = StoreStatusId(0);
    assert_eq!(ledger.findings(), orderbridge_decide::audit::Findings::default(), "an abandoned checkout is no order");
}

#[test]
fn a_sales_order_that_is_gone_is_named() {
    let mut ledger = Ledger::agreeing();
    ledger.books.sales_orders.insert(SALES_ORDER, None);
    let difference = ledger.difference();
    assert_eq!((difference.kind, difference.sales_order), (DifferenceKind::SalesOrderGone, Some(SALES_ORDER)));
    assert_eq!((difference.by, difference.cause.as_str()), (Some(d("42")), "deleted-in-brightpearl"));
}

#[test]
fn totals_and_taxes_differ_by_how_much() {
    let mut ledger = Ledger::agreeing();
    ledger.sales_order().total = d("41.99");
    let difference = ledger.difference();
    assert_eq!((difference.kind, difference.by), (DifferenceKind::TotalDiffers, Some(d("0.01"))));
    assert_eq!((difference.store, difference.brightpearl, difference.cause.as_str()), (gbp("42"), gbp("41.99"), "unknown"));
    for (sent, cause) in [("42", "changed-in-brightpearl"), ("41.99", "changed-at-the-store"), ("40", "changed-on-both-sides")] {
        ledger.books.sent = Some(SentAmounts { total: d(sent), tax: d("7") });
        assert_eq!(ledger.difference().cause, cause, "{sent} was sent");
    }
    ledger.hold(Effect::Verification, "created-total-differs");
    assert_eq!(ledger.difference().cause, "held:created-total-differs");
    let mut ledger = Ledger::agreeing();
    ledger.sales_order().tax = d("8");
    let difference = ledger.difference();
    assert_eq!((difference.kind, difference.by), (DifferenceKind::TaxDiffers, Some(d("-1"))));
}

#[test]
fn rows_that_people_added_are_no_difference() {
    let mut ledger = Ledger::agreeing();
    let order = ledger.sales_order();
    (order.total, order.tax, order.added_total, order.added_tax) = (d("54"), d("9"), d("12"), d("2"));
    let findings = ledger.findings();
    assert!(!findings.is_doubtful());
    assert_eq!(findings.books["GBP"].orders.brightpearl.total, d("42"));
}

#[test]
fn amounts_in_different_currencies_are_not_compared() {
    let mut ledger = Ledger::agreeing();
    ledger.sales_order().currency = "EUR".into();
    let difference = ledger.difference();
    assert_eq!((difference.kind, difference.by), (DifferenceKind::CurrencyDiffers, None));
    let findings = ledger.findings();
    assert_eq!((findings.books["GBP"].orders.brightpearl.count, findings.books["EUR"].orders.store.count), (0, 0));
}

#[test]
fn gift_certificates_in_the_rows_of_a_store_that_takes_them_off_its_total_are_no_difference() {
    let mut ledger = Ledger::agreeing();
    let order = ledger.order();
    (order.total, order.gift_certificates) = (d("32"), d("10"));
    assert!(!ledger.findings().is_doubtful());
    ledger.order().gift_certificates = d("9");
    assert_eq!(ledger.kinds(), [DifferenceKind::TotalDiffers]);
}

#[test]
fn a_second_sales_order_of_one_order_is_named_and_a_back_order_is_a_part() {
    let mut ledger = Ledger::agreeing();
    ledger.books.found = vec![figures(SalesOrderId(70009))];
    let difference = ledger.difference();
    assert_eq!(
        (difference.kind, difference.sales_order, difference.by),
        (DifferenceKind::DoubledSalesOrder, Some(SalesOrderId(70009)), Some(d("-42")))
    );
    ledger.books.found[0].external_ref.clear();
    assert!(ledger.difference().why.contains("once more"));
    ledger.books.found[0].parent = Some(SALES_ORDER);
    assert_eq!(ledger.kinds(), [DifferenceKind::DoubledSalesOrder], "a copy of the whole order is one too many");
    ledger.books.found[0].total = d("12");
    ledger.books.found[0].tax = d("2");
    let order = ledger.sales_order();
    (order.total, order.tax) = (d("30"), d("5"));
    assert!(!ledger.findings().is_doubtful(), "goods on back-order are the rest of the order");
}

#[test]
fn a_sales_order_with_the_key_and_no_link_is_named_and_compared() {
    let mut ledger = Ledger::unlinked();
    ledger.books.found = vec![figures(SALES_ORDER), figures(SalesOrderId(70002))];
    assert_eq!(ledger.kinds(), [DifferenceKind::SalesOrderNotLinked, DifferenceKind::DoubledSalesOrder]);
    ledger.books.found = vec![figures(SALES_ORDER)];
    ledger.books.found[0].external_ref.clear();
    let difference = ledger.difference();
    assert_eq!(difference.kind, DifferenceKind::SalesOrderNotLinked);
    assert!(difference.why.contains("order adopt"));
}

#[test]
fn a_sales_order_whose_order_is_archived_or_deleted_is_named() {
    let mut ledger = Ledger::agreeing();
    ledger.order().deleted = true;
    let difference = ledger.difference();
    assert_eq!((difference.kind, difference.cause.as_str(), difference.by), (DifferenceKind::StoreOrderGone, "archived", Some(d("-42"))));
    ledger.books.facts.store_order = Some(None);
    assert_eq!(ledger.difference().cause, "deleted-at-the-store");
    let mut ledger = Ledger::unlinked();
    ledger.order().deleted = true;
    assert_eq!(ledger.findings().skipped[0].cause, "skipped:order-archived");
}

#[test]
fn an_order_from_before_the_window_is_compared_and_not_counted() {
    let mut ledger = Ledger::agreeing();
    ledger.order().created_at = ago(86_400 * 3);
    ledger.sales_order().total = d("40");
    let findings = ledger.findings();
    assert!(!findings.differences[0].counted && findings.books.is_empty(), "{findings:?}");
}

#[test]
fn keys_are_told_from_those_of_other_stores() {
    let store = StoreHash::new("store7").unwrap();
    for (key, order) in [
        ("bc-store7-250", Some(250)),
        ("bc-store7-250-a3", Some(250)),
        ("bc-store77-250", None),
        ("bc-store7-250-b3", None),
        ("bc-store7-250-ax", None),
        ("bc-store7-", None),
        ("mg-250", None),
        ("", None),
    ] {
        assert_eq!(order_of_key(&store, key), order.map(StoreOrderId), "{key}");
    }
    assert_eq!(refund_of_key(&store, "bc-store7-refund-3-9"), Some(3));
    assert_eq!(refund_of_key(&store, "bc-store7-txn-3"), None);
    assert!(is_our_payment(&store, "bc-store7-txn-3") && !is_our_payment(&store, "bc-store77-txn-3"));
}
