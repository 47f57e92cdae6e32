//! An account's webhooks: registered, delivered, checked (BP §d).

use std::time::Duration;

use orderbridge_brightpearl::NewWebhook;
use orderbridge_brightpearl::webhook::{HOOKS, HookEvent, HookSecrets, Rejection, body_template, verify_and_parse};
use orderbridge_http_client::CallError;
use orderbridge_schema::envelope::EntityKind;
use orderbridge_schema::ids::{AccountCode, SalesOrderStatusId};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::receiver::{Post, Receiver};
use super::sales_orders::create;
use super::{CODE, Office, SHARE, guard, id};
use crate::wait::until;

const PATH: &str = "p4th-secret_1";
const LITERAL: &str = "l1teral-secret_1";

fn hook(event: &str, receiver: &Receiver) -> NewWebhook {
    let uri = format!("{}/webhooks/brightpearl/a/{PATH}", receiver.url);
    NewWebhook { subscribe_to: event.into(), uri_template: uri.into(), body_template: body_template(&LITERAL.into()) }
}

/// An account all of whose events that concern us come to a receiver of ours.
async fn listening() -> (Office, Receiver) {
    let (office, receiver) = (Office::open().await, Receiver::start().await);
    office.sim.switch("webhook_http", true).await;
    let client = office.client();
    for event in HOOKS {
        client.create_webhook(&hook(event, &receiver), guard(client.pool())).await.unwrap();
    }
    (office, receiver)
}

fn check_as(post: &Post, account: &str, path: &str, literal: &str) -> Result<HookEvent, Rejection> {
    let (path_secrets, body_literals): ([SecretString; 2], [SecretString; 2]) = (["older".into(), path.into()], ["older".into(), literal.into()]);
    let secrets = HookSecrets { path_secrets: &path_secrets, body_literals: &body_literals };
    let last = post.path.rsplit('/').next().unwrap();
    verify_and_parse(&secrets, &AccountCode::new(account).unwrap(), last, &post.body)
}

fn check(post: &Post) -> HookEvent {
    check_as(post, CODE, PATH, LITERAL).unwrap()
}

/// Waits for the first event of that kind.
async fn told_of(receiver: &Receiver, event_type: &str) -> HookEvent {
    until(event_type, Duration::from_secs(20), || async { receiver.wait(0).await.iter().map(check).find(|event| event.event_type == event_type) })
        .await
}

#[tokio::test]
async fn our_registrations_are_accepted_listed_and_removed() {
    let (office, receiver) = listening().await;
    let client = office.client();
    let listed = client.webhooks(SHARE).await.unwrap();
    assert_eq!(listed.iter().map(|hook| hook.subscribe_to.as_str()).collect::<Vec<_>>(), HOOKS);
    let wish = hook(HOOKS[0], &receiver);
    for shown in &listed {
        assert_eq!((shown.id_set_accepted, shown.quality_of_service), (true, 1));
        assert_eq!(shown.uri_template.expose_secret(), wish.uri_template.expose_secret());
        assert_eq!(shown.body_template.expose_secret(), wish.body_template.expose_secret());
    }
    client.delete_webhook(listed[0].id, guard(client.pool())).await.unwrap();
    assert_eq!(client.delete_webhook(listed[0].id, guard(client.pool())).await, Err(CallError::NotFound));
    assert_eq!(client.webhooks(SHARE).await.unwrap().len(), HOOKS.len() - 1);
    for (event, code) in [("order.created", "INTC-064"), ("order.exploded", "INTC-062")] {
        let error = client.create_webhook(&hook(event, &receiver), guard(client.pool())).await.unwrap_err();
        assert!(matches!(&error, CallError::Refused { status: 400, code: shown, .. } if shown == code), "{error:?}");
    }
    let bare = NewWebhook { body_template: r#"{"literal":"x"}"#.to_owned().into(), ..hook(HOOKS[0], &receiver) };
    let error = client.create_webhook(&bare, guard(client.pool())).await.unwrap_err();
    assert!(matches!(&error, CallError::Refused { code, .. } if code == "INTC-057"), "{error:?}");
    office.sim.switch("webhook_http", false).await;
    let error = client.create_webhook(&wish, guard(client.pool())).await.unwrap_err();
    assert!(matches!(&error, CallError::Refused { status: 400, .. }), "http is refused unless a switch allows it: {error:?}");
}

#[tokio::test]
async fn an_account_without_webhooks_has_an_empty_list() {
    assert!(Office::open().await.client().webhooks(SHARE).await.unwrap().is_empty());
}

#[tokio::test]
async fn each_event_that_concerns_us_is_read_from_the_body_that_we_asked_for() {
    let (office, receiver) = listening().await;
    let client = office.client();
    let order = create(&office, 9001).await;
    client.set_order_status(order, SalesOrderStatusId(18), guard(client.pool())).await.unwrap();
    let event = told_of(&receiver, "order.modified.order-status").await;
    assert_eq!((event.entity, event.ids), (EntityKind::SalesOrder, order.to_string()));
    assert!(event.occurred_at.unwrap().duration_since(office.sim.clock.now()).abs() < jiff::SignedDuration::from_secs(60));

    let note = office.act(&format!("orders/{order}/ship"), json!({ "rows": [{ "sku": "MUG-01", "quantity": 1 }] })).await;
    let event = told_of(&receiver, "goods-out-note.modified.shipped").await;
    assert_eq!((event.entity, event.ids), (EntityKind::GoodsOutNote, id(&note["id"]).to_string()));

    let drop_ship = office.act(&format!("orders/{order}/drop-ship"), json!({ "ship": true, "rows": [{ "sku": "MUG-01", "quantity": 1 }] })).await;
    let event = told_of(&receiver, "drop-ship-note.modified.shipped").await;
    assert_eq!((event.entity, event.ids), (EntityKind::DropShipNote, id(&drop_ship["id"]).to_string()));

    let made = office.act("products", json!({ "products": [{ "sku": "NEW-01" }] })).await;
    let event = told_of(&receiver, "product.created").await;
    assert_eq!((event.entity, event.ids), (EntityKind::Product, id(&made["products"][0]["id"]).to_string()));
}

#[tokio::test]
async fn events_of_one_moment_come_as_one_id_set() {
    let (office, receiver) = listening().await;
    let client = office.client();
    office.sim.switch("webhook_window_ms", 1500).await;
    let mut orders = Vec::new();
    for number in 1..=4 {
        orders.push(create(&office, number).await);
    }
    for order in [orders[0], orders[1], orders[3]] {
        client.set_order_status(order, SalesOrderStatusId(18), guard(client.pool())).await.unwrap();
    }
    let event = check(&receiver.wait(1).await[0]);
    let ids: Vec<u64> = orderbridge_schema::idset::expand(&event.ids, 10).unwrap();
    assert_eq!(ids, [orders[0].0, orders[1].0, orders[3].0], "{}", event.ids);
}

#[tokio::test]
async fn a_call_that_was_answered_with_503_comes_again() {
    let (office, receiver) = listening().await;
    receiver.answer(&[503, 503]);
    let client = office.client();
    let order = create(&office, 9001).await;
    client.set_order_status(order, SalesOrderStatusId(18), guard(client.pool())).await.unwrap();
    let posts = receiver.wait(3).await;
    let (first, last) = (check(&posts[0]), check(&posts[2]));
    assert_eq!(first, last, "the same event");
}

#[tokio::test]
async fn only_a_call_with_both_secrets_about_our_account_is_believed() {
    let (office, receiver) = listening().await;
    let client = office.client();
    let order = create(&office, 9001).await;
    client.set_order_status(order, SalesOrderStatusId(18), guard(client.pool())).await.unwrap();
    let post = receiver.wait(1).await.remove(0);
    assert!(check_as(&post, "ACME", PATH, LITERAL).is_ok());
    assert_eq!(check_as(&post, CODE, "another", LITERAL), Err(Rejection::Secret));
    assert_eq!(check_as(&post, CODE, PATH, "another"), Err(Rejection::Secret));
    assert_eq!(check_as(&post, "other", PATH, LITERAL), Err(Rejection::Account));
}
