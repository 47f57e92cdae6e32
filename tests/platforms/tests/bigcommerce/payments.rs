//! Transactions, capture, void and refunds (BC §d.9).

use serde_json::{Value, json};

use crate::harness::{Shop, d, money, until};

#[tokio::test]
async fn transactions_have_text_ids_and_empty_objects() {
    let shop = Shop::open().await;
    shop.place(json!({ "id": 400, "lines": [{ "sku": "A" }] })).await;
    let row = shop.get("v3/orders/400/transactions").await.json()["data"][0].clone();
    assert_eq!((&row["order_id"], &row["event"], &row["amount"]), (&json!("400"), &json!("purchase"), &json!(30.0)));
    assert_eq!((&row["offline"], &row["gift_certificate"]), (&json!({}), &json!({})));
    assert!(row["date_created"].as_str().unwrap().ends_with('Z'));
    shop.place(json!({ "id": 401, "payment": "offline", "lines": [{ "sku": "A" }] })).await;
    assert_eq!(shop.get("v3/orders/401/transactions").await.status, 204);
    let order = shop.get("v2/orders/401").await.json();
    assert_eq!(
        (order["status_id"].as_i64(), order["payment_status"].as_str(), order["payment_method"].as_str()),
        (Some(7), Some(""), Some("Bank Deposit"))
    );
    shop.sim("POST", "stores/abc123/orders/401/pay", json!({})).await;
    assert_eq!(shop.get("v2/orders/401").await.json()["status_id"], 11);
    assert_eq!(shop.get("v3/orders/999/transactions").await.status, 404);
}

#[tokio::test]
async fn capture_and_void_happen_later() {
    let shop = Shop::open_with(json!({ "payment_delay_ms": 60_000 })).await;
    shop.place(json!({ "id": 402, "payment": "authorize", "lines": [{ "sku": "A" }] })).await;
    shop.place(json!({ "id": 403, "payment": "authorize", "lines": [{ "sku": "A" }] })).await;
    assert_eq!(shop.call("POST", "v3/orders/402/payment_actions/capture", None).await.status, 201);
    assert_eq!(shop.call("POST", "v3/orders/403/payment_actions/void", None).await.status, 201);
    assert_eq!(shop.get("v2/orders/402").await.json()["payment_status"], "capture pending");
    assert_eq!(shop.call("POST", "v3/orders/402/payment_actions/capture", None).await.status, 422);
    shop.advance(60_000).await;
    until("the capture", async || shop.get("v2/orders/402").await.json()["payment_status"] == "captured").await;
    assert_eq!(shop.get("v2/orders/403").await.json()["payment_status"], "void");
    let rows = shop.get("v3/orders/402/transactions").await.json()["data"].clone();
    assert_eq!((&rows[1]["event"], &rows[1]["reference_transaction_id"]), (&json!("capture"), &rows[0]["id"]));
}

#[tokio::test]
async fn a_refund_is_quoted_made_and_listed() {
    let shop = Shop::open().await;
    let order = shop.place(json!({ "id": 404, "shipping": 5, "lines": [{ "sku": "A", "quantity": 3 }], "discount": "0.10" })).await;
    let (line, address) = (order["products"][0]["id"].clone(), order["shipping_addresses"][0]["id"].clone());
    let items = json!([{ "item_type": "PRODUCT", "item_id": line, "quantity": 1, "reason": "damaged" }, { "item_type": "SHIPPING", "item_id": address, "amount": 6.0 }]);
    let quote = shop.call("POST", "v3/orders/404/payment_actions/refund_quotes", Some(json!({ "items": items }))).await;
    assert_eq!(quote.status, 201, "{}", quote.text);
    let quote = quote.json()["data"].clone();
    assert_eq!((&quote["total_refund_amount"], &quote["refund_methods"][0][0]["provider_id"]), (&json!(35.97), &json!("stripe")));
    let refunds = "v3/orders/404/payment_actions/refunds";
    let pay = |provider: &str, amount: f64| json!({ "items": items, "payments": [{ "provider_id": provider, "amount": amount, "offline": false }] });
    assert_eq!(shop.call("POST", refunds, Some(pay("stripe", 1.0))).await.status, 422);
    assert_eq!(shop.call("POST", refunds, Some(pay("paypal", 35.97))).await.status, 422);
    let guest = shop.call("POST", refunds, Some(pay("storecredit", 35.97))).await;
    assert_eq!(guest.json()["data"][0]["title"], "Unable to provide store credit for a guest customer.");
    let made = shop.call("POST", refunds, Some(pay("stripe", 35.97))).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let refund = made.json()["data"].clone();
    assert!(refund["payments"][0]["transaction_id"].is_string());
    assert!(refund["created"].as_str().unwrap().ends_with("+00:00"));
    let after = shop.get("v2/orders/404").await.json();
    assert_eq!((after["status_id"].as_i64(), after["refunded_amount"].as_str()), (Some(14), Some("0.0000")));
    assert_eq!(shop.get("v2/orders/404/products").await.json()[0]["quantity_refunded"], 1);
    let stock = shop.sim("GET", "stores/abc123/products", json!({})).await;
    assert_eq!(stock[0]["variants"][0]["levels"][0]["onhand"], 97, "the API's refunds do not restock");
    assert_eq!(shop.get(refunds).await.json()["data"], json!([refund]));
    for query in ["", "?order_id:in=404", "?id:in=1&created:min=2001-01-01T00:00:00Z"] {
        assert_eq!(shop.get(&format!("v3/orders/payment_actions/refunds{query}")).await.json()["data"], json!([refund]), "{query}");
    }
    assert_eq!(shop.get("v3/orders/payment_actions/refunds?created:max=2001-01-01").await.json()["data"], json!([]));
    assert_eq!(shop.get("v3/orders/payment_actions/refunds/1").await.json()["data"], refund);
}

#[tokio::test]
async fn the_pieces_of_a_line_are_refunded_to_the_penny() {
    let shop = Shop::open().await;
    let order = shop.place(json!({ "id": 405, "lines": [{ "sku": "A", "quantity": 3 }], "discount": "0.10" })).await;
    let mut back = d("0");
    for _ in 0..3 {
        let items = json!([{ "item_type": "PRODUCT", "item_id": order["products"][0]["id"], "quantity": 1 }]);
        let made = shop.sim("POST", "stores/abc123/orders/405/refund", json!({ "items": items, "restock": true })).await;
        back += made["refund"]["total_amount"].to_string().parse::<rust_decimal::Decimal>().unwrap();
    }
    assert_eq!(back, money(&order, "total_inc_tax"));
    assert_eq!(shop.get("v2/orders/405").await.json()["status_id"], 4);
    assert_eq!(shop.sim_raw("POST", "stores/abc123/orders/405/refund", json!({})).await.status, 422);
    let stock = shop.sim("GET", "stores/abc123/products", json!({})).await;
    assert_eq!(stock[0]["variants"][0]["levels"][0]["onhand"], 100);
}

#[tokio::test]
async fn bad_refunds_are_refused() {
    let shop = Shop::open().await;
    let order = shop.place(json!({ "id": 406, "lines": [{ "sku": "A" }] })).await;
    let line = order["products"][0]["id"].clone();
    for items in [
        json!([]),
        json!([{ "item_type": "PRODUCT", "item_id": line, "quantity": 2 }]),
        json!([{ "item_type": "THING", "item_id": 1 }]),
        json!([{ "item_type": "ORDER", "item_id": 406, "amount": 999 }]),
        json!([{ "item_type": "SHIPPING", "item_id": 999 }]),
    ] {
        let answer = shop.call("POST", "v3/orders/406/payment_actions/refund_quotes", Some(json!({ "items": items }))).await;
        assert_eq!(answer.status, 422, "{items}");
    }
    assert_eq!(shop.get("v2/orders/406").await.json()["status_id"], 11);
    let none: Value = shop.get("v3/orders/406/payment_actions/refunds").await.json()["data"].clone();
    assert_eq!(none, json!([]));
}
