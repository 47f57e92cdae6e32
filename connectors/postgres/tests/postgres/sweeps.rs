//! Sweeps: the timetable, how far each has come, and what need not be looked into again.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use orderbridge_postgres::{Known, SweepEvery, SweepState, Timetable, WorkItem};
use orderbridge_schema::facts::ProductIdentity;
use orderbridge_schema::ids::{NoteId, ProductId};
use orderbridge_schema::link::NoteKind;
use orderbridge_schema::seen::StatusSet;
use orderbridge_schema::sweep::{KnownKind, SweepSource};
use orderbridge_schema::work::{Aspects, Scope, Share, Upsert, WorkKind};

use crate::support::{START, TestDb, account, at, event, order, tenant, tenant_import};

const MINUTE: Duration = Duration::from_secs(60);

fn timetable() -> Timetable {
    let every = |source, minutes: u64| SweepEvery { source, every: Duration::from_secs(minutes * 60) };
    let sources = vec![every(SweepSource::StoreOrders, 15), every(SweepSource::SalesOrders, 15), every(SweepSource::Products, 360)];
    Timetable { sources, jitter_percent: 10, start_within: Duration::from_secs(20) }
}

fn of_tenant() -> Scope {
    Scope::Tenant(tenant("acme"))
}

fn of_account() -> Scope {
    Scope::Account(account())
}

async fn schedule(test: &TestDb) -> usize {
    test.db.schedule_sweeps("one", &timetable()).await.unwrap()
}

fn asked(source: SweepSource, scope: Scope, event_at: Timestamp) -> Upsert {
    let cause = "asked for".to_owned();
    Upsert {
        key: source.key(scope),
        account: account(),
        aspects: Aspects::default(),
        share: Share::Sweeps,
        event_at,
        cause,
        event: None,
        seen: StatusSet::NONE,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_becomes_work_once_and_is_due_again_an_interval_later() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    assert_eq!(schedule(&test).await, 0, "new rows are due within the start time, not at once");
    test.clock.advance(Duration::from_secs(21));
    assert_eq!(schedule(&test).await, 3);
    assert_eq!(schedule(&test).await, 0);
    let claimed = test.claim(&lease, "one").await;
    let keys: HashSet<String> = claimed.iter().map(|item| item.key.to_string()).collect();
    assert_eq!(keys, ["acme/sweep/1", "@acct/sweep/2", "@acct/sweep/5"].map(str::to_owned).into());
    assert!(claimed.iter().all(|item| item.share == Share::Sweeps && item.key.kind == WorkKind::Sweep));
    assert_eq!(test.db.complete_many(&claimed).await.unwrap(), 3);
    test.clock.advance(MINUTE * 13);
    assert_eq!(schedule(&test).await, 0, "an interval is never shortened by more than the jitter");
    test.clock.advance(MINUTE * 4);
    assert_eq!(schedule(&test).await, 2, "products have their own interval");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_that_waits_or_is_under_way_is_left_as_it_is() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    schedule(&test).await;
    test.clock.advance(MINUTE);
    schedule(&test).await;
    let claimed: Vec<WorkItem> = test.claim(&lease, "one").await;
    test.clock.advance(MINUTE * 20);
    schedule(&test).await;
    let mine: Vec<WorkItem> = claimed.into_iter().filter(|item| item.key.entity == SweepSource::StoreOrders.number()).collect();
    assert_eq!(test.db.complete_many(&mine).await.unwrap(), 1, "the timetable does not ask for it anew while it is under way");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_leases_an_account_schedules_its_sweeps() {
    let test = TestDb::new().await;
    test.with_tenant().await;
    schedule(&test).await;
    test.clock.advance(MINUTE);
    assert_eq!(test.db.schedule_sweeps("another", &timetable()).await.unwrap(), 0);
    let both = tokio::join!(schedule(&test), schedule(&test));
    assert_eq!(both.0 + both.1, 3, "two scans at once make each item once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_tenant_is_swept_from_the_day_it_was_made() {
    let test = TestDb::new().await;
    test.with_tenant().await;
    schedule(&test).await;
    let state = test.db.sweep_state(&of_tenant(), SweepSource::StoreOrders).await.unwrap();
    assert!(state.watermark.is_some() && state.resume_at.is_none());
    test.db.import_tenant(&tenant_import("second", "def")).await.unwrap();
    schedule(&test).await;
    assert_eq!(test.db.sweeps(Some(&Scope::Tenant(tenant("second")))).await.unwrap().len(), 1);
    assert_eq!(test.db.sweeps(None).await.unwrap().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_processor_that_starts_has_all_swept_soon_but_for_what_was_a_moment_ago() {
    let test = TestDb::new().await;
    test.with_tenant().await;
    schedule(&test).await;
    test.clock.advance(MINUTE);
    schedule(&test).await;
    let recent = test.db.sweep_state(&of_tenant(), SweepSource::StoreOrders).await.unwrap();
    let now = at(START) + MINUTE;
    assert!(test.db.save_sweep(&of_tenant(), SweepSource::StoreOrders, recent.watermark, recent, Some(now)).await.unwrap());
    test.clock.advance(Duration::from_secs(30));
    assert_eq!(test.db.hasten_sweeps(&account(), Duration::from_secs(5)).await.unwrap(), 2);
    for source in [SweepSource::SalesOrders, SweepSource::Products] {
        let row = test.db.sweeps(Some(&of_account())).await.unwrap().into_iter().find(|row| row.source == source).unwrap();
        assert!(row.due_at <= at(START) + MINUTE + Duration::from_secs(35), "{row:?}");
    }
    test.clock.advance(Duration::from_secs(31));
    assert_eq!(test.db.hasten_sweeps(&account(), Duration::ZERO).await.unwrap(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watermark_is_saved_only_over_the_one_it_was_read_as() {
    let test = TestDb::new().await;
    test.with_tenant().await;
    schedule(&test).await;
    let source = SweepSource::SalesOrders;
    let read = test.db.sweep_state(&of_account(), source).await.unwrap();
    let far = SweepState { watermark: Some(at("2030-01-01T00:00:00Z")), resume_at: Some(at("2029-01-01T00:00:00Z")) };
    assert!(test.db.save_sweep(&of_account(), source, read.watermark, far, None).await.unwrap());
    assert_eq!(test.db.sweep_state(&of_account(), source).await.unwrap(), far);
    // An event of an earlier time names more than can be told apart: from there on is looked once more.
    let earlier = at("2025-06-01T00:00:00Z");
    test.db.intake(&[asked(source, of_account(), earlier)], &[]).await.unwrap();
    let back = SweepState { watermark: Some(earlier), resume_at: None };
    assert_eq!(test.db.sweep_state(&of_account(), source).await.unwrap(), back);
    assert!(!test.db.save_sweep(&of_account(), source, far.watermark, far, None).await.unwrap(), "who read the old one must not undo that");
    // Asking for it now takes nothing back.
    test.db.upsert(&[asked(source, of_account(), at("2031-01-01T00:00:00Z"))]).await.unwrap();
    assert_eq!(test.db.sweep_state(&of_account(), source).await.unwrap(), back);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_that_was_never_scheduled_can_be_asked_for_and_begins_with_its_owner() {
    let test = TestDb::new().await;
    test.with_tenant().await;
    test.execute("update tenants set created_at = '2026-01-01T00:00:00Z'");
    test.db.upsert(&[asked(SweepSource::StoreOrders, of_tenant(), at(START))]).await.unwrap();
    let state = test.db.sweep_state(&of_tenant(), SweepSource::StoreOrders).await.unwrap();
    assert_eq!(state.watermark, Some(at("2026-01-01T00:00:00Z")));
    let rows = test.db.sweeps(Some(&of_tenant())).await.unwrap();
    assert!(rows.len() == 1 && rows[0].pending && rows[0].swept_at.is_none(), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweeps_event_never_lowers_an_items_priority() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let key = order("acme", 1);
    let swept = Upsert { share: Share::Sweeps, ..event(&key) };
    test.db.upsert(&[event(&key)]).await.unwrap();
    test.db.upsert(std::slice::from_ref(&swept)).await.unwrap();
    assert_eq!(test.claim(&lease, "one").await[0].share, Share::Orders);
    let later = order("acme", 2);
    test.db.upsert(&[Upsert { key: later.clone(), ..swept }]).await.unwrap();
    test.db.upsert(&[event(&later)]).await.unwrap();
    assert_eq!(test.claim(&lease, "one").await[0].share, Share::Orders, "an event of its own raises it");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_same_date_read_long_enough_after_it_is_known() {
    let test = TestDb::new().await;
    test.with_tenant().await;
    let changed = at("2026-11-22T11:00:00Z");
    let known = |entity, after_ms: u64| Known {
        scope: of_tenant(),
        kind: KnownKind::StoreOrder,
        entity,
        modified_at: changed + Duration::from_millis(400),
        read_at: changed + Duration::from_millis(after_ms),
    };
    // The same order twice in one batch is no conflict.
    test.db.remember_known(&[known(1, 2_001), known(2, 2_000), known(1, 2_001)]).await.unwrap();
    let ask = |objects: Vec<(u64, Timestamp)>| {
        let db = test.db.clone();
        async move { db.known(&of_tenant(), KnownKind::StoreOrder, &objects).await.unwrap() }
    };
    assert_eq!(ask(vec![(1, changed), (2, changed), (3, changed)]).await, HashSet::from([1]), "the second was read too soon after its change");
    assert!(ask(vec![(1, changed + Duration::from_secs(1))]).await.is_empty(), "it changed again");
    assert!(ask(vec![(1, changed.checked_sub(jiff::SignedDuration::from_secs(1)).unwrap())]).await.is_empty());
    let elsewhere = test.db.known(&of_account(), KnownKind::StoreOrder, &[(1, changed)]).await.unwrap();
    let otherwise = test.db.known(&of_tenant(), KnownKind::SalesOrder, &[(1, changed)]).await.unwrap();
    assert!(elsewhere.is_empty() && otherwise.is_empty());
    test.db.remember_known(&[known(2, 9_000)]).await.unwrap();
    assert_eq!(ask(vec![(2, changed)]).await, HashSet::from([2]));
    assert_eq!(test.db.forget_known(&of_account(), at("2030-01-01T00:00:00Z")).await.unwrap(), 0);
    assert_eq!(test.db.forget_known(&of_tenant(), changed + Duration::from_secs(1)).await.unwrap(), 2);
    assert!(ask(vec![(2, changed)]).await.is_empty());
    test.db.remember_known(&[]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_that_are_shipments_and_products_that_are_as_known_are_told_apart() {
    let test = TestDb::new().await;
    test.with_tenant().await;
    test.execute(
        "insert into shipment_links (tenant, note_kind, note, store_order, address, shipment) values ('acme', 'goods-out-note', 7, 1, 2, 3)",
    );
    let shipped = |kind| {
        let db = test.db.clone();
        async move { db.notes_with_shipment(&account(), kind, &[NoteId(7), NoteId(8)]).await.unwrap() }
    };
    assert_eq!(shipped(NoteKind::GoodsOut).await, HashSet::from([NoteId(7)]));
    assert!(shipped(NoteKind::DropShip).await.is_empty());
    let product = |id, sku: &str, live| ProductIdentity::of_sku(ProductId(id), sku, live);
    test.db.save_products(&account(), &[product(1, "A", true), product(2, "B", true), product(3, "C", true)]).await.unwrap();
    let now = [product(1, "A", true), product(2, "B2", true), product(3, "C", false), product(4, "D", true)];
    assert_eq!(test.db.products_unlike(&account(), &now).await.unwrap(), HashSet::from([2, 3, 4].map(ProductId)));
}
