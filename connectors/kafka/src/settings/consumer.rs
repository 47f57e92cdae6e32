//! How intake reads.

use std::time::Duration;

use serde::Deserialize;

/// How intake reads the event topics.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsumerSettings {
    /// The consumer group; every processor of one installation has the same.
    #[serde(default = "defaults::group_id")]
    pub group_id: String,
    /// This replica's lasting name in the group. With it, a restart within the session time-out moves no partition; no two living
    /// replicas may share one.
    #[serde(default)]
    pub group_instance_id: Option<String>,
    /// After how long without a sign of life the partitions go to others.
    #[serde(default = "defaults::session_timeout", with = "humantime_serde")]
    pub session_timeout: Duration,
    /// The most records of one batch.
    #[serde(default = "defaults::batch_records_max")]
    pub batch_records_max: usize,
    /// How long a batch waits to become full, counted from its first record.
    #[serde(default = "defaults::batch_wait", with = "humantime_serde")]
    pub batch_wait: Duration,
    /// The longest pause between two attempts to store the same batch.
    #[serde(default = "defaults::retry_wait_max", with = "humantime_serde")]
    pub retry_wait_max: Duration,
}

impl ConsumerSettings {
    /// The defaults, for this group.
    #[must_use]
    pub fn new(group_id: impl Into<String>) -> Self {
        Self {
            group_id: group_id.into(),
            group_instance_id: None,
            session_timeout: defaults::session_timeout(),
            batch_records_max: defaults::batch_records_max(),
            batch_wait: defaults::batch_wait(),
            retry_wait_max: defaults::retry_wait_max(),
        }
    }

    /// Everything wrong with them; empty if they can be used.
    #[must_use]
    pub fn validate(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut check = |holds: bool, problem: &str| {
            if !holds {
                problems.push(format!("consumer.{problem}"));
            }
        };
        check(!self.group_id.is_empty(), "group_id must not be empty");
        check(self.group_instance_id.as_ref().is_none_or(|id| !id.is_empty()), "group_instance_id must not be empty");
        let session = Duration::from_secs(1)..=Duration::from_secs(300);
        check(session.contains(&self.session_timeout), "session_timeout must be 1s to 5m");
        check((1..=10_000).contains(&self.batch_records_max), "batch_records_max must be 1 to 10000");
        check(self.batch_wait <= Duration::from_secs(1), "batch_wait must be at most 1s");
        let retry = Duration::from_millis(100)..=Duration::from_secs(60);
        check(retry.contains(&self.retry_wait_max), "retry_wait_max must be 100ms to 60s");
        problems
    }
}

mod defaults {
    use std::time::Duration;

    pub(super) fn group_id() -> String {
        "orderbridge-intake".into()
    }
    pub(super) const fn session_timeout() -> Duration {
        Duration::from_secs(10)
    }
    pub(super) const fn batch_records_max() -> usize {
        500
    }
    pub(super) const fn batch_wait() -> Duration {
        Duration::from_millis(20)
    }
    pub(super) const fn retry_wait_max() -> Duration {
        Duration::from_secs(5)
    }
}
