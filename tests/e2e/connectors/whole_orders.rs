//! An order's parts, read together with it and one by one: the same facts.

use orderbridge_bigcommerce::{Client, Parts, WholeOrder};
use orderbridge_schema::ids::StoreOrderId;
use serde_json::{Value, json};

use super::order_facts::everything;
use super::{SHARE, Shop, id};

/// Orders of every shape.
fn wishes() -> Vec<Value> {
    let mut two_addresses = everything();
    two_addresses["addresses"] =
        json!([{ "city": "York", "shipping": 5 }, { "first_name": "Grace", "city": "Leeds", "shipping": 7, "shipping_method": "DPD" }]);
    two_addresses["lines"][1]["address"] = json!(1);
    two_addresses.as_object_mut().unwrap().remove("shipping");
    let sixty: Vec<Value> =
        (0..60).map(|n| json!({ "sku": if n % 2 == 0 { "A" } else { "B" }, "quantity": n % 4 + 1, "price": format!("1.{n:02}") })).collect();
    vec![
        everything(),
        two_addresses,
        json!({ "lines": sixty, "shipping": 5 }),
        json!({ "lines": [{ "name": "Manual", "price": 3, "type": "digital", "tax_rate": 0 }] }),
        json!({ "lines": [{ "name": "Manual", "price": 3, "type": "digital" }, { "name": "Gift", "price": 10, "type": "giftcertificate" }, { "sku": "A" },
            { "sku": "B", "parent": 2 }] }),
        json!({ "lines": [{ "sku": "A", "pickup": true }, { "sku": "B", "quantity": 3 }] }),
    ]
}

/// What came along is what is read apart.
async fn assert_same(client: &Client, whole: &WholeOrder) {
    let order = whole.order.id;
    assert_eq!(client.order(order, SHARE).await.unwrap().as_ref(), Some(&whole.order));
    let Parts::Given(parts) = &whole.parts else { panic!("{whole:?}") };
    assert_eq!(client.lines(order, SHARE).await.unwrap(), parts.lines);
    assert_eq!(client.addresses(order, SHARE).await.unwrap(), parts.addresses);
    let fees = client.fees(order, SHARE).await.unwrap();
    assert_eq!(parts.fees.clone().unwrap_or_default(), fees);
}

#[tokio::test]
async fn parts_inside_orders_are_the_same_facts_as_parts_read_apart() {
    let shop = Shop::open().await;
    let client = shop.client();
    let mut ids = Vec::new();
    for wish in wishes() {
        ids.push(StoreOrderId(id(&shop.place(wish).await["id"])));
    }
    let random = shop.act("orders/random", json!({ "count": 40 })).await;
    ids.extend(random["ids"].as_array().unwrap().iter().map(|order| StoreOrderId(id(order))));
    for (numbers, nulls) in [(false, false), (true, true)] {
        shop.sim.switch("money_as_number", numbers).await;
        shop.sim.switch("null_for_empty", nulls).await;
        shop.sim.forget_calls().await;
        let together = client.whole_orders(&ids, SHARE).await.unwrap();
        assert_eq!(together.len(), ids.len());
        assert_eq!(shop.sim.calls("method=GET").await, 1, "one list for all of them");
        for whole in &together {
            assert_same(&client, whole).await;
        }
        let alone = client.whole_orders(&ids[..1], SHARE).await.unwrap();
        assert_eq!(alone, together[..1]);
    }
}

#[tokio::test]
async fn a_store_that_gives_no_parts_gives_its_orders_all_the_same() {
    let shop = Shop::open().await;
    let client = shop.client();
    shop.sim.switch("consignments_include", false).await;
    let orders: Vec<StoreOrderId> =
        [shop.place(everything()).await, shop.place(everything()).await].iter().map(|order| StoreOrderId(id(&order["id"]))).collect();
    let whole = client.whole_orders(&orders, SHARE).await.unwrap();
    assert!(whole.iter().all(|whole| whole.parts == Parts::NotGiven));
    assert_eq!(whole.into_iter().map(|whole| whole.order).collect::<Vec<_>>(), client.orders(&orders, SHARE).await.unwrap());
}

#[tokio::test]
async fn orders_that_changed_at_one_time_are_read_by_one_list_wherever_their_ids_lie() {
    let shop = Shop::open().await;
    let client = shop.client();
    let mut ids = Vec::new();
    for number in [100, 900, 5000] {
        ids.push(StoreOrderId(id(&shop.place(json!({ "id": number, "lines": [{ "sku": "A" }] })).await["id"])));
    }
    shop.sim.advance(std::time::Duration::from_secs(3600));
    let since = shop.sim.clock.now();
    for order in &ids[..2] {
        shop.act(&format!("orders/{order}/notes"), json!({ "staff_notes": "looked at" })).await;
    }
    shop.sim.forget_calls().await;
    let changed = client.changed_orders(&ids[..2], since, SHARE).await.unwrap();
    assert_eq!((changed.iter().map(|order| order.id).collect::<Vec<_>>(), shop.sim.calls("method=GET").await), (ids[..2].to_vec(), 1));
    let all = client.changed_orders(&ids, since, SHARE).await.unwrap();
    assert_eq!(all.iter().map(|order| order.id).collect::<Vec<_>>(), ids, "what did not change is read by its id");
    assert_eq!(client.changed_orders(&ids[..1], since, SHARE).await.unwrap(), changed[..1]);
}
