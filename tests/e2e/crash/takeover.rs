//! Two processors: one is stopped, frozen or killed while the other goes on.

use std::time::Duration;

use serde_json::{Value, json};

use crate::installation::{Installation, Role, run};
use crate::merchant::Merchant;
use crate::wait::{SOON, stays, until};

/// A second processor beside the one at the installation's address.
const BESIDE: (&str, &str) = ("ORDERBRIDGE__PROCESSOR__LISTEN", "127.0.0.1:0");

/// Waits until the owner has frozen at its point.
async fn frozen(owner: &Role) {
    until("the owner is frozen", SOON, || async { owner.is_frozen().then_some(()) }).await;
}

/// Calls that the platform took and executed.
async fn executed(merchant: &Merchant<'_>, platform: &str, path: &str) -> Vec<Value> {
    let calls = merchant.calls(platform, &format!("method=POST&path={path}")).await;
    calls.into_iter().filter(|call| call["status"].as_u64().is_some_and(|status| status < 300)).collect()
}

#[test]
fn an_owner_frozen_before_its_bytes_writes_none_after_another_took_over() {
    run(async {
        let installation = Installation::new(&[]).await;
        let _ingest = installation.start("ingest", &[]).await;
        let merchant = Merchant::new(&installation).await;
        let point = "before-bytes:/order-service/sales-order/";
        let owner = installation.start("processor", &[("ORDERBRIDGE_FREEZE_AT", point)]).await;
        let order = merchant.place_simple().await;
        frozen(&owner).await;
        let _other = installation.spawn("processor", &[BESIDE]);
        merchant.synced(order).await;
        owner.signal("CONT").await;
        let sent = async || executed(&merchant, &installation.brightpearl, "/order-service/sales-order").await.len() == 1;
        stays("the former owner's request is never written", Duration::from_secs(6), sent).await;
        assert_eq!(merchant.sales_orders(order).await.len(), 1);
    });
}

#[test]
fn an_owner_frozen_before_the_bytes_of_a_shipment_ships_nothing_afterwards() {
    run(async {
        let installation = Installation::new(&[]).await;
        let _ingest = installation.start("ingest", &[]).await;
        let merchant = Merchant::new(&installation).await;
        let point = "before-bytes:/v2/orders/{id}/shipments";
        let owner = installation.start("processor", &[("ORDERBRIDGE_FREEZE_AT", point)]).await;
        let order = merchant.place_simple().await;
        let sales_order = merchant.synced(order).await;
        merchant.ship(&sales_order, json!({"reference": "RM1"})).await;
        frozen(&owner).await;
        let _other = installation.spawn("processor", &[BESIDE]);
        merchant.shipped(order, 1).await;
        owner.signal("CONT").await;
        stays("one shipment", Duration::from_secs(6), async || merchant.shipments(order).await.len() == 1).await;
        assert_eq!(executed(&merchant, &installation.bigcommerce, "/shipments").await.len(), 1);
    });
}

#[test]
fn processors_killed_and_stopped_in_turn_hand_every_order_over() {
    run(async {
        let installation = Installation::new(&[]).await;
        let _ingest = installation.start("ingest", &[]).await;
        let merchants = [Merchant::new(&installation).await, Merchant::new(&installation).await, Merchant::new(&installation).await];
        let mut orders = Vec::new();
        let mut running = vec![installation.spawn("processor", &[BESIDE]), installation.spawn("processor", &[BESIDE])];
        for signal in ["KILL", "TERM", "KILL"] {
            for merchant in &merchants {
                for _order in 0..3 {
                    orders.push((merchant, merchant.place_simple().await));
                }
            }
            // In the middle of it: some have arrived, most have not.
            until("an order has arrived", SOON, || async {
                let (merchant, order) = orders[orders.len() - 9];
                (!merchant.sales_orders(order).await.is_empty()).then_some(())
            })
            .await;
            let mut leaving = running.remove(0);
            leaving.signal(signal).await;
            running.push(installation.spawn("processor", &[BESIDE]));
            leaving.ended().await;
        }
        for (merchant, order) in orders {
            merchant.synced(order).await;
        }
    });
}

#[test]
fn what_a_platform_accepts_after_our_time_out_is_not_made_again() {
    run(async {
        let installation = Installation::new(&[
            ("ORDERBRIDGE__HTTP__READ_TIMEOUT", "1s"),
            ("ORDERBRIDGE__HTTP__TOTAL_TIMEOUT", "1s"),
            ("ORDERBRIDGE__HTTP__CONNECT_TIMEOUT", "1s"),
        ])
        .await;
        let _all = installation.start("all", &[]).await;
        let merchant = Merchant::new(&installation).await;
        for (platform, path) in [
            (&installation.brightpearl, "*/contact-service/contact/"),
            (&installation.brightpearl, "*/order-service/sales-order*"),
            (&installation.bigcommerce, "*/shipments"),
        ] {
            for (kind, ms) in [("commit_late", 1500), ("delay", 2000)] {
                let fault = json!({"method": "POST", "path": path, "action": {"kind": kind, "ms": ms}, "times": 1});
                installation.control(platform, "faults", fault).await;
            }
        }
        let orders = [merchant.place_simple().await, merchant.place_simple().await];
        for order in orders {
            let sales_order = merchant.synced(order).await;
            merchant.ship(&sales_order, json!({"reference": "RM1"})).await;
        }
        for order in orders {
            merchant.shipped(order, 1).await;
        }
        stays("one shipment of each", Duration::from_secs(6), async || {
            merchant.shipments(orders[0]).await.len() == 1 && merchant.shipments(orders[1]).await.len() == 1
        })
        .await;
        for platform in [&installation.brightpearl, &installation.bigcommerce] {
            let faults = installation.look(platform, "faults").await;
            assert!(!faults.to_string().contains("\"fired\":0"), "every fault was met: {faults}");
        }
    });
}

#[test]
fn every_creation_whose_answer_comes_too_late_is_found_and_not_repeated() {
    run(async {
        let installation = Installation::new(&[
            ("ORDERBRIDGE__HTTP__READ_TIMEOUT", "1s"),
            ("ORDERBRIDGE__HTTP__TOTAL_TIMEOUT", "1s"),
            ("ORDERBRIDGE__HTTP__CONNECT_TIMEOUT", "1s"),
        ])
        .await;
        let _all = installation.start("all", &[]).await;
        let merchant = Merchant::new(&installation).await;
        let all = [
            (&installation.brightpearl, "*/contact-service/postal-address/"),
            (&installation.brightpearl, "*/contact-service/contact/"),
            (&installation.brightpearl, "*/order-service/sales-order*"),
            (&installation.bigcommerce, "*/shipments"),
        ];
        for (platform, path) in all {
            let fault = json!({"method": "POST", "path": path, "action": {"kind": "delay_after", "ms": 3000}, "times": 1});
            installation.control(platform, "faults", fault).await;
        }
        let order = merchant.place_simple().await;
        let sales_order = merchant.synced(order).await;
        merchant.ship(&sales_order, json!({"reference": "RM1"})).await;
        merchant.shipped(order, 1).await;
        stays("one of each", Duration::from_secs(6), async || {
            merchant.shipments(order).await.len() == 1 && merchant.sales_orders(order).await.len() == 1
        })
        .await;
        for (path, times) in [("/contact-service/contact/", 1), ("/order-service/sales-order", 2)] {
            let made = executed(&merchant, &installation.brightpearl, path).await;
            assert!(made.len() <= times, "{path}: {made:?}");
        }
        for platform in [&installation.brightpearl, &installation.bigcommerce] {
            let faults = installation.look(platform, "faults").await;
            assert!(!faults.to_string().contains("\"fired\":0"), "every fault was met: {faults}");
        }
    });
}
