//! Order metafields (BC §d.9, end).

use serde_json::json;

use crate::harness::Shop;

#[tokio::test]
async fn metafields_are_unique_per_key_and_private_where_asked() {
    let shop = Shop::open().await;
    shop.place(json!({ "id": 1100, "lines": [{ "sku": "A" }] })).await;
    let path = "v3/orders/1100/metafields";
    let field = json!({ "permission_set": "app_only", "namespace": "link", "key": "sales_order", "value": "500" });
    let made = shop.call("POST", path, Some(field.clone())).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let id = made.json()["data"]["id"].as_i64().unwrap();
    assert_eq!(shop.call("POST", path, Some(field.clone())).await.status, 409);
    assert_eq!(shop.call("POST", path, Some(json!({ "key": "x" }))).await.status, 422);
    let changed = shop.call("PUT", &format!("{path}/{id}"), Some(json!({ "value": "501" }))).await.json();
    assert_eq!(changed["data"]["value"], "501");
    let other = shop.sim("POST", "stores/abc123/accounts", json!({})).await;
    let token = other["access_token"].as_str().unwrap();
    assert_eq!(shop.call_as(token, "GET", path, None).await.json()["data"], json!([]));
    assert_eq!(shop.call_as(token, "GET", &format!("{path}/{id}"), None).await.status, 404);
    assert_eq!(shop.call_as(token, "POST", path, Some(field)).await.status, 200, "keys are per client");
    let batch = json!([{ "resource_id": 1100, "permission_set": "read", "namespace": "link", "key": "more", "value": "1" }]);
    assert_eq!(shop.call("POST", "v3/orders/metafields", Some(batch)).await.status, 200);
    assert_eq!(shop.get("v3/orders/metafields?key=more").await.json()["data"][0]["resource_id"], 1100);
    assert_eq!(shop.call("DELETE", &format!("{path}/{id}"), None).await.status, 204);
    assert_eq!(shop.get(&format!("{path}/{id}")).await.status, 404);
}
