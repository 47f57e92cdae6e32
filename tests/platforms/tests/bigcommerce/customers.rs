//! Customers (BC §e).

use serde_json::{Value, json};

use crate::harness::Shop;

fn ada(email: &str) -> Value {
    json!({ "email": email, "first_name": "Ada", "last_name": "Byron",
        "addresses": [{ "first_name": "Ada", "last_name": "Byron", "address1": "1 Test Street", "city": "Bristol", "postal_code": "BS1 1AA", "country_code": "GB" }] })
}

#[tokio::test]
async fn customers_are_made_found_and_changed_in_batches() {
    let shop = Shop::open().await;
    let made = shop.call("POST", "v3/customers", Some(json!([ada("ada@example.com"), ada("two@example.com")]))).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let id = made.json()["data"][0]["id"].as_i64().unwrap();
    let found = shop.get("v3/customers?email:in=ADA@example.com&include=addresses").await.json()["data"].clone();
    assert_eq!((found[0]["id"].as_i64(), &found[0]["addresses"][0]["postal_code"]), (Some(id), &json!("BS1 1AA")));
    assert!(shop.get(&format!("v3/customers?id:in={id}")).await.json()["data"][0].get("addresses").is_none());
    assert_eq!(shop.get(&format!("v2/customers/{id}")).await.json()["email"], "ada@example.com");
    let again = shop.call("POST", "v3/customers", Some(json!([ada("ada@example.com")]))).await;
    assert_eq!((again.status, &again.json()["errors"]), (422, &json!({ ".customer_create": "Error creating customers" })));
    let many: Vec<Value> = (0..11).map(|n| ada(&format!("{n}@example.com"))).collect();
    assert_eq!(shop.call("POST", "v3/customers", Some(json!(many))).await.status, 413);
    let change = json!([{ "id": id, "company": "Engines Ltd" }]);
    assert_eq!(shop.call("PUT", "v3/customers", Some(change)).await.json()["data"][0]["company"], "Engines Ltd");
    assert_eq!(shop.call("DELETE", &format!("v3/customers?id:in={id}"), None).await.status, 204);
    assert_eq!(shop.get(&format!("v3/customers?id:in={id}")).await.json()["data"], json!([]));
    assert_eq!(shop.get(&format!("v2/customers/{id}")).await.status, 404);
}

#[tokio::test]
async fn a_list_is_read_by_cursor() {
    let shop = Shop::open().await;
    let rows: Vec<Value> = (0..5).map(|n| ada(&format!("{n}@example.com"))).collect();
    shop.sim("POST", "stores/abc123/customers", json!({ "customers": rows })).await;
    let first = shop.get("v3/customers?limit=2").await.json();
    assert!(first["meta"].get("pagination").is_some());
    let mut seen = first["data"].as_array().unwrap().len();
    let mut cursor = first["meta"]["cursor_pagination"]["end_cursor"].as_str().unwrap().to_owned();
    loop {
        let page = shop.get(&format!("v3/customers?limit=2&after={cursor}")).await.json();
        assert!(page["meta"].get("pagination").is_none());
        seen += page["data"].as_array().unwrap().len();
        if page["meta"]["cursor_pagination"]["links"].get("next").is_none() {
            break;
        }
        cursor = page["meta"]["cursor_pagination"]["end_cursor"].as_str().unwrap().to_owned();
    }
    assert_eq!(seen, 5);
    assert_eq!(shop.get("v3/customers?after=nonsense").await.status, 422);
}

#[tokio::test]
async fn addresses_have_their_own_calls() {
    let shop = Shop::open().await;
    let id = shop.sim("POST", "stores/abc123/customers", ada("ada@example.com")).await["id"].as_i64().unwrap();
    let made = shop.call("POST", "v3/customers/addresses", Some(json!([{ "customer_id": id, "city": "York" }]))).await.json()["data"][0].clone();
    assert_eq!((&made["city"], &made["address_type"]), (&json!("York"), &json!("residential")));
    let changed = shop.call("PUT", "v3/customers/addresses", Some(json!([{ "id": made["id"], "city": "Leeds" }]))).await.json();
    assert_eq!(changed["data"][0]["city"], "Leeds");
    assert_eq!(shop.get(&format!("v3/customers/addresses?customer_id:in={id}")).await.json()["meta"]["pagination"]["total"], 2);
    assert_eq!(shop.call("DELETE", &format!("v3/customers/addresses?id:in={}", made["id"]), None).await.status, 204);
    assert_eq!(shop.get("v3/customers/addresses").await.json()["meta"]["pagination"]["total"], 1);
    assert_eq!(shop.call("POST", "v3/customers/addresses", Some(json!([{ "customer_id": 999 }]))).await.status, 422);
}

#[tokio::test]
async fn an_order_takes_over_its_customer() {
    let shop = Shop::open().await;
    let id = shop.sim("POST", "stores/abc123/customers", ada("ada@example.com")).await["id"].as_i64().unwrap();
    let order = shop.place(json!({ "customer_id": id, "lines": [{ "sku": "A" }] })).await;
    assert_eq!((order["customer_id"].as_i64(), &order["billing_address"]["email"]), (Some(id), &json!("ada@example.com")));
    let same = shop.place(json!({ "customer": { "email": "ada@example.com" }, "lines": [{ "sku": "A" }] })).await;
    assert_eq!(same["customer_id"].as_i64(), Some(id));
    assert_eq!(shop.get(&format!("v2/orders?customer_id={id}")).await.json().as_array().unwrap().len(), 2);
}
