use std::time::Duration;

use orderbridge_postgres::{Causes, HoldFilter, WorkFilter, WorkState};
use orderbridge_schema::decision::{Cause, Effect, Hold};
use orderbridge_schema::facts::ProductIdentity;
use orderbridge_schema::ids::{ProductId, WarehouseId};
use orderbridge_schema::work::Scope;

use crate::support::{TestDb, account, event, order, tenant, tenant_import};

fn hold(effect: Effect, cause: Cause) -> Hold {
    Hold { effect, cause, why: "why".into(), remedy: "what to do".into() }
}

fn no_warehouse() -> Vec<Hold> {
    vec![hold(Effect::Creation, Cause::MissingRule("orders.warehouse"))]
}

fn product(id: u64, sku: &str) -> ProductIdentity {
    ProductIdentity::of_sku(ProductId(id), sku, true)
}

async fn claimable(test: &TestDb, owner: &str) -> Vec<u64> {
    let lease = test.db.renew_leases(owner, Duration::from_secs(60)).await.unwrap().remove(0);
    test.claim(&lease, owner).await.iter().map(|item| item.key.entity).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_item_waits_outside_the_due_index_until_an_event_comes() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let key = order("acme", 1);
    test.db.upsert(&[event(&key)]).await.unwrap();
    let item = test.claim(&lease, "one").await.remove(0);
    assert!(test.db.hold(&item, &no_warehouse(), 1).await.unwrap());
    test.clock.advance(Duration::from_secs(3600));
    assert!(test.claim(&lease, "one").await.is_empty());
    assert!(test.db.ready_accounts().await.unwrap().is_empty());
    let held = test.db.work_list(&WorkFilter { state: Some(WorkState::Held), ..WorkFilter::default() }).await.unwrap();
    assert_eq!(held.len(), 1);
    let holds = test.db.holds(&HoldFilter::default()).await.unwrap();
    assert_eq!((holds[0].cause.as_str(), holds[0].effect, holds[0].rules_version), ("missing-rule:orders.warehouse", Effect::Creation, Some(1)));

    test.db.upsert(&[event(&key)]).await.unwrap();
    let again = test.claim(&lease, "one").await.remove(0);
    assert_eq!(again.generation, item.generation + 1);
    assert!(test.db.complete(&again).await.unwrap());
    assert_eq!(test.db.clear_holds(&key, &Effect::ALL).await.unwrap(), 1);
    assert!(test.db.holds(&HoldFilter::default()).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_written_only_if_event_rules_and_cause_are_still_current() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let key = order("acme", 1);
    test.db.upsert(&[event(&key)]).await.unwrap();

    let item = test.claim(&lease, "one").await.remove(0);
    test.db.upsert(&[event(&key)]).await.unwrap();
    assert!(!test.db.hold(&item, &no_warehouse(), 1).await.unwrap(), "an event came meanwhile");

    let item = test.claim(&lease, "one").await.remove(0);
    let mut import = tenant_import("acme", "abc");
    import.rules.orders.warehouse = Some(WarehouseId(2));
    assert_eq!(test.db.import_tenant(&import).await.unwrap().rules_version, 2);
    assert!(!test.db.hold(&item, &no_warehouse(), 1).await.unwrap(), "the rules changed meanwhile");
    assert!(!test.db.record_holds(&key, &no_warehouse(), 1).await.unwrap());

    let item = test.claim(&lease, "one").await.remove(0);
    test.db.save_products(&account(), &[product(5, "AB-1")]).await.unwrap();
    let unknown = [hold(Effect::Creation, Cause::UnknownSku(" ab-1".into()))];
    assert!(!test.db.hold(&item, &unknown, 2).await.unwrap(), "the product was made meanwhile");

    assert!(test.db.holds(&HoldFilter::default()).await.unwrap().is_empty());
    let item = test.claim(&lease, "one").await.remove(0);
    assert!(test.db.hold(&item, &[hold(Effect::Creation, Cause::UnknownSku("CD-2".into()))], 2).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn saving_rules_releases_what_waits_for_a_rule_oldest_first_and_nothing_else() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    for id in [3, 1, 2, 9] {
        let mut upsert = event(&order("acme", id));
        upsert.event_at = jiff::Timestamp::from_second(1_800_000_000 - i64::try_from(id).unwrap()).unwrap();
        test.db.upsert(&[upsert]).await.unwrap();
    }
    for item in test.claim(&lease, "one").await {
        let cause = if item.key.entity == 9 { Cause::TotalMismatch } else { Cause::MissingRule("orders.warehouse") };
        assert!(test.db.hold(&item, &[hold(Effect::Creation, cause)], 1).await.unwrap());
    }
    let mut import = tenant_import("acme", "abc");
    import.rules.orders.warehouse = Some(WarehouseId(2));
    assert_eq!(test.db.import_tenant(&import).await.unwrap().released, 3);
    let due: Vec<_> = test.db.work_list(&WorkFilter { state: Some(WorkState::Ready), ..WorkFilter::default() }).await.unwrap();
    let mut by_due = due.clone();
    by_due.sort_by_key(|row| row.due_at);
    assert_eq!(by_due.iter().map(|row| row.key.entity).collect::<Vec<_>>(), [3, 2, 1], "the oldest event first");
    test.clock.advance(Duration::from_secs(1));
    assert_eq!(claimable(&test, "one").await, [3, 2, 1]);
    assert_eq!(test.db.import_tenant(&import).await.unwrap().released, 0, "the same rules release nothing");
    import.rules.taxes_and_accounts.rounding_limit = Some(5);
    assert_eq!(test.db.import_tenant(&import).await.unwrap().released, 1, "sums are judged by the rules about money");
}

#[tokio::test(flavor = "multi_thread")]
async fn creating_the_missing_sku_is_enough() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    test.db.upsert(&[event(&order("acme", 1)), event(&order("acme", 2))]).await.unwrap();
    for item in test.claim(&lease, "one").await {
        let sku = if item.key.entity == 1 { "Schl\u{dc}ssel-1" } else { "OTHER" };
        assert!(test.db.hold(&item, &[hold(Effect::Creation, Cause::UnknownSku(sku.into()))], 1).await.unwrap());
    }
    let known = test.db.save_products(&account(), &[product(5, " schl\u{fc}ssel-1 "), product(6, "AB")]).await.unwrap();
    assert_eq!(known, ["ab", "schl\u{fc}ssel-1"]);
    test.clock.advance(Duration::from_secs(1));
    assert_eq!(claimable(&test, "one").await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_held_while_its_item_was_finished_is_released_as_a_new_item() {
    let test = TestDb::new().await;
    test.with_tenant().await;
    let key = order("acme", 1);
    assert!(test.db.record_holds(&key, &[hold(Effect::Shipment, Cause::CannotShip("GON-1".into()))], 1).await.unwrap());
    assert_eq!(test.db.work_show(&key).await.unwrap(), None);
    let scope = Scope::Tenant(tenant("acme"));
    assert_eq!(test.db.release_holds(Causes::Exact(vec!["cannot-ship:gon-2".into()]), Some(&scope)).await.unwrap(), 0);
    assert_eq!(test.db.release_holds(Causes::Prefix("cannot-ship:".into()), None).await.unwrap(), 1);
    assert_eq!(test.db.release_holds(Causes::Prefix("cannot-ship:".into()), None).await.unwrap(), 0, "released once");
    test.clock.advance(Duration::from_secs(1));
    assert_eq!(claimable(&test, "one").await, [1]);
    let holds = test.db.holds(&HoldFilter { scope: Some(scope), cause_prefix: Some("cannot-ship:".into()), limit: 0 }).await.unwrap();
    assert!(holds[0].released_at.is_some(), "it stays until the effect is decided again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_can_ask_for_another_try() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let key = order("acme", 1);
    assert!(!test.db.work_retry(&key).await.unwrap());
    test.db.upsert(&[event(&key)]).await.unwrap();
    let item = test.claim(&lease, "one").await.remove(0);
    assert!(test.db.hold(&item, &[hold(Effect::Creation, Cause::Refused("X".into()))], 1).await.unwrap());
    assert!(test.db.work_retry(&key).await.unwrap());
    assert_eq!(claimable(&test, "one").await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_and_the_mending_of_its_cause_at_the_same_time_leave_nothing_waiting() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    for round in 1..=12u64 {
        let sku = format!("SKU-{round}");
        test.db.upsert(&[event(&order("acme", round))]).await.unwrap();
        let item = test.claim(&lease, "one").await.remove(0);
        let holds = [hold(Effect::Creation, Cause::UnknownSku(sku.clone()))];
        let other = test.another();
        let made = [product(round, &sku)];
        let code = account();
        let (held, saved) = tokio::join!(test.db.hold(&item, &holds, 1), other.save_products(&code, &made));
        held.unwrap();
        saved.unwrap();
        test.clock.advance(Duration::from_secs(1));
        let again = test.claim(&lease, "one").await;
        assert_eq!(again.len(), 1, "round {round}");
        assert!(test.db.complete(&again[0]).await.unwrap());
    }
}
