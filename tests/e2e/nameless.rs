//! An answer that does not say what was made.

use std::time::Duration;

use serde_json::json;

use crate::installation::{Installation, run};
use crate::merchant::Merchant;
use crate::wait::{SOON, until};

#[test]
fn a_sales_order_whose_creation_was_answered_without_its_id_is_looked_up_until_it_is_found() {
    run(async {
        let installation = Installation::new(&[]).await;
        let _all = installation.start("all", &[]).await;
        let erp = &installation.brightpearl;
        let merchant = Merchant::new(&installation).await;
        let former = merchant.place_simple().await;
        merchant.synced(former).await;
        // Searches show what is new minutes later, no event tells of it, and a repeated creation is answered with nothing.
        let switches = json!({"repeated_order_body": "empty", "order_modified_on_create": false, "search_lag_ms": 300_000});
        installation.control(erp, "switches", switches).await;
        let fault = json!({"method": "POST", "path": "*/order-service/sales-order*", "action": {"kind": "cut_after"}, "times": 1});
        installation.control(erp, "faults", fault).await;
        let order = merchant.place_simple().await;

        let journal =
            &format!("select state, result_id is null, sends from commands where kind = 'create-sales-order' and id = 'bc-{}-{order}'", merchant.id);
        until("it is confirmed without an id", SOON, || async { (installation.sql(journal).await == "confirmed|t|2").then_some(()) }).await;
        let creations = async || {
            let all = merchant.calls(erp, "method=POST&path=/order-service/sales-order").await;
            all.into_iter().filter(|call| call["request_body"]["externalRef"] == json!(format!("bc-{}-{order}", merchant.id))).collect::<Vec<_>>()
        };
        let made = creations().await;
        assert_eq!((made.len(), &made[0]["fault"]), (2, &json!("cut_after")), "{made:?}");
        assert!(made[1]["response_body"]["response"].is_null(), "the second answer names nothing: {made:?}");

        let look_ups = async || merchant.calls(erp, "method=GET&path=/order-service/order-search").await.len();
        for _look in 0..2 {
            let before = look_ups().await;
            installation.advance(Duration::from_secs(65));
            until("it is looked for again", SOON, || async { (look_ups().await > before).then_some(()) }).await;
            assert_eq!(installation.sql(journal).await, "confirmed|t|2", "it cannot be found yet");
            assert_eq!(merchant.store_order(order).await["external_order_id"], json!(""));
        }
        installation.advance(Duration::from_secs(300));
        merchant.synced(order).await;
        assert!(installation.sql(journal).await.starts_with("confirmed|f|2"));
        assert_eq!(creations().await.len(), 2, "it was never made again");
    });
}
