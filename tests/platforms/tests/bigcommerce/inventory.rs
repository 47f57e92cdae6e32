//! Stock: adjustments, reading, and what orders do to it (BC §f).

use serde_json::{Value, json};

use crate::harness::{Answer, Shop, until};

async fn level(shop: &Shop, sku: &str) -> Value {
    shop.get(&format!("v3/inventory/items?sku:in={sku}")).await.json()["data"][0]["locations"][0].clone()
}

async fn absolute(shop: &Shop, items: Value) -> Answer {
    shop.call("PUT", "v3/inventory/adjustments/absolute", Some(json!({ "reason": "sync", "items": items }))).await
}

#[tokio::test]
async fn an_adjustment_is_readable_a_little_later() {
    let shop = Shop::open_with(json!({ "inventory_delay_ms": 60_000 })).await;
    let answer = absolute(&shop, json!([{ "location_id": 1, "sku": "A", "quantity": 17 }])).await;
    assert_eq!(answer.status, 200);
    assert!(answer.json()["transaction_id"].is_string());
    assert_eq!(level(&shop, "A").await["total_inventory_onhand"], 100);
    shop.advance(60_000).await;
    until("the level", async || level(&shop, "A").await["total_inventory_onhand"] == 17).await;
    let set = json!({ "settings": [{ "identity": { "sku": "A" }, "safety_stock": 5 }] });
    assert_eq!(shop.call("PUT", "v3/inventory/locations/1/items", Some(set)).await.status, 200);
    assert_eq!(level(&shop, "A").await["available_to_sell"], 12);
    let relative = json!({ "items": [{ "location_id": 1, "sku": "A", "quantity": -13 }] });
    assert_eq!(shop.call("POST", "v3/inventory/adjustments/relative", Some(relative)).await.status, 422, "below safety stock");
}

#[tokio::test]
async fn wrong_identities_fail_the_whole_call() {
    let shop = Shop::open().await;
    let sized = json!({ "sku": "V", "variants": [{ "sku": "V-S" }, { "sku": "V-L" }] });
    let made = shop.sim("POST", "stores/abc123/products", sized).await;
    let variant = made["variants"][0]["id"].as_i64().unwrap();
    let relative = json!({ "items": [{ "location_id": 1, "variant_id": variant, "quantity": 1 }] });
    let refused = shop.call("POST", "v3/inventory/adjustments/relative", Some(relative)).await;
    assert_eq!(refused.status, 422);
    assert_eq!(refused.header("content-type"), "application/problem+json");
    assert_eq!(refused.json()["title"], format!("Items with identity: [variant_id {variant}] requires absolute adjustment before relative"));
    let product = made["id"].as_i64().unwrap();
    let by_product =
        absolute(&shop, json!([{ "location_id": 1, "sku": "A", "quantity": 1 }, { "location_id": 1, "product_id": product, "quantity": 1 }])).await;
    assert_eq!(by_product.json()["title"], format!("[Item with product_id {product} is tracked by variant, please update stock by variant id]"));
    for item in [
        json!({ "location_id": 1, "sku": "NOPE", "quantity": 1 }),
        json!({ "location_id": 9, "sku": "A", "quantity": 1 }),
        json!({ "location_id": 1, "sku": "A", "variant_id": 1, "quantity": 1 }),
        json!({ "location_id": 1, "sku": "A", "quantity": -1 }),
    ] {
        assert_eq!(absolute(&shop, json!([item])).await.status, 422);
    }
    shop.advance(5000).await;
    assert_eq!(level(&shop, "A").await["total_inventory_onhand"], 100, "nothing of a refused call took effect");
    let many: Vec<Value> = (0..2001).map(|_| json!({ "location_id": 1, "sku": "A", "quantity": 1 })).collect();
    assert_eq!(absolute(&shop, json!(many)).await.status, 413);
}

#[tokio::test]
async fn a_product_tracked_as_a_whole_refuses_its_variants() {
    let shop = Shop::open().await;
    let body = json!({ "sku": "W", "inventory_tracking": "product", "variants": [{ "sku": "W-S" }, { "sku": "W-L" }] });
    let made = shop.sim("POST", "stores/abc123/products", body).await;
    let variant = made["variants"][1]["id"].as_i64().unwrap();
    let refused = absolute(&shop, json!([{ "location_id": 1, "variant_id": variant, "quantity": 1 }])).await;
    assert_eq!(refused.json()["title"], format!("[Item with variant_id {variant} is tracked by product, please update stock by product id]"));
}

#[tokio::test]
async fn orders_take_stock_when_placed_and_give_it_back_when_cancelled() {
    let shop = Shop::open().await;
    let onhand = async || level(&shop, "A").await["total_inventory_onhand"].as_i64().unwrap();
    shop.place(json!({ "id": 1000, "checkout": "abandoned", "lines": [{ "sku": "A", "quantity": 9 }] })).await;
    assert_eq!(onhand().await, 100);
    shop.place(json!({ "id": 1001, "lines": [{ "sku": "A", "quantity": 4 }] })).await;
    assert_eq!(onhand().await, 96);
    let line = shop.get("v2/orders/1001/products").await.json()[0]["id"].clone();
    shop.sim("POST", "stores/abc123/orders/1001/edit", json!({ "lines": [{ "id": line, "quantity": 6 }] })).await;
    assert_eq!(onhand().await, 94);
    shop.sim("POST", "stores/abc123/orders/1001/cancel", json!({})).await;
    assert_eq!(onhand().await, 100);
    shop.sim("POST", "stores/abc123/settings", json!({ "update_stock_behavior": "order_completed_or_shipped" })).await;
    let order = shop.place(json!({ "id": 1002, "lines": [{ "sku": "A", "quantity": 2 }] })).await;
    assert_eq!(onhand().await, 100);
    let body = json!({ "order_address_id": order["shipping_addresses"][0]["id"], "items": [{ "order_product_id": order["products"][0]["id"], "quantity": 2 }] });
    shop.call("POST", "v2/orders/1002/shipments", Some(body)).await;
    assert_eq!(onhand().await, 98);
}

#[tokio::test]
async fn locations_hold_their_own_stock() {
    let shop = Shop::open_with(json!({ "inventory_delay_ms": 0 })).await;
    shop.sim("POST", "stores/abc123/locations", json!({ "code": "LEEDS" })).await;
    let locations = shop.get("v3/inventory/locations").await.json()["data"].clone();
    assert_eq!(locations.as_array().unwrap().len(), 2);
    assert_eq!(shop.get("v3/inventory/locations?is_default=true").await.json()["data"][0]["id"], 1);
    absolute(&shop, json!([{ "location_id": 2, "sku": "A", "quantity": 8 }])).await;
    until("the level", async || {
        shop.get("v3/inventory/items?sku:in=A&location_code:in=LEEDS").await.json()["data"][0]["locations"][0]["total_inventory_onhand"] == 8
    })
    .await;
    assert_eq!(level(&shop, "A").await["total_inventory_onhand"], 100);
    let flat = shop.get("v3/inventory/locations/2/items?sku:in=A").await.json()["data"][0].clone();
    assert_eq!((&flat["available_to_sell"], &flat["identity"]["sku"]), (&json!(8), &json!("A")));
    assert_eq!(shop.get("v3/inventory/locations/9/items").await.status, 404);
}
