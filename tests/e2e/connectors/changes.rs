//! What changed since a moment, in pages (BC §d.1; BP §a.5, §e.4, §g, §h.3).

use std::time::Duration;

use jiff::Timestamp;
use orderbridge_schema::ids::{ChannelId, NoteId, ProductId, SalesOrderId, StoreOrderId};
use orderbridge_schema::work::Share;
use serde_json::json;

use super::sales_orders::create;
use super::{Office, Shop, id};

const SWEEPS: Share = Share::Sweeps;

fn since() -> Timestamp {
    "2020-01-01T00:00:00Z".parse().unwrap()
}

#[tokio::test]
async fn changed_orders_of_a_store_are_told_by_id_and_date() {
    let shop = Shop::open().await;
    let client = shop.client();
    let placed = shop.act("orders/random", json!({ "count": 300, "lines": 1 })).await;
    let ids: Vec<StoreOrderId> = placed["ids"].as_array().unwrap().iter().map(|order| StoreOrderId(id(order))).collect();
    let first = client.order_stamps(since(), 0, SWEEPS).await.unwrap();
    assert_eq!((first.stamps.len(), first.before, first.more), (250, 0, true));
    assert!(first.answered_at.is_some_and(|at| at.duration_since(shop.sim.clock.now()).abs() < jiff::SignedDuration::from_secs(30)));
    let rest = client.order_stamps(since(), 250, SWEEPS).await.unwrap();
    assert_eq!((rest.before, rest.more), (249, false), "the last row that is known is read again");
    assert_eq!(rest.stamps[0], first.stamps[249]);
    let mut seen: Vec<StoreOrderId> = first.stamps.iter().chain(rest.stamps.iter().skip(1)).map(|stamp| stamp.id).collect();
    seen.sort_unstable();
    assert_eq!(seen, ids);
    shop.sim.advance(Duration::from_secs(60));
    let later = client.order_stamps(first.answered_at.unwrap() + Duration::from_secs(30), 0, SWEEPS).await.unwrap();
    assert!(later.stamps.is_empty() && later.answered_at.is_some(), "nothing found tells the time too");
}

#[tokio::test]
async fn changed_sales_orders_are_found_in_their_channel_with_their_keys() {
    let office = Office::open_with(json!({ "time_zone": "America/Chicago" })).await;
    let client = office.client();
    let ours = create(&office, 9001).await;
    let by_staff = |channel: u32| {
        json!({ "customer": { "id": office.customer }, "statusId": 17, "warehouseId": 2, "channelId": channel, "currency": { "code": "GBP" },
            "rows": [{ "productId": office.mug, "name": "Harbour mug", "quantity": 1, "taxCode": "T20", "net": "31.00", "tax": "6.20" }] })
    };
    let foreign = SalesOrderId(id(&office.act("orders", by_staff(5)).await["id"]));
    office.act("orders", by_staff(6)).await;
    let found = client.orders_updated_since(since(), ChannelId(5), 0, SWEEPS).await.unwrap();
    let keys: Vec<_> = found.rows.iter().map(|row| (row.id, row.external_ref.clone().unwrap())).collect();
    assert_eq!(keys, [(ours, "bc-store7-9001".to_owned()), (foreign, String::new())]);
    assert!(!found.more && found.answered_at.is_some());
    let updated = client.orders(&[ours], SWEEPS).await.unwrap()[0].updated_at;
    assert_eq!(found.rows[0].updated_at, updated, "the date is the one that the order shows");
    office.sim.advance(Duration::from_secs(3600));
    office.act(&format!("orders/{ours}/status"), json!({ "status_id": 18 })).await;
    let latest = client.orders_updated_since(updated.unwrap() + Duration::from_secs(60), ChannelId(5), 0, SWEEPS).await.unwrap();
    assert_eq!(latest.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [ours]);
    let all = client.orders_updated_since(since(), ChannelId(5), 1, SWEEPS).await.unwrap();
    assert_eq!((all.before, all.rows.iter().map(|row| row.id).collect::<Vec<_>>()), (1, vec![ours]), "the last that changed is the last");
}

#[tokio::test]
async fn notes_that_left_are_found_and_transfers_are_told_apart() {
    let office = Office::open().await;
    let client = office.client();
    let order = create(&office, 9001).await;
    let open = office.act(&format!("orders/{order}/goods-out"), json!({ "rows": [{ "sku": "MUG-01", "quantity": 1 }] })).await;
    office.act("goods-out/transfer", json!({})).await;
    let left = client.notes_shipped_since(since(), ChannelId(5), 0, SWEEPS).await.unwrap();
    assert!(left.rows.is_empty(), "{left:?}");
    office.act(&format!("goods-out/{}/ship", open["id"]), json!({})).await;
    let left = client.notes_shipped_since(since(), ChannelId(5), 0, SWEEPS).await.unwrap();
    assert_eq!(left.rows.len(), 1);
    assert_eq!((left.rows[0].id, left.rows[0].order, left.rows[0].transfer), (NoteId(id(&open["id"])), Some(order), false));
    assert!(left.rows[0].shipped_at.is_some());
    assert!(client.notes_shipped_since(since(), ChannelId(6), 0, SWEEPS).await.unwrap().rows.is_empty());
}

#[tokio::test]
async fn changed_products_come_with_their_identities_in_pages_of_500() {
    let office = Office::open().await;
    let client = office.client();
    office.act("products", json!({ "count": 600, "prefix": "BULK-", "stock": 1 })).await;
    let first = client.products_changed_since(since(), 0, SWEEPS).await.unwrap();
    let rest = client.products_changed_since(since(), 500, SWEEPS).await.unwrap();
    assert_eq!((first.rows.len(), first.more, rest.rows.len(), rest.more), (500, true, 102, false));
    office.sim.advance(Duration::from_secs(3600));
    let before = office.sim.clock.now();
    let patch = office.sim.control.patch(format!("{}/_sim/accounts/acme/products/{}", office.sim.url, office.cap)).json(&json!({ "sku": "CAP-02" }));
    patch.send().await.unwrap().error_for_status().unwrap();
    let changed = client.products_changed_since(before.checked_sub(jiff::SignedDuration::from_secs(5)).unwrap(), 0, SWEEPS).await.unwrap();
    let told: Vec<_> = changed.rows.iter().map(|row| (row.identity.id, row.identity.sku.as_str())).collect();
    assert_eq!(told, [(ProductId(office.cap), "CAP-02")]);
}
