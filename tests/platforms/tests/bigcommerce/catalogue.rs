//! Products and variants (BC §f).

use serde_json::{Value, json};

use crate::harness::Shop;

#[tokio::test]
async fn variants_are_found_by_sku_and_products_by_their_own_only() {
    let shop = Shop::open().await;
    shop.sim("POST", "stores/abc123/products", json!({ "sku": "V", "variants": [{ "sku": "V-S", "price": 12 }, { "sku": "V-L" }] })).await;
    let small = shop.get("v3/catalog/variants?sku=v-s").await.json()["data"].clone();
    assert_eq!((small.as_array().unwrap().len(), &small[0]["sku"], &small[0]["price"]), (1, &json!("V-S"), &json!(12.0)));
    assert!(small[0]["sku_id"].is_i64());
    let base = shop.get("v3/catalog/variants?sku=A").await.json()["data"][0].clone();
    assert_eq!((&base["option_values"], &base["sku_id"], &base["map_price"]), (&json!([]), &Value::Null, &json!({})));
    shop.switch("variant_sku_finds_base", json!(false)).await;
    assert_eq!(shop.get("v3/catalog/variants?sku=A").await.json()["data"], json!([]));
    let found = shop.get("v3/catalog/products?sku:in=A,V,V-S&include=variants").await.json()["data"].clone();
    let skus: Vec<&str> = found.as_array().unwrap().iter().map(|row| row["sku"].as_str().unwrap()).collect();
    assert_eq!(skus, ["A", "V"]);
    assert_eq!(found[1]["variants"][1]["sku"], "V-L");
    let slim = shop.get("v3/catalog/products?include_fields=sku").await.json()["data"][0].clone();
    assert_eq!(slim.as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn pages_say_where_they_are() {
    let shop = Shop::open().await;
    shop.sim("POST", "stores/abc123/products", json!({ "count": 118, "prefix": "P-" })).await;
    let page = shop.get("v3/catalog/variants?limit=50&page=2&include_fields=sku").await.json();
    let meta = &page["meta"]["pagination"];
    assert_eq!((&meta["total"], &meta["count"], &meta["total_pages"], &meta["current_page"]), (&json!(120), &json!(50), &json!(3), &json!(2)));
    assert_eq!(meta["links"]["next"], "?include_fields=sku&page=3&limit=50");
    let last = shop.get("v3/catalog/variants?limit=50&page=3").await.json();
    assert!(last["meta"]["pagination"]["links"].get("next").is_none());
    assert_eq!(shop.get("v3/catalog/variants?limit=251").await.status, 413);
}

#[tokio::test]
async fn batches_have_limits_and_their_own_failures() {
    let shop = Shop::open().await;
    let variants = shop.get("v3/catalog/variants").await.json()["data"].clone();
    let many: Vec<Value> = (0..51).map(|_| json!({ "id": variants[0]["id"], "price": 1 })).collect();
    let large = shop.call("PUT", "v3/catalog/variants", Some(json!(many))).await;
    assert_eq!(
        (large.status, large.json()["title"].as_str()),
        (413, Some("The request payload is too large. The maximum items allowed in the array is 50"))
    );
    let mixed = json!([{ "id": variants[0]["id"], "price": 31 }, { "id": 99_999, "price": 1 }]);
    let refused = shop.call("PUT", "v3/catalog/variants", Some(mixed)).await;
    assert_eq!((refused.status, refused.json()["batch_errors"].as_array().unwrap().len()), (422, 1));
    assert_eq!(shop.get("v3/catalog/variants").await.json()["data"][0]["price"], Value::Null, "all or nothing");
    let good = shop.call("PUT", "v3/catalog/variants", Some(json!([{ "id": variants[0]["id"], "price": "31.50" }]))).await;
    assert_eq!(good.json()["data"][0]["price"], json!(31.5));
    let products = shop.get("v3/catalog/products").await.json()["data"].clone();
    let half = json!([{ "id": products[0]["id"], "price": 40 }, { "id": 99_999 }]);
    assert_eq!(shop.call("PUT", "v3/catalog/products", Some(half)).await.status, 207);
    assert_eq!(shop.get(&format!("v3/catalog/products/{}", products[0]["id"])).await.json()["data"]["price"], json!(40.0));
    let taken = json!({ "sku": "B" });
    assert_eq!(shop.call("PUT", &format!("v3/catalog/products/{}", products[0]["id"]), Some(taken)).await.status, 409);
}

#[tokio::test]
async fn a_date_without_time_is_completed_with_the_time_of_day() {
    let shop = Shop::open().await;
    let today = shop.clock.now().strftime("%Y-%m-%d").to_string();
    let full = shop.get(&format!("v3/catalog/products?date_modified:min={today}T00:00:00Z")).await.json();
    shop.advance(2000).await;
    let bare = shop.get(&format!("v3/catalog/products?date_modified:min={}", shop.clock.now().strftime("%Y-%m-%d"))).await.json();
    assert_eq!(full["data"].as_array().unwrap().len(), 2);
    assert_eq!(bare["data"], json!([]), "changed earlier today, yet not found");
}
