//! Puts goods of sales credits back into stock (BP §e.8).

use std::collections::BTreeMap;

use orderbridge_http_client::{CallError, Method, SendGuard};
use orderbridge_schema::command::{GoodsIn, GoodsInRow};
use orderbridge_schema::ids::SalesOrderId;
use orderbridge_schema::work::Share;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{Client, place};
use crate::{lenient, reply};

#[derive(Deserialize)]
struct NotesPayload {
    #[serde(default, deserialize_with = "lenient::map")]
    response: BTreeMap<u64, Value>,
}

fn body(goods: &GoodsIn) -> Value {
    let moved = |row: &GoodsInRow| {
        json!({ "productId": row.product.0, "purchaseOrderRowId": row.row.0, "quantity": row.quantity, "destinationLocationId": goods.place.location,
            "productValue": { "currency": goods.currency, "value": row.cost.to_string() } })
    };
    json!({
        "transfer": false,
        "warehouseId": goods.place.warehouse.0,
        "goodsMoved": goods.rows.iter().map(moved).collect::<Vec<_>>(),
        "receivedOn": format!("{:.0}", goods.received_at),
        "userBatchReference": format!("Refund {}", goods.refund),
    })
}

impl Client {
    /// Receives goods. `None`: they are received, but the reply does not name the note.
    ///
    /// # Errors
    /// [`CallError`]; after `Uncertain` they may be received, and a second note would receive them again.
    pub async fn receive_goods(&self, goods: &GoodsIn, guard: SendGuard) -> Result<Option<u64>, CallError> {
        let credit = goods.credit.to_string();
        let segments = ["warehouse-service", "order", &credit, "goods-note", "goods-in"];
        let place = place(&segments, "/warehouse-service/order/{id}/goods-note/goods-in");
        let answer = self.send(Method::Post, place, Some(&body(goods)), guard).await?;
        reply::created_id(&answer, "a new goods-in note")
    }

    /// The first note by which goods of a sales credit were received, if any were.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn goods_in_of(&self, credit: SalesOrderId, share: Share) -> Result<Option<u64>, CallError> {
        let id = credit.to_string();
        let segments = ["warehouse-service", "order", &id, "goods-note", "goods-in"];
        let answer = match self.get(place(&segments, "/warehouse-service/order/{id}/goods-note/goods-in"), share).await {
            Ok(answer) if reply::is_empty(&answer) => return Ok(None),
            Ok(answer) => answer,
            Err(CallError::NotFound) => return Ok(None),
            Err(error) => return Err(error),
        };
        let read: NotesPayload = serde_json::from_slice(&answer.body).map_err(|error| reply::unreadable(&error, "goods-in notes"))?;
        Ok(read.response.keys().next().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orderbridge_schema::ids::{ProductId, RefundId, SalesOrderRowId, WarehouseId};
    use orderbridge_schema::rules::Restock;

    #[test]
    fn goods_are_received_as_brightpearl_wants_it() {
        let goods = GoodsIn {
            credit: SalesOrderId(79001),
            refund: RefundId(3),
            place: Restock { warehouse: WarehouseId(2), location: 7 },
            received_at: "2026-03-09T10:00:00Z".parse().unwrap(),
            currency: "GBP".into(),
            rows: vec![GoodsInRow { row: SalesOrderRowId(81201), product: ProductId(5001), quantity: 1, cost: "4.0000".parse().unwrap() }],
        };
        let expected = json!({"transfer": false, "warehouseId": 2, "receivedOn": "2026-03-09T10:00:00Z", "userBatchReference": "Refund 3",
            "goodsMoved": [{"productId": 5001, "purchaseOrderRowId": 81201, "quantity": 1, "destinationLocationId": 7,
                "productValue": {"currency": "GBP", "value": "4.0000"}}]});
        assert_eq!(body(&goods), expected);
    }
}
