//! The processor ended at each step of a reservation, of custom fields and of an order note, and answers that come too late or not at all.

use std::time::Duration;

use serde_json::{Value, json};

use super::steps::{QUICK, doomed, steps};
use crate::installation::{Installation, run};
use crate::merchant::{Merchant, SECTIONS, Wish};
use crate::wait::{SOON, stays, until};

const ORDERS: &str = "channel = 5\nwarehouse = 2\nallocation = \"on-creation\"\n";
const PIECES: u64 = 2;

async fn merchant(installation: &Installation) -> Merchant<'_> {
    let sections = format!("{SECTIONS}\n[notes]\ncustomer_message = \"order-note\"\nstaff_notes = \"PCF_NOTES\"\n");
    Merchant::with(installation, Wish { orders: ORDERS, sections: sections.leak(), ..Wish::default() }).await
}

async fn place(merchant: &Merchant<'_>) -> u64 {
    merchant
        .place(json!({"lines": [{"sku": "SKU-5", "quantity": PIECES, "tax_rate": 20}], "customer_message": "Ring twice", "staff_notes": "VIP"}))
        .await
}

fn reserved(sales_order: &Value) -> u64 {
    sales_order["rowStates"].as_object().unwrap().values().map(|row| row["reserved"].as_u64().unwrap()).sum()
}

/// Everything once: the sales order, its note, its field and its reservation.
async fn is_whole(merchant: &Merchant<'_>, order: u64) -> bool {
    let found = merchant.sales_orders(order).await;
    let [sales_order] = found.as_slice() else { return false };
    let notes = sales_order["notes"].as_array().map_or(0, Vec::len);
    notes == 1 && reserved(sales_order) == PIECES && sales_order["customFields"]["PCF_NOTES"] == json!("VIP")
}

async fn whole(merchant: &Merchant<'_>, orders: &[u64]) {
    for order in orders {
        merchant.synced(*order).await;
        until(&format!("all of {}/{order}", merchant.id), SOON, || async { is_whole(merchant, *order).await.then_some(()) }).await;
        until("what was reserved is told", SOON, || async { merchant.timeline(*order).await.contains("all 2 pieces").then_some(()) }).await;
    }
    stays("nothing comes twice", Duration::from_secs(5), async || {
        for order in orders {
            if !is_whole(merchant, *order).await {
                return false;
            }
        }
        true
    })
    .await;
}

#[test]
fn a_processor_ended_at_any_step_of_a_reservation_or_a_text_does_each_once() {
    run(async {
        let installation = Installation::new(&QUICK).await;
        let _ingest = installation.start("ingest", &[]).await;
        let merchant = merchant(&installation).await;
        let bytes =
            ["/warehouse-service/order/{id}/reservation/warehouse/{id}", "/order-service/order/{id}/custom-field", "/order-service/order/{id}/note"];
        let written = bytes.iter().map(|path| format!("before-bytes:{path}"));
        let kinds = ["reserve-stock", "set-order-fields", "add-order-note"];
        let mut orders = Vec::new();
        for step in kinds.iter().flat_map(|kind| steps(kind)).chain(written) {
            let mut doomed = doomed(&installation, &step);
            orders.push(place(&merchant).await);
            doomed.ended().await;
        }
        let _processor = installation.start("processor", &[]).await;
        whole(&merchant, &orders).await;
    });
}

#[test]
fn a_reservation_and_a_text_whose_answer_is_lost_or_late_are_not_repeated() {
    run(async {
        let mut settings =
            vec![("ORDERBRIDGE__HTTP__READ_TIMEOUT", "1s"), ("ORDERBRIDGE__HTTP__TOTAL_TIMEOUT", "1s"), ("ORDERBRIDGE__HTTP__CONNECT_TIMEOUT", "1s")];
        settings.extend(QUICK);
        let installation = Installation::new(&settings).await;
        let _all = installation.start("all", &[]).await;
        let merchant = merchant(&installation).await;
        let mut orders = Vec::new();
        for action in [json!({"kind": "cut_after"}), json!({"kind": "delay_after", "ms": 2000}), json!({"kind": "delay", "ms": 2000})] {
            for (method, path) in [("POST", "*/reservation/warehouse/*"), ("PATCH", "*/custom-field"), ("POST", "*/order/*/note")] {
                let fault = json!({"method": method, "path": path, "tenant": merchant.code, "action": action, "times": 1});
                installation.control(&installation.brightpearl, "faults", fault).await;
            }
            let order = place(&merchant).await;
            orders.push(order);
            whole(&merchant, &[order]).await;
        }
        whole(&merchant, &orders).await;
        let faults = installation.look(&installation.brightpearl, "faults").await;
        assert!(!faults.to_string().contains("\"fired\":0"), "every fault was met: {faults}");
    });
}
