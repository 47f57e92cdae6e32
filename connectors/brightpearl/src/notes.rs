//! Reads goods-out and drop-ship notes (BP §h.3, §h.4).

use std::collections::BTreeMap;

use jiff::Timestamp;
use orderbridge_http_client::CallError;
use orderbridge_schema::facts::{Note, NoteRow};
use orderbridge_schema::ids::{NoteId, ProductId, SalesOrderId, SalesOrderRowId, ShippingMethodId, WarehouseId};
use orderbridge_schema::link::NoteKind;
use orderbridge_schema::work::Share;
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::client::{Client, IDS, id_sets, place};
use crate::{lenient, reply};

/// Most goods-out notes per call (BP §a.6).
const GOODS_OUT_NOTES: usize = 500;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NotePayload {
    #[serde(default, deserialize_with = "lenient::whole")]
    order_id: u64,
    #[serde(default, deserialize_with = "lenient::whole")]
    warehouse_id: u64,
    #[serde(default, deserialize_with = "lenient::flag")]
    transfer: bool,
    #[serde(default, deserialize_with = "lenient::object")]
    status: StatusPayload,
    #[serde(default, deserialize_with = "lenient::object")]
    shipping: ShippingPayload,
    #[serde(default, deserialize_with = "lenient::text")]
    tracking_reference: String,
    #[serde(default, deserialize_with = "lenient::whole")]
    shipping_method_id: u64,
    #[serde(default, deserialize_with = "lenient::map")]
    order_rows: BTreeMap<u64, Moves>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct StatusPayload {
    #[serde(deserialize_with = "lenient::flag")]
    shipped: bool,
    #[serde(deserialize_with = "lenient::moment")]
    shipped_on: Option<Timestamp>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct ShippingPayload {
    #[serde(deserialize_with = "lenient::text")]
    reference: String,
    #[serde(deserialize_with = "lenient::whole")]
    shipping_method_id: u64,
}

/// What a note holds of one row, an entry per location.
#[derive(Deserialize)]
#[serde(transparent)]
struct Moves {
    #[serde(deserialize_with = "lenient::list")]
    moves: Vec<MovePayload>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MovePayload {
    #[serde(default, deserialize_with = "lenient::whole")]
    product_id: u64,
    #[serde(deserialize_with = "lenient::money")]
    quantity: Decimal,
}

fn some<T: From<u64>>(id: u64) -> Option<T> {
    Some(id).filter(|id| *id > 0).map(T::from)
}

impl NotePayload {
    fn into_note(self, kind: NoteKind, id: u64) -> Note {
        let mut sums: BTreeMap<(u64, u64), Decimal> = BTreeMap::new();
        for (row, moves) in self.order_rows {
            for moved in moves.moves {
                let sum = sums.entry((row, moved.product_id)).or_default();
                *sum = sum.saturating_add(moved.quantity);
            }
        }
        let rows = sums.into_iter();
        let rows = rows.map(|((row, product), quantity)| NoteRow { row: SalesOrderRowId(row), product: ProductId(product), quantity });
        // Where a drop-ship note shows its tracking reference is not documented (BP §h.4).
        let reference = if self.shipping.reference.is_empty() { self.tracking_reference } else { self.shipping.reference };
        Note {
            kind,
            id: NoteId(id),
            order: some::<SalesOrderId>(self.order_id),
            warehouse: some::<WarehouseId>(self.warehouse_id),
            transfer: self.transfer,
            shipped: self.status.shipped,
            shipped_at: self.status.shipped_on,
            reference,
            shipping_method: some::<ShippingMethodId>(self.shipping.shipping_method_id).or_else(|| some(self.shipping_method_id)),
            rows: rows.collect(),
        }
    }
}

/// A reply's notes, keyed by id; an empty list, `{}` and no body are none.
#[derive(Deserialize)]
struct Notes {
    #[serde(default, deserialize_with = "lenient::map")]
    response: BTreeMap<u64, NotePayload>,
}

impl Client {
    /// All notes of these orders, ascending.
    ///
    /// # Errors
    /// [`CallError`] of the first call that failed.
    pub async fn notes_of_orders(&self, kind: NoteKind, orders: &[SalesOrderId], share: Share) -> Result<Vec<Note>, CallError> {
        let mut notes = Vec::new();
        for set in id_sets(orders.iter().map(|id| id.0), IDS) {
            notes.extend(self.notes_at(kind, &set, None, share).await?);
        }
        Ok(notes)
    }

    /// The notes that exist among `ids`, ascending.
    ///
    /// # Errors
    /// [`CallError`] of the first call that failed.
    pub async fn notes(&self, kind: NoteKind, ids: &[NoteId], share: Share) -> Result<Vec<Note>, CallError> {
        let max = match kind {
            NoteKind::GoodsOut => GOODS_OUT_NOTES,
            NoteKind::DropShip => IDS,
        };
        let mut notes = Vec::with_capacity(ids.len());
        for set in id_sets(ids.iter().map(|id| id.0), max) {
            notes.extend(self.notes_at(kind, "*", Some(&set), share).await?);
        }
        Ok(notes)
    }

    async fn notes_at(&self, kind: NoteKind, orders: &str, ids: Option<&str>, share: Share) -> Result<Vec<Note>, CallError> {
        let (name, template) = match kind {
            NoteKind::GoodsOut => ("goods-out", "/warehouse-service/order/{idset}/goods-note/goods-out/{idset}"),
            NoteKind::DropShip => ("drop-ship", "/warehouse-service/order/{idset}/goods-note/drop-ship/{idset}"),
        };
        let segments: Vec<&str> = ["warehouse-service", "order", orders, "goods-note", name].into_iter().chain(ids).collect();
        let reply = match self.get(place(&segments, template), share).await {
            Ok(reply) if reply::is_empty(&reply) => return Ok(Vec::new()),
            Ok(reply) => reply,
            Err(CallError::NotFound) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let notes: Notes = serde_json::from_slice(&reply.body).map_err(|error| reply::unreadable(&error, "the notes"))?;
        Ok(notes.response.into_iter().map(|(id, note)| note.into_note(kind, id)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTES: &str = r#"{"response":{
 "4101":{"orderId":70001,"warehouseId":2,"transfer":false,"status":{"shipped":true,"packed":true,"shippedOn":"2026-03-02T14:05:31.000+00:00"},
  "shipping":{"reference":"RM123456785GB","shippingMethodId":6,"boxes":1,"weight":"0.70"},
  "orderRows":{"81001":[{"productId":5001,"quantity":1,"locationId":2},{"productId":5001,"quantity":"1.0000","locationId":9}]},
  "events":[{"occured":"2026-03-02T13:35:00.000+00:00","eventCode":"PLA"}]},
 "4102":{"orderId":0,"transfer":true,"status":{"shipped":false},"shipping":{"reference":""},"orderRows":{}}}}"#;

    fn notes(json: &str, kind: NoteKind) -> Vec<Note> {
        let notes: Notes = serde_json::from_str(json).unwrap();
        notes.response.into_iter().map(|(id, note)| note.into_note(kind, id)).collect()
    }

    #[test]
    fn quantities_are_summed_over_locations() {
        let notes = notes(NOTES, NoteKind::GoodsOut);
        let rows = vec![NoteRow { row: SalesOrderRowId(81001), product: ProductId(5001), quantity: Decimal::TWO }];
        assert_eq!((notes[0].id, notes[0].order, &notes[0].rows), (NoteId(4101), Some(SalesOrderId(70001)), &rows));
        assert_eq!((notes[0].shipped, notes[0].reference.as_str(), notes[0].shipping_method), (true, "RM123456785GB", Some(ShippingMethodId(6))));
        assert_eq!(notes[0].shipped_at, "2026-03-02T14:05:31Z".parse().ok());
    }

    #[test]
    fn a_transfer_has_no_order() {
        let notes = notes(NOTES, NoteKind::GoodsOut);
        assert_eq!((notes[1].order, notes[1].transfer, notes[1].shipped, notes[1].warehouse), (None, true, false, None));
    }

    #[test]
    fn a_drop_ship_note_may_show_its_tracking_reference_elsewhere() {
        let json = r#"{"response":{"117":{"orderId":70003,"purchaseOrderId":88001,"status":{"shipped":true},"trackingReference":"1Z9","shipping":null,
            "orderRows":{"81010":{"productId":5007,"quantity":1,"locationId":0}}}}}"#;
        let notes = notes(json, NoteKind::DropShip);
        assert_eq!((notes[0].reference.as_str(), notes[0].rows[0].quantity, notes[0].kind), ("1Z9", Decimal::ONE, NoteKind::DropShip));
    }

    #[test]
    fn no_notes_may_be_spelled_in_any_way() {
        for none in [r#"{"response":{}}"#, r#"{"response":[]}"#, "{}", r#"{"response":null}"#] {
            assert!(notes(none, NoteKind::GoodsOut).is_empty(), "{none}");
        }
    }
}
