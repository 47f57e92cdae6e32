//! The goods-out note and how it is shown (BP §h.3).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::account::Account;
use super::json::compact;
use super::switches::Switches;

/// One line: a quantity of a row from one location.
#[derive(Debug, Clone, Copy)]
pub struct NoteLine {
    /// Order row.
    pub row: i64,
    /// Product.
    pub product: i64,
    /// Location.
    pub location: i64,
    /// Quantity.
    pub quantity: i64,
}

/// One note.
#[derive(Debug, Clone, Default)]
pub struct GoodsOutNote {
    /// Its id.
    pub id: i64,
    /// Order; 0 for a transfer.
    pub order: i64,
    /// Warehouse.
    pub warehouse: i64,
    /// Whether it is a transfer between warehouses.
    pub transfer: bool,
    /// Priority.
    pub priority: bool,
    /// Lines.
    pub lines: Vec<NoteLine>,
    /// Shipping method.
    pub method: i64,
    /// Tracking reference.
    pub reference: String,
    /// Boxes.
    pub boxes: Option<i64>,
    /// Weight with two decimals.
    pub weight: Option<String>,
    /// Label.
    pub label_uri: Option<String>,
    /// Printed, picked and packed: when and by whom.
    pub marks: BTreeMap<String, (Timestamp, i64)>,
    /// When it was shipped.
    pub shipped_on: Option<Timestamp>,
    /// By whom.
    pub shipped_by: i64,
    /// Release date.
    pub release_date: Timestamp,
    /// Created.
    pub created_on: Timestamp,
    /// By whom.
    pub created_by: i64,
    /// n-th note of the order.
    pub sequence: i64,
    /// Events: when, owner, code.
    pub events: Vec<(Timestamp, i64, String)>,
    /// Number of the last event.
    pub last_event: i64,
}

impl GoodsOutNote {
    /// As the API shows it.
    pub fn view(&self, account: &Account, switches: &Switches) -> Value {
        let mut status = Map::new();
        for mark in ["printed", "picked", "packed"] {
            let set = self.marks.get(mark);
            status.insert(mark.to_owned(), json!(set.is_some()));
            status.insert(format!("{mark}On"), json!(set.map(|(at, _)| account.show(*at))));
            status.insert(format!("{mark}ById"), json!(set.map(|(_, by)| by)));
        }
        status.insert("shipped".to_owned(), json!(self.shipped_on.is_some()));
        status.insert("shippedOn".to_owned(), json!(self.shipped_on.map(|at| account.show(at))));
        status.insert("shippedById".to_owned(), json!(self.shipped_on.map(|_| self.shipped_by)));
        let mut rows: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for line in &self.lines {
            rows.entry(line.row.to_string())
                .or_default()
                .push(json!({"productId": line.product, "quantity": line.quantity, "locationId": line.location}));
        }
        let weight = self
            .weight
            .as_ref()
            .map(|text| if switches.is("note_weight", "number") { text.parse().map_or(Value::Null, super::product::number) } else { json!(text) });
        let events: Vec<Value> =
            self.events.iter().map(|(at, by, code)| json!({"occured": account.show(*at), "eventOwnerId": by, "eventCode": code})).collect();
        compact(json!({
            "orderId": self.order, "warehouseId": self.warehouse, "transfer": self.transfer, "priority": self.priority, "status": status,
            "shipping": {"reference": self.reference, "shippingMethodId": self.method, "boxes": self.boxes, "weight": weight},
            "releaseDate": account.show(self.release_date), "createdOn": account.show(self.created_on), "createdBy": self.created_by,
            "orderRows": rows, "sequence": self.sequence, "events": events, "lastEventVersion": self.last_event, "labelUri": self.label_uri,
        }))
    }
}
