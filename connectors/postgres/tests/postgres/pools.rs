use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;

use crate::support::{TestDb, event, eventually, order};

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_query_gives_up_after_five_seconds_and_may_be_repeated() {
    let test = TestDb::new().await;
    let mut other = test.peek();
    other.batch_execute("begin; lock table work_items").unwrap();
    let started = Instant::now();
    let error = test.db.upsert(&[event(&order("acme", 1))]).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert!((4..10).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    other.batch_execute("rollback").unwrap();
    test.db.upsert(&[event(&order("acme", 1))]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_the_server_ended_are_replaced() {
    let test = TestDb::new().await;
    let tenants = || async { test.db.tenant(&crate::support::tenant("acme")).await };
    tokio::join!(tenants(), tenants(), tenants()).0.unwrap();
    test.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()");
    // Each dead connection is found out by one query, whose failure says that it may be repeated.
    eventually("an answer", || async {
        match tenants().await {
            Ok(found) => Some(found),
            Err(error) => {
                assert!(error.is_transient(), "{error}");
                None
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_told_in_time_and_is_no_error_of_the_data() {
    let mut settings = orderbridge_postgres::DatabaseSettings::at(secrecy::SecretString::from("postgres://nobody:hunter2@127.0.0.1:1/none"));
    settings.checkout_timeout = Duration::from_millis(300);
    let db = orderbridge_postgres::Db::connect(&settings, std::sync::Arc::new(crate::support::TestClock::starting(crate::support::START))).unwrap();
    let started = Instant::now();
    let error = db.ping().await.unwrap_err();
    assert!(error.is_transient() && started.elapsed() < Duration::from_secs(5));
    assert!(!format!("{error} {error:?} {db:?} {settings:?}").contains("hunter2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_whose_caller_gave_up_runs_to_its_end() {
    let test = TestDb::new().await;
    let mut other = test.peek();
    other.batch_execute("begin; lock table work_items").unwrap();
    let db = test.db.clone();
    let caller = tokio::spawn(async move { db.upsert(&[event(&order("acme", 1))]).await });
    let waiting = "select count(*) as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    eventually("the query waiting", || async { (test.count(waiting) == 1).then_some(()) }).await;
    caller.abort();
    other.batch_execute("commit").unwrap();
    eventually("the item", || async { test.db.work_show(&order("acme", 1)).await.unwrap() }).await;
}

/// Has the server write down, at each statement that changes a table, what time limits its session was opened with.
const WATCH: &str = "create table seen (place text, idle text, statement text); \
    create function see() returns trigger language plpgsql as $$ begin \
      insert into seen values (tg_table_name, current_setting('idle_in_transaction_session_timeout'), current_setting('statement_timeout')); return null; \
    end $$; \
    create trigger see after insert on work_items for each statement execute function see(); \
    create trigger see after insert on intake_offsets for each statement execute function see(); \
    create trigger see after update on account_leases for each statement execute function see(); \
    create trigger see after insert on tenants for each statement execute function see()";

#[tokio::test(flavor = "multi_thread")]
async fn the_server_ends_a_transaction_that_idles_for_five_seconds_on_whatever_connection() {
    let test = TestDb::new().await;
    test.execute(WATCH);
    test.with_tenant().await;
    test.db.upsert(&[event(&order("acme", 1))]).await.unwrap();
    let step = orderbridge_postgres::OffsetStep { topic: orderbridge_schema::topics::Topic::BigcommerceOrders, partition: 0, from: None, next: 1 };
    test.db.intake(&[], &[step]).await.unwrap();
    for (place, statement) in [("work_items", "5s"), ("intake_offsets", "5s"), ("account_leases", "5s"), ("tenants", "30s")] {
        let of = |limits: &str| test.count(&format!("select count(*) as n from seen where place = '{place}'{limits}"));
        assert!(of("") > 0, "{place}");
        assert_eq!(of(&format!(" and (idle <> '5s' or statement <> '{statement}')")), 0, "{place}");
    }
}
