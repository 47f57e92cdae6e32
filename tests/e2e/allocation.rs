//! Stock is reserved for new sales orders as the rules say, read back, and told.

use std::time::Duration;

use serde_json::{Value, json};

use crate::installation::{Installation, run, shared};
use crate::merchant::{Merchant, SECTIONS, Wish};
use crate::payments::PAYMENTS;
use crate::wait::{SOON, stays, until};

const ON_CREATION: &str = "channel = 5\nwarehouse = 2\nallocation = \"on-creation\"\n";
const WHEN_PAID: &str = "channel = 5\nwarehouse = 2\nallocation = \"when-paid\"\n";
/// Longer than it takes to look at an order again.
const A_WHILE: Duration = Duration::from_secs(4);

async fn merchant<'a>(installation: &'a Installation, orders: &'static str) -> Merchant<'a> {
    Merchant::with(installation, Wish { orders, ..Wish::default() }).await
}

/// A product that this much is in stock of.
async fn stock(merchant: &Merchant<'_>, sku: &str, pieces: u64) {
    merchant.account("products", json!({"products": [{"sku": sku, "name": sku, "stock": pieces}]})).await;
}

async fn place(merchant: &Merchant<'_>, sku: &str, quantity: u32) -> u64 {
    merchant.place(json!({"lines": [{"name": "Thing", "sku": sku, "quantity": quantity, "price": 2, "tax_rate": 20}]})).await
}

/// Pieces that are reserved for an order.
async fn reserved(merchant: &Merchant<'_>, order: u64) -> u64 {
    let found = merchant.sales_orders(order).await;
    let states = found.first().map(|order| order["rowStates"].clone()).unwrap_or_default();
    states.as_object().map_or(0, |rows| rows.values().map(|row| row["reserved"].as_u64().unwrap()).sum())
}

/// Waits until the timeline tells of it.
async fn told(merchant: &Merchant<'_>, order: u64, what: &str) {
    until(&format!("the timeline of {}/{order} tells {what}", merchant.id), SOON, || async {
        merchant.timeline(order).await.contains(what).then_some(())
    })
    .await;
}

/// How often the reservation service was called so.
async fn count(merchant: &Merchant<'_>, method: &str) -> usize {
    let calls = merchant.calls(&merchant.installation.brightpearl, &format!("method={method}&path=/reservation")).await;
    calls.len()
}

/// Something that has the order looked at, from Brightpearl's side.
async fn look_again(merchant: &Merchant<'_>, sales_order: &Value) {
    merchant.account("events", json!({"event": "order.modified.order-status", "id": sales_order["id"]})).await;
}

#[test]
fn stock_is_reserved_on_creation_and_read_back_with_two_calls() {
    run(async {
        let merchant = merchant(shared().await, ON_CREATION).await;
        let order = merchant
            .place(json!({"lines": [{"sku": "SKU-5", "quantity": 2, "tax_rate": 20}, {"sku": "SKU-6", "quantity": 3, "tax_rate": 20}],
                "shipping": {"cost": "4.50", "tax_rate": 20}}))
            .await;
        merchant.synced(order).await;
        told(&merchant, order, "all 5 pieces").await;
        assert_eq!(reserved(&merchant, order).await, 5);
        stays("nothing more is called", A_WHILE, async || {
            (count(&merchant, "POST").await, count(&merchant, "GET").await, count(&merchant, "PUT").await) == (1, 1, 0)
        })
        .await;
        let sales_order = merchant.sales_orders(order).await.remove(0);
        look_again(&merchant, &sales_order).await;
        stays("nor when it is looked at again", A_WHILE, async || (count(&merchant, "POST").await, count(&merchant, "GET").await) == (1, 1)).await;
    });
}

#[test]
fn a_part_is_told_and_the_rest_is_set_later_when_it_is_in_stock() {
    run(async {
        let installation = Installation::new(&[]).await;
        let _all = installation.start("all", &[]).await;
        let merchant = merchant(&installation, ON_CREATION).await;
        stock(&merchant, "SCARCE", 3).await;
        let order = place(&merchant, "SCARCE", 5).await;
        let sales_order = merchant.synced(order).await;
        told(&merchant, order, "reserved 3 of 5 of row").await;
        assert_eq!(reserved(&merchant, order).await, 3);
        merchant.account("stock", json!({"sku": "SCARCE", "quantity": 10})).await;
        look_again(&merchant, &sales_order).await;
        stays("not at every event", A_WHILE, async || count(&merchant, "PUT").await == 0).await;
        installation.advance(Duration::from_secs(16 * 60));
        look_again(&merchant, &sales_order).await;
        told(&merchant, order, "all 5 pieces").await;
        assert_eq!(reserved(&merchant, order).await, 5);
        assert_eq!((count(&merchant, "POST").await, count(&merchant, "PUT").await), (1, 1));
    });
}

#[test]
fn nothing_on_hand_is_told_holds_nothing_up_and_is_not_tried_at_every_event() {
    run(async {
        let merchant = merchant(shared().await, ON_CREATION).await;
        stock(&merchant, "EMPTY", 0).await;
        let order = place(&merchant, "EMPTY", 2).await;
        let sales_order = merchant.synced(order).await;
        told(&merchant, order, "not-in-stock").await;
        assert!(merchant.held().await.is_empty());
        merchant.account(&format!("orders/{}/status", sales_order["id"]), json!({"status_id": 18})).await;
        until("the status is carried all the same", SOON, || async { (merchant.store_order(order).await["status_id"] == json!(9)).then_some(()) })
            .await;
        stays("it is not tried again in vain", A_WHILE, async || count(&merchant, "POST").await == 1).await;
    });
}

#[test]
fn an_unpaid_order_is_reserved_once_it_is_paid() {
    run(async {
        let merchant = merchant(shared().await, WHEN_PAID).await;
        let order = place(&merchant, "SKU-5", 2).await;
        let sales_order = merchant.synced(order).await;
        told(&merchant, order, "allocation-waits").await;
        assert_eq!((reserved(&merchant, order).await, count(&merchant, "POST").await), (0, 0));
        let id = &sales_order["id"];
        merchant.account(&format!("orders/{id}/pay"), json!({"amount": sales_order["totalValue"]["total"]})).await;
        look_again(&merchant, &sales_order).await;
        told(&merchant, order, "all 2 pieces").await;
        assert_eq!(reserved(&merchant, order).await, 2);
    });
}

#[test]
fn an_order_with_nothing_to_pay_counts_as_paid() {
    run(async {
        let merchant = merchant(shared().await, WHEN_PAID).await;
        let order = merchant.place(json!({"lines": [{"sku": "SKU-5", "quantity": 2, "price": 0, "tax_rate": 0}]})).await;
        merchant.synced(order).await;
        told(&merchant, order, "all 2 pieces").await;
        assert_eq!(reserved(&merchant, order).await, 2);
    });
}

#[test]
fn what_is_reserved_already_is_success_and_nothing_is_added() {
    run(async {
        let merchant = merchant(shared().await, WHEN_PAID).await;
        let order = place(&merchant, "SKU-5", 2).await;
        let sales_order = merchant.synced(order).await;
        told(&merchant, order, "allocation-waits").await;
        merchant.account(&format!("orders/{}/allocate", sales_order["id"]), json!({})).await;
        look_again(&merchant, &sales_order).await;
        told(&merchant, order, "all 2 pieces").await;
        stays("two pieces, by nobody but them", A_WHILE, async || reserved(&merchant, order).await == 2 && count(&merchant, "POST").await == 0).await;
        assert!(merchant.held().await.is_empty());
    });
}

#[test]
fn free_text_untracked_products_and_bundles_are_left_out_and_components_are_not() {
    run(async {
        let merchant = merchant(shared().await, ON_CREATION).await;
        let products =
            json!({"products": [{"sku": "SERVICE", "name": "Service", "stock_tracked": false}, {"sku": "LEAF", "name": "Leaf", "stock": 50}]});
        merchant.account("products", products).await;
        merchant.account("products", json!({"products": [{"sku": "KIT", "name": "Kit", "components": [{"sku": "LEAF", "quantity": 2}]}]})).await;
        let line = |sku: &str, quantity: u32| json!({"name": "Thing", "sku": sku, "quantity": quantity, "price": 2, "tax_rate": 20});
        let order = merchant
            .place(json!({"lines": [line("SERVICE", 1), line("KIT", 3), line("SKU-5", 1)], "shipping": {"cost": "4.50", "tax_rate": 20}}))
            .await;
        merchant.synced(order).await;
        told(&merchant, order, "all 7 pieces").await;
        assert_eq!(reserved(&merchant, order).await, 7);
    });
}

#[test]
fn switched_off_nothing_is_reserved() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        let order = merchant.place_simple().await;
        merchant.synced(order).await;
        stays("nothing is reserved", A_WHILE, async || count(&merchant, "POST").await == 0 && reserved(&merchant, order).await == 0).await;
    });
}

#[test]
fn an_order_in_a_fraud_check_waits_for_the_store() {
    run(async {
        let merchant = merchant(shared().await, WHEN_PAID).await;
        let order = place(&merchant, "SKU-5", 2).await;
        let sales_order = merchant.synced(order).await;
        merchant.store(&format!("orders/{order}/status"), json!({"status": 12})).await;
        told(&merchant, order, "has checked the order").await;
        merchant.account(&format!("orders/{}/pay", sales_order["id"]), json!({"amount": sales_order["totalValue"]["total"]})).await;
        look_again(&merchant, &sales_order).await;
        stays("it waits", A_WHILE, async || count(&merchant, "POST").await == 0).await;
        merchant.store(&format!("orders/{order}/status"), json!({"status": 11})).await;
        told(&merchant, order, "all 2 pieces").await;
    });
}

#[test]
fn a_payment_that_was_just_booked_lets_the_stock_be_reserved_in_the_same_go() {
    run(async {
        let merchant = merchant(shared().await, WHEN_PAID).await;
        merchant.import(WHEN_PAID, &format!("{SECTIONS}{PAYMENTS}")).await;
        let order = merchant.place(json!({"lines": [{"sku": "SKU-5", "quantity": 2, "tax_rate": 20}], "payment": "card"})).await;
        told(&merchant, order, "all 2 pieces").await;
        assert_eq!(reserved(&merchant, order).await, 2);
        assert_eq!(merchant.sales_orders(order).await[0]["orderPaymentStatus"], json!("PAID"));
    });
}
