//! Events done over again.

use std::time::Duration;

use serde_json::{Value, json};

use super::{json, refused, writes};
use crate::installation::{Installation, Role, run, shared};
use crate::merchant::{Merchant, ORDERS, SECTIONS, Wish};
use crate::wait::{SOON, stays, until};

#[test]
fn a_replay_of_everything_creates_nothing_twice() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        let order = merchant.place_simple().await;
        let sales_order = merchant.synced(order).await;
        merchant.ship(&sales_order, json!({"reference": "RM1"})).await;
        merchant.shipped(order, 1).await;
        // Whatever the events of this still ask for.
        until("nothing is left to do", SOON, || async {
            let work = json(installation, &["work", "list", "--tenant", &merchant.id]).await;
            work.as_array().unwrap().is_empty().then_some(())
        })
        .await;
        let before = writes(&merchant).await;
        let done = json(installation, &["replay", "--tenant", &merchant.id]).await;
        assert_eq!((&done["state"], &done["left"]), (&json!("done"), &json!(0)), "{done}");
        assert!(done["records"].as_u64().unwrap() >= 3 && done["entities"].as_u64().unwrap() >= 1, "{done}");
        assert_eq!(writes(&merchant).await, before);
        assert_eq!((merchant.sales_orders(order).await.len(), merchant.shipments(order).await.len()), (1, 1));
        // Of all its events, those of one entity.
        let one = json(installation, &["replay", "--tenant", &merchant.id, "--entity", &format!("order/{order}"), "--from", "1h"]).await;
        assert_eq!((&one["state"], &one["entities"]), (&json!("done"), &json!(1)));
        let none = ["replay", "--tenant", &merchant.id, "--to", "2020-01-01"];
        let (code, told) = refused(installation, &none).await;
        assert!(code == Some(1) && told.contains("no record is selected"), "{told}");
    });
}

#[test]
fn what_a_replay_does_carries_its_id() {
    run(async {
        let installation = shared().await;
        // Orders are made in status 9 only: this one is passed by.
        let merchant = Merchant::with(installation, Wish { orders: "channel = 5\nwarehouse = 2\ncreate_statuses = [9]\n", ..Wish::default() }).await;
        let order = merchant.place_simple().await;
        until("it is passed by", SOON, || async { merchant.timeline(order).await.contains("status-not-selected").then_some(()) }).await;
        merchant.import_usual().await;
        stays("a change of rules alone makes nothing", Duration::from_secs(1), async || merchant.sales_orders(order).await.is_empty()).await;
        let done = json(installation, &["replay", "--tenant", &merchant.id, "--topic", "bigcommerce.orders.v1"]).await;
        merchant.synced(order).await;
        let timeline = merchant.timeline(order).await;
        assert!(timeline.contains(&format!("replay {}", done["id"].as_str().unwrap())), "{timeline}");
    });
}

/// Entities of one merchant that wait for a processor which is not there.
async fn waiting(installation: &Installation) -> (Merchant<'_>, Vec<u64>) {
    let merchant = Merchant::new(installation).await;
    let mut orders = Vec::new();
    for _ in 0..5 {
        orders.push(merchant.place_simple().await);
    }
    until("all events are published", SOON, || async {
        let report =
            installation.try_orderbridge(&["replay", "--tenant", &merchant.id, "--topic", "bigcommerce.orders.v1", "--dry-run", "--json"]).await;
        let report: Value = serde_json::from_slice(&report.stdout).ok()?;
        (report["entities"].as_array()?.len() == 5).then_some(())
    })
    .await;
    (merchant, orders)
}

/// The only replay there is.
async fn replay(installation: &Installation) -> Value {
    json(installation, &["replay", "list"]).await[0].clone()
}

/// Starts or resumes it, and waits until one entity is put in and the next ones have no room.
async fn begin(installation: &Installation, arguments: &[&str]) -> (Role, String) {
    let role = installation.spawn_command(&[&["replay"], arguments].concat(), &[("ORDERBRIDGE__REPLAY__OUTSTANDING_MAX", "1")]);
    let id = until("an entity is put in", SOON, || async {
        let replay = replay(installation).await;
        (replay["state"] == "running" && replay["left"] == json!(1)).then(|| replay["id"].as_str().unwrap().to_owned())
    })
    .await;
    (role, id)
}

#[test]
fn a_replay_that_is_stopped_paused_or_killed_goes_on_where_it_was() {
    run(async {
        let installation = Installation::new(&[]).await;
        let _ingest = installation.start("ingest", &[]).await;
        let (merchant, orders) = waiting(&installation).await;
        let selection = ["--tenant", &merchant.id, "--topic", "bigcommerce.orders.v1"];

        // Ctrl-C leaves it paused and says how to go on.
        let (mut role, id) = begin(&installation, &selection).await;
        role.signal("INT").await;
        role.ended().await;
        assert_eq!(replay(&installation).await["state"], "paused");
        assert!(installation.log("replay").contains(&format!("orderbridge replay resume {id}")), "{}", installation.log("replay"));

        // Somebody else pauses it.
        let (mut role, _) = begin(&installation, &["resume", &id]).await;
        installation.orderbridge(&["replay", "pause", &id]).await;
        role.ended().await;
        assert!(installation.log("replay").contains("was paused by somebody else"));
        let (code, told) = refused(&installation, &["replay", "pause", "0198c3a5-0000-7000-8000-000000000000"]).await;
        assert!(code == Some(1) && told.contains("there is no replay"), "{told}");

        // Killed in the middle.
        let (mut role, _) = begin(&installation, &["resume", &id]).await;
        role.signal("KILL").await;
        role.ended().await;
        let left = replay(&installation).await;
        assert_eq!((&left["state"], &left["entities"]), (&json!("running"), &json!(1)), "{left}");

        let _processor = installation.start("processor", &[]).await;
        let done = json(&installation, &["replay", "resume", &id]).await;
        assert_eq!((&done["state"], &done["entities"], &done["done"]), (&json!("done"), &json!(5), &json!(5)), "{done}");
        assert!(done["positions"].as_array().unwrap().iter().all(|position| position["next"] == position["end"]), "{done}");
        for order in orders {
            merchant.synced(order).await;
        }
        let posts = merchant.calls(&installation.brightpearl, "method=POST&path=/order-service/sales-order").await;
        assert_eq!(posts.len(), 5, "each once");
        let (_, told) = refused(&installation, &["replay", "resume", &id]).await;
        assert!(told.contains("is over"), "{told}");
    });
}

#[test]
fn a_cancelled_replay_puts_nothing_more_in() {
    run(async {
        let installation = Installation::new(&[]).await;
        let _ingest = installation.start("ingest", &[]).await;
        let (merchant, _) = waiting(&installation).await;
        let (mut role, id) = begin(&installation, &["--tenant", &merchant.id, "--topic", "bigcommerce.orders.v1"]).await;
        installation.orderbridge(&["replay", "cancel", &id]).await;
        role.ended().await;
        let shown = json(&installation, &["replay", "show", &id]).await;
        assert_eq!((&shown["state"], &shown["entities"]), (&json!("cancelled"), &json!(1)));
        let (_, told) = refused(&installation, &["replay", "cancel", &id]).await;
        assert!(told.contains("cancelled already"), "{told}");
    });
}

#[test]
fn events_of_an_account_are_replayed_for_the_tenant_they_are_about_alone() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        let beside = Merchant::beside(&merchant).await;
        let (order, other) = (merchant.place_simple().await, beside.place_simple().await);
        let (sales_order, others) = (merchant.synced(order).await, beside.synced(other).await);
        for (merchant, sales_order, to) in [(&merchant, &sales_order, 18), (&beside, &others, 22)] {
            merchant.account(&format!("orders/{}/status", sales_order["id"]), json!({"status_id": to})).await;
        }
        until("both are told of and carried", SOON, || async {
            let (one, two) = (merchant.store_order(order).await, beside.store_order(other).await);
            (one["status_id"] == json!(9) && two["status_id"] == json!(12)).then_some(())
        })
        .await;
        let report = json(installation, &["replay", "--tenant", &beside.id, "--topic", "brightpearl.orders.v1", "--dry-run"]).await;
        let items: Vec<&str> = report["entities"].as_array().unwrap().iter().map(|entity| entity["item"].as_str().unwrap()).collect();
        assert_eq!(items, [format!("{}/order/{other}", beside.id)]);
        assert_eq!(report["entities"][0]["outcome"], "no-change");
    });
}

#[test]
fn a_change_of_rules_and_a_replay_rewrite_nothing() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        let order = merchant.place_simple().await;
        merchant.synced(order).await;
        merchant.import(ORDERS, &SECTIONS.replace("brightpearl = 17", "brightpearl = 20")).await;
        let before = writes(&merchant).await;
        let done = json(installation, &["replay", "--tenant", &merchant.id]).await;
        assert_eq!(done["state"], "done");
        assert_eq!(writes(&merchant).await, before);
    });
}
