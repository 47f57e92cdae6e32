//! What an operator holds, and an order's story by the id of either side.

use std::time::Duration;

use serde_json::json;

use super::refused;
use crate::installation::{run, shared};
use crate::merchant::Merchant;
use crate::wait::{SOON, stays, until};

#[test]
fn an_order_that_an_operator_holds_waits_whatever_events_say() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        installation.orderbridge(&["tenant", "pause", &merchant.id]).await;
        let order = merchant.place_simple().await;
        let item = format!("{}/order/{order}", merchant.id);
        installation.orderbridge(&["work", "hold", &item, "--why", "the customer may cancel"]).await;
        installation.orderbridge(&["tenant", "resume", &merchant.id]).await;
        let other = merchant.place_simple().await;
        merchant.synced(other).await;
        merchant.store(&format!("orders/{order}/notes"), json!({"staff_notes": "looked at"})).await;
        stays("nothing is made of it", Duration::from_secs(2), async || merchant.sales_orders(order).await.is_empty()).await;
        let held = merchant.held().await;
        assert!(held.iter().any(|held| held["item"] == json!(item) && held["holds"][0]["cause"] == "operator"), "{held:?}");
        let (code, told) = refused(installation, &["work", "retry", &item]).await;
        assert!(code == Some(1) && told.contains("work release"), "{told}");

        installation.orderbridge(&["work", "release", &item]).await;
        merchant.synced(order).await;
        let timeline = merchant.timeline(order).await;
        assert!(timeline.contains("held by an operator: the customer may cancel") && timeline.contains("released-by-operator"), "{timeline}");
        let (_, told) = refused(installation, &["work", "release", &item]).await;
        assert!(told.contains("not held by an operator"), "{told}");
        let (_, told) = refused(installation, &["work", "hold", "nobody/order/1", "--why", "x"]).await;
        assert!(told.contains("there is no tenant nobody"), "{told}");
    });
}

#[test]
fn the_story_of_an_order_is_told_by_the_id_of_either_side() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        let order = merchant.place_simple().await;
        let sales_order = merchant.synced(order).await;
        let note = merchant.ship(&sales_order, json!({"reference": "RM1"})).await;
        merchant.shipped(order, 1).await;
        let (id, note) = (sales_order["id"].to_string(), note.to_string());
        let story = until("the status after the shipment is told", SOON, || async {
            Some(merchant.timeline(order).await).filter(|story| story.contains("shipment-created") && story.contains("status-carried"))
        })
        .await;
        let of = async |arguments: &[&str]| installation.orderbridge(&[&["timeline", "show"], arguments].concat()).await;
        assert_eq!(of(&[&id, "--sales-order", "--account", &merchant.code, "--json"]).await, story);
        assert_eq!(of(&[&id, "--sales-order", "--tenant", &merchant.id, "--json"]).await, story);
        assert_eq!(of(&[&note, "--goods-out-note", "--tenant", &merchant.id, "--json"]).await, story);
        let text = of(&[&order.to_string(), "--tenant", &merchant.id]).await;
        assert!(text.contains(&format!("store order {order}, sales order {id}, goods-out-note {note} as shipment")), "{text}");
        for (arguments, reason) in
            [(["999999", "--sales-order"], "is linked to no store order"), (["999999", "--drop-ship-note"], "no shipment was made from")]
        {
            let (_, told) = refused(installation, &[&["timeline", "show"], &arguments[..], &["--tenant", &merchant.id]].concat()).await;
            assert!(told.contains(reason), "{told}");
        }
        assert_eq!(refused(installation, &["timeline", "show", "1", "--account", &merchant.code]).await.0, Some(2));
    });
}
