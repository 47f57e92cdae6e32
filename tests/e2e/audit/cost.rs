//! What an audit costs, from the simulators' ledgers, and that a killed one goes on.

use std::time::Duration;

use serde_json::{Value, json};

use super::audit;
use crate::installation::{Installation, run};
use crate::merchant::{Merchant, ORDERS, SECTIONS, Wish};
use crate::payments::PAYMENTS;
use crate::wait::{SOON, until};

/// As many as one list of the store has.
const COUNT: usize = 250;

/// So that nothing waits for the store's quota.
const QUOTA: [(&str, &str); 1] = [("ORDERBRIDGE__QUOTA__BIGCOMMERCE_PER_WINDOW", "450")];

/// A merchant with that many orders, linked with sales orders that others entered; no processor runs.
pub(super) async fn merchant(installation: &Installation, count: usize) -> Merchant<'_> {
    let merchant = Merchant::with(installation, Wish::default()).await;
    merchant.import(ORDERS, &format!("{SECTIONS}{PAYMENTS}")).await;
    installation.orderbridge(&["rules", "refresh", &merchant.id]).await;
    let contact = merchant.account("contacts", json!({"email": "ada@example.com", "first_name": "Ada", "last_name": "Byron"})).await["id"].clone();
    let mut links = Vec::new();
    for _ in 0..count {
        let lines = json!([{"sku": "SKU-5", "price_ex_tax": "5.00", "price_inc_tax": "6.00", "tax_rate": 20}]);
        let order = merchant.place(json!({"lines": lines, "payment": "none", "status": 11})).await;
        let rows = json!([{"name": "Item 5", "quantity": 1, "taxCode": "T20", "net": "5.00", "tax": "1.00"}]);
        let made = json!({"customer": {"id": contact}, "ref": order.to_string(), "channelId": 5, "warehouseId": 2, "rows": rows});
        let made = merchant.account("orders", made).await["id"].as_u64().unwrap();
        links.push(format!("('{0}', {order}, 0, '{1}', {made}, {2}, '', true)", merchant.id, merchant.code, merchant.instance));
    }
    let columns = "tenant, store_order, part, account, sales_order, installation, external_ref, verified";
    installation.sql(&format!("insert into order_links ({columns}) values {}", links.join(", "))).await;
    // Behind what may still be dated like the orders.
    installation.advance(Duration::from_secs(20 * 60));
    merchant
}

/// Calls since the ledgers were emptied: to the store's payment records, to all else of the store, to the account.
async fn called(merchant: &Merchant<'_>) -> (usize, usize, usize) {
    let installation = merchant.installation;
    let (records, all) =
        (merchant.calls(&installation.bigcommerce, "path=/transactions").await.len(), merchant.calls(&installation.bigcommerce, "").await.len());
    (records, all - records, merchant.calls(&installation.brightpearl, "").await.len())
}

async fn forget_calls(installation: &Installation) {
    for platform in [&installation.bigcommerce, &installation.brightpearl] {
        assert!(installation.http.delete(format!("{platform}/_sim/ledger/calls")).send().await.unwrap().status().is_success());
    }
}

#[test]
fn an_audit_of_250_orders_costs_seven_list_calls_and_records_of_unchanged_orders_are_not_read_again() {
    run(async {
        let installation = Installation::new(&QUOTA).await;
        let merchant = merchant(&installation, COUNT).await;
        forget_calls(&installation).await;
        let (code, report) = audit(&merchant, &[]).await;
        assert_eq!((code, &report["orders_compared"], &report["transactions_read"]), (0, &json!(COUNT), &json!(COUNT)), "{report:#}");
        // A full list of orders may have a second page; refunds. Sales orders by date and by id (200 a call), and payments.
        assert_eq!(called(&merchant).await, (COUNT, 3, 4));
        forget_calls(&installation).await;
        let (code, report) = audit(&merchant, &[]).await;
        assert_eq!((code, &report["transactions_read"]), (0, &json!(0)), "{report:#}");
        assert_eq!(called(&merchant).await, (0, 3, 4));
        let changed = linked_order(&installation).await;
        merchant.store(&format!("orders/{changed}/status"), json!({"status": 9})).await;
        forget_calls(&installation).await;
        assert_eq!(audit(&merchant, &[]).await.0, 0);
        assert_eq!(called(&merchant).await, (1, 3, 4), "what has changed is read");
    });
}

/// The number of some linked order.
async fn linked_order(installation: &Installation) -> u64 {
    installation.sql("select max(store_order) from order_links").await.parse().unwrap()
}

#[test]
fn an_audit_that_was_killed_goes_on_where_it_was() {
    run(async {
        let installation = Installation::new(&QUOTA).await;
        let merchant = merchant(&installation, COUNT).await;
        let slow = json!({"method": "GET", "path": "*/transactions", "action": {"kind": "delay", "ms": 100}});
        installation.control(&installation.bigcommerce, "faults", slow).await;
        forget_calls(&installation).await;
        let under_way = installation.spawn_command(&["audit", "--tenant", &merchant.id, "--json"], &[]);
        until("some payment records are kept", SOON, || async {
            let kept = installation.sql("select count(*) from audit_pages where part = 'transactions'").await;
            (kept.parse::<u32>().unwrap() >= 3).then_some(())
        })
        .await;
        under_way.signal("KILL").await;
        drop(under_way);
        let before = called(&merchant).await;
        assert!(before.0 < COUNT, "it was killed in the middle: {before:?}");
        let (code, report) = audit(&merchant, &[]).await;
        assert_eq!((code, &report["orders_compared"]), (0, &json!(COUNT)), "{report:#}");
        let (records, others, account) = called(&merchant).await;
        // One page of records was under way; the sales orders are read anew.
        assert!(records <= COUNT + 25 && others == 3 && account <= 6, "{records} {others} {account}");
        let listed = installation.orderbridge(&["audit", "list", "--json"]).await;
        let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
        assert_eq!((listed.len(), &listed[0]["differences"]), (1, &json!(0)), "{listed:?}");
    });
}
