//! Reservations and the stock engine.

use serde_json::{Value, json};

use crate::support::Sim;

async fn stock(sim: &Sim, product: i64) -> Value {
    sim.get(&format!("/warehouse-service/product-availability/{product}")).await.data()[product.to_string()]["warehouses"]["2"].clone()
}

#[tokio::test]
async fn a_reservation_moves_stock_from_on_hand_to_allocated_and_is_partial_when_short() {
    let sim = Sim::start().await;
    let mut body = sim.order_body("many");
    body["rows"][0]["quantity"] = json!(15);
    let id = sim.post("/order-service/sales-order", body).await.id();
    let row = sim.row(id, sim.mug).await;
    let path = format!("/warehouse-service/order/{id}/reservation/warehouse/2");
    let line = |quantity: i64| json!({"products": [{"productId": sim.mug.to_string(), "salesOrderRowId": row, "quantity": quantity.to_string()}]});
    assert_eq!(sim.post(&path, line(15)).await.body, json!({}));
    let held = sim.get(&format!("/warehouse-service/order/{id}/reservation")).await;
    assert_eq!(held.data(), &json!([{"orderId": id, "warehouseId": 2, "orderRows": {row.clone(): {"productId": sim.mug, "quantity": 10}}}]));
    assert_eq!(stock(&sim, sim.mug).await, json!({"inStock": 10, "onHand": 0, "allocated": 10, "inTransit": 0}));
    assert_eq!(sim.read(id).await["allocationStatusCode"], "APA");
    assert_eq!(sim.post(&path, line(1)).await.status, 400, "nothing is on hand any more");
    assert_eq!(sim.post(&format!("/warehouse-service/order/{id}/reservation/warehouse/3"), line(1)).await.status, 400, "one warehouse per order");
    assert_eq!(sim.put(&format!("/warehouse-service/order/{id}/reservation"), line(4)).await.body, json!({}));
    assert_eq!(stock(&sim, sim.mug).await["allocated"], 4);
}

#[tokio::test]
async fn rows_that_keep_no_stock_cannot_be_reserved() {
    let sim = Sim::start().await;
    let mut body = sim.order_body("kinds");
    body["rows"].as_array_mut().unwrap().push(json!({"productId": sim.set, "quantity": 1, "taxCode": "T20", "net": "20", "tax": "4"}));
    let id = sim.post("/order-service/sales-order", body).await.id();
    let path = format!("/warehouse-service/order/{id}/reservation/warehouse/2");
    let line = |product: i64, row: &str| json!({"products": [{"productId": product, "salesOrderRowId": row, "quantity": 1}]});
    let free = sim.row(id, 1000).await;
    assert_eq!(sim.post(&path, line(1000, &free)).await.status, 400);
    let bundle = sim.row(id, sim.set).await;
    assert_eq!(sim.post(&path, line(sim.set, &bundle)).await.status, 400);
    assert_eq!(sim.post(&path, line(0, &bundle)).await.refusal(), (400, "WHSC-014"));
    let cap = sim.row(id, sim.cap).await;
    assert_eq!(sim.post(&path, line(sim.mug, &cap)).await.status, 400, "the row is for another product");
    assert_eq!(sim.post(&path, line(sim.cap, &cap)).await.status, 200);
}

#[tokio::test]
async fn a_row_named_twice_is_summed_and_the_switches_tighten_reserving() {
    let sim = Sim::start().await;
    let id = sim.order("twice").await;
    let row = sim.row(id, sim.mug).await;
    let line = json!({"productId": sim.mug, "salesOrderRowId": row, "quantity": 2});
    let path = format!("/warehouse-service/order/{id}/reservation/warehouse/2");
    sim.switch(json!({"over_reservation": "refused"})).await;
    assert_eq!(sim.post(&path, json!({"products": [line, line]})).await.status, 400);
    sim.switch(json!({"over_reservation": "accepted"})).await;
    assert_eq!(sim.post(&path, json!({"products": [line, line]})).await.status, 200);
    assert_eq!(stock(&sim, sim.mug).await["allocated"], 4);
    let two = sim.order("other").await;
    assert_eq!(sim.put(&format!("/warehouse-service/order/{two}/reservation"), json!({"products": []})).await.refusal(), (404, "CMNC-404"));
}

/// An order of 2 mugs and 3 caps, all reserved; its id and the two rows.
async fn reserved(sim: &Sim, reference: &str) -> (i64, String, String) {
    let mut body = sim.order_body(reference);
    body["rows"].as_array_mut().unwrap().push(json!({"productId": sim.cap, "quantity": 3, "taxCode": "T20", "net": "36", "tax": "7.2"}));
    let id = sim.post("/order-service/sales-order", body).await.id();
    let (mug, cap) = (sim.row(id, sim.mug).await, sim.row(id, sim.cap).await);
    let lines = json!({"products": [{"productId": sim.mug, "salesOrderRowId": mug, "quantity": 2}, {"productId": sim.cap, "salesOrderRowId": cap, "quantity": 3}]});
    assert_eq!(sim.post(&format!("/warehouse-service/order/{id}/reservation/warehouse/2"), lines).await.status, 200);
    (id, mug, cap)
}

#[tokio::test]
async fn rows_that_a_put_does_not_name_stay_or_go_by_the_switch() {
    let sim = Sim::start().await;
    for (switch, unlisted) in [("keep_unlisted", json!(3)), ("drop_unlisted", Value::Null)] {
        sim.switch(json!({ "reservation_put": switch })).await;
        let (id, mug, cap) = reserved(&sim, switch).await;
        let free = stock(&sim, sim.cap).await["allocated"].as_i64().unwrap();
        let path = format!("/warehouse-service/order/{id}/reservation");
        let one = json!({"products": [{"productId": sim.mug, "salesOrderRowId": mug, "quantity": 1}]});
        assert_eq!(sim.put(&path, one).await.body, json!({}));
        let rows = sim.get(&path).await.data()[0]["orderRows"].clone();
        assert_eq!((&rows[&mug]["quantity"], &rows[&cap]["quantity"]), (&json!(1), &unlisted), "{switch}");
        let released = if unlisted.is_null() { 3 } else { 0 };
        assert_eq!(stock(&sim, sim.cap).await["allocated"].as_i64().unwrap(), free - released, "{switch}");
    }
}

#[tokio::test]
async fn a_put_reserves_no_more_than_the_row_where_the_switch_forbids_it() {
    let sim = Sim::start().await;
    sim.switch(json!({"over_reservation": "refused"})).await;
    let (id, mug, _) = reserved(&sim, "put-more").await;
    let path = format!("/warehouse-service/order/{id}/reservation");
    let line = |quantity: i64| json!({"products": [{"productId": sim.mug, "salesOrderRowId": mug, "quantity": quantity}]});
    assert_eq!(sim.put(&path, line(5)).await.status, 400);
    assert_eq!(sim.get(&path).await.data()[0]["orderRows"][&mug]["quantity"], 2, "a refusal leaves what was");
    assert_eq!(sim.put(&path, line(2)).await.status, 200, "the quantity takes the place of the one reserved");
    sim.switch(json!({"over_reservation": "accepted"})).await;
    assert_eq!(sim.put(&path, line(5)).await.status, 200);
    assert_eq!(sim.get(&path).await.data()[0]["orderRows"][&mug]["quantity"], 5);
}

#[tokio::test]
async fn the_fulfilment_status_counts_notes_and_shipments_per_row() {
    let sim = Sim::start().await;
    let id = sim.order("ful").await;
    let row = sim.row(id, sim.mug).await;
    sim.act(&format!("/orders/{id}/ship"), json!({"rows": [{"sku": "MUG-01", "quantity": 1}]})).await;
    sim.act(&format!("/orders/{id}/goods-out"), json!({})).await;
    let status = sim.get(&format!("/warehouse-service/order/{id}/fulfilment-status")).await;
    assert_eq!(status.data()[&row], json!({"quantity": 2, "fulfilled": 2, "shipped": 1, "fulfilmentLocations": {"2": 2}}));
    let free = sim.row(id, 1000).await;
    assert_eq!(status.data()[&free]["quantity"], 0);
}

#[tokio::test]
async fn stock_corrections_are_deltas_that_need_a_cost_when_positive() {
    let sim = Sim::start().await;
    let path = "/warehouse-service/warehouse/2/stock-correction";
    let line = |quantity: i64, cost: bool| {
        let mut line = json!({"quantity": quantity, "productId": sim.mug, "reason": "count", "locationId": 2});
        if cost {
            line["cost"] = json!({"currency": "GBP", "value": 4});
        }
        json!({ "corrections": [line] })
    };
    assert_eq!(sim.post(path, line(3, false)).await.status, 400);
    assert_eq!(sim.post(path, line(3, true)).await.status, 200);
    assert_eq!(sim.post(path, line(-2, false)).await.status, 200);
    assert_eq!(stock(&sim, sim.mug).await["inStock"], 11);
    assert_eq!(sim.post(path, line(-99, false)).await.status, 400);
    let half =
        json!({"corrections": [{"quantity": -1, "productId": sim.mug, "locationId": 2}, {"quantity": -99, "productId": sim.cap, "locationId": 2}]});
    assert_eq!(sim.post(path, half).await.status, 400);
    assert_eq!(stock(&sim, sim.mug).await["inStock"], 11, "a refusal leaves nothing done");
    assert_eq!(sim.post("/warehouse-service/warehouse/99/stock-correction", line(1, true)).await.status, 400);
    assert_eq!(sim.get("/warehouse-service/warehouse/2/location/default").await.data(), &json!(2));
    assert_eq!(sim.get("/warehouse-service/warehouse/2/location/quarantine").await.data(), &json!(10));
}
