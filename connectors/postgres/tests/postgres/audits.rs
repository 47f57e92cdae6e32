//! Audits: one a night, gone on with when stopped, and what they ask of our records.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use orderbridge_postgres::{AuditPage, NewAudit};
use orderbridge_schema::audit::{AuditReport, Window};
use orderbridge_schema::decision::{Cause, Effect, Hold};
use orderbridge_schema::ids::StoreOrderId;
use serde_json::json;

use crate::support::{START, TestDb, at, event, order, tenant};

fn window(from: &str, to: &str) -> Window {
    Window::new(at(from), at(to))
}

fn new(night: Option<Timestamp>) -> NewAudit {
    NewAudit { tenant: tenant("acme"), window: window("2026-11-21T00:30:00Z", "2026-11-22T02:30:00Z"), night, rules_version: 1 }
}

fn report() -> AuditReport {
    AuditReport {
        tenant: tenant("acme"),
        window: new(None).window,
        rules_version: 1,
        payments_compared: true,
        books: Vec::new(),
        differences: Vec::new(),
        held: Vec::new(),
        skipped: Vec::new(),
        waiting: Vec::new(),
        orders_compared: 3,
        transactions_read: 2,
        held_left_out: 0,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_is_begun_once_gone_on_with_and_never_made_again() {
    let test = TestDb::new().await;
    test.with_tenant().await;
    let night = Some(at("2026-11-22T02:30:00Z"));
    let first = test.db.begin_audit(&new(night)).await.unwrap().unwrap();
    assert_eq!(test.db.begin_audit(&new(night)).await.unwrap().unwrap(), first, "a processor that takes over goes on with it");
    let before = test.db.audited_nights(&crate::support::account()).await.unwrap();
    assert_eq!((before[0].night, before[0].differences), (None, None));
    assert!(test.db.last_audit(&tenant("acme")).await.unwrap().is_none());
    test.db.finish_audit(first.id, &report()).await.unwrap();
    assert_eq!(test.db.begin_audit(&new(night)).await.unwrap(), None);
    let after = test.db.audited_nights(&crate::support::account()).await.unwrap();
    assert_eq!((after[0].night, after[0].differences), (night, Some(0)));
    let last = test.db.last_audit(&tenant("acme")).await.unwrap().unwrap();
    assert_eq!((last.run, last.report), (first.clone(), report()));
    let stored = test.db.audits(Some(&tenant("acme")), 10).await.unwrap();
    assert_eq!((stored.len(), stored[0].nightly, stored[0].finished_at), (1, true, Some(at(START))));
    assert_eq!(test.db.audit_report(first.id).await.unwrap(), Some(Some(report())));
    assert_eq!(test.db.audit_report(first.id + 1).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_asked_for_and_was_stopped_is_found_again_for_an_hour() {
    let test = TestDb::new().await;
    test.with_tenant().await;
    let first = test.db.begin_audit(&new(None)).await.unwrap().unwrap();
    let other = window("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z");
    for (asked, found) in [(None, true), (Some(first.window), true), (Some(other), false)] {
        let stopped = test.db.stopped_audit(&tenant("acme"), asked).await.unwrap();
        assert_eq!(stopped, Some(first.clone()).filter(|_| found), "{asked:?}");
    }
    test.db.begin_audit(&new(Some(at("2026-11-22T02:30:00Z")))).await.unwrap().unwrap();
    assert_eq!(test.db.stopped_audit(&tenant("acme"), None).await.unwrap(), Some(first.clone()), "a night's is not somebody's");
    test.clock.advance(Duration::from_secs(3601));
    assert_eq!(test.db.stopped_audit(&tenant("acme"), None).await.unwrap(), None, "what it had read is too old");
    let second = test.db.begin_audit(&new(None)).await.unwrap().unwrap();
    test.db.finish_audit(second.id, &report()).await.unwrap();
    assert_eq!(test.db.stopped_audit(&tenant("acme"), None).await.unwrap(), None, "a finished one is not stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_kept_once_until_the_audit_is_finished() {
    let test = TestDb::new().await;
    test.with_tenant().await;
    let run = test.db.begin_audit(&new(None)).await.unwrap().unwrap();
    let page = |rows, next| AuditPage { rows: json!(rows), next };
    assert_eq!(test.db.audit_page(run.id, "payments", 0).await.unwrap(), None);
    test.db.save_audit_page(run.id, "payments", 0, &page([1, 2], Some(501))).await.unwrap();
    test.db.save_audit_page(run.id, "payments", 0, &page([3, 4], None)).await.unwrap();
    test.db.save_audit_page(run.id, "payments", 1, &page([5, 6], None)).await.unwrap();
    assert_eq!(test.db.audit_page(run.id, "payments", 0).await.unwrap(), Some(page([1, 2], Some(501))), "the first stays");
    assert_eq!(test.db.audit_page(run.id, "refunds", 0).await.unwrap(), None);
    test.db.finish_audit(run.id, &report()).await.unwrap();
    test.db.save_audit_page(run.id, "payments", 2, &page([7, 8], None)).await.unwrap();
    for number in 0..3 {
        assert_eq!(test.db.audit_page(run.id, "payments", number).await.unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn held_and_due_orders_are_told() {
    let test = TestDb::new().await;
    let lease = test.with_tenant().await;
    let keys = [order("acme", 1), order("acme", 2), order("acme", 3)];
    test.db.upsert(&keys.iter().map(event).collect::<Vec<_>>()).await.unwrap();
    let items = test.claim(&lease, "one").await;
    let hold = |effect| Hold { effect, cause: Cause::NoEmail, why: "why".into(), remedy: "what".into() };
    for (item, effect) in items.iter().zip([Effect::Creation, Effect::Creation, Effect::Payment]) {
        assert!(test.db.hold(item, &[hold(effect)], 1).await.unwrap());
    }
    test.db.upsert(&[event(&order("acme", 4))]).await.unwrap();
    let held = test.db.held_creations(&tenant("acme"), 1).await.unwrap();
    assert_eq!((held.held, held.more), (vec![StoreOrderId(2)], 1), "the newest first");
    assert!(test.db.sent_totals(&tenant("acme"), vec!["bc-abc-1".into()]).await.unwrap().is_empty());
    let due = test.db.due_orders(&tenant("acme"), &[1, 2, 3, 4, 5].map(StoreOrderId)).await.unwrap();
    assert_eq!(due, HashMap::from([(StoreOrderId(4), 0)]));
}
