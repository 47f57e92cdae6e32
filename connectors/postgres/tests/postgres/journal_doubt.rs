use std::time::Duration;

use orderbridge_postgres::{CommandState, Confirmed, DbError, JournalEntry, Missed, Refusal, SendRight};
use orderbridge_schema::command::CommandKind;

use crate::journal::{command, right, sales_order, sent, shipment, soon};
use crate::support::{TestDb, account, eventually};

const NO_TIME: Duration = Duration::ZERO;

async fn wait_until_settled(test: &TestDb, entry: &JournalEntry) {
    eventually("deadline and grace", || async {
        let sql = format!(
            "select count(*) as n from commands where id = '{}' and deadline_at + interval '150 milliseconds' < clock_timestamp()",
            entry.key.id
        );
        (test.count(&sql) == 1).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sent_command_is_in_doubt_for_everybody_once_its_deadline_has_passed() {
    let test = TestDb::hasty().await;
    let lease = test.with_tenant().await;
    let entry = test.db.plan(&shipment("GON-1-a1")).await.unwrap();
    let entry = sent(&test, &entry, &lease, 60).await;
    let found = eventually("the doubt", || async { test.another().unsettled(&account()).await.unwrap().pop() }).await;
    assert_eq!((found.state, found.key.clone(), found.sends), (CommandState::InDoubt, entry.key.clone(), 1));
    assert!(found.deadline_at.unwrap() < found.settles_at.unwrap());
    // An answer that comes in late is still the answer.
    assert!(test.db.confirm(&entry, Some(9), Confirmed::default()).await.unwrap());
    assert!(test.db.unsettled(&account()).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn absence_is_proved_by_two_look_ups_after_the_grace_and_apart() {
    let test = TestDb::hasty().await;
    let lease = test.with_tenant().await;
    let entry = test.db.plan(&shipment("GON-1-a1")).await.unwrap();
    let entry = sent(&test, &entry, &lease, 60).await;
    assert_eq!(test.db.miss(&entry, NO_TIME).await.unwrap(), Missed::First { again_at: entry.settles_at.unwrap() });
    assert_eq!(test.db.journal_entry(&entry.key).await.unwrap().unwrap().misses, 0, "too early to count");
    assert!(test.db.doubt(&entry, "timed out").await.unwrap());
    wait_until_settled(&test, &entry).await;
    // A look-up that began before the grace was over proves nothing, however late it ended.
    assert!(matches!(test.db.miss(&entry, Duration::from_secs(60)).await.unwrap(), Missed::First { .. }));
    assert_eq!(test.db.journal_entry(&entry.key).await.unwrap().unwrap().misses, 0);

    let Missed::First { again_at } = test.db.miss(&entry, NO_TIME).await.unwrap() else { panic!() };
    let first = test.db.journal_entry(&entry.key).await.unwrap().unwrap();
    assert_eq!((first.misses, first.state), (1, CommandState::InDoubt));
    assert_eq!(again_at, first.last_miss_at.unwrap() + Duration::from_millis(150));
    assert_eq!(test.db.miss(&entry, NO_TIME).await.unwrap(), Missed::First { again_at }, "too soon after the first");
    assert_eq!(right(&test, &entry, &lease, "one", 5_000).await, SendRight::Moved, "look first");
    eventually("the proof", || async { (test.db.miss(&entry, NO_TIME).await.unwrap() == Missed::Proved).then_some(()) }).await;
    let spaced = format!("select count(*) as n from commands where id = '{}' and changed_at >= '{}'::timestamptz", entry.key.id, again_at);
    assert_eq!(test.count(&spaced), 1);
    let proved = test.db.journal_entry(&entry.key).await.unwrap().unwrap();
    assert_eq!((proved.state, proved.sends), (CommandState::Planned, 1));
    assert_eq!(test.db.miss(&entry, NO_TIME).await.unwrap(), Missed::Moved);
    assert!(matches!(right(&test, &proved, &lease, "one", 5_000).await, SendRight::Granted(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn by_default_the_grace_is_two_minutes_and_misses_are_a_minute_apart() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let entry = test.db.plan(&shipment("GON-1-a1")).await.unwrap();
    let entry = sent(&test, &entry, &lease, 5_000).await;
    assert_eq!(entry.settles_at.unwrap().duration_since(entry.deadline_at.unwrap()).as_secs(), 120);
    test.execute("update commands set deadline_at = clock_timestamp() - interval '119 seconds'");
    assert!(matches!(test.db.miss(&entry, NO_TIME).await.unwrap(), Missed::First { .. }));
    assert_eq!(test.db.journal_entry(&entry.key).await.unwrap().unwrap().misses, 0);
    test.execute("update commands set deadline_at = clock_timestamp() - interval '121 seconds'");
    assert!(matches!(test.db.miss(&entry, NO_TIME).await.unwrap(), Missed::First { .. }));
    test.execute("update commands set last_miss_at = clock_timestamp() - interval '58 seconds'");
    assert!(matches!(test.db.miss(&entry, NO_TIME).await.unwrap(), Missed::First { .. }));
    test.execute("update commands set last_miss_at = clock_timestamp() - interval '61 seconds'");
    assert_eq!(test.db.miss(&entry, NO_TIME).await.unwrap(), Missed::Proved);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyed_create_in_doubt_is_resent_after_the_grace_and_its_refusal_settles_nothing() {
    let test = TestDb::hasty().await;
    let lease = test.with_tenant().await;
    let entry = test.db.plan(&sales_order()).await.unwrap();
    let first = sent(&test, &entry, &lease, 60).await;
    assert!(test.db.doubt(&first, "timed out").await.unwrap());
    assert!(matches!(right(&test, &first, &lease, "one", 5_000).await, SendRight::TargetBusy { .. }));
    wait_until_settled(&test, &first).await;
    let second = sent(&test, &first, &lease, 5_000).await;
    assert_eq!(second.sends, 2);
    assert!(test.db.refuse(&second, "429", "too many requests", Refusal::Passing).await.unwrap());
    let after = test.db.journal_entry(&entry.key).await.unwrap().unwrap();
    assert_eq!(after.state, CommandState::InDoubt, "the first send may have made it");
    assert!(test.db.confirm(&after, Some(7), Confirmed::default()).await.unwrap());
    let done = test.db.journal_entry(&entry.key).await.unwrap().unwrap();
    assert_eq!((done.state, done.confirmed_fingerprint), (CommandState::Confirmed, None), "which body it has is not known");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_in_doubt_takes_on_new_content_only_after_the_grace() {
    let test = TestDb::hasty().await;
    let lease = test.with_tenant().await;
    let mut status = command(CommandKind::SetStoreStatus, "1", "order/1");
    let entry = test.db.plan(&status).await.unwrap();
    let entry = sent(&test, &entry, &lease, 60).await;
    test.db.doubt(&entry, "timed out").await.unwrap();
    status.fingerprint = "newer".into();
    assert_eq!(test.db.plan(&status).await.unwrap().fingerprint, "print-of-1");
    wait_until_settled(&test, &entry).await;
    let newer = test.db.plan(&status).await.unwrap();
    assert_eq!((newer.fingerprint.as_str(), newer.state), ("newer", CommandState::InDoubt));
    let newer = sent(&test, &newer, &lease, 5_000).await;
    assert!(test.db.confirm(&newer, None, Confirmed::default()).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_confirmed_without_an_id_is_looked_up_until_it_is_found() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let entry = test.db.plan(&sales_order()).await.unwrap();
    let entry = sent(&test, &entry, &lease, 5_000).await;
    assert!(test.db.confirm(&entry, None, Confirmed::default()).await.unwrap());
    let open = test.db.unsettled(&account()).await.unwrap();
    assert_eq!((open.len(), open[0].state, open[0].result_id), (1, CommandState::Confirmed, None));
    assert!(test.db.confirm(&open[0], Some(5), Confirmed::default()).await.unwrap());
    assert!(test.db.unsettled(&account()).await.unwrap().is_empty());
    assert!(!test.db.confirm(&open[0], Some(5), Confirmed::default()).await.unwrap());
    let twice = test.db.confirm(&open[0], Some(6), Confirmed::default()).await.unwrap_err();
    assert!(matches!(twice, DbError::Conflict(_)), "{twice}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_whose_commit_fails_gives_no_right() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let entry = test.db.plan(&sales_order()).await.unwrap();
    // A constraint that is checked at commit stands for a commit whose outcome the caller cannot learn.
    test.execute(
        "create function no() returns trigger language plpgsql as $$ begin raise exception 'connection lost'; end $$; \
         create constraint trigger at_commit after update on commands deferrable initially deferred for each row execute function no()",
    );
    let error = test.db.mark_sent(&entry, lease.fence, "one", soon(5_000)).await.unwrap_err();
    assert!(error.is_transient());
    test.execute("drop trigger at_commit on commands");
    assert!(matches!(right(&test, &entry, &lease, "one", 5_000).await, SendRight::Granted(_)));
}
