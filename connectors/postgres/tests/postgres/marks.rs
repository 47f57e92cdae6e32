//! What is remembered of orders that have no sales order yet, and since when a tenant is live.

use orderbridge_postgres::{NewLink, OrderState};
use orderbridge_schema::ids::{InstallationId, SalesOrderId, StoreOrderId, StoreStatusId};
use orderbridge_schema::link::OrderLink;
use orderbridge_schema::seen::StatusSet;
use orderbridge_schema::sweep::{KnownKind, SweepSource};
use orderbridge_schema::work::{Scope, Upsert};
use std::time::Duration;

use crate::support::{START, TestDb, account, at, event, order, tenant, tenant_import};

const ONE: StoreOrderId = StoreOrderId(1);

fn set(statuses: &[u64]) -> StatusSet {
    statuses.iter().fold(StatusSet::NONE, |set, &status| set.with(StatusSet::of(StoreStatusId(status))))
}

fn seen_in(entity: u64, statuses: &[u64]) -> Upsert {
    Upsert { seen: set(statuses), ..event(&order("acme", entity)) }
}

async fn state(test: &TestDb) -> OrderState {
    test.db.load_order_state(&tenant("acme"), &[ONE]).await.unwrap().remove(&ONE).unwrap()
}

async fn link(test: &TestDb) {
    let link = OrderLink {
        order: ONE,
        part: 0,
        sales_order: SalesOrderId(500),
        installation: InstallationId(7),
        external_ref: String::new(),
        verified: false,
    };
    test.db.save_links(&account(), &[NewLink::Order(tenant("acme"), link)], &[]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_events_and_reads_saw_outlives_the_work_item_until_the_order_is_linked() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    test.db.upsert(&[seen_in(1, &[0]), seen_in(1, &[11]), seen_in(2, &[]), event(&order("acme", 3))]).await.unwrap();
    test.db.complete_many(&test.claim(&lease, "one").await).await.unwrap();
    assert_eq!(state(&test).await.seen, set(&[0, 11]));
    assert_eq!(test.count("select count(*) as n from order_marks"), 1, "what says nothing leaves nothing");
    test.db.note_seen(&tenant("acme"), ONE, set(&[9])).await.unwrap();
    assert_eq!(state(&test).await.seen, set(&[0, 9, 11]));
    link(&test).await;
    assert_eq!(test.count("select count(*) as n from order_marks"), 0);
    test.db.upsert(&[seen_in(1, &[2])]).await.unwrap();
    assert_eq!(test.count("select count(*) as n from order_marks"), 0, "nobody asks what a linked order was in");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_seen_in_vain_is_forgotten_but_not_what_was_seen_since() {
    let test = TestDb::new().await;
    test.with_tenant().await;
    test.db.upsert(&[seen_in(1, &[1, 7])]).await.unwrap();
    let loaded = state(&test).await.seen;
    test.db.upsert(&[seen_in(1, &[11])]).await.unwrap();
    test.db.forget_seen(&tenant("acme"), ONE, loaded).await.unwrap();
    assert_eq!(state(&test).await.seen, set(&[11]));
    test.db.forget_seen(&tenant("acme"), ONE, set(&[11])).await.unwrap();
    assert_eq!(test.count("select count(*) as n from order_marks"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sales_order_that_a_person_named_is_remembered_until_one_is_linked() {
    let test = TestDb::new().await;
    test.with_tenant().await;
    let acme = tenant("acme");
    for sales_order in [70, 71] {
        assert!(test.db.want_adoption(&acme, ONE, SalesOrderId(sales_order)).await.unwrap());
    }
    test.db.forget_seen(&acme, ONE, set(&[11])).await.unwrap();
    assert_eq!(state(&test).await.wanted_adoption, Some(SalesOrderId(71)));
    link(&test).await;
    assert_eq!(state(&test).await.wanted_adoption, None);
    assert!(!test.db.want_adoption(&acme, ONE, SalesOrderId(72)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_order_begins_to_wait_anew_with_the_event_that_wakes_it() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let key = order("acme", 1);
    test.db.upsert(&[event(&key)]).await.unwrap();
    let item = test.claim(&lease, "one").await.remove(0);
    assert!(test.db.hold(&item, &[], 1).await.unwrap());
    for later in [100, 200] {
        test.db.upsert(&[Upsert { event_at: at(START) + Duration::from_secs(later), ..event(&key) }]).await.unwrap();
    }
    let shown = test.db.work_show(&key).await.unwrap().unwrap();
    assert_eq!(shown.first_event_at, at(START) + Duration::from_secs(100));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_go_live_time_that_is_moved_back_has_the_store_swept_from_there() {
    let test = TestDb::new().await;
    test.with_tenant().await;
    let acme = tenant("acme");
    let live_since = async || test.db.tenant(&acme).await.unwrap().unwrap().live_since;
    assert_eq!(live_since().await, at(START));
    let import = async |go_live: Option<&str>| {
        let mut import = tenant_import("acme", "abc");
        import.rules.orders.go_live = go_live.map(at);
        test.db.import_tenant(&import).await.unwrap();
    };
    test.clock.advance(Duration::from_secs(3600));
    import(Some("2026-12-01T00:00:00Z")).await;
    let scope = Scope::Tenant(acme.clone());
    let known = orderbridge_postgres::Known {
        scope: scope.clone(),
        kind: KnownKind::StoreOrder,
        entity: 1,
        modified_at: at("2026-11-22T11:00:00Z"),
        read_at: at(START),
    };
    test.db.remember_known(&[known]).await.unwrap();
    assert_eq!(test.count("select count(*) as n from work_items where kind = 'sweep'"), 0);
    import(Some("2026-11-22T09:00:00Z")).await;
    assert_eq!(test.count("select count(*) as n from work_items where kind = 'sweep'"), 1);
    let watermark = test.db.sweep_state(&scope, SweepSource::StoreOrders).await.unwrap().watermark.unwrap();
    assert!(watermark <= at("2026-11-22T09:00:00Z"), "{watermark}");
    assert_eq!(test.count("select count(*) as n from reconciled"), 0, "what was left alone is looked into again");
    assert_eq!(live_since().await, at(START) + Duration::from_secs(3600), "until then others may have entered orders");
}
