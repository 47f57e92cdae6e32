//! Every call of the BigCommerce client, and every route of its simulator, against the platform's OpenAPI files (BC §i 13).

mod caller;
mod routes;
mod seed;

use std::collections::BTreeSet;
use std::path::Path;

use orderbridge_bigcommerce::NewHook;
use orderbridge_http_client::CallError;
use orderbridge_schema::audit::Window;
use orderbridge_schema::facts::Refunds;
use orderbridge_schema::ids::{StoreOrderId, StoreStatusId};
use serde_json::{Value, json};

use super::order_writes::shipment;
use super::{SHARE, Shop, guard, id};
use crate::openapi::check::Judgement;
use crate::openapi::exceptions::BIGCOMMERCE;
use crate::openapi::exchange::Exchange;
use crate::openapi::vendors;

async fn exchanges(shop: &Shop) -> Vec<Exchange> {
    Exchange::all_of_ledger(&shop.sim.get("ledger/calls").await)
}

/// The whole ledger of a shop against the files; `None` without them.
async fn judged(shop: &Shop, check: &str) -> Option<Judgement> {
    let vendors = vendors(check)?;
    Some(vendors.judge(&exchanges(shop).await, BIGCOMMERCE))
}

/// Makes every call that the client has, on an order with all kinds of parts and on one with as few as possible.
async fn every_call_of_the_client(shop: &Shop) {
    let client = shop.client();
    client.time(SHARE).await.unwrap();
    client.store_info(SHARE).await.unwrap();
    client.reference(SHARE).await.unwrap();
    let (full, bare) = (shop.place(seed::full_order()).await, shop.place(seed::bare_order()).await);
    let mut ids = Vec::new();
    for placed in [&full, &bare] {
        let order = StoreOrderId(id(&placed["id"]));
        client.order(order, SHARE).await.unwrap().unwrap();
        let lines = client.lines(order, SHARE).await.unwrap();
        client.variants_of(&lines.iter().map(|line| line.product).collect::<Vec<_>>(), SHARE).await.unwrap();
        client.addresses(order, SHARE).await.unwrap();
        client.taxes(order, SHARE).await.unwrap();
        client.pick_ups(order, SHARE).await.unwrap();
        client.coupons(order, SHARE).await.unwrap();
        client.fees(order, SHARE).await.unwrap();
        client.transactions(order, SHARE).await.unwrap();
        assert_eq!(client.refunds(order, SHARE).await.unwrap(), Refunds::Read(Vec::new()));
        assert!(client.shipments(order, SHARE).await.unwrap().is_empty());
        ids.push(order);
    }
    client.orders(&ids, SHARE).await.unwrap();
    client.whole_orders(&ids, SHARE).await.unwrap();
    client.whole_orders(&ids[..1], SHARE).await.unwrap();
    client.orders_modified_since("2020-01-01T00:00:00Z".parse().unwrap(), 1, SHARE).await.unwrap();
    client.orders_modified_since("2020-01-01T00:00:00Z".parse().unwrap(), 9, SHARE).await.unwrap();
    let window = Window::new("2020-01-01T00:00:00Z".parse().unwrap(), "2090-01-01T00:00:00Z".parse().unwrap());
    client.orders_of_window(window, StoreOrderId(0), SHARE).await.unwrap();
    client.refunds_of_window(window, 1, SHARE).await.unwrap();
    client.refunds_of_orders(&ids, SHARE).await.unwrap();
    client.create_shipment(&shipment(&full, 4101, &[(0, 1)]), guard(client.pool())).await.unwrap();
    client.shipments(ids[0], SHARE).await.unwrap();
    client.set_external_order_id(ids[0], "BP-70001", guard(client.pool())).await.unwrap();
    client.set_order_status(ids[0], StoreStatusId(9), guard(client.pool())).await.unwrap();
    shop.act(&format!("orders/{}/refund", ids[1]), json!({})).await;
    assert!(matches!(client.refunds(ids[1], SHARE).await.unwrap(), Refunds::Read(refunds) if refunds.len() == 1));
    hooks(&client).await;
    assert!(client.order(StoreOrderId(999_999), SHARE).await.unwrap().is_none());
    assert_eq!(client.lines(StoreOrderId(999_999), SHARE).await, Err(CallError::NotFound));
}

async fn hooks(client: &orderbridge_bigcommerce::Client) {
    assert!(client.hooks(SHARE).await.unwrap().is_empty());
    let destination = "https://us.example/webhooks/bigcommerce/a".to_owned();
    let headers = [("x-secret".to_owned(), "s".to_owned().into())].into();
    let made = client.create_hook(&NewHook { scope: "store/order/*".into(), destination, headers }, guard(client.pool())).await.unwrap();
    client.hooks(SHARE).await.unwrap();
    client.hooks_admin(SHARE).await.unwrap();
    client.activate_hook(made.id, guard(client.pool())).await.unwrap();
    client.delete_hook(made.id, guard(client.pool())).await.unwrap();
    assert_eq!(client.delete_hook(made.id, guard(client.pool())).await, Err(CallError::NotFound));
}

/// The paths that the client's sources name, with `{}` for each placeholder.
fn paths_in_the_sources() -> BTreeSet<String> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/connectors/bigcommerce/src"));
    let files = std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    let literals: Vec<String> = files.flat_map(|text| text.split('"').map(str::to_owned).collect::<Vec<_>>()).collect();
    let paths = literals.iter().filter(|text| text.starts_with("/v2/") || text.starts_with("/v3/"));
    let shape = |segment: &str| if segment.starts_with('{') { "{}".to_owned() } else { segment.to_owned() };
    paths.map(|path| path.split('/').map(shape).collect::<Vec<_>>().join("/")).collect()
}

#[tokio::test]
async fn every_path_of_the_client_is_called_here() {
    let shop = Shop::open().await;
    every_call_of_the_client(&shop).await;
    let called: BTreeSet<String> = exchanges(&shop).await.iter().map(Exchange::shape).collect();
    let known = paths_in_the_sources();
    assert!(known.len() > 10, "{known:?}");
    assert_eq!(known.difference(&called).collect::<Vec<_>>(), Vec::<&String>::new(), "a call of the client is missing here");
}

#[tokio::test]
async fn what_the_client_asks_and_gets_is_as_the_platform_describes_it() {
    let shop = Shop::open().await;
    every_call_of_the_client(&shop).await;
    let Some(judgement) = judged(&shop, "the client's calls").await else { return };
    judgement.assert_clean("the client's calls");
}

#[tokio::test]
async fn a_field_and_a_parameter_that_the_platform_does_not_know_are_found() {
    let shop = Shop::open().await;
    let order = id(&shop.place(json!({ "lines": [{ "sku": "A" }] })).await["id"]);
    every_call_of_the_client(&shop).await;
    let Some(vendors) = vendors("made-up slips") else { return };
    let slip = |spoil: &dyn Fn(&mut Exchange), method: &str, path: String, body: Value| {
        let mut exchange = Exchange { method: method.into(), path, query: Vec::new(), request: Some(body), answer: None };
        spoil(&mut exchange);
        vendors.judge(&[exchange], BIGCOMMERCE).violations.into_keys().map(|found| found.to_string()).collect::<Vec<_>>()
    };
    let none = |_: &mut Exchange| {};
    let put = |body: Value| slip(&none, "PUT", format!("/v2/orders/{order}"), body);
    assert_eq!(put(json!({ "status_id": 9 })), Vec::<String>::new());
    assert_eq!(put(json!({ "status_idd": 9 })).len(), 1);
    assert_eq!(put(json!({ "status_id": "nine" })).len(), 1);
    let read = |name: &str| {
        let ask = |exchange: &mut Exchange| {
            exchange.request = None;
            exchange.query.push((name.to_owned(), "5".to_owned()));
        };
        slip(&ask, "GET", "/v2/orders".into(), Value::Null)
    };
    assert_eq!(read("limit"), Vec::<String>::new());
    assert_eq!(read("limmit").len(), 1);
}
