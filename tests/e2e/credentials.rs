//! Tokens that end, and credentials that are revoked.

use serde_json::json;

use crate::installation::{Installation, run, shared};
use crate::merchant::Merchant;
use crate::wait::{SOON, until};

#[test]
fn an_expired_token_is_refreshed_once_and_nothing_is_lost() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        let first = merchant.place_simple().await;
        merchant.synced(first).await;
        merchant.account("tokens", json!({"action": "expire"})).await;
        let second = merchant.place_simple().await;
        merchant.synced(second).await;
        assert_eq!(merchant.calls(&installation.brightpearl, "method=POST&path=/token/").await.len(), 1);
    });
}

#[test]
fn a_revoked_credential_parks_its_account_alone_until_it_works_again() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        let other = Merchant::new(installation).await;
        merchant.account("tokens", json!({"action": "revoke"})).await;
        let waiting = merchant.place_simple().await;
        let running = other.place_simple().await;
        other.synced(running).await;
        until("the account is parked", SOON, || async {
            let listed = installation.orderbridge(&["tenant", "list", "--json"]).await;
            let tenants: serde_json::Value = serde_json::from_str(&listed).unwrap();
            let tenants = tenants.as_array().unwrap();
            tenants
                .iter()
                .any(|tenant| tenant.to_string().contains(&format!("\"{}\"", merchant.id)) && tenant.to_string().contains("refus"))
                .then_some(())
        })
        .await;
        assert!(merchant.sales_orders(waiting).await.is_empty());
        merchant.account("tokens", json!({"action": "restore"})).await;
        installation.orderbridge(&["tenant", "resume", &merchant.id]).await;
        merchant.synced(waiting).await;
    });
}

#[test]
fn new_tokens_release_a_parked_account() {
    run(async {
        let installation = shared().await;
        let mut merchant = Merchant::new(installation).await;
        merchant.account("tokens", json!({"action": "revoke"})).await;
        let waiting = merchant.place_simple().await;
        until("the refresh was refused", SOON, || async {
            let refused = merchant.calls(&installation.brightpearl, "method=POST&path=/token/").await;
            (!refused.is_empty()).then_some(())
        })
        .await;
        let replaced = merchant.account("tokens", json!({"action": "replace"})).await;
        merchant.use_tokens(&replaced["installations"][0]);
        merchant.import_usual().await;
        merchant.synced(waiting).await;
    });
}

#[test]
fn a_store_that_refuses_the_token_parks_its_tenant() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        merchant.store(&format!("accounts/{}/revoke", merchant.client_id()), json!({})).await;
        merchant.place_simple().await;
        until("the tenant is parked", SOON, || async {
            let listed = installation.orderbridge(&["tenant", "list", "--json"]).await;
            let tenants: serde_json::Value = serde_json::from_str(&listed).unwrap();
            let mine = tenants.as_array().unwrap().iter().find(|tenant| tenant.to_string().contains(&format!("\"{}\"", merchant.id)))?.to_string();
            mine.contains("BigCommerce refuses").then_some(())
        })
        .await;
    });
}

#[test]
fn a_new_installation_takes_over_what_the_old_one_made_and_makes_nothing_twice() {
    run(async {
        let installation = Installation::new(&[]).await;
        let _all = installation.start("all", &[]).await;
        let mut merchant = Merchant::new(&installation).await;
        let order = merchant.place_simple().await;
        let made = merchant.synced(order).await;
        // The app is installed anew, and our records of the order are lost, as after restoring an old copy of the database.
        let again = merchant.account("installations", json!({})).await;
        merchant.use_tokens(&again);
        let secret = again["client_secret"].as_str().unwrap().to_owned();
        merchant.use_client_secret(&secret);
        merchant.import_usual().await;
        installation.sql("delete from row_links; delete from order_links; delete from agreements; delete from commands").await;
        merchant.store(&format!("orders/{order}/notes"), json!({"staff_notes": "look again"})).await;
        until("the sales order is taken over", SOON, || async { merchant.timeline(order).await.contains("sales-order-adopted").then_some(()) }).await;
        let now = merchant.synced(order).await;
        assert_eq!(now["id"], made["id"]);
        let later = merchant.place_simple().await;
        let sales_order = merchant.synced(later).await;
        assert_eq!(sales_order["installedIntegrationInstanceId"], again["installation_instance_id"]);
    });
}

#[test]
fn an_uninstalled_app_parks_its_tenant_before_any_order_comes() {
    run(async {
        let installation = shared().await;
        let merchant = Merchant::new(installation).await;
        let order = merchant.place_simple().await;
        merchant.synced(order).await;
        merchant.store(&format!("accounts/{}/uninstall", merchant.client_id()), json!({})).await;
        until("the tenant is parked", SOON, || async {
            let listed = installation.orderbridge(&["tenant", "list", "--json"]).await;
            let tenants: serde_json::Value = serde_json::from_str(&listed).unwrap();
            let mine = tenants.as_array().unwrap().iter().find(|tenant| tenant.to_string().contains(&format!("\"{}\"", merchant.id)))?.to_string();
            mine.contains("BigCommerce refuses").then_some(())
        })
        .await;
    });
}
