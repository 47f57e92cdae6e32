//! Refunds through power cuts and lost answers: each has one effect.

use std::time::Duration;

use serde_json::{Value, json};

use super::steps::{QUICK, doomed, steps};
use crate::installation::{Installation, run};
use crate::merchant::{Merchant, ORDERS, SECTIONS};
use crate::payments::PAYMENTS;
use crate::refunds::{REFUNDS, credits, merchant_with, order, pieces, refund, told};
use crate::wait::{SOON, stays, until};

const ROW: &str = "/order-service/order/{id}/row";
const CREDIT: &str = "/order-service/sales-credit/";

/// A merchant whose goods come back into stock, at the first place of the warehouse.
async fn restocking(installation: &Installation) -> Merchant<'_> {
    let merchant = merchant_with(installation, ORDERS).await;
    let account = installation.look(&installation.brightpearl, &format!("accounts/{}", merchant.code)).await;
    let restock = format!("restock = {{ warehouse = 2, location = {} }}\n", account["locations"]["2"][0]);
    merchant.import(ORDERS, &format!("{SECTIONS}{PAYMENTS}{REFUNDS}{restock}")).await;
    merchant
}

/// An order that is refunded in part: two of its pieces and an amount, in one refund each.
struct Refunded {
    order: u64,
    is_shipped: bool,
    refund: Value,
}

/// Orders that are paid, and shipped if so wished, while a processor works.
async fn placed(installation: &Installation, merchant: &Merchant<'_>, count: usize, is_shipped: bool) -> Vec<u64> {
    let mut processor = installation.start("processor", &[]).await;
    let mut orders = Vec::new();
    for _ in 0..count {
        orders.push(merchant.place(order()).await);
    }
    for order in &orders {
        let sales_order = merchant.synced(*order).await;
        until("it is paid", SOON, || async { merchant.timeline(*order).await.contains("payment-booked").then_some(()) }).await;
        if is_shipped {
            merchant.ship(&sales_order, json!({"reference": "RM1"})).await;
            merchant.shipped(*order, 1).await;
        }
    }
    until("nothing is left to do", SOON, || async {
        let work = format!("select count(*) from work_items where scope = '{}' and kind = 'order' and state = 'ready'", merchant.id);
        (installation.sql(&work).await == "0").then_some(())
    })
    .await;
    processor.stop().await;
    orders
}

/// One refund that takes a piece off a row, takes a row off, and adds one for delivery.
async fn refund_in_part(merchant: &Merchant<'_>, order: u64, is_shipped: bool) -> Refunded {
    let address = merchant.store_order(order).await["shipping_addresses"][0]["id"].clone();
    let items = json!([pieces(merchant, order, 0, 1).await, pieces(merchant, order, 1, 1).await, {"item_type": "SHIPPING", "item_id": address}]);
    Refunded { order, is_shipped, refund: refund(merchant, order, json!({"items": items})).await }
}

/// Money out on a sales order or credit.
fn paid_back(of: &Value) -> Vec<String> {
    let payments = of["payments"].as_array().cloned().unwrap_or_default();
    payments.iter().filter(|payment| payment["type"] == json!("PAYMENT")).map(|payment| payment["amount_paid"].as_str().unwrap().to_owned()).collect()
}

/// 28.20 less 6.00, 4.80 and 5.40: on the sales order, or beside it as a credit.
async fn is_booked(merchant: &Merchant<'_>, refunded: &Refunded) -> bool {
    let sales_order = &merchant.sales_orders(refunded.order).await[0];
    let credits = credits(merchant, &refunded.refund).await;
    let total = |of: &Value| of["totalValue"]["total"].as_str().unwrap().to_owned();
    let path = format!("accounts/{}/goods-in", merchant.code);
    let goods = merchant.installation.look(&merchant.installation.brightpearl, &path).await;
    let received = |credit: &Value| goods["goods-in"].as_array().unwrap().iter().filter(|note| note["orderId"] == credit["id"]).count();
    if refunded.is_shipped {
        let is_one = credits.len() == 1 && total(&credits[0]) == "16.20" && paid_back(&credits[0]) == ["16.20"];
        is_one && received(&credits[0]) == 1 && total(sales_order) == "28.20" && paid_back(sales_order).is_empty()
    } else {
        credits.is_empty() && total(sales_order) == "12.00" && paid_back(sales_order) == ["16.20"]
    }
}

async fn booked_once(merchant: &Merchant<'_>, all: &[Refunded]) {
    for refunded in all {
        told(merchant, refunded.order, "refund-booked").await;
    }
    stays("each has one effect", Duration::from_secs(5), async || {
        for refunded in all {
            if !is_booked(merchant, refunded).await {
                return false;
            }
        }
        true
    })
    .await;
    assert!(merchant.held().await.is_empty());
}

#[test]
fn a_processor_ended_at_any_step_of_a_refund_books_it_once() {
    run(async {
        let installation = Installation::new(&QUICK).await;
        let _ingest = installation.start("ingest", &[]).await;
        let merchant = restocking(&installation).await;
        let kinds = |kinds: &[&str], bytes: &str| -> Vec<String> {
            kinds.iter().flat_map(|kind| steps(kind)).chain([format!("before-bytes:{bytes}")]).collect()
        };
        let before = kinds(&["set-order-row", "add-order-row", "create-payment"], ROW);
        let after = kinds(&["create-sales-credit", "create-payment", "receive-goods"], CREDIT);
        let mut all = Vec::new();
        for (steps, is_shipped) in [(before, false), (after, true)] {
            let orders = placed(&installation, &merchant, steps.len(), is_shipped).await;
            for (step, order) in steps.iter().zip(orders) {
                let mut doomed = doomed(&installation, step);
                all.push(refund_in_part(&merchant, order, is_shipped).await);
                doomed.ended().await;
            }
        }
        let _processor = installation.start("processor", &[]).await;
        booked_once(&merchant, &all).await;
    });
}

#[test]
fn a_refund_whose_answers_are_late_cut_or_spoilt_is_booked_once() {
    run(async {
        let mut settings =
            vec![("ORDERBRIDGE__HTTP__READ_TIMEOUT", "1s"), ("ORDERBRIDGE__HTTP__TOTAL_TIMEOUT", "1s"), ("ORDERBRIDGE__HTTP__CONNECT_TIMEOUT", "1s")];
        settings.extend(QUICK);
        let installation = Installation::new(&settings).await;
        let _ingest = installation.start("ingest", &[]).await;
        let merchant = restocking(&installation).await;
        let faults = ["delay_after", "cut_after", "corrupt_body", "cut_before"];
        let (plain, shipped) =
            (placed(&installation, &merchant, faults.len(), false).await, placed(&installation, &merchant, faults.len(), true).await);
        let _processor = installation.start("processor", &[]).await;
        let mut all = Vec::new();
        for ((kind, plain), shipped) in faults.iter().zip(plain).zip(shipped) {
            for (method, path) in [
                ("PATCH", "*/order-service/order/*/row/*"),
                ("DELETE", "*/order-service/order/*/row/*"),
                ("POST", "*/order-service/order/*/row"),
                ("POST", "*/order-service/sales-credit/"),
                ("POST", "*/goods-note/goods-in"),
            ] {
                let action = if *kind == "delay_after" { json!({"kind": kind, "ms": 3000}) } else { json!({"kind": kind}) };
                let fault = json!({"method": method, "path": path, "action": action, "times": 1});
                installation.control(&installation.brightpearl, "faults", fault).await;
            }
            for (order, is_shipped) in [(plain, false), (shipped, true)] {
                all.push(refund_in_part(&merchant, order, is_shipped).await);
            }
            booked_once(&merchant, &all).await;
        }
        let faults = installation.look(&installation.brightpearl, "faults").await;
        assert!(!faults.to_string().contains("\"fired\":0"), "every fault was met: {faults}");
    });
}
