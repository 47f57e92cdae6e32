//! Shipments and their effects (BC §d.5).

use serde_json::{Value, json};

use crate::harness::Shop;

async fn order(shop: &Shop) -> (i64, i64, i64) {
    let order = shop.place(json!({ "id": 600, "lines": [{ "sku": "A", "quantity": 2 }, { "sku": "B" }] })).await;
    let id = |pointer: &str| order.pointer(pointer).and_then(Value::as_i64).unwrap();
    (id("/shipping_addresses/0/id"), id("/products/0/id"), id("/products/1/id"))
}

fn body(address: i64, line: i64, quantity: i64) -> Value {
    json!({ "order_address_id": address, "tracking_number": "AB123456789GB", "shipping_provider": "royalmail", "tracking_carrier": "",
        "shipping_method": "Tracked 48", "comments": "GON-4101", "items": [{ "order_product_id": line, "quantity": quantity }] })
}

const PATH: &str = "v2/orders/600/shipments";

#[tokio::test]
async fn parts_make_the_order_partially_and_then_fully_shipped() {
    let shop = Shop::open().await;
    let (address, first, second) = order(&shop).await;
    let answer = shop.call("POST", PATH, Some(body(address, first, 2))).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let shipment = answer.json();
    assert_eq!(shipment["items"], json!([{ "order_product_id": first, "product_id": 0, "quantity": 2 }]));
    assert_eq!(shipment["shipping_provider_display_name"], "Royal Mail");
    assert!(!shipment["generated_tracking_link"].as_str().unwrap().is_empty());
    let part = shop.get("v2/orders/600").await.json();
    assert_eq!((part["status_id"].as_i64(), part["items_shipped"].as_i64(), part["date_shipped"].as_str()), (Some(3), Some(2), Some("")));
    assert_eq!(shop.call("POST", PATH, Some(body(address, second, 1))).await.status, 201);
    let whole = shop.get("v2/orders/600").await.json();
    assert_eq!((whole["status_id"].as_i64(), whole["items_shipped"].as_i64()), (Some(2), Some(3)));
    assert_ne!(whole["date_shipped"], "");
    assert_eq!(shop.get("v2/orders/600/products").await.json()[0]["quantity_shipped"], 2);
    assert_eq!(shop.get("v2/orders/600/shipments/count").await.json(), json!({ "count": 2 }));
    let mails = shop.sim("GET", "stores/abc123/mails", json!({})).await;
    let kinds: Vec<&str> = mails.as_array().unwrap().iter().map(|mail| mail["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["shipment", "status", "shipment", "status"]);
}

#[tokio::test]
async fn what_the_platform_refuses_is_refused() {
    let shop = Shop::open().await;
    let (address, first, _) = order(&shop).await;
    let mut with_product = body(address, first, 1);
    with_product["items"][0]["product_id"] = json!(77);
    let refused = shop.call("POST", PATH, Some(with_product)).await;
    let text = "The field 'product_id' cannot be written to. Please remove it from your request before trying again.";
    assert_eq!((refused.status, refused.json()), (400, json!([{ "status": 400, "message": text }])));
    for (field, value) in [
        ("order_address_id", json!(9999)),
        ("order_address_id", Value::Null),
        ("items", json!([])),
        ("items", json!([{ "order_product_id": 9999, "quantity": 1 }])),
        ("items", json!([{ "order_product_id": first, "quantity": 3 }])),
        ("items", json!([{ "order_product_id": first, "quantity": 2 }, { "order_product_id": first, "quantity": 1 }])),
        ("items", json!([{ "order_product_id": first, "quantity": 0 }])),
        ("tracking_number", json!("x".repeat(51))),
        ("tracking_carrier", json!("royal-mail")),
        ("shipping_provider", json!("pigeon")),
        ("customer_id", json!(1)),
        ("colour", json!("red")),
    ] {
        let mut bad = body(address, first, 1);
        bad[field] = value.clone();
        assert_eq!(shop.call("POST", PATH, Some(bad)).await.status, 400, "{field} {value}");
    }
    assert_eq!(shop.get(PATH).await.status, 204, "nothing was shipped");
    assert_eq!(shop.call("POST", "v2/orders/1/shipments", Some(body(address, first, 1))).await.status, 404);
}

#[tokio::test]
async fn digital_lines_and_other_addresses_are_not_shipped() {
    let shop = Shop::open().await;
    let order = shop
        .place(json!({ "id": 600, "addresses": [{}, {}],
            "lines": [{ "sku": "A", "address": 0 }, { "sku": "B", "address": 1 }, { "sku": "B", "type": "digital" }] }))
        .await;
    let id = |pointer: &str| order.pointer(pointer).and_then(Value::as_i64).unwrap();
    let (one, two) = (id("/shipping_addresses/0/id"), id("/shipping_addresses/1/id"));
    assert_eq!(shop.call("POST", PATH, Some(body(one, id("/products/1/id"), 1))).await.status, 400);
    assert_eq!(shop.call("POST", PATH, Some(body(one, id("/products/2/id"), 1))).await.status, 400);
    assert_eq!(shop.call("POST", PATH, Some(body(one, id("/products/0/id"), 1))).await.status, 201);
    assert_eq!(shop.get("v2/orders/600").await.json()["status_id"], 3);
    assert_eq!(shop.call("POST", PATH, Some(body(two, id("/products/1/id"), 1))).await.status, 201);
    assert_eq!(shop.get("v2/orders/600").await.json()["status_id"], 2, "digital lines are left");
}

#[tokio::test]
async fn what_an_order_becomes_whose_digital_lines_are_left_is_a_switch() {
    let shop = Shop::open().await;
    for (switch, status) in [("2", 2), ("3", 3)] {
        shop.sim("POST", "switches", json!({ "digital_left_status": switch })).await;
        let order = shop.place(json!({ "lines": [{ "sku": "A" }, { "sku": "B", "type": "digital" }] })).await;
        let id = |pointer: &str| order.pointer(pointer).and_then(Value::as_i64).unwrap();
        let path = format!("v2/orders/{}/shipments", id("/id"));
        assert_eq!(shop.call("POST", &path, Some(body(id("/shipping_addresses/0/id"), id("/products/0/id"), 1))).await.status, 201);
        assert_eq!(shop.get(&format!("v2/orders/{}", id("/id"))).await.json()["status_id"], status);
    }
}

#[tokio::test]
async fn a_put_changes_tracking_but_never_items() {
    let shop = Shop::open().await;
    let (address, first, _) = order(&shop).await;
    let id = shop.call("POST", PATH, Some(body(address, first, 1))).await.json()["id"].as_i64().unwrap();
    let path = format!("{PATH}/{id}");
    let refused = shop.call("PUT", &path, Some(json!({ "items": [] }))).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("The field 'items' cannot be written to."));
    let changed = shop.call("PUT", &path, Some(json!({ "tracking_number": "ZZ1", "tracking_link": "https://track.example.com/ZZ1" }))).await.json();
    assert_eq!(changed["tracking_number"], "ZZ1");
    assert_eq!(changed["generated_tracking_link"], "", "an own link replaces the generated one");
    assert_eq!(changed["comments"], "GON-4101");
    assert_eq!(shop.get(&path).await.json(), changed);
    assert_eq!(shop.call("PUT", &format!("{PATH}/999"), Some(json!({}))).await.status, 404);
}

#[tokio::test]
async fn deleting_a_shipment_leaves_the_status() {
    let shop = Shop::open().await;
    let (address, first, second) = order(&shop).await;
    let items = json!([{ "order_product_id": first, "quantity": 2 }, { "order_product_id": second, "quantity": 1 }]);
    let mut all = body(address, first, 1);
    all["items"] = items;
    let id = shop.call("POST", PATH, Some(all)).await.json()["id"].as_i64().unwrap();
    assert_eq!(shop.call("DELETE", &format!("{PATH}/{id}"), None).await.status, 204);
    let order = shop.get("v2/orders/600").await.json();
    assert_eq!((order["status_id"].as_i64(), order["items_shipped"].as_i64()), (Some(2), Some(0)));
    assert_eq!(shop.call("POST", PATH, Some(body(address, first, 2))).await.status, 201, "the pieces are free again");
    assert_eq!(shop.call("DELETE", PATH, None).await.status, 204);
    assert_eq!(shop.get(PATH).await.status, 204);
}

#[tokio::test]
async fn the_automatic_status_can_be_switched_off() {
    let shop = Shop::open().await;
    let (address, first, second) = order(&shop).await;
    shop.switch("status_after_shipment", json!("shipped_only")).await;
    shop.call("POST", PATH, Some(body(address, first, 2))).await;
    assert_eq!(shop.get("v2/orders/600").await.json()["status_id"], 11);
    shop.switch("status_after_shipment", json!("none")).await;
    shop.call("POST", PATH, Some(body(address, second, 1))).await;
    assert_eq!(shop.get("v2/orders/600").await.json()["status_id"], 11);
}
