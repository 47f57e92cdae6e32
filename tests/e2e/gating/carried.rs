//! What sales orders carry: whose contact, which channel and warehouse, how and where they are delivered.

use serde_json::json;

use super::{in_account, order, pause, with};
use crate::installation::{run, shared};
use crate::merchant::{Merchant, ORDERS, SECTIONS};

/// Making contacts, and not their addresses.
const NEW_CONTACT: &str = "*/contact-service/contact*";

#[test]
fn a_chosen_contact_stands_for_shoppers_without_an_address() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        let masked = order(json!({"email": "x1@relay.marketplace.example.com"}));
        merchant.account("contacts", json!({"id": 640, "email": "counter@example.com"})).await;
        let held = "[orders.without_email]\nmasked_domains = [\"marketplace.example.com\"]\n";
        merchant.import(ORDERS, &format!("{SECTIONS}\n{held}")).await;
        let waiting = merchant.place(masked.clone()).await;
        merchant.held_for("no-email").await;
        // Saving the rule releases what waited for it.
        merchant.import(ORDERS, &format!("{SECTIONS}\n{held}treatment = \"contact\"\ncontact = 640\n")).await;
        let later = merchant.place(masked).await;
        for order in [waiting, later] {
            assert_eq!(merchant.synced(order).await["parties"]["customer"]["contactId"], json!(640));
        }
        assert!(
            merchant
                .calls(&merchant.installation.brightpearl, "path=/contact-service/contact-search")
                .await
                .iter()
                .all(|call| { !call["query"].to_string().contains("marketplace") })
        );
    });
}

#[test]
fn a_customer_without_an_address_has_one_contact_for_all_orders_whatever_is_cut_off() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        let rule = "[orders.without_email]\ntreatment = \"contact-per-customer\"\nmasked_domains = [\"marketplace.example.com\"]\n";
        merchant.import(ORDERS, &format!("{SECTIONS}\n{rule}")).await;
        let fault = json!({"method": "POST", "path": NEW_CONTACT, "tenant": merchant.code, "action": {"kind": "cut_after"}, "times": 1});
        merchant.installation.control(&merchant.installation.brightpearl, "faults", fault).await;
        // Another of the same name, and two orders of one customer at once.
        merchant.account("contacts", json!({"email": "namesake@example.com", "first_name": "Ada", "last_name": "Byron"})).await;
        let customer = json!({"customer": {"email": "c7@marketplace.example.com"}});
        pause(&merchant, "pause").await;
        let orders = [merchant.place(order(customer.clone())).await, merchant.place(order(customer.clone())).await];
        let other = merchant.place(order(json!({"customer": {"email": "c8@marketplace.example.com"}}))).await;
        pause(&merchant, "resume").await;
        let mut contacts = Vec::new();
        for order in [orders[0], orders[1], other] {
            contacts.push(merchant.synced(order).await["parties"]["customer"]["contactId"].as_u64().unwrap());
        }
        assert_eq!(contacts[0], contacts[1]);
        assert_ne!(contacts[0], contacts[2], "another customer, though of the same name");
        let made =
            in_account(&merchant, "contacts").await.into_iter().filter(|contact| contact.to_string().contains(&format!("BC-{}-", merchant.id)));
        assert_eq!(made.count(), 2);
        let third = merchant.place(order(customer)).await;
        assert_eq!(merchant.synced(third).await["parties"]["customer"]["contactId"].as_u64(), Some(contacts[0]));
    });
}

#[test]
fn what_a_sales_order_carries_differs_by_channel_and_currency() {
    run(async {
        let rules = "channel = 5\nwarehouse = 2\nstaff_owner = 4\nnew_order_status = 19\n\
                     [[orders.defaults]]\nstore_channel = 2\nchannel = 6\nproject = 1\n\
                     [[orders.defaults]]\nstore_channel = 2\ncurrency = \"EUR\"\nwarehouse = 3\nlead_source = 4\nprice_mode = \"INC\"\n";
        let merchant = with(rules).await;
        let plain = merchant.place_simple().await;
        let pounds = merchant.place(order(json!({"channel_id": 2}))).await;
        let euros = merchant.place(order(json!({"channel_id": 2, "currency": "EUR", "status": 10}))).await;
        let mut carried = Vec::new();
        for order in [plain, pounds, euros] {
            let made = merchant.synced(order).await;
            let current = made["assignment"]["current"].clone();
            carried.push(json!([
                current["channelId"],
                made["warehouseId"],
                current["projectId"],
                current["leadSourceId"],
                current["staffOwnerContactId"],
                made["priceModeCode"],
                made["orderStatus"]["orderStatusId"]
            ]));
        }
        assert_eq!(carried[0], json!([5, 2, 0, 0, 4, "EXC", 17]));
        assert_eq!(carried[1], json!([6, 2, 1, 0, 4, "EXC", 17]));
        assert_eq!(carried[2], json!([6, 3, 1, 4, 4, "INC", 19]), "no entry of the status map: the default of new orders");
    });
}

#[test]
fn an_unmapped_delivery_holds_the_order_until_the_map_is_saved() {
    run(async {
        let held = format!("{ORDERS}unmapped_shipping = \"held\"\n");
        let merchant = Merchant::new(shared().await).await;
        merchant.import(&held, SECTIONS).await;
        let order = merchant.place(order(json!({"shipping": {"cost": "4.50", "tax_rate": 20, "method": "Drone Express"}}))).await;
        merchant.held_for("unmapped-shipping:Drone Express").await;
        let mapped = format!("{held}shipping_methods = [{{ store = \"drone express\", brightpearl = 6 }}]\n");
        merchant.import(&mapped, SECTIONS).await;
        assert_eq!(merchant.synced(order).await["delivery"]["shippingMethodId"], json!(6));
    });
}

#[test]
fn what_is_picked_up_is_delivered_to_the_pick_up_location() {
    run(async {
        let merchant = with("channel = 5\nwarehouse = 2\nshipping_methods = [{ store = \"pick up in store\", brightpearl = 6 }]\n").await;
        let order = merchant.place(json!({"lines": [{"sku": "SKU-5", "quantity": 1, "tax_rate": 20, "pickup": true}]})).await;
        let made = merchant.synced(order).await;
        assert_eq!(made["delivery"]["shippingMethodId"], json!(6));
        let to = &made["parties"]["delivery"];
        assert_eq!(
            (&to["addressLine1"], &to["companyName"], &to["addressFullName"]),
            (&json!("1 Shop Street"), &json!("Default location"), &json!("Ada Byron"))
        );
        assert_eq!(made["parties"]["billing"]["addressLine1"], json!("1 Test Street"));
    });
}
