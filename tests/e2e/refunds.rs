//! What is refunded or cancelled at the store, as the ledgers of both platforms have it afterwards.

use std::time::Duration;

use serde_json::{Value, json};

use crate::installation::{Installation, run, shared};
use crate::merchant::{Merchant, ORDERS, SECTIONS, Wish};
use crate::payments::PAYMENTS;
use crate::wait::{SOON, stays, until};

/// Refunds switched on beside the payments.
pub const REFUNDS: &str = "\n[payments.refunds]\nenabled = true\n";
const ON_CREATION: &str = "channel = 5\nwarehouse = 2\nallocation = \"on-creation\"\n";
const A_WHILE: Duration = Duration::from_secs(4);

/// A merchant whose payments and refunds are booked.
pub async fn merchant_with<'a>(installation: &'a Installation, orders: &'static str) -> Merchant<'a> {
    let merchant = Merchant::with(installation, Wish { orders, settle_seconds: 1, ..Wish::default() }).await;
    merchant.import(orders, &format!("{SECTIONS}{PAYMENTS}{REFUNDS}")).await;
    merchant
}

/// Three pieces of one thing and one of another, with delivery, paid by card: 28.20.
pub fn order() -> Value {
    json!({"lines": [{"sku": "SKU-5", "quantity": 3, "tax_rate": 20}, {"sku": "SKU-4", "quantity": 1, "tax_rate": 20}],
        "shipping": {"cost": "4.50", "tax_rate": 20}, "payment": "card"})
}

/// Refunds through the control panel; gives the refund.
pub async fn refund(merchant: &Merchant<'_>, order: u64, body: Value) -> Value {
    merchant.store(&format!("orders/{order}/refund"), body).await["refund"].clone()
}

/// An item of a refund: pieces of the line at a place.
pub async fn pieces(merchant: &Merchant<'_>, order: u64, line: usize, quantity: u64) -> Value {
    let id = merchant.store_order(order).await["products"][line]["id"].clone();
    json!({"item_type": "PRODUCT", "item_id": id, "quantity": quantity})
}

async fn delivery(merchant: &Merchant<'_>, order: u64) -> Value {
    let id = merchant.store_order(order).await["shipping_addresses"][0]["id"].clone();
    json!({"item_type": "SHIPPING", "item_id": id})
}

/// The payments of a sales order or credit: type, amount and our key behind the store's part.
fn payments(of: &Value) -> Vec<(String, String, String)> {
    let text = |payment: &Value, field: &str| payment[field].as_str().unwrap().to_owned();
    let rows = of["payments"].as_array().cloned().unwrap_or_default();
    let key = |payment: &Value| text(payment, "transaction_ref").rsplit_once("-refund-").map_or(String::new(), |(_, key)| key.to_owned());
    rows.iter().map(|payment| (text(payment, "type"), text(payment, "amount_paid"), key(payment))).collect()
}

fn receipt(amount: &str) -> (String, String, String) {
    ("RECEIPT".into(), amount.into(), String::new())
}

/// What a refund's own payment is booked as.
fn payment_of(refund: &Value) -> (String, String, String) {
    let paid = &refund["payments"][0];
    ("PAYMENT".into(), format!("{:.2}", paid["amount"].as_f64().unwrap()), format!("{}-{}", refund["id"], paid["id"]))
}

/// Quantities of a sales order by product SKU, and its total.
fn content(sales_order: &Value) -> (Vec<(String, String)>, String) {
    let rows = sales_order["orderRows"].as_object().unwrap().values();
    let mut rows: Vec<(String, String)> = rows
        .map(|row| {
            let name = row["productSku"].as_str().filter(|sku| !sku.is_empty()).or(row["productName"].as_str()).unwrap();
            (name.to_owned(), row["quantity"]["magnitude"].as_str().unwrap().trim_end_matches(".0000").to_owned())
        })
        .collect();
    rows.sort();
    (rows, sales_order["totalValue"]["total"].as_str().unwrap().to_owned())
}

fn rows(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, quantity)| ((*name).to_owned(), (*quantity).to_owned())).collect()
}

/// The sales credits of a refund.
pub async fn credits(merchant: &Merchant<'_>, refund: &Value) -> Vec<Value> {
    let key = format!("bc-{}-refund-{}", merchant.id, refund["id"]);
    let path = format!("accounts/{}/orders?external_ref={key}", merchant.code);
    let found = merchant.installation.look(&merchant.installation.brightpearl, &path).await;
    found["orders"].as_array().cloned().unwrap_or_default()
}

async fn read(merchant: &Merchant<'_>) -> usize {
    merchant.calls(&merchant.installation.bigcommerce, "method=GET&path=/payment_actions/refunds").await.len()
}

/// Calls that changed the account.
async fn writes(merchant: &Merchant<'_>) -> usize {
    let mut count = 0;
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        count += merchant.calls(&merchant.installation.brightpearl, &format!("method={method}")).await.len();
    }
    count
}

async fn paid(merchant: &Merchant<'_>, order: u64) -> Value {
    merchant.synced(order).await;
    until("it is paid", SOON, || async {
        let found = merchant.sales_orders(order).await;
        (payments(&found[0]).len() == 1).then(|| found[0].clone())
    })
    .await
}

/// Waits until the timeline tells of it.
pub async fn told(merchant: &Merchant<'_>, order: u64, what: &str) {
    until(&format!("the timeline of {}/{order} tells {what}", merchant.id), SOON, || async {
        merchant.timeline(order).await.contains(what).then_some(())
    })
    .await;
}

#[test]
fn a_full_refund_before_shipping_pays_back_and_cancels_the_sales_order_once() {
    run(async {
        let installation = Installation::new(&[]).await;
        let _all = installation.start("all", &[]).await;
        installation.control(&installation.bigcommerce, "chaos", json!({"duplicate": 1.0, "reorder": 0.5})).await;
        let merchant = merchant_with(&installation, ON_CREATION).await;
        let order = merchant.place(order()).await;
        paid(&merchant, order).await;
        assert_eq!(read(&merchant).await, 0, "an order that was not refunded costs no read");
        let refund = refund(&merchant, order, json!({})).await;
        told(&merchant, order, "refund-booked").await;
        let is_done = async || {
            let found = &merchant.sales_orders(order).await[0];
            let reserved = found["rowStates"].as_object().unwrap().values().any(|row| row["reserved"] != json!(0));
            found["orderStatus"]["orderStatusId"] == json!(5) && payments(found) == [receipt("28.20"), payment_of(&refund)] && !reserved
        };
        until("it is cancelled", SOON, || async { is_done().await.then_some(()) }).await;
        installation.orderbridge(&["replay", "--tenant", &merchant.id]).await;
        let before = writes(&merchant).await;
        stays("neither echoes nor replays change anything", A_WHILE, async || is_done().await && writes(&merchant).await == before).await;
        assert!(credits(&merchant, &refund).await.is_empty() && merchant.held().await.is_empty());
    });
}

#[test]
fn partial_refunds_before_shipping_come_off_rows_reservation_and_money_and_the_last_cancels() {
    run(async {
        let merchant = merchant_with(shared().await, ON_CREATION).await;
        let order = merchant.place(order()).await;
        paid(&merchant, order).await;
        until("stock is reserved", SOON, || async { merchant.timeline(order).await.contains("all 4 pieces").then_some(()) }).await;
        let one = refund(&merchant, order, json!({"items": [pieces(&merchant, order, 0, 1).await]})).await;
        let expected = |found: &Value, content_: (&[(&str, &str)], &str), payments_: &[(String, String, String)]| {
            content(found) == (rows(content_.0), content_.1.to_owned()) && payments(found) == payments_
        };
        until("one piece came off", SOON, || async {
            let found = &merchant.sales_orders(order).await[0];
            let reserved: u64 = found["rowStates"].as_object().unwrap().values().map(|row| row["reserved"].as_u64().unwrap()).sum();
            let is_off = expected(found, (&[("SKU-4", "1"), ("SKU-5", "2"), ("Shipping", "1")], "22.20"), &[receipt("28.20"), payment_of(&one)]);
            (is_off && reserved == 3).then_some(())
        })
        .await;
        told(&merchant, order, "refund-booked").await;
        assert!(read(&merchant).await <= 3, "once for each event that may tell of one");
        let two = refund(&merchant, order, json!({"items": [delivery(&merchant, order).await]})).await;
        until("delivery came off", SOON, || async {
            let found = &merchant.sales_orders(order).await[0];
            let extra = format!("Refund {}: delivery", two["id"]);
            let wanted: &[(&str, &str)] = &[(&extra, "1"), ("SKU-4", "1"), ("SKU-5", "2"), ("Shipping", "1")];
            expected(found, (wanted, "16.80"), &[receipt("28.20"), payment_of(&one), payment_of(&two)]).then_some(())
        })
        .await;
        let last = refund(&merchant, order, json!({})).await;
        let is_done = async || {
            let found = &merchant.sales_orders(order).await[0];
            found["orderStatus"]["orderStatusId"] == json!(5)
                && payments(found) == [receipt("28.20"), payment_of(&one), payment_of(&two), payment_of(&last)]
        };
        until("the rest is cancelled", SOON, || async { is_done().await.then_some(()) }).await;
        let before = writes(&merchant).await;
        stays("nothing more is done", A_WHILE, async || is_done().await && writes(&merchant).await == before).await;
        assert!(merchant.held().await.is_empty());
    });
}

#[test]
fn what_has_left_is_a_sales_credit_with_the_refunds_total_tax_and_money() {
    run(async {
        let merchant = merchant_with(shared().await, ORDERS).await;
        let order = merchant.place(order()).await;
        let sales_order = paid(&merchant, order).await;
        merchant.ship(&sales_order, json!({"reference": "RM1"})).await;
        merchant.shipped(order, 1).await;
        let before = content(&merchant.sales_orders(order).await[0]);
        let items = json!([pieces(&merchant, order, 0, 2).await, delivery(&merchant, order).await]);
        let goods = refund(&merchant, order, json!({"items": items})).await;
        let amount = refund(&merchant, order, json!({"amount": "3.00"})).await;
        for refund in [&goods, &amount] {
            let credit = until("the credit is paid", SOON, || async {
                let found = credits(&merchant, refund).await;
                found.first().filter(|credit| payments(credit) == [payment_of(refund)]).cloned()
            })
            .await;
            let number = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned).parse::<rust_decimal::Decimal>().unwrap();
            assert_eq!(number(&credit["totalValue"]["total"]), number(&refund["total_amount"]));
            assert_eq!(number(&credit["totalValue"]["taxAmount"]), number(&refund["total_tax"]));
            assert_eq!((&credit["orderTypeCode"], &credit["parentOrderId"]), (&json!("SC"), &sales_order["id"]));
        }
        assert_eq!(content(&credits(&merchant, &goods).await[0]).0, rows(&[(&format!("Refund {}: delivery", goods["id"]), "1"), ("SKU-5", "2")]));
        told(&merchant, order, &format!("refund {} of 3", amount["id"])).await;
        let count = writes(&merchant).await;
        stays("one credit and one payment each", A_WHILE, async || {
            writes(&merchant).await == count && credits(&merchant, &goods).await.len() == 1 && credits(&merchant, &amount).await.len() == 1
        })
        .await;
        let after = &merchant.sales_orders(order).await[0];
        assert_eq!((content(after), payments(after)), (before, vec![receipt("28.20")]), "the sales order stays as it was");
        assert!(merchant.held().await.is_empty());
    });
}

#[test]
fn a_declined_refund_pays_nothing_back_and_what_is_paid_and_not_refunded_is_held_with_the_amount() {
    run(async {
        let merchant = merchant_with(shared().await, ORDERS).await;
        let (declined, cancelled) = (merchant.place(order()).await, merchant.place(order()).await);
        paid(&merchant, declined).await;
        paid(&merchant, cancelled).await;
        refund(&merchant, declined, json!({"declined": true})).await;
        merchant.store(&format!("orders/{cancelled}/cancel"), json!({})).await;
        until("both are held", SOON, || async {
            let held = Value::from(merchant.held().await).to_string();
            let both = [declined, cancelled].iter().all(|order| held.contains(&format!("\"entity\":{order}")) || held.contains(&order.to_string()));
            (both && held.matches("paid, not refunded: 28.20 GBP").count() >= 2).then_some(())
        })
        .await;
        for order in [declined, cancelled] {
            assert_eq!(payments(&merchant.sales_orders(order).await[0]), [receipt("28.20")]);
        }
        let refund = refund(&merchant, cancelled, json!({})).await;
        until("it is cancelled after all", SOON, || async {
            let found = &merchant.sales_orders(cancelled).await[0];
            (found["orderStatus"]["orderStatusId"] == json!(5) && payments(found) == [receipt("28.20"), payment_of(&refund)]).then_some(())
        })
        .await;
    });
}

#[test]
fn a_cancelled_order_without_money_is_cancelled_and_its_stock_released() {
    run(async {
        let merchant = merchant_with(shared().await, ON_CREATION).await;
        let mut wish = order();
        wish["payment"] = json!({"kind": "none"});
        let order = merchant.place(wish).await;
        merchant.store(&format!("orders/{order}/status"), json!({"status": 11})).await;
        merchant.synced(order).await;
        until("stock is reserved", SOON, || async { merchant.timeline(order).await.contains("all 4 pieces").then_some(()) }).await;
        merchant.store(&format!("orders/{order}/cancel"), json!({})).await;
        until("it is cancelled", SOON, || async {
            let found = &merchant.sales_orders(order).await[0];
            let is_free = found["rowStates"].as_object().unwrap().values().all(|row| row["reserved"] == json!(0));
            (found["orderStatus"]["orderStatusId"] == json!(5) && is_free).then_some(())
        })
        .await;
        assert!(merchant.held().await.is_empty());
    });
}

#[test]
fn a_refund_of_an_order_that_was_never_sent_is_skipped_with_a_reason() {
    run(async {
        let merchant = merchant_with(shared().await, ORDERS).await;
        merchant.import("channel = 5\nwarehouse = 2\ncreate_statuses = [9]\n", &format!("{SECTIONS}{PAYMENTS}{REFUNDS}")).await;
        let order = merchant.place(order()).await;
        refund(&merchant, order, json!({})).await;
        told(&merchant, order, "refund-skipped").await;
        assert_eq!(read(&merchant).await, 0);
    });
}

#[test]
fn goods_that_have_left_come_back_into_stock_once_where_the_rules_say() {
    run(async {
        let merchant = merchant_with(shared().await, ORDERS).await;
        let account = merchant.installation.look(&merchant.installation.brightpearl, &format!("accounts/{}", merchant.code)).await;
        let location = account["locations"]["2"].as_array().unwrap().last().unwrap().clone();
        let restock = format!("restock = {{ warehouse = 2, location = {location} }}\n");
        merchant.import(ORDERS, &format!("{SECTIONS}{PAYMENTS}{REFUNDS}{restock}")).await;
        let order = merchant.place(order()).await;
        let sales_order = paid(&merchant, order).await;
        let stock = async || {
            let stock = merchant.installation.look(&merchant.installation.brightpearl, &format!("accounts/{}/stock", merchant.code)).await;
            let of = stock["stock"].as_array().unwrap().iter().find(|one| one["sku"] == json!("SKU-5") && one["warehouse"] == json!(2)).cloned();
            of.unwrap()["locations"][location.to_string()].as_i64().unwrap_or_default()
        };
        let before = stock().await;
        merchant.ship(&sales_order, json!({"reference": "RM1"})).await;
        merchant.shipped(order, 1).await;
        refund(&merchant, order, json!({"items": [pieces(&merchant, order, 0, 2).await]})).await;
        told(&merchant, order, "refund-booked").await;
        let count = writes(&merchant).await;
        stays("two pieces came back, once", A_WHILE, async || stock().await == before + 2 && writes(&merchant).await == count).await;
        assert!(merchant.timeline(order).await.contains("goods-received") && merchant.held().await.is_empty());
    });
}
