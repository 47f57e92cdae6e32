//! Orders of which one side is gone.

use jiff::SignedDuration;
use orderbridge_decide::Need;
use orderbridge_schema::decision::{Cause, Decision, Effect};
use orderbridge_schema::edit::{Absence, Missing};
use orderbridge_schema::ids::StoreStatusId;
use orderbridge_schema::work::Aspects;

use crate::case::{Case, remark_keys};
use crate::facts::{SALES_ORDER, ago, now};

/// A linked order whose sales order is not there and which has much to be done about: its status changed.
fn without_sales_order() -> Case {
    let mut case = Case::linked();
    case.order().status = StoreStatusId(5);
    case.full.sales_orders.insert(SALES_ORDER, None);
    case
}

fn missed(what: Missing, seconds_ago: i64) -> Absence {
    Absence { what, since: ago(seconds_ago), gone_at: None }
}

fn gone(what: Missing) -> Absence {
    Absence { what, since: ago(7200), gone_at: Some(ago(3600)) }
}

const MISSING: Missing = Missing::SalesOrder(SALES_ORDER);

fn does_nothing(decision: &Decision) {
    assert!(decision.commands.is_empty() && decision.verified.is_none() && decision.agreed.is_none(), "{decision:?}");
}

#[test]
fn one_miss_is_remembered_and_looked_at_again_ten_minutes_later() {
    let decision = without_sales_order().decision();
    does_nothing(&decision);
    assert_eq!(decision.absences, [Absence { what: MISSING, since: now(), gone_at: None }]);
    assert_eq!((decision.again_after_seconds, remark_keys(&decision)), (Some(601), vec!["missed"]));
    assert!(decision.holds.is_empty());
}

#[test]
fn a_sales_order_that_was_made_a_moment_ago_is_looked_for_sooner_and_is_gone_no_sooner() {
    let mut case = Case::created();
    case.full.sales_orders.insert(SALES_ORDER, None);
    assert_eq!(case.decision().again_after_seconds, Some(61));
    case.full.absences = vec![missed(MISSING, 599)];
    assert_eq!((case.decision().again_after_seconds, case.decision().holds.len()), (Some(2), 0));
}

#[test]
fn two_misses_count_only_ten_minutes_apart_and_whatever_comes_between_waits() {
    let mut case = without_sales_order();
    for (seconds, again) in [(0, 601), (1, 600), (300, 301), (599, 2)] {
        case.full.absences = vec![missed(MISSING, seconds)];
        let decision = case.decision();
        does_nothing(&decision);
        assert_eq!((decision.again_after_seconds, decision.holds.len(), decision.absences.len()), (Some(again), 0, 0), "{seconds}");
    }
    for seconds in [600, 601, 86_400] {
        case.full.absences = vec![missed(MISSING, seconds)];
        assert_eq!(case.held(Effect::Verification), [Cause::SalesOrderMissing], "{seconds}");
        let decision = case.decision();
        assert_eq!(decision.absences, [Absence { what: MISSING, since: ago(seconds), gone_at: Some(now()) }]);
        assert_eq!(decision.again_after_seconds, None);
    }
}

#[test]
fn a_sales_order_that_was_missed_is_looked_for_whatever_asks() {
    let mut case = without_sales_order().with_aspects(Aspects::NOTES);
    case.full.absences = vec![missed(MISSING, 30)];
    assert!(case.run().rounds[0].contains(&Need::SalesOrder(SALES_ORDER)));
    assert_eq!(case.decision().again_after_seconds, Some(571));
}

#[test]
fn what_was_missed_and_is_there_again_is_forgotten_and_then_all_goes_on() {
    let mut case = Case::linked();
    case.full.absences = vec![missed(MISSING, 700), missed(Missing::StoreOrder, 700)];
    let decision = case.decision();
    does_nothing(&decision);
    assert_eq!((decision.found_again, decision.absences.len()), (vec![MISSING, Missing::StoreOrder], 0));
    case.full.absences.clear();
    case.order().status = StoreStatusId(5);
    assert_eq!(case.decision().commands.len(), 1);
}

#[test]
fn an_archived_order_is_gone_at_once() {
    let mut case = Case::linked();
    case.order().deleted = true;
    case.order().status = StoreStatusId(5);
    assert_eq!(case.held(Effect::Verification), [Cause::OrderArchived]);
    assert_eq!(case.decision().absences, [Absence { what: Missing::Archived, since: now(), gone_at: Some(now()) }]);
}

#[test]
fn an_order_that_the_store_does_not_know_any_more_is_gone_when_it_is_missed_twice() {
    let mut case = Case::linked();
    case.full.store_order = Some(None);
    let decision = case.decision();
    does_nothing(&decision);
    assert_eq!((decision.absences.len(), decision.again_after_seconds), (1, Some(601)));
    case.full.absences = vec![missed(Missing::StoreOrder, 600)];
    assert_eq!(case.held(Effect::Verification), [Cause::StoreOrderMissing]);
}

#[test]
fn about_what_is_gone_nothing_is_read_or_done_whatever_asks() {
    for what in [MISSING, Missing::Archived, Missing::StoreOrder] {
        for aspects in [Aspects::ALL, Aspects::NOTES, Aspects::TRANSACTIONS, Aspects::ALL.with(Aspects::REAPPLY)] {
            let mut case = without_sales_order().with_aspects(aspects);
            case.now += SignedDuration::from_hours(48);
            case.full.absences = vec![gone(what)];
            let outcome = case.run();
            assert!(outcome.rounds.is_empty(), "{:?}", outcome.rounds);
            does_nothing(&outcome.decision);
            assert_eq!((outcome.decision.holds.len(), outcome.decision.again_after_seconds), (1, None));
        }
    }
}

#[test]
fn nothing_is_made_again_by_itself_and_a_person_has_it_looked_for() {
    let mut case = without_sales_order().with_aspects(Aspects::ALL.with(Aspects::BY_HAND));
    case.full.absences = vec![gone(MISSING)];
    assert_eq!(case.held(Effect::Verification), [Cause::SalesOrderMissing], "asked for by hand, and still not there");
    let mut case = Case::linked().with_aspects(Aspects::ALL.with(Aspects::BY_HAND));
    case.full.absences = vec![gone(MISSING)];
    assert_eq!(case.decision().found_again, [MISSING], "it is back");
    let mut case = Case::linked();
    case.full.absences = vec![gone(MISSING)];
    assert_eq!(case.decision().found_again, [], "nobody asked");
}

#[test]
fn orders_without_a_sales_order_are_not_missed() {
    let mut case = Case::new();
    case.full.store_order = Some(None);
    let decision = case.decision();
    assert_eq!((decision.absences.len(), decision.again_after_seconds), (0, None));
}
