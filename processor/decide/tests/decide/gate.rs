//! Which orders become sales orders, and when.

use orderbridge_decide::{newly_seen, seen_in_vain, waits_for_fraud_check};
use orderbridge_schema::decision::Effect;
use orderbridge_schema::ids::{StoreChannelId, StoreCustomerId, StoreStatusId};
use orderbridge_schema::seen::StatusSet;
use orderbridge_schema::work::Aspects;

use crate::case::{Case, remark_keys};
use crate::facts::{ORDER, ago, now};

fn set(statuses: &[u64]) -> StatusSet {
    statuses.iter().fold(StatusSet::NONE, |set, &status| set.with(StatusSet::of(StoreStatusId(status))))
}

fn in_status(status: u64, seen: &[u64]) -> Case {
    let mut case = Case::new();
    case.order().status = StoreStatusId(status);
    case.full.seen = set(seen);
    case
}

fn by_hand(mut case: Case) -> Case {
    case.full.aspects = Aspects::ALL.with(Aspects::BY_HAND);
    case
}

/// Why an order is left alone; none if it is created.
fn left_alone(case: &Case) -> Option<&'static str> {
    let decision = case.decision();
    if decision.commands.is_empty() {
        assert!(decision.is_settled() && decision.holds.is_empty(), "{decision:?}");
        assert_eq!(decision.cleared, [Effect::Creation]);
        return Some(remark_keys(&decision)[0]);
    }
    assert_eq!(case.created_order().order, ORDER);
    None
}

#[test]
fn an_order_that_was_seen_in_a_chosen_status_is_created_wherever_it_has_moved_on_to() {
    for status in 0..=14 {
        let expected = match status {
            9..=11 | 2 | 3 | 8 => None,
            4..=6 => Some("order-undone"),
            _ => Some("status-not-selected"),
        };
        assert_eq!(left_alone(&in_status(status, &[0, 11])), expected, "{status}");
        let unseen = if [9, 10, 11].contains(&status) { None } else { Some("status-not-selected") };
        assert_eq!(left_alone(&in_status(status, &[0, 1, 7, 12])), unseen, "{status}, seen in no chosen one");
    }
}

#[test]
fn it_is_told_why_an_order_is_created_in_a_status_that_is_not_chosen() {
    assert_eq!(remark_keys(&in_status(2, &[11]).decision()), ["seen-in-chosen-status"]);
    assert!(in_status(11, &[9]).decision().remarks.is_empty());
}

#[test]
fn incomplete_orders_are_created_only_if_that_is_chosen() {
    for case in [in_status(0, &[11]), by_hand(in_status(0, &[11]))] {
        assert_eq!(left_alone(&case), Some("status-not-selected"));
    }
    let mut case = in_status(0, &[]);
    case.rules.orders.create_statuses.insert(StoreStatusId(0));
    assert_eq!(left_alone(&case), None);
}

#[test]
fn other_rules_judge_what_was_seen_anew() {
    let mut case = in_status(2, &[7]);
    assert_eq!(left_alone(&case), Some("status-not-selected"));
    assert_eq!(seen_in_vain(&case.rules, &case.full), set(&[7]), "it must not be found years later");
    case.rules.orders.create_statuses.insert(StoreStatusId(7));
    assert_eq!(left_alone(&case), None);
    assert_eq!(seen_in_vain(&case.rules, &case.full), StatusSet::NONE);
}

#[test]
fn a_read_remembers_what_events_did_not_say() {
    let case = in_status(11, &[9]);
    assert_eq!(newly_seen(&case.rules, &case.full), set(&[11]));
    for case in [in_status(11, &[11]), in_status(2, &[]), Case::linked()] {
        assert_eq!(newly_seen(&case.rules, &case.full), StatusSet::NONE);
    }
}

#[test]
fn only_orders_of_chosen_store_channels_are_created() {
    let mut case = Case::new();
    case.rules.orders.store_channels = [2, 3].map(StoreChannelId).into();
    assert_eq!(left_alone(&case), Some("store-channel-not-selected"));
    assert_eq!(left_alone(&by_hand(case.clone())), Some("store-channel-not-selected"), "somebody else brings them to Brightpearl");
    case.order().channel = StoreChannelId(3);
    assert_eq!(left_alone(&case), None);
}

#[test]
fn only_orders_of_chosen_sources_are_created() {
    let from = |source: &str, external: &str, only: &[&str], except: &[&str]| {
        let mut case = Case::new();
        (case.order().source, case.order().external_source) = (source.into(), external.into());
        case.rules.orders.sources = only.iter().map(|&name| name.to_owned()).collect();
        case.rules.orders.except_sources = except.iter().map(|&name| name.to_owned()).collect();
        left_alone(&case)
    };
    let skipped = Some("source-not-selected");
    assert_eq!(from("www", "", &[], &[]), None);
    assert_eq!(from("amazon", "", &[], &["Amazon "]), skipped);
    assert_eq!(from("external", "Till App", &[], &["till app"]), skipped);
    assert_eq!(from("www", "", &[], &["amazon"]), None);
    assert_eq!(from("www", "", &["manual", "WWW"], &[]), None);
    assert_eq!(from("external", "till app", &["till app"], &[]), None);
    assert_eq!(from("ebay", "", &["www"], &[]), skipped);
    assert_eq!(from("", "", &["www"], &[]), skipped, "an order that does not say is none of the chosen ones");
    assert_eq!(from("external", "ebay", &["external"], &["ebay"]), skipped, "the exception is the closer rule");
}

#[test]
fn orders_from_before_the_go_live_time_wait_for_a_person() {
    let mut case = Case::new();
    case.rules.orders.go_live = Some(ago(7199));
    assert_eq!(left_alone(&case), Some("before-go-live"));
    assert_eq!(left_alone(&by_hand(case.clone())), None);
    case.rules.orders.go_live = Some(ago(7200));
    assert_eq!(left_alone(&case), None, "moved back to the moment it was placed");
}

#[test]
fn orders_of_guests_are_left_alone_where_that_is_chosen() {
    let mut case = Case::new();
    case.rules.orders.guests = false;
    assert_eq!(left_alone(&case), Some("guest-order"));
    assert_eq!(left_alone(&by_hand(case.clone())), None);
    case.order().customer = StoreCustomerId(7);
    assert_eq!(left_alone(&case), None);
}

#[test]
fn what_a_person_imports_is_created_in_any_status_in_which_something_is_left_to_do() {
    for status in 1..=14 {
        let expected = if [4, 5, 6].contains(&status) { Some("order-undone") } else { None };
        assert_eq!(left_alone(&by_hand(in_status(status, &[]))), expected, "{status}");
    }
    let mut case = by_hand(Case::new());
    case.rules.orders.enabled = false;
    assert_eq!(left_alone(&case), Some("order-sync-off"));
    let mut case = by_hand(Case::new());
    case.order().deleted = true;
    assert_eq!(left_alone(&case), Some("order-archived"));
}

#[test]
fn linked_orders_go_on_syncing_whatever_is_created() {
    let mut case = Case::linked();
    case.rules.orders.enabled = false;
    case.rules.orders.create_statuses.clear();
    case.rules.orders.store_channels = [StoreChannelId(9)].into();
    case.rules.orders.go_live = Some(now());
    case.rules.orders.guests = false;
    case.order().status = StoreStatusId(2);
    assert_eq!(case.decision().commands.len(), 1, "its status is carried");
}

#[test]
fn an_order_that_never_comes_to_rest_is_created_after_the_longest_wait() {
    let mut case = Case::new();
    case.order().modified_at = now();
    case.rules.orders.settle_max_seconds = 100;
    for (waited, left) in [(0, Some(30)), (70, Some(30)), (71, Some(29)), (99, Some(1)), (100, None), (5000, None)] {
        case.full.waiting_since = Some(ago(waited));
        assert_eq!(case.decision().again_after_seconds, left, "{waited}");
    }
    case.rules.orders.settle_max_seconds = 0;
    case.full.waiting_since = Some(ago(29));
    assert_eq!(case.decision().again_after_seconds, Some(1), "never less than the delay itself");
    assert_eq!(by_hand(case).decision().again_after_seconds, None, "a person does not wait");
}

#[test]
fn payment_and_allocation_wait_while_the_store_looks_for_fraud() {
    let waiting: Vec<u64> = (0..=14).filter(|&status| waits_for_fraud_check(StoreStatusId(status))).collect();
    assert_eq!(waiting, [12, 13]);
}
