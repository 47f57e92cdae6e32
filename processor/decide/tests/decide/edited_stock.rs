//! Stock that is kept back for rows that an edit changes.

use orderbridge_schema::command::{Command, Reservation};
use orderbridge_schema::decision::{Cause, Effect, Hold};
use orderbridge_schema::facts::Allocated;
use orderbridge_schema::reservation::{ReservationMark, ReservationState, ReservedRow};
use orderbridge_schema::rules::Allocation;

use crate::case::Case;
use crate::edits::{edit, in_step, no_mug, present, three_teas, whole};
use crate::facts::{MUG_PRODUCT, MUG_ROW, SALES_ORDER, TEA_PRODUCT, TEA_ROW, d, now};

fn mark(state: ReservationState) -> ReservationMark {
    ReservationMark { sales_order: SALES_ORDER, state, tried_at: None }
}

/// An order in step that stock is kept back for.
fn reserved(allocated: Allocated) -> Case {
    let mut case = in_step();
    case.rules.orders.allocation = Allocation::OnCreation;
    case.full.reservations = vec![mark(ReservationState::Done)];
    case.full.stock_tracked = [(TEA_PRODUCT, true), (MUG_PRODUCT, true)].into();
    case.sales_order().standing.allocated = allocated;
    whole(&mut case, 5);
    case
}

/// One tea instead of two: 12.00 with 2.00 tax, 30.00 in all.
fn one_tea(case: &mut Case) {
    three_teas(case);
    let tea = &mut case.lines()[0];
    (tea.quantity, tea.total, tea.tax, tea.discounted_total) = (1, d("12"), d("2"), d("12"));
    case.taxes()[0].amount = d("2");
    (case.order().total, case.order().tax) = (d("30"), d("5"));
}

fn lowered(case: &Case) -> Reservation {
    match case.command() {
        Command::SetReservation(reservation) => *reservation,
        other => panic!("not a reservation: {other:?}"),
    }
}

#[test]
fn pieces_that_an_edit_takes_away_are_given_back_before_it() {
    for allocated in [Allocated::Part, Allocated::All] {
        let mut case = reserved(allocated);
        one_tea(&mut case);
        let tea = ReservedRow { row: TEA_ROW, product: TEA_PRODUCT, quantity: 1 };
        let mug = ReservedRow { row: MUG_ROW, product: MUG_PRODUCT, quantity: 1 };
        assert_eq!(lowered(&case).rows, [tea, mug]);
        case.full.lowered.insert(SALES_ORDER);
        assert_eq!(edit(&case).changed.len(), 1, "once, and then the edit");
        let mut case = reserved(allocated);
        no_mug(&mut case);
        assert_eq!(lowered(&case).rows, [ReservedRow { quantity: 2, ..tea }]);
    }
}

#[test]
fn where_nothing_is_kept_back_or_nothing_is_taken_away_only_the_order_is_changed() {
    for allocated in [Allocated::Nothing, Allocated::NotNeeded] {
        let mut case = reserved(allocated);
        one_tea(&mut case);
        assert_eq!(edit(&case).changed.len(), 1);
    }
    let mut case = reserved(Allocated::All);
    three_teas(&mut case);
    assert_eq!(edit(&case).changed.len(), 1);
    let mut case = reserved(Allocated::Unknown);
    case.full.reserved.insert(SALES_ORDER, Vec::new());
    one_tea(&mut case);
    assert_eq!(edit(&case).changed.len(), 1);
}

#[test]
fn a_refused_reservation_leaves_it_to_brightpearl_whether_the_edit_goes_through() {
    let mut case = reserved(Allocated::All);
    one_tea(&mut case);
    let name = case.command().name();
    let cause = Cause::Refused("set-reservation".into());
    let refused = Hold { effect: Effect::Allocation, cause, why: "no".into(), remedy: "none".into() };
    case.full.refused.insert(name, refused);
    assert_eq!(edit(&case).changed.len(), 1);
}

#[test]
fn after_an_edit_that_asks_for_more_the_rest_is_reserved_at_once() {
    let mut case = reserved(Allocated::Part);
    three_teas(&mut case);
    let mut tea = case.full.in_step[0].rows[0].clone();
    (tea.quantity, tea.net, tea.tax) = (3, d("30"), d("6"));
    case.sales_order().rows[0] = present(&tea, "Tea");
    whole(&mut case, 6);
    let decision = case.decision();
    assert_eq!(decision.reservations, [mark(ReservationState::Part)]);
    // What people have released, or were left to reserve, stays so.
    for (allocated, state, rule) in [
        (Allocated::Nothing, ReservationState::Done, Allocation::OnCreation),
        (Allocated::Part, ReservationState::Wanted, Allocation::OnCreation),
        (Allocated::Part, ReservationState::Done, Allocation::Off),
    ] {
        case.sales_order().standing.allocated = allocated;
        whole(&mut case, 6);
        let tried_at = Some(now());
        case.full.reservations = vec![ReservationMark { tried_at, ..mark(state) }];
        case.rules.orders.allocation = rule;
        assert_eq!(case.decision().reservations, [], "{allocated:?} {state} {rule:?}");
    }
}
