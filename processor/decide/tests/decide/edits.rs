//! Edits at the store, carried to the sales order or held with the difference in words.

use orderbridge_decide::Need;
use orderbridge_schema::command::{Command, SalesOrderEdit};
use orderbridge_schema::decision::{Cause, Decision, Effect, Hold};
use orderbridge_schema::edit::{Contents, InStep, NowInStep, OwnedRow};
use orderbridge_schema::facts::{SalesOrderRow, Taxed, WholeSalesOrder, Writable};
use orderbridge_schema::ids::{OrderLineId, ProductId, SalesOrderRowId, ShippingMethodId};
use orderbridge_schema::link::RowLink;
use orderbridge_schema::rules::{ShippingMethodEntry, Unmapped};
use orderbridge_schema::work::Aspects;

use crate::case::Case;
use crate::facts::{MUG, MUG_PRODUCT, MUG_ROW, SALES_ORDER, TEA, TEA_PRODUCT, TEA_ROW, ago, d, line, row, row_link, tax};

const SHIPPING_ROW: SalesOrderRowId = SalesOrderRowId(81003);
const FREE_TEXT: ProductId = ProductId(1000);

pub fn owned(row: SalesOrderRowId, key: &str, product: ProductId, quantity: u32, gross: &str, tax: &str) -> OwnedRow {
    OwnedRow { row, key: key.into(), product, quantity, net: d(gross) - d(tax), tax: d(tax) }
}

pub fn present(owned: &OwnedRow, name: &str) -> SalesOrderRow {
    SalesOrderRow { net: owned.net, tax: owned.tax, external_ref: owned.key.clone(), ..row(owned.row, owned.product, owned.quantity, name) }
}

/// A linked order that is in step: two teas for 24.00, a mug for 12.00, delivery for 6.00. It was in step when it changed last an hour ago.
pub fn in_step() -> Case {
    let mut case = Case::linked().with_aspects(Aspects::STORE_ORDER);
    let rows = vec![
        owned(TEA_ROW, "bc-line-501", TEA_PRODUCT, 2, "24", "4"),
        owned(MUG_ROW, "bc-line-502", MUG_PRODUCT, 1, "12", "2"),
        owned(SHIPPING_ROW, "bc-shipping", FREE_TEXT, 1, "6", "1"),
    ];
    case.sales_order().rows = rows.iter().zip(["Tea", "Mug", "Shipping"]).map(|(owned, name)| present(owned, name)).collect();
    let contents = contents(&case);
    case.full.in_step = vec![InStep { sales_order: SALES_ORDER, seen_at: ago(3600), contents, rows }];
    whole(&mut case, 5);
    case
}

/// What the order says, as a comparison of a new sales order remembers it.
fn contents(case: &Case) -> Contents {
    let mut created = case.clone();
    created.full.links[0].verified = false;
    created.decision().in_step.remove(0).mark.contents
}

/// The sales order can be read to be changed, as it is now, with the total of its rows.
pub fn whole(case: &mut Case, version: u64) {
    let order = case.sales_order();
    order.tax = order.rows.iter().map(|row| row.tax).sum();
    order.total = order.rows.iter().map(|row| row.net).sum::<rust_decimal::Decimal>() + order.tax;
    let order = order.clone();
    let whole = WholeSalesOrder { order, version, shipping_method: None, writable: Writable::new("as it was read".into()) };
    case.full.whole.insert(SALES_ORDER, Some(whole));
}

/// The store's staff changed the order a minute ago.
pub fn edited(case: &mut Case) {
    case.order().modified_at = ago(60);
}

/// Three teas instead of two: 36.00 with 6.00 tax, 54.00 in all.
pub fn three_teas(case: &mut Case) {
    let tea = &mut case.lines()[0];
    (tea.quantity, tea.total, tea.tax, tea.discounted_total) = (3, d("36"), d("6"), d("36"));
    case.taxes()[0].amount = d("6");
    (case.order().total, case.order().tax) = (d("54"), d("9"));
    edited(case);
}

/// A second mug as a line of its own: 12.00 with 2.00 tax, 54.00 in all.
fn another_mug(case: &mut Case) {
    case.lines().push(line(OrderLineId(503), "MUG-1", 1, "12", "2"));
    case.taxes().push(tax(Taxed::Line(OrderLineId(503)), "20", "2"));
    (case.order().total, case.order().tax) = (d("54"), d("9"));
    edited(case);
}

/// No mug any more: 30.00 in all.
pub fn no_mug(case: &mut Case) {
    case.lines().remove(1);
    case.taxes().remove(1);
    (case.order().total, case.order().tax) = (d("30"), d("5"));
    edited(case);
}

pub fn edit(case: &Case) -> SalesOrderEdit {
    match case.command() {
        Command::EditSalesOrder(edit) => *edit,
        other => panic!("not an edit: {other:?}"),
    }
}

/// The one thing to be remembered; nothing is to be done.
pub fn now_in_step(decision: &Decision) -> NowInStep {
    assert!(decision.commands.is_empty() && decision.holds.is_empty() && decision.cleared.contains(&Effect::Edit), "{decision:?}");
    assert_eq!(decision.in_step.len(), 1);
    decision.in_step[0].clone()
}

pub fn hold(case: &Case) -> Hold {
    let decision = case.decision();
    assert!(decision.commands.is_empty() && decision.in_step.is_empty(), "{decision:?}");
    assert_eq!(decision.holds.len(), 1, "{decision:?}");
    assert_eq!(decision.holds[0].effect, Effect::Edit);
    decision.holds[0].clone()
}

pub fn reads(case: &Case) -> Vec<Need> {
    case.run().rounds.into_iter().flatten().collect()
}

#[test]
fn a_sales_order_that_was_just_made_is_in_step() {
    let mut case = in_step();
    case.full.links[0].verified = false;
    let mark = case.decision().in_step.remove(0).mark;
    assert_eq!(mark, case.full.in_step[0]);
}

#[test]
fn an_order_that_did_not_change_costs_no_read() {
    let case = in_step();
    assert!(!reads(&case).iter().any(|need| matches!(need, Need::Lines | Need::Addresses | Need::WholeSalesOrder(_))));
    assert!(case.decision().in_step.is_empty() && case.decision().is_settled());
    let mut other = in_step().with_aspects(Aspects::SALES_ORDER);
    three_teas(&mut other);
    assert!(other.decision().commands.is_empty(), "nobody told of the store's side");
}

#[test]
fn another_change_is_remembered_without_a_read_in_brightpearl() {
    let mut case = in_step();
    edited(&mut case);
    case.lines()[0].shipped = 1;
    case.lines()[0].refunded = 1;
    case.lines()[0].name = "Tea, at its best".into();
    let now = now_in_step(&case.decision());
    assert_eq!((now.mark.seen_at, now.row_links, now.mark.rows), (ago(60), None, case.full.in_step[0].rows.clone()));
    assert!(!reads(&case).iter().any(|need| matches!(need, Need::WholeSalesOrder(_) | Need::SalesOrder(_) | Need::Taxes)));
}

#[test]
fn our_own_write_costs_no_read_where_the_store_gives_no_lines_along_unless_the_amounts_changed() {
    let mut case = in_step();
    edited(&mut case);
    case.full.written_at_store = true;
    assert!(!reads(&case).contains(&Need::Lines));
    assert!(case.decision().in_step.is_empty(), "whether there was an edit too is looked at with the next change");
    three_teas(&mut case);
    assert_eq!(edit(&case).changed.len(), 1);
}

#[test]
fn a_changed_quantity_changes_its_row_alone() {
    let mut case = in_step();
    three_teas(&mut case);
    let edit = edit(&case);
    assert_eq!((edit.version, edit.changed.len(), edit.added.len(), edit.removed.len()), (5, 1, 0, 0));
    let (row, new) = &edit.changed[0];
    assert_eq!((*row, new.quantity, new.net, new.tax), (TEA_ROW, 3, d("30"), d("6")));
    assert_eq!((edit.billing, edit.delivery, edit.shipping_method), (None, None, None));
    assert_eq!(edit.words, ["line 501: 3 instead of 2 pieces, 36 instead of 24"]);
}

#[test]
fn new_lines_are_new_rows_and_lines_that_are_gone_take_theirs_along() {
    let mut case = in_step();
    another_mug(&mut case);
    let added = edit(&case);
    assert_eq!((added.changed.len(), added.added.len(), added.removed.len()), (0, 1, 0));
    assert_eq!((added.added[0].external_ref.as_str(), added.added[0].product), ("bc-line-503", Some(MUG_PRODUCT)));
    assert_eq!(added.words, [format!("line 503 is new: 1 pieces of product {MUG_PRODUCT} for 12")]);
    let mut case = in_step();
    no_mug(&mut case);
    let removed = edit(&case);
    assert_eq!((removed.changed.len(), removed.added.len(), removed.removed), (0, 0, vec![MUG_ROW]));
    assert_eq!(removed.words, ["line 502 is taken away: 1 pieces for 12"]);
}

#[test]
fn a_line_of_another_product_is_another_row() {
    let mut case = in_step();
    case.lines()[1].sku = "TEA-1".into();
    edited(&mut case);
    let edit = edit(&case);
    assert_eq!((edit.removed, edit.added[0].product, edit.added.len(), edit.changed.len()), (vec![MUG_ROW], Some(TEA_PRODUCT), 1, 0));
}

#[test]
fn a_bundle_of_another_number_is_made_anew_so_that_its_components_follow() {
    let mut case = in_step();
    let child = SalesOrderRow { bundle_child: true, bundle_parent_row: Some(TEA_ROW), ..row(SalesOrderRowId(81009), MUG_PRODUCT, 4, "Part") };
    case.sales_order().rows.push(child);
    whole(&mut case, 5);
    three_teas(&mut case);
    let edit = edit(&case);
    assert_eq!((edit.removed, edit.added[0].quantity, edit.changed.len()), (vec![TEA_ROW], 3, 0));
}

#[test]
fn once_the_rows_are_as_they_are_to_be_that_is_remembered_with_their_links() {
    let mut case = in_step();
    another_mug(&mut case);
    let new = owned(SalesOrderRowId(81007), "bc-line-503", MUG_PRODUCT, 1, "12", "2");
    // Whether our key comes back or not.
    for key in ["bc-line-503", ""] {
        let mut case = case.clone();
        case.sales_order().rows.push(SalesOrderRow { external_ref: key.into(), ..present(&new, "Mug") });
        whole(&mut case, 6);
        let now = now_in_step(&case.decision());
        assert_eq!((now.mark.seen_at, now.mark.rows.len()), (ago(60), 4));
        assert!(now.mark.rows.contains(&new));
        let links: Vec<(OrderLineId, SalesOrderRowId)> = now.row_links.unwrap().iter().map(|link| (link.line, link.row)).collect();
        assert_eq!(links, [(TEA, TEA_ROW), (MUG, MUG_ROW), (OrderLineId(503), SalesOrderRowId(81007))]);
        // From then on it is in step.
        case.full.in_step = vec![now.mark];
        assert!(case.decision().is_settled() && case.decision().in_step.is_empty());
    }
}

#[test]
fn links_of_lines_that_are_gone_go_and_the_others_have_their_numbers() {
    let mut case = in_step();
    no_mug(&mut case);
    three_teas(&mut case);
    (case.order().total, case.order().tax) = (d("42"), d("7"));
    let tea = owned(TEA_ROW, "bc-line-501", TEA_PRODUCT, 3, "36", "6");
    case.sales_order().rows = vec![present(&tea, "Tea"), present(&case.full.in_step[0].rows[2].clone(), "Shipping")];
    whole(&mut case, 6);
    let links: Vec<RowLink> = now_in_step(&case.decision()).row_links.unwrap();
    assert_eq!(links, [row_link(TEA, TEA_ROW, TEA_PRODUCT, 3)]);
}

#[test]
fn rows_of_others_are_neither_touched_nor_counted() {
    let mut case = in_step();
    case.sales_order().rows.push(SalesOrderRow { net: d("5"), ..row(SalesOrderRowId(81050), MUG_PRODUCT, 7, "A gift of the house") });
    whole(&mut case, 5);
    three_teas(&mut case);
    let edit = edit(&case);
    assert_eq!((edit.changed.len(), edit.removed.len(), edit.added.len()), (1, 0, 0));
    let tea = owned(TEA_ROW, "bc-line-501", TEA_PRODUCT, 3, "36", "6");
    case.sales_order().rows[0] = present(&tea, "Tea");
    whole(&mut case, 6);
    assert_eq!(now_in_step(&case.decision()).mark.rows.len(), 3);
}

#[test]
fn what_people_changed_in_the_same_rows_is_never_overwritten() {
    type Theirs = fn(&mut Vec<SalesOrderRow>);
    let theirs: [Theirs; 4] =
        [|rows| rows[0].quantity = d("5"), |rows| rows[1].net = d("1"), |rows| drop(rows.remove(1)), |rows| rows[2].tax = d("0")];
    for change in theirs {
        let mut case = in_step();
        change(&mut case.sales_order().rows);
        whole(&mut case, 6);
        three_teas(&mut case);
        let hold = hold(&case);
        assert_eq!(hold.cause, Cause::EditedOnBothSides);
        assert!(hold.why.contains("3 instead of 2 pieces") && hold.why.contains("there"), "{}", hold.why);
    }
}

#[test]
fn a_row_that_people_brought_into_step_before_us_is_a_success() {
    let mut case = in_step();
    three_teas(&mut case);
    case.sales_order().rows[0] = present(&owned(TEA_ROW, "bc-line-501", TEA_PRODUCT, 3, "36", "6"), "Tea");
    case.sales_order().standing.invoiced = true;
    whole(&mut case, 9);
    assert_eq!(now_in_step(&case.decision()).mark.rows[0].quantity, 3);
}

#[test]
fn names_and_codes_that_people_changed_are_no_conflict() {
    let mut case = in_step();
    case.sales_order().rows[0].name = "Tea (checked by Bo)".into();
    whole(&mut case, 6);
    three_teas(&mut case);
    assert_eq!(edit(&case).version, 6);
}

#[test]
fn addresses_alone_are_carried_without_a_row() {
    let mut case = in_step();
    case.full.addresses.as_mut().unwrap()[0].address.street_1 = "9 Other Road".into();
    edited(&mut case);
    let delivered = edit(&case);
    assert_eq!(delivered.delivery.unwrap().street_1, "9 Other Road");
    assert_eq!((delivered.billing, delivered.changed.len(), delivered.shipping_method), (None, 0, None));
    assert_eq!(delivered.words, ["the delivery address is another one"]);
    let mut case = in_step();
    case.order().billing.phone = "0117 000".into();
    edited(&mut case);
    let billed = edit(&case);
    assert_eq!((billed.billing.unwrap().phone.as_str(), billed.delivery), ("0117 000", None));
}

#[test]
fn what_was_carried_is_not_carried_again() {
    let mut case = in_step();
    case.full.addresses.as_mut().unwrap()[0].address.street_1 = "9 Other Road".into();
    edited(&mut case);
    let contents = edit(&case).contents;
    case.full.carried.insert(SALES_ORDER, contents.clone());
    whole(&mut case, 6);
    assert_eq!(now_in_step(&case.decision()).mark.contents, contents);
}

#[test]
fn what_was_carried_and_does_not_show_is_read_again_later() {
    let mut case = in_step();
    three_teas(&mut case);
    let contents = edit(&case).contents;
    case.full.carried.insert(SALES_ORDER, contents);
    let decision = case.decision();
    assert_eq!((decision.commands.len(), decision.again_after_seconds), (0, Some(20)));
}

#[test]
fn another_way_of_delivery_is_another_shipping_method() {
    let mut case = in_step();
    case.rules.orders.shipping_methods = vec![ShippingMethodEntry { store: "courier".into(), brightpearl: ShippingMethodId(9) }];
    case.full.addresses.as_mut().unwrap()[0].shipping_method = "Courier".into();
    edited(&mut case);
    assert_eq!(edit(&case).shipping_method, Some(Some(ShippingMethodId(9))));
    // It is there already.
    if let Some(Some(whole)) = case.full.whole.get_mut(&SALES_ORDER) {
        whole.shipping_method = Some(ShippingMethodId(9));
    }
    now_in_step(&case.decision());
    // Unmapped, and held by choice.
    case.rules.orders.shipping_methods.clear();
    case.rules.orders.unmapped_shipping = Unmapped::Held;
    assert!(matches!(hold(&case).cause, Cause::UnmappedShipping(_)));
}

#[test]
fn the_total_of_our_rows_is_compared_again_after_an_edit() {
    let mut case = in_step();
    three_teas(&mut case);
    case.sales_order().rows[0] = present(&owned(TEA_ROW, "bc-line-501", TEA_PRODUCT, 3, "36", "6"), "Tea");
    whole(&mut case, 6);
    assert!(case.decision().remarks.iter().any(|remark| remark.key == "total-equal"));
    // The rows add up, but Brightpearl makes another total of them.
    if let Some(Some(whole)) = case.full.whole.get_mut(&SALES_ORDER) {
        whole.order.total = d("54.01");
    }
    let decision = case.decision();
    assert_eq!((decision.holds[0].effect, &decision.holds[0].cause), (Effect::Verification, &Cause::CreatedTotalDiffers));
}
