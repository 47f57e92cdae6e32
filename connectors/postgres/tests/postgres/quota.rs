use std::sync::Arc;
use std::time::Duration;

use orderbridge_http_client::{PoolKey, QuotaGate as _, QuotaSeen};
use orderbridge_postgres::{PostgresQuotaGate, QuotaSettings};
use orderbridge_schema::work::Share;

use crate::support::{TestDb, at, eventually};

fn settings() -> QuotaSettings {
    QuotaSettings { brightpearl_per_minute: 40, bigcommerce_per_window: 40, block: 4, ..QuotaSettings::default() }
}

fn gate(test: &TestDb, settings: QuotaSettings) -> Arc<PostgresQuotaGate> {
    Arc::new(PostgresQuotaGate::new(test.another(), Arc::new(test.clock.clone()), settings))
}

fn brightpearl() -> PoolKey {
    PoolKey("brightpearl/acct/dev".into())
}

fn store() -> PoolKey {
    PoolKey("bigcommerce/abc".into())
}

/// Callers that want one call each; the counter tells how many got it.
fn callers(gate: &Arc<PostgresQuotaGate>, pool: &PoolKey, share: Share, count: usize) -> Vec<tokio::task::JoinHandle<bool>> {
    let call = |_| {
        let (gate, pool) = (Arc::clone(gate), pool.clone());
        tokio::spawn(async move { gate.acquire(&pool, share).await.is_ok() })
    };
    (0..count).map(call).collect()
}

fn done(calls: &[tokio::task::JoinHandle<bool>]) -> usize {
    calls.iter().filter(|call| call.is_finished()).count()
}

/// The quota row says how much was granted, so "no more comes" can be told without waiting.
fn granted(test: &TestDb) -> i64 {
    test.count("select granted::bigint as n from quota_windows")
}

async fn until_done(calls: &[tokio::task::JoinHandle<bool>], wanted: usize) {
    eventually("calls being granted", || async { (done(calls) >= wanted).then_some(()) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_gates_together_never_exceed_the_limit_of_a_window() {
    let test = TestDb::new().await;
    let (one, two) = (gate(&test, settings()), gate(&test, settings()));
    // More callers at each gate than it can ever serve: a block drawn for the last of them would not be used up.
    let mut calls = callers(&one, &brightpearl(), Share::Orders, 120);
    calls.extend(callers(&two, &brightpearl(), Share::Orders, 120));
    until_done(&calls, 38).await;
    assert_eq!(granted(&test), 38, "the reserve of a twentieth stays");
    assert_eq!(done(&calls), 38);

    test.clock.advance(Duration::from_secs(60));
    until_done(&calls, 76).await;
    assert_eq!(done(&calls), 76);
    test.clock.advance(Duration::from_secs(60));
    until_done(&calls, 114).await;
    assert_eq!((done(&calls), granted(&test)), (114, 38));
    for call in calls {
        call.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn under_contention_every_share_gets_at_least_its_floor() {
    let test = TestDb::new().await;
    let settings = QuotaSettings { brightpearl_per_minute: 200, brightpearl_reserve_percent: 0, ..settings() };
    let gate = gate(&test, settings);
    // The queues fill while the pool is closed, so that all shares wait from the first token on.
    gate.observe(&brightpearl(), QuotaSeen { throttled: true, ..QuotaSeen::default() });
    eventually("the pool being closed", || async { (test.count("select count(*) as n from quota_windows") == 1).then_some(()) }).await;
    let calls: Vec<_> = Share::ALL.iter().rev().map(|&share| (share, callers(&gate, &brightpearl(), share, 210))).collect();
    tokio::task::yield_now().await;
    test.clock.advance(Duration::from_secs(60));
    eventually("the window being used up", || async { (calls.iter().map(|(_, calls)| done(calls)).sum::<usize>() >= 200).then_some(()) }).await;
    for (share, calls) in &calls {
        let floor = 2 * usize::try_from(share.floor_percent()).unwrap();
        let got = done(calls);
        // A block may have been handed out before the last callers had queued.
        assert!(got + 4 >= floor, "{share:?} got {got} of its {floor}");
    }
    assert_eq!(calls.iter().map(|(_, calls)| done(calls)).sum::<usize>(), 200);
    calls.into_iter().flat_map(|(_, calls)| calls).for_each(|call| call.abort());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_used_of_a_store_is_taken_off_for_all_processes() {
    let test = TestDb::new().await;
    let (one, two) = (gate(&test, settings()), gate(&test, settings()));
    one.acquire(&store(), Share::Orders).await.unwrap();
    test.clock.advance(Duration::from_secs(3));
    // Of 40 calls only 10 are left, 4 of which are the reserve; 3 are in hand, so 3 more can be drawn.
    one.observe(&store(), QuotaSeen { limit: Some(40), remaining: Some(10), resets_in: Some(Duration::from_secs(27)), throttled: false });
    let mut calls = callers(&one, &store(), Share::Orders, 8);
    until_done(&calls, 6).await;
    calls.extend(callers(&two, &store(), Share::Orders, 3));
    eventually("the row", || async { (granted(&test) == 36).then_some(()) }).await;
    assert_eq!(done(&calls), 6);
    test.clock.advance(Duration::from_secs(27));
    until_done(&calls, 11).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_pool_waits_for_the_windows_end_in_all_processes() {
    let test = TestDb::new().await;
    let (one, two) = (gate(&test, settings()), gate(&test, settings()));
    one.acquire(&brightpearl(), Share::Orders).await.unwrap();
    one.observe(&brightpearl(), QuotaSeen { remaining: Some(0), throttled: true, ..QuotaSeen::default() });
    eventually("the others being told", || async { (granted(&test) == 38).then_some(()) }).await;
    let mut calls = callers(&one, &brightpearl(), Share::Orders, 2);
    calls.extend(callers(&two, &brightpearl(), Share::Orders, 2));
    // Both have asked in vain once the other pool of the same gates was served.
    for gate in [&one, &two] {
        gate.acquire(&PoolKey("brightpearl/other/dev".into()), Share::Orders).await.unwrap();
    }
    assert_eq!(done(&calls), 0);
    test.clock.advance(Duration::from_secs(60));
    until_done(&calls, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_in_vain_learns_when_to_ask_again() {
    let test = TestDb::new().await;
    let gate = gate(&test, QuotaSettings { brightpearl_per_minute: 0, wait: Duration::from_millis(300), ..settings() });
    let denied = gate.acquire(&brightpearl(), Share::Orders).await.unwrap_err();
    assert_eq!(denied.retry_at, at("2026-11-22T12:01:00Z"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_denies_calls_instead_of_letting_them_through() {
    let test = TestDb::new().await;
    let gate = gate(&test, settings());
    test.execute("alter table quota_windows rename to gone");
    let denied = gate.acquire(&brightpearl(), Share::Orders).await.unwrap_err();
    assert!(denied.retry_at > at("2026-11-22T12:00:00Z"));
    test.execute("alter table gone rename to quota_windows");
    gate.acquire(&brightpearl(), Share::Orders).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_not_made_are_given_back_and_used_by_others() {
    let test = TestDb::new().await;
    let gate = gate(&test, QuotaSettings { wait: Duration::from_millis(300), ..settings() });
    let mut permits = Vec::new();
    while let Ok(permit) = gate.acquire(&brightpearl(), Share::Orders).await {
        permits.push(permit);
    }
    assert_eq!(permits.len(), 38);
    permits.drain(..2).for_each(|permit| gate.give_back(permit));
    for _given_back in 0..2 {
        gate.acquire(&brightpearl(), Share::Fulfilment).await.unwrap();
    }
    gate.acquire(&brightpearl(), Share::Fulfilment).await.unwrap_err();
    assert_eq!(granted(&test), 38);
}
