//! Edits that cannot be carried, or are none.

use orderbridge_decide::Need;
use orderbridge_schema::command::Command;
use orderbridge_schema::decision::{Cause, Effect, Hold};
use orderbridge_schema::ids::{RefundId, StoreStatusId};
use orderbridge_schema::refund::{RefundMark, RefundWay};

use crate::case::Case;
use crate::edits::{edit, edited, hold, in_step, now_in_step, reads, three_teas, whole};
use crate::facts::{MUG_PRODUCT, SALES_ORDER, d, sku};

#[test]
fn without_leave_an_edit_is_held_with_the_difference_and_without_a_read_in_brightpearl() {
    let mut case = in_step();
    case.rules.orders.edits = false;
    three_teas(&mut case);
    let hold = hold(&case);
    assert_eq!(hold.cause, Cause::EditsOff);
    assert!(hold.why.contains("line 501: 3 instead of 2 pieces, 36 instead of 24"), "{}", hold.why);
    assert!(!reads(&case).iter().any(|need| matches!(need, Need::WholeSalesOrder(_))));
    case.rules.orders.edits = true;
    case.full.held.insert(Effect::Edit);
    assert_eq!(edit(&case).changed.len(), 1);
}

#[test]
fn a_sales_order_that_is_on_its_way_invoiced_or_cancelled_is_left_alone() {
    type Reach = fn(&mut Case);
    let stages: [(&str, Reach); 3] = [
        ("invoiced", |case| case.sales_order().standing.invoiced = true),
        ("on-its-way", |case| case.sales_order().standing.fulfilled = true),
        ("cancelled", |case| {
            case.reference.account.configuration.insert("cancelledOrderStatusId".into(), "5".into());
            case.sales_order().status = 5.into();
            case.full.agreed = Some(crate::facts::agreement(11, 5));
        }),
    ];
    for (stage, reach) in stages {
        let mut case = in_step();
        reach(&mut case);
        whole(&mut case, 6);
        three_teas(&mut case);
        let hold = hold(&case);
        assert_eq!(hold.cause, Cause::EditTooLate(stage));
        assert!(hold.why.contains("3 instead of 2 pieces"), "{}", hold.why);
    }
}

#[test]
fn an_order_of_which_something_was_refunded_is_edited_by_people() {
    let mut case = in_step();
    case.full.refund_marks.push(RefundMark {
        refund: RefundId(3),
        sales_order: SALES_ORDER,
        way: RefundWay::Order,
        rows: Vec::new(),
        extra: None,
        credit: None,
        goods_in: None,
        booked: true,
    });
    three_teas(&mut case);
    let hold = hold(&case);
    assert_eq!(hold.cause, Cause::EditTooLate("refunded"));
    assert!(hold.why.contains("3 instead of 2 pieces"), "{}", hold.why);
}

#[test]
fn a_held_edit_does_not_stop_the_statuses() {
    let mut case = in_step();
    case.sales_order().standing.fulfilled = true;
    whole(&mut case, 6);
    three_teas(&mut case);
    case.order().status = StoreStatusId(2);
    let decision = case.decision();
    assert_eq!(decision.holds.len(), 1);
    assert!(matches!(decision.commands[..], [Command::SetSalesOrderStatus { .. }]), "{decision:?}");
}

#[test]
fn a_sales_order_that_others_entered_is_changed_by_people() {
    let mut case = in_step();
    case.full.links[0].external_ref.clear();
    three_teas(&mut case);
    assert_eq!(hold(&case).cause, Cause::EditOfOthers);
}

#[test]
fn what_cannot_be_worked_out_holds_the_edit_alone() {
    let mut case = in_step();
    case.lines()[1].sku = "NEW-1".into();
    case.full.products.insert(sku("NEW-1"), Vec::new());
    edited(&mut case);
    assert_eq!(hold(&case).cause, Cause::UnknownSku("NEW-1".into()));
    let mut case = in_step();
    case.order().total = d("99");
    edited(&mut case);
    assert_eq!(hold(&case).cause, Cause::TotalMismatch);
}

#[test]
fn other_rules_alone_change_nothing() {
    let mut case = in_step();
    case.rules.taxes_and_accounts.default_tax_code = Some("X".into());
    case.rules.taxes_and_accounts.shipping_nominal_code = Some("4041".into());
    case.full.products.insert(sku("TEA-1"), vec![MUG_PRODUCT]);
    edited(&mut case);
    assert_eq!(now_in_step(&case.decision()).mark.rows, case.full.in_step[0].rows);
}

#[test]
fn a_withdrawn_order_is_no_edit() {
    for status in [5, 6] {
        let mut case = in_step();
        three_teas(&mut case);
        case.order().status = StoreStatusId(status);
        assert!(!case.decision().commands.iter().any(|command| matches!(command, Command::EditSalesOrder(_))));
    }
}

#[test]
fn a_refused_edit_is_compared_anew_and_held_only_if_nothing_has_changed_there() {
    let mut case = in_step();
    three_teas(&mut case);
    let refusal = Hold { effect: Effect::Edit, cause: Cause::Refused("edit-sales-order".into()), why: "no".into(), remedy: "none".into() };
    case.full.edits_refused = vec![(SALES_ORDER, 5, refusal.clone())];
    assert_eq!(hold(&case), refusal, "nobody changed it: it is refused as it is");
    whole(&mut case, 6);
    assert_eq!(edit(&case).version, 6, "somebody changed it meanwhile");
    case.full.edits_refused = (3..6).map(|version| (SALES_ORDER, version, refusal.clone())).collect();
    let decision = case.decision();
    assert_eq!((decision.commands.len(), decision.again_after_seconds), (0, Some(60)), "not for ever");
}

#[test]
fn nothing_of_an_address_shows_in_words() {
    let mut case = in_step();
    case.full.addresses.as_mut().unwrap()[0].address.street_1 = "9 Other Road".into();
    case.order().billing.first_name = "Augusta".into();
    edited(&mut case);
    let command = case.command();
    let shown = format!("{command:?} {} {}", command.describe(), command.fingerprint());
    assert!(!shown.contains("Other Road") && !shown.contains("Augusta"), "{shown}");
    assert!(command.personal_data().contains(&"9 Other Road"));
}

#[test]
fn another_change_of_the_same_second_is_not_overlooked() {
    let mut case = in_step();
    edited(&mut case);
    case.full.read_from = Some(crate::facts::ago(58));
    let unsure = now_in_step(&case.decision()).mark;
    assert!(unsure.seen_at < crate::facts::ago(60), "it was read two seconds after the change");
    case.full.in_step = vec![unsure];
    three_teas(&mut case);
    assert_eq!(edit(&case).changed.len(), 1, "the store gives both changes the same date");
    let mut case = in_step();
    edited(&mut case);
    case.full.read_from = Some(crate::facts::ago(57));
    assert_eq!(now_in_step(&case.decision()).mark.seen_at, crate::facts::ago(60));
}
