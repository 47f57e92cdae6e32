//! Writes to orders.

use orderbridge_http_client::CallError;
use orderbridge_schema::command::NewShipment;
use orderbridge_schema::ids::{NoteId, OrderAddressId, OrderLineId, ShipmentId, StoreOrderId, StoreStatusId};
use orderbridge_schema::link::NoteKind;
use serde_json::json;

use crate::support::{Answer, Server, guard, late_guard};
use crate::{client, order};

fn shipment() -> NewShipment {
    NewShipment {
        order: StoreOrderId(225),
        note_kind: NoteKind::GoodsOut,
        note: NoteId(4101),
        address: OrderAddressId(127),
        items: vec![(OrderLineId(188), 1)],
        tracking_number: "RM123456785GB".into(),
        shipping_provider: "royalmail".into(),
        tracking_carrier: String::new(),
        shipping_method: "Tracked 48".into(),
        comments: "GON-4101".into(),
    }
}

#[tokio::test]
async fn a_shipment_is_made_once_and_named() {
    let server = Server::start(|_| Answer::json(201, r#"{"id":6,"order_id":225}"#)).await;
    let client = client(&server);
    assert_eq!(client.create_shipment(&shipment(), guard(client.pool())).await, Ok(ShipmentId(6)));
    let seen = server.seen().remove(0);
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/stores/abc123/v2/orders/225/shipments"));
    assert_eq!(
        (seen.json()["items"][0].clone(), seen.json()["tracking_carrier"].clone()),
        (json!({"order_product_id": 188, "quantity": 1}), json!(""))
    );
    let late = client.create_shipment(&shipment(), late_guard(client.pool())).await;
    assert!(matches!(late, Err(CallError::NotSent { .. })));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_shipment_that_is_not_named_is_in_doubt() {
    for body in ["", "{}", "[]", "<html>", r#"{"id":0}"#] {
        let server = Server::start(move |_| Answer::json(201, body)).await;
        let client = client(&server);
        let result = client.create_shipment(&shipment(), guard(client.pool())).await;
        assert!(matches!(result, Err(CallError::Uncertain { .. })), "{body}");
    }
}

#[tokio::test]
async fn only_the_field_that_changes_is_sent() {
    let server = Server::start(|_| Answer::json(200, order(9).to_string())).await;
    let client = client(&server);
    client.set_external_order_id(StoreOrderId(9), "BP-70001", guard(client.pool())).await.unwrap();
    client.set_order_status(StoreOrderId(9), StoreStatusId(2), guard(client.pool())).await.unwrap();
    let seen = server.seen();
    assert!(seen.iter().all(|seen| seen.method == "PUT" && seen.target == "/stores/abc123/v2/orders/9"));
    assert_eq!((seen[0].json(), seen[1].json()), (json!({"external_order_id": "BP-70001"}), json!({"status_id": 2})));
}

#[tokio::test]
async fn a_page_with_a_good_status_proves_nothing() {
    let server = Server::start(|_| Answer::html(200)).await;
    let client = client(&server);
    let result = client.set_order_status(StoreOrderId(9), StoreStatusId(2), guard(client.pool())).await;
    assert!(matches!(result, Err(CallError::Uncertain { .. })));
}
