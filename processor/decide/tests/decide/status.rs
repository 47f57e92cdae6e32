//! Statuses, both ways.

use orderbridge_schema::command::Command;
use orderbridge_schema::decision::{AgreedStatus, Agreement, Cause, Effect};
use orderbridge_schema::ids::{InstallationId, Platform, SalesOrderStatusId, StoreStatusId};
use orderbridge_schema::work::Aspects;

use crate::case::{Case, remark_keys};
use crate::facts::{ORDER, SALES_ORDER, TEA_ROW, ago, agreement, note, pair, to_brightpearl, to_store};

/// An order whose sides last agreed on (11, 2) and are so now.
fn statuses(store: u64, brightpearl: u64) -> Case {
    let mut case = Case::linked();
    case.order().status = StoreStatusId(store);
    case.sales_order().status = SalesOrderStatusId(brightpearl);
    case
}

fn told_brightpearl(status: u64, agreed_with: u64) -> Command {
    Command::SetSalesOrderStatus { sales_order: SALES_ORDER, status: SalesOrderStatusId(status), agreed_with: StoreStatusId(agreed_with) }
}

fn told_store(status: u64, agreed_with: u64) -> Command {
    Command::SetStoreStatus { order: ORDER, status: StoreStatusId(status), agreed_with: SalesOrderStatusId(agreed_with) }
}

/// Nothing to do; the pair now remembered.
fn remembers(case: &Case) -> Option<AgreedStatus> {
    let decision = case.decision();
    assert!(decision.is_settled() && decision.holds.is_empty(), "{decision:?}");
    decision.agreed
}

#[test]
fn only_the_side_that_changed_is_carried_across() {
    assert_eq!(remembers(&statuses(11, 2)), None);
    assert_eq!(statuses(5, 2).command(), told_brightpearl(5, 5));
    assert_eq!(statuses(11, 5).command(), told_store(5, 5));
    for case in [statuses(5, 2), statuses(11, 5)] {
        assert_eq!(case.decision().cleared, [Effect::Shipment, Effect::Status]);
    }
}

#[test]
fn when_both_changed_the_chosen_side_wins_and_it_is_told() {
    for (winner, command) in [(Platform::Brightpearl, told_store(3, 3)), (Platform::Bigcommerce, told_brightpearl(5, 5))] {
        let mut case = statuses(5, 3);
        case.rules.orders.status.winner = winner;
        assert_eq!(case.command(), command);
        assert_eq!(remark_keys(&case.decision()), ["status-both-changed"]);
    }
}

#[test]
fn when_both_changed_to_what_agrees_it_is_only_remembered() {
    assert_eq!(remembers(&statuses(5, 5)), Some(pair(5, 5)));
}

#[test]
fn a_many_to_one_map_is_agreement_in_either_direction() {
    // 10 and 2 both mean 4, and 4 means 2: neither is turned into the other.
    let mut case = statuses(10, 4);
    assert_eq!(remembers(&case), Some(pair(10, 4)));
    case.full.agreed = Some(agreement(2, 4));
    assert_eq!(remembers(&case), Some(pair(10, 4)));
    case.order().status = StoreStatusId(2);
    case.full.agreed = Some(agreement(10, 4));
    assert_eq!(remembers(&case), Some(pair(2, 4)));
    // And two of Brightpearl's that both mean 2.
    case.rules.orders.status.store.push(to_store(6, 2));
    case.sales_order().status = SalesOrderStatusId(6);
    assert_eq!(remembers(&case), Some(pair(2, 6)));
}

#[test]
fn our_own_write_coming_back_is_no_change() {
    let mut case = statuses(5, 5);
    case.full.agreed = Some(Agreement { pair: pair(5, 5), before: Some(pair(11, 2)), at: ago(1) });
    for aspects in [Aspects::STORE_ORDER, Aspects::SALES_ORDER, Aspects::ALL] {
        assert_eq!(remembers(&case.clone().with_aspects(aspects)), None);
    }
}

#[test]
fn a_stale_read_after_our_own_write_is_read_again_and_not_carried() {
    // (agreed, before, read): the other side's status was written, and one of the sides still shows its old one.
    for (agreed, before, read) in
        [((5, 5), (11, 2), (11, 2)), ((5, 5), (11, 2), (5, 2)), ((5, 5), (11, 2), (11, 5)), ((5, 5), (5, 2), (5, 2)), ((5, 5), (11, 5), (11, 5))]
    {
        let mut case = statuses(read.0, read.1);
        case.full.agreed = Some(Agreement { pair: pair(agreed.0, agreed.1), before: Some(pair(before.0, before.1)), at: ago(10) });
        let decision = case.decision();
        assert_eq!((decision.commands.len(), decision.agreed, decision.again_after_seconds), (0, None, Some(20)), "{read:?}");
    }
}

#[test]
fn an_old_value_is_a_change_once_our_write_is_long_ago() {
    let mut case = statuses(5, 2);
    case.full.agreed = Some(Agreement { pair: pair(5, 5), before: Some(pair(11, 2)), at: ago(120) });
    assert_eq!(case.command(), told_store(11, 2));
}

#[test]
fn a_new_value_is_a_change_however_recent_our_write() {
    let mut case = statuses(5, 3);
    case.full.agreed = Some(Agreement { pair: pair(5, 5), before: Some(pair(11, 2)), at: ago(1) });
    assert_eq!(case.command(), told_store(3, 3));
}

#[test]
fn a_change_without_a_rule_is_remembered_so_that_a_later_rule_does_not_carry_it() {
    let unmapped = [statuses(12, 2), statuses(11, 77)];
    for mut case in unmapped {
        let now = AgreedStatus { store: case.order().status, brightpearl: case.sales_order().status };
        assert_eq!(remembers(&case), Some(now));
        assert_eq!(remark_keys(&case.decision()), ["status-not-mapped"]);
        case.full.agreed = Some(Agreement { pair: now, before: Some(pair(11, 2)), at: ago(10) });
        case.rules.orders.status.brightpearl_default = Some(SalesOrderStatusId(9));
        case.rules.orders.status.store_default = Some(StoreStatusId(9));
        assert_eq!(remembers(&case), None);
    }
}

#[test]
fn defaults_carry_what_the_map_does_not_name() {
    let mut case = statuses(12, 2);
    case.rules.orders.status.brightpearl_default = Some(SalesOrderStatusId(9));
    assert_eq!(case.command(), told_brightpearl(9, 12));
    let mut case = statuses(11, 77);
    case.rules.orders.status.store_default = Some(StoreStatusId(12));
    assert_eq!(case.command(), told_store(12, 77));
}

#[test]
fn a_direction_that_is_switched_off_carries_nothing() {
    let mut case = statuses(5, 2);
    case.rules.orders.status.to_brightpearl = false;
    assert_eq!(remembers(&case), Some(pair(5, 2)));
    let mut case = statuses(11, 5);
    case.rules.orders.status.to_store = false;
    assert_eq!(remembers(&case), Some(pair(11, 5)));
}

#[test]
fn the_first_comparison_is_the_first_agreement() {
    for (store, brightpearl) in [(11, 2), (11, 9), (9, 2)] {
        let mut case = statuses(store, brightpearl);
        // 9 is another status in which orders are created: the sales order may have been made in it.
        case.rules.orders.status.brightpearl.push(to_brightpearl(9, 7));
        case.full.agreed = None;
        assert_eq!(remembers(&case), Some(pair(store, brightpearl)));
    }
}

#[test]
fn a_cancellation_before_the_first_comparison_is_not_lost() {
    let mut case = statuses(5, 2);
    case.full.agreed = None;
    assert_eq!(case.command(), told_brightpearl(5, 5));
    // A sales order that somebody has moved on, or that an earlier installation made, is taken as it is.
    let mut moved = statuses(5, 9);
    moved.full.agreed = None;
    assert_eq!(remembers(&moved), Some(pair(5, 9)));
    case.full.links[0].installation = InstallationId(1);
    assert_eq!(remembers(&case), Some(pair(5, 2)));
}

/// The merchant now maps 11 to 6 and back, where it was 2.
fn remapped(case: &mut Case) {
    case.rules.orders.status.brightpearl = vec![to_brightpearl(11, 6)];
    case.rules.orders.status.store = vec![to_store(6, 11)];
}

#[test]
fn a_change_of_rules_alone_rewrites_nothing_until_somebody_asks_to_apply_them_again() {
    let mut case = statuses(11, 2);
    remapped(&mut case);
    assert_eq!(remembers(&case), None);
    let asked = Aspects::STORE_ORDER.with(Aspects::SALES_ORDER).with(Aspects::REAPPLY);
    let mut case = case.with_aspects(asked);
    assert_eq!(case.command(), told_brightpearl(6, 11), "2 is mapped no more, so the store's status is what is left to go by");
    // Done, it agrees.
    case.sales_order().status = SalesOrderStatusId(6);
    assert_eq!(remembers(&case), Some(pair(11, 6)));
    // Nothing was remembered of it.
    case.full.agreed = None;
    case.sales_order().status = SalesOrderStatusId(2);
    assert_eq!(case.command(), told_brightpearl(6, 11));
    // Statuses that agree by the present rules are left alone, whoever made them agree.
    assert_eq!(remembers(&statuses(11, 2).with_aspects(asked)), Some(pair(11, 2)));
}

#[test]
fn rules_are_applied_again_from_the_side_that_is_set_to_win_unless_a_side_has_changed() {
    let asked = Aspects::STORE_ORDER.with(Aspects::SALES_ORDER).with(Aspects::REAPPLY);
    let of = |winner| {
        let mut case = statuses(11, 2).with_aspects(asked);
        case.rules.orders.status.brightpearl = vec![to_brightpearl(11, 6)];
        case.rules.orders.status.store = vec![to_store(2, 9)];
        case.rules.orders.status.winner = winner;
        case
    };
    assert_eq!(of(Platform::Bigcommerce).command(), told_brightpearl(6, 11));
    assert_eq!(of(Platform::Brightpearl).command(), told_store(9, 2));
    let mut changed = of(Platform::Brightpearl);
    changed.full.agreed = Some(agreement(10, 2));
    assert_eq!(changed.command(), told_brightpearl(6, 11), "the store has changed since");
    let mut unmapped = of(Platform::Brightpearl);
    unmapped.rules.orders.status.brightpearl.clear();
    unmapped.rules.orders.status.store.clear();
    assert_eq!(remembers(&unmapped), Some(pair(11, 2)));
    let mut archived = of(Platform::Brightpearl);
    archived.order().deleted = true;
    assert_eq!(archived.held(Effect::Verification), [Cause::OrderArchived]);
}

#[test]
fn an_event_of_one_side_looks_only_at_that_side() {
    assert_eq!(remembers(&statuses(5, 2).with_aspects(Aspects::SALES_ORDER)), None);
    assert_eq!(remembers(&statuses(11, 5).with_aspects(Aspects::STORE_ORDER)), None);
    assert_eq!(remembers(&statuses(5, 5).with_aspects(Aspects::NOTES)), None);
}

#[test]
fn statuses_of_an_archived_order_are_left_alone() {
    let mut case = statuses(11, 5);
    case.order().deleted = true;
    assert_eq!(case.decision().agreed, None);
    assert_eq!(case.held(Effect::Verification), [Cause::OrderArchived]);
}

#[test]
fn shipments_are_made_before_a_status_that_tells_of_them() {
    let mut case = statuses(11, 4).with_aspects(Aspects::SALES_ORDER);
    case.notes().push(note(4101, &[(TEA_ROW, 2)]));
    assert_eq!(case.shipment().comments, "GON-4101");
    case.notes().clear();
    assert_eq!(case.command(), told_store(2, 4));
    // With shipments switched off, the status is all there is to tell.
    case.notes().push(note(4101, &[(TEA_ROW, 2)]));
    case.rules.fulfilment.enabled = false;
    assert_eq!(case.command(), told_store(2, 4));
}

#[test]
fn a_held_shipment_does_not_stop_the_statuses() {
    let mut case = statuses(5, 2);
    case.notes().push(note(4101, &[(99.into(), 1)]));
    let decision = case.decision();
    assert_eq!(decision.holds.len(), 1);
    assert_eq!(decision.commands, [told_brightpearl(5, 5)]);
    assert_eq!(decision.cleared, [Effect::Status]);
}
