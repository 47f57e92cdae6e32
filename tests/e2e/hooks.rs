//! Webhook registrations of a running installation.

use reqwest::Method;
use serde_json::{Value, json};

use crate::installation::{Installation, run};
use crate::merchant::Merchant;
use crate::wait::{SOON, until};

/// The store's hooks as the platform has them.
async fn hooks(merchant: &Merchant<'_>) -> Vec<Value> {
    let installation = merchant.installation;
    let hooks = installation.look(&installation.bigcommerce, &format!("stores/{}/hooks", merchant.id)).await;
    hooks.as_array().unwrap().clone()
}

/// Calls the store's API as ours, past ours.
async fn call(merchant: &Merchant<'_>, method: Method, path: &str, body: &Value) {
    let installation = merchant.installation;
    let url = format!("{}/stores/{}/v3/hooks/{path}", installation.bigcommerce, merchant.id);
    let url = url.trim_end_matches('/');
    let sent = installation.http.request(method, url).header("x-auth-token", merchant.bigcommerce_token()).json(body).send().await.unwrap();
    assert!(sent.status().is_success(), "{}", sent.text().await.unwrap());
}

fn ids(hooks: &[Value]) -> Vec<u64> {
    hooks.iter().map(|hook| hook["id"].as_u64().unwrap()).collect()
}

#[test]
fn what_is_wrong_with_registrations_is_listed_and_put_right_by_the_command() {
    run(async {
        // No role runs: nobody else puts anything right.
        let installation = Installation::new(&[]).await;
        let merchant = Merchant::new(&installation).await;
        let before = hooks(&merchant).await;
        let [stale, silent, lost] = ids(&before)[..] else { panic!("{before:?}") };
        call(&merchant, Method::PUT, &stale.to_string(), &json!({"headers": {"X-Orderbridge-Secret": "an old one"}})).await;
        call(&merchant, Method::PUT, &silent.to_string(), &json!({"is_active": false})).await;
        call(&merchant, Method::DELETE, &lost.to_string(), &json!({})).await;
        let listed = installation.orderbridge(&["hooks", "list", "--tenant", &merchant.id]).await;
        assert!(["out of date", "inactive", "missing"].iter().all(|state| listed.matches(state).count() == 1), "{listed}");
        let planned = installation.orderbridge(&["hooks", "sync", "--tenant", &merchant.id, "--dry-run"]).await;
        assert_eq!(planned.matches("(not done)").count(), 3, "{planned}");
        let told = installation.orderbridge(&["hooks", "sync", "--tenant", &merchant.id]).await;
        let steps = [format!("renew the secret of store/order/* (number {stale})"), format!("revive store/shipment/* (number {silent})")];
        assert!(steps.iter().all(|step| told.contains(step)) && told.contains("register store/app/uninstalled"), "{told}");
        assert!(!told.contains("remove"), "{told}");
        let after = hooks(&merchant).await;
        assert_eq!((&after[..2], after.len()), (&before[..2], before.len()), "the same ones, as they were");
        let again = installation.orderbridge(&["hooks", "sync", "--tenant", &merchant.id]).await;
        assert_eq!(again.matches("nothing to do").count(), 2, "{again}");
    });
}

#[test]
fn a_running_processor_mends_registrations_by_itself_and_orders_come_in_again() {
    run(async {
        let installation = Installation::new(&[("ORDERBRIDGE__PROCESSOR__SWEEPS__HOOKS", "2s")]).await;
        let merchant = Merchant::new(&installation).await;
        let _all = installation.start("all", &[]).await;
        let before = hooks(&merchant).await;
        let [stale, silent, lost] = ids(&before)[..] else { panic!("{before:?}") };
        let foreign = json!({"scope": "store/order/*", "destination": "https://other.example/hook", "is_active": false});
        call(&merchant, Method::POST, "", &foreign).await;
        call(&merchant, Method::PUT, &silent.to_string(), &json!({"is_active": false})).await;
        call(&merchant, Method::DELETE, &lost.to_string(), &json!({})).await;
        call(&merchant, Method::PUT, &stale.to_string(), &json!({"headers": {"X-Orderbridge-Secret": "an old one"}})).await;
        let after = until("the registrations are mended", SOON, || async {
            let after = hooks(&merchant).await;
            let ours = |hook: &&Value| before.iter().any(|one| ["scope", "destination", "headers", "is_active"].iter().all(|at| one[at] == hook[at]));
            (after.iter().filter(ours).count() == before.len()).then_some(after)
        })
        .await;
        assert_eq!(after[..2], before[..2], "what could be changed keeps its number");
        let theirs = after.iter().find(|hook| hook["destination"] == json!("https://other.example/hook")).unwrap();
        assert_eq!((&theirs["is_active"], after.len()), (&json!(false), before.len() + 1), "what is not ours is as its owner left it");
        let order = merchant.place_simple().await;
        merchant.synced(order).await;
        let metrics = installation.http.get(format!("{}/metrics", installation.processor_url)).send().await.unwrap().text().await.unwrap();
        assert!(metrics.contains("orderbridge_hooks_mended_total{platform=\"bigcommerce\"} 3"), "{metrics}");
    });
}
