//! Sales orders that others entered before the connection existed.

use orderbridge_decide::Need;
use orderbridge_schema::decision::{Cause, Effect};
use orderbridge_schema::facts::{LineOption, SalesOrderMatch};
use orderbridge_schema::ids::{ChannelId, SalesOrderId, SalesOrderStatusId, StoreChannelId, StoreStatusId};
use orderbridge_schema::rules::OrderDefaults;
use orderbridge_schema::work::Aspects;

use crate::case::{Case, remark_keys};
use crate::facts::{SALES_ORDER, ago, pair};

fn found(id: u64, external_ref: &str) -> SalesOrderMatch {
    SalesOrderMatch { id: SalesOrderId(id), external_ref: external_ref.into() }
}

/// An order that was placed an hour before the connection was made.
fn older(found: Vec<SalesOrderMatch>) -> Case {
    let mut case = Case::new();
    case.live_since = ago(3600);
    case.full.with_number = Some(found);
    case
}

fn is_searched(case: &Case) -> bool {
    case.run().rounds.iter().flatten().any(|need| matches!(need, Need::WithNumber(_)))
}

/// The sales order of others, linked and to be compared.
fn taken_over() -> Case {
    let mut case = Case::created();
    case.full.links[0].external_ref.clear();
    let sales_order = case.sales_order();
    sales_order.external_ref = "tillshop-250".into();
    for (row, key) in sales_order.rows.iter_mut().zip(["till-1", "till-2", "till-3"]) {
        row.external_ref = key.into();
    }
    sales_order.rows[2].name = "Carriage".into();
    case
}

#[test]
fn an_order_from_before_the_connection_is_searched_for_and_created_only_if_nothing_is_found() {
    let case = older(Vec::new());
    assert!(is_searched(&case));
    assert_eq!(case.created_order().external_ref, "bc-store7-250");
    let mut later = Case::new();
    later.live_since = ago(7201);
    assert!(!is_searched(&later));
}

#[test]
fn an_order_placed_in_the_second_of_the_connection_is_taken_for_a_new_one() {
    let mut case = Case::new();
    case.live_since = ago(7200) + jiff::SignedDuration::from_millis(700);
    assert!(!is_searched(&case), "the store tells seconds only");
}

#[test]
fn an_order_from_before_the_go_live_time_is_searched_for_too() {
    let mut case = Case::new();
    case.rules.orders.go_live = Some(ago(60));
    case.full.aspects = Aspects::ALL.with(Aspects::BY_HAND);
    assert!(is_searched(&case));
    case.full.with_number = Some(vec![found(70001, "")]);
    assert_eq!(case.decision().adopted, Some(SALES_ORDER));
}

#[test]
fn it_is_searched_for_in_the_channel_it_would_be_created_in() {
    let mut case = older(Vec::new());
    case.order().channel = StoreChannelId(4);
    case.rules.orders.defaults =
        vec![OrderDefaults { store_channel: Some(StoreChannelId(4)), channel: Some(ChannelId(9)), ..OrderDefaults::default() }];
    assert!(case.run().rounds.iter().flatten().any(|need| *need == Need::WithNumber(ChannelId(9))));
}

#[test]
fn one_sales_order_with_its_number_is_taken_over() {
    for key in ["", "tillshop-250"] {
        let decision = older(vec![found(70001, key)]).decision();
        assert_eq!((decision.adopted, decision.adopted_without_key), (Some(SALES_ORDER), true));
        assert_eq!(remark_keys(&decision), ["sales-order-adopted"]);
        assert!(decision.commands.is_empty() && decision.holds.is_empty());
    }
}

#[test]
fn one_that_carries_our_own_key_is_taken_over_as_ours() {
    for others in [vec![], vec![found(70002, "")]] {
        let case = older([vec![found(70001, "bc-store7-250")], others].concat());
        let decision = case.decision();
        assert_eq!((decision.adopted, decision.adopted_without_key), (Some(SALES_ORDER), false));
    }
}

#[test]
fn several_with_its_number_wait_for_a_person() {
    let case = older(vec![found(70001, ""), found(70002, "tillshop-250")]);
    assert_eq!(case.held(Effect::Creation), [Cause::SeveralWithNumber]);
    let hold = &case.decision().holds[0];
    assert!(hold.why.contains("70001, 70002") && hold.remedy.contains("order adopt"), "{hold:?}");
}

#[test]
fn what_a_person_names_is_taken_over_whatever_the_rules_say() {
    let mut case = older(vec![found(70001, ""), found(70002, "")]);
    case.full.wanted_adoption = Some(SalesOrderId(70002));
    case.order().status = StoreStatusId(5);
    case.rules.orders.enabled = false;
    let decision = case.decision();
    assert_eq!((decision.adopted, decision.adopted_without_key), (Some(SalesOrderId(70002)), true));
}

#[test]
fn nothing_is_taken_over_while_a_creation_may_still_take_effect() {
    let mut case = Case::new();
    case.full.wanted_adoption = Some(SalesOrderId(70002));
    case.full.creation_in_doubt = true;
    assert_eq!(case.decision().adopted, None);
    assert_eq!(case.decision().commands.len(), 1, "the creation is settled first");
}

#[test]
fn lines_find_their_rows_in_what_others_entered() {
    let decision = taken_over().decision();
    let (sales_order, rows) = decision.verified.unwrap();
    assert_eq!((sales_order, rows.len(), decision.holds.len()), (SALES_ORDER, 2, 0));
}

#[test]
fn what_a_shopper_chose_is_not_looked_for_in_what_others_entered() {
    let mut case = taken_over();
    case.lines()[0].options = vec![LineOption { name: "Size".into(), value: "Large".into() }];
    assert!(case.decision().holds.is_empty());
}

#[test]
fn in_our_own_sales_orders_every_row_must_be_found() {
    let mut case = taken_over();
    case.full.links[0].external_ref = "bc-store7-250".into();
    assert_eq!(case.held(Effect::Verification), [Cause::RowsNotMatched]);
}

#[test]
fn a_line_without_a_row_and_another_total_are_held() {
    let mut case = taken_over();
    case.sales_order().rows.remove(0);
    assert_eq!(case.held(Effect::Verification), [Cause::RowsNotMatched]);
    let mut case = taken_over();
    case.sales_order().total = "41.00".parse().unwrap();
    let decision = case.decision();
    assert_eq!(decision.holds[0].cause, Cause::CreatedTotalDiffers);
    assert_eq!(decision.verified.unwrap().1.len(), 2);
}

#[test]
fn what_both_sides_say_of_an_order_that_is_taken_over_is_what_they_agree_on() {
    let mut case = taken_over();
    case.full.links[0].verified = true;
    case.order().status = StoreStatusId(2);
    case.order().external_order_id = "BP-70001".into();
    case.sales_order().status = SalesOrderStatusId(2);
    let decision = case.decision();
    assert_eq!((decision.agreed, decision.commands.len()), (Some(pair(2, 2)), 0), "status 2 there is not one that we gave it");
}
