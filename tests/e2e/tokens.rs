//! Brightpearl's tokens: a new pair is never lost, and one that still works is never given up.

use std::time::Duration;

use serde_json::json;

use crate::installation::{Installation, run};
use crate::merchant::Merchant;
use crate::wait::{SOON, stays, until};

#[test]
fn a_new_pair_of_tokens_outlives_a_database_that_is_away_when_it_comes() {
    run(async {
        let installation = Installation::new(&[]).await;
        let _all = installation.start("all", &[]).await;
        let merchant = Merchant::new(&installation).await;
        let first = merchant.place_simple().await;
        merchant.synced(first).await;
        // The pair is made at once, which ends the former one; it is handed over three seconds later.
        let late = json!({"method": "POST", "path": "/token/*", "action": {"kind": "delay_after", "ms": 3000}});
        installation.control(&installation.brightpearl, "faults", late).await;
        merchant.account("tokens", json!({"action": "expire"})).await;
        let second = merchant.place_simple().await;
        let asked = async || merchant.calls(&installation.brightpearl, "method=POST&path=/token/").await.len();
        until("a new pair was asked for", SOON, || async { (asked().await > 0).then_some(()) }).await;
        installation.cut_database().await;
        let tried = || async { installation.log("all").contains("a new pair of tokens could not be stored yet").then_some(()) };
        until("storing the new pair was tried in vain", SOON, tried).await;
        installation.mend_database().await;
        merchant.synced(second).await;
        assert_eq!(asked().await, 1, "the first pair was kept");
    });
}

#[test]
fn a_token_that_ends_soon_is_used_on_while_it_cannot_be_renewed() {
    run(async {
        let installation = Installation::new(&[]).await;
        let _all = installation.start("all", &[]).await;
        let merchant = Merchant::new(&installation).await;
        // From the first refresh on it is known when tokens end.
        merchant.account("tokens", json!({"action": "expire"})).await;
        let first = merchant.place_simple().await;
        merchant.synced(first).await;
        let refused = json!({"method": "POST", "path": "/token/*", "action": {"kind": "status", "status": 400, "body": {"error": "invalid_grant"}}});
        let refused = installation.control(&installation.brightpearl, "faults", refused).await;
        // Half an hour is left of its week.
        installation.advance(Duration::from_secs(7 * 24 * 3600 - 1800));
        let asked = async || merchant.calls(&installation.brightpearl, "method=POST&path=/token/").await.len();
        for _order in 0..3 {
            let order = merchant.place_simple().await;
            merchant.synced(order).await;
        }
        assert_eq!(asked().await, 2, "not again and again");

        // Ten minutes later it is tried again. It then hands back the same token, which is no reason to ask at once.
        let url = format!("{}/_sim/faults/{}", installation.brightpearl, refused["id"]);
        assert!(installation.http.delete(url).send().await.unwrap().status().is_success());
        installation.advance(Duration::from_secs(660));
        for _order in 0..2 {
            let order = merchant.place_simple().await;
            merchant.synced(order).await;
        }
        stays("once more in all", Duration::from_secs(2), async || asked().await == 3).await;

        // Its end is told by a 401, which renews it.
        installation.advance(Duration::from_secs(1800));
        let last = merchant.place_simple().await;
        merchant.synced(last).await;
    });
}
