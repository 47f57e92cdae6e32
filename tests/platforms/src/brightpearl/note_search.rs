//! The search over goods-in notes (BP §h.3).

use serde_json::{Value, json};

use super::call::Call;
use super::reply::Answer;
use super::search::{self, Row};

/// `GET /goods-in-search`.
pub fn goods_in(call: &Call<'_>) -> Answer {
    let part = |note: &Value, name: &str| note.get(name).cloned().unwrap_or(Value::Null);
    let rows: Vec<Row> = call
        .account
        .goods_in
        .iter()
        .map(|(id, note)| {
            Row::from([
                ("goodsInNoteId", json!(id)),
                ("orderId", part(note, "orderId")),
                ("warehouseId", part(note, "warehouseId")),
                ("receivedOn", part(note, "receivedOn")),
            ])
        })
        .collect();
    search::answer_list(call, "goods-in-search", &rows)
}
