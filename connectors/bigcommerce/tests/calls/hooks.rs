//! Registrations, and the store itself.

use std::collections::BTreeMap;

use orderbridge_bigcommerce::{BlockedDomain, HookHealth, NewHook};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::support::{Answer, Seen, Server, guard};
use crate::{SHARE, client};

fn hook(id: u64) -> Value {
    json!({"id": id, "client_id": "c", "store_hash": "abc123", "scope": "store/order/*", "destination": format!("https://hooks.example.com/{id}"),
        "headers": {"X-Orderbridge-Secret": "s3cret"}, "is_active": id.is_multiple_of(2), "created_at": 1_735_689_600, "events_history_enabled": false})
}

#[tokio::test]
async fn hooks_are_listed_to_the_last_page() {
    let server = Server::start(|seen: &Seen| {
        let page: u64 = seen.query("page").unwrap().parse().unwrap();
        let next = if page == 1 { json!({"next": "?page=2&limit=50", "current": "?page=1"}) } else { json!({"current": "?page=2"}) };
        Answer::json(200, json!({"data": [hook(page * 2), hook(page * 2 + 1)], "meta": {"pagination": {"total": 4, "links": next}}}).to_string())
    })
    .await;
    let hooks = client(&server).hooks(SHARE).await.unwrap();
    assert_eq!(hooks.iter().map(|hook| (hook.id, hook.active)).collect::<Vec<_>>(), [(2, true), (3, false), (4, true), (5, false)]);
    assert_eq!(hooks[0].headers["X-Orderbridge-Secret"].expose_secret(), "s3cret");
    assert!(!format!("{hooks:?}").contains("s3cret"));
    assert_eq!(server.targets(), ["/stores/abc123/v3/hooks?page=1&limit=250", "/stores/abc123/v3/hooks?page=2&limit=250"]);
}

#[tokio::test]
async fn hooks_are_made_woken_renewed_and_removed() {
    let server = Server::start(|_| Answer::json(200, json!({"data": hook(28), "meta": {}}).to_string())).await;
    let client = client(&server);
    let headers = BTreeMap::from([("X-Orderbridge-Secret".to_owned(), "s3cret".to_owned().into())]);
    let newer = BTreeMap::from([("X-Orderbridge-Secret".to_owned(), "n3w".to_owned().into())]);
    let new = NewHook { scope: "store/order/*".into(), destination: "https://hooks.example.com/28".into(), headers };
    assert_eq!(client.create_hook(&new, guard(client.pool())).await.unwrap().id, 28);
    client.activate_hook(28, guard(client.pool())).await.unwrap();
    client.renew_hook(28, &newer, guard(client.pool())).await.unwrap();
    client.delete_hook(28, guard(client.pool())).await.unwrap();
    let seen = server.seen();
    let calls: Vec<_> = seen.iter().map(|seen| (seen.method.as_str(), seen.target.as_str())).collect();
    let one = "/stores/abc123/v3/hooks/28";
    assert_eq!(calls, [("POST", "/stores/abc123/v3/hooks"), ("PUT", one), ("PUT", one), ("DELETE", one)]);
    let expected = json!({"scope": "store/order/*", "destination": "https://hooks.example.com/28", "is_active": true, "headers": {"X-Orderbridge-Secret": "s3cret"}});
    assert_eq!((seen[0].json(), seen[1].json()), (expected, json!({"is_active": true})));
    assert_eq!(seen[2].json(), json!({"is_active": true, "headers": {"X-Orderbridge-Secret": "n3w"}}), "scope and destination stay");
}

#[tokio::test]
async fn the_state_of_hooks_shows_dead_ones_and_blocked_domains() {
    let body = json!({"data": {"emails": ["ops@example.com"], "hooks_list": [{"id": 28, "status": "deactivated", "scope": "store/order/*"}],
        "blocked_domains": [{"destination": "hooks.example.com", "time_left": 120, "reasons": []}]}, "meta": {}});
    let server = Server::start(move |_| Answer::json(200, body.to_string())).await;
    let admin = client(&server).hooks_admin(SHARE).await.unwrap();
    assert_eq!(admin.hooks, [HookHealth { id: 28, status: "deactivated".into() }]);
    assert_eq!(admin.blocked, [BlockedDomain { destination: "hooks.example.com".into(), seconds_left: 120 }]);
    let server = Server::start(|_| Answer::json(200, r#"{"data":{"hooks_list":null},"meta":{}}"#)).await;
    assert!(client(&server).hooks_admin(SHARE).await.unwrap().hooks.is_empty());
}

#[tokio::test]
async fn the_store_and_its_clock_are_read() {
    let server = Server::start(|seen: &Seen| {
        let profile = json!({"id": "abc123", "store_id": 1_025_646, "name": "Acme", "currency": "GBP", "domain": "acme.example",
            "is_price_entered_with_tax": true, "timezone": {"name": "Europe/London", "raw_offset": 0}});
        if seen.path().ends_with("/time") { Answer::json(200, r#"{"time":1735689600}"#) } else { Answer::json(200, profile.to_string()) }
    })
    .await;
    let client = client(&server);
    assert_eq!(client.time(SHARE).await.unwrap(), "2025-01-01T00:00:00Z".parse().unwrap());
    let store = client.store_info(SHARE).await.unwrap();
    assert_eq!((store.hash.as_str(), store.store_id.as_str(), store.currency.as_str()), ("abc123", "1025646", "GBP"));
    assert!(store.prices_include_tax);
    assert_eq!(server.targets(), ["/stores/abc123/v2/time", "/stores/abc123/v2/store"]);
}
