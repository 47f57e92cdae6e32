//! Goods-in notes: stock that comes back on a sales credit, or is received on a purchase order (BP §e.8).

use rust_decimal::prelude::ToPrimitive;
use serde_json::{Map, Value, json};

use super::account::IdKind;
use super::call::Call;
use super::goods_out::orders_of;
use super::idset;
use super::json::{array, at, instant, int, text};
use super::order::Order;
use super::product::FREE_TEXT;
use super::reply::{Answer, Refusal, Reply};
use super::stock::StockChange;

fn refuse(message: impl Into<String>) -> Refusal {
    Refusal::bad("WHSC-999", message)
}

/// Checks one line against the order and the lines before it.
fn line(call: &Call<'_>, order: &Order, warehouse: i64, entry: &Value, changes: &[(i64, StockChange)]) -> Result<(i64, StockChange), Refusal> {
    let row_id = int(entry, "purchaseOrderRowId")?.unwrap_or(0);
    let row = order.rows.get(&row_id).ok_or_else(|| refuse(format!("Row {row_id} does not belong to order {}", order.id)))?;
    let product = int(entry, "productId")?.filter(|product| *product == row.product_id && *product != FREE_TEXT && row.tracked);
    let product = product.ok_or_else(|| Refusal::bad("WHSC-014", "Product ID must be set and greater than 0"))?;
    let quantity = int(entry, "quantity")?.filter(|quantity| *quantity > 0).ok_or_else(|| refuse("The quantity must be greater than 0"))?;
    let planned: i64 = changes.iter().filter(|(row, _)| *row == row_id).map(|(_, change)| change.quantity).sum();
    let open = row.quantity.to_i64().unwrap_or(0) - order.received.get(&row_id).copied().unwrap_or(0) - planned;
    if quantity > open {
        return Err(refuse(format!("Only {open} of row {row_id} can still be received")));
    }
    let location = int(entry, "destinationLocationId")?.unwrap_or(0);
    if !call.account.lists.locations.get(&warehouse).is_some_and(|all| all.contains(&location)) {
        return Err(refuse(format!("Location {location} is not in warehouse {warehouse}")));
    }
    at(entry, "productValue.value").ok_or_else(|| refuse("productValue is required"))?;
    Ok((row_id, StockChange { product, warehouse, location, quantity }))
}

/// `POST /order/{creditId}/goods-note/goods-in`.
pub fn create(call: &mut Call<'_>, id: i64) -> Answer {
    let body = call.json()?.clone();
    let order =
        call.account.orders.get(&id).filter(|order| order.kind != "SO").cloned().ok_or_else(|| refuse(format!("Order {id} cannot receive goods")))?;
    let warehouse = int(&body, "warehouseId")?.filter(|id| call.account.lists.locations.contains_key(id));
    let warehouse = warehouse.ok_or_else(|| Refusal::bad("WHSB-038", "The warehouse does not exist"))?;
    let received_on = instant(&body, "receivedOn")?.unwrap_or(call.now);
    let mut lines = Vec::new();
    let mut changes: Vec<(i64, StockChange)> = Vec::new();
    for entry in array(&body, "goodsMoved")? {
        let (row_id, change) = line(call, &order, warehouse, entry, &changes)?;
        let StockChange { product, location, quantity, .. } = change;
        lines.push(json!({"productId": product, "purchaseOrderRowId": row_id, "quantity": quantity, "destinationLocationId": location}));
        changes.push((row_id, change));
    }
    if changes.is_empty() {
        return Err(refuse("goodsMoved is required"));
    }
    for (row, change) in changes {
        call.account.correct_stock(change, call.switches, call.now)?;
        if let Some(order) = call.account.orders.get_mut(&id) {
            *order.received.entry(row).or_insert(0) += change.quantity;
        }
    }
    let note = call.account.next_id(IdKind::GoodsIn);
    let reference = text(&body, "userBatchReference")?.unwrap_or_default();
    call.account.goods_in.insert(
        note,
        json!({"orderId": id, "warehouseId": warehouse, "transfer": false,
        "receivedOn": call.account.show(received_on), "userBatchReference": reference, "goodsMoved": lines}),
    );
    call.account.bump(id, call.now);
    call.account.raise("goods-in-note.created", note, call.now);
    call.account.raise("order.modified", id, call.now);
    Reply::data(note)
}

/// `GET /order/{ids|*}/goods-note/goods-in[/{ids}]`.
pub fn read(call: &Call<'_>, orders: &str, ids: Option<&str>) -> Answer {
    let orders = orders_of(orders)?;
    let ids = ids.map(idset::parse).transpose()?;
    let of_order =
        |note: &Value| orders.as_ref().is_none_or(|orders| note.get("orderId").and_then(Value::as_i64).is_some_and(|id| orders.contains(&id)));
    let shown: Map<String, Value> = call
        .account
        .goods_in
        .iter()
        .filter(|(id, note)| ids.as_ref().is_none_or(|ids| ids.contains(id)) && of_order(note))
        .map(|(id, note)| (id.to_string(), note.clone()))
        .collect();
    Reply::data(Value::Object(shown))
}
