//! Totals add up in every mode.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::harness::{Shop, d, money};

/// Everything that must hold for any order.
fn adds_up(order: &Value) {
    let lines = order["products"].as_array().unwrap();
    let total = money(order, "total_inc_tax");
    let places = match order["default_currency_code"].as_str() {
        Some("JPY") => 0,
        Some("KWD") => 3,
        _ => 2,
    };
    assert_eq!(total, total.round_dp(places), "nobody can pay {total}");
    assert_eq!(money(order, "total_ex_tax") + money(order, "total_tax"), total);
    for part in ["subtotal", "shipping_cost", "handling_cost", "wrapping_cost"] {
        let sides = money(order, &format!("{part}_ex_tax")) + money(order, &format!("{part}_tax"));
        assert_eq!(sides, money(order, &format!("{part}_inc_tax")), "{part}");
    }
    let fees: Decimal = order["fees"].as_array().unwrap().iter().map(|fee| money(fee, "cost_inc_tax")).sum();
    let parts = money(order, "subtotal_inc_tax")
        + money(order, "shipping_cost_inc_tax")
        + money(order, "handling_cost_inc_tax")
        + money(order, "wrapping_cost_inc_tax")
        + fees
        - money(order, "discount_amount")
        - money(order, "coupon_discount");
    assert_eq!(parts, total, "{order}");
    for line in lines {
        let off: Decimal = line["applied_discounts"].as_array().unwrap().iter().map(|row| money(row, "amount")).sum();
        assert_eq!(money(line, "discounted_total_inc_tax"), money(line, "total_inc_tax") - off);
        assert_eq!(money(line, "total_ex_tax") + money(line, "total_tax"), money(line, "total_inc_tax"));
    }
    let tax: Decimal = order["taxes"].as_array().unwrap().iter().map(|row| money(row, "line_amount")).sum();
    assert!((tax - money(order, "total_tax")).abs() < Decimal::new(1, places), "tax rows {tax} of {order}");
}

/// Lines sum to the subtotal exactly; holds with rate rounding.
fn lines_add_up(order: &Value) {
    let lines = order["products"].as_array().unwrap();
    let sum: Decimal = lines.iter().map(|line| money(line, "total_inc_tax")).sum();
    assert_eq!(sum, money(order, "subtotal_inc_tax"));
    let tax: Decimal = order["taxes"].as_array().unwrap().iter().map(|row| money(row, "line_amount")).sum();
    assert_eq!(tax, money(order, "total_tax"));
}

fn everything() -> Value {
    json!({ "shipping": { "cost": "4.99" }, "handling": "1.25", "discount": "3.33", "currency": "GBP",
        "coupons": [{ "code": "TEN", "type": 1, "amount": 10 }, { "code": "EACH", "type": 0, "amount": "0.50" }, { "code": "SHIP", "type": 3, "amount": 2 }],
        "fees": [{ "name": "Packing", "cost": "0.99" }],
        "lines": [{ "sku": "A", "quantity": 3, "price": "9.99" }, { "sku": "B", "price": "0.35", "quantity": 7, "tax_rate": 5 },
                  { "name": "Service", "price": "12.34", "tax_rate": 0 },
                  { "name": "Two taxes", "price": "19.99", "tax_rates": [{ "name": "GST", "rate": 5 }, { "name": "PST", "rate": "9.975" }],
                    "wrapping": { "cost": "2.50", "message": "Happy birthday" }, "discount": "1.11" }] })
}

#[tokio::test]
async fn totals_add_up_in_both_tax_modes_and_both_roundings() {
    let shop = Shop::open().await;
    for inclusive in [false, true] {
        for rounding in ["RATE_ROUNDING", "NO_ROUNDING"] {
            for currency in ["GBP", "JPY", "KWD"] {
                let mut order = everything();
                order["tax_inclusive"] = json!(inclusive);
                order["rounding"] = json!(rounding);
                order["currency"] = json!(currency);
                let order = shop.place(order).await;
                assert_eq!(order["is_tax_inclusive_pricing"], inclusive);
                assert_eq!(order["default_currency_code"], currency);
                adds_up(&order);
                if rounding == "RATE_ROUNDING" {
                    lines_add_up(&order);
                }
            }
        }
    }
}

#[tokio::test]
async fn no_rounding_keeps_four_decimals_on_lines_and_rounds_the_sums() {
    let shop = Shop::open().await;
    let lines: Vec<Value> = (0..3).map(|_| json!({ "sku": "B", "price": "0.33" })).collect();
    let order = shop.place(json!({ "rounding": "NO_ROUNDING", "lines": lines })).await;
    assert_eq!(money(&order["products"][0], "total_inc_tax"), d("0.3960"));
    assert_eq!((money(&order, "subtotal_inc_tax"), money(&order, "total_tax")), (d("1.1900"), d("0.2000")));
}

#[tokio::test]
async fn a_discount_takes_its_share_of_the_tax() {
    let shop = Shop::open().await;
    let order = shop.place(json!({ "discount": 12, "lines": [{ "sku": "A", "quantity": 2 }] })).await;
    assert_eq!((money(&order, "total_inc_tax"), money(&order, "total_tax"), money(&order, "discount_amount")), (d("48"), d("8"), d("12")));
    assert_eq!(money(&order["products"][0], "total_tax"), d("10"), "line totals are before the discount");
    assert_eq!(order["products"][0]["applied_discounts"][0]["code"], Value::Null);
}

#[tokio::test]
async fn free_shipping_leaves_the_cost_and_drops_its_tax() {
    let shop = Shop::open().await;
    let order = shop.place(json!({ "shipping": 5, "coupons": [{ "code": "FREE", "type": 4 }], "lines": [{ "sku": "A" }] })).await;
    assert_eq!((money(&order, "shipping_cost_inc_tax"), money(&order, "coupon_discount")), (d("6"), d("6")));
    assert_eq!((money(&order, "total_inc_tax"), money(&order, "total_tax")), (d("30"), d("5")));
    let shipping = order["taxes"].as_array().unwrap().iter().find(|row| row["line_item_type"] == "shipping").unwrap();
    assert_eq!(shipping["line_amount"], "0.0000");
    assert_eq!(order["coupons"][0]["discount"], json!(6.0), "a number by default");
    shop.switch("coupon_amounts", json!("string")).await;
    let id = order["id"].as_i64().unwrap();
    assert_eq!(shop.get(&format!("v2/orders/{id}/coupons")).await.json()[0]["discount"], "6.0000");
}

#[tokio::test]
async fn the_total_is_before_credits_unless_switched() {
    let shop = Shop::open().await;
    let order = shop.place(json!({ "id": 500, "store_credit": 4, "gift_certificate": 6, "lines": [{ "sku": "A" }] })).await;
    assert_eq!(money(&order, "total_inc_tax"), d("30"));
    let rows = shop.get("v3/orders/500/transactions").await.json()["data"].clone();
    let paid: Vec<(&str, f64)> =
        rows.as_array().unwrap().iter().map(|row| (row["method"].as_str().unwrap(), row["amount"].as_f64().unwrap())).collect();
    assert_eq!(paid, [("gift_certificate", 6.0), ("store_credit", 4.0), ("credit_card", 20.0)]);
    shop.switch("total_after_credits", json!(true)).await;
    assert_eq!(shop.get("v2/orders/500").await.json()["total_inc_tax"], "20.0000");
    shop.switch("money_as_number", json!(true)).await;
    assert_eq!(shop.get("v2/orders/500").await.json()["total_ex_tax"], json!(25.0));
    shop.switch("null_for_empty", json!(true)).await;
    assert_eq!(shop.get("v2/orders/500").await.json()["staff_notes"], Value::Null);
}

#[tokio::test]
async fn tax_rows_name_their_line_only_with_details() {
    let shop = Shop::open().await;
    let order = shop.place(json!({ "id": 501, "shipping": 5, "handling": 1, "fees": [{ "cost": 2 }], "lines": [{ "sku": "A" }] })).await;
    let plain = shop.get("v2/orders/501/taxes").await.json();
    assert!(plain[0].get("order_product_id").is_none());
    let rows = shop.get("v2/orders/501/taxes?details=true").await.json();
    let kinds: Vec<&Value> = rows.as_array().unwrap().iter().map(|row| &row["line_item_type"]).collect();
    assert_eq!(kinds, [&json!("item"), &json!("shipping"), &json!("handling"), &Value::Null]);
    assert_eq!(rows[0]["order_product_id"], order["products"][0]["id"]);
    assert_eq!((&rows[0]["rate"], &rows[0]["line_amount"]), (&json!("20.0000"), &json!("5.0000")));
    shop.switch("tax_row_ids", json!("string")).await;
    shop.switch("fee_tax_rows", json!("none")).await;
    let rows = shop.get("v2/orders/501/taxes?details=true").await.json();
    assert_eq!(rows.as_array().unwrap().len(), 3);
    assert!(rows[0]["order_product_id"].is_string() && rows[0]["sales_tax_id"].is_string());
}

#[tokio::test]
async fn several_addresses_share_the_shipping() {
    let shop = Shop::open().await;
    let order = shop
        .place(json!({ "addresses": [{ "city": "York", "shipping": 5 }, { "city": "Leeds", "shipping": { "cost": 7 }, "shipping_method": "DPD" }],
            "lines": [{ "sku": "A", "address": 0 }, { "sku": "B", "address": 1, "quantity": 2 }] }))
        .await;
    let to = &order["shipping_addresses"];
    assert_eq!(order["shipping_address_count"], 2);
    assert_eq!(money(&order, "shipping_cost_ex_tax"), d("12"));
    assert_eq!((to[1]["city"].as_str(), to[1]["shipping_method"].as_str(), to[1]["items_total"].as_i64()), (Some("Leeds"), Some("DPD"), Some(2)));
    assert_eq!(order["products"][1]["order_address_id"], to[1]["id"]);
}

#[tokio::test]
async fn random_orders_add_up_and_repeat_for_a_seed() {
    let made = async || {
        let shop = Shop::open().await;
        shop.sim("POST", "stores/abc123/products", json!({ "count": 20, "prefix": "R-" })).await;
        let wish = json!({ "count": 30, "lines_max": 6, "currencies": ["GBP", "EUR"], "full": true });
        let mut orders = shop.sim("POST", "stores/abc123/orders/random", wish).await["orders"].as_array().unwrap().clone();
        orders.iter_mut().for_each(|order| {
            adds_up(order);
            order.as_object_mut().unwrap().retain(|name, _| name == "total_inc_tax" || name == "customer_id");
        });
        orders
    };
    assert_eq!(made().await, made().await);
}
