//! What operators do: holding single entities, marking dead letters, replays.

use std::time::Duration;

use orderbridge_postgres::{Causes, LetterState, LinkedIn, NewLink, PutIn, ReplayPosition, ReplayState, WorkFilter, WorkState};
use orderbridge_schema::decision::{Cause, Effect, Hold};
use orderbridge_schema::ids::{InstallationId, NoteId, OrderAddressId, SalesOrderId, ShipmentId, StoreOrderId};
use orderbridge_schema::link::{NoteKind, OrderLink, ShipmentLink};
use orderbridge_schema::topics::Topic;
use orderbridge_schema::work::{Aspects, Share, Upsert, WorkKey};
use serde_json::json;
use uuid::Uuid;

use crate::support::{TestDb, account, event, order, tenant};

async fn stop(test: &TestDb, key: &WorkKey) {
    test.db.stop_work(key, &account(), "the customer called", "mara").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_holds_is_started_by_nothing_until_it_is_released() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let key = order("acme", 1);
    // One without work, so that the next event finds it held.
    stop(&test, &key).await;
    test.db.upsert(&[event(&key)]).await.unwrap();
    assert!(test.claim(&lease, "one").await.is_empty());
    assert!(!test.db.work_retry(&key).await.unwrap(), "a retry is no release");
    let held = test.db.work_list(&WorkFilter { state: Some(WorkState::Held), ..WorkFilter::default() }).await.unwrap();
    assert_eq!(held.iter().map(|row| (row.key.clone(), row.state)).collect::<Vec<_>>(), [(key.clone(), WorkState::Held)]);
    let holds = test.db.operator_holds(None).await.unwrap();
    assert_eq!((holds[0].key.clone(), holds[0].why.as_str(), holds[0].by.as_str()), (key.clone(), "the customer called", "mara"));
    assert!(test.db.ready_accounts().await.unwrap().is_empty());

    assert!(test.db.release_work(&key, "kim").await.unwrap());
    assert!(!test.db.release_work(&key, "kim").await.unwrap(), "it is held no more");
    let item = test.claim(&lease, "one").await.remove(0);
    assert_eq!((item.key.clone(), item.cause.as_str()), (key.clone(), "released by an operator"));
    assert!(test.db.complete(&item).await.unwrap());
    let told: Vec<String> = test.db.timeline(&key).await.unwrap().into_iter().map(|entry| entry.key).collect();
    assert_eq!(told, ["held-by-operator", "released-by-operator"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operators_hold_outlives_a_claim_that_was_under_way_and_a_cause_that_is_mended() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let (done, held) = (order("acme", 1), order("acme", 2));
    test.db.upsert(&[event(&done), event(&held)]).await.unwrap();
    let items = test.claim(&lease, "one").await;
    stop(&test, &done).await;
    assert!(!test.db.complete(&items[0]).await.unwrap(), "it is not finished");
    let hold = Hold { effect: Effect::Creation, cause: Cause::NoEmail, why: "why".into(), remedy: "what".into() };
    assert!(test.db.hold(&items[1], &[hold], 1).await.unwrap());
    stop(&test, &held).await;
    assert_eq!(test.db.release_holds(Causes::Prefix("no-email".into()), None).await.unwrap(), 1);
    assert!(test.claim(&lease, "one").await.is_empty());
    for key in [&done, &held] {
        assert!(test.db.release_work(key, "kim").await.unwrap());
    }
    assert_eq!(test.claim(&lease, "one").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_marked_by_its_place_and_marked_again_counts() {
    let test = TestDb::new().await;
    let topic = Topic::DeadLetters;
    test.db.mark_letter(topic, (0, 17), LetterState::Retried, "mara", None).await.unwrap();
    test.clock.advance(Duration::from_secs(60));
    test.db.mark_letter(topic, (0, 17), LetterState::Discarded, "kim", Some("a test")).await.unwrap();
    test.db.mark_letter(topic, (1, 17), LetterState::Retried, "mara", None).await.unwrap();
    let marks = test.db.letter_marks(topic, &[(0, 17), (0, 18), (2, 17)]).await.unwrap();
    assert_eq!(marks.len(), 1, "only what was asked for and is marked");
    let mark = &marks[&(0, 17)];
    assert_eq!((mark.state, mark.times, mark.by.as_str(), mark.why.as_deref()), (LetterState::Discarded, 2, "kim", Some("a test")));
}

fn position(next: i64) -> ReplayPosition {
    ReplayPosition { topic: Topic::BigcommerceOrders, partition: 0, next, end: 10 }
}

fn again(entity: u64, aspects: Aspects) -> Upsert {
    Upsert { aspects, share: Share::Replay, cause: "replay x".into(), ..event(&order("acme", entity)) }
}

async fn started(test: &TestDb) -> (Uuid, Uuid) {
    let (id, runner) = (Uuid::now_v7(), Uuid::now_v7());
    test.db.start_replay(id, json!({"topics": []}), "mara", runner, &[position(0)]).await.unwrap();
    (id, runner)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_puts_each_entity_in_once_and_moves_in_the_same_transaction() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let (id, runner) = started(&test).await;
    let one = PutIn { records: 3, positions: vec![position(3)], upserts: vec![again(1, Aspects::STORE_ORDER), again(2, Aspects::STORE_ORDER)] };
    assert!(test.db.put_in(id, runner, &one).await.unwrap());
    let replay = test.db.replay(id).await.unwrap().unwrap();
    assert_eq!((replay.state, replay.counts.records, replay.counts.entities, replay.counts.left()), (ReplayState::Running, 3, 2, 2));
    assert_eq!(replay.positions, [position(3)]);

    let items = test.claim(&lease, "one").await;
    assert!(items.iter().all(|item| item.share == Share::Replay && item.cause == "replay x"));
    assert!(test.db.complete(&items[0]).await.unwrap());
    let hold = Hold { effect: Effect::Creation, cause: Cause::NoEmail, why: "why".into(), remedy: "what".into() };
    assert!(test.db.hold(&items[1], &[hold], 1).await.unwrap());
    let counts = test.db.count_replay(id).await.unwrap().unwrap();
    assert_eq!((counts.done, counts.held, counts.left()), (1, 1, 0));

    // The same entity again is left alone, unless another side of it is asked for.
    let two = PutIn { records: 2, positions: vec![position(5)], upserts: vec![again(1, Aspects::STORE_ORDER), again(2, Aspects::NOTES)] };
    assert!(test.db.put_in(id, runner, &two).await.unwrap());
    let counts = test.db.count_replay(id).await.unwrap().unwrap();
    assert_eq!((counts.records, counts.entities, counts.done, counts.left()), (5, 2, 1, 1));
    let items = test.claim(&lease, "one").await;
    assert_eq!(items.iter().map(|item| item.key.entity).collect::<Vec<_>>(), [2]);

    // What cannot be stored moves nothing.
    let bad = PutIn { records: 1, positions: vec![position(6)], upserts: vec![again(u64::MAX, Aspects::NOTES)] };
    assert!(test.db.put_in(id, runner, &bad).await.is_err());
    assert_eq!(test.db.replay(id).await.unwrap().unwrap().positions, [position(5)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_was_paused_or_taken_over_lets_nothing_more_in() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let (id, first) = started(&test).await;
    let one = PutIn { records: 1, positions: vec![position(1)], upserts: vec![again(1, Aspects::STORE_ORDER)] };
    assert!(test.db.end_replay(id, None, ReplayState::Paused).await.unwrap());
    assert!(!test.db.put_in(id, first, &one).await.unwrap());
    assert!(test.claim(&lease, "one").await.is_empty());

    let second = Uuid::now_v7();
    assert!(test.db.take_replay(id, second).await.unwrap());
    assert!(!test.db.put_in(id, first, &one).await.unwrap(), "it is the other's now");
    assert!(!test.db.end_replay(id, Some(first), ReplayState::Done).await.unwrap());
    assert!(test.db.put_in(id, second, &one).await.unwrap());
    assert!(test.db.end_replay(id, Some(second), ReplayState::Done).await.unwrap());
    assert!(!test.db.take_replay(id, first).await.unwrap(), "it is done");
    assert!(!test.db.end_replay(id, None, ReplayState::Cancelled).await.unwrap());
    assert_eq!(test.db.replays(10).await.unwrap().iter().map(|replay| replay.state).collect::<Vec<_>>(), [ReplayState::Done]);
    assert_eq!(test.db.count_replay(Uuid::now_v7()).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_never_lowers_a_priority_and_an_event_raises_its() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let (id, runner) = started(&test).await;
    test.db.upsert(&[event(&order("acme", 1))]).await.unwrap();
    let both = PutIn { upserts: vec![again(1, Aspects::NOTES), again(2, Aspects::NOTES)], ..PutIn::default() };
    assert!(test.db.put_in(id, runner, &both).await.unwrap());
    test.db.upsert(&[event(&order("acme", 2))]).await.unwrap();
    assert!(test.claim(&lease, "one").await.iter().all(|item| item.share == Share::Orders));
}

#[tokio::test(flavor = "multi_thread")]
async fn linked_orders_are_counted_and_paged_and_found_by_their_note() {
    let test = TestDb::new().await;
    test.with_tenant().await;
    let link = |order: u64| {
        let link = OrderLink {
            order: StoreOrderId(order),
            part: 0,
            sales_order: SalesOrderId(500 + order),
            installation: InstallationId(7),
            external_ref: format!("bc-abc-{order}"),
            verified: true,
        };
        NewLink::Order(tenant("acme"), link)
    };
    let shipment =
        ShipmentLink { kind: NoteKind::GoodsOut, note: NoteId(4101), order: StoreOrderId(2), address: OrderAddressId(3), shipment: ShipmentId(8) };
    let links = [link(1), link(2), link(3), NewLink::Shipment(tenant("acme"), shipment)];
    test.db.save_links(&account(), &links, &[]).await.unwrap();
    let ever = LinkedIn::default();
    assert_eq!(test.db.count_linked(&tenant("acme"), ever).await.unwrap(), 3);
    let past = LinkedIn { to: Some("2020-01-01T00:00:00Z".parse().unwrap()), ..ever };
    assert_eq!(test.db.count_linked(&tenant("acme"), past).await.unwrap(), 0);
    let first = test.db.linked_orders(&tenant("acme"), ever, None, 2).await.unwrap();
    assert_eq!(first, [StoreOrderId(1), StoreOrderId(2)]);
    assert_eq!(test.db.linked_orders(&tenant("acme"), ever, first.last().copied(), 2).await.unwrap(), [StoreOrderId(3)]);
    let found = test.db.orders_of_notes(&account(), NoteKind::GoodsOut, &[NoteId(4101), NoteId(4102)]).await.unwrap();
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [(NoteId(4101), (tenant("acme"), StoreOrderId(2)))]);
    assert!(test.db.orders_of_notes(&account(), NoteKind::DropShip, &[NoteId(4101)]).await.unwrap().is_empty());
}
