//! Tokens of both platforms: good, ended, renewed, revoked (BC §a, BP §b).

use std::time::Duration;

use orderbridge_brightpearl::oauth::{self, Tokens, needs_authorisation};
use orderbridge_http_client::{CallError, Unlimited};
use orderbridge_schema::ids::AccountCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{CODE, Office, SHARE, Shop, http, text};

const WEEK: Duration = Duration::from_secs(604_800);

async fn refresh(office: &Office, refresh_token: &str) -> Result<Tokens, CallError> {
    let secret: SecretString = office.installation("client_secret").into();
    refresh_as(office, Some(&secret), refresh_token).await
}

async fn refresh_as(office: &Office, secret: Option<&SecretString>, refresh_token: &str) -> Result<Tokens, CallError> {
    let account = AccountCode::new(CODE).unwrap();
    oauth::refresh(&http(), &office.sim.base(), &account, &office.installation("app_ref"), secret, &refresh_token.to_owned().into()).await
}

fn refresh_token(tokens: &Tokens) -> &str {
    tokens.refresh.as_ref().unwrap().expose_secret()
}

async fn works(office: &Office, access_token: &str) -> bool {
    match office.client_of(http(), std::sync::Arc::new(Unlimited), access_token).installation(SHARE).await {
        Ok(_) => true,
        Err(CallError::Unauthorised) => false,
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_ended_token_is_renewed_and_the_old_refresh_token_dies() {
    let office = Office::open().await;
    let (access, old) = (office.installation("access_token"), office.installation("refresh_token"));
    assert!(works(&office, &access).await);
    office.sim.advance(WEEK);
    assert!(!works(&office, &access).await);
    let tokens = refresh(&office, &old).await.unwrap();
    assert_eq!(tokens.expires_in, WEEK);
    assert_eq!(tokens.api_domain.as_deref(), office.sim.url.strip_prefix("http://"));
    assert!(works(&office, tokens.access.expose_secret()).await);
    assert_ne!(refresh_token(&tokens), old);
    let error = refresh(&office, &old).await.unwrap_err();
    assert!(matches!(&error, CallError::Refused { status: 400, code, .. } if code == "invalid_grant"), "{error:?}");
    assert!(needs_authorisation(&error));
    office.sim.advance(WEEK);
    let next = refresh(&office, refresh_token(&tokens)).await.unwrap();
    assert!(works(&office, next.access.expose_secret()).await);
}

#[tokio::test]
async fn an_early_refresh_may_hand_back_the_token_that_is_there() {
    let office = Office::open().await;
    let (access, old) = (office.installation("access_token"), office.installation("refresh_token"));
    office.sim.advance(Duration::from_secs(1000));
    let same = refresh(&office, &old).await.unwrap();
    assert_eq!((same.access.expose_secret(), refresh_token(&same)), (access.as_str(), old.as_str()));
    assert!(same.expires_in <= WEEK - Duration::from_secs(1000), "only what is left: {:?}", same.expires_in);
    office.sim.switch("early_refresh", "new").await;
    office.sim.switch("refresh_rotation", "keep").await;
    let kept = refresh(&office, &old).await.unwrap();
    assert_ne!(kept.access.expose_secret(), access);
    assert_eq!((refresh_token(&kept), kept.expires_in), (old.as_str(), WEEK));
    office.sim.switch("refresh_rotation", "rotate").await;
    assert_ne!(refresh_token(&refresh(&office, &old).await.unwrap()), old);
    refresh(&office, &old).await.expect("without revocation the old one still works");
}

#[tokio::test]
async fn a_revoked_installation_needs_the_merchant() {
    let office = Office::open().await;
    office.act("tokens", json!({ "action": "revoke" })).await;
    assert!(!works(&office, &office.installation("access_token")).await);
    assert!(needs_authorisation(&refresh(&office, &office.installation("refresh_token")).await.unwrap_err()));
    office.act("tokens", json!({ "action": "restore" })).await;
    assert!(works(&office, &office.installation("access_token")).await);
    assert!(!works(&office, "nonsense").await);
}

#[tokio::test]
async fn a_wrong_client_secret_is_refused_and_a_public_app_needs_none() {
    let office = Office::open().await;
    let old = office.installation("refresh_token");
    for secret in [Some("wrong".to_owned().into()), None] {
        let error = refresh_as(&office, secret.as_ref(), &old).await.unwrap_err();
        assert!(matches!(&error, CallError::Refused { code, .. } if code == "invalid_client"), "{error:?}");
        assert!(needs_authorisation(&error));
    }
    let public =
        Office::open_with(json!({ "installations": [{ "app_ref": "app", "dev_ref": "dev", "public": true, "refresh_token": "a+b/c==&d" }] })).await;
    let tokens = refresh_as(&public, None, "a+b/c==&d").await.unwrap();
    assert!(works(&public, tokens.access.expose_secret()).await);
}

#[tokio::test]
async fn a_token_endpoint_in_trouble_does_not_cost_the_authorisation() {
    let office = Office::open().await;
    let old = office.installation("refresh_token");
    for (status, body) in
        [(502, json!("<html>Bad gateway</html>")), (500, json!({})), (503, json!(null)), (200, json!("<html>Hello</html>")), (200, json!({}))]
    {
        office.sim.spoil("/token/acme", json!({ "kind": "status", "status": status, "body": body })).await;
        let error = refresh(&office, &old).await.unwrap_err();
        assert!(matches!(error, CallError::Uncertain { .. }) && !needs_authorisation(&error), "{status}: {error:?}");
    }
    for kind in ["cut_before", "cut_after", "corrupt_body"] {
        office.sim.spoil("/token/acme", json!({ "kind": kind })).await;
        let error = refresh(&office, &old).await.unwrap_err();
        assert!(matches!(error, CallError::Uncertain { .. }), "{kind}: {error:?}");
    }
    office.sim.spoil("/token/acme", json!({ "kind": "status", "status": 429 })).await;
    let error = refresh(&office, &old).await.unwrap_err();
    assert!(matches!(error, CallError::Throttled { .. }) && !needs_authorisation(&error), "{error:?}");
    refresh(&office, &old).await.expect("nothing was lost");
}

#[tokio::test]
async fn a_stores_token_dies_when_it_is_revoked_and_the_new_one_works() {
    let shop = Shop::open().await;
    let stores = shop.sim.get("stores").await;
    let client_id = stores.pointer("/0/client_id").or_else(|| stores.pointer("/0/accounts/0/client_id")).map(text).unwrap();
    shop.client().time(SHARE).await.unwrap();
    let fresh = shop.act(&format!("accounts/{client_id}/revoke"), json!({})).await;
    assert_eq!(shop.client().time(SHARE).await, Err(CallError::Unauthorised));
    let renewed = shop.client_of(http(), std::sync::Arc::new(Unlimited), &text(&fresh["access_token"]));
    renewed.time(SHARE).await.unwrap();
}

#[tokio::test]
async fn a_missing_scope_and_an_unknown_store_are_no_lost_token() {
    let shop = Shop::open_with(json!({ "scopes": ["store_v2_products"] })).await;
    let error = shop.client().order(100.into(), SHARE).await.unwrap_err();
    assert!(matches!(error, CallError::Refused { status: 403, .. }), "{error:?}");
    let hash = orderbridge_schema::ids::StoreHash::new("nowhere").unwrap();
    let token: SecretString = shop.token.clone().into();
    let lost = orderbridge_bigcommerce::Client::new(http(), shop.sim.base(), hash, token, std::sync::Arc::new(Unlimited));
    assert_eq!(lost.time(SHARE).await, Err(CallError::NotFound));
    shop.sim.switch("unknown_store_status", "401").await;
    assert_eq!(lost.time(SHARE).await, Err(CallError::Unauthorised));
}
