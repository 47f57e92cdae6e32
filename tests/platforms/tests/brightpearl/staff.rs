//! The control endpoints: accounts, staff actions, a judge's view, faults.

use serde_json::{Value, json};

use crate::support::{Receiver, Sim, eventually};

#[tokio::test]
async fn an_account_is_made_with_defaults_or_with_everything_given() {
    let sim = Sim::start().await;
    let plain = sim.control("POST", "/accounts", json!({})).await;
    assert_eq!(plain["code"], "account2");
    assert!(plain["installations"][0]["access_token"].as_str().unwrap().contains('+'));
    let (status, _) = sim.try_control("POST", "/accounts", json!({"code": "acme"})).await;
    assert_eq!(status, 409);
    let (status, why) = sim.try_control("POST", "/accounts", json!({"code": "x", "time_zone": "Mars/Base"})).await;
    assert_eq!((status, why["error"].as_str().unwrap().contains("Mars/Base")), (400, true));
    let full = sim
        .control(
            "POST",
            "/accounts",
            json!({"code": "beta", "time_zone": "America/Chicago", "base_currency": "USD",
        "warehouses": [{"id": 11, "name": "Austin"}], "channels": [{"id": 8, "name": "Shop"}], "configuration": {"cancelledOrderStatusId": "5"},
        "staff": [{"email": "boss@example.com"}], "products": [{"sku": "A", "stock": 3}], "contacts": [{"email": "c@example.com"}]}),
        )
        .await;
    assert_eq!(
        (&full["locations"]["11"][0], &full["products"][0]["sku"], &full["configuration"]["defaultWarehouseId"]),
        (&json!(11), &json!("A"), &json!("11"))
    );
    let accounts = sim.control("GET", "/accounts", Value::Null).await;
    assert_eq!(accounts["accounts"], json!(["account2", "acme", "beta"]));
    let many = sim.act("/products", json!({"count": 50, "prefix": "BULK-", "stock": 7})).await;
    assert_eq!((many["products"].as_array().unwrap().len(), &many["products"][49]["sku"]), (50, &json!("BULK-50")));
}

#[tokio::test]
async fn switches_are_listed_and_unknown_ones_refused() {
    let sim = Sim::start().await;
    let all = sim.control("GET", "/switches", Value::Null).await;
    assert_eq!((&all["repeated_order_body"], &all["row_external_ref_echo"], &all["search_lag_ms"]), (&json!("id"), &json!(true), &json!(0)));
    for wrong in [json!({"nonsense": 1}), json!({"row_sum": "maybe"}), json!({"row_external_ref_echo": "on"}), json!({"search_lag_ms": -1})] {
        let (status, why) = sim.try_control("POST", "/switches", wrong).await;
        assert_eq!(status, 400);
        assert!(why["error"].as_str().unwrap().contains("row_sum"), "{why}");
    }
    let (status, _) = sim.try_control("POST", "/accounts/acme/nonsense", json!({})).await;
    assert_eq!(status, 404);
    let (status, _) = sim.try_control("GET", "/accounts/nobody/orders", json!({})).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn staff_edit_clone_back_order_and_delete_orders() {
    let sim = Sim::start().await;
    let id = sim.order("edit").await;
    let mug: i64 = sim.row(id, sim.mug).await.parse().unwrap();
    let free: i64 = sim.row(id, 1000).await.parse().unwrap();
    sim.act(
        &format!("/orders/{id}/edit"),
        json!({"rows": [{"id": mug, "quantity": 4, "net": "62", "tax": "12.4"}], "remove": [free],
        "add": [{"productId": sim.cap, "quantity": 1, "taxCode": "T20", "net": "12", "tax": "2.4"}]}),
    )
    .await;
    let order = sim.read(id).await;
    assert_eq!((&order["totalValue"]["total"], order["orderRows"].as_object().unwrap().len()), (&json!("88.80"), 2));
    sim.act(&format!("/orders/{id}/custom-fields"), json!({"PCF_GIFT": "hi"})).await;
    sim.act(&format!("/orders/{id}/ship"), json!({"rows": [{"sku": "MUG-01", "quantity": 3}]})).await;
    let back = sim.act(&format!("/orders/{id}/clone"), json!({"back_order": true})).await["id"].as_i64().unwrap();
    let rest = sim.read(back).await;
    assert_eq!((&rest["parentOrderId"], &rest["totalValue"]["net"]), (&json!(id), &json!("27.50")));
    assert!(rest.get("externalRef").is_none());
    assert!(rest["orderRows"].as_object().unwrap().values().any(|row| row["clonedFromId"] == mug));
    assert_eq!(sim.read(id).await["shippingStatusCode"], "ASS");
    let clones = sim.get("/order-service/order-search?isClone=true&columns=orderId").await;
    assert_eq!(clones.data()["results"], json!([[back]]));

    let doomed = sim.order("doomed").await;
    sim.control("DELETE", &format!("/accounts/acme/orders/{doomed}"), json!({})).await;
    assert_eq!(sim.get(&format!("/order-service/order/{doomed}")).await.data(), &json!([]));
    assert_ne!(sim.order("doomed").await, doomed, "the key is free again");
    let (status, _) = sim.try_control("DELETE", &format!("/accounts/acme/orders/{id}"), json!({})).await;
    assert_eq!(status, 400);
    sim.switch(json!({"external_ref_reuse_after_delete": false})).await;
    let kept = sim.order("kept").await;
    sim.control("DELETE", &format!("/accounts/acme/orders/{kept}"), json!({})).await;
    assert_eq!(sim.order("kept").await, kept, "the key is burnt");
}

#[tokio::test]
async fn tracking_can_be_changed_after_shipping_as_the_ui_might() {
    let sim = Sim::start().await;
    let receiver = Receiver::start().await;
    let id = sim.order("late").await;
    let note = sim.act(&format!("/orders/{id}/ship"), json!({})).await["id"].as_i64().unwrap();
    sim.hook("goods-out-note.modified", &receiver.url, true, 1).await;
    sim.control("PATCH", &format!("/accounts/acme/goods-out/{note}"), json!({"reference": "LATE-1"})).await;
    receiver.wait(1).await;
    let read = sim.get(&format!("/warehouse-service/order/{id}/goods-note/goods-out/{note}")).await;
    assert_eq!(read.data()[note.to_string()]["shipping"]["reference"], "LATE-1");
    let transfer = sim.act("/goods-out/transfer", json!({})).await["id"].as_i64().unwrap();
    let read = sim.get(&format!("/warehouse-service/order/*/goods-note/goods-out/{transfer}")).await;
    assert_eq!((&read.data()[transfer.to_string()]["transfer"], &read.data()[transfer.to_string()]["orderId"]), (&json!(true), &json!(0)));
    let short = sim.order("short").await;
    let (status, _) =
        sim.try_control("POST", &format!("/accounts/acme/orders/{short}/ship"), json!({"warehouse": 3, "rows": [{"sku": "CAP-01"}]})).await;
    assert_eq!(status, 400);
    let mut body = sim.order_body("top");
    body["rows"][0]["quantity"] = json!(500);
    let large = sim.post("/order-service/sales-order", body).await.id();
    assert_eq!(sim.act(&format!("/orders/{large}/ship"), json!({"top_up": true})).await["shipping_status"], "ASS");
}

#[tokio::test]
async fn a_cut_after_commit_leaves_the_order_and_a_throttle_fault_answers_as_the_platform() {
    let sim = Sim::start().await;
    let rule = json!({"method": "POST", "path": "/public-api/*/order-service/sales-order*", "action": {"kind": "cut_after"}, "times": 1});
    sim.control("POST", "/faults", rule).await;
    let request = sim.request("POST", "/order-service/sales-order").bearer_auth(sim.installation("access_token")).json(&sim.order_body("cut"));
    assert!(request.send().await.is_err());
    let orders = sim.view("/orders?external_ref=cut").await;
    assert_eq!(orders["orders"].as_array().unwrap().len(), 1);
    let rule = json!({"method": "GET", "path": "/public-api/*", "action": {"kind": "throttle"}, "times": 1});
    sim.control("POST", "/faults", rule).await;
    let throttled = sim.get("/accounting-service/tax-code").await;
    assert_eq!((throttled.status, throttled.header("brightpearl-requests-remaining")), (503, 0));
    assert_eq!(sim.get("/accounting-service/tax-code").await.status, 200, "that was for one call");
    let now = sim.clock.now().as_millisecond();
    sim.clock.set_offset_ms(60_000 - now.rem_euclid(60_000) + 1_000).unwrap();
    let rule = json!({"method": "GET", "path": "/public-api/*", "action": {"kind": "throttle", "empty": true}, "times": 1});
    sim.control("POST", "/faults", rule).await;
    for _ in 0..2 {
        assert_eq!(sim.get("/accounting-service/tax-code").await.status, 503, "the minute's quota is used up");
    }
    sim.advance(60_000).await;
    let calls = sim.control("GET", "/ledger/calls/count?tenant=acme&path=sales-order", Value::Null).await;
    assert_eq!(calls["count"], 1);
}

#[tokio::test]
async fn a_reset_forgets_everything() {
    let sim = Sim::start().await;
    let receiver = Receiver::start().await;
    sim.hook("product", &receiver.url, false, 1).await;
    sim.act("/stock", json!({"sku": "MUG-01", "quantity": 1})).await;
    eventually(|| !receiver.calls().is_empty()).await;
    sim.control("POST", "/reset", json!({"seed": 3})).await;
    assert_eq!(sim.control("GET", "/accounts", Value::Null).await["accounts"], json!([]));
    assert_eq!(sim.get("/accounting-service/tax-code").await.status, 401);
}
