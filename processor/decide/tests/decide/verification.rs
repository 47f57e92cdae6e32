//! The sales order that was just made, compared with what was sent.

use orderbridge_schema::decision::{Cause, Decision, Effect};
use orderbridge_schema::facts::{SalesOrder, SalesOrderRow};
use orderbridge_schema::ids::{OrderLineId, ProductId, SalesOrderId, SalesOrderRowId};
use orderbridge_schema::work::Aspects;

use crate::case::{Case, remark_keys};
use crate::facts::{MUG, MUG_PRODUCT, MUG_ROW, SALES_ORDER, TEA, TEA_PRODUCT, TEA_ROW, d, line, note, row};

/// Line and row of each link.
fn links(decision: &Decision) -> Vec<(OrderLineId, SalesOrderRowId)> {
    let (sales_order, rows) = decision.verified.as_ref().unwrap();
    assert_eq!(*sales_order, SALES_ORDER);
    rows.iter().map(|link| (link.line, link.row)).collect()
}

fn tea_row(id: u64) -> SalesOrderRow {
    row(SalesOrderRowId(id), TEA_PRODUCT, 2, "Tea")
}

/// The plain order with a second line of the same product and quantity, free of charge.
fn twins() -> Case {
    let mut case = Case::created();
    case.lines().push(line(OrderLineId(503), "TEA-1", 2, "0", "0"));
    case
}

#[test]
fn an_equal_total_is_told_and_the_rows_are_linked() {
    let decision = Case::created().decision();
    assert_eq!(links(&decision), [(TEA, TEA_ROW), (MUG, MUG_ROW)]);
    assert_eq!((remark_keys(&decision), decision.cleared.clone()), (vec!["total-equal"], vec![Effect::Verification]));
    assert!(decision.commands.is_empty() && decision.holds.is_empty());
    let link = &decision.verified.unwrap().1[0];
    assert_eq!((link.quantity, link.product, link.address, link.shippable), (2, TEA_PRODUCT, crate::facts::ADDRESS, true));
}

#[test]
fn rows_are_matched_by_our_key_where_it_is_echoed() {
    let mut case = twins();
    let rows = &mut case.sales_order().rows;
    rows.push(tea_row(81004));
    // In reverse order, and with names and products that alone would not do.
    for (row, key) in rows.iter_mut().zip(["bc-line-503", "bc-line-502", "bc-shipping", "bc-line-501"]) {
        row.external_ref = key.into();
    }
    rows[2].name = "Delivery".into();
    assert_eq!(links(&case.decision()), [(TEA, SalesOrderRowId(81004)), (MUG, MUG_ROW), (OrderLineId(503), TEA_ROW)]);
}

#[test]
fn without_an_echo_rows_are_matched_by_product_quantity_and_place() {
    let mut case = twins();
    case.sales_order().rows.push(tea_row(81004));
    assert_eq!(links(&case.decision()), [(TEA, TEA_ROW), (MUG, MUG_ROW), (OrderLineId(503), SalesOrderRowId(81004))]);
}

#[test]
fn components_of_a_bundle_stand_for_no_line() {
    let mut case = Case::created();
    let mut component = tea_row(80000);
    (component.bundle_child, component.bundle_parent_row) = (true, Some(MUG_ROW));
    case.sales_order().rows.insert(0, component);
    assert_eq!(links(&case.decision()), [(TEA, TEA_ROW), (MUG, MUG_ROW)]);
}

#[test]
fn free_text_is_matched_by_its_name() {
    let mut case = Case::created();
    case.lines()[1].sku = String::new();
    let free = |id: u64, name: &str| row(SalesOrderRowId(id), ProductId(1000), 1, name);
    case.sales_order().rows = vec![free(1, "Shipping"), tea_row(2), free(3, "Thing MUG-1")];
    assert_eq!(links(&case.decision()), [(TEA, SalesOrderRowId(2)), (MUG, SalesOrderRowId(3))]);
}

#[test]
fn a_different_total_holds_the_verification_alone() {
    let mut case = Case::created();
    case.sales_order().total = d("41.99");
    let decision = case.decision();
    assert_eq!(links(&decision), [(TEA, TEA_ROW), (MUG, MUG_ROW)]);
    let causes: Vec<_> = decision.holds.iter().map(|hold| (hold.effect, hold.cause.clone())).collect();
    assert_eq!(causes, [(Effect::Verification, Cause::CreatedTotalDiffers)]);

    // The rest goes on: a shipped note becomes a shipment.
    let mut case = Case::linked();
    case.sales_order().total = d("41.99");
    case.full.held.insert(Effect::Verification);
    case.notes().push(note(4101, &[(TEA_ROW, 2)]));
    assert_eq!(case.shipment().items, [(TEA, 2)]);
}

#[test]
fn the_same_total_with_another_tax_holds_too() {
    let mut case = Case::created();
    case.sales_order().tax -= d("0.01");
    let decision = case.decision();
    assert_eq!(decision.holds.iter().map(|hold| hold.cause.clone()).collect::<Vec<_>>(), [Cause::CreatedTotalDiffers]);
    assert!(decision.holds[0].why.contains("tax"), "{}", decision.holds[0].why);
}

#[test]
fn a_total_with_more_decimals_is_compared_in_the_minor_unit() {
    let mut case = Case::created();
    case.sales_order().total = d("42.0049");
    assert!(case.decision().holds.is_empty());
    case.sales_order().total = d("42.0050");
    assert_eq!(case.decision().holds.len(), 1);
}

#[test]
fn rows_that_cannot_be_told_apart_hold_and_do_not_stop_the_statuses() {
    let changes: [fn(&mut SalesOrder); 4] = [
        |sales_order| sales_order.rows[0].quantity = d("3"),
        |sales_order| sales_order.rows[1].product = ProductId(9),
        |sales_order| sales_order.rows.truncate(2),
        |sales_order| sales_order.rows[0].external_ref = "another-systems-row".into(),
    ];
    for change in changes {
        let mut case = Case::created();
        change(case.sales_order());
        let decision = case.decision();
        assert!(links(&decision).is_empty());
        assert_eq!(decision.holds[0].cause, Cause::RowsNotMatched);
    }
}

#[test]
fn a_store_order_that_can_no_longer_be_compared_is_linked_without_rows() {
    let mut case = Case::created();
    case.full.products.get_mut(&crate::facts::sku("MUG-1")).unwrap().push(MUG_PRODUCT);
    assert_eq!(case.decision().holds[0].cause, Cause::RowsNotMatched);
}

#[test]
fn a_sales_order_that_is_gone_is_never_made_again() {
    for (case, aspects) in [(Case::created(), Aspects::ALL), (Case::linked(), Aspects::SALES_ORDER)] {
        let mut case = case.with_aspects(aspects);
        case.full.sales_orders.insert(SALES_ORDER, None);
        let decision = case.decision();
        assert!(decision.commands.is_empty() && decision.again_after_seconds.is_some(), "{decision:?}");
    }
}

#[test]
fn nothing_else_is_done_before_the_sales_order_is_verified() {
    let mut case = Case::created();
    case.notes().push(note(4101, &[(TEA_ROW, 2)]));
    case.full.agreed = Some(crate::facts::agreement(11, 9));
    let decision = case.decision();
    assert!(decision.commands.is_empty() && decision.verified.is_some());
}

#[test]
fn each_of_several_sales_orders_is_verified() {
    let mut case = Case::linked();
    let mut second = case.full.links[0].clone();
    (second.sales_order, second.part, second.verified) = (SalesOrderId(70002), 1, false);
    case.full.links.push(second);
    let sales_order = SalesOrder { id: SalesOrderId(70002), ..crate::facts::sales_order() };
    case.full.sales_orders.insert(SalesOrderId(70002), Some(sales_order));
    assert_eq!(case.decision().verified.unwrap().0, SalesOrderId(70002));
}

#[test]
fn a_held_comparison_is_made_again_by_any_event_and_is_free_once_the_totals_agree() {
    let mut case = Case::linked().with_aspects(Aspects::NOTES);
    case.full.held.insert(Effect::Verification);
    case.sales_order().total = d("41.99");
    assert_eq!(case.held(Effect::Verification), [Cause::CreatedTotalDiffers]);

    let mut case = Case::linked().with_aspects(Aspects::NOTES);
    case.full.held.insert(Effect::Verification);
    let decision = case.decision();
    assert!(decision.holds.is_empty() && decision.cleared.contains(&Effect::Verification));
    assert_eq!(decision.verified, None, "its rows are linked already");
}

#[test]
fn a_held_shipment_is_looked_into_by_an_event_of_another_side() {
    let mut case = Case::linked().with_aspects(Aspects::STORE_ORDER);
    case.full.held.insert(Effect::Shipment);
    case.notes().push(note(4101, &[(TEA_ROW, 2)]));
    assert_eq!(case.shipment().items, [(TEA, 2)]);
}
