//! Whatever is refunded, sales order and credits together are what the store kept, to the minor unit.

use orderbridge_schema::facts::{Refund, RefundItem};
use orderbridge_schema::ids::{OrderLineId, ProductId, SalesOrderRowId};
use orderbridge_schema::refund::RefundWay;
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::case::Case;
use crate::facts::{SALES_ORDER, note, row, row_link};
use crate::refunded::{amount, left, net_paid, play, product, refund, refunded};

/// Lines of so many pieces with net and tax in pence, what is refunded of each, and what the store says it is worth.
#[derive(Debug, Clone)]
struct Wish {
    lines: Vec<(u32, i64, i64, u32)>,
    off_total: i64,
    off_tax: i64,
    delivery: bool,
}

fn wish() -> impl Strategy<Value = Wish> {
    let line = (1u32..12, 1i64..100_000, 0i64..20_000).prop_flat_map(|(pieces, net, tax)| (Just(pieces), Just(net), Just(tax), 0..=pieces));
    (prop::collection::vec(line, 1..8), -300i64..300, -100i64..100, any::<bool>()).prop_map(|(lines, off_total, off_tax, delivery)| Wish {
        lines,
        off_total,
        off_tax,
        delivery,
    })
}

fn line_id(place: usize) -> OrderLineId {
    OrderLineId(501 + place as u64)
}

fn row_id(place: usize) -> SalesOrderRowId {
    SalesOrderRowId(81_001 + place as u64)
}

/// What the store refunds: its own rounding need not be ours.
fn refund_of(wish: &Wish) -> Refund {
    let mut items: Vec<RefundItem> =
        wish.lines.iter().enumerate().filter(|(_, line)| line.3 > 0).map(|(place, line)| product(line_id(place), line.3)).collect();
    if wish.delivery {
        items.push(amount("delivery"));
    }
    let exact = |amount: i64, line: &(u32, i64, i64, u32)| amount * i64::from(line.3) / i64::from(line.0);
    let tax = wish.lines.iter().map(|line| exact(line.2, line)).sum::<i64>() + wish.off_tax;
    let total = wish.lines.iter().map(|line| exact(line.1, line)).sum::<i64>() + tax + wish.off_total;
    let (total, tax) = (total.max(1), tax.max(0));
    refund(3, &Decimal::new(total, 2).to_string(), &Decimal::new(tax.min(total), 2).to_string(), items)
}

fn case_of(wish: &Wish) -> Case {
    let mut case = refunded(vec![refund_of(wish)]);
    case.full.row_links =
        wish.lines.iter().enumerate().map(|(place, line)| row_link(line_id(place), row_id(place), ProductId(5001), line.0)).collect();
    let rows = wish.lines.iter().enumerate().map(|(place, line)| {
        let mut row = row(row_id(place), ProductId(5001), line.0, "Thing");
        (row.net, row.tax, row.tax_code) = (Decimal::new(line.1, 2), Decimal::new(line.2, 2), "T20".into());
        row
    });
    case.sales_order().rows = rows.collect();
    let (total, tax) = left(&mut case);
    (case.sales_order().total, case.sales_order().tax) = (total, tax);
    case
}

proptest! {
    #[test]
    fn what_comes_off_a_sales_order_is_the_refunds_total_and_tax(wish in wish()) {
        let mut case = case_of(&wish);
        let (before, paid) = (left(&mut case), net_paid(&case, SALES_ORDER));
        let refund = refund_of(&wish);
        let played = play(&mut case);
        match case.full.refund_marks.first().map(|mark| mark.way) {
            Some(RefundWay::Order) => {
                prop_assert_eq!(left(&mut case), (before.0 - refund.total, before.1 - refund.tax));
                prop_assert_eq!(net_paid(&case, SALES_ORDER), paid - refund.total);
            }
            Some(RefundWay::Cancel) => prop_assert_eq!(before.0, refund.total),
            _ => prop_assert!(before.0 < refund.total && played.calls.is_empty()),
        }
    }

    #[test]
    fn a_sales_credits_total_and_tax_are_the_refunds(wish in wish()) {
        let mut case = case_of(&wish);
        case.sales_order().standing.fulfilled = true;
        case.rules.fulfilment.enabled = false;
        let rows: Vec<(SalesOrderRowId, u32)> = wish.lines.iter().enumerate().map(|(place, line)| (row_id(place), line.0)).collect();
        case.full.notes = Some(vec![note(4101, &rows)]);
        let refund = refund_of(&wish);
        let played = play(&mut case);
        let [credit] = played.credits.as_slice() else { return Err(TestCaseError::fail(format!("{:?}", played.causes()))) };
        let tax: Decimal = credit.rows.iter().map(|row| row.tax).sum();
        let net: Decimal = credit.rows.iter().map(|row| row.net).sum();
        prop_assert_eq!((net + tax, tax), (refund.total, refund.tax));
        prop_assert!(credit.rows.iter().filter(|row| row.product.is_none()).count() <= 1, "the rest stands in one row");
        prop_assert!(played.causes().is_empty());
    }
}
