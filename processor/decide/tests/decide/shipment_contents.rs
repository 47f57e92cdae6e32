//! Tracking numbers and carriers of a shipment.

use std::collections::BTreeMap;

use orderbridge_decide::Need;
use orderbridge_schema::command::NewShipment;
use orderbridge_schema::ids::ShippingMethodId;
use orderbridge_schema::rules::{Carrier, CarrierEntry};
use orderbridge_schema::work::Aspects;

use crate::case::Case;
use crate::facts::{TEA_ROW, note};

fn carrier(provider: &str, carrier: &str, method: &str) -> Carrier {
    Carrier { provider: provider.into(), carrier: carrier.into(), method: method.into() }
}

/// A shipped note with this reference, sent by method 6, "Royal Mail 48".
fn case(reference: &str) -> Case {
    let mut case = Case::linked().with_aspects(Aspects::NOTES);
    let mut note = note(4101, &[(TEA_ROW, 2)]);
    note.reference = reference.into();
    note.shipping_method = Some(ShippingMethodId(6));
    case.notes().push(note);
    case.full.method_names = Some(BTreeMap::from([(ShippingMethodId(6), "Royal Mail 48".into())]));
    case
}

fn told(shipment: &NewShipment) -> (&str, &str, &str) {
    (&shipment.shipping_provider, &shipment.tracking_carrier, &shipment.shipping_method)
}

#[test]
fn several_tracking_numbers_are_all_told() {
    for (reference, number, comments) in [
        ("RM1", "RM1", "GON-4101"),
        ("  RM1 ", "RM1", "GON-4101"),
        ("", "", "GON-4101"),
        (" , ;", "", "GON-4101"),
        ("RM1, RM2;RM3", "RM1", "GON-4101 RM1, RM2, RM3"),
        ("RM1|RM2\r\nRM3", "RM1", "GON-4101 RM1, RM2, RM3"),
    ] {
        let shipment = case(reference).shipment();
        assert_eq!((shipment.tracking_number.as_str(), shipment.comments.as_str()), (number, comments), "{reference:?}");
        assert_eq!(NewShipment::mark_in(&shipment.comments), Some("GON-4101"));
    }
}

#[test]
fn a_number_longer_than_the_store_takes_is_told_in_full_in_the_comments() {
    let long = "\u{e9}".repeat(64);
    let shipment = case(&long).shipment();
    assert_eq!(shipment.tracking_number.chars().count(), 50);
    assert_eq!(shipment.comments, format!("GON-4101 {long}"));
    assert_eq!(case(&"x".repeat(50)).shipment().comments, "GON-4101");
}

#[test]
fn the_map_names_the_carrier_and_no_name_is_read() {
    let mut case = case("RM1");
    case.rules.fulfilment.methods = vec![CarrierEntry { brightpearl: ShippingMethodId(6), carrier: carrier("royalmail", "", "Tracked 48") }];
    case.rules.fulfilment.default = Some(carrier("", "dpd-uk", "Courier"));
    assert_eq!(told(&case.shipment()), ("royalmail", "", "Tracked 48"));
    assert!(!case.run().rounds.iter().flatten().any(|need| *need == Need::MethodNames));
    case.notes()[0].shipping_method = Some(ShippingMethodId(7));
    assert_eq!(told(&case.shipment()), ("", "dpd-uk", "Courier"));
}

#[test]
fn without_an_entry_the_methods_own_name_is_passed_through() {
    let mut case = case("RM1");
    assert_eq!(told(&case.shipment()), ("", "", "Royal Mail 48"));
    case.full.method_names = Some(BTreeMap::new());
    assert_eq!(told(&case.shipment()), ("", "", ""));
}

#[test]
fn a_note_without_a_method_reads_no_names() {
    let mut case = case("RM1");
    case.notes()[0].shipping_method = None;
    assert_eq!(told(&case.shipment()), ("", "", ""));
    assert!(!case.run().rounds.iter().flatten().any(|need| *need == Need::MethodNames));
}
