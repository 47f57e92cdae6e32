//! Writes to orders (BC §d.5, §d.8). Only the fields that change are sent: an order sent back as it was read is refused.

use orderbridge_http_client::{CallError, Method, SendGuard};
use orderbridge_schema::command::NewShipment;
use orderbridge_schema::ids::{ShipmentId, StoreOrderId, StoreStatusId};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{Client, place};
use crate::{lenient, reply};

#[derive(Deserialize)]
struct Created {
    #[serde(deserialize_with = "lenient::required_whole")]
    id: u64,
}

impl Client {
    /// Makes a shipment. BigCommerce has no key to tell a repeated one: list the shipments before each call (BC §d.5).
    ///
    /// # Errors
    /// [`CallError`]; `Uncertain` also if the reply does not name the shipment.
    pub async fn create_shipment(&self, shipment: &NewShipment, guard: SendGuard) -> Result<ShipmentId, CallError> {
        let id = shipment.order.to_string();
        let segments = ["v2", "orders", &id, "shipments"];
        let body = shipment_body(shipment).to_string().into_bytes();
        let reply = self.send(Method::Post, place(&segments, "/v2/orders/{id}/shipments"), Some(body), guard).await?;
        reply::one::<Created>(&reply, "a new shipment").map(|created| ShipmentId(created.id))
    }

    /// Writes another system's id on an order.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn set_external_order_id(&self, order: StoreOrderId, external_order_id: &str, guard: SendGuard) -> Result<(), CallError> {
        self.put_order(order, &json!({ "external_order_id": external_order_id }), guard).await
    }

    /// Sets an order's status. The store may mail the shopper: make shipments first (BC §d.5).
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn set_order_status(&self, order: StoreOrderId, status: StoreStatusId, guard: SendGuard) -> Result<(), CallError> {
        self.put_order(order, &json!({ "status_id": status.0 }), guard).await
    }

    async fn put_order(&self, order: StoreOrderId, change: &Value, guard: SendGuard) -> Result<(), CallError> {
        let id = order.to_string();
        let body = change.to_string().into_bytes();
        self.send(Method::Put, place(&["v2", "orders", &id], "/v2/orders/{id}"), Some(body), guard).await?;
        Ok(())
    }
}

/// Provider and carrier are sent even when empty: left out, the store writes "custom" and the shopper's mail loses the link (BC §d.5).
fn shipment_body(shipment: &NewShipment) -> Value {
    let items: Vec<Value> = shipment.items.iter().map(|(line, quantity)| json!({ "order_product_id": line.0, "quantity": quantity })).collect();
    json!({
        "order_address_id": shipment.address.0,
        "tracking_number": shipment.tracking_number,
        "shipping_provider": shipment.shipping_provider,
        "tracking_carrier": shipment.tracking_carrier,
        "shipping_method": shipment.shipping_method,
        "comments": shipment.comments,
        "items": items,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use orderbridge_schema::ids::{NoteId, OrderAddressId, OrderLineId};
    use orderbridge_schema::link::NoteKind;

    #[test]
    fn a_shipment_names_lines_and_never_products() {
        let shipment = NewShipment {
            order: StoreOrderId(225),
            note_kind: NoteKind::GoodsOut,
            note: NoteId(4101),
            address: OrderAddressId(127),
            items: vec![(OrderLineId(188), 1), (OrderLineId(189), 3)],
            tracking_number: "RM123456785GB".into(),
            shipping_provider: "royalmail".into(),
            tracking_carrier: String::new(),
            shipping_method: "Tracked 48".into(),
            comments: "GON-4101".into(),
        };
        let expected = json!({
            "order_address_id": 127, "tracking_number": "RM123456785GB", "shipping_provider": "royalmail", "tracking_carrier": "",
            "shipping_method": "Tracked 48", "comments": "GON-4101",
            "items": [{"order_product_id": 188, "quantity": 1}, {"order_product_id": 189, "quantity": 3}],
        });
        assert_eq!(shipment_body(&shipment), expected);
    }
}
