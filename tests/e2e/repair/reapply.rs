//! The present rules for orders that were made by earlier ones.

use serde_json::json;

use super::{json, refused, writes};
use crate::installation::{run, shared};
use crate::merchant::{Merchant, ORDERS, SECTIONS};
use crate::wait::{SOON, until};

#[test]
fn rules_are_applied_again_only_when_somebody_says_yes() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        let order = merchant.place_simple().await;
        let sales_order = merchant.synced(order).await;
        assert_eq!(sales_order["orderStatus"]["orderStatusId"], json!(17));
        // From now on, 11 is 20.
        let sections = SECTIONS
            .replace("{ store = 11, brightpearl = 17 }", "{ store = 11, brightpearl = 20 }")
            .replace("{ brightpearl = 17, store = 11 }", "{ brightpearl = 20, store = 11 }");
        merchant.import(ORDERS, &sections).await;
        let before = writes(&merchant).await;
        let told = installation.orderbridge(&["reapply", "--tenant", &merchant.id]).await;
        assert!(told.starts_with("1 linked orders of"), "{told}");
        let told = installation.orderbridge(&["reapply", "--tenant", &merchant.id, "--to", "2020-01-01"]).await;
        assert!(told.starts_with("0 linked orders of"), "{told}");
        let report = json(installation, &["reapply", "--tenant", &merchant.id, "--dry-run"]).await;
        let change = &report["entities"][0]["changes"][0];
        assert_eq!((&change["field"], &change["from"], &change["to"]), (&json!("status"), &json!("17"), &json!("20")), "{report:#}");
        assert_eq!(writes(&merchant).await, before, "so far it was only told");

        installation.orderbridge(&["reapply", "--tenant", &merchant.id, "--yes"]).await;
        until("the present rule is applied", SOON, || async {
            (merchant.sales_orders(order).await[0]["orderStatus"]["orderStatusId"] == json!(20)).then_some(())
        })
        .await;
        let timeline =
            until("it is told", SOON, || async { Some(merchant.timeline(order).await).filter(|told| told.contains("reapply of rules version")) });
        assert!(timeline.await.contains("status-carried"));
        let (code, told) = refused(installation, &["reapply", "--tenant", &merchant.id, "--from", "1h", "--to", "2h"]).await;
        assert!(code == Some(2) && told.contains("--to"), "{told}");
        let (code, told) = refused(installation, &["reapply", "--tenant", "nobody"]).await;
        assert!(code == Some(1) && told.contains("there is no tenant nobody"), "{told}");
    });
}

#[test]
fn other_rules_alone_rewrite_nothing_that_agrees_whatever_has_it_looked_at() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        let orders = [merchant.place_simple().await, merchant.place_simple().await, merchant.place_simple().await];
        let mut sales_orders = Vec::new();
        for order in orders {
            sales_orders.push(merchant.synced(order).await);
        }
        // One was shipped, one has changed its status since.
        merchant.ship(&sales_orders[0], json!({"reference": "RM1"})).await;
        merchant.shipped(orders[0], 1).await;
        merchant.store(&format!("orders/{}/status", orders[1]), json!({"status": 9})).await;
        until("the status is carried", SOON, || async {
            (merchant.sales_orders(orders[1]).await[0]["orderStatus"]["orderStatusId"] == json!(18)).then_some(())
        })
        .await;
        let idle = async || {
            until("nothing is left to do", SOON, || async {
                let work = json(installation, &["work", "list", "--tenant", &merchant.id]).await;
                let routed = installation.sql(&format!("select count(*) from work_items where scope = '@{}'", merchant.code)).await;
                (work.as_array().unwrap().is_empty() && routed == "0").then_some(())
            })
            .await;
        };
        idle().await;
        let before = writes(&merchant).await;

        // Everything that a rule decides is decided otherwise now.
        let other = SECTIONS
            .replace("store = 11, brightpearl = 17", "store = 11, brightpearl = 20")
            .replace("store = 9, brightpearl = 18", "store = 9, brightpearl = 19")
            .replace("store = 2, brightpearl = 21", "store = 2, brightpearl = 22")
            .replace("brightpearl = 17, store = 11", "brightpearl = 17, store = 9")
            .replace("brightpearl = 18, store = 9", "brightpearl = 18, store = 12")
            .replace("T20", "T5")
            .replace("4040", "4000")
            .replace("royalmail", "dpd");
        assert_ne!(other, SECTIONS);
        merchant.import("channel = 6\nwarehouse = 3\n", &other).await;
        let reads = async || merchant.calls(&installation.bigcommerce, "method=GET&path=/v2/orders").await.len();
        let read = reads().await;
        for (order, sales_order) in orders.iter().zip(&sales_orders) {
            merchant.store(&format!("orders/{order}/notes"), json!({"staff_notes": "looked at"})).await;
            merchant.account("events", json!({"event": "order.modified.order-status", "ids": [sales_order["id"]]})).await;
        }
        until("the events are followed", SOON, || async { (reads().await > read).then_some(()) }).await;
        idle().await;
        let replayed = json(installation, &["replay", "--tenant", &merchant.id]).await;
        assert_eq!((&replayed["state"], &replayed["left"]), (&json!("done"), &json!(0)), "{replayed}");
        assert_eq!(writes(&merchant).await - before, 0, "no call changed anything");
        for order in &orders {
            assert_eq!(merchant.sales_orders(*order).await[0]["assignment"]["current"]["channelId"], json!(5));
        }
    });
}
