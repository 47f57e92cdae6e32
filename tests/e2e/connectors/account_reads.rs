//! What is read of an account: orders and notes by id set, the catalogue, reference data (BP §a.5, §a.6, §g, §h, §j).

use std::time::Duration;

use orderbridge_schema::facts::{Note, NoteRow};
use orderbridge_schema::ids::{ChannelId, InstallationId, NoteId, ProductId, SalesOrderId, SalesOrderStatusId, ShippingMethodId, WarehouseId};
use orderbridge_schema::link::NoteKind;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::sales_orders::{create, order};
use super::{Office, SHARE, d, guard, id};

async fn create_many(office: &Office, count: u64) -> Vec<SalesOrderId> {
    // One client for all: building one costs more than a call.
    let client = office.client();
    let mut ids = Vec::new();
    for number in 1..=count {
        ids.push(client.create_sales_order(&order(office, number), guard(client.pool())).await.unwrap().unwrap());
    }
    ids
}

#[tokio::test]
async fn more_orders_than_a_call_takes_are_read_in_several() {
    let office = Office::open().await;
    let client = office.client();
    let ids = create_many(&office, 205).await;
    office.sim.forget_calls().await;
    let wanted: Vec<SalesOrderId> = ids.iter().rev().copied().chain([SalesOrderId(1), ids[0]]).collect();
    let mut read: Vec<SalesOrderId> = client.orders(&wanted, SHARE).await.unwrap().iter().map(|order| order.id).collect();
    read.sort_unstable();
    assert_eq!(read, ids);
    assert_eq!(office.sim.calls("method=GET&path=/order-service/order/").await, 2);
    assert!(client.orders(&[SalesOrderId(1)], SHARE).await.unwrap().is_empty());
    assert!(client.orders(&[], SHARE).await.unwrap().is_empty());
    let sparse: Vec<SalesOrderId> = ids.iter().copied().step_by(3).collect();
    assert_eq!(client.orders(&sparse, SHARE).await.unwrap().len(), sparse.len());

    office.act(&format!("orders/{}/drop-ship", ids[0]), json!({})).await;
    office.act(&format!("orders/{}/drop-ship", ids[204]), json!({})).await;
    let notes = client.notes_of_orders(NoteKind::DropShip, &ids, SHARE).await.unwrap();
    assert_eq!(notes.iter().filter_map(|note| note.order).collect::<Vec<_>>(), [ids[0], ids[204]]);
    assert!(client.notes_of_orders(NoteKind::GoodsOut, &ids, SHARE).await.unwrap().is_empty());
}

#[tokio::test]
async fn more_notes_than_a_call_takes_are_read_in_several() {
    let office = Office::open().await;
    let client = office.client();
    let mut ids = Vec::new();
    for _ in 0..505 {
        ids.push(NoteId(id(&office.act("goods-out/transfer", json!({})).await["id"])));
    }
    office.sim.forget_calls().await;
    let wanted: Vec<NoteId> = ids.iter().copied().chain([NoteId(999_999)]).collect();
    let notes = client.notes(NoteKind::GoodsOut, &wanted, SHARE).await.unwrap();
    assert_eq!(notes.iter().map(|note| note.id).collect::<Vec<_>>(), ids);
    assert_eq!(office.sim.calls("method=GET&path=/goods-note/goods-out/").await, 2);
    assert!(notes.iter().all(|note| note.transfer && note.order.is_none() && note.shipped && note.rows.is_empty()));
    let sparse: Vec<NoteId> = ids.iter().copied().step_by(2).collect();
    assert_eq!(client.notes(NoteKind::GoodsOut, &sparse, SHARE).await.unwrap().len(), sparse.len());
    assert!(client.notes(NoteKind::DropShip, &ids, SHARE).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_goods_out_note_sums_its_locations_and_tells_what_left_when() {
    let office = Office::open_with(json!({ "time_zone": "America/Chicago" })).await;
    let client = office.client();
    let order = SalesOrderId(id(&office.act("orders", ui_order(&office, 7)).await["id"]));
    let note = NoteId(id(&office.act(&format!("orders/{order}/goods-out"), json!({})).await["id"]));
    let read = client.notes_of_orders(NoteKind::GoodsOut, &[order], SHARE).await.unwrap();
    assert_eq!((read.len(), read[0].id, read[0].shipped, read[0].shipped_at, read[0].reference.as_str()), (1, note, false, None, ""));
    office.act(&format!("goods-out/{note}/ship"), json!({ "reference": "RM123456785GB", "shipping_method_id": 7, "weight": "0.7" })).await;
    for weight in ["string", "number"] {
        office.sim.switch("note_weight", weight).await;
        let read = client.notes(NoteKind::GoodsOut, &[note], SHARE).await.unwrap();
        let row = client.orders(&[order], SHARE).await.unwrap()[0].rows[0].id;
        let shipped_at = read[0].shipped_at.unwrap();
        assert!(shipped_at.duration_since(office.sim.clock.now()).abs() < jiff::SignedDuration::from_secs(60), "{shipped_at}");
        let expected = Note {
            kind: NoteKind::GoodsOut,
            id: note,
            order: Some(order),
            warehouse: Some(WarehouseId(2)),
            transfer: false,
            shipped: true,
            shipped_at: Some(shipped_at),
            reference: "RM123456785GB".into(),
            shipping_method: Some(ShippingMethodId(7)),
            rows: vec![NoteRow { row, product: ProductId(office.mug), quantity: Decimal::from(7) }],
        };
        assert_eq!(read, [expected]);
    }
}

/// An order as staff make it: mugs alone.
fn ui_order(office: &Office, quantity: u32) -> Value {
    json!({ "customer": { "id": office.customer }, "statusId": 17, "warehouseId": 2, "channelId": 5, "currency": { "code": "GBP" },
        "rows": [{ "productId": office.mug, "name": "Harbour mug", "quantity": quantity, "taxCode": "T20", "net": "31.00", "tax": "6.20" }] })
}

#[tokio::test]
async fn an_order_made_by_staff_has_no_key_of_ours() {
    let office = Office::open().await;
    let client = office.client();
    let order = SalesOrderId(id(&office.act("orders", ui_order(&office, 1)).await["id"]));
    let read = client.orders(&[order], SHARE).await.unwrap();
    assert_eq!((read[0].external_ref.as_str(), read[0].rows[0].external_ref.as_str(), read[0].total), ("", "", d("37.20")));
    assert!(read[0].updated_at.is_some());
}

#[tokio::test]
async fn a_drop_ship_note_tells_its_tracking_wherever_it_stands() {
    let office = Office::open().await;
    let client = office.client();
    let order = create(&office, 9001).await;
    let made = office.act(&format!("orders/{order}/drop-ship"), json!({ "ship": true, "reference": "1Z9", "shipping_method_id": 8 })).await;
    let note = NoteId(id(&made["id"]));
    let row = client.orders(&[order], SHARE).await.unwrap()[0].rows[0].id;
    for place in ["shipping.reference", "trackingReference"] {
        office.sim.switch("drop_ship_tracking", place).await;
        for read in [
            client.notes(NoteKind::DropShip, &[note], SHARE).await.unwrap(),
            client.notes_of_orders(NoteKind::DropShip, &[order], SHARE).await.unwrap(),
        ] {
            assert_eq!((read.len(), read[0].id, read[0].kind, read[0].order), (1, note, NoteKind::DropShip, Some(order)));
            assert_eq!((read[0].shipped, read[0].reference.as_str(), read[0].shipping_method), (true, "1Z9", Some(ShippingMethodId(8))), "{place}");
            assert_eq!(read[0].rows, [NoteRow { row, product: ProductId(office.mug), quantity: Decimal::TWO }]);
        }
    }
}

#[tokio::test]
async fn the_whole_catalogue_is_read_page_by_page() {
    let office = Office::open().await;
    let client = office.client();
    office.act("products", json!({ "count": 1010, "prefix": "BULK-", "stock": 0 })).await;
    office.act("products", json!({ "products": [{ "sku": "OLD-01", "status": "ARCHIVED" }] })).await;
    office.sim.forget_calls().await;
    let (mut products, mut first_result) = (Vec::new(), 1);
    loop {
        let page = client.products_page(first_result, SHARE).await.unwrap();
        products.extend(page.products);
        first_result = page.next_result;
        if !page.more {
            break;
        }
    }
    assert_eq!(office.sim.calls("path=product-search").await, 3);
    let bulk = products.iter().filter(|product| product.sku.starts_with("BULK-") && product.live).count();
    assert_eq!(bulk, 1010);
    assert!(products.iter().any(|product| product.sku == "OLD-01" && !product.live));
    let mut ids: Vec<ProductId> = products.iter().map(|product| product.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), products.len(), "none comes twice");
    let some: Vec<ProductId> = ids.iter().copied().take(450).chain([ProductId(999_999)]).collect();
    let read = client.products(&some, SHARE).await.unwrap();
    assert_eq!(read.len(), 450 - usize::from(ids.contains(&ProductId(1000))), "what is gone is left out");
}

#[tokio::test]
async fn a_product_is_found_by_its_sku_and_by_what_changed() {
    let office = Office::open().await;
    let client = office.client();
    let odd = office.act("products", json!({ "products": [{ "sku": "A+B &C/1" }, { "sku": "MUG-011" }] })).await;
    let mug = client.products_with_sku(" MUG-01 ", SHARE).await.unwrap();
    assert_eq!(mug.iter().map(|product| (product.id.0, product.sku.as_str(), product.live)).collect::<Vec<_>>(), [(office.mug, "MUG-01", true)]);
    assert_eq!(client.products_with_sku("A+B &C/1", SHARE).await.unwrap()[0].id.0, id(&odd["products"][0]["id"]));
    assert!(client.products_with_sku("MUG-0", SHARE).await.unwrap().is_empty());
    office.sim.advance(Duration::from_secs(3600));
    let since = office.sim.clock.now();
    office.sim.advance(Duration::from_secs(5));
    let path = format!("{}/_sim/accounts/acme/products/{}", office.sim.url, office.cap);
    office.sim.control.patch(path).json(&json!({ "sku": "CAP-02" })).send().await.unwrap().error_for_status().unwrap();
    let changed = client.products_updated_since(since, 1, SHARE).await.unwrap();
    assert_eq!(changed.products.iter().map(|product| (product.id.0, product.sku.as_str())).collect::<Vec<_>>(), [(office.cap, "CAP-02")]);
    assert!(!changed.more);
}

#[tokio::test]
async fn reference_data_is_read_in_full() {
    let office = Office::open().await;
    let client = office.client();
    let methods = client.shipping_methods(SHARE).await.unwrap();
    assert_eq!(methods.iter().map(|method| method.id).collect::<Vec<_>>(), [5, 6, 7, 8].map(ShippingMethodId));
    assert!(methods.iter().all(|method| !method.name.is_empty()));
    assert_eq!(client.warehouses(SHARE).await.unwrap().iter().map(|warehouse| warehouse.id).collect::<Vec<_>>(), [2, 3].map(WarehouseId));
    assert_eq!(client.channels(SHARE).await.unwrap().iter().map(|channel| channel.id).collect::<Vec<_>>(), [1, 5, 6].map(ChannelId));
    let statuses = client.order_statuses(SHARE).await.unwrap();
    let sales: Vec<u64> = statuses.iter().filter(|status| status.type_code == "SO" && status.usable).map(|status| status.id.0).collect();
    for id in [1, 17, 18, 19, 20, 21, 22, 4, 5] {
        assert!(sales.contains(&id), "{id} in {sales:?}");
    }
    assert!(statuses.iter().any(|status| status.type_code == "SC" && status.id == SalesOrderStatusId(9)));
    let codes = client.tax_codes(SHARE).await.unwrap();
    let rate = |name: &str| codes.iter().find(|code| code.code == name).map(|code| code.rate);
    assert_eq!((rate("T20"), rate("T5"), rate("T0")), (Some(d("20")), Some(d("5")), Some(Decimal::ZERO)));
    let instance = InstallationId(id(&office.account["installations"][0]["installation_instance_id"]));
    assert_eq!(client.installation(SHARE).await.unwrap(), instance);
    let configured = client.account_configuration(SHARE).await.unwrap();
    assert_eq!(configured.get("newSalesOrderStatusId").map(String::as_str), Some("17"));
}
