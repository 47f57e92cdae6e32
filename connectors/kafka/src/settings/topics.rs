//! What the topics must be like.

use std::time::Duration;

use serde::Deserialize;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Events must outlive a long outage of everything that reads them.
const SHORTEST_RETENTION: Duration = DAY.saturating_mul(14);

/// What the topics must be like.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicSettings {
    /// Partitions of each topic; more may be added later, as nothing depends on order.
    #[serde(default = "defaults::partitions")]
    pub partitions: u16,
    /// On how many brokers each partition lives.
    #[serde(default = "defaults::replication")]
    pub replication: u16,
    /// How many of them must have a record before it is acknowledged.
    #[serde(default = "defaults::min_insync_replicas")]
    pub min_insync_replicas: u16,
    /// How long events are kept, by time only.
    #[serde(default = "defaults::retention", with = "humantime_serde")]
    pub retention: Duration,
    /// How long dead letters are kept.
    #[serde(default = "defaults::dead_letter_retention", with = "humantime_serde")]
    pub dead_letter_retention: Duration,
}

impl TopicSettings {
    /// What a production cluster of three brokers has.
    #[must_use]
    pub fn production() -> Self {
        Self {
            partitions: defaults::partitions(),
            replication: defaults::replication(),
            min_insync_replicas: defaults::min_insync_replicas(),
            retention: defaults::retention(),
            dead_letter_retention: defaults::dead_letter_retention(),
        }
    }

    /// What a single local broker can give.
    #[must_use]
    pub fn single_broker() -> Self {
        Self { partitions: 3, replication: 1, min_insync_replicas: 1, ..Self::production() }
    }

    /// Everything wrong with them; empty if they can be used.
    #[must_use]
    pub fn validate(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut check = |holds: bool, problem: &str| {
            if !holds {
                problems.push(format!("topics.{problem}"));
            }
        };
        check(self.partitions > 0, "partitions must be at least 1");
        check(self.replication > 0, "replication must be at least 1");
        check((1..=self.replication).contains(&self.min_insync_replicas), "min_insync_replicas must be 1 to replication");
        check(self.retention >= SHORTEST_RETENTION, "retention must be at least 14 days");
        check(self.dead_letter_retention >= self.retention, "dead_letter_retention must be at least retention");
        problems
    }

    /// What keeps an acknowledged event from surviving the loss of a broker; empty if nothing does.
    #[must_use]
    pub fn production_problems(&self) -> Vec<String> {
        let mut problems = self.validate();
        if self.replication < 3 {
            problems.push("topics.replication must be at least 3 in production".into());
        }
        if self.min_insync_replicas < 2 {
            problems.push("topics.min_insync_replicas must be at least 2 in production".into());
        }
        problems
    }
}

mod defaults {
    use std::time::Duration;

    use super::{DAY, SHORTEST_RETENTION};

    pub(super) const fn partitions() -> u16 {
        12
    }
    pub(super) const fn replication() -> u16 {
        3
    }
    pub(super) const fn min_insync_replicas() -> u16 {
        2
    }
    pub(super) const fn retention() -> Duration {
        SHORTEST_RETENTION
    }
    pub(super) const fn dead_letter_retention() -> Duration {
        DAY.saturating_mul(90)
    }
}
