//! What cannot be decided waits, says why, and goes on by itself when its cause is mended.

use serde_json::json;

use crate::installation::{Installation, run, shared};
use crate::merchant::{Merchant, ORDERS, SECTIONS, Wish};
use crate::wait::{SOON, until};

#[test]
fn an_unknown_sku_holds_the_order_until_the_product_is_made() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        let other = merchant.place_simple().await;
        let order = merchant.place(json!({"lines": [{"name": "New", "sku": "NEW-1", "quantity": 1, "price": 3, "tax_rate": 20}]})).await;
        merchant.held_for("unknown-sku:NEW-1").await;
        // Other orders of the same tenant are not held up.
        merchant.synced(other).await;
        assert!(merchant.sales_orders(order).await.is_empty());
        merchant.account("products", json!({"products": [{"sku": "NEW-1", "name": "New", "stock": 5}]})).await;
        merchant.synced(order).await;
        assert!(merchant.held().await.is_empty());
    });
}

#[test]
fn missing_rules_hold_and_saving_them_releases() {
    run(async {
        let wish = Wish { orders: "", ..Wish::default() };
        let merchant = Merchant::with(shared().await, wish).await;
        let first = merchant.place_simple().await;
        merchant.held_for("missing-rule:orders.warehouse").await;
        merchant.held_for("missing-rule:orders.channel").await;
        merchant.import_usual().await;
        merchant.synced(first).await;
    });
}

#[test]
fn a_total_that_does_not_add_up_is_never_sent() {
    run(async {
        // Lines that are read by themselves can be lost by themselves.
        let installation = &Installation::new(&[("ORDERBRIDGE__PROCESSOR__NESTED_INCLUDE", "off")]).await;
        let _all = installation.start("all", &[]).await;
        let merchant = Merchant::new(installation).await;
        installation
            .control(
                &installation.bigcommerce,
                "faults",
                json!({"method": "GET", "path": "**/orders/*/products*", "tenant": merchant.id, "action": {"kind": "status", "status": 204, "body": ""}, "times": 1}),
            )
            .await;
        let order = merchant.place_simple().await;
        merchant.held_for("total-mismatch").await;
        assert!(merchant.sales_orders(order).await.is_empty());
        // The next event has it looked at again, now with all its lines.
        merchant.store(&format!("orders/{order}/notes"), json!({"staff_notes": "again"})).await;
        merchant.synced(order).await;
    });
}

#[test]
fn a_customer_whose_address_is_only_a_staff_member_s_waits_for_a_contact_of_their_own() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        merchant.account("contacts", json!({"id": 601, "email": "pat@example.com", "is_staff": true})).await;
        let order = merchant.place(json!({"email": "pat@example.com", "lines": [{"sku": "SKU-1", "tax_rate": 20}]})).await;
        merchant.held_for("contact-not-customer").await;
        merchant.account("contacts", json!({"id": 602, "email": "pat@example.com"})).await;
        let sales_order = merchant.synced(order).await;
        assert_eq!(sales_order["parties"]["customer"]["contactId"], json!(602));
    });
}

#[test]
fn a_linked_contact_that_was_deleted_is_matched_again_once() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        let buy = json!({"email": "gone@example.com", "lines": [{"sku": "SKU-1", "tax_rate": 20}]});
        let first = merchant.place(buy.clone()).await;
        let contact = merchant.synced(first).await["parties"]["customer"]["contactId"].as_u64().unwrap();
        let url = format!("{}/_sim/accounts/{}/contacts/{contact}", merchant.installation.brightpearl, merchant.id);
        assert!(merchant.installation.http.delete(url).send().await.unwrap().status().is_success());
        // That the first send is refused for the token's sake says nothing about the contact.
        let denied = json!({"method": "POST", "path": "*/order-service/sales-order*", "tenant": merchant.code, "action": {"kind": "status", "status": 401, "body": ""}, "times": 1});
        merchant.installation.control(&merchant.installation.brightpearl, "faults", denied).await;
        let second = merchant.place(buy).await;
        let sales_order = merchant.synced(second).await;
        assert_ne!(sales_order["parties"]["customer"]["contactId"], json!(contact));
    });
}

#[test]
fn a_refused_shipment_waits_alone_and_is_made_when_the_carrier_is_corrected() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        let wrong = SECTIONS.replace("methods = [", "methods = [{ brightpearl = 7, carrier = \"no-such-carrier\" }, ");
        merchant.import(ORDERS, &wrong).await;
        let order = merchant.place(json!({"lines": [{"sku": "SKU-1", "quantity": 3, "tax_rate": 20}]})).await;
        let sales_order = merchant.synced(order).await;
        merchant.ship(&sales_order, json!({"rows": [{"sku": "SKU-1", "quantity": 1}], "shipping_method_id": 7})).await;
        merchant.held_for("refused:create-shipment").await;
        let second = merchant.ship(&sales_order, json!({"shipping_method_id": 6})).await;
        let shipments = merchant.shipped(order, 1).await;
        assert_eq!(shipments[0]["comments"], json!(format!("GON-{second}")));
        merchant.held_for("refused:create-shipment").await;
        merchant.import_usual().await;
        merchant.shipped(order, 2).await;
    });
}

#[test]
fn what_brightpearl_refused_goes_on_when_it_is_mended_there() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        let account = merchant.installation.look(&merchant.installation.brightpearl, &format!("accounts/{}", merchant.id)).await;
        let statuses = account["order_statuses"].clone();
        // The status that new orders get is deleted there.
        let others: Vec<_> = statuses.as_array().unwrap().iter().filter(|status| status["statusId"] != json!(17)).cloned().collect();
        merchant.account("configuration", json!({"order_statuses": others})).await;
        let orders = [merchant.place_simple().await, merchant.place_simple().await, merchant.place_simple().await];
        merchant.held_for("refused:create-sales-order").await;
        merchant.account("configuration", json!({"order_statuses": statuses})).await;
        for order in orders {
            merchant.synced(order).await;
        }
    });
}

#[test]
fn while_orders_wait_for_a_contact_only_contacts_are_looked_for() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        merchant.account("contacts", json!({"id": 611, "email": "sam@example.com", "is_staff": true})).await;
        for _order in 0..3 {
            merchant.place(json!({"email": "sam@example.com", "lines": [{"sku": "SKU-1", "tax_rate": 20}]})).await;
        }
        until("all three wait", SOON, || async { (merchant.held().await.len() == 3).then_some(()) }).await;
        let looks = async || {
            let searches = merchant.calls(&installation.brightpearl, "method=GET&path=/contact-service/contact-search").await;
            let all = searches.iter().filter(|call| call["query"].to_string().contains("updatedOn")).count();
            (all, searches.len() - all)
        };
        let reads = async || merchant.calls(&installation.bigcommerce, "method=GET").await.len();
        let (before, looked, searched) = (reads().await, looks().await.0, looks().await.1);
        until("contacts were looked for a few times", SOON, || async { (looks().await.0 >= looked + 3).then_some(()) }).await;
        // Another customer's contact releases nobody.
        merchant.account("contacts", json!({"id": 612, "email": "somebody.else@example.com"})).await;
        let seen = looks().await.0;
        until("that one was seen", SOON, || async { (looks().await.0 >= seen + 2).then_some(()) }).await;
        assert_eq!((reads().await, looks().await.1), (before, searched), "no order was read for it, and no customer searched for");
    });
}

#[test]
fn a_difference_found_while_the_rules_are_saved_is_held_all_the_same() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        let first = merchant.place_simple().await;
        merchant.synced(first).await;
        // The sales order is read late: meanwhile somebody changes it, and the rules are saved.
        let late =
            json!({"method": "GET", "path": "*/order-service/*", "tenant": merchant.code, "action": {"kind": "delay", "ms": 5000}, "times": 1});
        installation.control(&installation.brightpearl, "faults", late).await;
        let order = merchant.place_simple().await;
        let made = until("the sales order is made", SOON, || async { merchant.sales_orders(order).await.into_iter().next() }).await;
        let row = made["orderRows"].as_object().unwrap().keys().next().unwrap().parse::<u64>().unwrap();
        merchant.account(&format!("orders/{}/edit", made["id"]), json!({"rows": [{"id": row, "net": "1.00"}]})).await;
        merchant.import(&format!("{ORDERS}lead_source = 3\n"), SECTIONS).await;
        merchant.held_for("created-total-differs").await;
    });
}
