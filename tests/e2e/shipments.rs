//! Shipped notes become shipments.

use std::time::Duration;

use serde_json::{Value, json};

use crate::installation::{run, shared};
use crate::merchant::Merchant;
use crate::wait::{SOON, stays, until};

#[test]
fn a_shipped_note_becomes_one_shipment_with_tracking() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        let order = merchant.place_simple().await;
        let sales_order = merchant.synced(order).await;
        let note = merchant.ship(&sales_order, json!({"reference": "RM123456785GB", "shipping_method_id": 6})).await;
        let shipments = merchant.shipped(order, 1).await;
        let shipment = &shipments[0];
        assert_eq!(shipment["tracking_number"], json!("RM123456785GB"));
        assert_eq!(shipment["comments"], json!(format!("GON-{note}")));
        assert_eq!(shipment["shipping_provider"], json!("royalmail"));
        assert_eq!(shipment["shipping_method"], json!("Tracked 48"));
        assert_eq!(shipment["items"][0]["quantity"], json!(2));
        assert_eq!(merchant.store_order(order).await["status_id"], json!(2));
        stays("one shipment only", Duration::from_secs(3), async || merchant.shipments(order).await.len() == 1).await;
    });
}

#[test]
fn two_notes_are_two_shipments_with_their_own_quantities() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        let order = merchant
            .place(json!({"lines": [{"sku": "SKU-1", "quantity": 3, "tax_rate": 20}, {"sku": "SKU-2", "quantity": 1, "tax_rate": 20}]}))
            .await;
        let sales_order = merchant.synced(order).await;
        let first = merchant.ship(&sales_order, json!({"rows": [{"sku": "SKU-1", "quantity": 1}], "reference": "A1"})).await;
        merchant.shipped(order, 1).await;
        let second = merchant.ship(&sales_order, json!({"reference": "B2"})).await;
        let shipments = merchant.shipped(order, 2).await;
        let of = |note: u64| shipments.iter().find(|shipment| shipment["comments"] == json!(format!("GON-{note}"))).unwrap();
        let pieces = |note: u64| of(note)["items"].as_array().unwrap().iter().map(|item| item["quantity"].as_u64().unwrap()).sum::<u64>();
        assert_eq!((pieces(first), pieces(second)), (1, 3));
        assert_eq!(of(second)["tracking_number"], json!("B2"));
        // No rule names this method: Brightpearl's own name is passed through.
        assert!(of(first)["shipping_provider"] == json!(""));
    });
}

#[test]
fn quantities_of_one_row_over_several_locations_are_one_item() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        merchant.account("products", json!({"products": [{"sku": "SPREAD", "name": "Spread", "stock": {"2": {"2": 1, "9": 5}}}]})).await;
        let order = merchant.place(json!({"lines": [{"name": "Spread", "sku": "SPREAD", "quantity": 4, "price": 2, "tax_rate": 20}]})).await;
        let sales_order = merchant.synced(order).await;
        merchant.ship(&sales_order, json!({})).await;
        let shipments = merchant.shipped(order, 1).await;
        assert_eq!(shipments[0]["items"].as_array().unwrap().len(), 1);
        assert_eq!(shipments[0]["items"][0]["quantity"], json!(4));
    });
}

#[test]
fn a_supplier_s_drop_ship_note_is_a_shipment_too() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        let order = merchant.place_simple().await;
        let sales_order = merchant.synced(order).await;
        let id = sales_order["id"].as_u64().unwrap();
        merchant.account(&format!("orders/{id}/drop-ship"), json!({"ship": true, "reference": "1Z999"})).await;
        let shipments = merchant.shipped(order, 1).await;
        assert!(shipments[0]["comments"].as_str().unwrap().starts_with("DSN-"));
    });
}

#[test]
fn notes_of_orders_that_are_not_ours_make_no_shipment() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        let order = merchant.place_simple().await;
        let sales_order = merchant.synced(order).await;
        merchant.account("contacts", json!({"id": 700, "email": "walk.in@example.com"})).await;
        let product = &sales_order["orderRows"].as_object().unwrap().values().next().unwrap()["productId"];
        let rows = json!([{"productId": product, "name": "By hand", "quantity": 1, "net": "1", "tax": "0", "taxCode": "T0"}]);
        let foreign = merchant.account("orders", json!({"customer": {"id": 700}, "rows": rows})).await;
        let note = merchant.ship(&foreign, json!({"reference": "BY-HAND"})).await;
        let transfer = merchant.account("goods-out/transfer", json!({"products": [{"sku": "SKU-1", "quantity": 1}]})).await;
        for note in [note, transfer["id"].as_u64().unwrap()] {
            until(&format!("note {note} is told of, read and dismissed"), SOON, || async {
                let told = installation
                    .look(
                        &installation.brightpearl,
                        &format!("ledger/deliveries?tenant={}&event=goods-out-note.modified.shipped&status=200", merchant.code),
                    )
                    .await;
                let is_told = told.as_array().unwrap().iter().any(|delivery| names(&delivery["body"]["id"], note));
                let read = merchant.calls(&installation.brightpearl, "method=GET&path=/goods-note/goods-out/&status=200").await;
                let is_read = read.iter().any(|call| call["path"].as_str().unwrap().rsplit('/').next().is_some_and(|ids| names(&json!(ids), note)));
                let left =
                    format!("select count(*) from work_items where scope = '@{}' and kind = 'goods-out-note' and entity = {note}", merchant.code);
                (is_told && is_read && installation.sql(&left).await == "0").then_some(())
            })
            .await;
        }
        let remembered = format!("select count(*) from foreign_orders where account = '{}' and sales_order = {}", merchant.code, foreign["id"]);
        assert_eq!(installation.sql(&remembered).await, "1");
        // A note of our own order goes the same way, and is the only one that ends at the store.
        let ours = merchant.ship(&sales_order, json!({"reference": "RM1"})).await;
        merchant.shipped(order, 1).await;
        let made = async || merchant.calls(&installation.bigcommerce, "method=POST&path=/shipments").await;
        stays("nothing else is shipped", Duration::from_secs(3), async || made().await.len() == 1).await;
        assert_eq!(made().await[0]["request_body"]["comments"], json!(format!("GON-{ours}")));
    });
}

/// Whether an id set names an id.
fn names(ids: &Value, id: u64) -> bool {
    let text = ids.as_str().map_or_else(|| ids.to_string(), str::to_owned);
    orderbridge_schema::idset::expand(&text, 10_000).is_ok_and(|ids| ids.contains(&id))
}
