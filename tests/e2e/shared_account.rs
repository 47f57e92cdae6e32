//! Tenants that share one Brightpearl account: its contacts, its webhooks and its quota are common, their work is not.

use std::time::Duration;

use serde_json::{Value, json};

use crate::installation::{Installation, run, shared};
use crate::merchant::{Merchant, ORDERS, SECTIONS};
use crate::wait::{SOON, until};

const EMAIL: &str = "new.customer@example.com";

fn first_order() -> Value {
    json!({"email": EMAIL, "lines": [{"sku": "SKU-1", "tax_rate": 20}]})
}

/// Contacts are made slowly, so that whoever else wants one comes in between.
async fn slow_contacts(merchant: &Merchant<'_>) {
    let installation = merchant.installation;
    let slow = json!({"method": "POST", "path": "*/contact-service/contact*", "tenant": merchant.code, "action": {"kind": "delay", "ms": 1500}});
    installation.control(&installation.brightpearl, "faults", slow).await;
}

/// All sales orders are for one contact, and only one was ever asked for.
async fn assert_one_contact(merchant: &Merchant<'_>, sales_orders: &[Value]) {
    let contact = &sales_orders[0]["parties"]["customer"]["contactId"];
    assert!(sales_orders.iter().all(|order| order["parties"]["customer"]["contactId"] == *contact));
    let made = merchant.calls(&merchant.installation.brightpearl, "method=POST&path=/contact-service/contact").await;
    assert_eq!(made.len(), 1, "{made:?}");
    let contacts = merchant.installation.look(&merchant.installation.brightpearl, &format!("accounts/{}/contacts", merchant.code)).await;
    assert_eq!(contacts.to_string().matches(EMAIL).count(), 1, "{contacts}");
}

#[test]
fn two_first_orders_of_one_customer_at_once_make_one_contact() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        slow_contacts(&merchant).await;
        installation.orderbridge(&["tenant", "pause", &merchant.id]).await;
        let orders = [merchant.place(first_order()).await, merchant.place(first_order()).await];
        installation.orderbridge(&["tenant", "resume", &merchant.id]).await;
        let made = [merchant.synced(orders[0]).await, merchant.synced(orders[1]).await];
        assert_one_contact(&merchant, &made).await;
    });
}

#[test]
fn first_orders_of_one_customer_in_two_stores_of_an_account_make_one_contact() {
    run(async {
        let installation = shared().await;
        let one = Merchant::new(installation).await;
        let two = Merchant::beside(&one).await;
        slow_contacts(&one).await;
        installation.orderbridge(&["tenant", "pause", &one.id]).await;
        installation.orderbridge(&["tenant", "pause", &two.id]).await;
        let orders = [one.place(first_order()).await, two.place(first_order()).await];
        let resume = async |merchant: &Merchant<'_>| installation.orderbridge(&["tenant", "resume", &merchant.id]).await;
        tokio::join!(resume(&one), resume(&two));
        let made = [one.synced(orders[0]).await, two.synced(orders[1]).await];
        assert_one_contact(&one, &made).await;
    });
}

#[test]
fn a_tenant_waits_neither_for_the_backlog_nor_the_quota_nor_the_failure_of_another_on_its_account() {
    run(async {
        let installation = shared().await;
        let slow = Merchant::new(installation).await;
        let quick = Merchant::beside(&slow).await;
        let known = quick.place_simple().await;
        quick.synced(known).await;

        // A store that answers after ten seconds, if at all, and thirty orders of it.
        let late = json!({"path": "*", "tenant": slow.id, "action": {"kind": "delay", "ms": 10_000}});
        let late = installation.control(&installation.bigcommerce, "faults", late).await;
        let mut backlog = Vec::new();
        for _order in 0..30 {
            backlog.push(slow.place_simple().await);
        }
        until("the backlog is being worked on", SOON, || async {
            let asked = slow.calls(&installation.bigcommerce, "method=GET").await;
            let listed = installation.orderbridge(&["work", "list", "--tenant", &slow.id, "--json"]).await;
            (listed.matches("/order/").count() >= 20 && !asked.is_empty()).then_some(())
        })
        .await;
        let order = quick.place_simple().await;
        quick.synced(order).await;
        assert!(slow.sales_orders(backlog[0]).await.is_empty(), "the other one's first answer is still awaited");
        remove_fault(installation, &late).await;

        // A store that fails, and one whose quota other apps have used up.
        let broken = json!({"path": "*", "tenant": slow.id, "action": {"kind": "status", "status": 500, "body": "broken"}});
        let broken = installation.control(&installation.bigcommerce, "faults", broken).await;
        let order = quick.place_simple().await;
        quick.synced(order).await;
        remove_fault(installation, &broken).await;
        slow.store("requests", json!({"count": 450})).await;
        let order = quick.place_simple().await;
        quick.synced(order).await;

        for order in backlog {
            slow.synced(order).await;
        }
    });
}

async fn remove_fault(installation: &Installation, fault: &Value) {
    let url = format!("{}/_sim/faults/{}", installation.bigcommerce, fault["id"]);
    assert!(installation.http.delete(url).send().await.unwrap().status().is_success());
}

/// Our records of a tenant's orders are gone, as after restoring an older copy of the database; with them whatever else is named.
async fn forget_orders(merchant: &Merchant<'_>, more: &str) {
    let id = &merchant.id;
    let tables =
        ["row_links", "order_links", "agreements", "orders_in_step"].map(|table| format!("delete from {table} where tenant = '{id}';")).concat();
    merchant
        .installation
        .sql(&format!("{tables} delete from commands where scope = '{id}'; delete from work_items where scope = '{id}'; {more}"))
        .await;
}

/// Nothing is left to do for the account, webhooks on their way included.
async fn all_quiet(merchant: &Merchant<'_>) {
    let (id, code) = (&merchant.id, &merchant.code);
    let installation = merchant.installation;
    until("all is done", SOON, || async {
        let under_way = installation.look(&installation.brightpearl, &format!("accounts/{code}/deliveries")).await;
        let work = installation.orderbridge(&["work", "list", "--json"]).await;
        let busy = work.contains(&format!("@{code}/")) || work.contains(&format!("\"{id}/"));
        (!busy && under_way["waiting"].as_array().is_none_or(Vec::is_empty)).then_some(())
    })
    .await;
}

/// Brightpearl tells of the sales order once more.
async fn tell_again(merchant: &Merchant<'_>, sales_order: &Value) {
    merchant.account("events", json!({"event": "order.modified.order-status", "ids": [sales_order["id"]]})).await;
}

#[test]
fn a_sales_order_with_our_key_is_linked_again_whatever_has_become_of_its_order() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        let order = merchant.place_simple().await;
        let made = merchant.synced(order).await;
        all_quiet(&merchant).await;
        forget_orders(&merchant, "").await;
        // Cancelled: orders in that status are not created, but this one was.
        merchant.store(&format!("orders/{order}/status"), json!({"status": 5})).await;
        until("the order is left alone", SOON, || async { merchant.timeline(order).await.contains("status-not-selected").then_some(()) }).await;
        tell_again(&merchant, &made).await;
        until("the cancellation is carried", SOON, || async {
            let found = merchant.sales_orders(order).await;
            assert_eq!(found.len(), 1);
            (found[0]["orderStatus"]["orderStatusId"] == json!(5)).then_some(())
        })
        .await;
        let timeline = merchant.timeline(order).await;
        assert!(timeline.contains("sales-order-found") && timeline.contains("total-equal"), "{timeline}");
    });
}

#[test]
fn a_sales_order_with_our_key_is_not_foreign_for_good_because_its_store_is_not_known_yet() {
    run(async {
        let installation = shared().await;
        let one = Merchant::new(installation).await;
        let two = Merchant::beside(&one).await;
        let order = two.place_simple().await;
        let made = two.synced(order).await;
        // The database is put back to before the second store was connected.
        all_quiet(&two).await;
        let id = &two.id;
        forget_orders(&two, &format!("delete from credentials where scope = '{id}'; delete from tenants where id = '{id}'")).await;
        let reads = async || one.calls(&installation.brightpearl, "method=GET&path=/order-service/").await.len();
        let before = reads().await;
        tell_again(&one, &made).await;
        until("it was looked at", SOON, || async {
            let waiting = installation.orderbridge(&["work", "list", "--json"]).await.contains(&format!("@{}/sales-order/", one.code));
            (reads().await > before && !waiting).then_some(())
        })
        .await;
        two.connect(ORDERS, SECTIONS).await;
        tell_again(&one, &made).await;
        until("it is linked", Duration::from_secs(60), || async { two.timeline(order).await.contains("sales-order-found").then_some(()) }).await;
        assert_eq!(two.synced(order).await["id"], made["id"]);
    });
}
