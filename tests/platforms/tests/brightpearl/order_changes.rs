//! Changing orders: patches, replacement, rows, status, cancelling, closing, notes and custom fields.

use serde_json::json;

use crate::support::{Receiver, Sim};

#[tokio::test]
async fn a_patch_takes_only_the_documented_paths() {
    let sim = Sim::start().await;
    let id = sim.order("p").await;
    let path = format!("/order-service/order/{id}");
    let done = sim
        .patch(&path, json!([{"op": "replace", "path": "/reference", "value": "NEW"}, {"op": "remove", "path": "/delivery/shippingMethodId"}]))
        .await;
    assert_eq!(
        (&done.data()["reference"], &done.data()["delivery"]["shippingMethodId"], &done.data()["version"]),
        (&json!("NEW"), &json!(0), &json!(2))
    );
    let add = sim.patch(&path, json!([{"op": "add", "path": "/reference", "value": "X"}])).await;
    assert_eq!(add.refusal(), (500, "CMNC-044"));
    assert_eq!(add.message(), "Invalid patch operation (add) for given path (/reference)");
    for (field, value) in [("/delivery/shippingMethodId", json!(6)), ("/delivery/deliveryDate", json!("2026-03-06T12:00:00Z"))] {
        assert_eq!(sim.patch(&path, json!([{"op": "add", "path": field, "value": value}])).await.refusal(), (500, "CMNC-044"), "{field}");
        assert_eq!(sim.patch(&path, json!([{"op": "replace", "path": field, "value": value}])).await.status, 200, "{field}");
    }
    sim.act(&format!("/orders/{id}/allocate"), json!({})).await;
    assert_eq!(sim.patch(&path, json!([{"op": "replace", "path": "/warehouseId", "value": 3}])).await.status, 400);
}

#[tokio::test]
async fn a_replacement_is_locked_by_its_version_and_clears_what_is_left_out() {
    let sim = Sim::start().await;
    let id = sim.order("put").await;
    let path = format!("/order-service/sales-order/{id}/");
    let mut body = sim.get(&format!("/order-service/sales-order/{id}")).await.data()[0].clone();
    body["ref"] = json!("CHANGED");
    body["rows"][0]["quantity"] = json!(3);
    body["rows"].as_array_mut().unwrap().push(json!({"productId": sim.cap, "quantity": 1, "taxCode": "T20", "net": "12", "tax": "2.4"}));
    body.as_object_mut().unwrap().remove("leadSourceId");
    let request = |version: &str| sim.request("PUT", &path).bearer_auth(sim.installation("access_token")).header("if-match", version).json(&body);
    let stale = Sim::send(request("9")).await;
    assert_eq!(stale.status, 412);
    let done = Sim::send(request("1")).await;
    assert_eq!(done.status, 200, "{}", done.body);
    let order = sim.read(id).await;
    assert_eq!((&order["reference"], &order["version"], &order["assignment"]["current"]["leadSourceId"]), (&json!("CHANGED"), &json!(2), &json!(0)));
    assert_eq!(order["orderRows"].as_object().unwrap().len(), 3);
    assert_eq!(order["totalValue"]["total"], "62.70");
    assert_eq!(sim.order("put").await, id, "the key is kept");
    // A header that is no number means no check.
    assert_eq!(Sim::send(request("abc")).await.status, 200);
}

#[tokio::test]
async fn rows_are_replaced_alone_and_answers_name_each_of_them() {
    let sim = Sim::start().await;
    let id = sim.order("rows").await;
    let mug: i64 = sim.row(id, sim.mug).await.parse().unwrap();
    let other: i64 = sim.row(id, 1000).await.parse().unwrap();
    let path = format!("/order-service/sales-order/{id}/row/{mug},{other}");
    let body = |quantity: &str| {
        json!([{"id": mug, "productId": sim.mug, "quantity": 3, "taxCode": "T20", "net": "46.5", "tax": "9.3"},
        {"id": other, "name": "Shipping", "quantity": quantity, "taxCode": "T20", "net": "5", "tax": "1"}])
    };
    let mixed = sim.put(&path, body("WRONG")).await;
    assert_eq!(mixed.status, 207);
    assert_eq!(mixed.data()["resourceStatuses"], json!({mug.to_string(): 200, other.to_string(): 400}));
    assert_eq!(mixed.data()["resourceErrors"][other.to_string()][0]["code"], "ORDC-024");
    let done = sim.put(&path, body("1")).await;
    assert_eq!((done.status, &done.data()["resourceErrors"][mug.to_string()]), (200, &json!([])));
    assert_eq!(sim.read(id).await["totalValue"]["total"], "61.80");
    let mismatch = sim.put(&format!("/order-service/sales-order/{id}/row/{mug}"), body("1")).await;
    assert_eq!(mismatch.status, 400);
    sim.act(&format!("/orders/{id}/allocate"), json!({})).await;
    let low = sim.patch(&format!("/order-service/order/{id}/row/{mug}"), json!([{"op": "replace", "path": "/quantity/magnitude", "value": 2}])).await;
    assert_eq!(low.refusal(), (400, "ORDC-024"), "not below what is reserved");
}

#[tokio::test]
async fn a_status_must_belong_to_the_orders_type_and_leaves_a_note() {
    let sim = Sim::start().await;
    let receiver = Receiver::start().await;
    let id = sim.order("st").await;
    sim.hook("order.modified.order-status", &receiver.url, true, 1).await;
    let path = format!("/order-service/order/{id}/status");
    assert_eq!(sim.put(&path, json!({"orderStatusId": 9})).await.status, 400);
    assert_eq!(sim.put(&path, json!({"orderStatusId": 12345})).await.status, 400);
    let done = sim.put(&path, json!({"orderStatusId": 21, "orderNote": {"text": "Shipped in shop", "isPublic": false}})).await;
    assert_eq!((done.status, &done.body), (200, &json!({})));
    let notes = sim.get(&format!("/order-service/order/{id}/note")).await;
    assert_eq!((&notes.data()[0]["text"], &notes.data()[0]["isPublic"]), (&json!("Shipped in shop"), &json!(false)));
    let call = receiver.wait(1).await.remove(0);
    assert_eq!(
        (&call["id"], &call["fullEvent"], &call["resourceType"], &call["lifecycleEvent"]),
        (&json!(id.to_string()), &json!("order.modified.order-status"), &json!("order"), &json!("modified"))
    );
    let note = sim.post(&format!("/order-service/order/{id}/note"), json!({"text": "Mind the dog", "isPublic": true})).await.id();
    assert!(note > 0);
    assert_eq!(sim.post(&format!("/order-service/order/{id}/note"), json!({})).await.status, 400);
}

#[tokio::test]
async fn cancelling_is_refused_with_notes_payments_or_an_invoice_and_releases_what_was_reserved() {
    let sim = Sim::start().await;
    let cancel = json!({"orderStatusId": 5});
    let paid = sim.order("paid").await;
    sim.act(&format!("/orders/{paid}/pay"), json!({"amount": "48.30"})).await;
    assert_eq!(sim.put(&format!("/order-service/order/{paid}/status"), cancel.clone()).await.status, 400);
    sim.act(&format!("/orders/{paid}/pay"), json!({"amount": "48.30", "type": "PAYMENT"})).await;
    assert_eq!(sim.put(&format!("/order-service/order/{paid}/status"), cancel.clone()).await.status, 200);
    let noted = sim.order("noted").await;
    let note = sim.act(&format!("/orders/{noted}/goods-out"), json!({})).await["id"].clone();
    assert_eq!(sim.put(&format!("/order-service/order/{noted}/status"), cancel.clone()).await.status, 400);
    assert_eq!(sim.delete(&format!("/warehouse-service/order/{noted}/goods-note/goods-out/{note}")).await.status, 200);
    assert_eq!(sim.put(&format!("/order-service/order/{noted}/status"), cancel.clone()).await.status, 200);
    let held = sim.order("held").await;
    sim.act(&format!("/orders/{held}/allocate"), json!({})).await;
    assert_eq!(sim.put(&format!("/order-service/order/{held}/status"), cancel).await.status, 200);
    assert_eq!(sim.get(&format!("/warehouse-service/order/{held}/reservation")).await.refusal(), (404, "CMNC-404"));
    let stock = sim.get(&format!("/warehouse-service/product-availability/{}", sim.mug)).await;
    assert_eq!(stock.data()[sim.mug.to_string()]["total"], json!({"inStock": 20, "onHand": 20, "allocated": 0, "inTransit": 0}));
}

#[tokio::test]
async fn closing_goes_through_pending_and_then_locks_the_rows() {
    let sim = Sim::start().await;
    sim.switch(json!({"invoice_delay_ms": 60_000})).await;
    let id = sim.order("close").await;
    let path = format!("/order-service/sales-order/{id}/close");
    assert_eq!(sim.call("POST", &path, None).await.refusal(), (400, "CMNC-010"));
    assert_eq!(sim.post(&path, json!({"taxDate": "2026-03-05T00:00:00.000Z"})).await.body, json!({}));
    assert_eq!(sim.read(id).await["invoices"][0]["invoiceReference"], "pending");
    let row = sim.row(id, sim.mug).await;
    let patch = json!([{"op": "replace", "path": "/nominalCode", "value": "4000"}]);
    assert_eq!(sim.patch(&format!("/order-service/order/{id}/row/{row}"), patch.clone()).await.status, 200, "pending does not protect");
    sim.advance(60_000).await;
    let order = sim.read(id).await;
    assert!(order["invoices"][0]["invoiceReference"].as_str().unwrap().starts_with("SI-"));
    assert_eq!((&order["state"]["tax"], &order["orderStatus"]["orderStatusId"]), (&json!("INVOICED"), &json!(4)));
    assert!(order["closedOn"].is_string());
    assert_eq!(sim.patch(&format!("/order-service/order/{id}/row/{row}"), patch).await.status, 400);
    assert_eq!(sim.post(&path, json!({})).await.status, 400);
}

#[tokio::test]
async fn custom_fields_are_typed_and_numbers_lose_their_quotes() {
    let sim = Sim::start().await;
    let id = sim.order("cf").await;
    let meta = sim.get("/order-service/sale/custom-field-meta-data").await;
    assert!(meta.data().as_array().unwrap().iter().any(|field| field["code"] == "PCF_ZONE" && field["options"]["64"]["value"] == "North"));
    let path = format!("/order-service/order/{id}/custom-field");
    let one = |op: &str, code: &str, value: serde_json::Value| json!([{"op": op, "path": format!("/{code}"), "value": value}]);
    assert_eq!(sim.patch(&path, one("replace", "PCF_GIFT", json!("x"))).await.refusal(), (500, "CMNC-044"), "replace on an empty field fails");
    assert_eq!(sim.patch(&path, one("add", "PCF_GIFT", json!("Happy 40th"))).await.data(), &json!({"PCF_GIFT": "Happy 40th"}));
    assert_eq!(sim.patch(&path, one("add", "PCF_GIFT", json!("1234567890"))).await.data(), &json!({"PCF_GIFT": 1_234_567_890_i64}));
    assert_eq!(sim.patch(&path, one("add", "PCF_GIFT", json!(12))).await.status, 500);
    assert_eq!(sim.patch(&path, one("add", "PCF_ZONE", json!({"id": 64}))).await.data()["PCF_ZONE"], json!({"id": 64, "value": "North"}));
    assert_eq!(sim.patch(&path, one("add", "PCF_ZONE", json!({"id": 9}))).await.status, 400);
    assert_eq!(sim.patch(&path, one("add", "PCF_NONE", json!("x"))).await.status, 400);
    assert_eq!(sim.patch(&path, json!([{"op": "remove", "path": "/PCF_GIFT"}])).await.data(), &json!({"PCF_ZONE": {"id": 64, "value": "North"}}));
    let with = sim.get(&format!("/order-service/order/{id}?includeOptional=customFields")).await;
    assert_eq!(with.data()[0]["customFields"]["PCF_ZONE"]["id"], 64);
    assert!(sim.read(id).await.get("customFields").is_none());
}
