//! Payment records that come one by one, repeated and in any order: the same money is booked, and each record once.

use std::collections::BTreeMap;

use orderbridge_schema::command::NewPayment;
use orderbridge_schema::facts::{Transaction, TransactionEvent as Event, Transactions};
use orderbridge_schema::ids::TransactionId;
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::payments::{book, paid_by, row};

/// One way of paying: how it begins, what follows, in pence, and whether each step worked.
#[derive(Debug, Clone)]
struct Chain {
    begins: Event,
    follows: Vec<(Event, u16, bool)>,
    pence: u16,
    ok: bool,
    test: bool,
}

fn chain() -> impl Strategy<Value = Chain> {
    let begins = prop_oneof![Just(Event::Purchase), Just(Event::Authorization), Just(Event::Pending), Just(Event::Settled)];
    let follows = prop_oneof![Just(Event::Capture), Just(Event::Settled), Just(Event::Void), Just(Event::Refund), Just(Event::Other)];
    let follows = prop::collection::vec((follows, 1u16..5000, prop::bool::weighted(0.8)), 0..4);
    (begins, follows, 1u16..5000, prop::bool::weighted(0.85), prop::bool::weighted(0.05)).prop_map(|(begins, follows, pence, ok, test)| Chain {
        begins,
        follows,
        pence,
        ok,
        test,
    })
}

fn records(chains: &[Chain]) -> Vec<Transaction> {
    let mut rows = Vec::new();
    for (place, chain) in (1u64..).zip(chains) {
        let amount = |pence: u16| Decimal::new(pence.into(), 2).to_string();
        let first = Transaction { ok: chain.ok, test: chain.test, ..row(place * 100, chain.begins, &amount(chain.pence)) };
        let mut before = first.id;
        rows.push(first);
        for (step, (event, pence, ok)) in (1u64..).zip(&chain.follows) {
            let next = Transaction { ok: *ok, test: chain.test, continues: Some(before), ..row(place * 100 + step, *event, &amount(*pence)) };
            // Some gateways point to the record before, some to the first.
            before = if pence % 2 == 0 { next.id } else { before };
            rows.push(next);
        }
    }
    rows
}

/// Σ ok purchase and capture, and settled where its chain has neither (BC §d.9).
fn money_in(rows: &[Transaction]) -> Decimal {
    let counts = |row: &&Transaction| row.ok && !row.test;
    let chain = |id: TransactionId| id.0 / 100;
    let taken = |row: &Transaction| matches!(row.event, Event::Purchase | Event::Capture);
    let is_taken = |row: &Transaction| rows.iter().filter(counts).any(|other| taken(other) && chain(other.id) == chain(row.id));
    rows.iter().filter(counts).filter(|row| taken(row) || (row.event == Event::Settled && !is_taken(row))).map(|row| row.amount).sum()
}

/// Looks until nothing is left to book.
fn settle(case: &mut crate::case::Case, all: &mut Vec<NewPayment>) {
    for _look in 0..4 {
        all.extend(book(case));
    }
    assert!(book(case).is_empty(), "no end of it");
}

fn booked(all: &[NewPayment]) -> Decimal {
    all.iter().filter(|payment| payment.kind.is_money_in()).map(|payment| payment.amount).sum()
}

fn assert_once(all: &[NewPayment]) {
    let mut times: BTreeMap<&str, u32> = BTreeMap::new();
    all.iter().for_each(|payment| *times.entry(&payment.reference).or_default() += 1);
    assert!(times.values().all(|times| *times == 1), "{times:?}");
}

proptest! {
    #[test]
    fn the_money_booked_is_the_money_paid(chains in prop::collection::vec(chain(), 0..5), uncaptured: bool) {
        let rows = records(&chains);
        let mut case = paid_by(rows.clone());
        case.rules.payments.uncaptured = uncaptured;
        let mut all = Vec::new();
        settle(&mut case, &mut all);
        prop_assert_eq!(booked(&all), money_in(&rows));
        assert_once(&all);
    }

    #[test]
    fn records_that_come_one_by_one_repeated_and_in_any_order_are_booked_once(
        chains in prop::collection::vec(chain(), 1..4),
        order in prop::collection::vec(0usize..64, 24),
        uncaptured: bool,
    ) {
        let rows = records(&chains);
        let mut case = paid_by(Vec::new());
        case.rules.payments.uncaptured = uncaptured;
        let (mut left, mut shown, mut all) = (rows.clone(), Vec::new(), Vec::new());
        for pick in order {
            // A record is never there before the one that it continues; beyond that chains come as they like.
            let free: Vec<usize> = (0..left.len()).filter(|&at| left[..at].iter().all(|other| other.id.0 / 100 != left[at].id.0 / 100)).collect();
            if let Some(&at) = free.get(pick % free.len().max(1)) {
                shown.push(left.remove(at));
            }
            let mut now = shown.clone();
            let turn = pick % now.len().max(1);
            now.rotate_left(turn);
            case.full.transactions = Some(Transactions::Read(now));
            settle(&mut case, &mut all);
        }
        assert_once(&all);
        // What a settlement brought in before its capture was told of is not brought in twice: it is either the same money, or held.
        let held = case.decision().holds.iter().any(|hold| hold.cause.key().starts_with("payment-unclear"));
        prop_assert!(left.is_empty());
        prop_assert!(held || booked(&all) == money_in(&rows), "{} booked, {} paid", booked(&all), money_in(&rows));
    }
}
