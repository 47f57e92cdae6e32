//! Statuses go both ways, without echo.

use std::time::Duration;

use serde_json::json;

use crate::installation::{run, shared};
use crate::merchant::Merchant;
use crate::wait::{SOON, stays, until};

#[test]
fn a_status_is_carried_each_way_and_its_echo_is_not() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        let order = merchant.place_simple().await;
        let sales_order = merchant.synced(order).await;
        let id = sales_order["id"].as_u64().unwrap();
        merchant.store(&format!("orders/{order}/status"), json!({"status": 9})).await;
        until("status 18 in Brightpearl", SOON, || async {
            let now = merchant.sales_orders(order).await;
            (now[0]["orderStatus"]["orderStatusId"] == json!(18)).then_some(())
        })
        .await;
        merchant.account(&format!("orders/{id}/status"), json!({"status_id": 22})).await;
        until("status 12 at the store", SOON, || async { (merchant.store_order(order).await["status_id"] == json!(12)).then_some(()) }).await;
        let writes = async || {
            let to_brightpearl = merchant.calls(&installation.brightpearl, "method=PUT&path=/status").await.len();
            let to_store = merchant.calls(&installation.bigcommerce, "method=PUT&path=/v2/orders").await;
            let to_store = to_store.iter().filter(|call| call["request_body"].to_string().contains("status_id")).count();
            (to_brightpearl, to_store)
        };
        stays("one write each way", Duration::from_secs(3), async || writes().await == (1, 1)).await;
    });
}

#[test]
fn a_status_without_a_rule_is_left_alone() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        let order = merchant.place_simple().await;
        merchant.synced(order).await;
        merchant.store(&format!("orders/{order}/status"), json!({"status": 13})).await;
        until("the change was looked at", SOON, || async { merchant.timeline(order).await.contains("status-not-mapped").then_some(()) }).await;
        assert!(merchant.calls(&installation.brightpearl, "method=PUT&path=/status").await.is_empty());
    });
}
