use std::time::Duration;

use jiff::Timestamp;
use orderbridge_postgres::{CommandState, Confirmed, JournalEntry, Lease, NewCommand, Refusal, SendRight};
use orderbridge_schema::command::{CommandKey, CommandKind};
use orderbridge_schema::work::Scope;
use serde_json::json;

use crate::support::{TestDb, account, tenant};

pub fn command(kind: CommandKind, id: &str, target: &str) -> NewCommand {
    let scope = if kind == CommandKind::CreateContact { Scope::Account(account()) } else { Scope::Tenant(tenant("acme")) };
    NewCommand {
        key: CommandKey { scope, kind, id: id.into() },
        account: account(),
        target: target.into(),
        fingerprint: format!("print-of-{id}"),
        explanation: json!({ "rules_version": 1 }),
    }
}

pub fn sales_order() -> NewCommand {
    command(CommandKind::CreateSalesOrder, "bc-abc-1", "sales-order-of/1")
}

pub fn shipment(mark: &str) -> NewCommand {
    command(CommandKind::CreateShipment, mark, "order/1")
}

pub fn soon(ms: u64) -> Timestamp {
    Timestamp::now() + Duration::from_millis(ms)
}

pub async fn right(test: &TestDb, entry: &JournalEntry, lease: &Lease, owner: &str, ms: u64) -> SendRight {
    test.db.mark_sent(entry, lease.fence, owner, soon(ms)).await.unwrap()
}

pub async fn sent(test: &TestDb, entry: &JournalEntry, lease: &Lease, ms: u64) -> JournalEntry {
    match right(test, entry, lease, "one", ms).await {
        SendRight::Granted(entry) => entry,
        other => panic!("not granted: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn planning_twice_gives_the_same_row_and_a_confirmed_create_never_leaves_confirmed() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let first = test.db.plan(&sales_order()).await.unwrap();
    assert_eq!((first.state, first.revision, first.sends), (CommandState::Planned, 1, 0));
    let mut changed = sales_order();
    changed.fingerprint = "other".into();
    let second = test.db.plan(&changed).await.unwrap();
    assert_eq!((second.revision, second.fingerprint.as_str()), (1, "other"), "not sent yet: it takes on the new content");

    let entry = sent(&test, &second, &lease, 5_000).await;
    assert_eq!((entry.state, entry.sends, entry.owner.as_deref()), (CommandState::Sent, 1, Some("one")));
    assert_eq!(test.db.plan(&sales_order()).await.unwrap().state, CommandState::Sent);
    assert!(test.db.confirm(&entry, Some(42), Confirmed::default()).await.unwrap());
    let after = test.db.plan(&sales_order()).await.unwrap();
    assert_eq!((after.state, after.result_id, after.revision), (CommandState::Confirmed, Some(42), 1));
    assert_eq!(after.confirmed_fingerprint.as_deref(), Some("other"));
    assert_eq!(right(&test, &after, &lease, "one", 5_000).await, SendRight::Moved);
    assert_eq!(test.db.journal_entry(&after.key).await.unwrap(), Some(after));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_was_set_can_be_set_again_under_a_new_revision() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let status = command(CommandKind::SetStoreStatus, "1", "order/1");
    let entry = test.db.plan(&status).await.unwrap();
    let entry = sent(&test, &entry, &lease, 5_000).await;
    assert_eq!(entry.confirmed_fingerprint, None);
    assert!(test.db.confirm(&entry, None, Confirmed::default()).await.unwrap());
    let again = test.db.plan(&status).await.unwrap();
    assert_eq!((again.state, again.revision), (CommandState::Planned, 2));
    assert_eq!(again.confirmed_fingerprint.as_deref(), Some("print-of-1"), "until it is sent again");
    let again = sent(&test, &again, &lease, 5_000).await;
    assert_eq!(again.confirmed_fingerprint, None, "nobody knows while a write is under way");
    assert!(!test.db.confirm(&entry, None, Confirmed::default()).await.unwrap(), "the first send's late answer is not the second's");
    assert!(!test.db.refuse(&entry, "404", "gone", Refusal::Final).await.unwrap());
    assert!(test.db.refuse(&again, "CMNC-1", "no such status", Refusal::Final).await.unwrap());
    assert_eq!(test.db.journal_entry(&again.key).await.unwrap().unwrap().state, CommandState::Refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processors_that_mark_the_same_command_one_gets_the_right() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    for round in 0..10 {
        let entry = test.db.plan(&shipment(&format!("GON-{round}-a1"))).await.unwrap();
        let (one, two) = (test.another(), test.another());
        let (a, b) = tokio::join!(one.mark_sent(&entry, lease.fence, "one", soon(5_000)), two.mark_sent(&entry, lease.fence, "one", soon(5_000)));
        let granted: Vec<JournalEntry> = [a.unwrap(), b.unwrap()]
            .into_iter()
            .filter_map(|right| match right {
                SendRight::Granted(entry) => Some(entry),
                SendRight::Moved | SendRight::TargetBusy { .. } => None,
                SendRight::LeaseLost => panic!("the lease is held"),
            })
            .collect();
        assert_eq!(granted.len(), 1);
        assert!(test.db.confirm(&granted[0], Some(round), Confirmed::default()).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_commands_on_one_target_that_are_marked_at_once_one_waits() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    for round in 0..10 {
        let first = test.db.plan(&shipment(&format!("GON-{round}-a1"))).await.unwrap();
        let second = test.db.plan(&shipment(&format!("GON-{round}-a2"))).await.unwrap();
        let (one, two) = (test.another(), test.another());
        let (a, b) = tokio::join!(one.mark_sent(&first, lease.fence, "one", soon(5_000)), two.mark_sent(&second, lease.fence, "one", soon(5_000)));
        let rights = [a.unwrap(), b.unwrap()];
        let granted: Vec<_> = rights.iter().filter_map(|right| if let SendRight::Granted(entry) = right { Some(entry) } else { None }).collect();
        assert_eq!(granted.len(), 1, "{rights:?}");
        assert!(rights.iter().any(|right| matches!(right, SendRight::TargetBusy { .. })));
        assert!(test.db.confirm(granted[0], Some(100 + round), Confirmed::default()).await.unwrap());
        let other = if granted[0].key == first.key { second } else { first };
        let other = sent(&test, &other, &lease, 5_000).await;
        assert!(test.db.confirm(&other, Some(200 + round), Confirmed::default()).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_is_busy_until_the_other_command_can_no_longer_take_effect() {
    let test = TestDb::hasty().await;
    let lease = test.with_tenant().await;
    let first = test.db.plan(&shipment("GON-1-a1")).await.unwrap();
    let first = sent(&test, &first, &lease, 100).await;
    let second = test.db.plan(&command(CommandKind::SetStoreStatus, "1", "order/1")).await.unwrap();
    let SendRight::TargetBusy { until } = right(&test, &second, &lease, "one", 5_000).await else { panic!() };
    assert_eq!(Some(until), first.settles_at);
    assert!(until > first.deadline_at.unwrap());
    let elsewhere = test.db.plan(&command(CommandKind::SetStoreStatus, "2", "order/2")).await.unwrap();
    sent(&test, &elsewhere, &lease, 5_000).await;
    test.db.doubt(&first, "timed out").await.unwrap();
    assert!(matches!(right(&test, &second, &lease, "one", 5_000).await, SendRight::TargetBusy { .. }));
    crate::support::eventually("the target coming free", || async {
        matches!(right(&test, &second, &lease, "one", 5_000).await, SendRight::Granted(_)).then_some(())
    })
    .await;
    assert!(Timestamp::now() + Duration::from_millis(50) > until);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_present_lease_nothing_is_sent() {
    let test = TestDb::new().await;
    let old = test.with_tenant().await;
    let entry = test.db.plan(&sales_order()).await.unwrap();
    assert_eq!(right(&test, &entry, &old, "somebody", 5_000).await, SendRight::LeaseLost);
    test.execute("update account_leases set expires_at = clock_timestamp() - interval '1 second'");
    assert_eq!(right(&test, &entry, &old, "one", 5_000).await, SendRight::LeaseLost);
    let new = test.lease("two").await;
    assert_eq!(right(&test, &entry, &old, "one", 5_000).await, SendRight::LeaseLost);
    assert!(matches!(right(&test, &entry, &new, "two", 5_000).await, SendRight::Granted(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_has_passed_marks_nothing() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let entry = test.db.plan(&sales_order()).await.unwrap();
    let past = Timestamp::now() - Duration::from_millis(1);
    assert!(test.db.mark_sent(&entry, lease.fence, "one", past).await.is_err());
    assert_eq!(test.db.journal_entry(&entry.key).await.unwrap().unwrap().state, CommandState::Planned);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definite_no_is_refused_or_planned_again() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let entry = test.db.plan(&sales_order()).await.unwrap();
    let first = sent(&test, &entry, &lease, 5_000).await;
    assert!(test.db.refuse(&first, "429", "too many requests", Refusal::Passing).await.unwrap());
    let again = test.db.journal_entry(&entry.key).await.unwrap().unwrap();
    assert_eq!((again.state, again.why.as_deref()), (CommandState::Planned, Some("429: too many requests")));
    assert!(!test.db.refuse(&first, "429", "too many requests", Refusal::Passing).await.unwrap(), "once");
    let second = sent(&test, &again, &lease, 5_000).await;
    assert!(!test.db.doubt(&first, "late").await.unwrap(), "the first send is history");
    assert!(test.db.refuse(&second, "CMNC-018", "unknown product", Refusal::Final).await.unwrap());
    let replanned = test.db.plan(&sales_order()).await.unwrap();
    assert_eq!((replanned.state, replanned.revision, replanned.why), (CommandState::Planned, 2, None), "a refusal may be mended");
}

#[tokio::test(flavor = "multi_thread")]
async fn that_a_refused_command_was_matched_again_is_remembered_whatever_was_throttled_before() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let entry = test.db.plan(&sales_order()).await.unwrap();
    let throttled = sent(&test, &entry, &lease, 5_000).await;
    assert!(test.db.refuse(&throttled, "429", "too many requests", Refusal::Passing).await.unwrap());
    let entry = test.db.plan(&sales_order()).await.unwrap();
    assert!(!entry.matched_again, "waiting for a platform is no matching");
    let refused = sent(&test, &entry, &lease, 5_000).await;
    assert!(test.db.refuse(&refused, "CMNC-018", "unknown contact", Refusal::MatchedAgain).await.unwrap());
    let entry = test.db.plan(&sales_order()).await.unwrap();
    assert_eq!((entry.state, entry.matched_again), (CommandState::Planned, true));
    let refused = sent(&test, &entry, &lease, 5_000).await;
    assert!(test.db.refuse(&refused, "CMNC-018", "unknown contact", Refusal::Final).await.unwrap());
    assert!(test.db.plan(&sales_order()).await.unwrap().matched_again, "once, however often it is planned anew");
}
