//! The books of both platforms, compared: by hand and at night, at little cost, and gone on with after a kill.

mod cost;
mod differences;
mod nightly;

use serde_json::{Value, json};

use crate::installation::{Installation, run, shared};
use crate::merchant::{Merchant, ORDERS, SECTIONS, Wish};
use crate::payments::PAYMENTS;
use crate::wait::{SOON, until};

/// A merchant whose payments are booked.
async fn merchant<'a>(installation: &'a Installation, orders: &'static str) -> Merchant<'a> {
    let merchant = Merchant::with(installation, Wish { orders, ..Wish::default() }).await;
    merchant.import(orders, &format!("{SECTIONS}{PAYMENTS}")).await;
    merchant
}

/// An order that is paid in full, or for which nothing is paid.
fn order(paid: bool) -> Value {
    let payment = if paid { "card" } else { "none" };
    json!({"lines": [{"sku": "SKU-5", "quantity": 2, "tax_rate": 20}], "shipping": {"cost": "4.50", "tax_rate": 20}, "payment": payment, "status": 11})
}

/// Waits until an order's sales order is there, and paid if something was paid, and nothing is left to do.
async fn settled(merchant: &Merchant<'_>, order: u64, payments: usize) -> Value {
    merchant.synced(order).await;
    let what = format!("{payments} payments of {}/{order}", merchant.id);
    let found = until(&what, SOON, || async {
        let found = merchant.sales_orders(order).await.into_iter().next()?;
        (found["payments"].as_array()?.len() == payments).then_some(found)
    })
    .await;
    idle(merchant).await;
    found
}

/// Waits until no work of the merchant's orders is due.
async fn idle(merchant: &Merchant<'_>) {
    let due = format!("select count(*) from work_items where scope = '{}' and kind = 'order' and state = 'ready'", merchant.id);
    until("nothing is left to do", SOON, || async { (merchant.installation.sql(&due).await == "0").then_some(()) }).await;
}

/// An audit: its exit code and what it printed as JSON.
async fn audit(merchant: &Merchant<'_>, more: &[&str]) -> (i32, Value) {
    let output = merchant.installation.try_orderbridge(&[["audit", "--tenant", &merchant.id, "--json"].as_slice(), more].concat()).await;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"));
    (output.status.code().unwrap(), report)
}

/// Rows of a CSV text, as RFC 4180 has them.
fn rows_of(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => cell.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            c => cell.push(c),
        }
    }
    assert!(!quoted && row.is_empty() && cell.is_empty(), "every line ends");
    rows
}

#[test]
fn books_that_agree_have_no_differences_and_the_same_totals() {
    run(async {
        let installation = shared().await;
        let merchant = merchant(installation, ORDERS).await;
        for _ in 0..3 {
            let order = merchant.place(order(true)).await;
            settled(&merchant, order, 1).await;
        }
        let (code, report) = audit(&merchant, &[]).await;
        assert_eq!((code, &report["differences"], &report["waiting"]), (0, &json!([]), &json!([])), "{report:#}");
        let book = &report["books"][0];
        assert_eq!((&book["currency"], &book["orders"]["store"]["count"]), (&json!("GBP"), &json!(3)));
        for kind in ["orders", "tax", "payments", "refunds"] {
            assert_eq!(book[kind]["store"], book[kind]["brightpearl"], "{kind}");
        }
        assert!(book["payments"]["store"]["total"].as_str().unwrap().starts_with("52.2"), "{book}");
        let text = installation.orderbridge(&["audit", "--tenant", &merchant.id]).await;
        assert!(text.contains("the books agree") && text.contains("GBP"), "{text}");
        let rows = rows_of(&installation.orderbridge(&["audit", "--tenant", &merchant.id, "--csv"]).await);
        assert!(rows.iter().all(|row| row.len() == rows[0].len()) && rows.len() == 9, "{rows:?}");
        let listed = installation.orderbridge(&["audit", "list", "--tenant", &merchant.id, "--json"]).await;
        let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
        assert_eq!((listed.len(), &listed[0]["differences"], &listed[0]["nightly"]), (3, &json!(0), &json!(false)));
        let shown = installation.orderbridge(&["audit", "show", &report["audit"].to_string(), "--json"]).await;
        assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), report);
        assert_eq!(installation.sql("select count(*) from audit_pages").await, "0", "what was read is not kept");
    });
}

#[test]
fn a_tenant_that_is_not_there_and_a_window_that_is_none_are_told() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        let id = merchant.id.as_str();
        for (arguments, code, words) in [
            (vec!["--tenant", "nobody"], 1, "there is no tenant nobody"),
            (vec!["--tenant", id, "--from", "1h", "--to", "2h"], 2, "the window is empty"),
            (vec!["--tenant", id, "--to", "2999-01-01"], 2, "yet to come"),
            (vec!["--tenant", id, "--from", "yesterday"], 2, "a time is written"),
            (vec![], 2, "--tenant"),
            (vec!["--tenant", id, "--json", "--csv"], 2, "cannot be used with"),
            (vec!["show", "999999999"], 1, "there is no audit"),
            (vec!["list", "--tenant", "nobody"], 1, "there is no tenant nobody"),
        ] {
            let output = installation.try_orderbridge(&[vec!["audit"], arguments.clone()].concat()).await;
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.code() == Some(code) && errors.contains(words), "{arguments:?}: {:?} {errors}", output.status);
        }
    });
}
