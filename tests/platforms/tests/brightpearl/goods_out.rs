//! Goods-out, drop-ship and goods-in notes.

use serde_json::json;

use crate::support::{Receiver, Sim, eventually};

#[tokio::test]
async fn a_shipped_note_takes_stock_from_its_locations_and_ships_the_order() {
    let sim = Sim::start().await;
    let mut body = sim.order_body("ship");
    body["rows"][0]["quantity"] = json!(7);
    let id = sim.post("/order-service/sales-order", body).await.id();
    let row = sim.row(id, sim.mug).await;
    sim.act(&format!("/orders/{id}/allocate"), json!({})).await;
    let create = json!({"warehouses": [{"releaseDate": "2026-03-02T13:35:00Z", "warehouseId": 2, "transfer": false,
        "products": [{"productId": sim.mug.to_string(), "salesOrderRowId": row, "quantity": "7"}]}], "priority": false, "shippingMethodId": 6});
    let path = format!("/warehouse-service/order/{id}/goods-note/goods-out");
    let made = sim.post(&path, create.clone()).await;
    let note = made.data()[0].as_i64().unwrap();
    assert_eq!(sim.post(&path, create).await.status, 400, "nothing is left to fulfil");
    assert_eq!(sim.get(&format!("/warehouse-service/order/{id}/reservation")).await.status, 404, "the note took the reservation over");
    let order = sim.read(id).await;
    assert_eq!(
        (&order["stockStatusCode"], &order["allocationStatusCode"], &order["shippingStatusCode"]),
        (&json!("SOA"), &json!("AAA"), &json!("SNS"))
    );

    let update = json!({"priority": false, "shipping": {"shippingMethodId": 7, "reference": "RM123456785GB", "boxes": 1, "weight": "0.7"}});
    assert_eq!(sim.put(&format!("/warehouse-service/goods-note/goods-out/{note}"), update.clone()).await.body, json!({}));
    let event = json!({"events": [{"eventCode": "SHW", "occured": "2026-03-02T14:05:31Z", "eventOwnerId": 4}]});
    assert_eq!(sim.post(&format!("/warehouse-service/goods-note/goods-out/{note}/event"), event.clone()).await.body, json!({}));
    let read = sim.get(&format!("{path}/{note}")).await;
    let shown = &read.data()[note.to_string()];
    assert_eq!(
        shown["orderRows"][&row],
        json!([{"productId": sim.mug, "quantity": 5, "locationId": 2}, {"productId": sim.mug, "quantity": 2, "locationId": 9}])
    );
    assert_eq!(shown["status"]["shippedOn"], "2026-03-02T14:05:31.000+00:00");
    assert_eq!(shown["status"]["pickedOn"], shown["status"]["shippedOn"], "earlier events are created");
    assert_eq!(shown["shipping"], json!({"reference": "RM123456785GB", "shippingMethodId": 7, "boxes": 1, "weight": "0.70"}));
    assert_eq!((&shown["sequence"], &shown["events"][0]["eventCode"], &shown["events"][4]["eventCode"]), (&json!(1), &json!("PLA"), &json!("SHW")));
    assert_eq!(sim.read(id).await["shippingStatusCode"], "ASS");

    let late = sim.put(&format!("/warehouse-service/goods-note/goods-out/{note}"), update).await;
    assert_eq!(late.status, 400);
    assert!(late.message().contains("it has been shipped."));
    assert_eq!(sim.post(&format!("/warehouse-service/goods-note/goods-out/{note}/event"), event).await.status, 400);
    assert_eq!(sim.delete(&format!("{path}/{note}")).await.status, 400);
    let stock = sim.get(&format!("/warehouse-service/product-availability/{}?includeOptional=breakDownByLocation", sim.mug)).await;
    let shelf = &stock.data()[sim.mug.to_string()]["warehouses"]["2"];
    assert_eq!(
        (&shelf["inStock"], &shelf["onHand"], &shelf["allocated"], &shelf["byLocation"]["2"]["inStock"]),
        (&json!(3), &json!(3), &json!(0), &json!(0))
    );
}

#[tokio::test]
async fn notes_are_read_by_order_sets_and_by_a_star_with_note_ids() {
    let sim = Sim::start().await;
    let (first, second) = (sim.order("1").await, sim.order("2").await);
    let one = sim.act(&format!("/orders/{first}/ship"), json!({"rows": [{"sku": "MUG-01", "quantity": 1}], "reference": "T1"})).await["id"]
        .as_i64()
        .unwrap();
    let two = sim.act(&format!("/orders/{second}/goods-out"), json!({})).await["id"].as_i64().unwrap();
    let keys = async |path: &str| sim.get(path).await.data().as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let both = vec![one.to_string(), two.to_string()];
    assert_eq!(keys(&format!("/warehouse-service/order/{first},{second}/goods-note/goods-out")).await, both);
    assert_eq!(keys(&format!("/warehouse-service/order/*/goods-note/goods-out/{one}-{two},9999")).await, both);
    assert_eq!(keys(&format!("/warehouse-service/order/{first}/goods-note/goods-out/{two}")).await, Vec::<String>::new());
    assert_eq!(keys("/warehouse-service/order/*/goods-note/goods-out").await, both);
    assert_eq!(sim.get("/warehouse-service/order/*/goods-note/goods-out/1-501").await.status, 400);
    assert_eq!(sim.read(first).await["shippingStatusCode"], "SPS");
    let path = "/warehouse-service/goods-note/goods-out-search";
    let found = sim.get(&format!("{path}?shipped=true&shippedOn=2026-01-01T00%3A00%3A00Z%2F&columns=goodsOutNoteId,orderId")).await;
    assert_eq!(found.data()["results"], json!([[one, first]]));
    assert_eq!(sim.get(&format!("{path}?updatedOn=2026-01-01%2F")).await.status, 400, "there is no updatedOn");
}

#[tokio::test]
async fn a_deleted_note_frees_its_stock_and_marks_can_be_taken_back() {
    let sim = Sim::start().await;
    let receiver = Receiver::start().await;
    sim.hook("goods-out-note", &receiver.url, false, 1).await;
    let id = sim.order("del").await;
    let note = sim.act(&format!("/orders/{id}/goods-out"), json!({})).await["id"].as_i64().unwrap();
    for step in ["print", "pick", "un-pick", "pick", "pack"] {
        sim.act(&format!("/goods-out/{note}/{step}"), json!({})).await;
    }
    let repeated = sim.post(&format!("/warehouse-service/goods-note/goods-out/{note}/event"), json!({"events": [{"eventCode": "PAC"}]})).await;
    assert_eq!(repeated.refusal(), (400, "WHSB-061"));
    let path = format!("/warehouse-service/order/{id}/goods-note/goods-out/{note}");
    assert_eq!(sim.delete(&path).await.body, json!({}));
    assert_eq!(sim.delete(&path).await.status, 400);
    eventually(|| receiver.events().contains(&"goods-out-note.destroyed".to_owned())).await;
    for wanted in ["created", "modified.printed", "modified.picked", "modified.un-picked", "modified.packed"] {
        assert!(receiver.events().contains(&format!("goods-out-note.{wanted}")), "{wanted}");
    }
    let order = sim.read(id).await;
    assert_eq!((&order["stockStatusCode"], &order["allocationStatusCode"]), (&json!("SON"), &json!("ANA")));
}

#[tokio::test]
async fn a_note_needs_stock_and_may_take_two_warehouses() {
    let sim = Sim::start().await;
    let mut body = sim.order_body("wh");
    body["rows"][0]["quantity"] = json!(12);
    let id = sim.post("/order-service/sales-order", body).await.id();
    let row = sim.row(id, sim.mug).await;
    let from = |warehouse: i64, quantity: i64| json!({"warehouseId": warehouse, "products": [{"productId": sim.mug, "salesOrderRowId": row, "quantity": quantity}]});
    let path = format!("/warehouse-service/order/{id}/goods-note/goods-out");
    assert_eq!(sim.post(&path, json!({"warehouses": [from(2, 12)], "shippingMethodId": 6})).await.status, 400);
    let two = sim.post(&path, json!({"warehouses": [from(2, 9), from(3, 3)], "shippingMethodId": 6})).await;
    assert_eq!(two.data().as_array().unwrap().len(), 2);
    assert_eq!(sim.read(id).await["stockStatusCode"], "SOA");
}

#[tokio::test]
async fn bundles_ship_their_component_rows() {
    let sim = Sim::start().await;
    let mut body = sim.order_body("b");
    body["rows"] = json!([{"productId": sim.set, "quantity": 1, "taxCode": "T20", "net": "40", "tax": "8"}]);
    let id = sim.post("/order-service/sales-order", body).await.id();
    let note = sim.act(&format!("/orders/{id}/ship"), json!({})).await["id"].as_i64().unwrap();
    let (mug, cap) = (sim.row(id, sim.mug).await, sim.row(id, sim.cap).await);
    let read = sim.get(&format!("/warehouse-service/order/{id}/goods-note/goods-out/{note}")).await;
    let rows = read.data()[note.to_string()]["orderRows"].as_object().unwrap();
    assert_eq!(rows.keys().collect::<Vec<_>>(), vec![&mug, &cap]);
    assert_eq!(sim.read(id).await["shippingStatusCode"], "ASS");
}

#[tokio::test]
async fn a_drop_ship_note_is_shipped_with_its_tracking_where_the_switch_says() {
    let sim = Sim::start().await;
    let receiver = Receiver::start().await;
    sim.hook("drop-ship-note.modified.shipped", &receiver.url, true, 1).await;
    let id = sim.order("ds").await;
    let note = sim.act(&format!("/orders/{id}/drop-ship"), json!({})).await["id"].as_i64().unwrap();
    let path = format!("/warehouse-service/goods-note/drop-ship/{note}/event");
    assert_eq!(sim.post(&path, json!({"events": [{"eventCode": "SHW"}]})).await.status, 400);
    let event = json!({"trackingReference": "1Z9", "shippingMethodId": 8, "events": [{"eventCode": "SHS", "occured": "2026-03-02T14:00:00Z", "eventOwnerId": 4}]});
    assert_eq!(sim.post(&path, event).await.body, json!({}));
    let get = format!("/warehouse-service/order/*/goods-note/drop-ship/{note}");
    let read = sim.get(&get).await;
    assert_eq!(read.data()[note.to_string()]["shipping"], json!({"reference": "1Z9", "shippingMethodId": 8}));
    sim.switch(json!({"drop_ship_tracking": "trackingReference"})).await;
    assert_eq!(sim.get(&get).await.data()[note.to_string()]["trackingReference"], "1Z9");
    assert_eq!(sim.read(id).await["shippingStatusCode"], "ASS");
    assert_eq!(receiver.wait(1).await[0]["id"], note.to_string());
}

#[tokio::test]
async fn a_drop_ship_note_has_a_purchase_order_and_can_be_taken_back() {
    let sim = Sim::start().await;
    let receiver = Receiver::start().await;
    sim.hook("drop-ship-note", &receiver.url, false, 1).await;
    let id = sim.order("ds-po").await;
    let made = sim.act(&format!("/orders/{id}/drop-ship"), json!({})).await;
    let bought = sim.read(made["purchase_order_id"].as_i64().unwrap()).await;
    assert_eq!((&bought["orderTypeCode"], &bought["parentOrderId"], &bought["stockStatusCode"]), (&json!("PO"), &json!(id), &json!("PON")));
    let rows: Vec<_> = bought["orderRows"].as_object().unwrap().values().map(|row| row["productId"].as_i64().unwrap()).collect();
    assert_eq!(rows, [sim.mug], "what is not stock is not bought");
    let note = made["id"].as_i64().unwrap();
    sim.control("DELETE", &format!("/accounts/acme/drop-ship/{note}"), json!({})).await;
    receiver.wait(2).await;
    let mut events = receiver.events();
    events.sort();
    assert_eq!(events, ["drop-ship-note.created", "drop-ship-note.destroyed"]);
    assert_eq!(sim.get(&format!("/warehouse-service/order/{id}/goods-note/drop-ship")).await.data(), &json!({}));
    let again = sim.act(&format!("/orders/{id}/drop-ship"), json!({"ship": true})).await["id"].as_i64().unwrap();
    assert_eq!(sim.try_control("DELETE", &format!("/accounts/acme/drop-ship/{again}"), json!({})).await.0, 400, "shipped is shipped");
}

#[tokio::test]
async fn a_transfer_goes_through_every_step_and_touches_no_order() {
    let sim = Sim::start().await;
    let receiver = Receiver::start().await;
    for event in ["goods-out-note", "order"] {
        sim.hook(event, &receiver.url, false, 1).await;
    }
    let note = sim.act("/goods-out/transfer", json!({})).await["id"].as_i64().unwrap();
    receiver.wait(5).await;
    let mut events = receiver.events();
    events.sort();
    assert_eq!(
        events,
        [
            "goods-out-note.created",
            "goods-out-note.modified.packed",
            "goods-out-note.modified.picked",
            "goods-out-note.modified.printed",
            "goods-out-note.modified.shipped"
        ]
    );
    let shown = sim.get(&format!("/warehouse-service/order/*/goods-note/goods-out/{note}")).await.data()[note.to_string()].clone();
    assert_eq!((&shown["status"]["packed"], &shown["status"]["shipped"], &shown["transfer"]), (&json!(true), &json!(true), &json!(true)));
}

#[tokio::test]
async fn goods_come_back_in_on_a_credit() {
    let sim = Sim::start().await;
    let parent = sim.order("sold").await;
    let mut body = sim.order_body("refund");
    body["parentId"] = json!(parent);
    body["statusId"] = json!(9);
    let credit = sim.post("/order-service/sales-credit/", body).await.id();
    let row: i64 = sim.row(credit, sim.mug).await.parse().unwrap();
    let note = |quantity: i64| {
        json!({"transfer": false, "warehouseId": 2, "receivedOn": "2026-03-09T10:00:00Z", "userBatchReference": "RMA-77",
        "goodsMoved": [{"productId": sim.mug, "purchaseOrderRowId": row, "quantity": quantity, "destinationLocationId": 2, "productValue": {"currency": "GBP", "value": "4.00"}}]})
    };
    let path = format!("/warehouse-service/order/{credit}/goods-note/goods-in/");
    assert_eq!(sim.post(&path, note(3)).await.status, 400);
    let made = sim.post(&path, note(1)).await.id();
    assert_eq!(sim.read(credit).await["stockStatusCode"], "SCP");
    let stock = sim.get(&format!("/warehouse-service/product-availability/{}", sim.mug)).await;
    assert_eq!(stock.data()[sim.mug.to_string()]["total"]["inStock"], 21);
    let found = sim.get(&format!("/warehouse-service/goods-in-search?orderId={credit}&columns=goodsInNoteId")).await;
    assert_eq!(found.data()["results"], json!([[made]]));
    assert_eq!(sim.post(&format!("/warehouse-service/order/{parent}/goods-note/goods-in"), note(1)).await.status, 400);
}
