//! The sales order's id on the store's order.

use orderbridge_schema::command::Command;
use orderbridge_schema::work::Aspects;

use crate::case::{Case, remark_keys};
use crate::facts::{ORDER, SALES_ORDER};

fn with_reference(text: &str) -> Case {
    let mut case = Case::linked().with_aspects(Aspects::STORE_ORDER);
    case.order().external_order_id = text.into();
    case
}

#[test]
fn our_reference_is_written_where_nothing_or_an_old_one_of_ours_stands() {
    for text in ["", "  ", "BP-1", "BP-70002"] {
        let command = with_reference(text).command();
        assert_eq!(command, Command::SetExternalOrderId { order: ORDER, sales_order: SALES_ORDER }, "{text:?}");
    }
}

#[test]
fn our_own_reference_is_not_written_again() {
    for text in ["BP-70001", " BP-70001 "] {
        let decision = with_reference(text).decision();
        assert!(decision.commands.is_empty() && decision.remarks.is_empty());
    }
}

#[test]
fn another_systems_reference_is_left_alone_and_told() {
    for text in ["SAP-9", "BP-", "BP-7x", "bp-70001", "70001"] {
        let decision = with_reference(text).decision();
        assert!(decision.commands.is_empty(), "{text:?}");
        assert_eq!(remark_keys(&decision), ["reference-taken"]);
    }
}

#[test]
fn archived_and_vanished_orders_get_no_reference() {
    let mut case = with_reference("");
    case.order().deleted = true;
    assert!(case.decision().commands.is_empty());
    let mut case = with_reference("");
    case.full.store_order = Some(None);
    assert!(case.decision().commands.is_empty());
}

#[test]
fn only_an_event_of_the_store_looks_at_the_reference() {
    for aspects in [Aspects::SALES_ORDER, Aspects::NOTES] {
        assert!(with_reference("").with_aspects(aspects).decision().commands.is_empty());
    }
}
