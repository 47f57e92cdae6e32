//! Writes to store orders: shipments, status, the other system's id (BC §d.5, §d.8).

use orderbridge_http_client::CallError;
use orderbridge_schema::command::NewShipment;
use orderbridge_schema::ids::{NoteId, OrderAddressId, OrderLineId, StoreOrderId, StoreStatusId};
use orderbridge_schema::link::NoteKind;
use serde_json::{Value, json};

use super::{SHARE, Shop, guard, id};

/// A shipment of lines of a placed order, by their places in it.
pub(super) fn shipment(placed: &Value, note: u64, items: &[(usize, u32)]) -> NewShipment {
    NewShipment {
        order: StoreOrderId(id(&placed["id"])),
        note_kind: NoteKind::GoodsOut,
        note: NoteId(note),
        address: OrderAddressId(id(&placed["shipping_addresses"][0]["id"])),
        items: items.iter().map(|(line, quantity)| (OrderLineId(id(&placed["products"][line]["id"])), *quantity)).collect(),
        tracking_number: "RM123456785GB".into(),
        shipping_provider: "royalmail".into(),
        tracking_carrier: String::new(),
        shipping_method: "Tracked 48".into(),
        comments: NewShipment::mark(NoteKind::GoodsOut, NoteId(note), None),
    }
}

fn refusal(error: &CallError) -> (u16, &str) {
    match error {
        CallError::Refused { status, message, .. } => (*status, message),
        other => panic!("not refused: {other:?}"),
    }
}

async fn order(shop: &Shop) -> Value {
    shop.place(json!({ "lines": [{ "sku": "A", "quantity": 2 }, { "sku": "B" }] })).await
}

#[tokio::test]
async fn shipments_are_made_read_back_and_known_by_their_mark() {
    let shop = Shop::open().await;
    let client = shop.client();
    let placed = order(&shop).await;
    let first = shipment(&placed, 4101, &[(0, 1)]);
    let made = client.create_shipment(&first, guard(client.pool())).await.unwrap();
    let read = client.shipments(first.order, SHARE).await.unwrap();
    assert_eq!(read.len(), 1);
    assert_eq!((read[0].id, read[0].address, &read[0].items), (made, first.address, &first.items));
    assert_eq!((read[0].comments.as_str(), read[0].tracking_number.as_str()), ("GON-4101", "RM123456785GB"));
    assert_eq!(NewShipment::mark_in(&read[0].comments), Some("GON-4101"));
    assert!(read[0].created_at.duration_since(shop.sim.clock.now()).abs() < jiff::SignedDuration::from_secs(60));
    assert_eq!(client.order(first.order, SHARE).await.unwrap().unwrap().status, StoreStatusId(3), "partially shipped");

    client.create_shipment(&shipment(&placed, 4102, &[(0, 1), (1, 1)]), guard(client.pool())).await.unwrap();
    let lines = client.lines(first.order, SHARE).await.unwrap();
    assert_eq!(lines.iter().map(|line| (line.shipped, line.left_to_ship())).collect::<Vec<_>>(), [(2, 0), (1, 0)]);
    assert_eq!(client.order(first.order, SHARE).await.unwrap().unwrap().status, StoreStatusId(2), "shipped");
    assert_eq!(client.addresses(first.order, SHARE).await.unwrap()[0].items_shipped, 3);
}

#[tokio::test]
async fn the_store_itself_does_not_notice_a_repeated_shipment() {
    let shop = Shop::open().await;
    let client = shop.client();
    let placed = order(&shop).await;
    let once = shipment(&placed, 4101, &[(0, 1)]);
    let first = client.create_shipment(&once, guard(client.pool())).await.unwrap();
    let second = client.create_shipment(&once, guard(client.pool())).await.unwrap();
    assert_ne!(first, second);
    let marks: Vec<String> = client.shipments(once.order, SHARE).await.unwrap().into_iter().map(|shipment| shipment.comments).collect();
    assert_eq!(marks, ["GON-4101", "GON-4101"], "only a look at the marks beforehand prevents this");
}

#[tokio::test]
async fn a_shipment_without_carrier_or_tracking_is_accepted_and_stays_without() {
    let shop = Shop::open().await;
    let client = shop.client();
    let placed = order(&shop).await;
    let bare = NewShipment { tracking_number: String::new(), shipping_provider: String::new(), ..shipment(&placed, 4101, &[(1, 1)]) };
    client.create_shipment(&bare, guard(client.pool())).await.unwrap();
    let shown = shop.sim.get(&format!("stores/abc123/orders/{}", bare.order)).await;
    let shown = &shown["shipments"][0];
    assert_eq!((&shown["shipping_provider"], &shown["tracking_carrier"], &shown["tracking_number"]), (&json!(""), &json!(""), &json!("")));
    let dpd = NewShipment { tracking_carrier: "dpd-uk".into(), shipping_provider: String::new(), ..shipment(&placed, 4102, &[(0, 1)]) };
    client.create_shipment(&dpd, guard(client.pool())).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_shipped_is_refused_and_leaves_nothing() {
    let shop = Shop::open().await;
    let client = shop.client();
    let placed = order(&shop).await;
    let good = shipment(&placed, 4101, &[(0, 1)]);
    let cases = [
        ("over-shipping", NewShipment { items: vec![(good.items[0].0, 3)], ..good.clone() }),
        ("nothing", NewShipment { items: Vec::new(), ..good.clone() }),
        ("a foreign line", NewShipment { items: vec![(OrderLineId(999_999), 1)], ..good.clone() }),
        ("a foreign address", NewShipment { address: OrderAddressId(999_999), ..good.clone() }),
        ("an unknown carrier", NewShipment { tracking_carrier: "royal-mail".into(), ..good.clone() }),
        ("an unknown provider", NewShipment { shipping_provider: "pigeon".into(), ..good.clone() }),
        ("a long tracking number", NewShipment { tracking_number: "x".repeat(51), ..good.clone() }),
    ];
    for (what, bad) in cases {
        let error = client.create_shipment(&bad, guard(client.pool())).await.unwrap_err();
        let (status, message) = refusal(&error);
        assert_eq!(status, 400, "{what}");
        assert!(!message.is_empty() && error.is_definite_no(), "{what}: {error}");
    }
    assert!(client.shipments(good.order, SHARE).await.unwrap().is_empty());
    let nowhere = NewShipment { order: StoreOrderId(999_999), ..good.clone() };
    assert_eq!(client.create_shipment(&nowhere, guard(client.pool())).await, Err(CallError::NotFound));
    let longest = NewShipment { tracking_number: "x".repeat(50), ..good };
    client.create_shipment(&longest, guard(client.pool())).await.unwrap();
}

#[tokio::test]
async fn status_and_external_id_are_set_and_nothing_else_changes() {
    let shop = Shop::open().await;
    let client = shop.client();
    let placed = order(&shop).await;
    let order = StoreOrderId(id(&placed["id"]));
    let before = client.order(order, SHARE).await.unwrap().unwrap();
    client.set_external_order_id(order, "BP-70001", guard(client.pool())).await.unwrap();
    client.set_order_status(order, StoreStatusId(9), guard(client.pool())).await.unwrap();
    let mut after = client.order(order, SHARE).await.unwrap().unwrap();
    assert_eq!((after.status, after.external_order_id.as_str()), (StoreStatusId(9), "BP-70001"));
    after.status = before.status;
    after.external_order_id.clone_from(&before.external_order_id);
    after.modified_at = before.modified_at;
    assert_eq!(after, before);
    let error = client.set_order_status(order, StoreStatusId(99), guard(client.pool())).await.unwrap_err();
    assert_eq!(refusal(&error).0, 400);
    assert_eq!(client.set_order_status(StoreOrderId(999_999), StoreStatusId(9), guard(client.pool())).await, Err(CallError::NotFound));
}
