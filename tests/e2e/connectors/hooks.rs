//! A store's webhooks: registered, delivered, verified (BC §c).

use std::collections::BTreeMap;
use std::time::Duration;

use orderbridge_bigcommerce::NewHook;
use orderbridge_bigcommerce::webhook::{HookSecrets, Rejection, SECRET_HEADER, SignatureMode, parse, verify};
use orderbridge_http_client::{CallError, Unlimited};
use orderbridge_schema::envelope::{EntityKind, Verified};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::receiver::{Post, Receiver};
use super::{HASH, SHARE, Shop, guard, http, id, text};

const HEADER_SECRET: &str = "header-secret";

fn hook(scope: &str, destination: &str) -> NewHook {
    let headers = BTreeMap::from([(SECRET_HEADER.to_owned(), SecretString::from(HEADER_SECRET))]);
    NewHook { scope: scope.into(), destination: destination.into(), headers }
}

/// A store whose order events come to a receiver of ours.
async fn listening(scope: &str) -> (Shop, Receiver) {
    let (shop, receiver) = (Shop::open().await, Receiver::start().await);
    shop.sim.switch("allow_loopback_http", true).await;
    let client = shop.client();
    client.create_hook(&hook(scope, &receiver.url), guard(client.pool())).await.unwrap();
    (shop, receiver)
}

fn check(shop: &Shop, post: &Post, mode: SignatureMode, accept_stale: bool) -> Result<Verified, Rejection> {
    let client_secrets: [SecretString; 2] = ["an older one".into(), shop.secret.clone().into()];
    let header_secrets: [SecretString; 1] = [HEADER_SECRET.into()];
    let secrets =
        HookSecrets { client_secrets: &client_secrets, header_secrets: &header_secrets, mode, tolerance: Duration::from_secs(300), accept_stale };
    verify(&secrets, &|name| post.header(name), &post.body, shop.sim.clock.now())
}

#[tokio::test]
async fn a_hook_is_registered_once_listed_and_removed() {
    let shop = Shop::open().await;
    let client = shop.client();
    assert!(client.hooks(SHARE).await.unwrap().is_empty());
    let wish = hook("store/order/*", "https://us.example/webhooks/bigcommerce/a");
    let made = client.create_hook(&wish, guard(client.pool())).await.unwrap();
    let listed = client.hooks(SHARE).await.unwrap();
    for shown in [&made, &listed[0]] {
        assert_eq!(
            (shown.id, shown.scope.as_str(), shown.destination.as_str(), shown.active),
            (made.id, "store/order/*", wish.destination.as_str(), true)
        );
        assert_eq!(shown.headers[SECRET_HEADER].expose_secret(), HEADER_SECRET);
    }
    for status in [422, 409, 400] {
        shop.sim.switch("duplicate_hook_status", status.to_string()).await;
        let error = client.create_hook(&wish, guard(client.pool())).await.unwrap_err();
        assert!(matches!(error, CallError::Refused { status: shown, .. } if shown == status), "{error:?}");
    }
    for bad in [
        hook("store/order/exploded", "https://us.example/a"),
        hook("store/order/*", "http://us.example/a"),
        hook("store/order/*", "https://us.example:8443/a"),
    ] {
        let error = client.create_hook(&bad, guard(client.pool())).await.unwrap_err();
        assert!(matches!(error, CallError::Refused { .. }), "{error:?}");
    }
    client.delete_hook(made.id, guard(client.pool())).await.unwrap();
    assert_eq!(client.delete_hook(made.id, guard(client.pool())).await, Err(CallError::NotFound));
    assert!(client.hooks(SHARE).await.unwrap().is_empty());
}

#[tokio::test]
async fn another_accounts_hooks_are_neither_seen_nor_touched() {
    let shop = Shop::open().await;
    let client = shop.client();
    let made = client.create_hook(&hook("store/order/*", "https://us.example/a"), guard(client.pool())).await.unwrap();
    let account = shop.act("accounts", json!({})).await;
    let token = account.get("access_token").or_else(|| account.pointer("/account/access_token")).map(text).unwrap();
    let other = shop.client_of(http(), std::sync::Arc::new(Unlimited), &token);
    assert!(other.hooks(SHARE).await.unwrap().is_empty());
    assert_eq!(other.delete_hook(made.id, guard(other.pool())).await, Err(CallError::NotFound));
    assert_eq!(client.hooks(SHARE).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_delivery_is_signed_and_names_the_order() {
    let (shop, receiver) = listening("store/order/created").await;
    let placed = shop.place(json!({ "lines": [{ "sku": "A" }] })).await;
    let post = receiver.wait(1).await.remove(0);
    assert_eq!(check(&shop, &post, SignatureMode::Require, false), Ok(Verified::Signature));
    let event = parse(&post.body).unwrap().unwrap();
    assert_eq!((event.event_type.as_str(), event.entity, event.ids), ("store/order/created", EntityKind::Order, id(&placed["id"]).to_string()));
    assert_eq!((event.store.as_str(), event.delivery.is_some()), (HASH, true));
    assert!(event.occurred_at.unwrap().duration_since(shop.sim.clock.now()).abs() < jiff::SignedDuration::from_secs(60));
    let mut changed = post.clone();
    *changed.body.last_mut().unwrap() = b' ';
    assert_eq!(check(&shop, &changed, SignatureMode::Require, true), Err(Rejection::Signature), "one byte is enough");
}

#[tokio::test]
async fn each_kind_of_event_names_its_order() {
    let (shop, receiver) = listening("store/order/*").await;
    let client = shop.client();
    client.create_hook(&hook("store/shipment/*", &receiver.url), guard(client.pool())).await.unwrap();
    let placed = shop.place(json!({ "lines": [{ "sku": "A" }] })).await;
    client.create_shipment(&super::order_writes::shipment(&placed, 4101, &[(0, 1)]), guard(client.pool())).await.unwrap();
    shop.act(&format!("orders/{}/refund", id(&placed["id"])), json!({})).await;
    let kinds = [
        "store/order/created",
        "store/order/updated",
        "store/order/statusUpdated",
        "store/order/transaction/created",
        "store/order/refund/created",
        "store/shipment/created",
    ];
    let events = crate::wait::until("all kinds of events", Duration::from_secs(20), || async {
        let events: Vec<_> = receiver.wait(0).await.iter().map(|post| parse(&post.body).unwrap().unwrap()).collect();
        kinds.iter().all(|kind| events.iter().any(|event| event.event_type == *kind)).then_some(events)
    })
    .await;
    for event in events {
        assert_eq!((event.entity, event.ids), (EntityKind::Order, id(&placed["id"]).to_string()), "{}", event.event_type);
    }
}

#[tokio::test]
async fn only_what_is_signed_with_our_secret_and_carries_our_header_is_believed() {
    use SignatureMode::{Off, Require, VerifyIfPresent};
    let (shop, receiver) = listening("store/order/created").await;
    let cases = [
        ("extra_tokens", Ok(Verified::Signature), Ok(Verified::Signature)),
        ("wrong_secret", Err(Rejection::Signature), Err(Rejection::Signature)),
        ("unsigned", Err(Rejection::SignatureMissing), Ok(Verified::Header)),
        ("old_timestamp", Err(Rejection::Stale), Err(Rejection::Stale)),
    ];
    for (count, (signature, required, if_present)) in cases.into_iter().enumerate() {
        shop.sim.post("webhooks", json!({ "signature": signature })).await;
        shop.place(json!({ "lines": [{ "sku": "A" }] })).await;
        let post = receiver.wait(count + 1).await.remove(count);
        assert_eq!(check(&shop, &post, Require, false), required, "{signature}");
        assert_eq!(check(&shop, &post, VerifyIfPresent, false), if_present, "{signature}");
        assert_eq!(check(&shop, &post, Off, false), Ok(Verified::Header), "{signature}");
        if signature == "old_timestamp" {
            assert_eq!(check(&shop, &post, Require, true), Ok(Verified::StaleSignature));
        }
        let secrets = HookSecrets {
            client_secrets: &[shop.secret.clone().into()],
            header_secrets: &["another".into()],
            mode: Off,
            tolerance: Duration::from_secs(300),
            accept_stale: true,
        };
        let foreign = verify(&secrets, &|name| post.header(name), &post.body, shop.sim.clock.now());
        assert_eq!(foreign, Err(Rejection::HeaderSecret));
    }
}

#[tokio::test]
async fn a_failing_hook_is_deactivated_seen_and_activated_again() {
    let (shop, receiver) = listening("store/order/created").await;
    let client = shop.client();
    let made = client.hooks(SHARE).await.unwrap().remove(0);
    let health = async || client.hooks_admin(SHARE).await.unwrap().hooks.into_iter().find(|hook| hook.id == made.id).map(|hook| hook.status);
    assert_eq!(health().await.as_deref(), Some("active"));
    receiver.answer(&[500; 30]);
    shop.place(json!({ "lines": [{ "sku": "A" }] })).await;
    receiver.wait(1).await;
    crate::wait::until("the hook is given up", Duration::from_secs(20), || async {
        shop.sim.advance(Duration::from_secs(6 * 3600));
        (!client.hooks(SHARE).await.unwrap()[0].active).then_some(())
    })
    .await;
    assert_eq!(health().await.as_deref(), Some("deactivated"));
    receiver.answer(&[]);
    client.activate_hook(made.id, guard(client.pool())).await.unwrap();
    assert_eq!(health().await.as_deref(), Some("active"));
    assert!(client.hooks(SHARE).await.unwrap()[0].active);
    assert_eq!(client.activate_hook(999_999, guard(client.pool())).await, Err(CallError::NotFound));
}
