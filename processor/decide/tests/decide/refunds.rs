//! What was refunded at the store, booked in Brightpearl.

use orderbridge_decide::Need;
use orderbridge_schema::command::{Command, PaymentKind};
use orderbridge_schema::decision::{Cause, Effect};
use orderbridge_schema::facts::{Allocated, RefundItem, Refunds, Transactions};
use orderbridge_schema::ids::{OrderLineId, SalesOrderStatusId, StoreStatusId, WarehouseId};
use orderbridge_schema::refund::RefundWay;
use orderbridge_schema::reservation::ReservedRow;
use orderbridge_schema::work::Aspects;
use rust_decimal::Decimal;

use crate::case::{Case, remark_keys};
use crate::facts::{MUG, MUG_PRODUCT, MUG_ROW, SALES_ORDER, TEA, TEA_PRODUCT, TEA_ROW, ago, d, note};
use crate::refunded::{CREDIT, Played, amount, left, net_paid, play, product, refund, refunded, step};

/// Every line and delivery.
fn all() -> Vec<RefundItem> {
    vec![product(TEA, 2), product(MUG, 1), amount("delivery")]
}

fn shipped(case: &mut Case) {
    case.sales_order().standing.fulfilled = true;
    case.full.notes = Some(vec![note(4101, &[(TEA_ROW, 2), (MUG_ROW, 1)])]);
    case.full.shipment_links = vec![];
    case.rules.fulfilment.enabled = false;
}

#[test]
fn a_full_refund_before_shipping_pays_back_and_cancels() {
    for items in [all(), vec![amount("part of the order")]] {
        let mut case = refunded(vec![refund(3, "42", "7", items)]);
        case.order().status = StoreStatusId(4);
        let played = play(&mut case);
        let expected = ["book PAYMENT of 42 GBP by STRIPE on sales order 70001 (bc-store7-refund-3-30)", "set sales order 70001 to status 5"];
        assert_eq!(played.told(), expected);
        assert_eq!(net_paid(&case, SALES_ORDER), Decimal::ZERO);
        assert!(case.full.refund_marks[0].booked && case.full.refund_marks[0].way == RefundWay::Cancel);
        assert!(played.end.holds.is_empty() && played.end.cleared.contains(&Effect::Refund));
    }
}

#[test]
fn a_partial_refund_before_shipping_comes_off_its_row_with_the_money() {
    let mut case = refunded(vec![refund(3, "12", "2", vec![product(TEA, 1)])]);
    let played = play(&mut case);
    let expected = [
        "leave 1 of 2 on row 81001 of sales order 70001 (refund 3)",
        "book PAYMENT of 12 GBP by STRIPE on sales order 70001 (bc-store7-refund-3-30)",
    ];
    assert_eq!(played.told(), expected);
    assert_eq!(left(&mut case), (d("30"), d("5")));
    assert_eq!((case.sales_order().total, case.sales_order().tax), (d("30"), d("5")));
    assert_eq!(net_paid(&case, SALES_ORDER), d("30"));
}

#[test]
fn a_row_that_is_refunded_in_whole_goes() {
    let mut case = refunded(vec![refund(3, "12", "2", vec![product(MUG, 1)])]);
    assert_eq!(play(&mut case).told()[0], "take row 81002 off sales order 70001 (refund 3)");
    assert!(case.sales_order().rows.iter().all(|row| row.id != MUG_ROW));
    assert_eq!(left(&mut case), (d("30"), d("5")));
}

#[test]
fn what_no_product_row_tells_is_one_row_of_free_text_below_zero() {
    for (items, total, tax, name) in [
        (vec![amount("delivery")], "6", "1", "Refund 3: delivery"),
        (vec![amount("part of the order")], "10", "0", "Refund 3: part of the order"),
        (vec![amount("tax")], "1.50", "1.50", "Refund 3: tax"),
        (vec![], "2", "2", "Refund 3: adjustment"),
        (vec![product(MUG, 1), amount("delivery"), amount("handling")], "20", "3", "Refund 3: delivery, handling"),
    ] {
        let mut case = refunded(vec![refund(3, total, tax, items)]);
        let played = play(&mut case);
        let row = case.sales_order().rows.iter().find(|row| row.name == name).cloned();
        assert!(row.is_some_and(|row| row.net <= Decimal::ZERO && row.tax <= Decimal::ZERO), "{name}: {:?}", played.told());
        assert_eq!(left(&mut case), (d("42") - d(total), d("7") - d(tax)), "{name}");
        assert_eq!(net_paid(&case, SALES_ORDER), d("42") - d(total), "{name}");
    }
}

#[test]
fn the_tax_code_of_a_row_of_its_own_is_that_of_what_is_taxed_alike() {
    let mut case = refunded(vec![refund(3, "6", "1", vec![amount("delivery")])]);
    let code = |case: &mut Case| {
        play(case);
        case.sales_order().rows.last().unwrap().tax_code.clone()
    };
    assert_eq!(code(&mut case.clone()), "T20");
    case.sales_order().rows[0].tax_code = "T5".into();
    assert_eq!(code(&mut case.clone()), "T20", "that of the other row of free text");
    case.sales_order().rows[2].tax = Decimal::ZERO;
    assert_eq!(code(&mut case.clone()), "T", "the rules' own");
    case.rules.taxes_and_accounts.default_tax_code = None;
    assert_eq!(play(&mut case).causes(), ["missing-tax-code:refund@3"]);
}

#[test]
fn several_partial_refunds_come_off_one_after_the_other_and_the_last_cancels() {
    let one = refund(3, "12", "2", vec![product(TEA, 1)]);
    let two = refund(4, "12", "2", vec![product(TEA, 1)]);
    let last = refund(5, "18", "3", vec![product(MUG, 1), amount("delivery")]);
    let mut case = refunded(vec![last, one, two]);
    let played = play(&mut case);
    let ways: Vec<RefundWay> = case.full.refund_marks.iter().map(|mark| mark.way).collect();
    assert_eq!(ways, [RefundWay::Order, RefundWay::Order, RefundWay::Cancel]);
    assert_eq!(played.told().last().unwrap(), "set sales order 70001 to status 5");
    assert_eq!(net_paid(&case, SALES_ORDER), Decimal::ZERO);
}

#[test]
fn what_rounding_left_stands_in_the_row_that_stays() {
    let mut case = refunded(vec![refund(3, "12.01", "2.01", vec![product(TEA, 1)])]);
    assert_eq!(play(&mut case).calls.len(), 2, "no row of its own");
    assert_eq!(left(&mut case), (d("29.99"), d("4.99")));
}

#[test]
fn what_was_shipped_or_invoiced_is_a_sales_credit_with_the_refunds_total() {
    let invoiced = |case: &mut Case| case.sales_order().standing.invoiced = true;
    for gone in [shipped as fn(&mut Case), invoiced] {
        let mut case = refunded(vec![refund(3, "18", "3", vec![product(TEA, 1), amount("delivery")])]);
        gone(&mut case);
        let before = left(&mut case);
        let played = play(&mut case);
        let expected = [
            "create the sales credit for refund 3 of store order 250 (2 rows)",
            "book PAYMENT of 18 GBP by STRIPE on sales order 79001 (bc-store7-refund-3-30)",
        ];
        assert_eq!(played.told(), expected);
        let credit = &played.credits[0];
        assert_eq!((credit.sales_order, credit.external_ref.as_str()), (SALES_ORDER, "bc-store7-refund-3"));
        let rows: Vec<_> = credit.rows.iter().map(|row| (row.product, row.quantity, row.net, row.tax, row.tax_code.as_str())).collect();
        assert_eq!(rows, [(Some(TEA_PRODUCT), 1, d("10"), d("2"), "T20"), (None, 1, d("5"), d("1"), "T20")]);
        assert_eq!(left(&mut case), before, "the sales order stays as it is");
        assert_eq!(net_paid(&case, CREDIT), d("-18"));
    }
}

#[test]
fn amounts_alone_are_one_row_of_free_text_on_the_credit_once_goods_have_left() {
    for (items, total, tax) in [(vec![amount("part of the order")], "10", "0"), (vec![amount("tax")], "1", "1"), (vec![], "2", "2")] {
        let mut case = refunded(vec![refund(3, total, tax, items)]);
        shipped(&mut case);
        let played = play(&mut case);
        let [row] = played.credits[0].rows.as_slice() else { panic!("{:?}", played.credits) };
        assert_eq!((row.product, row.net, row.tax), (None, d(total) - d(tax), d(tax)));
    }
}

#[test]
fn of_a_part_shipped_order_what_is_here_comes_off_and_what_has_left_is_credited() {
    let part = |items, total, tax| {
        let mut case = refunded(vec![refund(3, total, tax, items)]);
        shipped(&mut case);
        case.full.notes = Some(vec![note(4101, &[(TEA_ROW, 1)])]);
        case
    };
    let way = |mut case: Case| {
        let played = play(&mut case);
        (case.full.refund_marks.first().map(|mark| mark.way), played.causes())
    };
    assert_eq!(way(part(vec![product(TEA, 1)], "12", "2")), (Some(RefundWay::Order), vec![]));
    assert_eq!(way(part(vec![product(MUG, 1), amount("delivery")], "18", "3")), (Some(RefundWay::Order), vec![]));
    assert_eq!(way(part(vec![product(TEA, 2)], "24", "4")), (None, vec!["refund-unclear:3".to_owned()]));
    assert_eq!(way(part(vec![amount("part of the order")], "5", "0")), (Some(RefundWay::Credit), vec![]));
    let mut both = part(vec![product(TEA, 2), product(MUG, 1)], "36", "6");
    both.full.notes = Some(vec![note(4101, &[(TEA_ROW, 2)])]);
    assert_eq!(way(both), (None, vec!["refund-unclear:3".to_owned()]));
}

#[test]
fn an_order_that_is_refunded_by_amount_while_goods_are_still_to_leave_waits_for_a_person() {
    let mut case = refunded(vec![refund(3, "42", "7", vec![amount("part of the order")])]);
    shipped(&mut case);
    case.order().status = StoreStatusId(4);
    case.full.notes = Some(vec![note(4101, &[(TEA_ROW, 2)])]);
    let played = play(&mut case);
    assert_eq!((played.calls.len(), played.causes()), (0, vec!["refund-unclear:3".to_owned()]));
    case.full.notes = Some(vec![note(4101, &[(TEA_ROW, 2), (MUG_ROW, 1)])]);
    assert_eq!(play(&mut case).credits.len(), 1);
}

#[test]
fn goods_on_a_note_that_has_not_left_wait_for_it_to_leave_or_to_go() {
    let mut case = refunded(vec![refund(3, "12", "2", vec![product(MUG, 1)])]);
    shipped(&mut case);
    let mut open = note(4101, &[(MUG_ROW, 1)]);
    open.shipped = false;
    case.full.notes = Some(vec![open]);
    let played = play(&mut case);
    assert_eq!((played.calls.len(), played.causes()), (0, vec!["refund-unclear:3".to_owned()]));
    case.notes()[0].shipped = true;
    assert_eq!(play(&mut case).credits.len(), 1);
}

#[test]
fn what_is_never_shipped_goes_with_the_rest() {
    let mut case = refunded(vec![refund(3, "24", "4", vec![product(TEA, 1), product(MUG, 1)])]);
    shipped(&mut case);
    case.full.row_links[1].shippable = false;
    case.full.notes = Some(vec![note(4101, &[(TEA_ROW, 2)])]);
    assert_eq!(play(&mut case).credits[0].rows.len(), 2);
}

#[test]
fn a_declined_payment_is_not_booked_and_the_order_is_not_cancelled_for_it() {
    let mut whole = refund(3, "42", "7", all());
    whole.payments[0].declined = true;
    let mut case = refunded(vec![whole.clone()]);
    let played = play(&mut case);
    assert_eq!((played.calls.len(), played.causes()), (0, vec!["paid-not-refunded".to_owned()]));
    let mut again = whole.payments[0].clone();
    (again.id, again.declined) = (31, false);
    whole.payments.push(again);
    case.full.refunds = Some(Refunds::Read(vec![whole]));
    let played = play(&mut case);
    assert_eq!(played.told()[0], "book PAYMENT of 42 GBP by STRIPE on sales order 70001 (bc-store7-refund-3-31)");
    assert_eq!(played.told()[1], "set sales order 70001 to status 5");
    assert!(case.full.refund_marks[0].booked);
}

#[test]
fn each_payment_of_a_refund_is_booked_by_its_own_method_and_one_that_cannot_waits_alone() {
    let mut one = refund(3, "12", "2", vec![product(TEA, 1)]);
    one.payments[0].amount = d("7");
    let mut credit = one.payments[0].clone();
    (credit.id, credit.provider, credit.amount) = (31, "storecredit".into(), d("5"));
    one.payments.push(credit);
    let mut case = refunded(vec![one]);
    case.rules.payments.methods =
        vec![orderbridge_schema::rules::PaymentMethodEntry { gateway: Some("storecredit".into()), text: None, method: "BARE".into() }];
    let played = play(&mut case);
    assert_eq!(played.causes(), ["unusable-payment-method:BARE/GBP"]);
    assert_eq!(net_paid(&case, SALES_ORDER), d("35"));
    case.rules.payments.methods[0].method = "GIFTCARD".into();
    case.full.held.insert(Effect::Refund);
    let played = play(&mut case);
    assert_eq!(played.told(), ["book PAYMENT of 5 GBP by GIFTCARD on sales order 70001 (bc-store7-refund-3-31)"]);
    assert!(case.full.refund_marks[0].booked);
}

#[test]
fn nothing_is_read_for_orders_that_say_nothing_of_a_refund_or_while_refunds_are_off() {
    let reads = |case: &Case| case.run().rounds.iter().any(|needs| needs.contains(&Need::Refunds));
    let mut quiet = refunded(vec![]).with_aspects(Aspects::ALL);
    quiet.order().status = StoreStatusId(11);
    assert!(!reads(&quiet), "whatever event asks");
    let mut told = quiet.clone().with_aspects(Aspects::STORE_ORDER.with(Aspects::REFUNDS));
    assert!(reads(&told), "an event tells of a refund");
    told.rules.payments.refunds.enabled = false;
    assert!(!reads(&told));
    quiet.order().payment_status = "partially refunded".into();
    assert!(reads(&quiet));
}

#[test]
fn once_all_is_booked_nothing_is_read_until_the_order_says_something_else() {
    let mut case = refunded(vec![refund(3, "12", "2", vec![product(TEA, 1)])]);
    play(&mut case);
    case.full.aspects = Aspects::STORE_ORDER.with(Aspects::SALES_ORDER);
    let reads = |case: &Case| case.run().rounds.iter().any(|needs| needs.contains(&Need::Refunds));
    assert!(!reads(&case), "our own writes come back");
    assert!(case.decision().commands.is_empty());
    case.order().payment_status = "refunded".into();
    assert!(reads(&case));
    case.full.aspects = Aspects::STORE_ORDER.with(Aspects::TRANSACTIONS);
    assert!(reads(&case));
}

#[test]
fn refunds_from_before_the_rules_want_them_are_left_alone() {
    let mut case = refunded(vec![refund(3, "12", "2", vec![product(TEA, 1)])]);
    case.rules.payments.refunds.from = Some(ago(30));
    assert!(play(&mut case).calls.is_empty());
    case.rules.payments.refunds.from = Some(ago(90));
    case.full.refunds_as_seen = None;
    assert_eq!(play(&mut case).calls.len(), 2);
}

fn reserve(case: &mut Case) {
    let piece = |row, product, quantity| ReservedRow { row, product, quantity };
    case.sales_order().standing.allocated = Allocated::All;
    case.sales_order().standing.warehouse = Some(WarehouseId(2));
    case.full.reserved.insert(SALES_ORDER, vec![piece(TEA_ROW, TEA_PRODUCT, 2), piece(MUG_ROW, MUG_PRODUCT, 1)]);
}

#[test]
fn what_is_reserved_is_released_before_the_row_is_lowered() {
    let mut case = refunded(vec![refund(3, "12", "2", vec![product(TEA, 1)])]);
    reserve(&mut case);
    let told = play(&mut case).told();
    assert_eq!(told[0], "set the reservation to 2 pieces of sales order 70001 in warehouse 2");
    assert_eq!(told[1], "leave 1 of 2 on row 81001 of sales order 70001 (refund 3)");
    assert_eq!(told.len(), 3);
}

#[test]
fn a_row_whose_stock_stays_reserved_is_released_by_a_person() {
    let mut case = refunded(vec![refund(3, "12", "2", vec![product(MUG, 1)])]);
    reserve(&mut case);
    let played = play(&mut case);
    assert_eq!(played.told(), ["set the reservation to 2 pieces of sales order 70001 in warehouse 2"], "it may let go what it does not list");
    assert_eq!(played.causes(), ["stock-reserved:70001"]);
    case.full.reserved.get_mut(&SALES_ORDER).unwrap().pop();
    case.full.released.clear();
    assert_eq!(play(&mut case).calls.len(), 2);
    let mut only = refunded(vec![refund(3, "24", "4", vec![product(TEA, 2)])]);
    reserve(&mut only);
    only.full.reserved.get_mut(&SALES_ORDER).unwrap().pop();
    let played = play(&mut only);
    assert_eq!((played.calls.len(), played.causes()), (0, vec!["stock-reserved:70001".to_owned()]), "nothing would be left to list");
}

#[test]
fn a_refund_that_was_begun_goes_on_wherever_it_was_cut_off() {
    let items = vec![product(TEA, 1), product(MUG, 1), amount("delivery")];
    let whole = {
        let mut case = refunded(vec![refund(3, "30", "5", items.clone())]);
        (play(&mut case).calls.len(), left(&mut case), net_paid(&case, SALES_ORDER))
    };
    assert_eq!(whole, (4, (d("12"), d("2")), d("12")));
    // The sales order is shipped and then invoiced in between: what was begun stays what it was.
    for cut in 0..6 {
        let mut case = refunded(vec![refund(3, "30", "5", items.clone())]);
        let mut played = Played { calls: Vec::new(), end: orderbridge_schema::decision::Decision::default(), credits: Vec::new() };
        for _step in 0..cut {
            step(&mut case, &mut played);
        }
        let rest = play(&mut case);
        assert_eq!(played.calls.len() + rest.calls.len(), whole.0, "after {cut}");
        assert_eq!((left(&mut case), net_paid(&case, SALES_ORDER)), (whole.1, whole.2), "after {cut}");
    }
}

#[test]
fn an_order_that_is_invoiced_before_all_of_it_came_off_waits_for_a_person() {
    let mut case = refunded(vec![refund(3, "12", "2", vec![product(TEA, 1)])]);
    let mut played = Played { calls: Vec::new(), end: orderbridge_schema::decision::Decision::default(), credits: Vec::new() };
    step(&mut case, &mut played);
    case.sales_order().standing.invoiced = true;
    let rest = play(&mut case);
    assert_eq!((rest.calls.len(), rest.causes()), (0, vec!["refund-unclear:3".to_owned()]));
}

#[test]
fn a_row_that_somebody_changed_is_not_touched_and_one_that_is_right_already_is_success() {
    let mut case = refunded(vec![refund(3, "12", "2", vec![product(TEA, 1)])]);
    case.sales_order().rows[0].quantity = d("5");
    let played = play(&mut case);
    assert_eq!((played.calls.len(), played.causes()), (0, vec!["refund-unclear:3".to_owned()]));
    let row = &mut case.sales_order().rows[0];
    (row.quantity, row.net, row.tax) = (d("1"), d("10"), d("2"));
    case.sales_order().total = d("30");
    let told = play(&mut case).told();
    assert_eq!(told, ["book PAYMENT of 12 GBP by STRIPE on sales order 70001 (bc-store7-refund-3-30)"]);
}

#[test]
fn what_does_not_fit_the_sales_order_is_held_and_nothing_is_guessed() {
    let held = |change: fn(&mut Case)| {
        let mut case = refunded(vec![refund(3, "12", "2", vec![product(TEA, 1)])]);
        change(&mut case);
        let played = play(&mut case);
        assert!(played.calls.is_empty(), "{:?}", played.told());
        assert!(played.end.holds.iter().all(|hold| hold.effect == Effect::Refund && !hold.remedy.is_empty()), "{:?}", played.end.holds);
        played.causes()
    };
    let unclear = vec!["refund-unclear:3".to_owned()];
    assert_eq!(held(|case| case.sales_order().total = d("11")), unclear);
    assert_eq!(held(|case| case.sales_order().status = SalesOrderStatusId(5)), unclear);
    assert_eq!(held(|case| case.full.row_links.clear()), unclear);
    assert_eq!(held(|case| case.full.links.push(case.full.links[0].clone())), unclear);
    assert_eq!(held(|case| case.full.refunds = Some(Refunds::Read(vec![refund(3, "1", "0", vec![product(OrderLineId(9), 1)])]))), unclear);
    assert_eq!(held(|case| case.full.refunds = Some(Refunds::Read(vec![refund(3, "12", "2", vec![product(TEA, 3)])]))), unclear);
    assert_eq!(held(|case| case.full.refunds = Some(Refunds::Refused("403".into()))), ["refused:read-refunds"]);
}

#[test]
fn a_sales_order_that_differs_from_the_stores_is_mended_before_anything_comes_off() {
    let mut case = refunded(vec![refund(3, "12", "2", vec![product(TEA, 1)])]);
    case.full.held.insert(Effect::Verification);
    case.sales_order().total = d("41");
    let decision = case.decision();
    assert!(decision.commands.is_empty() && decision.refunds.is_empty());
    assert!(decision.holds.iter().any(|hold| hold.cause.key() == "refund-unclear:3"), "{:?}", decision.holds);
}

#[test]
fn a_credit_that_is_not_what_was_sent_is_held_before_money_is_booked_on_it() {
    let mut case = refunded(vec![refund(3, "12", "2", vec![product(TEA, 1)])]);
    shipped(&mut case);
    let mut played = Played { calls: Vec::new(), end: orderbridge_schema::decision::Decision::default(), credits: Vec::new() };
    step(&mut case, &mut played);
    step(&mut case, &mut played);
    case.full.sales_orders.get_mut(&CREDIT).unwrap().as_mut().unwrap().tax = d("1");
    let rest = play(&mut case);
    assert_eq!((rest.calls.len(), rest.causes()), (0, vec!["refund-unclear:3".to_owned()]));
}

#[test]
fn where_payments_are_not_booked_none_is_paid_back() {
    let mut case = refunded(vec![refund(3, "12", "2", vec![product(TEA, 1)])]);
    case.rules.payments.enabled = false;
    assert_eq!(play(&mut case).calls.len(), 1);
}

#[test]
fn a_refund_of_an_order_that_was_never_sent_is_skipped_with_a_reason() {
    let mut case = Case::new().with_aspects(Aspects::STORE_ORDER.with(Aspects::REFUNDS));
    case.rules.payments.refunds.enabled = true;
    case.order().status = StoreStatusId(4);
    assert!(remark_keys(&case.decision()).contains(&"refund-skipped"));
}

#[test]
fn a_cancelled_order_that_is_paid_and_not_refunded_is_held_with_the_amount() {
    let mut case = refunded(vec![]);
    case.order().status = StoreStatusId(5);
    let decision = case.decision();
    assert!(decision.commands.is_empty(), "{decision:?}");
    let [hold] = decision.holds.as_slice() else { panic!("{decision:?}") };
    assert_eq!((hold.effect, &hold.cause), (Effect::Status, &Cause::PaidNotRefunded));
    assert!(hold.why.starts_with("paid, not refunded: 42.00 GBP"), "{}", hold.why);
    // The refund comes after all.
    case.full.refunds = Some(Refunds::Read(vec![refund(3, "42", "7", all())]));
    case.full.held.insert(Effect::Status);
    let played = play(&mut case);
    assert_eq!(played.told().last().unwrap(), "set sales order 70001 to status 5");
    assert!(played.causes().is_empty());
}

#[test]
fn a_cancelled_order_without_money_is_cancelled_at_once() {
    let mut case = Case::linked();
    case.reference.account.configuration.insert("cancelledOrderStatusId".into(), "5".into());
    case.order().status = StoreStatusId(5);
    assert!(matches!(case.command(), Command::SetSalesOrderStatus { status: SalesOrderStatusId(5), .. }));
    case.order().status = StoreStatusId(6);
    case.rules.orders.status.brightpearl.push(crate::facts::to_brightpearl(6, 5));
    assert!(matches!(case.command(), Command::SetSalesOrderStatus { status: SalesOrderStatusId(5), .. }));
}

#[test]
fn what_others_booked_counts_and_is_read_only_where_brightpearl_says_that_something_was() {
    let mut case = Case::linked();
    case.reference.account.configuration.insert("cancelledOrderStatusId".into(), "5".into());
    case.order().status = StoreStatusId(5);
    let reads = |case: &Case| case.run().rounds.iter().any(|needs| needs.contains(&Need::Payments(SALES_ORDER)));
    assert!(!reads(&case));
    case.sales_order().payment_status = "PARTIALLY_PAID".into();
    let payment = |kind, amount: &str| orderbridge_schema::facts::SalesOrderPayment {
        id: 1.into(),
        reference: "by hand".into(),
        method: "STRIPE".into(),
        kind,
        amount: d(amount),
    };
    case.full.payments = Some(vec![payment(Some(PaymentKind::Receipt), "42"), payment(Some(PaymentKind::Payment), "2"), payment(None, "9")]);
    assert!(reads(&case));
    assert!(case.decision().holds[0].why.starts_with("paid, not refunded: 40.00 GBP"));
    case.full.payments = Some(vec![payment(Some(PaymentKind::Payment), "2")]);
    assert_eq!(case.held(Effect::Status), [Cause::CannotCancel("payments")]);
}

#[test]
fn what_stands_in_the_way_of_cancelling_is_told() {
    let cancelled = |change: fn(&mut Case)| {
        let mut case = Case::linked();
        case.reference.account.configuration.insert("cancelledOrderStatusId".into(), "5".into());
        case.order().status = StoreStatusId(5);
        change(&mut case);
        case.held(Effect::Status)
    };
    assert_eq!(cancelled(|case| case.sales_order().standing.invoiced = true), [Cause::CannotCancel("invoiced")]);
    assert_eq!(cancelled(|case| case.sales_order().standing.fulfilled = true), [Cause::CannotCancel("goods-out-note")]);
    let other = |case: &mut Case| {
        case.reference.account.configuration.insert("cancelledOrderStatusId".into(), "9".into());
        case.sales_order().standing.allocated = Allocated::Part;
    };
    assert_eq!(cancelled(other), [Cause::CannotCancel("reserved")], "only the account's own status releases stock");
}

#[test]
fn refund_records_are_no_payments_of_their_own() {
    let mut case = refunded(vec![]);
    let money_back = crate::payments::row(2, orderbridge_schema::facts::TransactionEvent::Refund, "12");
    if let Some(Transactions::Read(rows)) = &mut case.full.transactions {
        rows.push(money_back);
    }
    assert!(play(&mut case).calls.is_empty());
}
