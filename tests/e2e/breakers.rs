//! A platform that fails for one tenant is left alone but for a probe now and then, however many orders wait, and nobody else notices.

use std::time::Duration;

use serde_json::{Value, json};

use crate::installation::{Installation, run, shared};
use crate::merchant::Merchant;
use crate::wait::{SOON, until};

/// Orders that wait.
const WAITING: usize = 30;

/// Calls of a tenant that failed by the rule, so far.
async fn fired(installation: &Installation, platform: &str, rule: &Value) -> u64 {
    let rules = installation.look(platform, "faults").await;
    rules.as_array().unwrap().iter().find(|one| one["id"] == rule["id"]).map_or(0, |one| one["fired"].as_u64().unwrap())
}

async fn mend(installation: &Installation, platform: &str, rule: &Value) {
    let url = format!("{platform}/_sim/faults/{}", rule["id"]);
    assert!(installation.http.delete(url).send().await.unwrap().status().is_success());
}

async fn place_many(merchant: &Merchant<'_>) -> Vec<u64> {
    let mut orders = Vec::new();
    for _order in 0..WAITING {
        orders.push(merchant.place_simple().await);
    }
    orders
}

/// Waits until that many of the merchant's orders have been put off for what fails.
async fn all_put_off(merchant: &Merchant<'_>) {
    until("all orders wait", SOON, || async {
        let printed = merchant.installation.orderbridge(&["work", "list", "--tenant", &merchant.id, "--json"]).await;
        let items: Vec<Value> = serde_json::from_str(&printed).unwrap();
        (items.iter().filter(|item| item["put_off_because"].is_string()).count() >= WAITING).then_some(())
    })
    .await;
}

#[test]
fn a_store_that_answers_503_is_probed_however_many_orders_wait_and_a_tenant_of_the_same_account_goes_on() {
    run(async {
        let installation = shared().await;
        let broken = Merchant::new(installation).await;
        let other = Merchant::beside(&broken).await;
        let page = json!({"path": "*", "tenant": broken.id, "action": {"kind": "status", "status": 503, "body": "<html>Service unavailable</html>"}});
        let rule = installation.control(&installation.bigcommerce, "faults", page).await;
        let orders = place_many(&broken).await;
        all_put_off(&broken).await;

        // From here on there are probes alone: some of them go by while all thirty orders wait.
        let before = fired(installation, &installation.bigcommerce, &rule).await;
        let order = other.place_simple().await;
        other.synced(order).await;
        until("some probes", SOON, || async { (fired(installation, &installation.bigcommerce, &rule).await >= before + 3).then_some(()) }).await;
        let tried = fired(installation, &installation.bigcommerce, &rule).await;
        assert!(tried < u64::try_from(WAITING).unwrap(), "{tried} calls for {WAITING} orders");

        mend(installation, &installation.bigcommerce, &rule).await;
        for order in orders {
            broken.synced(order).await;
        }
    });
}

#[test]
fn a_kind_of_write_that_fails_waits_alone_and_costs_no_read_of_the_orders_that_wait() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        let known = merchant.place_simple().await;
        let sales_order = merchant.synced(known).await;
        let page = json!({"method": "POST", "path": "*/order-service/sales-order*", "tenant": merchant.code,
            "action": {"kind": "status", "status": 503, "body": "<html>Service unavailable</html>"}});
        let rule = installation.control(&installation.brightpearl, "faults", page).await;
        let orders = place_many(&merchant).await;
        all_put_off(&merchant).await;

        let tried = fired(installation, &installation.brightpearl, &rule).await;
        assert!(tried < 12, "{tried} orders were sent before the others were left alone");
        // Shipments need nothing of what fails.
        merchant.ship(&sales_order, json!({})).await;
        merchant.shipped(known, 1).await;
        let reads = async || merchant.calls(&installation.bigcommerce, "method=GET&path=/orders").await.len();
        let (before, probes) = (reads().await, fired(installation, &installation.brightpearl, &rule).await);
        until("some probes", SOON, || async { (fired(installation, &installation.brightpearl, &rule).await >= probes + 2).then_some(()) }).await;
        let (after, probed) = (reads().await, fired(installation, &installation.brightpearl, &rule).await - probes);
        let per_probe = u64::try_from(after - before).unwrap() / probed;
        assert!(per_probe < 10, "{} reads at the store for {probed} probes", after - before);

        mend(installation, &installation.brightpearl, &rule).await;
        let waits = orders.iter().map(|order| merchant.synced(*order));
        tokio::time::timeout(SOON + Duration::from_secs(30), futures_util::future::join_all(waits)).await.unwrap();
    });
}
