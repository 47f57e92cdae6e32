use std::time::Duration;

use orderbridge_postgres::TimelineEntry;
use serde_json::json;

use crate::support::{TestDb, at, order};

fn entry(at_text: &str, key: &str) -> TimelineEntry {
    TimelineEntry { about: order("acme", 1), at: at(at_text), key: key.into(), text: "words".into(), data: json!({}) }
}

#[tokio::test(flavor = "multi_thread")]
async fn months_are_made_ahead_and_a_moment_outside_them_is_kept_all_the_same() {
    let test = TestDb::new().await;
    test.db.append_timeline(&[entry("2026-12-03T00:00:00Z", "before its month was made")]).await.unwrap();
    test.db.ensure_timeline_partitions().await.unwrap();
    test.db.ensure_timeline_partitions().await.unwrap();
    test.clock.advance(Duration::from_secs(40 * 86_400));
    test.db.ensure_timeline_partitions().await.unwrap();
    let months = "select count(*) as n from pg_inherits where inhparent = 'timeline'::regclass";
    assert_eq!(test.count(months), 5, "November, January, February, March and the default one, which has December's row");
    test.db
        .append_timeline(&[entry("2026-11-30T23:59:59Z", "b"), entry("2027-02-01T00:00:00Z", "d"), entry("2031-01-01T00:00:00Z", "e")])
        .await
        .unwrap();
    assert_eq!(test.count("select count(*) as n from timeline_2026_11"), 1);
    assert_eq!(test.count("select count(*) as n from timeline_2027_02"), 1);
    let keys: Vec<String> = test.db.timeline(&order("acme", 1)).await.unwrap().into_iter().map(|entry| entry.key).collect();
    assert_eq!(keys, ["b", "before its month was made", "d", "e"]);
    assert!(test.db.timeline(&order("acme", 2)).await.unwrap().is_empty());
}
