//! The customer's message and the staff notes go to custom fields and order notes, on creation and on later change.

use std::time::Duration;

use serde_json::{Value, json};

use crate::installation::{Installation, run, shared};
use crate::merchant::{Merchant, ORDERS, SECTIONS, Wish};
use crate::wait::{SOON, stays, until};

/// Longer than it takes to look at an order again.
const A_WHILE: Duration = Duration::from_secs(4);

/// A merchant whose message and notes go there.
async fn merchant<'a>(installation: &'a Installation, message: &str, notes: &str, orders: &'static str) -> Merchant<'a> {
    let sections = format!("{SECTIONS}\n[notes]\ncustomer_message = \"{message}\"\nstaff_notes = \"{notes}\"\n");
    Merchant::with(installation, Wish { orders, sections: sections.leak(), ..Wish::default() }).await
}

async fn place(merchant: &Merchant<'_>, message: &str, notes: &str) -> u64 {
    merchant
        .place(json!({"lines": [{"sku": "SKU-5", "quantity": 2, "tax_rate": 20}], "email": "linked@example.com",
            "customer_message": message, "staff_notes": notes}))
        .await
}

async fn field(merchant: &Merchant<'_>, order: u64, code: &str) -> Value {
    let found = merchant.sales_orders(order).await;
    found.first().map(|order| order["customFields"][code].clone()).unwrap_or_default()
}

async fn has_field(merchant: &Merchant<'_>, order: u64, code: &str, wanted: Value) {
    until(&format!("{code} of {}/{order} is {wanted}", merchant.id), SOON, || async { (field(merchant, order, code).await == wanted).then_some(()) })
        .await;
}

/// Texts of the notes on an order's sales order that are not Brightpearl's own.
async fn notes(merchant: &Merchant<'_>, order: u64) -> Vec<String> {
    let found = merchant.sales_orders(order).await;
    let notes = found.first().map(|order| order["notes"].clone()).unwrap_or_default();
    notes.as_array().into_iter().flatten().map(|note| note["text"].as_str().unwrap().to_owned()).collect()
}

async fn has_notes(merchant: &Merchant<'_>, order: u64, wanted: &[&str]) {
    until(&format!("notes {wanted:?} on {}/{order}", merchant.id), SOON, || async { (notes(merchant, order).await == wanted).then_some(()) }).await;
}

async fn count(merchant: &Merchant<'_>, filter: &str) -> usize {
    merchant.calls(&merchant.installation.brightpearl, filter).await.len()
}

const PATCHES: &str = "method=PATCH&path=/custom-field";
const NOTE_POSTS: &str = "method=POST&path=/note";

#[test]
fn both_texts_are_one_call_and_an_unchanged_one_is_none() {
    run(async {
        let merchant = merchant(shared().await, "PCF_GIFT", "PCF_NOTES", ORDERS).await;
        let order = place(&merchant, "Ring twice", "VIP\nfragile").await;
        merchant.synced(order).await;
        has_field(&merchant, order, "PCF_NOTES", json!("VIP\nfragile")).await;
        assert_eq!(field(&merchant, order, "PCF_GIFT").await, json!("Ring twice"));
        assert_eq!(count(&merchant, PATCHES).await, 1);

        merchant.store(&format!("orders/{order}/notes"), json!({"staff_notes": "VIP"})).await;
        has_field(&merchant, order, "PCF_NOTES", json!("VIP")).await;
        merchant.store(&format!("orders/{order}/notes"), json!({"customer_message": ""})).await;
        has_field(&merchant, order, "PCF_GIFT", Value::Null).await;
        assert_eq!(count(&merchant, PATCHES).await, 3);

        let before = count(&merchant, "").await;
        merchant.store(&format!("orders/{order}/notes"), json!({"staff_notes": "VIP "})).await;
        stays("what did not change costs nothing", A_WHILE, async || count(&merchant, "").await == before).await;
        let timeline = merchant.timeline(order).await;
        assert!(timeline.contains("PCF_GIFT") && !timeline.contains("Ring") && !timeline.contains("VIP"), "{timeline}");
    });
}

#[test]
fn each_kind_of_field_takes_what_it_can_and_anything_else_is_held() {
    run(async {
        let installation = shared().await;
        for (code, text, wanted) in [
            ("PCF_GIFT", "1234567890", json!(1_234_567_890)),
            ("PCF_ZONE", "north", json!({"id": 64, "value": "North"})),
            ("PCF_SIGNED", "yes", json!(true)),
            ("PCF_COUNT", "12", json!(12)),
            ("PCF_DAY", "2026-03-06", json!("2026-03-06T12:00:00Z")),
        ] {
            let merchant = merchant(installation, code, "off", ORDERS).await;
            let order = place(&merchant, text, "not for you").await;
            merchant.synced(order).await;
            has_field(&merchant, order, code, wanted).await;
        }
        let merchant = merchant(installation, "PCF_COUNT", "PCF_GONE", ORDERS).await;
        let order = place(&merchant, "a dozen of them", "VIP").await;
        merchant.synced(order).await;
        merchant.held_for("unfit-for-field:PCF_COUNT").await;
        merchant.held_for("unknown-field:PCF_GONE").await;
        assert!(!format!("{:?}", merchant.held().await).contains("dozen"));
        // Whatever else is to be done is done.
        merchant.store(&format!("orders/{order}/status"), json!({"status": 9})).await;
        until("the status is carried", SOON, || async {
            (merchant.sales_orders(order).await[0]["orderStatus"]["orderStatusId"] == json!(18)).then_some(())
        })
        .await;
        merchant.store(&format!("orders/{order}/notes"), json!({"customer_message": "12"})).await;
        has_field(&merchant, order, "PCF_COUNT", json!(12)).await;
    });
}

#[test]
fn each_text_is_an_order_note_once_and_a_changed_one_is_another() {
    run(async {
        let merchant = merchant(shared().await, "order-note", "order-note", ORDERS).await;
        let order = place(&merchant, "Ring twice", "VIP").await;
        merchant.synced(order).await;
        has_notes(&merchant, order, &["Customer message: Ring twice", "Staff notes: VIP"]).await;
        merchant.store(&format!("orders/{order}/notes"), json!({"customer_message": "Ring once"})).await;
        let all = ["Customer message: Ring twice", "Staff notes: VIP", "Customer message: Ring once"];
        has_notes(&merchant, order, &all).await;
        merchant.store(&format!("orders/{order}/notes"), json!({"customer_message": "Ring twice"})).await;
        stays("no note comes twice", A_WHILE, async || notes(&merchant, order).await == all).await;
        assert_eq!(count(&merchant, NOTE_POSTS).await, 3);
        assert!(merchant.held().await.is_empty());
    });
}

#[test]
fn what_is_too_long_for_a_rows_name_is_one_order_note_once_and_read_back() {
    run(async {
        let merchant = merchant(shared().await, "off", "off", ORDERS).await;
        let story = "once upon a time ".repeat(20);
        let option = |name: &str, value: &str| json!({"display_name": name, "display_value": value, "value": value});
        let options = [option("Engraving", "For Ada"), option("Story", story.trim())];
        let lines = json!([{"sku": "SKU-3", "tax_rate": 20, "options": options}, {"sku": "SKU-5", "tax_rate": 20}]);
        let order = merchant.place(json!({"lines": lines, "email": "linked@example.com"})).await;
        merchant.synced(order).await;
        let note = format!("Full texts of rows: row 1, Item 3\n- Engraving: For Ada\n- Story: {}", story.trim());
        has_notes(&merchant, order, &[&note]).await;
        until("it was read back", SOON, || async { (count(&merchant, "method=GET&path=/note").await == 2).then_some(()) }).await;
        merchant.store(&format!("orders/{order}/notes"), json!({"staff_notes": "VIP"})).await;
        merchant.store(&format!("orders/{order}/status"), json!({"status": 9})).await;
        stays("no note comes twice", A_WHILE, async || count(&merchant, NOTE_POSTS).await == 1).await;
        assert_eq!(count(&merchant, "method=GET&path=/note").await, 2);
        // Brightpearl itself notes that the status changed.
        assert_eq!(notes(&merchant, order).await.iter().filter(|text| !text.starts_with("Order status changed")).collect::<Vec<_>>(), [&note]);
        assert!(merchant.held().await.is_empty());
        let timeline = merchant.timeline(order).await;
        assert!(timeline.contains("full texts of rows") && !timeline.contains("Ada") && !timeline.contains("once upon"), "{timeline}");
    });
}

#[test]
fn a_field_that_staff_emptied_is_no_obstacle_when_the_text_is_taken_away() {
    run(async {
        let merchant = merchant(shared().await, "PCF_GIFT", "off", ORDERS).await;
        let order = place(&merchant, "Ring twice", "").await;
        let sales_order = merchant.synced(order).await;
        has_field(&merchant, order, "PCF_GIFT", json!("Ring twice")).await;
        merchant.account(&format!("orders/{}/custom-fields", sales_order["id"]), json!({"PCF_GIFT": null})).await;
        merchant.store(&format!("orders/{order}/notes"), json!({"customer_message": ""})).await;
        until("the field was found empty", SOON, || async { (count(&merchant, "method=GET&path=/custom-field").await >= 2).then_some(()) }).await;
        stays("nothing waits", A_WHILE, async || merchant.held().await.is_empty()).await;
    });
}

#[test]
fn both_texts_and_a_reservation_cost_three_calls_beside_the_order_and_no_echo() {
    run(async {
        let allocating = "channel = 5\nwarehouse = 2\nallocation = \"on-creation\"\n";
        let merchant = merchant(shared().await, "PCF_GIFT", "PCF_NOTES", allocating).await;
        let done = async |order: u64| {
            merchant.synced(order).await;
            until("everything is done", SOON, || async {
                let timeline = merchant.timeline(order).await;
                (timeline.contains("all 2 pieces") && timeline.contains("texts-carried")).then_some(())
            })
            .await;
        };
        let first = place(&merchant, "Ring twice", "VIP").await;
        done(first).await;
        let before = count(&merchant, "").await;
        let second = place(&merchant, "Ring once", "VIP").await;
        done(second).await;
        stays("create, read back, both texts, reserve, read back", A_WHILE, async || count(&merchant, "").await == before + 5).await;
    });
}
