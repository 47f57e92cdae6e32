//! What readiness asks of the topics, on a real broker.

use std::time::Duration;

use orderbridge_kafka::{TopicSettings, Topics, TopicsWatch};

use crate::real::{settings, topics};
use crate::support::eventually;

#[tokio::test]
async fn topics_that_may_lose_events_are_told_and_more_partitions_are_no_weakness() {
    let settings = settings();
    let ours = topics(&settings);
    let watch = |wanted: &TopicSettings| TopicsWatch::start(Topics::new(&settings, wanted).unwrap());
    let missing = watch(&TopicSettings::single_broker());
    eventually("missing topics are told", || missing.health().is_err_and(|why| why.contains("does not exist"))).await;
    ours.create().await.unwrap();

    let fewer = TopicSettings { partitions: 1, ..TopicSettings::single_broker() };
    let well = watch(&fewer);
    eventually("they are as this installation wants them", || well.health().is_ok()).await;

    let longer = TopicSettings { retention: Duration::from_secs(20 * 86_400), ..TopicSettings::production() };
    let weak = watch(&longer);
    let told =
        |why: String| why.contains("replication is 1, at least 3 is needed") && why.contains("retention.ms is 1209600000, at least 1728000000");
    eventually("one broker is too few, two weeks too short", || weak.health().is_err_and(told)).await;
    ours.delete_prefixed().await.unwrap();
}
