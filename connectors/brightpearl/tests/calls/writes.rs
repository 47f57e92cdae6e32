//! What is made and changed.

use std::sync::Arc;

use orderbridge_brightpearl::NewWebhook;
use orderbridge_http_client::CallError;
use orderbridge_schema::command::{NewContact, NewSalesOrder};
use orderbridge_schema::facts::Address;
use orderbridge_schema::ids::{
    ChannelId, ContactId, InstallationId, PostalAddressId, SalesOrderId, SalesOrderStatusId, StoreOrderId, StoreStatusId, WarehouseId,
};
use orderbridge_schema::rules::PriceMode;
use secrecy::ExposeSecret;
use serde_json::json;

use crate::support::{Answer, Gate, Seen, Server, guard, http, late_guard};
use crate::{SHARE, client, client_with, server_with};

fn sales_order() -> NewSalesOrder {
    NewSalesOrder {
        order: StoreOrderId(9001),
        part: 0,
        external_ref: "bc-store7-9001".into(),
        installation: InstallationId(41),
        contact: ContactId(30011),
        reference: "9001".into(),
        placed_at: "2026-03-02T09:14:55Z".parse().unwrap(),
        status: None,
        agreed_with: StoreStatusId(11),
        channel: ChannelId(5),
        warehouse: WarehouseId(2),
        price_list: None,
        price_mode: PriceMode::Exc,
        lead_source: None,
        project: None,
        staff_owner: None,
        currency: "GBP".into(),
        decimals: 2,
        exchange_rate: rust_decimal::Decimal::ONE,
        shipping_method: None,
        billing: Address::default(),
        delivery: Address::default(),
        rows: vec![],
    }
}

#[tokio::test]
async fn a_sales_order_is_made_and_named_in_any_way() {
    let whole_order = json!({"response": {"id": 70_001, "ref": "9001"}}).to_string();
    for (body, id) in [
        (r#"{"response":70001}"#, Some(70_001)),
        (r#"{"response":"70001"}"#, Some(70_001)),
        (r#"{"response":[70001]}"#, Some(70_001)),
        (whole_order.as_str(), Some(70_001)),
        ("{}", None),
        (r#"{"response":null}"#, None),
        (r#"{"response":0}"#, None),
    ] {
        let server = server_with(body).await;
        let client = client(&server);
        assert_eq!(client.create_sales_order(&sales_order(), guard(client.pool())).await, Ok(id.map(SalesOrderId)), "{body}");
        let seen = server.seen().remove(0);
        assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/public-api/acme/order-service/sales-order/"));
        assert_eq!((seen.json()["externalRef"].as_str(), seen.header("content-type")), (Some("bc-store7-9001"), Some("application/json")));
    }
    for body in ["", "<html>", "70001x"] {
        let server = server_with(body).await;
        let client = client(&server);
        let result = client.create_sales_order(&sales_order(), guard(client.pool())).await;
        assert!(matches!(result, Err(CallError::Uncertain { .. })), "{body}");
    }
}

#[tokio::test]
async fn a_write_after_its_deadline_is_not_sent() {
    let server = server_with(r#"{"response":70001}"#).await;
    let client = client(&server);
    let late = client.create_sales_order(&sales_order(), late_guard(client.pool())).await;
    assert!(matches!(late, Err(CallError::NotSent { .. })));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_status_is_set_and_says_nothing_back() {
    let server = server_with("{}").await;
    let client = client(&server);
    client.set_order_status(SalesOrderId(70_001), SalesOrderStatusId(21), guard(client.pool())).await.unwrap();
    let seen = server.seen().remove(0);
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("PUT", "/public-api/acme/order-service/order/70001/status"));
    assert_eq!(seen.json(), json!({"orderStatusId": 21}));
}

#[tokio::test]
async fn a_contact_is_made_after_its_address() {
    let server = Server::start(|seen: &Seen| {
        Answer::json(200, if seen.path().contains("postal") { r#"{"response":91001}"# } else { r#"{"response":30011}"# })
    })
    .await;
    let client = client(&server);
    let address = Address {
        street_1: "7 Quay St".into(),
        city: "Bristol".into(),
        country_iso2: "GB".into(),
        email: "mara@example.com".into(),
        ..Address::default()
    };
    let id = client.create_address(&address, guard(client.pool())).await.unwrap();
    assert_eq!(id, PostalAddressId(91_001));
    let contact = NewContact { email_hash: "00".into(), address, price_list: None, lead_source: None, reference: None, found_by_reference: false };
    assert_eq!(client.create_contact(&contact, id, guard(client.pool())).await, Ok(ContactId(30_011)));
    let seen = server.seen();
    assert_eq!(seen[0].target, "/public-api/acme/contact-service/postal-address/");
    let place = json!({"addressLine1": "7 Quay St", "addressLine2": "", "addressLine3": "Bristol", "addressLine4": "", "postalCode": "", "countryIsoCode": "GB"});
    assert_eq!(seen[0].json(), place);
    assert_eq!(
        (seen[1].target.as_str(), seen[1].json()["postAddressIds"]["DEL"].as_u64()),
        ("/public-api/acme/contact-service/contact/", Some(91_001))
    );
    let nameless = server_with("{}").await;
    let client = client_with(http(), &nameless, &Arc::new(Gate::default()));
    let result = client.create_contact(&contact, id, guard(client.pool())).await;
    assert!(matches!(result, Err(CallError::Uncertain { .. })));
}

#[tokio::test]
async fn webhooks_are_listed_made_and_removed_without_showing_their_secrets() {
    let listed = json!({"response": [{"id": 122, "subscribeTo": "product.created", "httpMethod": "POST", "uriTemplate": "https://x.example/hooks/s3cret",
        "bodyTemplate": "{}", "contentType": "application/json", "idSetAccepted": true, "qualityOfService": 1}]});
    let server = Server::start(move |seen: &Seen| match seen.method.as_str() {
        "GET" => Answer::json(200, listed.to_string()),
        "POST" => Answer::json(200, r#"{"response":123}"#),
        _ => Answer::json(200, "{}"),
    })
    .await;
    let client = client(&server);
    let hooks = client.webhooks(SHARE).await.unwrap();
    assert_eq!((hooks[0].id, hooks[0].subscribe_to.as_str(), hooks[0].quality_of_service), (122, "product.created", 1));
    assert_eq!(hooks[0].uri_template.expose_secret(), "https://x.example/hooks/s3cret");
    let new = NewWebhook {
        subscribe_to: "product.created".into(),
        uri_template: hooks[0].uri_template.clone(),
        body_template: "{\"a\":1}".to_owned().into(),
    };
    assert!(!format!("{hooks:?}{new:?}").contains("s3cret"));
    assert_eq!(client.create_webhook(&new, guard(client.pool())).await, Ok(123));
    client.delete_webhook(123, guard(client.pool())).await.unwrap();
    let expected = json!({"subscribeTo": "product.created", "httpMethod": "POST", "uriTemplate": "https://x.example/hooks/s3cret", "bodyTemplate": "{\"a\":1}",
        "contentType": "application/json", "idSetAccepted": true, "qualityOfService": 1});
    assert_eq!(server.seen()[1].json(), expected);
    assert_eq!((server.seen()[2].method.as_str(), server.seen()[2].target.as_str()), ("DELETE", "/public-api/acme/integration-service/webhook/123"));
    let none = Server::start(|_| Answer::json(404, r#"{"errors":[{"code":"CMNC-404","message":"none"}]}"#)).await;
    assert!(client_with(http(), &none, &Arc::new(Gate::default())).webhooks(SHARE).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_page_with_a_good_status_proves_nothing() {
    let server = Server::start(|_| Answer::html(200)).await;
    let client = client(&server);
    let result = client.set_order_status(SalesOrderId(9), SalesOrderStatusId(2), guard(client.pool())).await;
    assert!(matches!(result, Err(CallError::Uncertain { .. })));
}
