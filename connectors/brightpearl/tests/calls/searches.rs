//! Searches, and the products and contacts that they find.

use orderbridge_http_client::CallError;
use orderbridge_schema::facts::ProductIdentity;
use orderbridge_schema::ids::{InstallationId, ProductId, SalesOrderId};
use orderbridge_schema::work::Share;
use serde_json::{Value, json};

use crate::support::{Answer, Seen, Server};
use crate::{SHARE, client, server_with};

/// A search's reply: column names, rows, whether more follow.
fn found(columns: &[&str], rows: &Value, more: bool, last: usize) -> String {
    let columns: Vec<Value> = columns.iter().map(|name| json!({"name": name, "sortable": true, "reportDataType": "INTEGER"})).collect();
    let meta = json!({"morePagesAvailable": more, "resultsAvailable": 2, "lastResult": last, "columns": columns, "sorting": []});
    json!({"response": {"results": rows, "metaData": meta}, "reference": {}}).to_string()
}

#[tokio::test]
async fn a_search_is_read_by_the_names_of_its_columns() {
    let columns = ["externalRef", "orderId", "installedIntegrationInstanceId", "orderTypeId", "surprise"];
    let rows = json!([
        ["bc-store7-9001", 70_001, 41, 1, null],
        ["bc-store7-90011", 70_002, 41, 1, null],
        ["bc-store7-9001", 70_003, 42, 1, null],
        ["bc-store7-9001", 70_004, 41, 3, null],
    ]);
    let server = server_with(found(&columns, &rows, false, 4)).await;
    let client = client(&server);
    let ours = client.orders_with_external_ref("bc-store7-9001", Some(InstallationId(41)), SHARE).await.unwrap();
    assert_eq!(ours, [SalesOrderId(70_001)]);
    let anybodys = client.orders_with_external_ref("bc-store7-9001", None, SHARE).await.unwrap();
    assert_eq!(anybodys, [SalesOrderId(70_001), SalesOrderId(70_003)]);
    let seen = server.seen();
    assert_eq!((seen[0].path(), seen[0].query("externalRef").as_deref()), ("/public-api/acme/order-service/order-search", Some("bc-store7-9001")));
    assert_eq!(seen[0].query("installedIntegrationInstanceId").as_deref(), Some("41"));
    assert_eq!(seen[1].query("installedIntegrationInstanceId"), None);
}

#[tokio::test]
async fn nothing_found_has_no_results_and_no_names() {
    let empty = json!({"response": {"results": [], "metaData": {"morePagesAvailable": false, "resultsReturned": 0}}}).to_string();
    assert!(client(&server_with(empty).await).orders_with_external_ref("x", None, SHARE).await.unwrap().is_empty());
    let nameless = r#"{"response":{"results":[[1]],"metaData":{}}}"#;
    let error = client(&server_with(nameless).await).orders_with_external_ref("x", None, SHARE).await.unwrap_err();
    assert!(matches!(error, CallError::Uncertain { .. }));
}

#[tokio::test]
async fn the_catalogue_comes_in_pages_of_500() {
    let server = Server::start(|seen: &Seen| {
        let first: usize = seen.query("firstResult").unwrap().parse().unwrap();
        let rows: Vec<Value> =
            (first..=1200).take(500).map(|id| json!([format!(" SKU-{id} "), id, if id == 7 { "ARCHIVED" } else { "LIVE" }])).collect();
        let last = first + rows.len() - 1;
        Answer::json(200, found(&["SKU", "productId", "productStatus"], &Value::from(rows), last < 1200, last))
    })
    .await;
    let client = client(&server);
    let (mut products, mut first_result) = (Vec::new(), 1);
    loop {
        let page = client.products_page(first_result, Share::Sweeps).await.unwrap();
        products.extend(page.products);
        first_result = page.next_result;
        if !page.more {
            break;
        }
    }
    assert_eq!((products.len(), server.seen().len()), (1200, 3));
    assert_eq!(products[6], ProductIdentity::of_sku(ProductId(7), "SKU-7", false));
    assert_eq!(products.iter().filter(|product| product.live).count(), 1199);
    assert_eq!(server.seen()[2].query("firstResult").as_deref(), Some("1001"));
    let since = "2026-03-01T00:00:00Z".parse().unwrap();
    client.products_updated_since(since, 1, Share::Sweeps).await.unwrap();
    assert_eq!(server.seen()[3].query("updatedOn").as_deref(), Some("2026-03-01T00:00:00Z/"));
}

#[tokio::test]
async fn a_sku_is_matched_whole_whatever_its_case() {
    let rows = json!([[5001, "mug 01", "LIVE"], [5002, "MUG 011", "LIVE"], [5003, "Mug 01", null]]);
    let server = server_with(found(&["productId", "SKU", "productStatus"], &rows, false, 3)).await;
    let products = client(&server).products_with_sku(" MUG 01 ", SHARE).await.unwrap();
    assert_eq!(products.iter().map(|product| product.id.0).collect::<Vec<_>>(), [5001, 5003]);
    let target = server.targets().remove(0);
    assert!(target.contains("SKU=MUG%2001&"), "{target}");
}

#[tokio::test]
async fn a_product_that_is_gone_does_not_hide_the_others() {
    let server = Server::start(|seen: &Seen| {
        let ids = orderbridge_schema::idset::expand(seen.path().rsplit('/').next().unwrap(), 200).unwrap();
        if ids.contains(&5003) {
            return Answer::json(404, r#"{"errors":[{"code":"CMNC-404","message":"none"}]}"#);
        }
        let products: Vec<Value> = ids.iter().map(|id| json!({"id": id, "identity": {"sku": "A", "ean": "4"}, "status": "LIVE"})).collect();
        Answer::json(200, json!({ "response": products }).to_string())
    })
    .await;
    let ids = [5001, 5002, 5003, 5004].map(ProductId);
    let products = client(&server).products(&ids, SHARE).await.unwrap();
    assert_eq!(products.iter().map(|product| product.id.0).collect::<Vec<_>>(), [5001, 5002, 5004]);
}

#[tokio::test]
async fn contacts_are_those_with_exactly_this_address() {
    let columns = ["contactId", "primaryEmail", "isSupplier", "isStaff", "isPrimary"];
    let rows = json!([
        [30_011, "Mara+1@Example.com", false, false, true],
        [30_012, "mara+1@example.com.au", false, false, true],
        [30_013, "mara+1@example.com", true, "true", null],
    ]);
    let server = server_with(found(&columns, &rows, false, 3)).await;
    let contacts = client(&server).contacts_with_email(" mara+1@example.com ", SHARE).await.unwrap();
    let read: Vec<_> = contacts.iter().map(|contact| (contact.id.0, contact.supplier, contact.staff, contact.primary)).collect();
    assert_eq!(read, [(30_011, false, false, true), (30_013, true, true, false)]);
    assert!(server.targets()[0].contains("primaryEmail=mara%2B1%40example.com&"));
    let since = "2026-03-01T00:00:00Z".parse().unwrap();
    assert_eq!(client(&server).contacts_updated_since(since, SHARE).await.unwrap().len(), 3, "whatever their addresses");
    assert_eq!(server.seen()[1].query("updatedOn").as_deref(), Some("2026-03-01T00:00:00Z/"));
}
