//! What events ask for.

use orderbridge_schema::ids::StoreStatusId;

use super::*;

fn event(fields: &str) -> Envelope {
    let json = format!(
        r#"{{"version":1,"event_id":"019d0000-0000-7000-8000-000000000001","connection":"c","account":"acme","received_at":"2026-03-01T09:30:01Z",{fields}}}"#
    );
    Envelope::from_json(json.as_bytes()).unwrap()
}

fn work(fields: &str) -> Vec<Upsert> {
    work_of(&event(fields)).unwrap()
}

#[test]
fn an_order_event_is_work_for_its_tenant() {
    let work =
        work(r#""platform":"bigcommerce","tenant":"acme-uk","event_type":"store/order/updated","entity":"order","ids":"250","verified":"signature""#);
    assert_eq!(work.len(), 1);
    assert_eq!(work[0].key.to_string(), "acme-uk/order/250");
    assert_eq!(work[0].share, Share::Orders);
}

#[test]
fn an_uninstalled_app_is_a_connection_to_be_checked() {
    let work =
        work(r#""platform":"bigcommerce","tenant":"acme-uk","event_type":"store/app/uninstalled","entity":"store","ids":"0","verified":"signature""#);
    assert_eq!(work.iter().map(|upsert| upsert.key.to_string()).collect::<Vec<_>>(), ["acme-uk/connection/0"]);
}

#[test]
fn an_id_set_of_shipped_notes_is_one_item_each() {
    let work = work(
        r#""platform":"brightpearl","event_type":"goods-out-note.modified.shipped","entity":"goods-out-note","ids":"4101-4103,4110","verified":"path-secret""#,
    );
    assert_eq!(work.iter().map(|upsert| upsert.key.entity).collect::<Vec<_>>(), [4101, 4102, 4103, 4110]);
    assert_eq!(work[0].key.scope.to_string(), "@acme");
}

#[test]
fn events_that_change_nothing_for_us_are_no_work() {
    for (event, entity) in [
        ("goods-out-note.modified.picked", "goods-out-note"),
        ("sales-order.created", "sales-order"),
        ("product.modified.on-hand-modified", "product"),
    ] {
        let fields = format!(r#""platform":"brightpearl","event_type":"{event}","entity":"{entity}","ids":"1","verified":"path-secret""#);
        assert!(work(&fields).is_empty(), "{event}");
    }
}

#[test]
fn ids_that_cannot_be_understood_are_told() {
    for ids in ["x", "", "5-1", "1-20000,x"] {
        let fields =
            format!(r#""platform":"brightpearl","event_type":"order.modified","entity":"sales-order","ids":"{ids}","verified":"path-secret""#);
        assert!(work_of(&event(&fields)).is_err(), "{ids}");
    }
}

#[test]
fn more_ids_than_are_told_apart_are_one_sweep() {
    for (event, entity, source) in [
        ("order.modified", "sales-order", SweepSource::SalesOrders),
        ("goods-out-note.modified.shipped", "goods-out-note", SweepSource::GoodsOutNotes),
        ("drop-ship-note.modified.shipped", "drop-ship-note", SweepSource::DropShipNotes),
        ("product.modified", "product", SweepSource::Products),
    ] {
        let fields = format!(
            r#""platform":"brightpearl","event_type":"{event}","entity":"{entity}","ids":"1-10001","occurred_at":"2026-03-01T09:29:00Z","verified":"path-secret""#
        );
        let work = work(&fields);
        assert_eq!(work.len(), 1);
        assert_eq!((&work[0].key, work[0].share), (&source.key("@acme".parse().unwrap()), Share::Sweeps));
        assert_eq!(work[0].event_at, "2026-03-01T09:29:00Z".parse().unwrap(), "from then on is looked");
    }
}

#[test]
fn what_a_sweep_found_waits_behind_what_was_told() {
    let work =
        work(r#""platform":"bigcommerce","tenant":"acme-uk","event_type":"store/order/updated","entity":"order","ids":"250","verified":"swept""#);
    assert_eq!((work[0].share, work[0].cause.as_str()), (Share::Sweeps, "store/order/updated (found by a sweep)"));
}

#[test]
fn events_of_one_entity_are_one_upsert_with_the_latest_cause_and_the_most_urgent_share() {
    let one = |cause: &str, second: i64, share, aspects| Upsert {
        key: WorkKey { scope: "acme-uk".parse().unwrap(), kind: WorkKind::Order, entity: 250 },
        account: "acme".parse().unwrap(),
        aspects,
        share,
        event_at: jiff::Timestamp::from_second(second).unwrap(),
        cause: cause.into(),
        event: None,
        seen: StatusSet::of(StoreStatusId(second.cast_unsigned())),
    };
    let joined = joined([one("late", 11, Share::Sweeps, Aspects::NOTES), one("early", 10, Share::Orders, Aspects::STORE_ORDER)]);
    assert_eq!(joined.len(), 1);
    assert_eq!((joined[0].cause.as_str(), joined[0].share), ("late", Share::Orders));
    assert_eq!(joined[0].seen, StatusSet::of(StoreStatusId(11)).with(StatusSet::of(StoreStatusId(10))));
    assert!(joined[0].aspects.has(Aspects::NOTES) && joined[0].aspects.has(Aspects::STORE_ORDER));
}

#[test]
fn an_event_of_a_payment_and_whatever_a_sweep_found_has_the_payments_looked_at() {
    for (event, verified, looks) in [
        ("store/order/transaction/created", "signature", true),
        ("store/order/transaction/updated", "signature", true),
        ("store/order/updated", "swept", true),
        ("store/order/updated", "signature", false),
        ("store/order/statusUpdated", "signature", false),
    ] {
        let fields =
            format!(r#""platform":"bigcommerce","tenant":"acme-uk","event_type":"{event}","entity":"order","ids":"250","verified":"{verified}""#);
        let aspects = work(&fields)[0].aspects;
        assert!(aspects.has(Aspects::STORE_ORDER) && aspects.has(Aspects::TRANSACTIONS) == looks, "{event} {verified}");
    }
}
