//! What a store says of its customers, and what of it reaches their contacts.

use serde_json::{Value, json};

use crate::installation::{run, shared};
use crate::merchant::{Merchant, ORDERS, SECTIONS};
use crate::wait::{SOON, until};

const EMAIL: &str = "ada@example.com";

async fn place(merchant: &Merchant<'_>, billing: Value) -> u64 {
    merchant.place(json!({"email": EMAIL, "billing": billing, "lines": [{"sku": "SKU-1", "tax_rate": 20}]})).await
}

async fn contact(merchant: &Merchant<'_>, id: u64) -> Value {
    let found = merchant.installation.look(&merchant.installation.brightpearl, &format!("accounts/{}/contacts", merchant.code)).await;
    let all = found["contacts"].as_array().unwrap().clone();
    all.into_iter().find(|contact| contact["contactId"] == json!(id)).unwrap()
}

fn contact_of(sales_order: &Value) -> u64 {
    sales_order["parties"]["customer"]["contactId"].as_u64().unwrap()
}

/// Calls about contacts that exist: reads, patches and new addresses.
async fn calls(merchant: &Merchant<'_>) -> [usize; 3] {
    let all = merchant.calls(&merchant.installation.brightpearl, "path=/contact-service/contact/").await;
    let count = |method: &str, end: &str| {
        let about_one = |call: &&Value| call["path"].as_str().unwrap().trim_end_matches('/').ends_with(end) && call["method"] == json!(method);
        all.iter().filter(about_one).count()
    };
    let all_reads = all.iter().filter(|call| call["method"] == json!("GET")).count();
    [all_reads, all.iter().filter(|call| call["method"] == json!("PATCH")).count(), count("PUT", "postal-address")]
}

/// Staff correct a contact in Brightpearl.
async fn correct(merchant: &Merchant<'_>, id: u64, path: &str, value: &str) {
    let url = format!("{}/public-api/{}/contact-service/contact/{id}", merchant.installation.brightpearl, merchant.code);
    let request = merchant.installation.http.patch(url).bearer_auth(merchant.brightpearl_token());
    let request = request.header("brightpearl-app-ref", merchant.setting("[brightpearl]", "app_ref"));
    let request = request.header("brightpearl-dev-ref", merchant.setting("[brightpearl]", "dev_ref"));
    let sent = request.json(&json!([{"op": "replace", "path": path, "value": value}])).send().await.unwrap();
    assert!(sent.status().is_success(), "{}", sent.text().await.unwrap());
}

async fn told(merchant: &Merchant<'_>, order: u64, key: &str) -> String {
    until(&format!("{key} is on the timeline"), SOON, || async {
        let timeline = merchant.timeline(order).await;
        timeline.contains(key).then_some(timeline)
    })
    .await
}

#[test]
fn a_telephone_that_changed_at_the_store_is_written_once_and_a_correction_by_staff_stays() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        let first = place(&merchant, json!({"phone": "0117 1"})).await;
        let id = contact_of(&merchant.synced(first).await);
        correct(&merchant, id, "/lastName", "Byron-King").await;
        let [_, corrections, _] = calls(&merchant).await;

        let same = place(&merchant, json!({"phone": "0117 1"})).await;
        merchant.synced(same).await;
        let second = place(&merchant, json!({"phone": "0117 2"})).await;
        merchant.synced(second).await;
        told(&merchant, second, "contact-updated").await;
        let now = contact(&merchant, id).await;
        assert_eq!((now["communication"]["telephones"]["PRI"].as_str(), now["lastName"].as_str()), (Some("0117 2"), Some("Byron-King")));
        assert_eq!(calls(&merchant).await, [1, corrections + 1, 0], "one read and one write, for the order that changed something");

        // Neither the next order that says the same nor a new event on the older one, which says otherwise, is a change.
        let third = place(&merchant, json!({"phone": "0117 2"})).await;
        merchant.synced(third).await;
        merchant.store(&format!("orders/{first}/status"), json!({"status": 9})).await;
        until("the older order was looked at", SOON, || async {
            (merchant.sales_orders(first).await[0]["orderStatus"]["orderStatusId"] == json!(18)).then_some(())
        })
        .await;
        assert_eq!(calls(&merchant).await, [1, corrections + 1, 0]);
        let digests = merchant.installation.sql(&format!("select digests from customers_sent where tenant = '{}'", merchant.id)).await;
        assert!(digests.contains("phone") && !digests.contains("0117") && !digests.contains("Byron"), "{digests}");
    });
}

#[test]
fn an_edit_of_the_address_alone_gives_the_contact_a_new_address() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        let order = place(&merchant, json!({})).await;
        let id = contact_of(&merchant.synced(order).await);
        let before = contact(&merchant, id).await["postAddressIds"]["BIL"].clone();
        merchant.store(&format!("orders/{order}/edit"), json!({"billing": {"street_1": "9 New Street"}})).await;
        told(&merchant, order, "contact-updated").await;
        let now = contact(&merchant, id).await;
        let address = now["postAddressIds"]["BIL"].clone();
        assert_ne!(address, before);
        assert_eq!((&now["postAddressIds"]["DEF"], &now["postAddressIds"]["DEL"]), (&address, &address), "they were the same address before");
        assert_eq!(now["postalAddresses"][address.to_string()]["addressLine1"], json!("9 New Street"));
        assert_eq!(calls(&merchant).await, [1, 0, 1]);
    });
}

#[test]
fn the_first_order_of_a_contact_that_was_there_before_changes_nothing_on_it() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        merchant.account("contacts", json!({"id": 640, "email": EMAIL, "first_name": "Augusta"})).await;
        let first = place(&merchant, json!({"phone": "0117 1"})).await;
        assert_eq!(contact_of(&merchant.synced(first).await), 640);
        let second = place(&merchant, json!({"phone": "0117 2"})).await;
        merchant.synced(second).await;
        told(&merchant, second, "contact-updated").await;
        let now = contact(&merchant, 640).await;
        assert_eq!((now["firstName"].as_str(), now["communication"]["telephones"]["PRI"].as_str()), (Some("Augusta"), Some("0117 2")));
        assert_eq!(calls(&merchant).await, [1, 1, 0]);
    });
}

#[test]
fn without_automatic_contacts_the_order_waits_until_there_is_one() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        merchant.import(ORDERS, &format!("{SECTIONS}\n[items_and_customers.customers]\nauto_create = false\n")).await;
        let order = place(&merchant, json!({})).await;
        merchant.held_for("unknown-contact:").await;
        merchant.account("contacts", json!({"id": 641, "email": "ADA@example.com"})).await;
        assert_eq!(contact_of(&merchant.synced(order).await), 641);
        assert!(merchant.held().await.is_empty());
    });
}

#[test]
fn long_and_one_word_names_are_in_full_on_the_order_and_told_of() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        let long = "Wolfeschlegelsteinhausenbergerdorff";
        let order = place(&merchant, json!({"first_name": long, "last_name": " ", "phone": " ", "zip": " "})).await;
        let sales_order = merchant.synced(order).await;
        assert_eq!(sales_order["parties"]["billing"]["addressFullName"], json!(long));
        let made = contact(&merchant, contact_of(&sales_order)).await;
        assert_eq!((made["firstName"].as_str().map(|name| name.len()), made["lastName"].as_str()), (Some(32), Some("-")));
        let timeline = told(&merchant, order, "contact-adapted").await;
        assert!(!timeline.contains("Wolfe"), "{timeline}");
    });
}

#[test]
fn the_choice_between_two_contacts_is_on_the_timeline() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        merchant.account("contacts", json!({"id": 650, "email": EMAIL, "is_primary": false})).await;
        merchant.account("contacts", json!({"id": 651, "email": "Ada@Example.com"})).await;
        let order = place(&merchant, json!({})).await;
        assert_eq!(contact_of(&merchant.synced(order).await), 651);
        assert!(told(&merchant, order, "contact-chosen").await.contains("651 was chosen"));
    });
}

#[test]
fn a_contact_that_brightpearl_refuses_to_change_is_held_alone_and_goes_on_when_it_does_not() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        let first = place(&merchant, json!({})).await;
        let id = contact_of(&merchant.synced(first).await);
        let body = json!({"errors": [{"code": "CTCC-999", "message": "not now"}]}).to_string();
        let refused = json!({"method": "PATCH", "path": "*/contact-service/contact/*", "tenant": merchant.code,
            "action": {"kind": "status", "status": 400, "body": body}, "times": 1});
        installation.control(&installation.brightpearl, "faults", refused).await;
        let second = place(&merchant, json!({"first_name": "Grace"})).await;
        merchant.synced(second).await;
        told(&merchant, second, "held:refused:update-contact").await;
        until("it was tried again", SOON, || async { (contact(&merchant, id).await["firstName"] == json!("Grace")).then_some(()) }).await;
        until("nothing is held", SOON, || async { merchant.held().await.is_empty().then_some(()) }).await;
    });
}
