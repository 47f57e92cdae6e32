//! Payments through power cuts and lost answers: each is booked once.

use std::time::Duration;

use serde_json::json;

use super::steps::{QUICK, doomed, killed_while_waiting, steps};
use crate::installation::{Installation, run};
use crate::merchant::Merchant;
use crate::payments::{PAYMENTS, booked, merchant_with};
use crate::wait::{SOON, stays, until};

const PATH: &str = "/accounting-service/customer-payment";

async fn place(merchant: &Merchant<'_>) -> u64 {
    merchant.place(json!({"email": "ada@example.com", "lines": [{"sku": "SKU-5", "quantity": 2, "tax_rate": 20}], "payment": "card"})).await
}

/// Waits until each order has a payment that is linked, and sees that none gets a second one.
async fn booked_once(merchant: &Merchant<'_>, orders: &[u64]) {
    for order in orders {
        until(&format!("the payment of order {order} is linked"), SOON, || async {
            let links = format!("select count(*) from payment_links where tenant = '{}' and store_order = {order}", merchant.id);
            (merchant.installation.sql(&links).await == "1").then_some(())
        })
        .await;
    }
    stays("one payment each", Duration::from_secs(4), async || {
        for order in orders {
            if booked(merchant, *order).await.len() != 1 {
                return false;
            }
        }
        true
    })
    .await;
}

#[test]
fn a_processor_ended_at_any_step_of_a_payment_books_it_once() {
    run(async {
        let installation = Installation::new(&QUICK).await;
        let _ingest = installation.start("ingest", &[]).await;
        let merchant = merchant_with(&installation, PAYMENTS).await;
        let mut orders = Vec::new();
        for step in steps("create-payment").into_iter().chain([format!("before-bytes:{PATH}")]) {
            let mut doomed = doomed(&installation, &step);
            orders.push(place(&merchant).await);
            doomed.ended().await;
        }
        let _processor = installation.start("processor", &[]).await;
        booked_once(&merchant, &orders).await;
    });
}

#[test]
fn a_processor_killed_while_a_payment_is_booked_books_it_once_and_by_the_method_it_was_sent_with() {
    run(async {
        let installation = Installation::new(&QUICK).await;
        let _ingest = installation.start("ingest", &[]).await;
        let merchant = merchant_with(&installation, PAYMENTS).await;
        let brightpearl = installation.brightpearl.clone();
        let mut orders = Vec::new();
        killed_while_waiting(&installation, &merchant, &brightpearl, PATH, async || orders.push(place(&merchant).await)).await;
        // Brightpearl would take the same payment once more by another method.
        let wish = crate::merchant::SECTIONS.to_owned() + &PAYMENTS.replace("\"STRIPE\"", "\"PAYPAL\"");
        merchant.import(crate::merchant::ORDERS, &wish).await;
        let _processor = installation.start("processor", &[]).await;
        booked_once(&merchant, &orders).await;
        assert_eq!(booked(&merchant, orders[0]).await[0].1, "STRIPE");
    });
}

#[test]
fn a_payment_whose_answer_is_late_cut_or_spoilt_is_booked_once() {
    run(async {
        let quick = QUICK.into_iter().chain(["READ", "TOTAL", "CONNECT"].map(|which| match which {
            "READ" => ("ORDERBRIDGE__HTTP__READ_TIMEOUT", "1s"),
            "TOTAL" => ("ORDERBRIDGE__HTTP__TOTAL_TIMEOUT", "1s"),
            _ => ("ORDERBRIDGE__HTTP__CONNECT_TIMEOUT", "1s"),
        }));
        let installation = Installation::new(&quick.collect::<Vec<_>>()).await;
        let _all = installation.start("all", &[]).await;
        let merchant = merchant_with(&installation, PAYMENTS).await;
        let mut orders = Vec::new();
        for action in
            [json!({"kind": "delay_after", "ms": 3000}), json!({"kind": "cut_after"}), json!({"kind": "corrupt_body"}), json!({"kind": "cut_before"})]
        {
            let fault = json!({"method": "POST", "path": format!("*{PATH}"), "action": action, "times": 1});
            installation.control(&installation.brightpearl, "faults", fault).await;
            orders.push(place(&merchant).await);
            booked_once(&merchant, &orders).await;
        }
        let faults = installation.look(&installation.brightpearl, "faults").await;
        assert!(!faults.to_string().contains("\"fired\":0"), "every fault was met: {faults}");
    });
}
