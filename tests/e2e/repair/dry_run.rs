//! A dry run reads alone, and tells what then happens.

use serde_json::{Value, json};

use super::{json, writes};
use crate::installation::{Installation, run};
use crate::merchant::Merchant;
use crate::wait::{SOON, until};

fn entity<'a>(report: &'a Value, merchant: &Merchant<'_>, order: u64) -> &'a Value {
    let item = format!("{}/order/{order}", merchant.id);
    report["entities"].as_array().unwrap().iter().find(|entity| entity["item"] == json!(item)).unwrap_or_else(|| panic!("{item} in {report:#}"))
}

#[test]
fn a_dry_run_changes_nothing_and_what_it_tells_then_happens() {
    run(async {
        let installation = Installation::new(&[]).await;
        let _ingest = installation.start("ingest", &[]).await;
        let mut processor = installation.start("processor", &[]).await;
        let merchant = Merchant::new(&installation).await;
        let (agreeing, carried, shipped) = (merchant.place_simple().await, merchant.place_simple().await, merchant.place_simple().await);
        let mut sales_orders = Vec::new();
        for order in [agreeing, carried, shipped] {
            sales_orders.push(merchant.synced(order).await);
        }
        assert_eq!(processor.stop().await, Some(0));

        // What happens while nobody works: a status on each side of the truth, a parcel, a new order, and one that cannot be made.
        let carried_to = sales_orders[1]["id"].as_u64().unwrap();
        merchant.store(&format!("orders/{carried}/status"), json!({"status": 9})).await;
        let note = merchant.ship(&sales_orders[2], json!({"reference": "RM1"})).await;
        let buy = |sku: &str| json!({"email": "new@example.com", "lines": [{"sku": sku, "quantity": 2, "tax_rate": 20}], "shipping": {"cost": "4.50", "tax_rate": 20}});
        let fresh = [merchant.place(buy("SKU-5")).await, merchant.place(buy("SKU-6")).await];
        let product = json!({"products": [{"sku": "ONLY-HERE", "name": "Only here", "price": 3}]});
        merchant.store("products", product).await;
        let stuck = merchant.place(buy("ONLY-HERE")).await;
        until("all events are published", SOON, || async {
            let report = json(&installation, &["replay", "--tenant", &merchant.id, "--dry-run"]).await;
            (report["entities"].as_array().unwrap().len() == 6).then_some(())
        })
        .await;

        let work = async || installation.orderbridge(&["work", "list", "--tenant", &merchant.id, "--json"]).await;
        let (before, waiting) = (writes(&merchant).await, work().await);
        let report = json(&installation, &["replay", "--tenant", &merchant.id, "--dry-run"]).await;
        assert_eq!(writes(&merchant).await, before, "reads alone");
        let outcome = |order: u64| entity(&report, &merchant, order)["outcome"].clone();
        assert_eq!((outcome(agreeing), outcome(carried), outcome(shipped)), (json!("no-change"), json!("change"), json!("change")));
        assert_eq!((outcome(fresh[0]), outcome(fresh[1]), outcome(stuck)), (json!("create"), json!("create"), json!("held")));
        let status = &entity(&report, &merchant, carried)["changes"][0];
        assert_eq!(
            (&status["of"], &status["field"], &status["from"], &status["to"]),
            (&json!(format!("sales order {carried_to}")), &json!("status"), &json!("17"), &json!("18"))
        );
        assert_eq!(entity(&report, &merchant, shipped)["changes"][0]["shipment"], json!(format!("GON-{note}")));
        assert!(entity(&report, &merchant, stuck)["holds"][0]["cause"].as_str().unwrap().starts_with("unknown-sku:"));
        let totals: Vec<Value> = fresh.iter().map(|order| total(entity(&report, &merchant, *order))).collect();
        // One customer, one contact; two sales orders and what is written back on the store's orders; a status; a shipment.
        assert_eq!(report["sums"]["calls"]["writes"], json!({"brightpearl": 2 + 2 + 1, "bigcommerce": 2 + 1}));
        assert!(report["sums"]["calls"]["reads"]["brightpearl"].as_u64().unwrap() > 0);
        assert_eq!(report["sums"]["outcomes"], json!({"create": 2, "change": 2, "no change": 1, "held": 1}));
        let text = installation.orderbridge(&["replay", "--tenant", &merchant.id, "--dry-run"]).await;
        assert!(text.contains("GBP") && text.contains("create a sales order of") && text.contains("from 17 to 18"), "{text}");
        assert!(!text.contains("new@example.com"), "no personal data: {text}");
        // Nothing was noted in our own records either.
        assert!(json(&installation, &["replay", "list"]).await.as_array().unwrap().is_empty());
        assert_eq!(work().await, waiting);

        let _processor = installation.start("processor", &[]).await;
        for (order, total) in fresh.into_iter().zip(totals) {
            let made = merchant.synced(order).await;
            assert_eq!(money(&made["totalValue"]["total"]), money(&total), "the total that was told");
        }
        merchant.shipped(shipped, 1).await;
        until("the status that was told", SOON, || async {
            (merchant.sales_orders(carried).await[0]["orderStatus"]["orderStatusId"] == json!(18)).then_some(())
        })
        .await;
        merchant.held_for("unknown-sku:").await;
        assert!(merchant.sales_orders(stuck).await.is_empty());
    });
}

fn total(entity: &Value) -> Value {
    let changes = entity["changes"].as_array().unwrap();
    changes.iter().find(|change| change["kind"] == "create-sales-order").unwrap()["total"].clone()
}

fn money(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.parse::<rust_decimal::Decimal>().unwrap().normalize().to_string()
}
