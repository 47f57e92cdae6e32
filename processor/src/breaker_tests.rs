use super::*;
use orderbridge_schema::work::{Aspects, Share, WorkKind};

const NOON: &str = "2026-11-22T12:00:00Z";

fn noon() -> Timestamp {
    NOON.parse().unwrap()
}

fn seconds(count: u64) -> Timestamp {
    later(noon(), Duration::from_secs(count))
}

fn scope(name: &str) -> Scope {
    name.parse().unwrap()
}

fn key(tenant: &str, entity: u64) -> WorkKey {
    WorkKey { scope: scope(tenant), kind: WorkKind::Order, entity }
}

fn item(tenant: &str, entity: u64, attempts: u32) -> WorkItem {
    let (key, at) = (key(tenant, entity), noon());
    WorkItem {
        account: "acme".parse().unwrap(),
        key,
        share: Share::Orders,
        aspects: Aspects::ALL,
        generation: 1,
        fence: 1,
        attempts,
        first_event_at: at,
        last_event_at: at,
        cause: String::new(),
        event: None,
    }
}

const READ: Step = Step::read(Platform::Bigcommerce);
const AWAY: Trouble = Trouble { step: READ, class: FailureClass::Status(503) };
const SHIP: Trouble = Trouble { step: Step::write(CommandKind::CreateShipment), class: FailureClass::Status(500) };

/// Breakers in which that many items of tenant `a` failed.
fn after(failed: u64, trouble: Trouble) -> Breakers {
    let mut breakers = Breakers::default();
    for entity in 1..=failed {
        breakers.failed(&key("a", entity), trouble, Duration::ZERO, noon());
    }
    breakers
}

#[test]
fn causes_are_told_by_platform_and_how_they_fail() {
    assert_eq!(AWAY.to_string(), "bigcommerce/http-503");
    assert_eq!(SHIP.to_string(), "bigcommerce/http-500/create-shipment");
}

#[test]
fn one_item_that_fails_again_and_again_stops_nobody() {
    let mut breakers = after(2, AWAY);
    for _again in 0..10 {
        breakers.failed(&key("a", 2), AWAY, Duration::ZERO, noon());
    }
    assert!(breakers.shut(&scope("a"), None, noon()).is_empty());
    breakers.failed(&key("a", 3), AWAY, Duration::ZERO, noon());
    assert!(breakers.shut(&scope("a"), None, noon()).contains_key(&Platform::Bigcommerce));
}

#[test]
fn items_that_fail_in_different_ways_have_no_common_cause() {
    let mut breakers = after(2, AWAY);
    breakers.failed(&key("a", 3), Trouble { class: FailureClass::NoAnswer, ..AWAY }, Duration::ZERO, noon());
    assert!(breakers.shut(&scope("a"), None, noon()).is_empty());
}

#[test]
fn what_works_between_two_failures_shows_that_there_is_no_common_cause() {
    let mut breakers = after(2, AWAY);
    breakers.worked(&scope("a"), READ);
    breakers.failed(&key("a", 3), AWAY, Duration::ZERO, noon());
    assert!(breakers.shut(&scope("a"), None, noon()).is_empty());
}

#[test]
fn another_tenant_and_the_other_platform_go_on() {
    let mut breakers = after(3, AWAY);
    assert!(breakers.shut(&scope("b"), None, noon()).is_empty());
    assert_eq!(breakers.shut(&scope("a"), None, noon()).into_keys().collect::<Vec<_>>(), [Platform::Bigcommerce]);
    assert_eq!(breakers.may(&key("a", 9), CommandKind::CreateSalesOrder, noon()), Ok(()));
    assert_eq!(breakers.may(&key("b", 9), CommandKind::CreateShipment, noon()), Ok(()));
    assert!(breakers.may(&key("a", 9), CommandKind::CreateShipment, noon()).is_err());
}

#[test]
fn one_probe_goes_through_and_its_success_lets_all_go_on() {
    let mut breakers = after(3, AWAY);
    let all = || (1..=5).map(|entity| item("a", entity, 2)).collect::<Vec<_>>();
    let (free, left) = breakers.part(&scope("a"), all(), noon());
    assert_eq!((free.len(), left.len()), (2, 3), "of the last two it is not known what they need");
    assert!(breakers.take_probe(&scope("a"), &mut all(), noon()).is_none(), "it is too soon");
    let (mut items, at) = (all(), seconds(10));
    items[1].attempts = 1;
    let probe = breakers.take_probe(&scope("a"), &mut items, at).unwrap();
    assert_eq!((probe.key.entity, items.len()), (2, 4), "the one that failed least");
    assert!(breakers.take_probe(&scope("a"), &mut all(), at).is_none(), "one at a time");
    assert!(breakers.shut(&scope("a"), Some(&probe.key), at).is_empty());
    assert_eq!(breakers.may(&probe.key, CommandKind::CreateShipment, at), Ok(()));
    assert!(breakers.may(&key("a", 1), CommandKind::CreateShipment, at).is_err());
    breakers.worked(&scope("a"), READ);
    assert_eq!(breakers.part(&scope("a"), all(), at).0.len(), 5);
}

#[test]
fn what_waited_is_excused_once() {
    let mut breakers = after(3, AWAY);
    breakers.waits(&key("a", 4), READ);
    breakers.worked(&scope("b"), READ);
    assert!(!breakers.excuses(&key("a", 4)));
    breakers.worked(&scope("a"), READ);
    for entity in 1..=4 {
        assert!(breakers.excuses(&key("a", entity)) && breakers.excuse(&key("a", entity)));
        assert!(!breakers.excuses(&key("a", entity)), "what fails from now on is a retry");
    }
    assert!(!breakers.excuses(&key("a", 5)));
}

#[test]
fn a_probe_that_fails_makes_all_wait_longer_but_never_more_than_half_a_minute() {
    let (mut breakers, mut now) = (after(3, AWAY), noon());
    for _round in 0..20 {
        now = later(now, LONGEST);
        let probe = breakers.take_probe(&scope("a"), &mut vec![item("a", 1, 1)], now).expect("it is time");
        breakers.failed(&probe.key, AWAY, Duration::ZERO, now);
        breakers.probed(&probe.key, false, now);
        let until = breakers.shut(&scope("a"), None, now)[&Platform::Bigcommerce];
        assert!(until > now && until <= later(now, LONGEST), "{now} {until}");
    }
}

#[test]
fn a_probe_that_tells_nothing_is_followed_by_another() {
    let mut breakers = after(3, SHIP);
    let probe = breakers.take_probe(&scope("a"), &mut vec![item("a", 1, 1)], seconds(10)).unwrap();
    breakers.probed(&probe.key, false, seconds(10));
    assert!(breakers.take_probe(&scope("a"), &mut vec![item("a", 2, 1)], seconds(80)).is_some());
}

#[test]
fn a_probe_that_is_through_without_what_it_waited_for_lets_all_go_on() {
    let mut breakers = after(3, SHIP);
    let probe = breakers.take_probe(&scope("a"), &mut vec![item("a", 1, 1)], seconds(10)).unwrap();
    breakers.probed(&probe.key, true, seconds(10));
    assert_eq!(breakers.may(&key("a", 2), CommandKind::CreateShipment, seconds(10)), Ok(()));
}

#[test]
fn a_kind_of_command_that_fails_stops_that_command_alone() {
    let mut breakers = after(3, SHIP);
    assert!(breakers.shut(&scope("a"), None, noon()).is_empty());
    assert_eq!(breakers.may(&key("a", 9), CommandKind::SetStoreStatus, noon()), Ok(()));
    assert!(breakers.may(&key("a", 9), CommandKind::CreateShipment, noon()).is_err());
    let (free, left) = breakers.part(&scope("a"), vec![item("a", 8, 1), item("a", 9, 1)], noon());
    assert_eq!((free[0].key.entity, left[0].0.key.entity), (8, 9), "whoever was stopped before waits without a call");
    assert!(breakers.take_probe(&scope("a"), &mut vec![item("a", 8, 1)], seconds(10)).is_none(), "it may not need that command");
}

#[test]
fn a_platform_that_says_how_long_it_wants_to_be_left_alone_is_not_probed_before() {
    let mut breakers = Breakers::default();
    let throttled = Trouble { step: READ, class: FailureClass::Throttled };
    for entity in 1..=3 {
        breakers.failed(&key("a", entity), throttled, Duration::from_secs(45), noon());
    }
    assert!(breakers.take_probe(&scope("a"), &mut vec![item("a", 1, 1)], seconds(44)).is_none());
    assert!(breakers.take_probe(&scope("a"), &mut vec![item("a", 1, 1)], seconds(45)).is_some());
}

#[test]
fn all_work_of_an_account_itself_reads_from_brightpearl() {
    let mut breakers = Breakers::default();
    let trouble = Trouble { step: Step::read(Platform::Brightpearl), class: FailureClass::Unreachable };
    for entity in 1..=3 {
        breakers.failed(&key("@acme", entity), trouble, Duration::ZERO, noon());
    }
    assert_eq!(breakers.part(&scope("@acme"), vec![item("@acme", 9, 1)], noon()).1.len(), 1);
}
