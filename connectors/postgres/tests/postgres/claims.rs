use std::collections::BTreeSet;
use std::time::Duration;

use orderbridge_postgres::Postponed;
use orderbridge_schema::work::{Scope, Share, WorkKey, WorkKind};

use crate::support::{TestDb, account, at, event, limits, order, tenant, tenant_import};

#[tokio::test(flavor = "multi_thread")]
async fn an_event_during_processing_is_never_swallowed() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let key = order("acme", 1);
    test.db.upsert(&[event(&key)]).await.unwrap();
    let item = test.claim(&lease, "one").await.remove(0);
    let first = item.generation;
    test.db.upsert(&[event(&key)]).await.unwrap();
    assert!(!test.db.complete(&item).await.unwrap());
    let again = test.claim(&lease, "one").await.remove(0);
    assert_eq!((again.generation, again.attempts), (first + 1, 1), "ready at once, as if fresh");

    // The same for one that is put off.
    test.db.upsert(&[event(&key)]).await.unwrap();
    let postponed = Postponed { due_at: at("2026-11-22T13:00:00Z"), reason: "later".into(), counts_as_attempt: true, floor: None };
    assert!(!test.db.reschedule(&again, postponed).await.unwrap());
    let again = test.claim(&lease, "one").await.remove(0);
    assert_eq!(again.generation, first + 2);
    assert!(test.db.complete(&again).await.unwrap());
    assert_eq!(test.db.work_show(&key).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_thought_lost_cannot_finish_what_a_later_event_asked_for() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let key = order("acme", 1);
    test.db.upsert(&[event(&key)]).await.unwrap();
    let lost = test.claim(&lease, "one").await.remove(0);
    test.execute("update work_items set claimed_at = claimed_at - interval '16 minutes'");
    let second = test.claim(&lease, "one").await.remove(0);
    assert!(test.db.complete(&second).await.unwrap());

    test.db.upsert(&[event(&key)]).await.unwrap();
    assert_eq!(test.claim(&lease, "one").await.len(), 1);
    assert!(!test.db.complete(&lost).await.unwrap(), "it was claimed before that event");
    assert_eq!(test.claim(&lease, "one").await.len(), 1, "at worst it is looked at twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_items_are_finished_at_once_but_for_those_that_changed() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let events: Vec<_> = (1..=20).map(|id| event(&order("acme", id))).collect();
    test.db.upsert(&events).await.unwrap();
    let items = test.claim(&lease, "one").await;
    test.db.upsert(&events[4..6]).await.unwrap();
    assert_eq!(test.db.complete_many(&items).await.unwrap(), 18);
    let left: BTreeSet<u64> = test.claim(&lease, "one").await.iter().map(|item| item.key.entity).collect();
    assert_eq!(left, BTreeSet::from([5, 6]));
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_count_at_claim_unless_the_wait_was_nobodys_fault() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let key = order("acme", 1);
    test.db.upsert(&[event(&key)]).await.unwrap();
    for (expected, counts) in [(1, true), (2, false), (2, true), (3, true)] {
        let item = test.claim(&lease, "one").await.remove(0);
        assert_eq!(item.attempts, expected);
        let postponed = Postponed { due_at: at("2026-11-22T12:00:00Z"), reason: "why".into(), counts_as_attempt: counts, floor: None };
        assert!(test.db.reschedule(&item, postponed).await.unwrap());
    }
    assert_eq!(test.db.work_show(&key).await.unwrap().unwrap().reason.as_deref(), Some("why"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_tenant_does_not_hide_another_of_the_same_account() {
    let test = TestDb::new().await;
    test.db.import_tenant(&tenant_import("acme", "abc")).await.unwrap();
    test.db.import_tenant(&tenant_import("zeta", "xyz")).await.unwrap();
    let lease = test.lease("one").await;
    let flood: Vec<_> = (1..=300).map(|id| event(&order("acme", id))).collect();
    test.db.upsert(&flood).await.unwrap();
    test.clock.advance(Duration::from_secs(1));
    test.db.upsert(&[event(&order("zeta", 1)), event(&order("zeta", 2))]).await.unwrap();
    let claimed = test.db.claim(&account(), lease.fence, "one", &limits(4)).await.unwrap();
    let of = |id: &str| claimed.iter().filter(|item| item.key.scope == Scope::Tenant(tenant(id))).count();
    assert_eq!((of("acme"), of("zeta")), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_share_has_its_own_limit_and_the_oldest_come_first() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    for id in 1..=6 {
        let mut upsert = event(&order("acme", id));
        upsert.share = if id % 2 == 0 { Share::Sweeps } else { Share::Orders };
        test.db.upsert(&[upsert]).await.unwrap();
        test.clock.advance(Duration::from_secs(1));
    }
    let claimed = test.db.claim(&account(), lease.fence, "one", &limits(2)).await.unwrap();
    let ids: BTreeSet<u64> = claimed.iter().map(|item| item.key.entity).collect();
    assert_eq!(ids, BTreeSet::from([1, 2, 3, 4]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_older_lease_claimed_is_claimable_at_once_and_the_older_one_can_claim_nothing() {
    let test = TestDb::new().await;
    let first = test.with_tenant().await;
    let key = order("acme", 1);
    test.db.upsert(&[event(&key)]).await.unwrap();
    let stale = test.claim(&first, "one").await.remove(0);
    test.execute("update account_leases set expires_at = clock_timestamp() - interval '1 second'");
    assert!(test.claim(&first, "one").await.is_empty(), "a lease that ran out gives no right");
    let second = test.lease("two").await;
    assert!(second.fence > first.fence);
    test.db.upsert(&[event(&order("acme", 2))]).await.unwrap();
    assert!(test.claim(&first, "one").await.is_empty());
    let taken = test.claim(&second, "two").await;
    assert_eq!(taken.len(), 2);

    // The older owner finishes late: that changes nothing.
    assert!(!test.db.complete(&stale).await.unwrap());
    assert_eq!(test.db.work_show(&key).await.unwrap().unwrap().claimed_fence, Some(second.fence));
    assert_eq!(test.db.complete_many(&taken).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_somebody_has_locked_is_skipped_not_waited_for() {
    use diesel::connection::SimpleConnection as _;
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    test.db.upsert(&[event(&order("acme", 1)), event(&order("acme", 2))]).await.unwrap();
    let mut other = test.peek();
    other.batch_execute("begin; select 1 from work_items where entity = 1 for update").unwrap();
    let claimed = tokio::time::timeout(Duration::from_secs(4), test.claim(&lease, "one")).await.expect("no wait");
    assert_eq!(claimed.iter().map(|item| item.key.entity).collect::<Vec<_>>(), [2]);
    other.batch_execute("rollback").unwrap();
    assert_eq!(test.claim(&lease, "one").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn work_of_a_paused_or_parked_tenant_waits_and_is_there_afterwards() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    test.db.import_tenant(&tenant_import("zeta", "xyz")).await.unwrap();
    let routed = WorkKey { scope: Scope::Account(account()), kind: WorkKind::GoodsOutNote, entity: 9 };
    test.db.upsert(&[event(&order("acme", 1)), event(&order("zeta", 1)), event(&routed)]).await.unwrap();
    let acme = tenant("acme");
    assert!(test.db.pause_tenant(&acme).await.unwrap());
    let claimed = test.claim(&lease, "one").await;
    assert_eq!(claimed.len(), 2, "the other tenant's and the account's own");
    assert!(claimed.iter().all(|item| item.key != order("acme", 1)));
    test.db.complete_many(&claimed).await.unwrap();
    assert!(test.db.ready_accounts().await.unwrap().is_empty());

    assert!(test.db.resume_tenant(&acme).await.unwrap());
    assert_eq!(test.db.ready_accounts().await.unwrap().len(), 1);
    assert!(test.db.park_tenant(&acme, "the store refused the token").await.unwrap());
    assert!(test.claim(&lease, "one").await.is_empty());
    assert!(test.db.unpark_tenant(&acme).await.unwrap());
    assert!(test.db.park_account(&account(), test.db.account_credentials(&account()).await.unwrap().token_generation, "revoked").await.unwrap());
    assert!(test.claim(&lease, "one").await.is_empty());
    assert!(test.db.ready_accounts().await.unwrap().is_empty());
    assert!(test.db.unpark_account(&account()).await.unwrap());
    assert_eq!(test.claim(&lease, "one").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ready_accounts_tell_when_the_next_item_is_due_and_forget_what_is_being_worked_on() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    test.db.upsert(&[event(&order("acme", 1))]).await.unwrap();
    let ready = test.db.ready_accounts().await.unwrap();
    assert_eq!((ready[0].account.clone(), ready[0].due_at), (account(), at("2026-11-22T12:00:00Z")));
    let item = test.claim(&lease, "one").await.remove(0);
    assert!(test.db.ready_accounts().await.unwrap().is_empty());
    let due_at = at("2026-11-22T12:05:00Z");
    test.db.reschedule(&item, Postponed { due_at, reason: "later".into(), counts_as_attempt: true, floor: None }).await.unwrap();
    assert_eq!(test.db.ready_accounts().await.unwrap()[0].due_at, due_at);
    assert!(test.claim(&lease, "one").await.is_empty());
    test.clock.advance(Duration::from_secs(300));
    assert_eq!(test.claim(&lease, "one").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_can_be_left_alone_in_one_share() {
    let test = TestDb::new().await;
    test.db.import_tenant(&tenant_import("acme", "abc")).await.unwrap();
    test.db.import_tenant(&tenant_import("zeta", "xyz")).await.unwrap();
    let lease = test.lease("one").await;
    let mut sweep = event(&order("acme", 2));
    sweep.share = Share::Sweeps;
    test.db.upsert(&[event(&order("acme", 1)), sweep, event(&order("zeta", 1))]).await.unwrap();
    let mut wanted = limits(10);
    wanted[0].except = vec![Scope::Tenant(tenant("acme"))];
    let claimed = test.db.claim(&account(), lease.fence, "one", &wanted).await.unwrap();
    assert_eq!(claimed.iter().map(|item| item.key.clone()).collect::<Vec<_>>(), [order("zeta", 1), order("acme", 2)]);
}
