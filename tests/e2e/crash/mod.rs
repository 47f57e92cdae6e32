//! Power cuts between a call and the journal, time-outs after commit, and an outage of the database.

mod edits;
mod extras;
mod frozen;
mod outages;
mod payments;
mod refunds;
mod steps;
mod takeover;

use std::time::Duration;

use serde_json::json;

use crate::installation::{Installation, run};
use crate::merchant::Merchant;
use crate::wait::{SOON, stays, until};

/// An installation that takes events in and has no processor yet.
async fn without_processor() -> (Installation, crate::installation::Role) {
    let installation = Installation::new(&[]).await;
    let ingest = installation.start("ingest", &[]).await;
    (installation, ingest)
}

#[test]
fn a_processor_killed_after_creating_a_sales_order_creates_no_second_one() {
    run(async {
        let (installation, _ingest) = without_processor().await;
        let merchant = Merchant::new(&installation).await;
        let mut doomed = installation.start("processor", &[("ORDERBRIDGE_CRASH_AT", "after-call:create-sales-order")]).await;
        let order = merchant.place_simple().await;
        doomed.ended().await;
        assert_eq!(merchant.sales_orders(order).await.len(), 1, "the call had taken effect");
        let _processor = installation.start("processor", &[]).await;
        merchant.synced(order).await;
        assert_eq!(merchant.calls(&installation.brightpearl, "method=POST&path=/order-service/sales-order").await.len(), 1);
    });
}

#[test]
fn a_processor_killed_after_creating_a_contact_creates_no_second_one() {
    run(async {
        let (installation, _ingest) = without_processor().await;
        let merchant = Merchant::new(&installation).await;
        let mut doomed = installation.start("processor", &[("ORDERBRIDGE_CRASH_AT", "after-call:create-contact")]).await;
        let order = merchant.place_simple().await;
        doomed.ended().await;
        let _processor = installation.start("processor", &[]).await;
        merchant.synced(order).await;
        assert_eq!(merchant.calls(&installation.brightpearl, "method=POST&path=/contact-service/contact").await.len(), 1);
    });
}

#[test]
fn a_processor_killed_after_shipping_ships_nothing_twice() {
    run(async {
        let (installation, _ingest) = without_processor().await;
        let merchant = Merchant::new(&installation).await;
        let mut doomed = installation.start("processor", &[("ORDERBRIDGE_CRASH_AT", "after-call:create-shipment")]).await;
        let order = merchant.place_simple().await;
        let sales_order = merchant.synced(order).await;
        merchant.ship(&sales_order, json!({"reference": "RM1"})).await;
        doomed.ended().await;
        assert_eq!(merchant.shipments(order).await.len(), 1, "the call had taken effect");
        let _processor = installation.start("processor", &[]).await;
        until("the shipment is linked", SOON, || async { merchant.timeline(order).await.contains("shipment").then_some(()) }).await;
        stays("one shipment", Duration::from_secs(5), async || merchant.shipments(order).await.len() == 1).await;
    });
}

#[test]
fn a_processor_killed_after_setting_a_value_ends_in_the_same_state() {
    run(async {
        let (installation, _ingest) = without_processor().await;
        let merchant = Merchant::new(&installation).await;
        let at = |kind: &str| format!("after-call:{kind}");
        let mut doomed = installation.start("processor", &[("ORDERBRIDGE_CRASH_AT", &at("set-external-order-id"))]).await;
        let order = merchant.place_simple().await;
        doomed.ended().await;
        let mut doomed = installation.start("processor", &[("ORDERBRIDGE_CRASH_AT", &at("set-sales-order-status"))]).await;
        let sales_order = merchant.synced(order).await;
        merchant.store(&format!("orders/{order}/status"), json!({"status": 9})).await;
        doomed.ended().await;
        let mut doomed = installation.start("processor", &[("ORDERBRIDGE_CRASH_AT", &at("set-store-status"))]).await;
        merchant.account(&format!("orders/{}/status", sales_order["id"]), json!({"status_id": 22})).await;
        doomed.ended().await;
        let _processor = installation.start("processor", &[]).await;
        until("both sides agree", SOON, || async {
            let (store, account) = (merchant.store_order(order).await, merchant.sales_orders(order).await);
            (store["status_id"] == json!(12) && account[0]["orderStatus"]["orderStatusId"] == json!(22)).then_some(())
        })
        .await;
        assert_eq!(merchant.sales_orders(order).await.len(), 1);
    });
}

#[test]
fn a_processor_killed_between_the_journal_and_the_call_still_creates_the_order() {
    run(async {
        let (installation, _ingest) = without_processor().await;
        let merchant = Merchant::new(&installation).await;
        let mut doomed = installation.start("processor", &[("ORDERBRIDGE_CRASH_AT", "after-send-mark:create-sales-order")]).await;
        let order = merchant.place_simple().await;
        doomed.ended().await;
        assert!(merchant.sales_orders(order).await.is_empty());
        let _processor = installation.start("processor", &[]).await;
        merchant.synced(order).await;
    });
}

#[test]
fn an_answer_cut_off_after_the_platform_committed_makes_nothing_twice() {
    run(async {
        let installation = Installation::new(&[]).await;
        let _all = installation.start("all", &[]).await;
        let merchant = Merchant::new(&installation).await;
        for (platform, path) in [
            (&installation.brightpearl, "**/order-service/sales-order**"),
            (&installation.brightpearl, "**/contact-service/contact/"),
            (&installation.bigcommerce, "**/shipments"),
        ] {
            installation.control(platform, "faults", json!({"method": "POST", "path": path, "action": {"kind": "cut_after"}, "times": 1})).await;
        }
        let order = merchant.place_simple().await;
        let sales_order = merchant.synced(order).await;
        merchant.ship(&sales_order, json!({"reference": "RM1"})).await;
        merchant.shipped(order, 1).await;
        stays("one of each", Duration::from_secs(5), async || {
            merchant.shipments(order).await.len() == 1 && merchant.sales_orders(order).await.len() == 1
        })
        .await;
        let contacts = installation.look(&installation.brightpearl, &format!("accounts/{}/contacts", merchant.id)).await;
        let customers =
            contacts["contacts"].as_array().unwrap().iter().filter(|contact| contact["relationshipToAccount"]["isStaff"] != json!(true)).count();
        assert_eq!(customers, 1);
        for platform in [&installation.brightpearl, &installation.bigcommerce] {
            let faults = installation.look(platform, "faults").await;
            assert!(!faults.to_string().contains("\"fired\":0"), "every fault was met: {faults}");
        }
    });
}

#[test]
fn a_stopped_installation_ends_in_order_and_takes_up_what_happened_meanwhile() {
    run(async {
        let installation = Installation::new(&[]).await;
        let mut ingest = installation.start("ingest", &[]).await;
        let merchant = Merchant::new(&installation).await;
        let order = merchant.place_simple().await;
        let mut processor = installation.start("processor", &[]).await;
        merchant.synced(order).await;
        assert_eq!(processor.stop().await, Some(0));
        let later = merchant.place_simple().await;
        let _processor = installation.start("processor", &[]).await;
        merchant.synced(later).await;
        assert_eq!(ingest.stop().await, Some(0));
    });
}
