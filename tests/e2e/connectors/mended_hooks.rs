//! Registrations that were lost or grew old are mended, and nobody else's are touched (BC §c, BP §d).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use orderbridge_bigcommerce::NewHook;
use orderbridge_bigcommerce::webhook::{HookSecrets, Rejection, SECRET_HEADER, verify};
use orderbridge_brightpearl::NewWebhook;
use orderbridge_brightpearl::webhook::{HOOKS, body_template};
use orderbridge_http_client::{CallError, Unlimited};
use orderbridge_postgres::{AccountCredentials, AccountRecord, AccountState, StoreCredentials, TenantRecord, TenantState};
use orderbridge_processor::hooks::{Addresses, Fitness, Mender, Payer, Registry, STORE_SCOPES, Step, mend};
use orderbridge_schema::envelope::{SignatureMode, Verified};
use orderbridge_schema::ids::{AccountCode, ConnectionId, StoreHash, TenantId};
use orderbridge_schema::rules::Rules;
use orderbridge_schema::work::Share;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;

use super::receiver::{Post, Receiver};
use super::{CODE, Gate, HASH, Office, SHARE, Shop, guard, http};
use crate::wait::until;

const US: &str = "https://us.example";
const SOON: Duration = Duration::from_secs(20);

fn payer() -> Payer {
    Payer { gate: Arc::new(Unlimited), share: Share::Sweeps, send_within: Duration::from_secs(30) }
}

fn tenant(shop: &Shop) -> TenantRecord {
    TenantRecord {
        id: TenantId::new("acme-uk").unwrap(),
        account: AccountCode::new(CODE).unwrap(),
        store: StoreHash::new(HASH).unwrap(),
        store_base: shop.sim.base(),
        connection: ConnectionId::new("c-1").unwrap(),
        state: TenantState::Active,
        parked: None,
        signature_mode: SignatureMode::Require,
        rules: Rules::default(),
        rules_version: 1,
        live_since: jiff::Timestamp::UNIX_EPOCH,
    }
}

fn store_credentials(shop: &Shop, secret: &str) -> StoreCredentials {
    StoreCredentials {
        client_id: String::new(),
        client_secret: shop.secret.clone().into(),
        previous_client_secrets: Vec::new(),
        access_token: shop.token.clone().into(),
        header_secrets: vec![secret.to_owned().into(), "a former one".into()],
    }
}

/// The store's registrations as an installation at that address wants them.
fn store(shop: &Shop, base: &str, secret: &str) -> Registry {
    let addresses = Addresses::new(&base.parse::<Url>().unwrap(), None);
    Registry::store(shop.client(), &tenant(shop), &store_credentials(shop, secret), &addresses, payer()).unwrap()
}

/// A store whose hooks lead to a receiver of ours.
async fn listening(secret: &str) -> (Shop, Receiver) {
    let (shop, receiver) = (Shop::open().await, Receiver::start().await);
    shop.sim.switch("allow_loopback_http", true).await;
    let made = mend(&store(&shop, &receiver.url, secret)).await.unwrap();
    assert_eq!(made, STORE_SCOPES.map(|scope| Step::Create { event: scope.into() }));
    (shop, receiver)
}

fn account(office: &Office, path_secret: &str) -> Registry {
    let record = AccountRecord {
        code: AccountCode::new(CODE).unwrap(),
        api_base: office.sim.base(),
        token_base: office.sim.base(),
        app_ref: office.installation("app_ref"),
        dev_ref: office.installation("dev_ref"),
        connection: ConnectionId::new("c-2").unwrap(),
        installation: None,
        state: AccountState::Active,
    };
    let credentials = AccountCredentials {
        client_secret: None,
        access_token: Some(office.installation("access_token").into()),
        refresh_token: None,
        expires_at: None,
        token_generation: 1,
        path_secrets: vec![path_secret.to_owned().into()],
        body_literals: vec!["l1teral".into()],
    };
    let addresses = Addresses::new(&US.parse::<Url>().unwrap(), None);
    Registry::account(office.client(), &record, &credentials, &addresses, payer()).unwrap()
}

/// Ids of the store's hooks by scope.
async fn ids(shop: &Shop) -> BTreeMap<String, u64> {
    shop.client().hooks(SHARE).await.unwrap().into_iter().map(|hook| (hook.scope, hook.id)).collect()
}

fn check(shop: &Shop, post: &Post, header_secret: &str) -> Result<Verified, Rejection> {
    let client_secrets: [SecretString; 1] = [shop.secret.clone().into()];
    let header_secrets: [SecretString; 1] = [header_secret.to_owned().into()];
    let (mode, tolerance) = (SignatureMode::Require, Duration::from_secs(300));
    let secrets = HookSecrets { client_secrets: &client_secrets, header_secrets: &header_secrets, mode, tolerance, accept_stale: false };
    verify(&secrets, &|name| post.header(name), &post.body, shop.sim.clock.now())
}

#[tokio::test]
async fn a_hook_that_the_platform_gave_up_is_revived_and_delivers_again() {
    let (shop, receiver) = listening("s3cret").await;
    let before = ids(&shop).await;
    let order_hook = before["store/order/*"];
    receiver.answer(&[500; 500]);
    shop.place(json!({ "lines": [{ "sku": "A" }] })).await;
    receiver.wait(1).await;
    until("the hook is given up", SOON, || async {
        shop.sim.advance(Duration::from_secs(6 * 3600));
        shop.client().hooks(SHARE).await.unwrap().iter().any(|hook| hook.id == order_hook && !hook.active).then_some(())
    })
    .await;
    receiver.answer(&[]);
    let ours = store(&shop, &receiver.url, "s3cret");
    assert_eq!(ours.found().await.unwrap().iter().filter(|one| one.fitness == Fitness::Inactive).count(), 1);
    assert_eq!(mend(&ours).await.unwrap(), [Step::Activate { id: order_hook, event: "store/order/*".into() }]);
    assert_eq!(ids(&shop).await, before, "it is the same one");
    let count = receiver.wait(0).await.len();
    shop.place(json!({ "lines": [{ "sku": "A" }] })).await;
    assert_eq!(check(&shop, &receiver.wait(count + 1).await[count], "s3cret"), Ok(Verified::Signature));
    assert_eq!(mend(&ours).await.unwrap(), []);
}

#[tokio::test]
async fn a_hook_deleted_behind_our_back_is_made_again_and_foreign_ones_stay() {
    let shop = Shop::open().await;
    let client = shop.client();
    let headers = BTreeMap::from([(SECRET_HEADER.to_owned(), SecretString::from("theirs"))]);
    for destination in ["https://us.example/webhooks/bigcommerce/c-11", "https://other.example/hook"] {
        let foreign = NewHook { scope: "store/order/*".into(), destination: destination.into(), headers: headers.clone() };
        client.create_hook(&foreign, guard(client.pool())).await.unwrap();
    }
    let foreign = shop.sim.get(&format!("stores/{HASH}/hooks")).await;
    let ours = store(&shop, US, "s3cret");
    assert_eq!(mend(&ours).await.unwrap().len(), STORE_SCOPES.len());
    let lost = ours.found().await.unwrap().into_iter().find(|one| one.event == "store/shipment/*").unwrap();
    client.delete_hook(lost.id, guard(client.pool())).await.unwrap();
    assert_eq!(mend(&ours).await.unwrap(), [Step::Create { event: "store/shipment/*".into() }]);
    shop.sim.forget_calls().await;
    assert_eq!(mend(&ours).await.unwrap(), []);
    assert_eq!(shop.sim.calls("method=GET").await, 2, "a look costs two reads");
    assert_eq!(shop.sim.calls("path=/v3/hooks").await, 2, "and nothing else");
    let left = shop.sim.get(&format!("stores/{HASH}/hooks")).await;
    let theirs: Vec<&Value> = left.as_array().unwrap().iter().filter(|hook| foreign.as_array().unwrap().contains(hook)).collect();
    assert_eq!((theirs.len(), left.as_array().unwrap().len()), (2, 2 + STORE_SCOPES.len()));
}

#[tokio::test]
async fn an_outdated_secret_is_replaced_where_it_stands_and_the_new_one_is_delivered() {
    let (shop, receiver) = listening("old").await;
    let before = ids(&shop).await;
    shop.sim.forget_calls().await;
    let ours = store(&shop, &receiver.url, "new");
    let expected = STORE_SCOPES.map(|scope| Step::Renew { id: before[scope], event: scope.into() });
    assert_eq!(mend(&ours).await.unwrap(), expected);
    assert_eq!(ids(&shop).await, before);
    let writes = [shop.sim.calls("method=PUT").await, shop.sim.calls("method=POST").await, shop.sim.calls("method=DELETE").await];
    assert_eq!(writes, [3, 0, 0]);
    shop.place(json!({ "lines": [{ "sku": "A" }] })).await;
    let post = receiver.wait(1).await.remove(0);
    assert_eq!(check(&shop, &post, "new"), Ok(Verified::Signature));
    assert_eq!(check(&shop, &post, "old"), Err(Rejection::HeaderSecret));
    assert_eq!(mend(&ours).await.unwrap(), []);
}

#[tokio::test]
async fn without_the_states_of_hooks_the_list_alone_is_acted_on() {
    let shop = Shop::open().await;
    let refused = json!({ "kind": "status", "status": 403, "body": { "status": 403, "title": "Forbidden" } });
    shop.sim.spoil("*/v3/hooks/admin", refused).await;
    assert_eq!(mend(&store(&shop, US, "s3cret")).await.unwrap().len(), STORE_SCOPES.len());
    shop.sim.spoil("*/v3/hooks/admin", json!({ "kind": "throttle" })).await;
    let error = mend(&store(&shop, US, "s3cret")).await.unwrap_err();
    assert!(matches!(error, CallError::Throttled { .. }), "{error:?}");
}

#[tokio::test]
async fn every_call_is_paid_from_the_share_of_sweeps() {
    let shop = Shop::open().await;
    let gate = Arc::new(Gate::default());
    let client = shop.client_of(http(), Arc::<Gate>::clone(&gate), &shop.token);
    let addresses = Addresses::new(&US.parse::<Url>().unwrap(), None);
    let payer = Payer { gate: Arc::<Gate>::clone(&gate), ..payer() };
    let ours = Registry::store(client, &tenant(&shop), &store_credentials(&shop, "s3cret"), &addresses, payer).unwrap();
    mend(&ours).await.unwrap();
    let shares: Vec<Share> = gate.acquired().into_iter().map(|(_, share)| share).collect();
    assert_eq!(shares, [Share::Sweeps; 5]);
}

#[tokio::test]
async fn without_an_address_of_ours_nothing_is_looked_at() {
    let shop = Shop::open().await;
    let (tenant, credentials) = (tenant(&shop), store_credentials(&shop, "s3cret"));
    let nowhere = Mender::new(None, payer());
    assert_eq!(nowhere.store(shop.client(), &tenant, &credentials).await, Ok(Vec::new()));
    assert_eq!(shop.sim.calls("path=/v3/hooks").await, 0);
    let here = Mender::new(Some(&US.parse().unwrap()), payer());
    assert_eq!(here.store(shop.client(), &tenant, &credentials).await.unwrap().len(), STORE_SCOPES.len());
    let none = StoreCredentials { header_secrets: Vec::new(), ..credentials };
    let error = here.store(shop.client(), &tenant, &none).await.unwrap_err();
    assert_eq!(error.to_string(), "the store has no secret for webhooks; import the tenant again");
}

#[tokio::test]
async fn an_accounts_lost_registration_is_made_again_and_other_apps_keep_theirs() {
    let office = Office::open().await;
    let client = office.client();
    let theirs = NewWebhook {
        subscribe_to: HOOKS[0].into(),
        uri_template: "https://other.example/hook".to_owned().into(),
        body_template: body_template(&"theirs".into()),
    };
    let theirs = client.create_webhook(&theirs, guard(client.pool())).await.unwrap();
    let ours = account(&office, "p4th");
    assert_eq!(mend(&ours).await.unwrap(), HOOKS.map(|event| Step::Create { event: event.into() }));
    let lost = ours.found().await.unwrap().into_iter().find(|one| one.event == HOOKS[1]).unwrap();
    client.delete_webhook(lost.id, guard(client.pool())).await.unwrap();
    assert_eq!(mend(&ours).await.unwrap(), [Step::Create { event: HOOKS[1].into() }]);
    office.sim.forget_calls().await;
    assert_eq!(mend(&ours).await.unwrap(), []);
    assert_eq!(office.sim.calls("path=/integration-service/webhook").await, 1, "a look costs one read");
    let left = client.webhooks(SHARE).await.unwrap();
    assert_eq!(left.len(), 1 + HOOKS.len());
    assert!(left.iter().any(|hook| hook.id == theirs && hook.uri_template.expose_secret() == "https://other.example/hook"));
}

#[tokio::test]
async fn an_old_registration_stays_as_long_as_the_new_one_cannot_be_made() {
    let office = Office::open().await;
    mend(&account(&office, "old")).await.unwrap();
    let ours = account(&office, "new");
    let refused = json!({ "kind": "status", "status": 400, "body": { "errors": [{ "code": "INTC-999", "message": "not now" }] } });
    let fault = json!({ "path": "*/integration-service/webhook", "method": "POST", "action": refused, "times": 1 });
    office.sim.post("faults", fault).await;
    let error = mend(&ours).await.unwrap_err();
    assert!(matches!(&error, CallError::Refused { code, .. } if code == "INTC-999"), "{error:?}");
    let found = ours.found().await.unwrap();
    assert_eq!(found.len(), HOOKS.len(), "one of each");
    let old: Vec<&str> = found.iter().filter(|one| one.fitness == Fitness::Outdated).map(|one| one.event.as_str()).collect();
    assert_eq!(old, [HOOKS[0]], "the others are new");
    let done = mend(&ours).await.unwrap();
    assert!(matches!(&done[..], [Step::Create { .. }, Step::Remove { .. }]), "{done:?}");
    assert!(ours.found().await.unwrap().iter().all(|one| one.fitness == Fitness::Fits));
}
