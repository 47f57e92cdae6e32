use std::time::Duration;

use orderbridge_postgres::{OffsetStep, Postponed, WorkSignal};
use orderbridge_schema::topics::Topic;
use orderbridge_schema::work::{Aspects, Share, Upsert};

use crate::support::{START, TestDb, account, at, event, eventually, order};

fn step(from: Option<i64>, next: i64) -> OffsetStep {
    OffsetStep { topic: Topic::BigcommerceOrders, partition: 3, from, next }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_stores_its_work_and_its_offsets_together() {
    let test = TestDb::new().await;
    let key = order("acme", 1);
    assert_eq!(test.db.stored_offset(Topic::BigcommerceOrders, 3).await.unwrap(), None);
    assert!(test.db.intake(&[event(&key)], &[step(None, 18)]).await.unwrap());
    assert_eq!(test.db.stored_offset(Topic::BigcommerceOrders, 3).await.unwrap(), Some(18));
    let first = test.db.work_show(&key).await.unwrap().unwrap().generation;

    // What the database refuses leaves neither.
    let mut bad = event(&order("acme", 2));
    bad.cause = "nul \0 byte".into();
    let error = test.db.intake(&[event(&key), bad], &[step(Some(18), 99)]).await.unwrap_err();
    assert!(!error.is_transient(), "{error}");
    assert_eq!(test.db.stored_offset(Topic::BigcommerceOrders, 3).await.unwrap(), Some(18));
    assert_eq!(test.db.work_show(&key).await.unwrap().unwrap().generation, first);

    // A partition can be read again from an older offset.
    assert!(test.db.intake(&[], &[step(Some(18), 5)]).await.unwrap());
    assert_eq!(test.db.stored_offset(Topic::BigcommerceOrders, 3).await.unwrap(), Some(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_read_from_elsewhere_than_the_database_stands_is_not_stored() {
    let test = TestDb::new().await;
    let key = order("acme", 1);
    assert!(!test.db.intake(&[event(&key)], &[step(Some(5), 9)]).await.unwrap(), "the database lost what it had");
    assert!(test.db.intake(&[], &[step(None, 9)]).await.unwrap());
    for elsewhere in [None, Some(5), Some(12)] {
        assert!(!test.db.intake(&[event(&key)], &[step(elsewhere, 20)]).await.unwrap(), "{elsewhere:?}");
    }
    assert_eq!(test.db.stored_offset(Topic::BigcommerceOrders, 3).await.unwrap(), Some(9));
    assert!(test.db.work_show(&key).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_events_of_one_entity_are_one_item_that_remembers_them_all() {
    let test = TestDb::new().await;
    let key = order("acme", 1);
    let mut late = event(&key);
    late.event_at = at("2026-11-22T12:00:09Z");
    late.aspects = Aspects::NOTES;
    late.share = Share::Fulfilment;
    late.cause = "goods-out-note.modified.shipped".into();
    let mut early = event(&key);
    early.event_at = at("2026-11-22T11:59:00Z");
    early.share = Share::Sweeps;
    test.db.upsert(&[late, early]).await.unwrap();
    let row = test.db.work_show(&key).await.unwrap().unwrap();
    let first = row.generation;
    assert_eq!(row.share, Share::Fulfilment);
    assert_eq!((row.first_event_at, row.last_event_at), (at("2026-11-22T11:59:00Z"), at("2026-11-22T12:00:09Z")));
    assert_eq!(row.cause, "goods-out-note.modified.shipped");

    test.db.upsert(&[event(&key)]).await.unwrap();
    let row = test.db.work_show(&key).await.unwrap().unwrap();
    assert_eq!((row.generation, row.share), (first + 1, Share::Orders), "an event only ever raises the urgency");
    assert_eq!(row.last_event_at, at("2026-11-22T12:00:09Z"));
    test.with_tenant().await;
    let lease = test.db.renew_leases("one", Duration::from_secs(60)).await.unwrap().remove(0);
    assert_eq!(test.claim(&lease, "one").await[0].aspects, Aspects::STORE_ORDER.with(Aspects::NOTES));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_upsert_raises_the_generation_and_touches_no_claim() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let key = order("acme", 1);
    test.db.upsert(&[event(&key)]).await.unwrap();
    let item = test.claim(&lease, "one").await.remove(0);
    let claimed = test.db.work_show(&key).await.unwrap().unwrap();
    assert_eq!((claimed.claimed_generation, claimed.claimed_fence), (Some(item.generation), Some(lease.fence)));
    for more in 1..4 {
        test.db.upsert(&[event(&key)]).await.unwrap();
        let row = test.db.work_show(&key).await.unwrap().unwrap();
        assert_eq!(row.generation, item.generation + more);
        assert_eq!(
            (row.claimed_generation, row.claimed_fence, row.attempts, row.due_at),
            (Some(item.generation), Some(lease.fence), 1, claimed.due_at)
        );
    }
    assert!(test.claim(&lease, "one").await.is_empty(), "one reconcile per entity at a time");
}

#[tokio::test(flavor = "multi_thread")]
async fn upserts_of_ready_items_move_no_index_entry() {
    let test = TestDb::new().await;
    let events: Vec<_> = (1..=800).map(|id| event(&order("acme", id))).collect();
    test.db.intake(&events, &[]).await.unwrap();
    for offset in 0..4 {
        // A few of each page, as events come: what one batch adds to a page fits into the room that is left there.
        let some: Vec<_> = events.iter().skip(offset).step_by(40).cloned().collect();
        test.db.intake(&some, &[]).await.unwrap();
    }
    let sql = "select n_tup_upd - n_tup_hot_upd as n from pg_stat_user_tables where relname = 'work_items' and n_tup_upd >= 80";
    let cold = eventually("the statistics", || async {
        let rows: Vec<crate::support::Count> = diesel::RunQueryDsl::load(diesel::sql_query(sql), &mut test.peek()).unwrap();
        rows.first().map(|row| row.n)
    })
    .await;
    assert_eq!(cold, 0, "all updates are heap-only");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_cuts_our_own_back_off_short_once_a_minute_and_a_platforms_wait_never() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let (own, platform) = (order("acme", 1), order("acme", 2));
    test.db.upsert(&[event(&own), event(&platform)]).await.unwrap();
    let items = test.claim(&lease, "one").await;
    let far = at("2026-11-22T12:30:00Z");
    for item in &items {
        let floor = (item.key == platform).then_some(far);
        let postponed = Postponed { due_at: far, reason: "server error".into(), counts_as_attempt: true, floor };
        assert!(test.db.reschedule(item, postponed).await.unwrap());
    }
    test.clock.advance(Duration::from_secs(10));
    test.db.upsert(&[event(&own), event(&platform)]).await.unwrap();
    assert_eq!(test.db.work_show(&platform).await.unwrap().unwrap().due_at, far);
    let woken = test.claim(&lease, "one").await;
    assert_eq!(woken.iter().map(|item| item.key.clone()).collect::<Vec<_>>(), std::slice::from_ref(&own));

    // It fails again: within the minute another event does not wake it, after it one does.
    let postponed = Postponed { due_at: far, reason: "server error".into(), counts_as_attempt: true, floor: None };
    assert!(test.db.reschedule(&woken[0], postponed).await.unwrap());
    test.clock.advance(Duration::from_secs(30));
    test.db.upsert(&[event(&own)]).await.unwrap();
    assert!(test.claim(&lease, "one").await.is_empty());
    test.clock.advance(Duration::from_secs(31));
    test.db.upsert(&[event(&own)]).await.unwrap();
    assert_eq!(test.claim(&lease, "one").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn processors_are_told_of_new_work() {
    let test = TestDb::new().await;
    let mut signals = test.db.work_signals().unwrap();
    assert_eq!(signals.next().await, WorkSignal::All, "whatever was there before");
    test.db.intake(&[event(&order("acme", 1)), event(&order("acme", 2))], &[]).await.unwrap();
    let told = tokio::time::timeout(Duration::from_secs(10), signals.next()).await.unwrap();
    assert_eq!(told, WorkSignal::Accounts(vec![account()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_lost_its_connection_listens_again_and_has_everything_looked_at() {
    let test = TestDb::new().await;
    let mut signals = test.db.work_signals().unwrap();
    assert_eq!(signals.next().await, WorkSignal::All);
    let listening = "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and query ilike 'listen%'";
    for order_id in 1..=2 {
        assert_eq!(test.count(&format!("select count(pg_terminate_backend(pid)) as n {listening}")), 1);
        // What was told meanwhile nobody heard, so everything has to be looked at.
        let told = tokio::time::timeout(Duration::from_secs(15), signals.next()).await.unwrap();
        assert_eq!(told, WorkSignal::All);
        test.db.upsert(&[event(&order("acme", order_id))]).await.unwrap();
        let told = tokio::time::timeout(Duration::from_secs(15), signals.next()).await.unwrap();
        assert_eq!(told, WorkSignal::Accounts(vec![account()]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_names_the_newest_event_and_none_once_something_else_asked() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let key = order("acme", 1);
    let [older, newer] = [uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2)];
    let named = |event_id, second| Upsert { event: Some(event_id), event_at: at(START) + Duration::from_secs(second), ..event(&key) };
    test.db.intake(&[named(newer, 2), named(older, 1)], &[]).await.unwrap();
    let item = test.claim(&lease, "one").await.remove(0);
    assert_eq!(item.event, Some(newer));
    assert!(test.db.complete(&item).await.unwrap());

    test.db.upsert(&[named(older, 3)]).await.unwrap();
    test.db.upsert(&[event(&key)]).await.unwrap();
    assert_eq!(test.claim(&lease, "one").await[0].event, None, "a person asked last");
}
