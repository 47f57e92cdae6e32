//! Creating and reading orders.

use serde_json::{Value, json};

use crate::support::Sim;

#[tokio::test]
async fn a_sales_order_is_made_with_all_its_rows_and_read_back_in_the_recorded_formats() {
    let sim = Sim::start().await;
    let id = sim.order("bc-store7-9001").await;
    let order = sim.read(id).await;
    let pick = |path: &str| order.pointer(path).cloned().unwrap_or(Value::Null);
    for (path, wanted) in [
        ("/orderTypeCode", json!("SO")),
        ("/reference", json!("BC-9001")),
        ("/externalRef", json!("bc-store7-9001")),
        ("/installedIntegrationInstanceId", json!(sim.instance())),
        ("/orderStatus/orderStatusId", json!(17)),
        ("/orderStatus/name", json!("New web order")),
        ("/placedOn", json!("2026-03-02T09:14:55.000+00:00")),
        ("/version", json!(1)),
        ("/orderPaymentStatus", json!("UNPAID")),
        ("/stockStatusCode", json!("SON")),
        ("/allocationStatusCode", json!("ANA")),
        ("/shippingStatusCode", json!("SNS")),
        ("/totalValue/net", json!("40.25")),
        ("/totalValue/taxAmount", json!("8.05")),
        ("/totalValue/total", json!("48.30")),
        ("/currency/exchangeRate", json!("1.000000")),
        ("/assignment/current/channelId", json!(5)),
        ("/parties/delivery/countryIsoCode", json!("GB")),
        ("/parties/customer/contactId", json!(sim.customer)),
        ("/delivery/shippingMethodId", json!(6)),
        ("/warehouseId", json!(2)),
        ("/parentOrderId", json!(0)),
        ("/state/tax", json!("READY")),
    ] {
        assert_eq!(pick(path), wanted, "{path}");
    }
    assert!(order.get("closedOn").is_none(), "nulls are left out");
    let rows = order["orderRows"].as_object().unwrap();
    let mug = rows.values().find(|row| row["productId"] == sim.mug).unwrap();
    assert_eq!((&mug["orderRowSequence"], &mug["productSku"], &mug["externalRef"]), (&json!("10"), &json!("MUG-01"), &json!("bc-line-551")));
    assert_eq!(
        (&mug["quantity"]["magnitude"], &mug["rowValue"]["rowNet"]["value"], &mug["rowValue"]["rowTax"]["value"]),
        (&json!("2.0000"), &json!("31.0000"), &json!("6.20"))
    );
    assert_eq!((&mug["productPrice"]["value"], &mug["rowValue"]["taxRate"]), (&json!("15.5000"), &json!("20.0000")));
    let free = rows.values().find(|row| row["productName"] == "Shipping: Royal Mail 48").unwrap();
    assert_eq!((&free["productId"], &free["nominalCode"], &free["orderRowSequence"]), (&json!(1000), &json!("4040"), &json!("20")));

    let flat = sim.get(&format!("/order-service/sales-order/{id}")).await.data()[0].clone();
    assert_eq!(
        (&flat["ref"], &flat["total"]["gross"], &flat["isCanceled"], &flat["version"]),
        (&json!("BC-9001"), &json!("48.30"), &json!(false), &json!(1))
    );
    assert_eq!(flat["rows"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn dates_are_shown_in_the_accounts_zone_and_a_bare_date_slips_to_the_day_before() {
    let sim = Sim::with(json!({"code": "acme", "offset": "-06:00", "base_currency": "USD"})).await;
    let mut body = sim.order_body("z-1");
    body["currency"] = json!({"code": "USD"});
    body["delivery"]["date"] = json!("2022-01-20");
    let id = sim.post("/order-service/sales-order", body).await.id();
    let order = sim.read(id).await;
    assert_eq!(order["delivery"]["deliveryDate"], "2022-01-19T18:00:00.000-06:00");
    assert_eq!(order["placedOn"], "2026-03-02T03:14:55.000-06:00");
    assert_eq!(order["currency"]["accountingCurrencyCode"], "USD");
}

#[tokio::test]
async fn a_repeated_post_makes_no_second_order_and_no_second_event() {
    let sim = Sim::start().await;
    let receiver = crate::support::Receiver::start().await;
    sim.hook("sales-order.created", &receiver.url, false, 1).await;
    let first = sim.order("bc-1").await;
    receiver.wait(1).await;
    assert_eq!(sim.order("bc-1").await, first);
    sim.switch(json!({"repeated_order_body": "empty"})).await;
    let third = sim.post("/order-service/sales-order", sim.order_body("bc-1")).await;
    assert_eq!((third.status, &third.body), (200, &json!({})));
    // The same reference without the instance, or on a credit, is another key.
    let mut keyless = sim.order_body("bc-1");
    keyless.as_object_mut().unwrap().remove("installedIntegrationInstanceId");
    let second = sim.post("/order-service/sales-order", keyless).await.id();
    assert_ne!(second, first);
    assert_eq!(sim.view("/orders").await["orders"].as_array().unwrap().len(), 2);
    let credit = sim
        .post("/order-service/sales-credit", {
            let mut body = sim.order_body("bc-1");
            body["statusId"] = json!(9);
            body["parentId"] = json!(first);
            body
        })
        .await
        .id();
    assert_eq!(sim.read(credit).await["orderTypeCode"], "SC");
    receiver.wait(2).await;
    assert_eq!(receiver.calls()[1]["id"], second.to_string());
}

#[tokio::test]
async fn every_wrong_field_is_refused_and_leaves_nothing_behind() {
    let sim = Sim::start().await;
    let supplier = sim.act("/contacts", json!({"email": "sup@example.com", "is_supplier": true})).await["id"].clone();
    for (pointer, wrong, status) in [
        ("/customer/id", json!(1), 400),
        ("/customer/id", supplier, 400),
        ("/customer/id", json!(4), 400),
        ("/statusId", json!(999), 400),
        ("/statusId", json!(9), 400),
        ("/warehouseId", json!(99), 400),
        ("/channelId", json!(99), 400),
        ("/priceListId", json!(99), 400),
        ("/leadSourceId", json!(99), 400),
        ("/priceModeCode", json!("NET"), 400),
        ("/currency/code", json!("XXX"), 400),
        ("/currency/exchangeRate", json!("0"), 400),
        ("/placedOn", json!("yesterday"), 500),
        ("/delivery/shippingMethodId", json!(99), 400),
        ("/delivery/address/countryIsoCode", json!("XXX"), 400),
        ("/installedIntegrationInstanceId", json!(999), 400),
        ("/ref", json!("x".repeat(65)), 400),
        ("/rows/0/productId", json!(4999), 400),
        ("/rows/0/quantity", json!("1.5"), 400),
        ("/rows/0/quantity", json!("0"), 400),
        ("/rows/0/quantity", json!(-1), 400),
        ("/rows/0/taxCode", json!("T99"), 400),
        ("/rows/0/net", json!("1.23456"), 400),
        ("/rows/0/net", json!([]), 500),
        ("/rows/1/nominalCode", json!("0000"), 400),
        ("/rows/1/name", json!(""), 400),
        ("/rows", json!("none"), 500),
    ] {
        let mut body = sim.order_body("bad");
        *body.pointer_mut(pointer).unwrap() = wrong.clone();
        let reply = sim.post("/order-service/sales-order", body).await;
        assert_eq!(reply.status, status, "{pointer} {wrong} {}", reply.body);
        assert!(reply.body["errors"].is_array());
    }
    assert_eq!(sim.view("/orders").await["orders"], json!([]));
}

#[tokio::test]
async fn totals_are_summed_by_the_switch() {
    let sim = Sim::start().await;
    let mut body = sim.order_body("sum");
    body["rows"] = json!([
        {"name": "a", "quantity": 1, "taxCode": "-", "net": "0.0050", "tax": "0.0050"}, {"name": "b", "quantity": 1, "taxCode": "-", "net": "0.0050", "tax": "0"},
        {"name": "c", "quantity": 1, "taxCode": "-", "net": "-0.0100", "tax": "0"}]);
    let id = sim.post("/order-service/sales-order", body).await.id();
    assert_eq!(sim.read(id).await["totalValue"]["net"], "0.00");
    assert_eq!(sim.read(id).await["totalValue"]["total"], "0.01");
    sim.switch(json!({"row_sum": "shown", "row_external_ref_echo": false})).await;
    assert_eq!(sim.read(id).await["totalValue"]["net"], "0.01");
    assert_eq!(sim.read(id).await["totalValue"]["total"], "0.02");
    let other = sim.order("echo").await;
    assert!(sim.read(other).await["orderRows"].as_object().unwrap().values().all(|row| row.get("externalRef").is_none()));
    assert!(sim.view(&format!("/orders/{other}")).await["orders"][0]["rowExternalRefs"].to_string().contains("bc-line-551"));
}

#[tokio::test]
async fn a_bundle_brings_rows_of_its_components() {
    let sim = Sim::start().await;
    let mut body = sim.order_body("bundle");
    body["rows"] = json!([{"productId": sim.set, "quantity": 2, "taxCode": "T20", "net": "40", "tax": "8"}]);
    let id = sim.post("/order-service/sales-order", body).await.id();
    let order = sim.read(id).await;
    let rows = order["orderRows"].as_object().unwrap();
    assert_eq!(rows.len(), 3);
    let (parent_id, parent) = rows.iter().find(|(_, row)| row["composition"]["bundleParent"] == true).unwrap();
    assert_eq!(parent["productId"], sim.set);
    let mug = rows.values().find(|row| row["productId"] == sim.mug).unwrap();
    assert_eq!((&mug["quantity"]["magnitude"], &mug["composition"]["bundleChild"]), (&json!("4.0000"), &json!(true)));
    assert_eq!(mug["composition"]["parentOrderRowId"].to_string(), *parent_id);
    assert_eq!(order["totalValue"]["total"], "48.00");
}

#[tokio::test]
async fn unknown_orders_are_missing_silently_and_options_lists_existing_ones() {
    let sim = Sim::start().await;
    let (first, second) = (sim.order("a").await, sim.order("b").await);
    assert_eq!(sim.get("/order-service/order/99").await.data(), &json!([]));
    assert_eq!(sim.get(&format!("/order-service/order/99,{first}-{second}")).await.data().as_array().unwrap().len(), 2);
    let partly = sim.get(&format!("/order-service/sales-order/99,{first}")).await;
    assert_eq!(partly.status, 207);
    assert_eq!(sim.get("/order-service/order/1-201").await.status, 400);
    let options = sim.call("OPTIONS", &format!("/order-service/order/1-100,{first}-{second}"), None).await;
    assert_eq!(options.data(), &json!({"getUris": [format!("/order/{first}-{second}")]}));
    let none = sim.call("OPTIONS", "/order-service/sales-order/1-100", None).await;
    assert_eq!(none.data(), &json!({"getUris": []}));
}

#[tokio::test]
async fn a_low_level_order_takes_rows_one_by_one() {
    let sim = Sim::start().await;
    let path = "/order-service/order";
    assert_eq!(sim.post(path, json!({})).await.refusal(), (400, "ORDC-005"));
    assert_eq!(sim.post(path, json!({"orderTypeCode": "XX"})).await.refusal(), (400, "ORDC-006"));
    assert_eq!(sim.post(path, json!({"orderTypeCode": "PO", "parties": {}})).await.refusal(), (400, "ORDC-022"));
    let id = sim.post(path, json!({"orderTypeCode": "SO", "reference": "r", "parties": {"customer": {"contactId": sim.customer}}})).await.id();
    let order = sim.read(id).await;
    assert_eq!(
        (&order["orderPaymentStatus"], &order["stockStatusCode"], &order["allocationStatusCode"], &order["shippingStatusCode"]),
        (&json!("NOT_APPLICABLE"), &json!("NON"), &json!("ANR"), &json!("NST"))
    );
    assert_eq!(order["orderRows"], json!({}));
    let row = json!({"productId": sim.mug, "quantity": {"magnitude": 2}, "rowValue": {"taxCode": "T20", "rowNet": {"value": 31.00}, "rowTax": {"value": 6.20}}, "nominalCode": "4000"});
    let row_id = sim.post(&format!("{path}/{id}/row"), row.clone()).await.id();
    let mut fine = row;
    fine["rowValue"]["rowNet"]["value"] = json!(31.005);
    assert_eq!(sim.post(&format!("{path}/{id}/row"), fine).await.status, 400, "two decimals at most");
    assert_eq!(sim.post(&format!("{path}/{id}/row"), json!({"quantity": {"magnitude": 1}})).await.refusal(), (400, "ORDC-026"));
    let patched =
        sim.patch(&format!("{path}/{id}/row/{row_id}"), json!([{"op": "replace", "path": "/rowValue/rowNet/value", "value": "100.1234"}])).await;
    assert_eq!(patched.data()["rowValue"]["rowTax"]["value"], "20.02", "a changed net alone re-computes the tax");
    assert_eq!(sim.delete(&format!("{path}/{id}/row/{row_id}")).await.body, json!({}));
    assert_eq!(sim.get("/order-service/order/1/note").await.refusal(), (400, "ORDC-003"));
}

#[tokio::test]
async fn a_low_level_order_is_checked_as_a_sales_order_is() {
    let sim = Sim::start().await;
    let good = json!({"orderTypeCode": "SO", "parties": {"customer": {"contactId": sim.customer}}, "priceModeCode": "INC",
        "installedIntegrationInstanceId": sim.instance(), "assignment": {"current": {"staffOwnerContactId": 4}}});
    for (pointer, wrong) in [
        ("/priceModeCode", json!("NET")),
        ("/installedIntegrationInstanceId", json!(999)),
        ("/assignment/current/staffOwnerContactId", json!(sim.customer)),
    ] {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = wrong;
        assert_eq!(sim.post("/order-service/order", body).await.refusal(), (400, "ORDC-999"), "{pointer}");
    }
    let mut child = good.clone();
    child["parentOrderId"] = json!(123_456);
    assert_eq!(sim.post("/order-service/order", child).await.refusal(), (400, "ORDC-003"));
    assert_eq!(sim.post("/order-service/order", good).await.status, 200);
}
