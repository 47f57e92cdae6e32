//! Older orders, and those that others entered: imported, searched for, taken over.

use serde_json::json;

use super::{command, creations, import, in_account, left_alone, order};
use crate::installation::{run, shared};
use crate::merchant::{Merchant, ORDERS, SECTIONS};
use crate::wait::{SOON, until};

/// Enters an order in Brightpearl as staff would.
async fn enter(merchant: &Merchant<'_>, order: u64, net: &str) -> u64 {
    let products = in_account(merchant, "products").await;
    let product = products.iter().find(|product| product["identity"]["sku"] == json!("SKU-5")).unwrap()["id"].clone();
    let contact = merchant.account("contacts", json!({"email": format!("entered-{order}@example.com")})).await["id"].clone();
    let rows = json!([
        {"productId": product, "quantity": 2, "taxCode": "T20", "net": net, "tax": "2.00"},
        {"name": "Carriage", "quantity": 1, "taxCode": "T20", "net": "4.50", "tax": "0.90"},
    ]);
    let entered = json!({"customer": {"id": contact}, "ref": order.to_string(), "channelId": 5, "warehouseId": 2, "rows": rows});
    merchant.account("orders", entered).await["id"].as_u64().unwrap()
}

/// Waits until the store's order names a sales order.
async fn refers_to(merchant: &Merchant<'_>, order: u64, sales_order: u64) {
    until(&format!("{order} refers to {sales_order}"), SOON, || async {
        (merchant.store_order(order).await["external_order_id"] == json!(format!("BP-{sales_order}"))).then_some(())
    })
    .await;
}

#[test]
fn older_orders_are_left_alone_until_they_are_imported_or_the_go_live_time_is_moved_back() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        let go_live = |at: &str| format!("{ORDERS}go_live = \"{at}\"\n");
        merchant.import(&go_live("2100-01-01T00:00:00Z"), SECTIONS).await;
        let orders = [merchant.place_simple().await, merchant.place_simple().await, merchant.place_simple().await];
        for order in orders {
            left_alone(&merchant, order, "before-go-live").await;
        }
        let (fine, told) = import(&merchant, orders[0]).await;
        let sales_order = merchant.synced(orders[0]).await;
        assert!(fine && told.contains(&format!("order {} is sales order {}", orders[0], sales_order["id"])), "{told}");
        // Somebody may have entered it before the go-live time: it was searched for.
        let searches = merchant.calls(&merchant.installation.brightpearl, "path=/order-service/order-search").await;
        assert!(searches.iter().any(|call| call["query"].to_string().contains(&orders[0].to_string())), "{searches:?}");
        assert!(import(&merchant, orders[0]).await.0, "again");
        assert_eq!(creations(&merchant).await, 1, "it is made once");

        merchant.import(&go_live("2020-01-01T00:00:00Z"), SECTIONS).await;
        for order in &orders[1..] {
            merchant.synced(*order).await;
        }
        merchant.import(&go_live("2100-01-01T00:00:00Z"), SECTIONS).await;
        let later = merchant.place_simple().await;
        left_alone(&merchant, later, "before-go-live").await;
        assert_eq!(creations(&merchant).await, 3);
    });
}

#[test]
fn an_import_tells_what_holds_an_order_and_of_one_that_is_not_there() {
    run(async {
        let merchant = Merchant::new(shared().await).await;
        let order = merchant.place(json!({"lines": [{"name": "New", "sku": "NEW-8", "quantity": 1, "price": 3, "tax_rate": 20}]})).await;
        merchant.held_for("unknown-sku:NEW-8").await;
        let (fine, told) = import(&merchant, order).await;
        assert!(!fine && told.contains("is held: no live Brightpearl product has the SKU NEW-8"), "{told}");
        let (fine, told) = import(&merchant, 987_654).await;
        assert!(!fine && told.contains("the store has no such order any more"), "{told}");
        let (_, told) = command(&merchant, &["order", "import", &order.to_string(), "--dry-run"]).await;
        assert!(told.contains("NEW-8"), "{told}");
    });
}

#[test]
fn an_order_from_before_the_connection_is_taken_over_with_its_rows_and_kept_in_step() {
    run(async {
        let first = Merchant::new(shared().await).await;
        let merchant = Merchant::not_yet_beside(&first).await;
        let placed = order(json!({"date_created": "2026-01-05T10:00:00Z"}));
        let [known, unknown] = [merchant.place(placed.clone()).await, merchant.place(placed).await];
        let entered = enter(&merchant, known, "10.00").await;
        merchant.connect(ORDERS, SECTIONS).await;
        for order in [known, unknown] {
            merchant.store(&format!("orders/{order}/notes"), json!({"staff_notes": "look"})).await;
        }
        refers_to(&merchant, known, entered).await;
        merchant.synced(unknown).await;
        assert!(merchant.sales_orders(known).await.is_empty(), "nothing was made for it");
        let rows = format!("select count(*) from row_links where tenant = '{}' and sales_order = {entered}", merchant.id);
        assert_eq!(merchant.installation.sql(&rows).await, "1");
        assert!(merchant.held().await.is_empty(), "the totals agree");
        let note = merchant.account(&format!("orders/{entered}/ship"), json!({})).await["id"].as_u64().unwrap();
        let shipments = merchant.shipped(known, 1).await;
        assert!(shipments[0].to_string().contains(&format!("GON-{note}")), "{shipments:?}");
    });
}

#[test]
fn of_several_sales_orders_with_its_number_a_person_names_the_one_that_stands_for_an_order() {
    run(async {
        let first = Merchant::new(shared().await).await;
        let merchant = Merchant::not_yet_beside(&first).await;
        let [placed, other] = [merchant.place(order(json!({"date_created": "2026-01-05T10:00:00Z"}))).await, first.place_simple().await];
        let entered = [enter(&merchant, placed, "10.00").await, enter(&merchant, placed, "11.00").await];
        let made_by_us = first.synced(other).await["id"].as_u64().unwrap();
        merchant.connect(ORDERS, SECTIONS).await;
        merchant.store(&format!("orders/{placed}/notes"), json!({"staff_notes": "look"})).await;
        merchant.held_for("several-with-number").await;
        let adopt = async |sales_order: u64| command(&merchant, &["order", "adopt", &placed.to_string(), &sales_order.to_string()]).await;
        for (wrong, why) in [(made_by_us, "stands for order"), (999_999, "Brightpearl has no order")] {
            let (fine, told) = adopt(wrong).await;
            assert!(!fine && told.contains(why), "{told}");
        }
        let (fine, told) = adopt(entered[1]).await;
        assert!(fine && told.contains("the totals differ") && told.contains(&format!("is sales order {}", entered[1])), "{told}");
        refers_to(&merchant, placed, entered[1]).await;
        merchant.held_for("created-total-differs").await;
        let (fine, told) = adopt(entered[0]).await;
        assert!(!fine && told.contains("already"), "{told}");
        assert!(adopt(entered[1]).await.0, "the same again is no mistake");
        assert!(merchant.sales_orders(placed).await.is_empty(), "nothing was made for it");
    });
}
