//! Reads by id.

use std::sync::Arc;

use orderbridge_schema::ids::{ChannelId, InstallationId, NoteId, SalesOrderId, ShippingMethodId};
use orderbridge_schema::link::NoteKind;
use serde_json::{Value, json};

use crate::support::{Answer, Gate, Seen, Server, http};
use crate::{SHARE, client, client_with, server_with};

#[tokio::test]
async fn orders_are_read_by_id_set_200_at_a_time() {
    let server = Server::start(|seen: &Seen| {
        let set = seen.path().rsplit('/').next().unwrap();
        let ids = orderbridge_schema::idset::expand(set, 200).unwrap();
        let orders: Vec<Value> =
            ids.iter().filter(|id| **id != 70_003).map(|id| json!({"id": id, "totalValue": {"total": "1.00"}, "orderRows": {}})).collect();
        Answer::json(200, json!({ "response": orders }).to_string())
    })
    .await;
    let ids: Vec<SalesOrderId> = (70_001..=70_250).rev().map(SalesOrderId).collect();
    let orders = client(&server).orders(&ids, SHARE).await.unwrap();
    assert_eq!(orders.len(), 249);
    let targets = ["/public-api/acme/order-service/order/70001-70200", "/public-api/acme/order-service/order/70201-70250"];
    assert_eq!(server.targets(), targets);
    let seen = server.seen().remove(0);
    for (name, value) in [("authorization", "Bearer t0k+/="), ("brightpearl-app-ref", "acme-app"), ("brightpearl-dev-ref", "dev7")] {
        assert_eq!(seen.header(name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn orders_that_do_not_exist_are_left_out() {
    for none in [r#"{"response":[]}"#, "{}", "", r#"{"response":null}"#] {
        assert!(client(&server_with(none).await).orders(&[SalesOrderId(1)], SHARE).await.unwrap().is_empty(), "{none}");
    }
    let server = Server::start(|_| Answer::json(404, r#"{"errors":[{"code":"CMNC-404","message":"none"}]}"#)).await;
    assert!(client(&server).orders(&[SalesOrderId(1)], SHARE).await.unwrap().is_empty());
    assert!(client(&server).orders(&[], SHARE).await.unwrap().is_empty());
}

#[tokio::test]
async fn notes_are_read_by_id_and_by_order() {
    let note = json!({"orderId": 70_001, "status": {"shipped": true}, "shipping": {"reference": ""}, "orderRows": {"81001": [{"productId": 5001, "quantity": 1}]}});
    let server = server_with(json!({"response": {"4101": note, "4103": note}}).to_string()).await;
    let client = client(&server);
    let ids = [4103, 4101, 4102].map(NoteId);
    assert_eq!(client.notes(NoteKind::GoodsOut, &ids, SHARE).await.unwrap().iter().map(|note| note.id.0).collect::<Vec<_>>(), [4101, 4103]);
    client.notes_of_orders(NoteKind::DropShip, &[SalesOrderId(70_001)], SHARE).await.unwrap();
    let many: Vec<NoteId> = (1..=501).map(NoteId).collect();
    client.notes(NoteKind::GoodsOut, &many, SHARE).await.unwrap();
    client.notes(NoteKind::DropShip, &many, SHARE).await.unwrap();
    let base = "/public-api/acme/warehouse-service/order";
    let expected = [
        "*/goods-note/goods-out/4101-4103",
        "70001/goods-note/drop-ship",
        "*/goods-note/goods-out/1-500",
        "*/goods-note/goods-out/501",
        "*/goods-note/drop-ship/1-200",
        "*/goods-note/drop-ship/201-400",
        "*/goods-note/drop-ship/401-501",
    ];
    assert_eq!(server.targets(), expected.map(|target| format!("{base}/{target}")));
    let missing = Server::start(|_| Answer::json(404, r#"{"errors":[{"code":"CMNC-404","message":"none"}]}"#)).await;
    let client = client_with(http(), &missing, &Arc::new(Gate::default()));
    assert!(client.notes(NoteKind::GoodsOut, &ids, SHARE).await.unwrap().is_empty());
}

#[tokio::test]
async fn reference_data_is_read() {
    let server = Server::start(|seen: &Seen| {
        let body = match seen.path().rsplit('/').next().unwrap() {
            "shipping-method" => json!([{"id": 6, "name": "Royal Mail 48", "code": null, "methodType": 2}]),
            "warehouse" => json!([{"id": 2, "name": "Bristol", "address": {"city": "Bristol"}}]),
            "channel" => json!([{"id": "5", "name": "Web shop"}]),
            "order-status" => json!([{"statusId": 17, "name": "New web order", "orderTypeCode": "SO", "disabled": false, "visible": true},
                {"statusId": 18, "name": "Old", "orderTypeCode": "SO", "visible": false}]),
            "tax-code" => json!([{"id": 1, "code": "Z", "description": "Exempt"}, {"id": 2, "code": "T20", "rate": 20.0}]),
            "instance" => json!({"installedIntegrationInstanceId": 41, "instanceName": "Acme"}),
            "account-configuration" => json!({"configuration": {"baseCurrencyCode": "GBP", "autoAssignOrder": true, "nothing": null}}),
            other => panic!("{other}"),
        };
        Answer::json(200, json!({ "response": body }).to_string())
    })
    .await;
    let client = client(&server);
    assert_eq!(client.shipping_methods(SHARE).await.unwrap()[0].id, ShippingMethodId(6));
    assert_eq!(client.warehouses(SHARE).await.unwrap()[0].name, "Bristol");
    assert_eq!(client.channels(SHARE).await.unwrap()[0].id, ChannelId(5));
    let statuses = client.order_statuses(SHARE).await.unwrap();
    assert_eq!(statuses.iter().map(|status| status.usable).collect::<Vec<_>>(), [true, false]);
    let codes = client.tax_codes(SHARE).await.unwrap();
    assert_eq!(codes.iter().map(|code| (code.code.as_str(), code.rate)).collect::<Vec<_>>(), [("Z", 0.into()), ("T20", 20.into())]);
    assert_eq!(client.installation(SHARE).await, Ok(InstallationId(41)));
    let configuration = client.account_configuration(SHARE).await.unwrap();
    assert_eq!(
        (configuration["baseCurrencyCode"].as_str(), configuration["autoAssignOrder"].as_str(), configuration["nothing"].as_str()),
        ("GBP", "true", "")
    );
}
