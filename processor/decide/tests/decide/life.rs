//! Whole lives of orders: whatever happens, in whatever order and however often it is told, both platforms end in the same place.

use orderbridge_schema::command::NewShipment;
use orderbridge_schema::decision::AgreedStatus;
use orderbridge_schema::facts::{LineKind, Note, StoreShipment};
use orderbridge_schema::ids::{OrderLineId, Platform};
use orderbridge_schema::link::NoteKind;
use orderbridge_schema::work::Aspects;
use proptest::prelude::*;

use crate::case::Case;
use crate::facts::line;
use crate::model::{Answer, World};
use crate::orders::consistent_order;

/// Something that happens on one of the platforms, or is told.
#[derive(Debug, Clone)]
enum Act {
    Ship(NoteKind, Vec<u32>),
    StoreStatus(u64),
    SalesOrderStatus(u64),
    Refund(usize),
    ShipByHand(usize),
    Deliver(usize, bool),
    Wait(i64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => ship(),
        1 => prop::sample::select(vec![2u64, 3, 5, 10, 11]).prop_map(Act::StoreStatus),
        2 => prop::sample::select(vec![2u64, 3, 4, 5]).prop_map(Act::SalesOrderStatus),
        1 => (0usize..8).prop_map(Act::Refund),
        1 => (0usize..8).prop_map(Act::ShipByHand),
        8 => (any::<usize>(), any::<bool>()).prop_map(|(pick, again)| Act::Deliver(pick, again)),
        2 => prop::sample::select(vec![1i64, 60, 400]).prop_map(Act::Wait),
    ]
}

fn ship() -> impl Strategy<Value = Act> {
    let kind = prop::sample::select(vec![NoteKind::GoodsOut, NoteKind::DropShip]);
    (kind, prop::collection::vec(0u32..4, 8)).prop_map(|(kind, quantities)| Act::Ship(kind, quantities))
}

fn answers() -> impl Strategy<Value = Vec<Answer>> {
    let answer = prop_oneof![3 => Just(Answer::Arrives), 1 => Just(Answer::IsLost), 1 => Just(Answer::NeverSent)];
    prop::collection::vec(answer, 0..12)
}

/// An order of up to four lines, two of which may be alike; its money is not the matter here.
fn small_order() -> impl Strategy<Value = Case> {
    (prop::collection::vec((1u32..5, any::<bool>(), 0usize..6), 1..5), any::<bool>()).prop_map(|(items, brightpearl_wins)| {
        let mut case = Case::new();
        let lines = items.into_iter().zip(501..).map(|((quantity, tea, sort), id)| {
            let mut line = line(OrderLineId(id), if tea { "TEA-1" } else { "MUG-1" }, quantity, "0", "0");
            line.kind = if sort == 0 { LineKind::Digital } else { LineKind::Physical };
            line
        });
        *case.lines() = lines.collect();
        case.taxes().clear();
        (case.order().total, case.order().tax) = (case.order().shipping.gross, case.order().shipping.tax);
        case.rules.orders.status.winner = if brightpearl_wins { Platform::Brightpearl } else { Platform::Bigcommerce };
        case
    })
}

fn perform(world: &mut World, act: &Act) {
    match act {
        Act::Ship(kind, quantities) => world.warehouse_ships(*kind, quantities),
        Act::StoreStatus(status) => world.staff_sets_store_status(*status),
        Act::SalesOrderStatus(status) => world.staff_sets_sales_order_status(*status),
        Act::Refund(line) => world.staff_refunds(*line),
        Act::ShipByHand(line) => world.staff_ships(*line),
        Act::Deliver(pick, again) => world.deliver(*pick, *again),
        Act::Wait(seconds) => world.pass(*seconds),
    }
}

/// The store's shipments that carry a note's mark.
fn shipments_of<'a>(world: &'a World, note: &Note) -> Vec<&'a StoreShipment> {
    let mark = NewShipment::mark(note.kind, note.id, None);
    world.case.full.shipments.iter().flatten().filter(|shipment| NewShipment::mark_in(&shipment.comments) == Some(&mark)).collect()
}

/// How many goods a note holds that the store ships.
fn goods(world: &World, note: &Note) -> u32 {
    let shippable = |row| world.case.full.row_links.iter().any(|link| link.row == row && link.shippable);
    note.rows.iter().filter(|row| shippable(row.row)).map(|row| u32::try_from(row.quantity).unwrap()).sum()
}

/// Nothing further is done however often and by whomever the order is looked at.
fn is_at_rest(world: &World) -> Result<(), TestCaseError> {
    for aspects in [Aspects::STORE_ORDER, Aspects::SALES_ORDER, Aspects::NOTES, Aspects::ALL] {
        let decision = world.case.clone().with_aspects(aspects).decision();
        prop_assert!(decision.is_settled() && decision.found_shipments.is_empty(), "{:?}: {:?}", aspects, decision);
    }
    Ok(())
}

fn has_converged(world: &mut World, untouched: bool) -> Result<(), TestCaseError> {
    is_at_rest(world)?;
    prop_assert!(world.sales_orders_made <= 1 && world.contacts_made <= 1);
    if !world.is_created() {
        return Ok(());
    }
    prop_assert_eq!(world.case.order().external_order_id.as_str(), "BP-70001");
    let now = AgreedStatus { store: world.case.order().status, brightpearl: world.case.sales_order().status };
    prop_assert_eq!(world.case.full.agreed.map(|agreed| agreed.pair), Some(now));
    let rules = &world.case.rules.orders.status;
    let mapped = rules.for_brightpearl(now.store) == Some(now.brightpearl) || rules.for_store(now.brightpearl) == Some(now.store);
    prop_assert!(mapped, "all statuses used are mapped: {:?}", now);
    for note in world.case.full.notes.iter().flatten() {
        let shipments = shipments_of(world, note);
        prop_assert!(shipments.len() <= 1, "{:?}", shipments);
        if untouched {
            let items: u32 = shipments.iter().flat_map(|shipment| &shipment.items).map(|item| item.1).sum();
            prop_assert_eq!(items, goods(world, note), "{:?}", note);
        }
    }
    for line in world.case.full.lines.iter().flatten() {
        prop_assert!(world.shipped(line.id) <= line.quantity);
    }
    Ok(())
}

/// Both platforms as anyone may see them; ids of shipments and their order do not count.
#[derive(Debug, PartialEq, Eq)]
struct End {
    statuses: Option<AgreedStatus>,
    reference: String,
    shipments: Vec<(String, Vec<(OrderLineId, u32)>)>,
}

fn both_platforms(world: &mut World) -> End {
    let statuses = AgreedStatus { store: world.case.order().status, brightpearl: world.case.sales_order().status };
    let seen = |shipment: &StoreShipment| (shipment.comments.clone(), shipment.items.clone());
    let mut shipments: Vec<(String, Vec<(OrderLineId, u32)>)> = world.case.shipments().iter().map(seen).collect();
    shipments.sort();
    End { statuses: Some(statuses), reference: world.case.order().external_order_id.clone(), shipments }
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(192))]

    #[test]
    fn any_life_of_an_order_comes_to_rest_with_each_note_shipped_once(
        case in small_order(),
        acts in prop::collection::vec(act(), 0..24),
        answers in answers(),
        picks in prop::collection::vec(any::<usize>(), 0..30),
        echoes_rows: bool,
    ) {
        let mut world = World::new(case);
        (world.answers, world.echoes_rows) = (answers.into(), echoes_rows);
        let untouched = !acts.iter().any(|act| matches!(act, Act::Refund(_) | Act::ShipByHand(_)));
        acts.iter().for_each(|act| perform(&mut world, act));
        world.drain(&picks);
        has_converged(&mut world, untouched)?;
    }

    #[test]
    fn the_same_events_in_any_order_and_number_end_in_the_same_state(
        case in small_order(),
        acts in prop::collection::vec(act(), 0..10),
        picks in prop::collection::vec((any::<usize>(), any::<bool>()), 0..40),
    ) {
        let mut world = World::new(case);
        world.drain(&[]);
        acts.iter().filter(|act| !matches!(act, Act::Deliver(..) | Act::Wait(_))).for_each(|act| perform(&mut world, act));
        // Statuses that people set on both sides while goods wait to be shipped are a race that no order of ours decides: the store
        // overwrites its own with each shipment. They end in agreement, which another test asks, but not always in the same one.
        let at_store = acts.iter().any(|act| matches!(act, Act::StoreStatus(_) | Act::ShipByHand(_)));
        let race = at_store && acts.iter().any(|act| matches!(act, Act::SalesOrderStatus(_)));
        let mut in_order = world.clone();
        in_order.drain(&[]);
        for (pick, again) in &picks {
            world.deliver(*pick, *again);
        }
        world.drain(&[]);
        let (mut one, mut other) = (both_platforms(&mut world), both_platforms(&mut in_order));
        if race {
            (one.statuses, other.statuses) = (None, None);
        }
        prop_assert_eq!(one, other);
    }

    #[test]
    fn an_order_of_any_money_is_made_verified_and_shipped(order in consistent_order(), quantities in prop::collection::vec(0u32..2500, 62), echoes_rows: bool) {
        let mut world = World::new(order.case);
        world.echoes_rows = echoes_rows;
        world.drain(&[]);
        prop_assert_eq!(world.case.sales_order().total, order.total);
        world.warehouse_ships(NoteKind::GoodsOut, &quantities);
        world.warehouse_ships(NoteKind::GoodsOut, &[u32::MAX; 62]);
        world.staff_sets_sales_order_status(4);
        world.drain(&[]);
        has_converged(&mut world, true)?;
        prop_assert_eq!(world.case.sales_order().status, 4.into());
        prop_assert_eq!(world.case.order().status, 2.into());
    }
}

#[test]
fn our_own_changes_come_back_without_a_further_write() {
    let mut world = World::new(Case::new());
    world.drain(&[]);
    // Contact, sales order, reference.
    assert_eq!(world.writes, 3);
    world.warehouse_ships(NoteKind::GoodsOut, &[2, 1]);
    world.staff_sets_sales_order_status(4);
    world.drain(&[]);
    // One shipment, which moves the store's status by itself to what Brightpearl's means.
    assert_eq!((world.writes, world.case.order().status), (4, 2.into()));
    for aspects in [Aspects::ALL, Aspects::STORE_ORDER, Aspects::SALES_ORDER, Aspects::NOTES, Aspects::ALL] {
        world.reconcile(aspects);
    }
    assert_eq!(world.writes, 4);
}
