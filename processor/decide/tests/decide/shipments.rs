//! Which shipped notes become shipments, and which of their items.

use orderbridge_schema::command::Command;
use orderbridge_schema::decision::{Cause, Effect};
use orderbridge_schema::facts::NoteRow;
use orderbridge_schema::ids::{NoteId, OrderAddressId, OrderLineId, SalesOrderId, ShipmentId};
use orderbridge_schema::link::{NoteKind, ShipmentLink};
use orderbridge_schema::work::Aspects;
use rust_decimal::Decimal;

use crate::case::{Case, remark_keys};
use crate::facts::{ADDRESS, MUG, MUG_ROW, ORDER, TEA, TEA_PRODUCT, TEA_ROW, ago, d, note, row_link, shipment};

fn shipped(notes: Vec<orderbridge_schema::facts::Note>) -> Case {
    let mut case = Case::linked().with_aspects(Aspects::NOTES);
    *case.notes() = notes;
    case
}

fn nothing(case: &Case) {
    let decision = case.decision();
    assert!(decision.is_settled() && decision.holds.is_empty() && decision.found_shipments.is_empty(), "{decision:?}");
    assert_eq!(decision.cleared, [Effect::Shipment]);
}

fn link(note: u64, address: OrderAddressId, shipment: u64) -> ShipmentLink {
    ShipmentLink { kind: NoteKind::GoodsOut, note: NoteId(note), order: ORDER, address, shipment: ShipmentId(shipment) }
}

#[test]
fn a_shipped_note_becomes_a_shipment_of_its_lines() {
    let shipment = shipped(vec![note(4101, &[(TEA_ROW, 2), (MUG_ROW, 1)])]).shipment();
    assert_eq!((shipment.order, shipment.note, shipment.address), (ORDER, NoteId(4101), ADDRESS));
    assert_eq!(shipment.items, [(TEA, 2), (MUG, 1)]);
    assert_eq!((shipment.comments.as_str(), shipment.tracking_number.as_str()), ("GON-4101", "RM123456785GB"));
}

#[test]
fn a_partial_note_ships_its_part_and_the_next_one_the_rest() {
    let mut case = shipped(vec![note(4101, &[(TEA_ROW, 1)]), note(4102, &[(TEA_ROW, 1), (MUG_ROW, 1)])]);
    assert_eq!(case.shipment().items, [(TEA, 1)]);
    case.shipments().push(shipment(1, "GON-4101", &[(TEA, 1)]));
    case.full.shipment_links.push(link(4101, ADDRESS, 1));
    assert_eq!((case.shipment().note, case.shipment().items), (NoteId(4102), vec![(TEA, 1), (MUG, 1)]));
    case.full.shipment_links.push(link(4102, ADDRESS, 2));
    nothing(&case);
}

#[test]
fn the_oldest_note_goes_first_and_only_one_at_a_time() {
    let mut late = note(4101, &[(TEA_ROW, 1)]);
    late.shipped_at = Some(ago(10));
    let case = shipped(vec![late, note(4102, &[(TEA_ROW, 1)])]);
    assert_eq!(case.shipment().note, NoteId(4102));
}

#[test]
fn quantities_are_summed_over_rows_and_locations() {
    let mut twice = note(4101, &[(TEA_ROW, 1)]);
    twice.rows.push(NoteRow { row: TEA_ROW, product: TEA_PRODUCT, quantity: d("1.0000") });
    assert_eq!(shipped(vec![twice]).shipment().items, [(TEA, 2)]);
}

#[test]
fn notes_together_never_ship_more_than_was_ordered() {
    let mut case = shipped(vec![note(4101, &[(TEA_ROW, 2)]), note(4102, &[(TEA_ROW, 2), (MUG_ROW, 3)])]);
    case.shipments().push(shipment(1, "GON-4101", &[(TEA, 2)]));
    case.full.shipment_links.push(link(4101, ADDRESS, 1));
    assert_eq!(case.shipment().items, [(MUG, 1)]);
    assert_eq!(remark_keys(&case.decision()), ["shipped-in-part"]);
}

#[test]
fn what_the_store_has_shipped_or_refunded_is_not_shipped_again() {
    let mut case = shipped(vec![note(4101, &[(TEA_ROW, 2), (MUG_ROW, 1)])]);
    case.lines()[0].refunded = 1;
    case.shipments().push(shipment(1, "by hand", &[(MUG, 1)]));
    assert_eq!(case.shipment().items, [(TEA, 1)]);
    case.lines()[0].refunded = 2;
    nothing(&case);
    assert_eq!(remark_keys(&case.decision()), ["nothing-left-to-ship"]);
}

#[test]
fn quantities_at_the_limit_do_not_overflow() {
    let mut case = shipped(vec![note(4101, &[(TEA_ROW, u32::MAX), (TEA_ROW, u32::MAX), (MUG_ROW, u32::MAX)])]);
    for line in case.lines() {
        line.quantity = u32::MAX;
    }
    assert_eq!(case.shipment().items, [(TEA, u32::MAX), (MUG, u32::MAX)]);
    *case.shipments() = vec![shipment(1, "", &[(TEA, u32::MAX)]), shipment(2, "", &[(TEA, u32::MAX)])];
    assert_eq!(case.shipment().items, [(MUG, u32::MAX)]);
}

#[test]
fn a_shipment_with_our_mark_is_linked_and_not_made_again() {
    let mut case = shipped(vec![note(4101, &[(TEA_ROW, 1)]), note(4102, &[(TEA_ROW, 1)])]);
    case.shipments().push(shipment(8, "GON-4101 RM1, RM2", &[(TEA, 1)]));
    let decision = case.decision();
    assert_eq!(decision.found_shipments, [link(4101, ADDRESS, 8)]);
    assert_eq!(decision.commands.len(), 1, "the next note goes on");
    case.notes().truncate(1);
    assert!(case.decision().commands.is_empty());
}

#[test]
fn a_mark_elsewhere_in_the_comments_or_of_another_note_is_not_ours() {
    let mut case = shipped(vec![note(4101, &[(TEA_ROW, 1)])]);
    *case.shipments() = ["GON-41011", "see GON-4101", "DSN-4101", "GON-4101-a127"].map(|text| shipment(9, text, &[(MUG, 1)])).to_vec();
    assert_eq!(case.shipment().comments, "GON-4101");
}

#[test]
fn an_unmarked_shipment_of_the_same_lines_after_an_attempt_in_doubt_waits_for_a_person() {
    let in_doubt = |items: &[(OrderLineId, u32)], created: i64| {
        let mut case = shipped(vec![note(4101, &[(TEA_ROW, 2)])]);
        case.full.shipments_in_doubt.insert("GON-4101-a127".into(), ago(300));
        case.shipments().push(shipment(9, "", items));
        case.shipments()[0].created_at = ago(created);
        case
    };
    // The very lines, so that nothing would be left; clocks may be a minute apart.
    for created in [290, 359] {
        assert_eq!(in_doubt(&[(TEA, 2)], created).held(Effect::Shipment), [Cause::ShipmentMaybeOurs], "{created} s ago");
    }
    // Made before the attempt, other lines, or nothing in doubt: no reason to wait.
    nothing(&in_doubt(&[(TEA, 2)], 360));
    assert_eq!(in_doubt(&[(TEA, 1)], 290).shipment().items, [(TEA, 1)]);
    assert_eq!(in_doubt(&[(MUG, 1)], 290).shipment().items, [(TEA, 2)]);
    let mut settled = in_doubt(&[(TEA, 2)], 290);
    settled.full.shipments_in_doubt.clear();
    nothing(&settled);
    // The mark settles it.
    let mut found = in_doubt(&[(TEA, 2)], 290);
    found.shipments()[0].comments = "GON-4101".into();
    assert_eq!(found.decision().found_shipments, [link(4101, ADDRESS, 9)]);
}

#[test]
fn an_attempt_in_doubt_is_compared_with_what_it_would_have_sent() {
    let mut case = shipped(vec![note(4101, &[(TEA_ROW, 2)])]);
    case.full.shipments_in_doubt.insert("GON-4101-a127".into(), ago(300));
    // One had gone before, so the attempt was for the other one.
    *case.shipments() = vec![shipment(8, "GON-4100", &[(TEA, 1)]), shipment(9, "", &[(TEA, 1)])];
    assert_eq!(case.held(Effect::Shipment), [Cause::ShipmentMaybeOurs]);
}

#[test]
fn transfers_unshipped_notes_and_notes_of_other_orders_are_ignored() {
    let plain = note(4101, &[(TEA_ROW, 1)]);
    let mut transfer = plain.clone();
    (transfer.transfer, transfer.order) = (true, None);
    let mut ours_but_transfer = plain.clone();
    ours_but_transfer.transfer = true;
    let mut packed = plain.clone();
    packed.shipped = false;
    let mut foreign = plain;
    foreign.order = Some(SalesOrderId(70002));
    let outcome = shipped(vec![transfer, ours_but_transfer, packed, foreign]);
    nothing(&outcome);
    assert_eq!(outcome.run().rounds.len(), 1, "nothing of the store is read for them");
}

#[test]
fn digital_and_pick_up_lines_are_not_shipped() {
    let mut case = shipped(vec![note(4101, &[(TEA_ROW, 2), (MUG_ROW, 1)])]);
    case.full.row_links[0].shippable = false;
    assert_eq!(case.shipment().items, [(MUG, 1)]);
    case.full.row_links[1].address = OrderAddressId(0);
    nothing(&case);
    assert_eq!(remark_keys(&case.decision()), ["note-without-goods"]);
}

#[test]
fn a_note_that_cannot_be_read_as_lines_waits_for_a_person_and_the_others_go_on() {
    let mut half = note(4101, &[(TEA_ROW, 1)]);
    half.rows[0].quantity = d("0.5");
    let mut negative = note(4101, &[(TEA_ROW, 1)]);
    negative.rows[0].quantity = d("-1");
    let mut huge = note(4101, &[(TEA_ROW, 1)]);
    huge.rows[0].quantity = Decimal::MAX;
    for bad in [half, negative, huge, note(4101, &[(99.into(), 1)])] {
        let mut case = shipped(vec![bad]);
        assert_eq!(case.held(Effect::Shipment), [Cause::CannotShip("GON-4101".into())]);
        assert!(case.decision().cleared.is_empty());
        case.notes().push(note(4102, &[(MUG_ROW, 1)]));
        let decision = case.decision();
        assert_eq!((decision.holds.len(), decision.commands.len()), (1, 1));
    }
}

#[test]
fn a_row_that_staff_added_is_no_line_of_the_store() {
    let case = shipped(vec![note(4101, &[(TEA_ROW, 1), (99.into(), 4)])]);
    assert_eq!(case.shipment().items, [(TEA, 1)]);
}

#[test]
fn a_line_that_the_store_no_longer_has_is_not_shipped() {
    let mut case = shipped(vec![note(4101, &[(TEA_ROW, 2), (MUG_ROW, 1)])]);
    case.lines().remove(0);
    assert_eq!(case.shipment().items, [(MUG, 1)]);
}

#[test]
fn the_mark_names_the_address_only_where_there_are_several() {
    let mut case = shipped(vec![note(4101, &[(TEA_ROW, 2), (MUG_ROW, 1)])]);
    case.full.row_links[1] = row_link(MUG, MUG_ROW, TEA_PRODUCT, 1);
    case.full.row_links[1].address = OrderAddressId(128);
    let first = case.shipment();
    assert_eq!((first.comments.as_str(), first.address, first.items), ("GON-4101-a127", ADDRESS, vec![(TEA, 2)]));
    case.full.shipment_links.push(link(4101, ADDRESS, 1));
    let second = case.shipment();
    assert_eq!((second.comments.as_str(), second.address, second.items), ("GON-4101-a128", OrderAddressId(128), vec![(MUG, 1)]));
    case.full.shipment_links.push(link(4101, OrderAddressId(128), 2));
    nothing(&case);
}

#[test]
fn goods_out_and_drop_ship_notes_of_one_number_are_two() {
    let mut drop_ship = note(4101, &[(MUG_ROW, 1)]);
    drop_ship.kind = NoteKind::DropShip;
    let mut case = shipped(vec![note(4101, &[(TEA_ROW, 2)]), drop_ship]);
    case.full.shipment_links.push(link(4101, ADDRESS, 1));
    let Command::CreateShipment(shipment) = case.command() else { panic!("no shipment") };
    assert_eq!((shipment.note_kind, shipment.comments.as_str()), (NoteKind::DropShip, "DSN-4101"));
}

#[test]
fn switched_off_shipments_read_and_send_nothing() {
    let mut case = shipped(vec![note(4101, &[(TEA_ROW, 2)])]);
    case.rules.fulfilment.enabled = false;
    assert!(case.run().rounds.is_empty() && case.decision().commands.is_empty());
}
