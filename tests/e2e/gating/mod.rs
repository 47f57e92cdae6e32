//! Which orders become sales orders, with which contact, and with what on them.

mod by_hand;
mod carried;

use std::time::Duration;

use serde_json::{Value, json};

use crate::installation::{run, shared};
use crate::merchant::{Merchant, Wish};
use crate::wait::{SOON, stays, until};

async fn with(orders: &'static str) -> Merchant<'static> {
    Merchant::with(shared().await, Wish { orders, ..Wish::default() }).await
}

/// A plain order with more said of it.
fn order(more: Value) -> Value {
    let mut order = json!({"lines": [{"sku": "SKU-5", "quantity": 2, "tax_rate": 20}], "shipping": {"cost": "4.50", "tax_rate": 20}});
    order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    order
}

/// Waits until the order's timeline says so, and looks that nothing was made of it.
async fn left_alone(merchant: &Merchant<'_>, order: u64, reason: &str) {
    until(&format!("{order} is left alone: {reason}"), SOON, || async {
        let timeline: Value = serde_json::from_str(&merchant.timeline(order).await).unwrap();
        timeline.to_string().contains(&format!("\"{reason}\"")).then_some(())
    })
    .await;
    assert!(merchant.sales_orders(order).await.is_empty());
}

async fn pause(merchant: &Merchant<'_>, command: &str) {
    merchant.installation.orderbridge(&["tenant", command, &merchant.id]).await;
}

/// How many events about an order are among the work that waits.
async fn taken_in(merchant: &Merchant<'_>, order: u64, cause: &str) {
    let sql =
        format!("select count(*) from work_items where scope = '{}' and kind = 'order' and entity = {order} and cause = '{cause}'", merchant.id);
    until(&format!("{cause} of {order} is taken in"), SOON, || async { (merchant.installation.sql(&sql).await == "1").then_some(()) }).await;
}

async fn command(merchant: &Merchant<'_>, arguments: &[&str]) -> (bool, String) {
    let output = merchant.installation.try_orderbridge(&[arguments, &["--tenant", &merchant.id]].concat()).await;
    (output.status.success(), format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

async fn import(merchant: &Merchant<'_>, order: u64) -> (bool, String) {
    command(merchant, &["order", "import", &order.to_string()]).await
}

async fn creations(merchant: &Merchant<'_>) -> usize {
    merchant.calls(&merchant.installation.brightpearl, "method=POST&path=/order-service/sales-order").await.len()
}

/// What the account has of one kind.
async fn in_account(merchant: &Merchant<'_>, what: &str) -> Vec<Value> {
    let found = merchant.installation.look(&merchant.installation.brightpearl, &format!("accounts/{}/{what}", merchant.code)).await;
    found[what].as_array().cloned().unwrap_or_default()
}

#[test]
fn an_order_that_an_event_saw_in_a_chosen_status_is_created_though_it_moved_on_and_not_if_it_was_cancelled() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        // Nothing is read before the orders have moved on: only the events say what they were in.
        pause(&merchant, "pause").await;
        let (shipped, cancelled) = (merchant.place_simple().await, merchant.place_simple().await);
        merchant.store(&format!("orders/{shipped}/status"), json!({"status": 2})).await;
        merchant.store(&format!("orders/{cancelled}/status"), json!({"status": 5})).await;
        let unseen = merchant.place(order(json!({"checkout": "direct", "status": 2}))).await;
        taken_in(&merchant, unseen, "store/order/created").await;
        pause(&merchant, "resume").await;
        let sales_order = merchant.synced(shipped).await;
        assert_eq!(sales_order["orderStatus"]["orderStatusId"], json!(21), "with the status of what it is now");
        left_alone(&merchant, cancelled, "order-undone").await;
        left_alone(&merchant, unseen, "status-not-selected").await;
        assert!(merchant.timeline(shipped).await.contains("seen-in-chosen-status"));
        assert_eq!(
            merchant
                .installation
                .sql(&format!("select count(*) from order_marks where tenant = '{}' and store_order = {shipped}", merchant.id))
                .await,
            "0"
        );
    });
}

#[test]
fn an_order_that_was_read_in_a_chosen_status_is_created_though_it_moved_on_while_it_was_held() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        // Made by an app in the chosen status: no event tells of a status.
        let made = json!({"checkout": "direct", "status": 11, "lines": [{"name": "New", "sku": "NEW-7", "quantity": 1, "price": 3, "tax_rate": 20}]});
        let order = merchant.place(made).await;
        merchant.held_for("unknown-sku:NEW-7").await;
        merchant.store(&format!("orders/{order}/status"), json!({"status": 10})).await;
        merchant.store(&format!("orders/{order}/status"), json!({"status": 3})).await;
        merchant.account("products", json!({"products": [{"sku": "NEW-7", "name": "New", "stock": 5}]})).await;
        merchant.synced(order).await;
    });
}

#[test]
fn an_order_that_was_read_in_a_chosen_status_is_created_though_brightpearl_failed_meanwhile() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        // The account's lists are read with the first order.
        let first = merchant.place_simple().await;
        merchant.synced(first).await;
        let brightpearl = &merchant.installation.brightpearl;
        let away = json!({"method": "GET", "path": "*/contact-service/contact-search*", "tenant": merchant.code,
            "action": {"kind": "status", "status": 503, "body": "<html>Service unavailable</html>"}});
        let rule = merchant.installation.control(brightpearl, "faults", away).await;
        let order = merchant.place(order(json!({"checkout": "direct", "status": 11}))).await;
        let seen = format!("select seen from order_marks where tenant = '{}' and store_order = {order}", merchant.id);
        until("what was read is remembered", SOON, || async { (merchant.installation.sql(&seen).await == "2048").then_some(()) }).await;
        merchant.store(&format!("orders/{order}/status"), json!({"status": 3})).await;
        let mended = merchant.installation.http.delete(format!("{brightpearl}/_sim/faults/{}", rule["id"])).send().await.unwrap();
        assert!(mended.status().is_success());
        merchant.synced(order).await;
    });
}

#[test]
fn a_replay_and_its_dry_run_know_what_events_saw_an_order_in() {
    run(async {
        let merchant = with("channel = 5\nwarehouse = 2\ncreate_statuses = [9]\n").await;
        let placed = merchant.place_simple().await;
        left_alone(&merchant, placed, "status-not-selected").await;
        merchant.store(&format!("orders/{placed}/status"), json!({"status": 2})).await;
        until("it is looked at in its new status", SOON, || async {
            merchant.timeline(placed).await.contains("store status 2 is not").then_some(())
        })
        .await;
        merchant.import_usual().await;
        // By the rules of then it was never in a chosen status: only who goes over the events again finds that by those of now it was.
        merchant.store(&format!("orders/{placed}/notes"), json!({"staff_notes": "again"})).await;
        stays("it is left alone", Duration::from_secs(2), async || merchant.sales_orders(placed).await.is_empty()).await;
        let report = merchant.installation.orderbridge(&["replay", "--tenant", &merchant.id, "--dry-run", "--json"]).await;
        let report: Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["entities"][0]["outcome"], json!("create"), "{report:#}");
        merchant.installation.orderbridge(&["replay", "--tenant", &merchant.id]).await;
        merchant.synced(placed).await;
    });
}

#[test]
fn orders_of_other_channels_and_sources_are_left_alone_with_the_reason() {
    run(async {
        let merchant = with("channel = 5\nwarehouse = 2\nstore_channels = [1]\nexcept_sources = [\"amazon\"]\n").await;
        let elsewhere = merchant.place(order(json!({"channel_id": 2}))).await;
        let marketplace = merchant.place(order(json!({"source": "amazon"}))).await;
        let own = merchant.place_simple().await;
        merchant.synced(own).await;
        left_alone(&merchant, elsewhere, "store-channel-not-selected").await;
        left_alone(&merchant, marketplace, "source-not-selected").await;
        let (fine, told) = import(&merchant, marketplace).await;
        assert!(!fine && told.contains("orders from amazon are left alone"), "{told}");
        assert!(merchant.sales_orders(marketplace).await.is_empty());
    });
}

#[test]
fn orders_of_guests_are_left_alone_where_that_is_chosen() {
    run(async {
        let merchant = with("channel = 5\nwarehouse = 2\nguests = false\n").await;
        let guest = merchant.place_simple().await;
        let customer = merchant.place(order(json!({"customer": {"email": "known@example.com"}}))).await;
        merchant.synced(customer).await;
        left_alone(&merchant, guest, "guest-order").await;
    });
}

#[test]
fn our_own_writes_begin_no_wait_anew() {
    run(async {
        let wish = Wish { settle_seconds: 2, ..Wish::default() };
        let merchant = Merchant::with(shared().await, wish).await;
        let order = merchant.place_simple().await;
        merchant.synced(order).await;
        merchant.store(&format!("orders/{order}/status"), json!({"status": 9})).await;
        until("a status of a linked order waits for nothing", SOON, || async {
            (merchant.sales_orders(order).await[0]["orderStatus"]["orderStatusId"] == json!(18)).then_some(())
        })
        .await;
        stays("one sales order", Duration::from_secs(2), async || creations(&merchant).await == 1).await;
    });
}
