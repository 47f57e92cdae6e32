//! What stock allows and what it does not touch (BC §d.7, §f).

use serde_json::{Value, json};

use crate::harness::{Answer, Shop, until};
use crate::webhooks::listen;

async fn made(shop: &Shop, product: Value) -> i64 {
    shop.sim("POST", "stores/abc123/products", product).await["id"].as_i64().unwrap()
}

async fn order(shop: &Shop, product: i64, quantities: &[i64]) -> Answer {
    let rows: Vec<Value> = quantities.iter().map(|quantity| json!({ "product_id": product, "quantity": quantity })).collect();
    let body = json!({ "billing_address": { "first_name": "Ada", "zip": "BS1 1AA" }, "products": rows });
    shop.call("POST", "v2/orders", Some(body)).await
}

#[tokio::test]
async fn an_order_for_more_than_there_is_is_refused() {
    let shop = Shop::open().await;
    let product = made(&shop, json!({ "sku": "FEW", "price": 5, "stock": 6 })).await;
    let refused = order(&shop, product, &[7]).await;
    assert_eq!((refused.status, refused.json()[0]["status"].as_i64()), (400, Some(400)));
    assert_eq!(order(&shop, product, &[4, 3]).await.status, 400, "lines of one product count together");
    assert_eq!(shop.get("v2/orders").await.status, 204, "nothing was made");
    let set = json!({ "settings": [{ "identity": { "sku": "FEW" }, "safety_stock": 2 }] });
    shop.call("PUT", "v3/inventory/locations/1/items", Some(set)).await;
    assert_eq!(order(&shop, product, &[5]).await.status, 400, "safety stock is not for sale");
    let placed = order(&shop, product, &[3]).await;
    assert_eq!(placed.status, 200, "{}", placed.text);
    let id = placed.json()["id"].as_i64().unwrap();
    let line = shop.get(&format!("v2/orders/{id}/products")).await.json()[0]["id"].clone();
    let change = async |rows: Value| shop.call("PUT", &format!("v2/orders/{id}"), Some(json!({ "products": rows }))).await.status;
    assert_eq!(change(json!([{ "id": line, "quantity": 5 }])).await, 400, "one is left to sell");
    assert_eq!(change(json!([{ "product_id": product, "quantity": 2 }])).await, 400);
    assert_eq!(change(json!([{ "id": line, "quantity": 4 }])).await, 200);
    assert_eq!(change(json!([{ "id": line, "quantity": 1 }])).await, 200, "less is always possible");
}

#[tokio::test]
async fn what_is_not_tracked_is_never_out_of_stock() {
    let shop = Shop::open().await;
    let untracked = made(&shop, json!({ "sku": "FREE", "price": 5, "inventory_tracking": "none" })).await;
    assert_eq!(order(&shop, untracked, &[99]).await.status, 200);
    let digital = made(&shop, json!({ "sku": "EBOOK", "price": 5, "type": "digital" })).await;
    assert_eq!(order(&shop, digital, &[99]).await.status, 200);
    let custom = json!({ "billing_address": { "zip": "BS1 1AA" }, "products": [{ "name": "Service", "quantity": 99, "price_ex_tax": 1, "price_inc_tax": 1 }] });
    assert_eq!(shop.call("POST", "v2/orders", Some(custom)).await.status, 200);
}

#[tokio::test]
async fn a_product_tracked_as_a_whole_sells_its_variants_from_one_stock() {
    let shop = Shop::open().await;
    let body = json!({ "sku": "W", "inventory_tracking": "product", "variants": [{ "sku": "W-S", "stock": 5 }, { "sku": "W-L" }] });
    let product = shop.sim("POST", "stores/abc123/products", body).await;
    shop.place(json!({ "lines": [{ "sku": "W-L", "quantity": 2 }] })).await;
    let shown = shop.get(&format!("v3/catalog/products/{}", product["id"])).await.json();
    assert_eq!(shown["data"]["inventory_level"], 3);
}

#[tokio::test]
async fn adjustments_of_untracked_products_have_no_effect() {
    let shop = Shop::open_with(json!({ "inventory_delay_ms": 0 })).await;
    made(&shop, json!({ "sku": "FREE", "inventory_tracking": "none" })).await;
    let stock = listen(&shop, "store/product/*").await;
    let items = json!([{ "location_id": 1, "sku": "FREE", "quantity": 77 }, { "location_id": 1, "sku": "A", "quantity": 3 }]);
    assert_eq!(shop.call("PUT", "v3/inventory/adjustments/absolute", Some(json!({ "items": items }))).await.status, 200);
    until("the other item's event", async || !stock.posts().is_empty()).await;
    let level = shop.get("v3/inventory/items?sku:in=FREE").await.json()["data"][0]["locations"][0].clone();
    assert_eq!((&level["total_inventory_onhand"], &level["available_to_sell"]), (&json!(0), &json!(0)));
    assert_eq!(shop.get("v3/catalog/variants?sku=FREE").await.json()["data"][0]["inventory_level"], 0);
    assert_eq!(stock.posts().len(), 1);
}

#[tokio::test]
async fn a_stock_event_names_the_location_that_was_adjusted() {
    let shop = Shop::open_with(json!({ "inventory_delay_ms": 0 })).await;
    shop.sim("POST", "stores/abc123/locations", json!({ "code": "LEEDS" })).await;
    let events = listen(&shop, "store/channel/1/inventory/product/stock_changed").await;
    for location in [2, 1] {
        let items = json!([{ "location_id": location, "sku": "A", "quantity": 8 }]);
        shop.call("PUT", "v3/inventory/adjustments/absolute", Some(json!({ "items": items }))).await;
    }
    until("both events", async || events.posts().len() == 2).await;
    let mut locations: Vec<i64> = events.posts().iter().map(|post| post.json()["data"]["location_id"].as_i64().unwrap()).collect();
    locations.sort_unstable();
    assert_eq!(locations, [1, 2]);
}
