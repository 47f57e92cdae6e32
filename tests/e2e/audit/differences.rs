//! Each thing that may differ, made on the simulators.

use serde_json::{Value, json};

use super::{audit, cost, idle, merchant, order, rows_of, settled};
use crate::installation::{Installation, run, shared};
use crate::merchant::Merchant;
use crate::wait::{SOON, until};

/// Takes a payment out of the account's books, as somebody with the right to does.
async fn delete_payment(merchant: &Merchant<'_>, payment: u64) {
    let installation = merchant.installation;
    let url = format!("{}/public-api/{}/accounting-service/customer-payment/{payment}", installation.brightpearl, merchant.code);
    let sent = installation.http.delete(url).bearer_auth(merchant.brightpearl_token());
    let sent = sent.header("brightpearl-app-ref", "connector-app").header("brightpearl-dev-ref", "connector-dev").send().await.unwrap();
    assert!(sent.status().is_success(), "{}", sent.status());
}

/// The differences of an order: kind, cause, and by how much.
fn of(report: &Value, order: u64) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let differences = report["differences"].as_array().unwrap().iter().filter(|one| one["order"] == json!(order));
    differences.map(|one| (text(&one["kind"]), text(&one["cause"]), text(&one["by"]))).collect()
}

fn is(kind: &str, cause: &str, by: &str) -> Vec<(String, String, String)> {
    vec![(kind.into(), cause.into(), by.into())]
}

#[test]
fn every_difference_is_named_with_its_cause() {
    run(async {
        let installation = shared().await;
        let merchant = merchant(installation, "channel = 5\nwarehouse = 2\ncreate_statuses = [11]\n").await;
        let held = merchant.place(json!({"lines": [{"sku": "TEAPOT", "name": "Teapot", "price": "25.00"}], "payment": "card"})).await;
        merchant.held_for("unknown-sku").await;
        let skipped = merchant.place(json!({"lines": [{"sku": "SKU-5"}], "payment": "none", "status": 7})).await;
        let mut orders = Vec::new();
        for paid in [false, false, false, true, true] {
            let placed = merchant.place(order(paid)).await;
            orders.push((placed, settled(&merchant, placed, usize::from(paid)).await));
        }
        let id = |place: usize| orders[place].1["id"].as_u64().unwrap();
        let row = orders[0].1["orderRows"].as_object().unwrap().keys().next().unwrap().parse::<u64>().unwrap();
        merchant.account(&format!("orders/{}/edit", id(0)), json!({"rows": [{"id": row, "net": "1.00", "tax": "0.20"}]})).await;
        let deleted = installation.http.delete(format!("{}/_sim/accounts/{}/orders/{}", installation.brightpearl, merchant.code, id(1)));
        assert!(deleted.send().await.unwrap().status().is_success());
        merchant.account(&format!("orders/{}/clone", id(2)), json!({})).await;
        delete_payment(&merchant, orders[3].1["payments"][0]["id"].as_u64().unwrap()).await;
        merchant.account(&format!("orders/{}/pay", id(4)), json!({"amount": "5.00", "reference": "Ada Byron paid"})).await;
        idle(&merchant).await;
        let (code, report) = audit(&merchant, &[]).await;
        assert_eq!(code, 3, "{report:#}");
        let difference = |place: usize| of(&report, orders[place].0);
        assert_eq!(of(&report, held), is("missing-in-brightpearl", "held:unknown-sku:TEAPOT", "30.00"));
        let totals: Vec<(String, String)> = difference(0).into_iter().map(|(kind, cause, _)| (kind, cause)).collect();
        assert_eq!(totals, ["total-differs", "tax-differs"].map(|kind| (kind.to_owned(), "changed-in-brightpearl".to_owned())));
        assert_eq!(difference(1), is("sales-order-gone", "deleted-in-brightpearl", "17.40"));
        assert_eq!(difference(2), is("doubled-sales-order", "doubled", "-17.40"));
        assert_eq!(difference(3), is("payment-missing", "unknown", "17.40"));
        assert_eq!(difference(4), is("payment-extra", "entered-by-hand", "-5.00"));
        assert_eq!(report["differences"].as_array().unwrap().len(), 7, "{report:#}");
        let listed = |section: &str| (report[section][0]["order"].clone(), report[section][0]["total"]["currency"].clone());
        assert_eq!((listed("held").0, listed("skipped").0), (json!(held), json!(skipped)));
        assert_eq!(report["skipped"][0]["cause"], json!("skipped:status-not-selected"));
        assert!(!report.to_string().contains("Byron") && !report.to_string().contains('@'), "nobody is named");
        let shown = installation.try_orderbridge(&["audit", "--tenant", &merchant.id, "--csv"]).await;
        let rows = rows_of(&String::from_utf8(shown.stdout).unwrap());
        let count = |section: &str| rows.iter().filter(|row| row[2] == section).count();
        assert_eq!((count("difference"), count("held"), count("skipped"), count("total")), (7, 1, 1, 8), "{rows:?}");
        assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{rows:?}");
    });
}

#[test]
fn what_is_mended_differs_no_more_and_a_held_order_goes_on() {
    run(async {
        let installation = shared().await;
        let merchant = merchant(installation, crate::merchant::ORDERS).await;
        let held = merchant.place(json!({"lines": [{"sku": "TEAPOT", "name": "Teapot", "price": "25.00"}], "payment": "card"})).await;
        merchant.held_for("unknown-sku").await;
        assert_eq!(audit(&merchant, &[]).await.0, 3);
        merchant.account("products", json!({"products": [{"sku": "TEAPOT", "name": "Teapot", "stock": {"2": 10}}]})).await;
        settled(&merchant, held, 1).await;
        let agrees = until("the books agree", SOON, || async { Some(audit(&merchant, &[]).await).filter(|(code, _)| *code == 0) }).await;
        assert_eq!(agrees.1["held"], json!([]));
    });
}

#[test]
fn a_refund_that_nobody_booked_is_named_until_somebody_does() {
    run(async {
        // Without a processor, which might book it.
        let installation = Installation::new(&[]).await;
        let merchant = cost::merchant(&installation, 2).await;
        let linked = installation.sql("select store_order || ' ' || sales_order from order_links order by 1 limit 1").await;
        let (order, sales_order) = linked.split_once(' ').unwrap();
        merchant.store(&format!("orders/{order}/refund"), json!({"amount": 3})).await;
        installation.advance(std::time::Duration::from_secs(2));
        let (code, report) = audit(&merchant, &[]).await;
        assert_eq!((code, of(&report, order.parse().unwrap())), (3, is("refund-missing", "unknown", "3.00")), "{report:#}");
        merchant.account(&format!("orders/{sales_order}/pay"), json!({"amount": "3.00", "type": "PAYMENT"})).await;
        installation.advance(std::time::Duration::from_secs(2));
        let (code, report) = audit(&merchant, &[]).await;
        assert_eq!((code, &report["differences"]), (0, &json!([])), "what was booked by hand counts: {report:#}");
        assert_eq!(report["books"][0]["refunds"]["store"], report["books"][0]["refunds"]["brightpearl"]);
    });
}
