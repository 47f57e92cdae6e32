//! Where the sources are ambiguous: each reading is a switch (BC §j.2).

use serde_json::{Value, json};

use crate::harness::{Shop, d, money};

#[tokio::test]
async fn the_addresses_path_may_have_one_spelling_only() {
    let shop = Shop::open().await;
    let order = shop.place(json!({ "id": 510, "lines": [{ "sku": "A" }] })).await;
    let to = order["shipping_addresses"][0]["id"].as_i64().unwrap();
    for (served, other) in [("shipping_addresses", "shippingaddresses"), ("shippingaddresses", "shipping_addresses")] {
        shop.switch("address_spelling", json!(served)).await;
        for path in [served.to_owned(), format!("{served}/{to}"), format!("{served}/{to}/shipping_quotes")] {
            assert!([200, 204].contains(&shop.get(&format!("v2/orders/510/{path}")).await.status), "{path}");
            assert_eq!(shop.get(&format!("v2/orders/510/{}", path.replace(served, other))).await.status, 404, "{path}");
        }
        let put = async |name: &str| shop.call("PUT", &format!("v2/orders/510/{name}/{to}"), Some(json!({ "city": "York" }))).await.status;
        assert_eq!(put(served).await, 200);
        assert!(put(other).await >= 400);
        assert_eq!(shop.get("v2/orders/510/products").await.status, 200, "other parts are as they were");
    }
}

#[tokio::test]
async fn discounts_of_a_tax_exclusive_store_may_be_amounts_without_tax() {
    let shop = Shop::open().await;
    let wish = json!({ "discount": 12, "lines": [{ "sku": "A", "quantity": 2 }] });
    let order = shop.place(wish.clone()).await;
    assert_eq!((money(&order, "total_inc_tax"), money(&order, "total_tax")), (d("48"), d("8")), "with tax inside by default");
    shop.switch("discount_basis", json!("exclusive")).await;
    let order = shop.place(wish.clone()).await;
    assert_eq!((money(&order, "total_ex_tax"), money(&order, "total_tax"), money(&order, "total_inc_tax")), (d("38"), d("7.6"), d("45.6")));
    assert_eq!((money(&order, "discount_amount"), money(&order["products"][0], "discounted_total_inc_tax")), (d("12"), d("45.6")));
    let id = order["id"].as_i64().unwrap();
    let paid = shop.get(&format!("v3/orders/{id}/transactions")).await.json()["data"][0]["amount"].clone();
    assert_eq!(paid, json!(45.6), "that is what the shopper pays");
    let back = shop.sim("POST", &format!("stores/abc123/orders/{id}/refund"), json!({})).await;
    assert_eq!(back["order"]["status_id"], 4, "and can have back");
    let percent = json!({ "coupons": [{ "code": "TEN", "type": 1, "amount": 10 }], "lines": [{ "sku": "A", "quantity": 2 }] });
    let order = shop.place(percent).await;
    assert_eq!((money(&order, "coupon_discount"), money(&order, "total_inc_tax")), (d("5"), d("54")));
    let mut inclusive = wish;
    inclusive["tax_inclusive"] = json!(true);
    assert_eq!(money(&shop.place(inclusive).await, "total_inc_tax"), d("38"), "prices with tax have discounts with tax");
}

#[tokio::test]
async fn free_shipping_may_keep_its_tax() {
    let shop = Shop::open().await;
    let wish = json!({ "shipping": 5, "coupons": [{ "code": "FREE", "type": 4 }], "lines": [{ "sku": "A" }] });
    for (switch, tax, total_tax) in [("none", "0.0000", "5"), ("full", "1.0000", "6")] {
        shop.switch("free_shipping_tax", json!(switch)).await;
        let order = shop.place(wish.clone()).await;
        let row = order["taxes"].as_array().unwrap().iter().find(|row| row["line_item_type"] == "shipping").unwrap().clone();
        assert_eq!((&row["line_amount"], money(&order, "total_tax")), (&json!(tax), d(total_tax)), "{switch}");
        assert_eq!((money(&order, "total_inc_tax"), money(&order, "coupon_discount")), (d("30"), d("6")), "{switch}");
    }
    let part = shop.place(json!({ "shipping": 5, "coupons": [{ "code": "HALF", "type": 3, "amount": 3 }], "lines": [{ "sku": "A" }] })).await;
    assert_eq!(money(&part, "total_tax"), d("5.5"), "a discount on shipping takes its share of the tax either way");
}

#[tokio::test]
async fn exchange_rates_may_be_the_other_way_round() {
    let shop = Shop::open_with(json!({ "currencies": [{ "code": "EUR", "rate": 1.25 }] })).await;
    shop.place(json!({ "id": 520, "currency": "EUR", "display_currency": "GBP", "display_rate": "0.5", "lines": [{ "sku": "A" }] })).await;
    for (switch, store, shown) in [("direct", "1.2500000000", "0.5000000000"), ("inverse", "0.8000000000", "2.0000000000")] {
        shop.switch("exchange_rate", json!(switch)).await;
        let order = shop.get("v2/orders/520").await.json();
        assert_eq!(order["store_default_to_transactional_exchange_rate"], store, "{switch}");
        assert_eq!(order["currency_exchange_rate"], shown, "{switch}");
    }
}

#[tokio::test]
async fn a_wrapping_cost_may_be_for_each_piece() {
    let shop = Shop::open().await;
    let wish = json!({ "lines": [{ "sku": "A", "quantity": 3, "wrapping": { "cost": "2.50" } }] });
    for (switch, of_order, total) in [("line", "2.5", "93"), ("piece", "7.5", "99")] {
        shop.switch("wrapping_cost", json!(switch)).await;
        let order = shop.place(wish.clone()).await;
        assert_eq!(money(&order["products"][0], "wrapping_cost_ex_tax"), d("2.5"), "{switch}: the line says the same");
        assert_eq!((money(&order, "wrapping_cost_ex_tax"), money(&order, "total_inc_tax")), (d(of_order), d(total)), "{switch}");
    }
}

#[tokio::test]
async fn loosely_typed_answers_are_loose_all_the_way_down() {
    let shop = Shop::open().await;
    shop.place(json!({ "id": 530, "shipping": 5, "lines": [{ "sku": "A" }] })).await;
    shop.switch("money_as_number", json!(true)).await;
    shop.switch("null_for_empty", json!(true)).await;
    let order = shop.get("v2/orders/530").await.json();
    assert_eq!((&order["subtotal_ex_tax"], &order["total_inc_tax"]), (&json!(25.0), &json!(36.0)));
    assert_eq!((&order["billing_address"]["company"], &order["date_shipped"]), (&Value::Null, &json!("")));
    assert_eq!(order["currency_exchange_rate"], "1.0000000000", "rates stay text");
    let line = shop.get("v2/orders/530/products").await.json()[0].clone();
    assert_eq!((&line["price_inc_tax"], &line["total_tax"], &line["upc"]), (&json!(30.0), &json!(5.0), &Value::Null));
    assert_eq!(shop.get("v2/orders/530/shipping_addresses").await.json()[0]["cost_inc_tax"], json!(6.0));
}
