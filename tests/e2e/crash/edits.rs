//! The processor ended at each step of a carried edit, and answers that come too late or not at all.

use std::time::Duration;

use serde_json::{Value, json};

use super::steps::{QUICK, doomed, steps};
use crate::edits::{edit, line, place, rows};
use crate::installation::{Installation, run};
use crate::merchant::Merchant;
use crate::wait::{SOON, stays, until};

/// One line more and three more pieces of another, in rows that are there once.
const WHOLE: [(&str, u32); 4] = [("SKU-5", 5), ("SKU-6", 1), ("SKU-7", 4), ("Shipping", 1)];

async fn change(merchant: &Merchant<'_>, order: u64) {
    let five = line(merchant, order, "SKU-5").await;
    edit(merchant, order, json!({"lines": [{"id": five, "quantity": 5}, {"sku": "SKU-7", "quantity": 4, "tax_rate": 20}]})).await;
}

fn is_whole(sales_order: &Value) -> bool {
    rows(sales_order) == WHOLE.map(|(name, quantity)| (name.to_owned(), quantity))
}

/// Each order's rows are as they are to be, and remembered so; and they stay so.
async fn whole(merchant: &Merchant<'_>, orders: &[u64]) {
    let in_step = async |order: u64| {
        let rows = format!("select jsonb_array_length(rows) from orders_in_step where tenant = '{}' and store_order = {order}", merchant.id);
        is_whole(&merchant.sales_orders(order).await[0]) && merchant.installation.sql(&rows).await == "4"
    };
    for order in orders {
        until(&format!("the edit of {}/{order}", merchant.id), SOON, || async { in_step(*order).await.then_some(()) }).await;
    }
    stays("nothing comes twice", Duration::from_secs(4), async || {
        for order in orders {
            if !in_step(*order).await {
                return false;
            }
        }
        true
    })
    .await;
}

#[test]
fn a_processor_ended_at_any_step_of_an_edit_carries_it_once() {
    run(async {
        let installation = Installation::new(&QUICK).await;
        let _ingest = installation.start("ingest", &[]).await;
        let merchant = Merchant::new(&installation).await;
        let steps: Vec<String> = steps("edit-sales-order").into_iter().chain(["before-bytes:/order-service/sales-order/{id}/".to_owned()]).collect();
        let mut processor = installation.start("processor", &[]).await;
        let mut orders = Vec::new();
        for _step in &steps {
            orders.push(place(&merchant).await.0);
        }
        processor.stop().await;
        for (step, order) in steps.iter().zip(&orders) {
            let mut doomed = doomed(&installation, step);
            change(&merchant, *order).await;
            doomed.ended().await;
        }
        let _processor = installation.start("processor", &[]).await;
        whole(&merchant, &orders).await;
    });
}

#[test]
fn an_edit_whose_answer_is_lost_late_or_spoilt_is_carried_once() {
    run(async {
        let mut settings =
            vec![("ORDERBRIDGE__HTTP__READ_TIMEOUT", "1s"), ("ORDERBRIDGE__HTTP__TOTAL_TIMEOUT", "1s"), ("ORDERBRIDGE__HTTP__CONNECT_TIMEOUT", "1s")];
        settings.extend(QUICK);
        let installation = Installation::new(&settings).await;
        let _all = installation.start("all", &[]).await;
        let merchant = Merchant::new(&installation).await;
        let mut orders = Vec::new();
        for action in [
            json!({"kind": "cut_after"}),
            json!({"kind": "delay", "ms": 2000}),
            json!({"kind": "commit_late", "ms": 1500}),
            json!({"kind": "corrupt_body"}),
        ] {
            let (order, _) = place(&merchant).await;
            let fault = json!({"method": "PUT", "path": "*/order-service/sales-order/*", "tenant": merchant.code, "action": action, "times": 1});
            installation.control(&installation.brightpearl, "faults", fault).await;
            change(&merchant, order).await;
            whole(&merchant, &[order]).await;
            orders.push(order);
        }
        whole(&merchant, &orders).await;
        let faults = installation.look(&installation.brightpearl, "faults").await;
        assert!(!faults.to_string().contains("\"fired\":0"), "every fault was met: {faults}");
    });
}
