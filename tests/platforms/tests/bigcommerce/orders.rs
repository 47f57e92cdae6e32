//! Reading, writing and listing orders (BC §d).

use serde_json::{Value, json};

use crate::harness::{Shop, d, money};

fn ids(rows: &Value) -> Vec<i64> {
    rows.as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn an_order_has_the_platforms_shapes() {
    let shop = Shop::open().await;
    let placed = shop
        .place(json!({ "id": 10042, "lines": [{ "sku": "A", "quantity": 2 }], "shipping": { "cost": 5, "method": "Royal Mail" },
            "customer_message": "Please leave with neighbour" }))
        .await;
    let order = shop.get("v2/orders/10042").await.json();
    assert_eq!(order["id"], 10042);
    assert_eq!((order["status_id"].as_i64(), order["status"].as_str()), (Some(11), Some("Awaiting Fulfillment")));
    assert_eq!(order["customer_id"], 0);
    assert_eq!(order["date_shipped"], "");
    assert!(order["date_created"].as_str().unwrap().ends_with(" +0000"));
    for (field, amount) in [
        ("subtotal_ex_tax", "50.0000"),
        ("subtotal_inc_tax", "60.0000"),
        ("shipping_cost_ex_tax", "5.0000"),
        ("shipping_cost_tax", "1.0000"),
        ("total_ex_tax", "55.0000"),
        ("total_inc_tax", "66.0000"),
        ("total_tax", "11.0000"),
    ] {
        assert_eq!(order[field], amount, "{field}");
    }
    assert_eq!(order["currency_exchange_rate"], "1.0000000000");
    assert_eq!(order["refunded_amount"], "0.0000");
    assert_eq!(order["payment_status"], "captured");
    let link = json!({ "url": "https://api.bigcommerce.com/stores/abc123/v2/orders/10042/shippingaddresses", "resource": "/orders/10042/shippingaddresses" });
    assert_eq!(order["shipping_addresses"], link);
    assert_eq!(order["external_source"], Value::Null);
    let line = &shop.get("v2/orders/10042/products").await.json()[0];
    assert_eq!(line["id"], placed["products"][0]["id"]);
    assert_eq!((line["sku"].as_str(), line["quantity"].as_i64()), (Some("A"), Some(2)));
    assert_eq!((money(line, "price_inc_tax"), money(line, "total_tax")), (d("30"), d("10")));
    assert_eq!(money(line, "discounted_total_inc_tax"), d("60"));
    for spelling in ["shipping_addresses", "shippingaddresses"] {
        let addresses = shop.get(&format!("v2/orders/10042/{spelling}")).await.json();
        assert_eq!(addresses[0]["id"], line["order_address_id"]);
        assert_eq!(addresses[0]["shipping_method"], "Royal Mail");
        assert_eq!(addresses[0]["items_total"], 2);
    }
}

#[tokio::test]
async fn empty_v2_lists_are_204_without_a_body() {
    let shop = Shop::open().await;
    assert_eq!((shop.get("v2/orders").await.status, shop.get("v2/orders").await.text), (204, String::new()));
    let id = shop.place(json!({ "lines": [{ "sku": "A", "type": "digital" }] })).await["id"].as_i64().unwrap();
    for part in ["shipping_addresses", "coupons", "messages", "fees", "shipments", "products?page=2"] {
        let answer = shop.get(&format!("v2/orders/{id}/{part}")).await;
        assert_eq!((answer.status, answer.text.as_str()), (204, ""), "{part}");
    }
    assert_eq!(shop.get("v2/orders?page=9").await.status, 204);
    assert_eq!(shop.get("v2/payments/methods?page=2").await.status, 204);
    let missing = shop.get("v2/orders/999").await;
    assert_eq!(missing.status, 404);
    assert_eq!(missing.json()[0]["status"], 404);
}

#[tokio::test]
async fn lines_come_in_pages_of_fifty_and_at_most_250() {
    let shop = Shop::open().await;
    let lines: Vec<Value> = (0..60).map(|_| json!({ "sku": "B" })).collect();
    let id = shop.place(json!({ "lines": lines })).await["id"].as_i64().unwrap();
    let page = |query: &str| format!("v2/orders/{id}/products{query}");
    assert_eq!(shop.get(&page("")).await.json().as_array().unwrap().len(), 50);
    assert_eq!(shop.get(&page("?page=2")).await.json().as_array().unwrap().len(), 10);
    assert_eq!(shop.get(&page("?page=3")).await.status, 204);
    assert_eq!(shop.get(&page("?limit=250")).await.json().as_array().unwrap().len(), 60);
    assert_eq!(shop.get(&page("?limit=251")).await.status, 413);
    shop.switch("limit_above_max", json!("clamp")).await;
    assert_eq!(shop.get(&page("?limit=251")).await.json().as_array().unwrap().len(), 60);
}

#[tokio::test]
async fn lists_filter_and_sort() {
    let shop = Shop::open().await;
    shop.place(json!({ "id": 200, "lines": [{ "sku": "A" }], "email": "one@example.com", "status": 7 })).await;
    shop.advance(60_000).await;
    shop.place(json!({ "id": 201, "lines": [{ "sku": "A", "quantity": 5 }], "external_order_id": "BP-1" })).await;
    shop.place(json!({ "id": 202, "lines": [{ "sku": "B" }], "checkout": "abandoned" })).await;
    let list = async |query: &str| {
        let answer = shop.get(&format!("v2/orders?{query}")).await;
        if answer.status == 204 { Vec::new() } else { ids(&answer.json()) }
    };
    assert_eq!(list("").await, [200, 201, 202]);
    assert_eq!(list("sort=id:desc").await, [202, 201, 200]);
    assert_eq!(list("sort=date_modified:asc&limit=2").await, [200, 201]);
    assert_eq!(list("min_id=201&max_id=201").await, [201]);
    assert_eq!(list("status_id=7").await, [200]);
    assert_eq!(list("email=ONE@example.com").await, [200]);
    assert_eq!(list("external_order_id=BP-1").await, [201]);
    assert_eq!(list("min_total=100").await, [201]);
    let modified = shop.get("v2/orders/201").await.json()["date_modified"].as_str().unwrap().replace('+', "%2B");
    assert_eq!(list(&format!("min_date_modified={modified}&sort=date_modified")).await, [201, 202], "the bound is inclusive");
    assert_eq!(list("max_date_created=2001-01-01T00:00:00Z").await, Vec::<i64>::new());
    assert_eq!(shop.get("v2/orders?min_date_modified=soon").await.status, 400);
    assert_eq!(shop.get("v2/orders?sort=name").await.status, 400);
    let count = shop.get("v2/orders/count?min_id=201").await.json();
    assert_eq!(count["count"], 2);
    assert_eq!(count["statuses"][11]["count"], 1);
    shop.switch("list_incomplete", json!(false)).await;
    assert_eq!(list("").await, [200, 201]);
    assert_eq!(shop.call("DELETE", "v2/orders/200", None).await.status, 204);
    assert_eq!(list("").await, [201]);
    shop.switch("list_archived", json!(true)).await;
    assert_eq!(list("").await, [200, 201]);
}

#[tokio::test]
async fn a_put_changes_only_what_it_names() {
    let shop = Shop::open().await;
    let before = shop.place(json!({ "id": 300, "lines": [{ "sku": "A" }] })).await;
    shop.advance(5000).await;
    let answer = shop.call("PUT", "v2/orders/300", Some(json!({ "external_order_id": "BP-7", "staff_notes": "packed" }))).await;
    assert_eq!(answer.status, 200);
    let after = answer.json();
    assert_eq!((after["external_order_id"].as_str(), after["staff_notes"].as_str()), (Some("BP-7"), Some("packed")));
    assert_eq!((&after["status_id"], &after["total_inc_tax"]), (&before["status_id"], &before["total_inc_tax"]));
    assert_ne!(after["date_modified"], before["date_modified"]);
    assert_eq!(shop.call("PUT", "v2/orders/300", Some(json!({ "status_id": 9 }))).await.json()["status_id"], 9);
    let archived = shop.call("PUT", "v2/orders/300", Some(json!({ "is_deleted": true }))).await.json();
    assert_eq!(archived["is_deleted"], true);
}

#[tokio::test]
async fn read_only_fields_are_refused_with_the_literal_text() {
    let shop = Shop::open().await;
    let order = shop.place(json!({ "id": 301, "lines": [{ "sku": "A" }] })).await;
    for field in [
        "id",
        "date_modified",
        "status",
        "total_tax",
        "shipping_cost_tax_class_id",
        "payment_status",
        "currency_code",
        "external_merchant_id",
        "order_source",
    ] {
        let answer = shop.call("PUT", "v2/orders/301", Some(json!({ field: "1", "staff_notes": "x" }))).await;
        assert_eq!(answer.status, 400, "{field}");
        let text = format!("The field '{field}' cannot be written to. Please remove it from your request before trying again.");
        assert_eq!(answer.json(), json!([{ "status": 400, "message": text }]));
    }
    let echoed = shop.get("v2/orders/301").await.json();
    assert_eq!(shop.call("PUT", "v2/orders/301", Some(echoed)).await.status, 400, "an echoed order is refused");
    assert_eq!(shop.get("v2/orders/301").await.json()["staff_notes"], order["staff_notes"], "nothing was changed");
    assert_eq!(shop.call("PUT", "v2/orders/301", Some(json!({ "nonsense": 1 }))).await.status, 400);
    assert_eq!(shop.call("PUT", "v2/orders/301", Some(json!({ "status_id": 77 }))).await.status, 400);
    assert_eq!(shop.call("PUT", "v2/orders/301", Some(json!([]))).await.status, 400);
    assert_eq!(shop.call("PATCH", "v2/orders/301", Some(json!({}))).await.status, 405);
}

#[tokio::test]
async fn a_put_of_products_changes_lines_and_drops_their_discounts() {
    let shop = Shop::open().await;
    let order = shop.place(json!({ "id": 302, "discount": 7, "lines": [{ "sku": "A" }, { "sku": "B", "quantity": 2 }] })).await;
    let first = order["products"][0]["id"].as_i64().unwrap();
    let second = &order["products"][1];
    let body =
        json!({ "products": [{ "id": first, "quantity": 3 }, { "name": "Assembly", "quantity": 1, "price_ex_tax": 10, "price_inc_tax": 12 }] });
    let after = shop.call("PUT", "v2/orders/302", Some(body)).await;
    assert_eq!(after.status, 200, "{}", after.text);
    let lines = shop.get("v2/orders/302/products").await.json();
    assert_eq!(lines[0]["quantity"], 3);
    assert_eq!(lines[0]["applied_discounts"], json!([]));
    assert_eq!(lines[1], *second, "an untouched line keeps its id and discounts");
    assert_eq!((lines[2]["product_id"].as_i64(), lines[2]["name"].as_str()), (Some(0), Some("Assembly")));
    let left: rust_decimal::Decimal = lines[1]["applied_discounts"].as_array().unwrap().iter().map(|row| money(row, "amount")).sum();
    assert_eq!(money(&after.json(), "discount_amount"), left);
    let gone = json!({ "products": [{ "id": first, "quantity": 0 }] });
    assert_eq!(shop.call("PUT", "v2/orders/302", Some(gone)).await.status, 200);
    assert_eq!(shop.get("v2/orders/302/products").await.json().as_array().unwrap().len(), 2);
    let unknown = json!({ "products": [{ "id": 999_999, "quantity": 1 }] });
    assert_eq!(shop.call("PUT", "v2/orders/302", Some(unknown)).await.status, 400);
}

#[tokio::test]
async fn orders_can_be_created_over_the_api() {
    let shop = Shop::open().await;
    let products = shop.sim("GET", "stores/abc123/products", json!({})).await;
    let billing = json!({ "first_name": "Ada", "zip": "BS1 1AA", "email": "ada@example.com" });
    let body = json!({ "external_order_id": "BP-9", "billing_address": billing, "shipping_cost_ex_tax": 5, "shipping_cost_inc_tax": 6,
        "products": [{ "product_id": products[0]["id"], "quantity": 2, "price_ex_tax": 25, "price_inc_tax": 30 },
                     { "name": "Assembly service", "sku": "SERV-1", "quantity": 1, "price_ex_tax": 10, "price_inc_tax": 12 }] });
    let answer = shop.call("POST", "v2/orders", Some(body.clone())).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let order = answer.json();
    assert_eq!((money(&order, "total_inc_tax"), money(&order, "total_tax")), (d("78"), d("13")));
    assert_eq!((order["status_id"].as_i64(), order["order_source"].as_str()), (Some(1), Some("external")));
    shop.switch("order_post_status", json!("201")).await;
    assert_eq!(shop.call("POST", "v2/orders", Some(body.clone())).await.status, 201);
    let found = shop.get("v2/orders?external_order_id=BP-9").await.json();
    assert_eq!(found.as_array().unwrap().len(), 2, "there is no idempotency key");
    for (field, value) in [
        ("billing_address", json!({ "first_name": "Ada" })),
        ("products", json!([])),
        ("products", json!([{ "product_id": 9999, "quantity": 1 }])),
        ("products", json!([{ "name": "x", "quantity": 1, "price_ex_tax": 10 }])),
        ("shipping_cost_inc_tax", Value::Null),
    ] {
        let mut bad = body.clone();
        bad[field] = value;
        assert_eq!(shop.call("POST", "v2/orders", Some(bad)).await.status, 400, "{field}");
    }
}

#[tokio::test]
async fn consignments_come_with_the_order_unless_switched_off() {
    let shop = Shop::open().await;
    let order = json!({ "id": 303, "fees": [{ "name": "Packing", "cost": 2 }], "shipping": 5,
        "lines": [{ "sku": "A" }, { "sku": "B", "type": "digital" }, { "sku": "B", "pickup": true }] });
    shop.place(order).await;
    let path = "v2/orders/303?include=consignments.line_items,fees&consignment_structure=object";
    let shown = shop.get(path).await.json();
    let shipping = &shown["consignments"]["shipping"][0];
    assert_eq!(shipping["cost_inc_tax"], json!(6.0), "consignments have numbers");
    assert_eq!(shipping["line_items"][0]["sku"], "A");
    assert_eq!(shipping["line_items"][0]["order_address_id"], shipping["id"]);
    assert_eq!(shown["consignments"]["downloads"][0]["line_items"][0]["type"], "digital");
    assert_eq!(shown["consignments"]["pickups"][0]["line_items"][0]["order_address_id"], 0);
    assert_eq!(shown["fees"][0]["cost_inc_tax"], "2.4000");
    let plain = shop.get("v2/orders/303/consignments").await.json();
    assert!(plain["shipping"][0]["line_items"][0]["resource"].is_string());
    shop.switch("consignments_include", json!(false)).await;
    let shown = shop.get(path).await.json();
    assert!(shown["consignments"]["resource"].is_string() && shown["fees"]["resource"].is_string());
    for (shape, pointer) in [("object", "/fees/0/base_cost"), ("array", "/0/base_cost"), ("single", "/base_cost")] {
        shop.switch("fees_shape", json!(shape)).await;
        assert_eq!(shop.get("v2/orders/303/fees").await.json().pointer(pointer), Some(&json!("2.0000")), "{shape}");
    }
}

#[tokio::test]
async fn an_address_can_be_corrected_without_recalculation() {
    let shop = Shop::open().await;
    let order = shop.place(json!({ "id": 304, "shipping": 5, "lines": [{ "sku": "A" }] })).await;
    let address = order["shipping_addresses"][0]["id"].as_i64().unwrap();
    let path = format!("v2/orders/304/shipping_addresses/{address}");
    let answer = shop.call("PUT", &path, Some(json!({ "city": "York", "zip": "YO1 7HH" }))).await;
    assert_eq!((answer.status, answer.json()["city"].as_str()), (200, Some("York")));
    assert_eq!(shop.get("v2/orders/304").await.json()["total_inc_tax"], order["total_inc_tax"]);
    assert_eq!(shop.call("PUT", &path, Some(json!({ "id": 3 }))).await.status, 400);
    assert_eq!(shop.call("PUT", "v2/orders/304/shipping_addresses/9999", Some(json!({}))).await.status, 404);
}
