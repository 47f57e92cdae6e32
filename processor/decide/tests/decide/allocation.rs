//! When stock is reserved, of which rows, and what is made of what came of it.

use std::collections::{BTreeMap, BTreeSet};

use orderbridge_decide::{Need, OrderFacts};
use orderbridge_schema::command::{Command, Reservation};
use orderbridge_schema::decision::{Cause, Decision, Effect, Hold};
use orderbridge_schema::facts::Allocated;
use orderbridge_schema::ids::{ProductId, SalesOrderRowId, WarehouseId};
use orderbridge_schema::reservation::{ReservationMark, ReservationState, ReservedRow};
use orderbridge_schema::rules::Allocation;
use orderbridge_schema::work::Aspects;

use crate::case::{Case, remark_keys};
use crate::facts::{MUG_PRODUCT, MUG_ROW, SALES_ORDER, TEA_PRODUCT, TEA_ROW, ago, agreement, now, row};

pub fn answer(need: &Need, full: &OrderFacts, facts: &mut OrderFacts) {
    match need {
        Need::Reservation(id) => {
            facts.reserved.insert(*id, full.reserved.get(id).cloned().unwrap_or_default());
        }
        Need::OnHand { sales_order, .. } => {
            facts.on_hand.insert(*sales_order, full.on_hand.get(sales_order).copied().flatten());
        }
        Need::StockTracked(products) => {
            facts.stock_tracked.extend(products.iter().map(|product| (*product, full.stock_tracked.get(product).copied().unwrap_or(true))));
        }
        other => panic!("not about reservations: {other:?}"),
    }
}

fn mark(state: ReservationState) -> ReservationMark {
    ReservationMark { sales_order: SALES_ORDER, state, tried_at: None }
}

fn piece(row: SalesOrderRowId, product: ProductId, quantity: u32) -> ReservedRow {
    ReservedRow { row, product, quantity }
}

/// A linked order whose rules want stock reserved on creation and of which nothing is reserved yet.
fn wanted(allocation: Allocation) -> Case {
    let mut case = Case::linked();
    case.rules.orders.allocation = allocation;
    case.full.reservations = vec![mark(ReservationState::Wanted)];
    case.sales_order().standing.allocated = Allocated::Nothing;
    case.sales_order().standing.warehouse = Some(WarehouseId(9));
    case.with_aspects(Aspects::SALES_ORDER)
}

fn with_state(state: ReservationState) -> Case {
    let mut case = wanted(Allocation::OnCreation);
    case.full.reservations = vec![mark(state)];
    case
}

fn reserves(case: &Case) -> Reservation {
    match case.command() {
        Command::ReserveStock(reservation) => *reservation,
        other => panic!("reserves nothing: {other:?}"),
    }
}

fn state(decision: &Decision) -> ReservationState {
    assert_eq!(decision.reservations.len(), 1, "{decision:?}");
    decision.reservations[0].state
}

fn asks_for(case: &Case, wanted: impl Fn(&Need) -> bool) -> bool {
    case.run().rounds.iter().flatten().any(wanted)
}

#[test]
fn a_new_sales_order_is_wanted_before_it_counts_as_compared_and_only_if_the_rules_say_so() {
    let mut case = Case::created();
    assert!(case.decision().reservations.is_empty(), "off");
    case.rules.orders.allocation = Allocation::OnCreation;
    let decision = case.decision();
    assert!(decision.verified.is_some());
    assert_eq!(decision.reservations, [mark(ReservationState::Wanted)]);
}

#[test]
fn an_order_from_before_the_rules_wanted_it_is_left_alone() {
    let mut case = wanted(Allocation::OnCreation);
    case.full.reservations.clear();
    let outcome = case.run();
    assert!(outcome.decision.commands.is_empty() && outcome.decision.reservations.is_empty());
}

#[test]
fn stock_is_reserved_in_the_orders_own_warehouse_with_one_line_per_row_and_no_free_text() {
    let case = wanted(Allocation::OnCreation);
    let rows = vec![piece(TEA_ROW, TEA_PRODUCT, 2), piece(MUG_ROW, MUG_PRODUCT, 1)];
    assert_eq!(reserves(&case), Reservation { sales_order: SALES_ORDER, warehouse: WarehouseId(9), rows });
    assert!(!asks_for(&case, |need| matches!(need, Need::Reservation(_) | Need::StoreOrder)), "the order itself says that nothing is reserved");
}

#[test]
fn a_bundle_is_reserved_by_its_components() {
    let mut case = wanted(Allocation::OnCreation);
    let mut part = row(SalesOrderRowId(81009), ProductId(5009), 4, "Leaf");
    part.bundle_child = true;
    part.bundle_parent_row = Some(TEA_ROW);
    case.sales_order().rows.push(part);
    let rows = [piece(MUG_ROW, MUG_PRODUCT, 1), piece(SalesOrderRowId(81009), ProductId(5009), 4)];
    assert_eq!(reserves(&case).rows, rows);
}

#[test]
fn what_no_stock_is_kept_of_and_parts_of_pieces_are_left_out() {
    let mut case = wanted(Allocation::OnCreation);
    case.full.stock_tracked = BTreeMap::from([(TEA_PRODUCT, false)]);
    assert_eq!(reserves(&case).rows, [piece(MUG_ROW, MUG_PRODUCT, 1)]);
    case.sales_order().rows[1].quantity = "0.5".parse().unwrap();
    let decision = case.decision();
    assert_eq!((state(&decision), remark_keys(&decision)), (ReservationState::Done, vec!["allocation-not-needed"]));
}

#[test]
fn an_order_that_needs_no_stock_is_done_without_a_call() {
    let mut case = wanted(Allocation::OnCreation);
    case.sales_order().standing.allocated = Allocated::NotNeeded;
    let decision = case.decision();
    assert!(decision.commands.is_empty() && state(&decision) == ReservationState::Done);
}

#[test]
fn switched_off_nothing_is_read_and_nothing_is_done() {
    let case = wanted(Allocation::Off);
    assert!(case.decision().commands.is_empty());
    assert!(!asks_for(&case, |need| matches!(need, Need::Reservation(_) | Need::StockTracked(_))));
}

#[test]
fn an_unpaid_order_waits_for_its_payment_if_the_rules_say_so() {
    let mut case = wanted(Allocation::WhenPaid);
    let waits = case.decision();
    assert!(waits.commands.is_empty() && waits.reservations.is_empty());
    assert_eq!(remark_keys(&waits), ["allocation-waits"]);
    case.sales_order().standing.paid = true;
    assert_eq!(reserves(&case).pieces(), 3);
}

#[test]
fn an_order_in_a_fraud_check_waits_and_one_that_is_not_delivered_is_left_alone() {
    for (status, waits) in [(12, true), (13, true), (0, false), (4, false), (5, false), (6, false)] {
        let mut case = wanted(Allocation::OnCreation);
        case.full.agreed = Some(agreement(status, 2));
        let decision = case.decision();
        assert!(decision.commands.is_empty() && decision.reservations.is_empty(), "{status}");
        assert_eq!(remark_keys(&decision) == ["allocation-waits"], waits, "{status}");
    }
}

#[test]
fn the_stores_status_is_taken_as_it_was_read_if_it_was() {
    let mut case = wanted(Allocation::OnCreation).with_aspects(Aspects::STORE_ORDER);
    case.order().status = 12.into();
    assert!(!case.decision().commands.iter().any(|command| matches!(command, Command::ReserveStock(_))));
}

#[test]
fn an_order_that_is_on_its_way_invoiced_or_cancelled_is_left_alone() {
    let mut fulfilled = wanted(Allocation::OnCreation);
    fulfilled.sales_order().standing.fulfilled = true;
    let mut invoiced = wanted(Allocation::OnCreation);
    invoiced.sales_order().standing.invoiced = true;
    for case in [fulfilled, invoiced] {
        let decision = case.decision();
        assert_eq!((state(&decision), remark_keys(&decision)), (ReservationState::Done, vec!["allocation-left-alone"]));
    }
    let mut cancelled = wanted(Allocation::OnCreation);
    cancelled.reference.account.configuration.insert("cancelledOrderStatusId".into(), "2".into());
    assert!(cancelled.decision().commands.is_empty());
    let mut gone = wanted(Allocation::OnCreation);
    gone.full.sales_orders.insert(SALES_ORDER, None);
    assert!(gone.decision().commands.is_empty());
}

#[test]
fn what_was_asked_for_is_read_back_and_told() {
    let mut case = with_state(ReservationState::Asked);
    case.full.reserved.insert(SALES_ORDER, vec![piece(TEA_ROW, TEA_PRODUCT, 2), piece(MUG_ROW, MUG_PRODUCT, 1)]);
    let decision = case.decision();
    assert_eq!((state(&decision), remark_keys(&decision)), (ReservationState::Done, vec!["reserved"]));
    assert!(decision.commands.is_empty());
}

#[test]
fn a_part_that_is_reserved_is_told_row_by_row() {
    let mut case = with_state(ReservationState::Asked);
    case.full.reserved.insert(SALES_ORDER, vec![piece(TEA_ROW, TEA_PRODUCT, 1)]);
    let decision = case.decision();
    assert_eq!(decision.reservations[0], ReservationMark { tried_at: Some(now()), ..mark(ReservationState::Part) });
    let text = &decision.remarks[0].text;
    assert!(text.contains("1 of 2 of row 81001") && text.contains("0 of 1 of row 81002") && text.contains("not in stock"), "{text}");
}

#[test]
fn many_short_rows_are_told_in_a_few_words() {
    let mut case = with_state(ReservationState::Asked);
    case.sales_order().rows = (0..13).map(|n| row(SalesOrderRowId(82000 + n), ProductId(6000 + n), 2, "Thing")).collect();
    case.full.reserved.insert(SALES_ORDER, vec![piece(SalesOrderRowId(82000), ProductId(6000), 1)]);
    let decision = case.decision();
    assert!(decision.remarks[0].text.contains("3 more rows"), "{:?}", decision.remarks);
}

#[test]
fn what_somebody_else_reserved_already_is_success_and_adds_nothing() {
    for allocated in [Allocated::All, Allocated::Part] {
        let mut case = wanted(Allocation::OnCreation);
        case.sales_order().standing.allocated = allocated;
        case.full.reserved.insert(SALES_ORDER, vec![piece(TEA_ROW, TEA_PRODUCT, 2), piece(MUG_ROW, MUG_PRODUCT, 1)]);
        let decision = case.decision();
        assert!(decision.commands.is_empty() && state(&decision) == ReservationState::Done);
    }
}

#[test]
fn an_order_that_does_not_say_what_is_reserved_is_asked_first() {
    let mut case = wanted(Allocation::OnCreation);
    case.sales_order().standing.allocated = Allocated::Unknown;
    assert!(asks_for(&case, |need| *need == Need::Reservation(SALES_ORDER)));
    assert_eq!(reserves(&case).pieces(), 3);
    case.full.reserved.insert(SALES_ORDER, vec![piece(TEA_ROW, TEA_PRODUCT, 2), piece(MUG_ROW, MUG_PRODUCT, 1)]);
    assert_eq!(state(&case.decision()), ReservationState::Done);
}

#[test]
fn a_reservation_that_was_added_to_another_is_set_right_once() {
    let doubled = vec![piece(TEA_ROW, TEA_PRODUCT, 4), piece(MUG_ROW, MUG_PRODUCT, 1)];
    let mut case = with_state(ReservationState::Asked);
    case.full.reserved.insert(SALES_ORDER, doubled.clone());
    match case.command() {
        Command::SetReservation(reservation) => {
            assert_eq!(reservation.rows, [piece(TEA_ROW, TEA_PRODUCT, 2), piece(MUG_ROW, MUG_PRODUCT, 1)]);
        }
        other => panic!("{other:?}"),
    }
    let mut set = with_state(ReservationState::Set);
    set.full.reserved.insert(SALES_ORDER, doubled);
    let decision = set.decision();
    assert!(decision.commands.is_empty() && state(&decision) == ReservationState::Done);
}

fn refused(case: &mut Case, name: &str) {
    let hold = Hold { effect: Effect::Allocation, cause: Cause::Refused("reserve-stock".into()), why: "no".into(), remedy: "look".into() };
    case.full.refused = BTreeMap::from([(name.to_owned(), hold)]);
}

#[test]
fn a_refusal_because_nothing_is_on_hand_is_told_and_no_hold() {
    let mut case = wanted(Allocation::OnCreation);
    refused(&mut case, "reserve-stock/70001");
    case.full.on_hand.insert(SALES_ORDER, Some(0));
    let decision = case.decision();
    assert!(decision.commands.is_empty() && decision.holds.is_empty());
    assert_eq!(decision.reservations[0], ReservationMark { tried_at: Some(now()), ..mark(ReservationState::Nothing) });
    assert_eq!(remark_keys(&decision), ["not-in-stock"]);
    let products = BTreeSet::from([TEA_PRODUCT, MUG_PRODUCT]);
    let asked = Need::OnHand { sales_order: SALES_ORDER, warehouse: WarehouseId(9), products };
    assert!(asks_for(&case, |need| *need == asked));
}

#[test]
fn any_other_refusal_is_held() {
    for on_hand in [Some(5), None] {
        let mut case = wanted(Allocation::OnCreation);
        refused(&mut case, "reserve-stock/70001");
        case.full.on_hand.insert(SALES_ORDER, on_hand);
        assert_eq!(case.held(Effect::Allocation), [Cause::Refused("reserve-stock".into())]);
    }
}

#[test]
fn a_try_in_vain_is_made_again_by_a_later_event_and_not_by_every_one() {
    let mut case = with_state(ReservationState::Nothing);
    case.full.reservations[0].tried_at = Some(ago(60));
    let outcome = case.run();
    assert!(outcome.decision.commands.is_empty());
    assert!(!outcome.rounds.iter().flatten().any(|need| matches!(need, Need::StockTracked(_) | Need::Reservation(_))));
    case.full.reservations[0].tried_at = Some(ago(15 * 60));
    assert_eq!(reserves(&case).pieces(), 3);
}

#[test]
fn a_part_is_made_whole_later_by_setting_quantities_and_never_by_adding() {
    let mut case = with_state(ReservationState::Part);
    case.full.reservations[0].tried_at = Some(ago(15 * 60));
    case.sales_order().standing.allocated = Allocated::Part;
    assert!(matches!(case.command(), Command::SetReservation(reservation) if reservation.pieces() == 3));
    refused(&mut case, "set-reservation/70001");
    case.full.on_hand.insert(SALES_ORDER, Some(0));
    let decision = case.decision();
    assert_eq!(decision.reservations[0], ReservationMark { tried_at: Some(now()), ..mark(ReservationState::Part) });
    assert!(decision.holds.is_empty());
}

#[test]
fn a_part_that_others_made_whole_or_released_is_left_as_it_is() {
    for allocated in [Allocated::All, Allocated::Nothing] {
        let mut case = with_state(ReservationState::Part);
        case.sales_order().standing.allocated = allocated;
        let decision = case.decision();
        assert!(decision.commands.is_empty() && state(&decision) == ReservationState::Done, "{allocated:?}");
    }
}

#[test]
fn what_is_done_is_never_looked_at_again() {
    let case = with_state(ReservationState::Done);
    let outcome = case.run();
    assert!(outcome.decision.commands.is_empty() && outcome.decision.reservations.is_empty());
}

#[test]
fn a_shipped_note_alone_asks_for_no_reservation() {
    let case = wanted(Allocation::OnCreation).with_aspects(Aspects::NOTES);
    assert!(!case.decision().commands.iter().any(|command| matches!(command, Command::ReserveStock(_))));
}
