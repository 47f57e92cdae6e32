//! What waits goes on within a minute of its cause being mended: by itself, oldest first, whatever webhooks are lost. Here the processor
//! looks for mended causes as often as it does by default, which other tests do not wait for.

use std::time::{Duration, Instant};

use orderbridge_processor::ProcessorSettings;
use serde_json::{Value, json};

use crate::installation::{Installation, run};
use crate::merchant::Merchant;
use crate::wait::{SOON, until};

/// What is promised.
const MINUTE: Duration = Duration::from_secs(60);
/// A status that the rules name and that is deleted in Brightpearl.
const MISSING_STATUS: u64 = 17;
/// An address that belongs to a member of staff.
const STAFF: &str = "pat@example.com";

fn new_item() -> Value {
    json!({"lines": [{"name": "New", "sku": "NEW-1", "quantity": 1, "price": 3, "tax_rate": 20}]})
}

async fn held(merchant: &Merchant<'_>, count: usize, cause: &str) {
    merchant.held_for(cause).await;
    until(&format!("{count} orders of {} wait", merchant.id), SOON, || async { (merchant.held().await.len() == count).then_some(()) }).await;
}

/// Waits for the sales orders of all, and tells them in the order in which they were made.
async fn made(merchant: &Merchant<'_>, orders: &[u64], since: Instant) -> Vec<u64> {
    let mut made = until(&format!("all orders of {} are made", merchant.id), MINUTE.saturating_sub(since.elapsed()), || async {
        let mut made = Vec::new();
        for order in orders {
            made.push((merchant.sales_orders(*order).await.first()?["id"].as_u64()?, *order));
        }
        Some(made)
    })
    .await;
    made.sort_unstable();
    made.into_iter().map(|(_, order)| order).collect()
}

/// Takes the status from the account, and gives all that there were.
async fn delete_status(merchant: &Merchant<'_>) -> Value {
    let account = merchant.installation.look(&merchant.installation.brightpearl, &format!("accounts/{}", merchant.id)).await;
    let statuses = account["order_statuses"].as_array().unwrap();
    let others: Vec<&Value> = statuses.iter().filter(|status| status["statusId"] != json!(MISSING_STATUS)).collect();
    merchant.account("configuration", json!({"order_statuses": others})).await;
    json!(statuses)
}

#[test]
fn a_mended_cause_releases_all_that_waits_within_a_minute_oldest_first_and_without_any_webhook() {
    run(async {
        let look = format!("{}ms", ProcessorSettings::default().mended_check.as_millis());
        // One order at a time, so that the order in which they are made is the order in which they are taken up.
        let settings = [("ORDERBRIDGE__PROCESSOR__MENDED_CHECK", look.as_str()), ("ORDERBRIDGE__PROCESSOR__CALLS_AT_ONCE", "1")];
        let installation = Installation::new(&settings).await;
        let _role = installation.start("all", &[]).await;
        let (sku, refusal, contact) = (Merchant::new(&installation).await, Merchant::new(&installation).await, Merchant::new(&installation).await);
        let statuses = delete_status(&refusal).await;
        contact.account("contacts", json!({"id": 601, "email": STAFF, "is_staff": true})).await;

        let (mut unknown, mut refused) = (Vec::new(), Vec::new());
        for _order in 0..4 {
            unknown.push(sku.place(new_item()).await);
            refused.push(refusal.place_simple().await);
        }
        let unmatched = vec![contact.place(json!({"email": STAFF, "lines": [{"sku": "SKU-1", "tax_rate": 20}]})).await];
        held(&sku, 4, "unknown-sku:NEW-1").await;
        held(&refusal, 4, "refused:create-sales-order").await;
        held(&contact, 1, "contact-not-customer").await;

        installation.control(&installation.brightpearl, "chaos", json!({"drop": 1})).await;
        let mended_at = Instant::now();
        sku.account("products", json!({"products": [{"sku": "NEW-1", "name": "New", "stock": 50}]})).await;
        refusal.account("configuration", json!({"order_statuses": statuses})).await;
        contact.account("contacts", json!({"id": 602, "email": STAFF})).await;
        let all = tokio::join!(made(&sku, &unknown, mended_at), made(&refusal, &refused, mended_at), made(&contact, &unmatched, mended_at));
        // What shows that a refusal is mended is the oldest or, if that was refused just before it was mended, the one tried after it.
        let shown = all.1.first().copied();
        refused.sort_by_key(|order| (Some(*order) != shown, *order));
        assert!(shown.is_some_and(|shown| refused.iter().take(2).any(|order| *order == shown)), "{shown:?}");
        assert_eq!(all, (unknown, refused, unmatched), "oldest first");
        let told = installation.look(&installation.brightpearl, &format!("ledger/deliveries?tenant={}&event=product", sku.id)).await;
        let told = told.as_array().unwrap();
        assert!(!told.is_empty() && told.iter().all(|delivery| delivery["dropped"] == json!(true)), "no webhook told of the product: {told:?}");
    });
}
