//! Settings of the processor.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::audit::AuditSettings;
use crate::sweep::SweepSettings;

/// Whether an order's lines, delivery addresses and fees are read together with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NestedInclude {
    /// From each store that gives them along; any other is remembered for some hours, and its orders are read part by part.
    #[default]
    Auto,
    /// Never.
    Off,
}

/// How the processor takes work up. Unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProcessorSettings {
    /// Where health and metrics answer.
    pub listen: SocketAddr,
    /// Name of this replica: owner of leases and static member of the consumer group. A random one if empty.
    pub instance: String,
    /// Kafka consumer group of intake.
    pub consumer_group: String,
    /// How long a lease on a Brightpearl account lives without renewal.
    #[serde(with = "humantime_serde")]
    pub lease_ttl: Duration,
    /// How long before its end an owner stops using a lease.
    #[serde(with = "humantime_serde")]
    pub lease_margin: Duration,
    /// Accounts that one processor leases at most.
    pub accounts_max: u32,
    /// Work items of one tenant and kind that are reconciled together, 1 to 200.
    pub batch_max: u32,
    /// Orders of one batch that are read or executed side by side, 1 to 4; calls to one account or store are never more than four at once.
    pub calls_at_once: u32,
    /// Whether an order's parts are read together with it: one call instead of three (BC §d; that stores know how is not confirmed).
    pub nested_include: NestedInclude,
    /// How long after our own write to an order the webhook that it causes is left, so that the echoes of many writes are read together;
    /// up to twice as long in the end. Zero reads each at once.
    #[serde(with = "humantime_serde")]
    pub echo_wait: Duration,
    /// How long after it is marked sent a command's bytes may still be written.
    #[serde(with = "humantime_serde")]
    pub send_within: Duration,
    /// How often an account without work is looked at, should a notification be lost.
    #[serde(with = "humantime_serde")]
    pub idle_scan: Duration,
    /// How often it is looked for what orders wait for and no event tells of: new products, contacts, and what a platform refused (old
    /// refusals are tried again half as often). A third of a minute keeps the promise that a mended cause releases within one.
    #[serde(with = "humantime_serde")]
    pub mended_check: Duration,
    /// How long a stopping processor waits for the calls it has begun.
    #[serde(with = "humantime_serde")]
    pub drain: Duration,
    /// How often it is looked for what no event told of.
    pub sweeps: SweepSettings,
    /// When the books of both platforms are compared.
    pub audit: AuditSettings,
}

impl Default for ProcessorSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8081)),
            instance: String::new(),
            consumer_group: "orderbridge-intake".into(),
            lease_ttl: Duration::from_secs(15),
            lease_margin: Duration::from_secs(3),
            accounts_max: 500,
            batch_max: 100,
            calls_at_once: 4,
            nested_include: NestedInclude::default(),
            echo_wait: Duration::from_secs(2),
            send_within: Duration::from_secs(10),
            idle_scan: Duration::from_secs(2),
            mended_check: Duration::from_secs(20),
            drain: Duration::from_secs(8),
            sweeps: SweepSettings::default(),
            audit: AuditSettings::default(),
        }
    }
}

impl ProcessorSettings {
    /// Everything wrong with the settings, each with its key; empty if the processor can run on them.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut check = |fine: bool, problem: &str| {
            if !fine {
                found.push(problem.to_owned());
            }
        };
        check(!self.consumer_group.is_empty(), "processor.consumer_group must not be empty");
        check(self.lease_margin * 2 < self.lease_ttl, "processor.lease_margin must be less than half of lease_ttl");
        check((1..=200).contains(&self.batch_max), "processor.batch_max must be 1 to 200");
        check((1..=4).contains(&self.calls_at_once), "processor.calls_at_once must be 1 to 4");
        check(self.echo_wait <= Duration::from_secs(30), "processor.echo_wait must be at most 30s");
        check(self.accounts_max > 0, "processor.accounts_max must be at least 1");
        check(!self.send_within.is_zero() && self.send_within <= Duration::from_secs(60), "processor.send_within must be above 0 and at most 60s");
        check(!self.idle_scan.is_zero(), "processor.idle_scan must be above 0");
        check(!self.mended_check.is_zero(), "processor.mended_check must be above 0");
        check(self.drain < Duration::from_secs(10), "processor.drain must be below the 10s session time-out of the consumer group");
        found.extend(self.sweeps.problems());
        found.extend(self.audit.problems());
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_every_problem_is_named() {
        assert_eq!(ProcessorSettings::default().problems(), Vec::<String>::new());
        let wrong = ProcessorSettings {
            consumer_group: String::new(),
            lease_margin: Duration::from_secs(20),
            batch_max: 201,
            calls_at_once: 0,
            echo_wait: Duration::from_secs(31),
            accounts_max: 0,
            send_within: Duration::ZERO,
            idle_scan: Duration::ZERO,
            drain: Duration::from_secs(10),
            sweeps: SweepSettings { pages_max: 0, ..SweepSettings::default() },
            ..ProcessorSettings::default()
        };
        assert_eq!(wrong.problems().len(), 10);
    }
}
