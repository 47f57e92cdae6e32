//! One clock for all processes: hours pass when a test says so.

use std::time::Duration;

use serde_json::{Value, json};

use crate::installation::{Installation, run};
use crate::merchant::{Merchant, Wish};
use crate::wait::{SOON, stays, until};

#[test]
fn an_order_is_created_when_it_has_settled() {
    run(async {
        let installation = Installation::new(&[]).await;
        let _all = installation.start("all", &[]).await;
        let merchant = Merchant::with(&installation, Wish { settle_seconds: 1800, ..Wish::default() }).await;
        let order = merchant.place_simple().await;
        until("the order was left to settle", SOON, || async {
            let printed = installation.orderbridge(&["work", "list", "--tenant", &merchant.id, "--json"]).await;
            let items: Vec<Value> = serde_json::from_str(&printed).unwrap();
            items.iter().any(|item| item["put_off_because"].as_str().is_some_and(|why| why.contains("settle"))).then_some(())
        })
        .await;
        let reads = async || merchant.calls(&installation.bigcommerce, "method=GET&path=/v2/orders").await.len();
        merchant.store(&format!("orders/{order}/notes"), json!({"staff_notes": "not yet"})).await;
        stays("nothing is created before it has settled, and until then no event costs a read", Duration::from_secs(3), async || {
            merchant.sales_orders(order).await.is_empty() && reads().await == 0
        })
        .await;
        installation.advance(Duration::from_secs(1801));
        merchant.synced(order).await;
    });
}

#[test]
fn a_tenant_whose_quota_is_used_up_waits_alone_and_a_token_outlives_its_week() {
    run(async {
        let installation = Installation::new(&[]).await;
        let _all = installation.start("all", &[]).await;
        let starved = Merchant::new(&installation).await;
        let other = Merchant::new(&installation).await;
        // Another app of the same developer has used this minute's calls up.
        starved.account("quota", json!({"developer": "connector-dev", "requests": 200})).await;
        let waiting = starved.place_simple().await;
        let running = other.place_simple().await;
        other.synced(running).await;
        installation.advance(Duration::from_secs(60));
        starved.synced(waiting).await;
        installation.advance(Duration::from_secs(8 * 24 * 3600));
        let late = starved.place_simple().await;
        starved.synced(late).await;
    });
}
