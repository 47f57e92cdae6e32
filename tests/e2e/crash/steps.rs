//! The processor ended at each step of a command's life. Whatever had been done by then, the order arrives, and once.

use std::time::Duration;

use serde_json::json;

use crate::installation::{Installation, Role, run};
use crate::merchant::Merchant;
use crate::wait::{SOON, stays, until};

/// Short waits, and a lasting name: a processor that comes back takes its partitions up again without waiting for its own ghost.
pub(super) const QUICK: [(&str, &str); 6] = [
    ("ORDERBRIDGE__PROCESSOR__INSTANCE", "phoenix"),
    ("ORDERBRIDGE__PROCESSOR__LEASE_TTL", "2s"),
    ("ORDERBRIDGE__PROCESSOR__LEASE_MARGIN", "500ms"),
    ("ORDERBRIDGE__PROCESSOR__SEND_WITHIN", "2s"),
    ("ORDERBRIDGE__DATABASE__JOURNAL__GRACE", "1s"),
    ("ORDERBRIDGE__DATABASE__JOURNAL__MISS_SPACING", "500ms"),
];

/// The steps of a command of this kind: before and after the right to call, the call and the journal's word about it.
pub(super) fn steps(kind: &str) -> Vec<String> {
    ["before-send", "after-send-mark", "after-call", "after-confirm"].iter().map(|step| format!("{step}:{kind}")).collect()
}

/// Starts a processor that ends at a step, if it gets there.
pub(super) fn doomed(installation: &Installation, step: &str) -> Role {
    installation.spawn("processor", &[("ORDERBRIDGE_CRASH_AT", step)])
}

/// An order of a customer of its own.
async fn place(merchant: &Merchant<'_>, number: usize) -> u64 {
    let email = format!("shopper{number}@example.com");
    merchant.place(json!({"lines": [{"sku": "SKU-5", "quantity": 2, "tax_rate": 20}], "email": email})).await
}

/// Contacts that are customers, as the account has them.
async fn customers(merchant: &Merchant<'_>) -> usize {
    let path = format!("accounts/{}/contacts", merchant.id);
    let found = merchant.installation.look(&merchant.installation.brightpearl, &path).await;
    found["contacts"].as_array().unwrap().iter().filter(|contact| contact["relationshipToAccount"]["isStaff"] != json!(true)).count()
}

#[test]
fn a_processor_ended_at_any_step_of_an_orders_creation_creates_it_once() {
    run(async {
        let installation = Installation::new(&QUICK).await;
        let _ingest = installation.start("ingest", &[]).await;
        let merchant = Merchant::new(&installation).await;
        let mut orders = Vec::new();
        let bytes = ["/contact-service/postal-address/", "/contact-service/contact/", "/order-service/sales-order/"];
        let written = bytes.iter().map(|path| format!("before-bytes:{path}"));
        let taken_in = ["before-intake", "after-intake", "before-finish"].map(str::to_owned);
        for step in taken_in.into_iter().chain(steps("create-contact")).chain(steps("create-sales-order")).chain(written) {
            let mut doomed = doomed(&installation, &step);
            orders.push(place(&merchant, orders.len()).await);
            doomed.ended().await;
        }
        let _processor = installation.start("processor", &[]).await;
        for order in &orders {
            merchant.synced(*order).await;
        }
        assert_eq!(customers(&merchant).await, orders.len(), "one contact for each customer");
    });
}

#[test]
fn a_processor_ended_at_any_step_of_a_shipment_ships_once() {
    run(async {
        let installation = Installation::new(&QUICK).await;
        let _ingest = installation.start("ingest", &[]).await;
        let merchant = Merchant::new(&installation).await;
        let steps: Vec<String> = steps("create-shipment").into_iter().chain(["before-bytes:/v2/orders/{id}/shipments".to_owned()]).collect();
        let mut processor = installation.start("processor", &[]).await;
        let mut orders = Vec::new();
        let mut sales_orders = Vec::new();
        for _step in &steps {
            orders.push(merchant.place_simple().await);
        }
        for order in &orders {
            sales_orders.push(merchant.synced(*order).await);
        }
        processor.stop().await;
        for (step, sales_order) in steps.iter().zip(&sales_orders) {
            let mut doomed = doomed(&installation, step);
            merchant.ship(sales_order, json!({"reference": "RM1"})).await;
            doomed.ended().await;
        }
        let _processor = installation.start("processor", &[]).await;
        for order in &orders {
            merchant.shipped(*order, 1).await;
        }
        stays("each order is shipped once", Duration::from_secs(5), async || {
            for order in &orders {
                if merchant.shipments(*order).await.len() != 1 {
                    return false;
                }
            }
            true
        })
        .await;
    });
}

/// The platform acts at once and answers late; the processor is killed while it waits for the answer.
pub(super) async fn killed_while_waiting(installation: &Installation, merchant: &Merchant<'_>, platform: &str, path: &str, act: impl AsyncFnOnce()) {
    let fault = json!({"method": "POST", "path": format!("*{path}*"), "action": {"kind": "delay_after", "ms": 60_000}, "times": 1});
    let fault = installation.control(platform, "faults", fault).await;
    let mut processor = installation.start("processor", &[]).await;
    act().await;
    until(&format!("{path} took effect"), SOON, || async {
        let calls = merchant.calls(platform, &format!("method=POST&path={path}")).await;
        (!calls.is_empty() && calls.iter().any(|call| call["fault"].as_str().is_some_and(|fault| fault.contains("delay_after")))).then_some(())
    })
    .await;
    processor.signal("KILL").await;
    processor.ended().await;
    let faults = installation.look(platform, "faults").await;
    assert!(faults.to_string().contains("\"fired\":1"), "{fault}: {faults}");
    installation.http.delete(format!("{platform}/_sim/faults")).send().await.unwrap();
}

#[test]
fn a_processor_killed_after_the_bytes_and_before_the_answer_makes_nothing_twice() {
    run(async {
        let installation = Installation::new(&QUICK).await;
        let _ingest = installation.start("ingest", &[]).await;
        let merchant = Merchant::new(&installation).await;
        let (bigcommerce, brightpearl) = (installation.bigcommerce.clone(), installation.brightpearl.clone());
        let mut orders = Vec::new();
        for path in ["/contact-service/contact/", "/order-service/sales-order"] {
            let number = orders.len();
            let order = &mut orders;
            killed_while_waiting(&installation, &merchant, &brightpearl, path, async || order.push(place(&merchant, number).await)).await;
        }
        let mut processor = installation.start("processor", &[]).await;
        let mut sales_orders = Vec::new();
        for order in &orders {
            sales_orders.push(merchant.synced(*order).await);
        }
        assert_eq!(customers(&merchant).await, orders.len());
        processor.stop().await;
        let ship = async || {
            merchant.ship(&sales_orders[0], json!({"reference": "RM1"})).await;
        };
        killed_while_waiting(&installation, &merchant, &bigcommerce, "/shipments", ship).await;
        let _processor = installation.start("processor", &[]).await;
        until("the shipment is linked", SOON, || async { merchant.timeline(orders[0]).await.contains("shipment").then_some(()) }).await;
        stays("one shipment", Duration::from_secs(5), async || merchant.shipments(orders[0]).await.len() == 1).await;
    });
}

#[test]
fn a_processor_ended_at_any_step_of_a_contacts_change_carries_it() {
    run(async {
        let installation = Installation::new(&QUICK).await;
        let _ingest = installation.start("ingest", &[]).await;
        let merchant = Merchant::new(&installation).await;
        let steps: Vec<String> = steps("update-contact").into_iter().chain(steps("set-contact-address")).collect();
        let changed = |number: usize, phone: &str, street: &str| {
            let billing = json!({"phone": phone, "street_1": street});
            let lines = [json!({"sku": "SKU-5", "tax_rate": 20})];
            merchant.place(json!({"lines": lines, "email": format!("shopper{number}@example.com"), "billing": billing}))
        };
        let mut processor = installation.start("processor", &[]).await;
        for number in 0..steps.len() {
            let order = changed(number, "0117 1", "1 Old Street").await;
            merchant.synced(order).await;
        }
        processor.stop().await;
        for (number, step) in steps.iter().enumerate() {
            let mut doomed = doomed(&installation, step);
            changed(number, "0117 2", "2 New Street").await;
            doomed.ended().await;
        }
        let _processor = installation.start("processor", &[]).await;
        until("every contact has what the store says", SOON, || async {
            let path = format!("accounts/{}/contacts", merchant.id);
            let found = installation.look(&installation.brightpearl, &path).await;
            let is_new = |contact: &&serde_json::Value| {
                let address = contact["postAddressIds"]["BIL"].to_string();
                contact["communication"]["telephones"]["PRI"] == json!("0117 2")
                    && contact["postalAddresses"][address]["addressLine1"] == json!("2 New Street")
            };
            (found["contacts"].as_array().unwrap().iter().filter(is_new).count() == steps.len()).then_some(())
        })
        .await;
        assert_eq!(customers(&merchant).await, steps.len(), "one contact for each customer");
    });
}
