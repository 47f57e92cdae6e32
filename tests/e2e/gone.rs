//! Orders of which one side is gone: nothing more is done about them, and nothing is made again.

use std::time::Duration;

use serde_json::json;

use crate::installation::{Installation, run, shared};
use crate::merchant::Merchant;
use crate::wait::{SOON, stays, until};

const A_WHILE: Duration = Duration::from_secs(4);

async fn delete(merchant: &Merchant<'_>, sales_order: u64) {
    let installation = merchant.installation;
    let url = format!("{}/_sim/accounts/{}/orders/{sales_order}", installation.brightpearl, merchant.code);
    assert!(installation.http.delete(url).send().await.unwrap().status().is_success());
}

async fn told(merchant: &Merchant<'_>, order: u64, what: &str) {
    until(&format!("the timeline of {}/{order} tells {what}", merchant.id), SOON, || async {
        merchant.timeline(order).await.contains(what).then_some(())
    })
    .await;
}

/// Staff of the store change its status, which would be carried.
async fn change_status(merchant: &Merchant<'_>, order: u64, status: u64) {
    merchant.store(&format!("orders/{order}/status"), json!({"status": status})).await;
}

async fn writes(merchant: &Merchant<'_>) -> usize {
    let calls = merchant.calls(&merchant.installation.brightpearl, "path=/order-service/").await;
    calls.iter().filter(|call| call["method"] != json!("GET")).count()
}

#[test]
fn a_sales_order_that_is_missing_twice_ten_minutes_apart_is_gone_and_not_made_again() {
    run(async {
        let installation = Installation::new(&[]).await;
        let _all = installation.start("all", &[]).await;
        let merchant = Merchant::new(&installation).await;
        let order = merchant.place_simple().await;
        let sales_order = merchant.synced(order).await["id"].as_u64().unwrap();
        delete(&merchant, sales_order).await;
        let before = writes(&merchant).await;
        change_status(&merchant, order, 9).await;
        told(&merchant, order, "counts as gone if it is still missing").await;
        installation.advance(Duration::from_secs(9 * 60));
        change_status(&merchant, order, 11).await;
        change_status(&merchant, order, 9).await;
        stays("one miss is not gone, nor are two within ten minutes", A_WHILE, async || merchant.held().await.is_empty()).await;
        installation.advance(Duration::from_secs(2 * 60));
        merchant.held_for("sales-order-missing").await;
        // Sweeps look for what changed; nobody asks for this one.
        let reads = async || {
            let calls = merchant.calls(&installation.brightpearl, "method=GET&path=/order-service/").await;
            calls.iter().filter(|call| call["path"].as_str().unwrap().ends_with(&format!("/{sales_order}"))).count()
        };
        let read = reads().await;
        for status in [11, 9] {
            change_status(&merchant, order, status).await;
        }
        merchant.store(&format!("orders/{order}/edit"), json!({"lines": [{"sku": "SKU-7", "quantity": 1, "tax_rate": 20}]})).await;
        installation.advance(Duration::from_secs(24 * 3600));
        change_status(&merchant, order, 11).await;
        stays("nothing is read, written or made again", A_WHILE, async || {
            writes(&merchant).await == before && merchant.sales_orders(order).await.is_empty() && reads().await == read
        })
        .await;
        merchant.held_for("sales-order-missing").await;
    });
}

#[test]
fn a_sales_order_that_is_missed_once_and_is_back_goes_on() {
    run(async {
        let installation = Installation::new(&[]).await;
        let _all = installation.start("all", &[]).await;
        let merchant = Merchant::new(&installation).await;
        let order = merchant.place_simple().await;
        merchant.synced(order).await;
        let none = json!({"method": "GET", "path": "*/order-service/order/*", "tenant": merchant.code, "times": 1,
            "action": {"kind": "status", "status": 200, "body": {"response": []}}});
        installation.control(&installation.brightpearl, "faults", none).await;
        change_status(&merchant, order, 9).await;
        told(&merchant, order, "counts as gone if it is still missing").await;
        installation.advance(Duration::from_secs(11 * 60));
        until("the status is carried", SOON, || async {
            (merchant.sales_orders(order).await[0]["orderStatus"]["orderStatusId"] == json!(18)).then_some(())
        })
        .await;
        told(&merchant, order, "is there again").await;
        assert!(merchant.held().await.is_empty());
    });
}

#[test]
fn an_archived_order_is_gone_and_nothing_is_done_about_it_any_more() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        let order = merchant.place_simple().await;
        let sales_order = merchant.synced(order).await;
        let before = writes(&merchant).await;
        merchant.store(&format!("orders/{order}/archive"), json!({})).await;
        merchant.held_for("order-archived").await;
        merchant.account(&format!("orders/{}/status", sales_order["id"]), json!({"status_id": 22})).await;
        merchant.ship(&sales_order, json!({"reference": "RM1"})).await;
        stays("no effect of any kind", A_WHILE, async || {
            writes(&merchant).await == before && merchant.shipments(order).await.is_empty() && merchant.sales_orders(order).await.len() == 1
        })
        .await;
    });
}
