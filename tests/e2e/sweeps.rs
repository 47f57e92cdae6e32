//! Changes that no event told of are found by sweeps.

use std::time::Duration;

use serde_json::{Value, json};

use crate::installation::{Installation, run};
use crate::merchant::{Merchant, ORDERS, Wish};
use crate::wait::{SOON, stays, until};

/// Sweeps as merchants have them, and at once when a processor starts.
const SWEEPS: [(&str, &str); 4] = [
    ("ORDERBRIDGE__PROCESSOR__SWEEPS__ORDERS", "15min"),
    ("ORDERBRIDGE__PROCESSOR__SWEEPS__NOTES", "15min"),
    ("ORDERBRIDGE__PROCESSOR__SWEEPS__PRODUCTS", "15min"),
    ("ORDERBRIDGE__PROCESSOR__SWEEPS__START_WITHIN", "1s"),
];
/// So long that every sweep is due again, whatever the jitter.
const INTERVAL: Duration = Duration::from_secs(17 * 60);

async fn lose_webhooks(installation: &Installation, share: f64) {
    for platform in [&installation.bigcommerce, &installation.brightpearl] {
        installation.control(platform, "chaos", json!({ "drop": share })).await;
    }
}

/// The sweeps of a merchant that runs alone.
async fn sweeps(installation: &Installation) -> Vec<Value> {
    let printed = installation.orderbridge(&["sweep", "list", "--json"]).await;
    serde_json::from_str::<Value>(&printed).unwrap().as_array().unwrap().clone()
}

async fn sweep(installation: &Installation, source: &str) -> Value {
    sweeps(installation).await.into_iter().find(|sweep| sweep["source"] == json!(source)).unwrap_or(Value::Null)
}

/// Asks for a sweep and waits until it is through.
async fn sweep_now(merchant: &Merchant<'_>, source: &str) {
    let installation = merchant.installation;
    let before = sweep(installation, source).await["last_run"].clone();
    installation.orderbridge(&["sweep", "run", "--tenant", &merchant.id, "--source", source]).await;
    until(&format!("a sweep of {source}"), SOON, || async {
        let now = sweep(installation, source).await;
        (now["last_run"] != before && now["pending"] == json!(false)).then_some(())
    })
    .await;
}

/// Waits until there is no work left.
async fn idle(installation: &Installation) {
    until("all work is done", SOON, || async {
        let work = installation.orderbridge(&["work", "list", "--json"]).await;
        (serde_json::from_str::<Value>(&work).unwrap() == json!([])).then_some(())
    })
    .await;
}

/// Waits until everything was swept for the first time and there is no work left.
async fn settled(installation: &Installation) {
    until("everything was swept once", SOON, || async {
        let sweeps = sweeps(installation).await;
        let swept = sweeps.iter().filter(|sweep| sweep["last_run"].is_string() && sweep["pending"] == json!(false)).count();
        // The hooks have an interval of their own.
        (swept >= 5).then_some(())
    })
    .await;
    idle(installation).await;
}

fn status(order: &Value) -> &Value {
    &order["orderStatus"]["orderStatusId"]
}

/// Calls since a moment in the ledgers, as `METHOD path`.
async fn called(merchant: &Merchant<'_>, platform: &str, since: u64) -> Vec<String> {
    let calls = merchant.calls(platform, &format!("since={since}")).await;
    calls.iter().map(|call| format!("{} {}", call["method"].as_str().unwrap(), call["path"].as_str().unwrap())).collect()
}

async fn last_call(merchant: &Merchant<'_>, platform: &str) -> u64 {
    merchant.calls(platform, "").await.iter().filter_map(|call| call["seq"].as_u64()).max().unwrap_or(0)
}

#[test]
fn what_no_webhook_told_of_arrives_by_sweep_in_both_directions() {
    run(async {
        let installation = Installation::new(&SWEEPS).await;
        let _all = installation.start("all", &[]).await;
        let merchant = Merchant::new(&installation).await;
        let mut orders = Vec::new();
        for _ in 0..4 {
            orders.push(merchant.place_simple().await);
        }
        let mut made = Vec::new();
        for order in &orders {
            made.push(merchant.synced(*order).await);
        }
        settled(&installation).await;
        lose_webhooks(&installation, 1.0).await;
        let [to_account, to_store, shipped, dropped] = orders[..] else { panic!("four orders") };
        merchant.store(&format!("orders/{to_account}/status"), json!({"status": 9})).await;
        merchant.account(&format!("orders/{}/status", made[1]["id"]), json!({"status_id": 22})).await;
        merchant.ship(&made[2], json!({"reference": "RM1"})).await;
        merchant.account(&format!("orders/{}/drop-ship", made[3]["id"]), json!({"ship": true, "reference": "1Z9"})).await;
        let placed = merchant.place_simple().await;
        stays("nobody knows of it yet", Duration::from_secs(2), async || {
            merchant.sales_orders(placed).await.is_empty() && merchant.shipments(shipped).await.is_empty()
        })
        .await;
        installation.advance(INTERVAL);
        merchant.synced(placed).await;
        until("status 18 in Brightpearl", SOON, || async { (*status(&merchant.sales_orders(to_account).await[0]) == json!(18)).then_some(()) }).await;
        until("status 12 at the store", SOON, || async { (merchant.store_order(to_store).await["status_id"] == json!(12)).then_some(()) }).await;
        assert_eq!(merchant.shipped(shipped, 1).await[0]["tracking_number"], json!("RM1"));
        assert_eq!(merchant.shipped(dropped, 1).await[0]["tracking_number"], json!("1Z9"));
        assert!(merchant.timeline(placed).await.contains("found by a sweep"), "an operator can see what led to it");
        idle(&installation).await;
        let once = (merchant.sales_orders(placed).await.len(), merchant.shipments(shipped).await.len(), merchant.shipments(dropped).await.len());
        assert_eq!(once, (1, 1, 1));
    });
}

#[test]
fn after_a_downtime_everything_arrives_at_once() {
    run(async {
        let installation = Installation::new(&SWEEPS).await;
        let mut all = installation.start("all", &[]).await;
        let merchant = Merchant::new(&installation).await;
        let before = merchant.place_simple().await;
        let sales_order = merchant.synced(before).await;
        settled(&installation).await;
        all.stop().await;
        lose_webhooks(&installation, 1.0).await;
        // Long ago, as far as any overlap goes.
        let early = merchant.place_simple().await;
        installation.advance(Duration::from_secs(5 * 3600));
        let late = merchant.place_simple().await;
        merchant.ship(&sales_order, json!({"reference": "RM1"})).await;
        let _all = installation.start("all", &[]).await;
        merchant.synced(early).await;
        merchant.synced(late).await;
        merchant.shipped(before, 1).await;
    });
}

#[test]
fn a_merchant_who_was_never_swept_misses_nothing_since_the_import() {
    run(async {
        let installation = Installation::new(&SWEEPS).await;
        let merchant = Merchant::new(&installation).await;
        lose_webhooks(&installation, 1.0).await;
        let order = merchant.place_simple().await;
        installation.advance(Duration::from_secs(24 * 3600));
        let _all = installation.start("all", &[]).await;
        merchant.synced(order).await;
    });
}

/// Orders in this rule's statuses are read and left alone, so that many of them are quickly done with.
const NONE_CREATED: &str = "create_statuses = [2]\n";

#[test]
fn a_store_is_asked_once_per_250_changed_orders_and_unchanged_ones_are_left_alone() {
    run(async {
        let mut settings = SWEEPS.to_vec();
        // Every sweep finds all orders again.
        settings.push(("ORDERBRIDGE__PROCESSOR__SWEEPS__OVERLAP", "12h"));
        let installation = Installation::new(&settings).await;
        let _all = installation.start("all", &[]).await;
        let rules: &'static str = Box::leak(format!("{ORDERS}{NONE_CREATED}").into_boxed_str());
        let merchant = Merchant::with(&installation, Wish { orders: rules, ..Wish::default() }).await;
        settled(&installation).await;
        lose_webhooks(&installation, 1.0).await;
        merchant.store("orders/random", json!({"count": 620, "lines": 1})).await;
        // Reading right after a change proves nothing about that second.
        installation.advance(Duration::from_secs(60));
        let start = last_call(&merchant, &installation.bigcommerce).await;
        sweep_now(&merchant, "store-orders").await;
        idle(&installation).await;
        // The sweep's lists begin at one moment; orders that are looked at together may be read by a list of their own, from another.
        let since =
            |call: &Value| call["query"].to_string().split_once("min_date_modified").map(|(_, rest)| rest.chars().take(25).collect::<String>());
        let listed = |calls: &[Value]| {
            let lists: Vec<String> = calls.iter().filter_map(since).collect();
            lists.iter().filter(|list| Some(*list) == lists.first()).count()
        };
        let calls = merchant.calls(&installation.bigcommerce, &format!("since={start}")).await;
        assert!(listed(&calls) <= 3, "{} lists for 620 orders", listed(&calls));
        let seen = merchant.calls(&installation.bigcommerce, &format!("method=GET&since={start}")).await.len();
        assert!(seen > listed(&calls), "what was found was read");
        let start = last_call(&merchant, &installation.bigcommerce).await;
        sweep_now(&merchant, "store-orders").await;
        idle(&installation).await;
        let calls = merchant.calls(&installation.bigcommerce, &format!("since={start}")).await;
        assert_eq!(
            (calls.len(), listed(&calls)),
            (3, 3),
            "nothing is read that did not change: {:?}",
            called(&merchant, &installation.bigcommerce, start).await
        );
    });
}

#[test]
fn an_account_is_asked_once_per_500_changed_orders_of_our_channels() {
    run(async {
        let installation = Installation::new(&SWEEPS).await;
        let _all = installation.start("all", &[]).await;
        let merchant = Merchant::new(&installation).await;
        let order = merchant.place_simple().await;
        merchant.synced(order).await;
        settled(&installation).await;
        lose_webhooks(&installation, 1.0).await;
        merchant.account("contacts", json!({"id": 700, "email": "walk.in@example.com"})).await;
        for number in 0..560 {
            let rows = json!([{"productId": 1000, "name": "By hand", "quantity": 1, "net": "1", "tax": "0", "taxCode": "T0"}]);
            let channel = if number < 520 { 5 } else { 6 };
            merchant.account("orders", json!({"customer": {"id": 700}, "channelId": channel, "rows": rows})).await;
        }
        installation.advance(Duration::from_secs(60));
        for (source, pages) in [("sales-orders", 2), ("goods-out-notes", 1), ("drop-ship-notes", 2)] {
            // The merchant's own order is read at the first of them.
            sweep_now(&merchant, source).await;
            idle(&installation).await;
            let start = last_call(&merchant, &installation.brightpearl).await;
            sweep_now(&merchant, source).await;
            idle(&installation).await;
            let calls = called(&merchant, &installation.brightpearl, start).await;
            assert!(calls.len() == pages && calls.iter().all(|call| call.contains("-search")), "{source}: {calls:?}");
        }
        let made = merchant.calls(&installation.brightpearl, "method=GET&path=/order-service/order/").await;
        let ids = made.iter().map(|call| call["path"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()).collect::<Vec<_>>();
        let own = merchant.sales_orders(order).await[0]["id"].to_string();
        assert!(ids.iter().all(|id| *id == own), "orders of others are not even read: {ids:?}");
    });
}

#[test]
fn a_second_sweep_of_orders_that_agree_costs_its_lists_and_nothing_else() {
    run(async {
        let installation = Installation::new(&SWEEPS).await;
        let _all = installation.start("all", &[]).await;
        let merchant = Merchant::new(&installation).await;
        let mut orders = Vec::new();
        for _ in 0..5 {
            orders.push(merchant.place_simple().await);
        }
        for order in &orders {
            let sales_order = merchant.synced(*order).await;
            merchant.ship(&sales_order, json!({"reference": "RM1"})).await;
            merchant.shipped(*order, 1).await;
        }
        settled(&installation).await;
        installation.advance(Duration::from_secs(60));
        for again in [false, true] {
            for (source, platform) in [
                ("store-orders", &installation.bigcommerce),
                ("sales-orders", &installation.brightpearl),
                ("goods-out-notes", &installation.brightpearl),
                ("drop-ship-notes", &installation.brightpearl),
                ("products", &installation.brightpearl),
            ] {
                let other = if platform == &installation.bigcommerce { &installation.brightpearl } else { &installation.bigcommerce };
                let start = (last_call(&merchant, platform).await, last_call(&merchant, other).await);
                sweep_now(&merchant, source).await;
                idle(&installation).await;
                let calls = (called(&merchant, platform, start.0).await, called(&merchant, other, start.1).await);
                assert!(!again || calls.0.len() == 1 && calls.1.is_empty(), "{source}: {calls:?}");
                assert!(calls.0.iter().chain(&calls.1).all(|call| call.starts_with("GET")), "nothing is written: {calls:?}");
            }
        }
    });
}

#[test]
fn an_event_that_names_12_000_orders_is_one_sweep_and_what_it_meant_arrives() {
    run(async {
        let installation = Installation::new(&SWEEPS).await;
        let _all = installation.start("all", &[]).await;
        let merchant = Merchant::new(&installation).await;
        let order = merchant.place_simple().await;
        let sales_order = merchant.synced(order).await;
        settled(&installation).await;
        lose_webhooks(&installation, 1.0).await;
        merchant.account(&format!("orders/{}/status", sales_order["id"]), json!({"status_id": 22})).await;
        stays("the change is not known", Duration::from_secs(1), async || merchant.store_order(order).await["status_id"] == json!(11)).await;
        lose_webhooks(&installation, 0.0).await;
        let ids: Vec<u64> = (1..=12_000).collect();
        merchant.account("events", json!({"event": "order.modified.order-status", "ids": ids})).await;
        until("status 12 at the store", SOON, || async { (merchant.store_order(order).await["status_id"] == json!(12)).then_some(()) }).await;
        idle(&installation).await;
        let page = installation.http.get(format!("{}/metrics", installation.processor_url)).send().await.unwrap().text().await.unwrap();
        let refused = page.lines().any(|line| line.starts_with("orderbridge_dead_letters_total"));
        assert!(!refused, "it is no dead letter");
    });
}

#[test]
fn brokers_that_are_away_move_no_watermark() {
    run(async {
        let installation = Installation::new(&SWEEPS).await;
        let mut all = installation.start("all", &[]).await;
        let merchant = Merchant::new(&installation).await;
        until("it was swept", SOON, || async {
            let swept = sweep(&installation, "store-orders").await;
            swept["last_run"].is_string().then_some(())
        })
        .await;
        all.stop().await;
        lose_webhooks(&installation, 1.0).await;
        let order = merchant.place_simple().await;
        installation.advance(INTERVAL);
        let before = sweep(&installation, "store-orders").await["found_up_to"].clone();
        assert!(before.is_string());
        // Nobody listens there.
        let without_brokers = installation.spawn("processor", &[("KAFKA_BROKERS", "127.0.0.1:9")]);
        until("the sweep waits for the brokers", SOON, || async {
            let waiting = sweep(&installation, "store-orders").await;
            waiting["put_off_because"].as_str().is_some_and(|why| why.contains("published")).then_some(())
        })
        .await;
        assert_eq!(sweep(&installation, "store-orders").await["found_up_to"], before);
        drop(without_brokers);
        let listed = installation.orderbridge(&["work", "list", "--kind", "sweep", "--json"]).await;
        assert!(listed.contains(&format!("{}/sweep/1", merchant.id)) && !listed.contains("\"held\""), "{listed}");
        let _all = installation.start("all", &[]).await;
        merchant.synced(order).await;
    });
}
