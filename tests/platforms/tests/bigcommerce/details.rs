//! Fields and filters beside the main road.

use serde_json::{Value, json};

use crate::harness::Shop;

fn ids(rows: &Value) -> Vec<i64> {
    rows.as_array().map(|rows| rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()).unwrap_or_default()
}

#[tokio::test]
async fn payments_can_be_declined_or_wait_and_then_settle() {
    let shop = Shop::open().await;
    let order = shop.place(json!({ "id": 600, "payment": "declined", "lines": [{ "sku": "A" }] })).await;
    assert_eq!((&order["status_id"], &order["payment_status"]), (&json!(6), &json!("declined")));
    let rows = shop.get("v3/orders/600/transactions").await.json()["data"].clone();
    assert_eq!((&rows[0]["event"], &rows[0]["status"]), (&json!("purchase"), &json!("error")), "such a row is no money");
    let order = shop.place(json!({ "id": 601, "payment": "pending", "lines": [{ "sku": "A" }] })).await;
    assert_eq!((&order["status_id"], &order["payment_status"]), (&json!(7), &json!("pending")));
    let settled = shop.sim("POST", "stores/abc123/orders/601/settle", json!({})).await;
    assert_eq!(settled["payment_status"], "paid");
    let rows = shop.get("v3/orders/601/transactions").await.json()["data"].clone();
    assert_eq!((&rows[0]["event"], &rows[1]["event"], &rows[1]["reference_transaction_id"]), (&json!("pending"), &json!("settled"), &rows[0]["id"]));
}

#[tokio::test]
async fn refunds_are_found_by_their_transaction_and_may_be_declined() {
    let shop = Shop::open().await;
    for id in [610, 611] {
        shop.place(json!({ "id": id, "lines": [{ "sku": "A" }] })).await;
    }
    let good = shop.sim("POST", "stores/abc123/orders/610/refund", json!({ "amount": 5 })).await;
    let bad = shop.sim("POST", "stores/abc123/orders/611/refund", json!({ "amount": 5, "declined": true })).await;
    assert_eq!((&good["refund"]["payments"][0]["is_declined"], &bad["refund"]["payments"][0]["is_declined"]), (&json!(false), &json!(true)));
    let transactions = shop.get("v3/orders/611/transactions").await.json()["data"].clone();
    assert_eq!((&transactions[1]["event"], &transactions[1]["status"]), (&json!("refund"), &json!("error")));
    let path = "v3/orders/payment_actions/refunds";
    let transaction = good["refund"]["payments"][0]["transaction_id"].as_str().unwrap();
    let found = shop.get(&format!("{path}?transaction_id={transaction}")).await.json();
    assert_eq!(ids(&found["data"]), [good["refund"]["id"].as_i64().unwrap()]);
    assert_eq!(shop.get(&format!("{path}?transaction_id=1")).await.json()["data"], json!([]));
    assert_eq!(ids(&shop.get(path).await.json()["data"]).len(), 2);
}

#[tokio::test]
async fn messages_are_filtered() {
    let shop = Shop::open().await;
    shop.place(json!({ "id": 620, "lines": [{ "sku": "A" }] })).await;
    for text in ["one", "two", "three"] {
        shop.sim("POST", "stores/abc123/orders/620/message", json!({ "message": text })).await;
        shop.advance(60_000).await;
    }
    let list = async |query: &str| {
        let answer = shop.get(&format!("v2/orders/620/messages?{query}")).await;
        if answer.status == 204 { Vec::new() } else { ids(&answer.json()) }
    };
    let all = list("").await;
    assert_eq!(all.len(), 3);
    assert_eq!(list(&format!("min_id={}", all[1])).await, all[1..]);
    assert_eq!(list(&format!("max_id={}", all[1])).await, all[..2]);
    assert_eq!(list("status=read").await, Vec::<i64>::new());
    assert_eq!(list("status=unread&is_flagged=false&customer_id=0").await, all);
    let second = shop.get("v2/orders/620/messages").await.json()[1]["date_created"].as_str().unwrap().replace('+', "%2B");
    assert_eq!(list(&format!("min_date_created={second}")).await, all[1..]);
    assert_eq!(list(&format!("max_date_created={second}")).await, all[..2]);
    assert_eq!(shop.get("v2/orders/620/messages?min_id=some").await.status, 400);
}

#[tokio::test]
async fn an_order_keeps_what_its_maker_says_of_the_shopper() {
    let shop = Shop::open().await;
    let body = json!({ "billing_address": { "zip": "BS1 1AA" }, "customer_locale": "fr", "ip_address": "198.51.100.7", "geoip_country": "France",
        "products": [{ "name": "Service", "quantity": 1, "price_ex_tax": 1, "price_inc_tax": 1 }] });
    let order = shop.call("POST", "v2/orders", Some(body.clone())).await.json();
    assert_eq!((&order["customer_locale"], &order["ip_address"], &order["geoip_country"]), (&json!("fr"), &json!("198.51.100.7"), &json!("France")));
    let path = format!("v2/orders/{}", order["id"]);
    assert_eq!(shop.call("PUT", &path, Some(json!({ "customer_locale": "de" }))).await.json()["customer_locale"], "de");
    for (field, value) in [("is_email_opt_in", json!(true)), ("credit_card_type", json!("visa")), ("email", json!("a@example.com"))] {
        assert_eq!(shop.call("PUT", &path, Some(json!({ field: value }))).await.status, 400, "{field} would be lost in silence");
    }
}

#[tokio::test]
async fn variants_keep_their_prices_and_products_are_sorted() {
    let shop = Shop::open().await;
    let variant = shop.get("v3/catalog/variants?sku=A").await.json()["data"][0].clone();
    let write = async |fields: Value| {
        let mut row = fields;
        row["id"] = variant["id"].clone();
        shop.call("PUT", "v3/catalog/variants", Some(json!([row]))).await
    };
    let sold = write(json!({ "sale_price": 20, "cost_price": "7.5", "bin_picking_number": "A1" })).await.json()["data"][0].clone();
    assert_eq!((&sold["sale_price"], &sold["calculated_price"], &sold["price"]), (&json!(20.0), &json!(20.0), &variant["price"]));
    let read = shop.get("v3/catalog/variants?sku=A").await.json()["data"][0].clone();
    assert_eq!((&read["cost_price"], &read["bin_picking_number"]), (&json!(7.5), &json!("A1")));
    assert_eq!(write(json!({ "sale_price": null })).await.json()["data"][0]["calculated_price"], variant["calculated_price"]);
    assert_eq!(write(json!({ "sale_price": -1 })).await.status, 422);
    let list = async |query: &str| {
        let rows = shop.get(&format!("v3/catalog/products?{query}")).await.json()["data"].clone();
        rows.as_array().unwrap().iter().map(|row| row["sku"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list("sort=price").await, ["B", "A"]);
    assert_eq!(list("sort=price&direction=desc").await, ["A", "B"]);
    assert_eq!(list("date_modified:max=2001-01-01T00:00:00Z").await, Vec::<String>::new());
    assert_eq!(shop.get("v3/catalog/products?sort=colour").await.status, 422);
    let summary = shop.get("v3/catalog/summary").await.json()["data"].clone();
    assert_eq!((&summary["variant_count"], &summary["inventory_count"]), (&json!(2), &json!(200)));
}
