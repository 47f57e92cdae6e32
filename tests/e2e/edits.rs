//! Edits at the store reach the sales order row by row, cost two calls, and never take anything of people's away.

use std::time::Duration;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::{Value, json};

use crate::installation::{Installation, run, shared};
use crate::merchant::{Merchant, Wish};
use crate::wait::{SOON, stays, until};

/// Longer than it takes to look at an order again, and at the echoes of what that led to.
const A_WHILE: Duration = Duration::from_secs(5);
const EDITS_OFF: &str = "channel = 5\nwarehouse = 2\nedits = false\n";
const RESERVED: &str = "channel = 5\nwarehouse = 2\nallocation = \"on-creation\"\n";

/// Two of `SKU-5` and one of `SKU-6`, with delivery.
pub async fn place(merchant: &Merchant<'_>) -> (u64, Value) {
    let order = merchant
        .place(json!({"lines": [{"sku": "SKU-5", "quantity": 2, "tax_rate": 20}, {"sku": "SKU-6", "quantity": 1, "tax_rate": 20}],
            "shipping": {"cost": "4.50", "tax_rate": 20}}))
        .await;
    let sales_order = merchant.synced(order).await;
    (order, sales_order)
}

/// The id of the store's line of this product.
pub async fn line(merchant: &Merchant<'_>, order: u64, sku: &str) -> u64 {
    let shown = merchant.store_order(order).await;
    shown["products"].as_array().unwrap().iter().find(|line| line["sku"] == json!(sku)).unwrap()["id"].as_u64().unwrap()
}

pub async fn edit(merchant: &Merchant<'_>, order: u64, change: Value) {
    merchant.store(&format!("orders/{order}/edit"), change).await;
}

/// The rows as (SKU or name, quantity), sorted.
pub fn rows(sales_order: &Value) -> Vec<(String, u32)> {
    let row = |row: &Value| {
        let name = row["productSku"].as_str().or(row["productName"].as_str()).unwrap().to_owned();
        (name, amount(&row["quantity"]["magnitude"]).to_u32().unwrap())
    };
    let mut rows: Vec<_> = sales_order["orderRows"].as_object().unwrap().values().map(row).collect();
    rows.sort();
    rows
}

fn wanted(rows: &[(&str, u32)]) -> Vec<(String, u32)> {
    rows.iter().map(|(name, quantity)| ((*name).to_owned(), *quantity)).collect()
}

/// The one sales order of an order.
async fn now(merchant: &Merchant<'_>, order: u64) -> Value {
    let mut found = merchant.sales_orders(order).await;
    assert_eq!(found.len(), 1, "one store order, one sales order");
    found.remove(0)
}

async fn has_rows(merchant: &Merchant<'_>, order: u64, expected: &[(&str, u32)]) {
    until(&format!("{}/{order} has the rows {expected:?}", merchant.id), SOON, || async {
        (rows(&now(merchant, order).await) == wanted(expected)).then_some(())
    })
    .await;
}

fn amount(value: &Value) -> Decimal {
    value.as_str().unwrap().parse().unwrap()
}

/// Both sides have the same total, but for what is not ours.
async fn totals_agree(merchant: &Merchant<'_>, order: u64, others: u32) {
    let (store, account) = (merchant.store_order(order).await, now(merchant, order).await);
    assert_eq!(amount(&account["totalValue"]["total"]) - Decimal::from(others), amount(&store["total_inc_tax"]));
}

/// Calls to Brightpearl about orders so far. What becomes of the customer's contact when a billing address changes is told by `customers`.
async fn calls(merchant: &Merchant<'_>) -> Vec<String> {
    let mut calls = merchant.calls(&merchant.installation.brightpearl, "").await;
    calls.retain(|call| !call["path"].as_str().unwrap().contains("/contact-service/"));
    calls.iter().map(|call| format!("{} {}", call["method"].as_str().unwrap(), call["path"].as_str().unwrap())).collect()
}

/// Waits until nothing is called any more.
async fn quiet(merchant: &Merchant<'_>) -> usize {
    let seen = std::sync::Mutex::new((0, std::time::Instant::now()));
    until("nothing is called any more", SOON, || async {
        let count = calls(merchant).await.len();
        let mut seen = seen.lock().unwrap();
        if seen.0 != count {
            *seen = (count, std::time::Instant::now());
        }
        (seen.1.elapsed() > Duration::from_secs(3)).then_some(count)
    })
    .await
}

/// Something is told on the order's timeline.
async fn told(merchant: &Merchant<'_>, order: u64, what: &str) {
    until(&format!("the timeline of {}/{order} tells {what}", merchant.id), SOON, || async {
        merchant.timeline(order).await.contains(what).then_some(())
    })
    .await;
}

#[test]
fn lines_that_are_changed_added_and_taken_away_are_carried_with_two_calls_and_the_echoes_cost_none() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        let (order, _) = place(&merchant).await;
        let before = quiet(&merchant).await;
        let (five, six) = (line(&merchant, order, "SKU-5").await, line(&merchant, order, "SKU-6").await);
        let lines = json!([{"id": five, "quantity": 3}, {"id": six, "quantity": 0}, {"sku": "SKU-7", "quantity": 4, "tax_rate": 20}]);
        edit(&merchant, order, json!({"lines": lines})).await;
        has_rows(&merchant, order, &[("SKU-5", 3), ("SKU-7", 4), ("Shipping", 1)]).await;
        quiet(&merchant).await;
        let cost = calls(&merchant).await.split_off(before);
        assert_eq!(cost.len(), 2, "{cost:#?}");
        totals_agree(&merchant, order, 0).await;
        told(&merchant, order, "3 instead of 2 pieces").await;
        // Whatever is told of it again: nothing has changed.
        merchant.store(&format!("orders/{order}/notes"), json!({"staff_notes": "called back"})).await;
        stays("another change is no edit", A_WHILE, async || calls(&merchant).await.len() == before + 2).await;
        assert!(merchant.held().await.is_empty());
    });
}

#[test]
fn goods_of_an_edited_order_ship_by_the_new_rows() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        let (order, _) = place(&merchant).await;
        edit(&merchant, order, json!({"lines": [{"sku": "SKU-7", "quantity": 4, "tax_rate": 20}]})).await;
        has_rows(&merchant, order, &[("SKU-5", 2), ("SKU-6", 1), ("SKU-7", 4), ("Shipping", 1)]).await;
        let sales_order = now(&merchant, order).await;
        merchant.ship(&sales_order, json!({"reference": "RM1"})).await;
        let shipments = merchant.shipped(order, 1).await;
        assert_eq!(shipments[0]["items"].as_array().unwrap().len(), 3, "{shipments:?}");
    });
}

#[test]
fn addresses_are_carried_alone() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        let (order, _) = place(&merchant).await;
        let before = quiet(&merchant).await;
        let of_contacts = || async { merchant.calls(&merchant.installation.brightpearl, "path=/contact-service/").await.len() };
        let contacts_before = of_contacts().await;
        edit(&merchant, order, json!({"address": {"street_1": "9 Other Road"}, "billing": {"street_1": "8 Office Road"}})).await;
        until("both addresses are carried", SOON, || async {
            let parties = now(&merchant, order).await["parties"].clone();
            let line = |party: &str| parties[party]["addressLine1"].clone();
            (line("delivery") == json!("9 Other Road") && line("billing") == json!("8 Office Road")).then_some(())
        })
        .await;
        quiet(&merchant).await;
        assert_eq!(calls(&merchant).await.len(), before + 2);
        assert_eq!(of_contacts().await, contacts_before + 3, "the contact is read and given its new address");
        assert_eq!(rows(&now(&merchant, order).await), wanted(&[("SKU-5", 2), ("SKU-6", 1), ("Shipping", 1)]));
        assert!(!merchant.timeline(order).await.contains("Other Road"), "no address is told");
    });
}

#[test]
fn rows_that_people_added_stay_and_are_left_out_of_our_totals() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        let (order, sales_order) = place(&merchant).await;
        let gift = json!({"add": [{"name": "Engraving", "quantity": 1, "net": "10.00", "tax": "2.00", "taxCode": "T20"}]});
        merchant.account(&format!("orders/{}/edit", sales_order["id"]), gift).await;
        let five = line(&merchant, order, "SKU-5").await;
        edit(&merchant, order, json!({"lines": [{"id": five, "quantity": 6}]})).await;
        has_rows(&merchant, order, &[("Engraving", 1), ("SKU-5", 6), ("SKU-6", 1), ("Shipping", 1)]).await;
        totals_agree(&merchant, order, 12).await;
        stays("and nothing is held", A_WHILE, async || merchant.held().await.is_empty()).await;
    });
}

#[test]
fn an_edit_of_goods_on_their_way_is_held_with_the_difference() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        let (order, sales_order) = place(&merchant).await;
        merchant.ship(&sales_order, json!({"reference": "RM1"})).await;
        merchant.shipped(order, 1).await;
        edit(&merchant, order, json!({"lines": [{"sku": "SKU-7", "quantity": 4, "tax_rate": 20}]})).await;
        merchant.held_for("edit-too-late:on-its-way").await;
        let held = merchant.held().await;
        assert!(held[0].to_string().contains("is new: 4 pieces of product"), "{held:?}");
        assert_eq!(rows(&now(&merchant, order).await), wanted(&[("SKU-5", 2), ("SKU-6", 1), ("Shipping", 1)]));
    });
}

#[test]
fn an_edit_of_an_invoiced_order_is_held_and_writes_nothing() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        let (order, sales_order) = place(&merchant).await;
        let url = format!("{}/public-api/{}/order-service/sales-order/{}/close", installation.brightpearl, merchant.id, sales_order["id"]);
        let close = installation.http.post(url).bearer_auth(merchant.brightpearl_token());
        let close = close.header("brightpearl-app-ref", "connector-app").header("brightpearl-dev-ref", "connector-dev").json(&json!({}));
        assert!(close.send().await.unwrap().status().is_success());
        let five = line(&merchant, order, "SKU-5").await;
        edit(&merchant, order, json!({"lines": [{"id": five, "quantity": 6}]})).await;
        merchant.held_for("edit-too-late:invoiced").await;
        let puts = merchant.calls(&installation.brightpearl, "method=PUT&path=/sales-order/").await;
        assert!(puts.is_empty(), "{puts:?}");
    });
}

#[test]
fn without_leave_edits_are_held_and_leave_lets_them_through() {
    run(async {
        let merchant = Merchant::with(shared().await, Wish { orders: EDITS_OFF, ..Wish::default() }).await;
        let (order, _) = place(&merchant).await;
        let five = line(&merchant, order, "SKU-5").await;
        edit(&merchant, order, json!({"lines": [{"id": five, "quantity": 6}]})).await;
        merchant.held_for("edits-off").await;
        assert!(merchant.held().await[0].to_string().contains("6 instead of 2 pieces"));
        merchant.import_usual().await;
        has_rows(&merchant, order, &[("SKU-5", 6), ("SKU-6", 1), ("Shipping", 1)]).await;
        until("nothing is held any more", SOON, || async { merchant.held().await.is_empty().then_some(()) }).await;
    });
}

#[test]
fn what_a_person_changes_between_our_read_and_our_write_survives() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        let (order, sales_order) = place(&merchant).await;
        quiet(&merchant).await;
        let late = json!({"method": "PUT", "path": "*/order-service/sales-order/*", "tenant": merchant.code,
            "action": {"kind": "delay", "ms": 4000}, "times": 1});
        merchant.installation.control(&merchant.installation.brightpearl, "faults", late).await;
        let five = line(&merchant, order, "SKU-5").await;
        let id = sales_order["id"].as_u64().unwrap();
        let reads = async || calls(&merchant).await.iter().filter(|call| call.ends_with(&format!("/order-service/sales-order/{id}"))).count();
        edit(&merchant, order, json!({"lines": [{"id": five, "quantity": 6}]})).await;
        until("the sales order was read to be changed", SOON, || async { (reads().await == 1).then_some(()) }).await;
        let gift = json!({"add": [{"name": "Engraving", "quantity": 1, "net": "10.00", "tax": "2.00", "taxCode": "T20"}], "reference": "by Bo"});
        merchant.account(&format!("orders/{id}/edit"), gift).await;
        has_rows(&merchant, order, &[("Engraving", 1), ("SKU-5", 6), ("SKU-6", 1), ("Shipping", 1)]).await;
        assert_eq!(now(&merchant, order).await["reference"], json!("by Bo"));
        assert_eq!(reads().await, 2, "read again after the refusal");
        stays("and nothing is held", A_WHILE, async || merchant.held().await.is_empty()).await;
    });
}

#[test]
fn a_row_that_people_changed_too_is_left_to_them_and_settled_once_they_agree() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        let (order, sales_order) = place(&merchant).await;
        let (row, _) = sales_order["orderRows"].as_object().unwrap().iter().find(|(_, row)| row["productSku"] == json!("SKU-5")).unwrap();
        let theirs = |quantity: u32, net: &str, tax: &str| json!({"rows": [{"id": row, "quantity": quantity, "net": net, "tax": tax}]});
        merchant.account(&format!("orders/{}/edit", sales_order["id"]), theirs(4, "20.00", "4.00")).await;
        let five = line(&merchant, order, "SKU-5").await;
        edit(&merchant, order, json!({"lines": [{"id": five, "quantity": 6}]})).await;
        merchant.held_for("edited-on-both-sides").await;
        assert_eq!(rows(&now(&merchant, order).await)[0], ("SKU-5".to_owned(), 4), "theirs stays");
        // They enter what the store says: all the rest is as it is to be.
        let store = merchant.store_order(order).await;
        let shown = store["products"].as_array().unwrap().iter().find(|line| line["sku"] == json!("SKU-5")).unwrap();
        let (net, gross) = (amount(&shown["total_ex_tax"]), amount(&shown["total_inc_tax"]));
        let (net, tax) = (format!("{net:.2}"), format!("{:.2}", gross - net));
        merchant.account(&format!("orders/{}/edit", sales_order["id"]), theirs(6, &net, &tax)).await;
        merchant.store(&format!("orders/{order}/notes"), json!({"staff_notes": "settled"})).await;
        until("nothing is held any more", SOON, || async { merchant.held().await.is_empty().then_some(()) }).await;
    });
}

/// Pieces that are reserved for an order.
async fn reserved(merchant: &Merchant<'_>, order: u64) -> u64 {
    let states = now(merchant, order).await["rowStates"].clone();
    states.as_object().map_or(0, |rows| rows.values().map(|row| row["reserved"].as_u64().unwrap()).sum())
}

#[test]
fn the_reservation_follows_an_edit_within_five_calls() {
    run(async {
        let merchant = Merchant::with(shared().await, Wish { orders: RESERVED, ..Wish::default() }).await;
        let (order, _) = place(&merchant).await;
        told(&merchant, order, "all 3 pieces").await;
        let five = line(&merchant, order, "SKU-5").await;
        for (quantity, pieces) in [(7, 8), (1, 2)] {
            let before = quiet(&merchant).await;
            edit(&merchant, order, json!({"lines": [{"id": five, "quantity": quantity}]})).await;
            has_rows(&merchant, order, &[("SKU-5", quantity), ("SKU-6", 1), ("Shipping", 1)]).await;
            until("as much is reserved", SOON, || async { (reserved(&merchant, order).await == pieces).then_some(()) }).await;
            quiet(&merchant).await;
            let cost = calls(&merchant).await.split_off(before);
            assert!(cost.len() <= 5, "{cost:#?}");
        }
        assert!(merchant.held().await.is_empty());
    });
}

#[test]
fn a_dry_run_tells_of_an_edit_and_changes_nothing() {
    run(async {
        let installation = Installation::new(&[]).await;
        let _ingest = installation.start("ingest", &[]).await;
        let mut processor = installation.start("processor", &[]).await;
        let merchant = Merchant::new(&installation).await;
        let (order, _) = place(&merchant).await;
        quiet(&merchant).await;
        processor.stop().await;
        let five = line(&merchant, order, "SKU-5").await;
        edit(&merchant, order, json!({"lines": [{"id": five, "quantity": 6}]})).await;
        let printed = installation.orderbridge(&["replay", "--tenant", &merchant.id, "--dry-run"]).await;
        assert!(printed.contains("6 instead of 2 pieces"), "{printed}");
        assert_eq!(rows(&now(&merchant, order).await)[0], ("SKU-5".to_owned(), 2));
    });
}
