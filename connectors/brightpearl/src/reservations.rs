//! Keeps stock back for sales orders, and reads how much is kept back or could be (BP §h.2, §g).

use std::collections::BTreeMap;

use orderbridge_http_client::{CallError, Method, SendGuard};
use orderbridge_schema::command::Reservation;
use orderbridge_schema::ids::{ProductId, SalesOrderId, SalesOrderRowId, WarehouseId};
use orderbridge_schema::reservation::{Reserved, ReservedRow};
use orderbridge_schema::work::Share;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{Client, IDS, id_sets, place};
use crate::{lenient, reply};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReservationPayload {
    #[serde(default, deserialize_with = "lenient::whole")]
    order_id: u64,
    #[serde(default, deserialize_with = "lenient::map")]
    order_rows: BTreeMap<u64, RowPayload>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RowPayload {
    #[serde(default, deserialize_with = "lenient::whole")]
    product_id: u64,
    #[serde(default, deserialize_with = "lenient::money")]
    quantity: Decimal,
}

#[derive(Deserialize)]
struct Availability {
    #[serde(default, deserialize_with = "lenient::map")]
    response: BTreeMap<u64, ProductPayload>,
}

#[derive(Deserialize)]
struct ProductPayload {
    #[serde(default, deserialize_with = "lenient::map")]
    warehouses: BTreeMap<u64, ShelfPayload>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShelfPayload {
    #[serde(default, deserialize_with = "lenient::money")]
    on_hand: Decimal,
}

/// One line per row: lines of the same row would be summed (BP §h.2).
fn body(reservation: &Reservation) -> Value {
    let line = |row: &ReservedRow| json!({ "productId": row.product.0, "salesOrderRowId": row.row.0, "quantity": row.quantity });
    json!({ "products": reservation.rows.iter().map(line).collect::<Vec<_>>() })
}

/// Pieces; a part of one cannot be reserved, and below zero is none.
fn pieces(quantity: Decimal) -> u32 {
    quantity.trunc().to_u32().unwrap_or_default()
}

impl Client {
    /// Adds a reservation: what is asked for beyond what is on hand is left out without a word, and it is an error if nothing is.
    ///
    /// # Errors
    /// [`CallError`]; after `Uncertain` it may have been made, and a second one would be added to it.
    pub async fn reserve(&self, reservation: &Reservation, guard: SendGuard) -> Result<(), CallError> {
        let (order, warehouse) = (reservation.sales_order.to_string(), reservation.warehouse.to_string());
        let segments = ["warehouse-service", "order", &order, "reservation", "warehouse", &warehouse];
        let place = place(&segments, "/warehouse-service/order/{id}/reservation/warehouse/{id}");
        self.send(Method::Post, place, Some(&body(reservation)), guard).await.map(drop)
    }

    /// Sets how much is reserved by row. Whether rows that are not listed stay is not confirmed (BP §h.2): all of them are to be listed.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn set_reservation(&self, reservation: &Reservation, guard: SendGuard) -> Result<(), CallError> {
        let order = reservation.sales_order.to_string();
        let segments = ["warehouse-service", "order", &order, "reservation"];
        self.send(Method::Put, place(&segments, "/warehouse-service/order/{id}/reservation"), Some(&body(reservation)), guard).await.map(drop)
    }

    /// What is reserved for these sales orders, 200 per call; one without a reservation has no entry.
    ///
    /// # Errors
    /// [`CallError`] of the first call that failed.
    pub async fn reservations(&self, orders: &[SalesOrderId], share: Share) -> Result<BTreeMap<SalesOrderId, Reserved>, CallError> {
        let mut found = BTreeMap::new();
        for set in id_sets(orders.iter().map(|id| id.0), IDS) {
            let segments = ["warehouse-service", "order", set.as_str(), "reservation"];
            let payloads: Vec<ReservationPayload> = self.list(place(&segments, "/warehouse-service/order/{idset}/reservation"), share).await?;
            let row = |(id, row): (u64, RowPayload)| ReservedRow {
                row: SalesOrderRowId(id),
                product: ProductId(row.product_id),
                quantity: pieces(row.quantity),
            };
            found.extend(payloads.into_iter().map(|one| (SalesOrderId(one.order_id), one.order_rows.into_iter().map(row).collect())));
        }
        Ok(found)
    }

    /// How many pieces of each product a warehouse could still reserve. Products that it never held, and those that no stock is kept of,
    /// have no entry.
    ///
    /// # Errors
    /// [`CallError`] of the first call that failed; one id that is no product spoils its call (BP §a.4).
    pub async fn on_hand(&self, products: &[ProductId], warehouse: WarehouseId, share: Share) -> Result<BTreeMap<ProductId, u64>, CallError> {
        let mut found = BTreeMap::new();
        for set in id_sets(products.iter().map(|id| id.0), IDS) {
            let segments = ["warehouse-service", "product-availability", set.as_str()];
            let answer = match self.get(place(&segments, "/warehouse-service/product-availability/{idset}"), share).await {
                Ok(answer) if reply::is_empty(&answer) => continue,
                Ok(answer) => answer,
                Err(CallError::NotFound) => continue,
                Err(error) => return Err(error),
            };
            let read: Availability =
                serde_json::from_slice(&answer.body).map_err(|error| reply::unreadable(&error, "the availability of products"))?;
            let shelf = |(id, product): (u64, ProductPayload)| {
                let shelf = product.warehouses.get(&warehouse.0)?;
                Some((ProductId(id), u64::from(pieces(shelf.on_hand))))
            };
            found.extend(read.response.into_iter().filter_map(shelf));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservation_is_written_with_one_line_per_row() {
        let row = |row, product, quantity| ReservedRow { row: SalesOrderRowId(row), product: ProductId(product), quantity };
        let reservation =
            Reservation { sales_order: SalesOrderId(70001), warehouse: WarehouseId(2), rows: vec![row(81001, 5001, 2), row(81002, 5001, 1)] };
        let expected = json!({"products": [{"productId": 5001, "salesOrderRowId": 81001, "quantity": 2},
            {"productId": 5001, "salesOrderRowId": 81002, "quantity": 1}]});
        assert_eq!(body(&reservation), expected);
    }

    #[test]
    fn stock_below_zero_and_parts_of_a_piece_are_none() {
        for (quantity, count) in [("-3", 0), ("0.9", 0), ("2.0000", 2), ("7", 7)] {
            assert_eq!(pieces(quantity.parse().unwrap()), count, "{quantity}");
        }
    }
}
