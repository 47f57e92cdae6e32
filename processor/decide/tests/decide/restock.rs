//! Goods of a refund that come back into stock.

use orderbridge_schema::command::{Command, GoodsIn, GoodsInRow};
use orderbridge_schema::ids::{SalesOrderRowId, WarehouseId};
use orderbridge_schema::rules::Restock;

use crate::case::Case;
use crate::facts::{MUG, MUG_PRODUCT, MUG_ROW, TEA, TEA_PRODUCT, TEA_ROW, ago, d, note};
use crate::refunded::{CREDIT, Played, amount, play, product, refund, refunded};

const PLACE: Restock = Restock { warehouse: WarehouseId(2), location: 7 };

/// One tea and delivery of an order that has left; a tea cost the merchant 3.50.
fn returned() -> Case {
    let mut case = refunded(vec![refund(3, "18", "3", vec![product(TEA, 1), amount("delivery")])]);
    case.rules.payments.refunds.restock = Some(PLACE);
    case.rules.fulfilment.enabled = false;
    case.sales_order().standing.fulfilled = true;
    case.sales_order().rows[0].cost = Some(d("3.50"));
    case.full.notes = Some(vec![note(4101, &[(TEA_ROW, 2), (MUG_ROW, 1)])]);
    case
}

fn received(played: &Played) -> Vec<GoodsIn> {
    let goods = |command: &Command| if let Command::ReceiveGoods(goods) = command { Some((**goods).clone()) } else { None };
    played.calls.iter().filter_map(goods).collect()
}

#[test]
fn what_has_left_comes_back_where_the_rules_say_at_what_it_cost() {
    let mut case = returned();
    let played = play(&mut case);
    let row = GoodsInRow { row: SalesOrderRowId(91_001), product: TEA_PRODUCT, quantity: 1, cost: d("3.50") };
    let expected = GoodsIn {
        credit: CREDIT,
        refund: case.full.refund_marks[0].refund,
        place: PLACE,
        received_at: ago(60),
        currency: "GBP".into(),
        rows: vec![row],
    };
    assert_eq!(received(&played), [expected]);
    assert_eq!(played.calls.len(), 3, "credit, payment, goods");
    assert!(case.full.refund_marks[0].booked && case.full.refund_marks[0].goods_in == Some(4301));
}

#[test]
fn without_the_rule_or_goods_nothing_comes_back() {
    let mut case = returned();
    case.rules.payments.refunds.restock = None;
    assert!(received(&play(&mut case)).is_empty());
    let mut amounts = returned();
    amounts.full.refunds = Some(orderbridge_schema::facts::Refunds::Read(vec![refund(3, "6", "1", vec![amount("delivery")])]));
    assert!(received(&play(&mut amounts)).is_empty());
    let mut untracked = returned();
    untracked.full.stock_tracked.insert(TEA_PRODUCT, false);
    let played = play(&mut untracked);
    assert!(received(&played).is_empty() && played.causes().is_empty());
}

#[test]
fn what_was_invoiced_and_has_not_left_does_not_come_back() {
    let mut case = returned();
    case.sales_order().standing.fulfilled = false;
    case.sales_order().standing.invoiced = true;
    assert!(received(&play(&mut case)).is_empty());
    let mut part = returned();
    part.sales_order().standing.invoiced = true;
    part.full.notes = Some(vec![note(4101, &[(TEA_ROW, 1)])]);
    assert!(received(&play(&mut part)).is_empty());
    assert!(part.full.refund_marks[0].booked, "its money is booked all the same");
}

#[test]
fn goods_of_unknown_cost_wait_for_a_person_and_the_money_does_not() {
    let mut case = returned();
    case.sales_order().rows[0].cost = None;
    let played = play(&mut case);
    assert_eq!((played.calls.len(), played.causes()), (2, vec!["refund-unclear:3".to_owned()]));
}

#[test]
fn several_lines_come_back_by_one_note() {
    let mut case = returned();
    case.sales_order().rows[1].cost = Some(d("2"));
    case.full.refunds = Some(orderbridge_schema::facts::Refunds::Read(vec![refund(3, "36", "6", vec![product(TEA, 2), product(MUG, 1)])]));
    let [goods] = received(&play(&mut case)).try_into().unwrap();
    let rows: Vec<_> = goods.rows.iter().map(|row| (row.product, row.quantity, row.cost)).collect();
    assert_eq!(rows, [(TEA_PRODUCT, 2, d("3.50")), (MUG_PRODUCT, 1, d("2"))]);
}
