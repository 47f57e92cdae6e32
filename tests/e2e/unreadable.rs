//! One thing that cannot be read, among many that can.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::installation::{Installation, run, shared};
use crate::merchant::Merchant;
use crate::wait::{SOON, until};

/// Half of the body of each such answer is missing.
fn corrupt(tenant: &str, path: &str) -> Value {
    json!({"method": "GET", "path": path, "tenant": tenant, "action": {"kind": "corrupt_body"}})
}

async fn mend(installation: &Installation, platform: &str, rules: [Value; 2]) {
    for rule in rules {
        let url = format!("{platform}/_sim/faults/{}", rule["id"]);
        let mended: Value = serde_json::from_str(&installation.http.delete(url).send().await.unwrap().text().await.unwrap()).unwrap();
        assert!(mended["fired"].as_u64().unwrap() > 0, "{mended}");
    }
}

/// The last parts of paths.
fn ends(calls: &[Value]) -> BTreeSet<String> {
    calls.iter().map(|call| call["path"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()).collect()
}

#[test]
fn a_store_order_that_cannot_be_read_stops_no_other_of_its_batch() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        installation.orderbridge(&["tenant", "pause", &merchant.id]).await;
        let mut orders = Vec::new();
        for _order in 0..5 {
            orders.push(merchant.place_simple().await);
        }
        let all: BTreeSet<String> = orders.iter().map(u64::to_string).collect();
        let unreadable = orders.remove(2);
        let store = &installation.bigcommerce;
        let rules = [
            installation.control(store, "faults", corrupt(&merchant.id, "*/v2/orders")).await,
            installation.control(store, "faults", corrupt(&merchant.id, &format!("*/v2/orders/{unreadable}"))).await,
        ];
        until("all five wait", SOON, || async {
            let waiting = installation.orderbridge(&["work", "list", "--tenant", &merchant.id, "--json"]).await;
            (serde_json::from_str::<Value>(&waiting).unwrap().as_array().unwrap().len() == 5).then_some(())
        })
        .await;
        installation.orderbridge(&["tenant", "resume", &merchant.id]).await;
        for order in &orders {
            merchant.synced(*order).await;
        }
        assert!(merchant.sales_orders(unreadable).await.is_empty());
        // They were read together in vain, and then each alone, at once: nothing else of any of them was done in between.
        let calls = merchant.calls(store, "method=GET&path=/v2/orders").await;
        let together = calls.iter().position(|call| call["path"].as_str().unwrap().ends_with("/v2/orders")).expect("they were read together");
        assert_eq!(ends(&calls[together + 1..together + 6]), all);

        mend(installation, store, rules).await;
        merchant.synced(unreadable).await;
    });
}

/// How many work items on sales orders came to this.
async fn routed(installation: &Installation, outcome: &str) -> u64 {
    let metrics = installation.http.get(format!("{}/metrics", installation.processor_url)).send().await.unwrap().text().await.unwrap();
    let is_it = |line: &&str| {
        line.starts_with("orderbridge_work_items_total")
            && line.contains(r#"kind="sales-order""#)
            && line.contains(&format!(r#"outcome="{outcome}""#))
    };
    metrics.lines().find(is_it).map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

#[test]
fn a_sales_order_that_cannot_be_read_stops_the_routing_of_no_other() {
    run(async {
        let installation = Installation::new(&[]).await;
        let _ingest = installation.start("ingest", &[]).await;
        let merchant = Merchant::new(&installation).await;
        merchant.account("contacts", json!({"id": 700, "email": "walk.in@example.com"})).await;
        let rows = json!([{"productId": 1000, "name": "By hand", "quantity": 1, "net": "1", "tax": "0", "taxCode": "T0"}]);
        let mut others = BTreeSet::new();
        for _order in 0..6 {
            let made = merchant.account("orders", json!({"customer": {"id": 700}, "rows": rows})).await;
            others.insert(made["id"].as_u64().unwrap());
        }
        for order in &others {
            merchant.account(&format!("orders/{order}/status"), json!({"status_id": 18})).await;
        }
        let unreadable = *others.iter().nth(3).unwrap();
        others.remove(&unreadable);
        let erp = &installation.brightpearl;
        let rules = [
            installation.control(erp, "faults", corrupt(&merchant.code, "*/order-service/order/*-*")).await,
            installation.control(erp, "faults", corrupt(&merchant.code, &format!("*/order-service/order/{unreadable}"))).await,
        ];
        until("all are told of", SOON, || async {
            let told = installation.look(erp, "ledger/deliveries?event=order.modified&status=200").await;
            let told: Vec<u64> = told
                .as_array()
                .unwrap()
                .iter()
                .flat_map(|delivery| {
                    let ids = &delivery["body"]["id"];
                    let text = ids.as_str().map_or_else(|| ids.to_string(), str::to_owned);
                    orderbridge_schema::idset::expand(&text, 100).unwrap()
                })
                .collect();
            (others.iter().all(|id| told.contains(id)) && told.contains(&unreadable)).then_some(())
        })
        .await;
        let _processor = installation.start("processor", &[]).await;
        let foreign = async || {
            let known = installation.sql("select sales_order from foreign_orders").await;
            known.lines().map(|id| id.parse().unwrap()).collect::<BTreeSet<u64>>()
        };
        until("all others are known to be foreign", SOON, || async { (foreign().await == others).then_some(()) }).await;
        let failed = routed(&installation, "failed").await;
        let faults = installation.look(erp, "faults").await;
        let alone = faults.as_array().unwrap().iter().find(|rule| rule["id"] == rules[1]["id"]).unwrap()["fired"].as_u64().unwrap();
        assert!(failed <= alone, "{failed} items failed, {alone} reads of the bad one did");

        mend(&installation, erp, rules).await;
        others.insert(unreadable);
        until("the last one is known, too", SOON, || async { (foreign().await == others).then_some(()) }).await;
    });
}
