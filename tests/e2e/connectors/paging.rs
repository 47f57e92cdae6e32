//! Lists longer than a page, and more ids than a call takes (BC §b).

use std::time::Duration;

use orderbridge_bigcommerce::NewHook;
use orderbridge_schema::facts::{StoreShipment, Taxed};
use orderbridge_schema::ids::{ShipmentId, StoreOrderId};
use serde_json::{Value, json};

use super::order_writes::shipment;
use super::{HASH, SHARE, Shop, guard, id};

#[tokio::test]
async fn every_line_of_a_long_order_is_read() {
    let shop = Shop::open().await;
    let client = shop.client();
    for (count, pages) in [(51, 1), (250, 2), (260, 2)] {
        let lines: Vec<Value> = (0..count).map(|number| json!({ "sku": "A", "price": number + 1, "tax_rate": 20 })).collect();
        let placed = shop.place(json!({ "lines": lines })).await;
        let order = StoreOrderId(id(&placed["id"]));
        shop.sim.forget_calls().await;
        let lines = client.lines(order, SHARE).await.unwrap();
        let ids: Vec<u64> = placed["products"].as_array().unwrap().iter().map(|line| id(&line["id"])).collect();
        assert_eq!(lines.iter().map(|line| line.id.0).collect::<Vec<_>>(), ids, "{count} lines");
        assert_eq!(shop.sim.calls("method=GET&path=/products").await, pages, "{count} lines");
        let taxes = client.taxes(order, SHARE).await.unwrap();
        assert_eq!(taxes.iter().map(|row| row.on).collect::<Vec<_>>(), ids.into_iter().map(|line| Taxed::Line(line.into())).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn more_shipments_than_a_default_page_are_all_read() {
    let shop = Shop::open().await;
    let client = shop.client();
    let placed = shop.place(json!({ "lines": [{ "sku": "A", "quantity": 60 }] })).await;
    let mut made: Vec<ShipmentId> = Vec::new();
    for note in 1..=55 {
        made.push(client.create_shipment(&shipment(&placed, note, &[(0, 1)]), guard(client.pool())).await.unwrap());
    }
    let shipments: Vec<StoreShipment> = client.shipments(StoreOrderId(id(&placed["id"])), SHARE).await.unwrap();
    assert_eq!(shipments.iter().map(|shipment| shipment.id).collect::<Vec<_>>(), made);
}

#[tokio::test]
async fn orders_are_read_in_pages_of_250_and_close_ids_together() {
    let shop = Shop::open().await;
    let client = shop.client();
    let placed = shop.act("orders/random", json!({ "count": 255, "lines": 1 })).await;
    let ids: Vec<StoreOrderId> = placed["ids"].as_array().unwrap().iter().map(|order| StoreOrderId(id(order))).collect();
    let since = "2020-01-01T00:00:00Z".parse().unwrap();
    let (first, second) =
        (client.orders_modified_since(since, 1, SHARE).await.unwrap(), client.orders_modified_since(since, 2, SHARE).await.unwrap());
    assert_eq!((first.orders.len(), first.more, second.orders.len(), second.more), (250, true, 5, false));
    let third = client.orders_modified_since(since, 3, SHARE).await.unwrap();
    assert_eq!((third.orders.len(), third.more), (0, false), "a page past the end is empty");
    let mut seen: Vec<StoreOrderId> = first.orders.iter().chain(&second.orders).map(|order| order.id).collect();
    seen.sort_unstable();
    assert_eq!(seen, ids);

    shop.sim.forget_calls().await;
    let read = client.orders(&ids, SHARE).await.unwrap();
    assert_eq!(read.iter().map(|order| order.id).collect::<Vec<_>>(), ids);
    assert_eq!(shop.sim.calls("method=GET").await, 2, "250 ids lie within one page, the other five within another");
    shop.sim.forget_calls().await;
    assert_eq!(client.orders(&[ids[0], ids[200], StoreOrderId(99_999)], SHARE).await.unwrap().len(), 2);
    assert_eq!(shop.sim.calls("method=GET").await, 2);
}

#[tokio::test]
async fn only_orders_changed_since_then_are_read() {
    let shop = Shop::open().await;
    let client = shop.client();
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(StoreOrderId(id(&shop.place(json!({ "lines": [{ "sku": "A" }] })).await["id"])));
    }
    shop.sim.advance(Duration::from_secs(3600));
    let since = client.time(SHARE).await.unwrap();
    shop.act(&format!("orders/{}/notes", ids[1]), json!({ "staff_notes": "gift" })).await;
    let page = client.orders_modified_since(since, 1, SHARE).await.unwrap();
    assert_eq!(page.orders.iter().map(|order| order.id).collect::<Vec<_>>(), [ids[1]]);
    assert!(page.orders[0].modified_at >= since);
    shop.sim.advance(Duration::from_secs(60));
    let later = client.time(SHARE).await.unwrap();
    assert!(client.orders_modified_since(later, 1, SHARE).await.unwrap().orders.is_empty(), "204 is an empty page");
}

#[tokio::test]
async fn more_hooks_than_a_page_are_all_listed() {
    let shop = Shop::open().await;
    let client = shop.client();
    for channel in 1..=26 {
        for number in 0..10 {
            let hook = NewHook {
                scope: format!("store/channel/{channel}/order/created"),
                destination: format!("https://us.example/{HASH}/{number}"),
                headers: std::collections::BTreeMap::new(),
            };
            client.create_hook(&hook, guard(client.pool())).await.unwrap();
        }
    }
    let hooks = client.hooks(SHARE).await.unwrap();
    assert_eq!(hooks.len(), 260);
    assert_eq!(shop.sim.calls("method=GET&path=/v3/hooks").await, 2);
}
