//! Whatever the two sides have: every penny between their totals is named.

use orderbridge_decide::audit::Findings;
use orderbridge_schema::audit::{Book, DifferenceKind, Money};
use orderbridge_schema::decision::Effect;
use orderbridge_schema::facts::TransactionEvent;
use orderbridge_schema::ids::{SalesOrderId, StoreStatusId};
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::{Ledger, booked, figures, paid_out};
use crate::facts::{SALES_ORDER, ago};
use crate::payments::row;

fn cents(cents: i64) -> Decimal {
    Decimal::new(cents, 2)
}

/// One order with anything that may have happened to it.
fn ledger() -> impl Strategy<Value = Ledger> {
    let amounts = (1i64..100_000, 0i64..100_000, prop::option::of(0i64..100_000), prop::bool::ANY);
    let state = (0u8..6, prop::sample::select(vec![0u64, 4, 5, 7, 9, 11]), prop::bool::ANY, 0i64..4);
    let strangers = prop::collection::vec((0i64..50_000, prop::bool::ANY, prop::bool::ANY), 0..3);
    let payments = prop::collection::vec((1u64..4, 1i64..100_000, prop::bool::ANY), 0..4);
    (amounts, state, strangers, payments).prop_map(|((total, theirs, gift, is_euro), (state, status, archived, days), strangers, payments)| {
        let mut ledger = if state < 3 { Ledger::paid(vec![row(1, TransactionEvent::Purchase, "42")]) } else { Ledger::unlinked() };
        let order = ledger.order();
        order.total = cents(total);
        order.gift_certificates = gift.map_or(Decimal::ZERO, cents);
        order.status = StoreStatusId(status);
        order.deleted = archived && state != 4;
        order.created_at = ago(3600 + days * 86_400);
        match state {
            0 => ledger.sales_order().total = cents(theirs),
            1 => drop(ledger.books.sales_orders.insert(SALES_ORDER, None)),
            2 if is_euro => ledger.sales_order().currency = "EUR".into(),
            3 => ledger.hold(Effect::Creation, "unknown-sku:X"),
            4 => ledger.books.facts.store_order = Some(None),
            5 => ledger.books.due = Some(1),
            _ => {}
        }
        for (place, (total, keyed, is_part)) in (70_100..).zip(strangers) {
            let mut found = figures(SalesOrderId(place));
            found.total = cents(total);
            found.parent = is_part.then_some(SALES_ORDER);
            if !keyed {
                found.external_ref.clear();
            }
            ledger.books.found.push(found);
        }
        for (place, (transaction, amount, out)) in (900..).zip(payments) {
            let amount = cents(amount).to_string();
            let payment = if out { paid_out(place, "", &amount) } else { booked(place, &format!("txn-{transaction}"), &amount) };
            ledger.books.payments.push(payment);
        }
        ledger
    })
}

/// How much of a currency one side of the counted differences of some kinds has more.
fn named(findings: &Findings, currency: &str, kinds: impl Fn(DifferenceKind) -> bool) -> Decimal {
    let of = |money: &Option<Money>| money.as_ref().filter(|money| money.currency == currency).map_or(Decimal::ZERO, |money| money.amount);
    let all = findings.differences.iter().chain(&findings.waiting).filter(|one| one.counted && kinds(one.kind));
    all.map(|one| of(&one.store) - of(&one.brightpearl)).sum()
}

const fn is_of_orders(kind: DifferenceKind) -> bool {
    use DifferenceKind as Kind;
    matches!(
        kind,
        Kind::MissingInBrightpearl
            | Kind::SalesOrderNotLinked
            | Kind::SalesOrderGone
            | Kind::DoubledSalesOrder
            | Kind::StoreOrderGone
            | Kind::CurrencyDiffers
            | Kind::TotalDiffers
    )
}

const fn is_of_payments(kind: DifferenceKind) -> bool {
    matches!(kind, DifferenceKind::PaymentMissing | DifferenceKind::PaymentExtra | DifferenceKind::PaymentDiffers)
}

fn left_over(book: &Book) -> Decimal {
    book.orders.store.total - book.orders.brightpearl.total - book.skipped.total - book.taken_off.total
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_penny_between_the_totals_is_named(ledgers in prop::collection::vec(ledger(), 1..6)) {
        let mut whole = Findings::default();
        for ledger in &ledgers {
            whole.merge(ledger.findings());
        }
        for (currency, book) in &whole.books {
            prop_assert_eq!(left_over(book), named(&whole, currency, is_of_orders), "orders in {}: {:?}", currency, whole);
            let payments = book.payments.store.total - book.payments.brightpearl.total;
            prop_assert_eq!(payments, named(&whole, currency, is_of_payments), "payments in {}: {:?}", currency, whole);
        }
        prop_assert!(whole.differences.iter().chain(&whole.waiting).all(|one| !one.cause.is_empty() && !one.why.is_empty()));
    }

    #[test]
    fn one_penny_is_found_wherever_it_is(total in 2i64..1_000_000, tax in 0i64..1_000_000, place in 0u8..3, more in prop::bool::ANY) {
        let mut ledger = Ledger::paid(vec![row(1, TransactionEvent::Purchase, &cents(total).to_string())]);
        (ledger.order().total, ledger.order().tax) = (cents(total), cents(tax));
        (ledger.sales_order().total, ledger.sales_order().tax) = (cents(total), cents(tax));
        ledger.books.payments = vec![booked(9, "txn-1", &cents(total).to_string())];
        prop_assert!(!ledger.findings().is_doubtful());
        let penny = if more { cents(1) } else { cents(-1) };
        let kind = match place {
            0 => {
                ledger.sales_order().total += penny;
                DifferenceKind::TotalDiffers
            }
            1 => {
                ledger.sales_order().tax += penny;
                DifferenceKind::TaxDiffers
            }
            _ => {
                ledger.books.payments[0].amount += penny;
                DifferenceKind::PaymentDiffers
            }
        };
        let difference = ledger.difference();
        prop_assert_eq!((difference.kind, difference.by), (kind, Some(-penny)));
    }

    #[test]
    fn no_amount_is_too_large(total in any::<i64>(), theirs in any::<i64>(), scale in 0u32..28, huge in prop::bool::ANY) {
        let amount = |amount: i64| if huge { Decimal::MAX } else { Decimal::new(amount, scale) };
        let mut ledger = Ledger::paid(vec![row(1, TransactionEvent::Purchase, "42")]);
        ledger.order().total = amount(total);
        ledger.order().store_credit = Decimal::MAX;
        ledger.sales_order().total = amount(theirs);
        ledger.sales_order().added_total = Decimal::MIN;
        ledger.books.payments = vec![booked(9, "txn-1", "1"), booked(10, "txn-1", "1")];
        ledger.books.payments.iter_mut().for_each(|payment| payment.amount = Decimal::MAX);
        let mut whole = ledger.findings();
        whole.merge(ledger.findings());
    }
}
