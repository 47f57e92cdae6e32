//! The books of every tenant are compared each night, under the lease of its account.

use std::time::Duration;

use serde_json::{Value, json};

use super::{merchant, order, settled};
use crate::installation::{Installation, run};
use crate::merchant::ORDERS;
use crate::wait::{SOON, stays, until};

const NIGHTLY: [(&str, &str); 2] = [("ORDERBRIDGE__PROCESSOR__AUDIT__ENABLED", "true"), ("ORDERBRIDGE__PROCESSOR__MENDED_CHECK", "1s")];

async fn audits(installation: &Installation) -> Vec<Value> {
    serde_json::from_str(&installation.orderbridge(&["audit", "list", "--json"]).await).unwrap()
}

/// The gauge of differences, once the processor shows it.
async fn gauge(installation: &Installation) -> Option<String> {
    let metrics = installation.http.get(format!("{}/metrics", installation.processor_url)).send().await.ok()?.text().await.ok()?;
    metrics.lines().find_map(|line| line.strip_prefix("orderbridge_audit_differences ")).map(str::to_owned)
}

#[test]
fn a_night_is_compared_once_also_by_a_processor_that_takes_over() {
    run(async {
        let installation = Installation::new(&NIGHTLY).await;
        let mut all = installation.start("all", &[]).await;
        let merchant = merchant(&installation, ORDERS).await;
        let placed = merchant.place(order(true)).await;
        let sales_order = settled(&merchant, placed, 1).await;
        assert_eq!(audits(&installation).await, Vec::<Value>::new(), "of the time before a tenant was here nothing is compared");
        merchant.account(&format!("orders/{}/pay", sales_order["id"]), json!({"amount": "5.00"})).await;
        let slow = json!({"path": "*/customer-payment-search", "action": {"kind": "delay", "ms": 2000}});
        installation.control(&installation.brightpearl, "faults", slow).await;
        installation.advance(Duration::from_secs(24 * 3600));
        until("the night's audit has begun", SOON, || async { Some(audits(&installation).await).filter(|audits| audits.len() == 1) }).await;
        all.signal("KILL").await;
        all.ended().await;
        assert_eq!(audits(&installation).await[0]["finished_at"], Value::Null, "it was killed in the middle");
        let _another = installation.start("all", &[]).await;
        let found = until("the night's audit is finished", SOON, || async {
            Some(audits(&installation).await).filter(|audits| audits[0]["finished_at"].is_string())
        })
        .await;
        assert_eq!((found.len(), &found[0]["nightly"], &found[0]["tenant"]), (1, &json!(true), &json!(merchant.id)));
        assert_eq!(found[0]["differences"], json!(1), "what was entered by hand");
        until("the metric tells of it", SOON, || async { gauge(&installation).await.filter(|shown| shown == "1") }).await;
        stays("a night is compared once", Duration::from_secs(3), async || audits(&installation).await.len() == 1).await;
    });
}
