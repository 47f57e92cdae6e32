//! Goods leave and money goes back in any order: the books of both sides agree after each step, as far as nothing waits for a person.

use orderbridge_schema::facts::{Note, Refund, Refunds};
use orderbridge_schema::ids::{OrderLineId, ProductId, SalesOrderId, SalesOrderRowId};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::case::Case;
use crate::facts::{SALES_ORDER, note, row, row_link};
use crate::refunded::{left, net_paid, play, product, refund, refunded};

/// What happens to a line.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// So many pieces leave, if so many are there.
    Ship(usize, u32),
    /// So many pieces are refunded, if so many are left to be.
    Refund(usize, u32),
    /// The sales order is invoiced.
    Invoice,
}

const LINES: usize = 3;
/// Pieces of each line, and what one costs without tax and its tax, in pence.
const PIECES: u32 = 6;
const PRICES: [(i64, i64); LINES] = [(333, 67), (1000, 0), (199, 41)];

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..LINES, 1..=PIECES).prop_map(|(line, pieces)| Act::Ship(line, pieces)),
        6 => (0..LINES, 1..=PIECES).prop_map(|(line, pieces)| Act::Refund(line, pieces)),
        1 => Just(Act::Invoice),
    ]
}

fn row_id(line: usize) -> SalesOrderRowId {
    SalesOrderRowId(81_001 + line as u64)
}

fn line_id(line: usize) -> OrderLineId {
    OrderLineId(501 + line as u64)
}

fn worth(line: usize, pieces: u32) -> (Decimal, Decimal) {
    let (net, tax) = PRICES[line];
    (Decimal::new((net + tax) * i64::from(pieces), 2), Decimal::new(tax * i64::from(pieces), 2))
}

/// The order before anything happened: its total is what was paid.
fn order() -> Case {
    let mut case = refunded(Vec::new());
    case.rules.fulfilment.enabled = false;
    case.full.row_links = (0..LINES).map(|line| row_link(line_id(line), row_id(line), ProductId(5001), PIECES)).collect();
    let rows = (0..LINES).map(|line| {
        let mut row = row(row_id(line), ProductId(5001), PIECES, "Thing");
        let (total, tax) = worth(line, PIECES);
        (row.net, row.tax, row.tax_code) = (total - tax, tax, "T20".into());
        row
    });
    case.sales_order().rows = rows.collect();
    (case.sales_order().total, case.sales_order().tax) = left(&mut case);
    let total = case.sales_order().total;
    case.full.payment_links[0].amount = total;
    case
}

/// What both sides did so far.
#[derive(Default)]
struct Done {
    shipped: [u32; LINES],
    refunded: [u32; LINES],
    notes: Vec<Note>,
    refunds: Vec<Refund>,
    credits: Vec<(SalesOrderId, Decimal)>,
}

/// Pieces of a line that are still on the sales order.
fn on_order(case: &mut Case, line: usize) -> u32 {
    let row = case.sales_order().rows.iter().find(|row| row.id == row_id(line)).map(|row| row.quantity);
    row.map_or(0, |quantity| quantity.to_string().parse().unwrap())
}

fn ship(case: &mut Case, done: &mut Done, line: usize, pieces: u32) {
    let here = on_order(case, line) - done.shipped[line];
    if pieces <= here {
        done.shipped[line] += pieces;
        done.notes.push(note(4101 + done.notes.len() as u64, &[(row_id(line), pieces)]));
        case.sales_order().standing.fulfilled = true;
        case.full.notes = Some(done.notes.clone());
    }
}

/// Refunds, and carries out what follows. False if that waits for a person.
fn give_back(case: &mut Case, done: &mut Done, line: usize, pieces: u32) -> bool {
    if done.refunded[line] + pieces > PIECES {
        return true;
    }
    let (total, tax) = worth(line, pieces);
    let id = 3 + done.refunds.len() as u64;
    done.refunded[line] += pieces;
    done.refunds.push(refund(id, &total.to_string(), &tax.to_string(), vec![product(line_id(line), pieces)]));
    case.full.refunds = Some(Refunds::Read(done.refunds.clone()));
    let played = play(case);
    for credit in &played.credits {
        let of = case.full.refund_marks.iter().find(|mark| mark.refund == credit.refund).and_then(|mark| mark.credit).unwrap();
        done.credits.push((of, credit.rows.iter().map(|row| row.net + row.tax).sum()));
    }
    played.causes().is_empty()
}

proptest! {
    #[test]
    fn goods_and_money_agree_after_each_step(acts in prop::collection::vec(act(), 1..16)) {
        let mut case = order();
        let paid = case.sales_order().total;
        let mut done = Done::default();
        for act in acts {
            match act {
                Act::Ship(line, pieces) => ship(&mut case, &mut done, line, pieces),
                Act::Invoice => case.sales_order().standing.invoiced = true,
                Act::Refund(line, pieces) => {
                    if !give_back(&mut case, &mut done, line, pieces) {
                        break;
                    }
                }
            }
            let back: Decimal = done.refunds.iter().map(|refund| refund.total).sum();
            let credited: Decimal = done.credits.iter().map(|(_, total)| *total).sum();
            let is_cancelled = case.sales_order().status.0 == 5;
            let owed = if is_cancelled { Decimal::ZERO } else { left(&mut case).0 };
            prop_assert_eq!(owed - credited, paid - back, "what is sold less what is credited is what the store kept");
            let out: Decimal = done.credits.iter().map(|(credit, total)| net_paid(&case, *credit) + total).sum();
            prop_assert_eq!(out, Decimal::ZERO, "each credit is paid out");
            prop_assert_eq!(net_paid(&case, SALES_ORDER), owed, "and the order is paid to the penny");
            let goods = |case: &mut Case, line: usize| if is_cancelled { 0 } else { on_order(case, line) };
            for line in 0..LINES {
                prop_assert!(goods(&mut case, line) >= done.shipped[line] || is_cancelled, "what has left stays on the order");
            }
        }
    }
}
