//! How often must be read before an order can be decided: each round is a round trip, each need a call.

use std::collections::BTreeSet;

use orderbridge_decide::Need;
use orderbridge_schema::facts::{Charge, Coupon, Fee};
use orderbridge_schema::work::Aspects;

use crate::case::Case;
use crate::facts::{SALES_ORDER, TEA_ROW, d, note, sku};

fn rounds(case: &Case) -> Vec<Vec<Need>> {
    case.run().rounds.into_iter().map(|needs| needs.into_iter().collect()).collect()
}

fn products() -> Need {
    Need::Products(BTreeSet::from([sku("TEA-1"), sku("MUG-1")]))
}

#[test]
fn a_plain_order_is_created_after_three_rounds() {
    let details = vec![Need::Lines, Need::Taxes, Need::Addresses, Need::Contact];
    assert_eq!(rounds(&Case::new()), [vec![Need::StoreOrder], details, vec![products()]]);
}

#[test]
fn an_order_that_is_not_to_be_created_costs_one_read() {
    let mut case = Case::new();
    case.order().status = 0.into();
    assert_eq!(rounds(&case), [vec![Need::StoreOrder]]);
    let mut case = Case::new();
    case.order().modified_at = case.now;
    assert_eq!(rounds(&case), [vec![Need::StoreOrder]]);
}

#[test]
fn coupons_and_fees_are_read_only_where_the_total_asks_for_them() {
    let mut case = Case::new();
    case.order().coupon_discount = d("6");
    case.order().total = d("38");
    case.full.coupons = Some(vec![Coupon { code: "FREE".into(), kind: 4, discount: d("6") }]);
    case.full.fees = Some(vec![Fee { id: 1, name: "Insurance".into(), charge: Charge { gross: d("2"), tax: d("0") } }]);
    let rounds = rounds(&case);
    assert_eq!(rounds.len(), 5);
    assert_eq!(rounds[2..], [vec![Need::Coupons], vec![products()], vec![Need::Fees]]);
}

#[test]
fn a_created_order_is_verified_after_three_rounds_and_remembered_after_two_more() {
    let details = vec![Need::StoreOrder, Need::Lines, Need::Taxes];
    let rounds = rounds(&Case::created());
    assert_eq!(rounds[..4], [vec![Need::SalesOrder(SALES_ORDER)], details, vec![products()], vec![Need::Addresses]]);
    assert!(rounds.len() == 5 && matches!(rounds[4][..], [Need::Digests(_)]), "{:?}", rounds[4]);
}

#[test]
fn an_event_of_one_side_that_changed_nothing_costs_one_read() {
    let linked = |aspects| rounds(&Case::linked().with_aspects(aspects));
    assert_eq!(linked(Aspects::STORE_ORDER), [vec![Need::StoreOrder]]);
    assert_eq!(linked(Aspects::SALES_ORDER), [vec![Need::SalesOrder(SALES_ORDER)]]);
    assert_eq!(linked(Aspects::NOTES), [vec![Need::Notes]]);
    assert_eq!(linked(Aspects::default()), Vec::<Vec<Need>>::new());
}

#[test]
fn a_shipped_note_is_sent_after_two_rounds() {
    let mut case = Case::linked().with_aspects(Aspects::NOTES);
    case.notes().push(note(4101, &[(TEA_ROW, 2)]));
    assert_eq!(rounds(&case), [vec![Need::Notes], vec![Need::Lines, Need::Shipments]]);
}
