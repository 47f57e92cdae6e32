use std::collections::BTreeSet;
use std::time::Duration;

use crate::support::{TestDb, account, event, order, tenant_import};
use orderbridge_schema::ids::AccountCode;

const MINUTE: Duration = Duration::from_secs(60);

async fn accounts(test: &TestDb, count: usize) {
    for index in 0..count {
        let mut import = tenant_import(&format!("tenant-{index}"), "abc");
        import.account.code = AccountCode::new(format!("account-{index}")).unwrap();
        test.db.import_tenant(&import).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_leased_to_one_owner_at_a_time_with_a_rising_fence() {
    let test = TestDb::new().await;
    accounts(&test, 6).await;
    let (one, two) = (test.another(), test.another());
    let (first, second) = tokio::join!(one.acquire_leases("one", 4, MINUTE), two.acquire_leases("two", 4, MINUTE));
    let (first, second) = (first.unwrap(), second.unwrap());
    let all: BTreeSet<_> = first.iter().chain(&second).map(|lease| lease.account.clone()).collect();
    assert_eq!(all.len(), first.len() + second.len(), "none is leased twice");
    assert!(all.len() >= 4);
    let fences: BTreeSet<_> = first.iter().chain(&second).map(|lease| lease.fence).collect();
    assert_eq!(fences.len(), all.len());

    one.release_leases("one").await.unwrap();
    let taken = two.acquire_leases("two", 10, MINUTE).await.unwrap();
    assert_eq!(taken.len() + second.len(), 6);
    assert!(taken.iter().all(|lease| fences.iter().all(|&older| lease.fence > older)));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_statement_renews_all_but_those_that_ran_out() {
    let test = TestDb::new().await;
    accounts(&test, 3).await;
    let leases = test.db.acquire_leases("one", 10, MINUTE).await.unwrap();
    test.execute("update account_leases set expires_at = clock_timestamp() - interval '1 second' where account = 'account-1'");
    let mut renewed = test.db.renew_leases("one", MINUTE).await.unwrap();
    renewed.sort_by(|a, b| a.account.cmp(&b.account));
    let mut expected: Vec<_> = leases.into_iter().filter(|lease| lease.account.as_str() != "account-1").collect();
    expected.sort_by(|a, b| a.account.cmp(&b.account));
    assert_eq!(renewed, expected);
    assert_eq!(test.db.acquire_leases("two", 10, MINUTE).await.unwrap().len(), 1);
    test.db.release_lease("one", &expected[0].account).await.unwrap();
    assert_eq!(test.db.renew_leases("one", MINUTE).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_follow_the_databases_time_not_the_tests() {
    let test = TestDb::new().await;
    test.with_tenant().await;
    test.clock.advance(Duration::from_secs(86_400));
    assert!(test.db.acquire_leases("two", 10, MINUTE).await.unwrap().is_empty());
    assert_eq!(test.db.renew_leases("one", MINUTE).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_with_work_are_taken_first() {
    let test = TestDb::new().await;
    accounts(&test, 4).await;
    test.db.import_tenant(&tenant_import("acme", "abc")).await.unwrap();
    test.db.upsert(&[event(&order("acme", 1))]).await.unwrap();
    let leases = test.db.acquire_leases("one", 1, MINUTE).await.unwrap();
    assert_eq!(leases[0].account, account());
}
