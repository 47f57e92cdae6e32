//! Settings of the role.

use std::time::Duration;

use orderbridge_http_server::HttpServerSettings;
use serde::Deserialize;

/// How webhooks are taken in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IngestSettings {
    /// Where to listen, and what is allowed.
    pub http: HttpServerSettings,
    /// How far a signed time may lie from ours, both ways (BC §c: the library's own is 5 minutes).
    #[serde(default = "defaults::signature_tolerance", with = "humantime_serde")]
    pub signature_tolerance: Duration,
    /// Whether a valid signature outside the tolerance is taken as a hint. It costs one needless read at worst; refusing it would count
    /// against every store of the domain (BC §c).
    #[serde(default = "defaults::accept_stale")]
    pub accept_stale: bool,
    /// After how long a sender should try again when the trouble is ours.
    #[serde(default = "defaults::retry_after", with = "humantime_serde")]
    pub retry_after: Duration,
    /// How long the end waits for records that are still on their way.
    #[serde(default = "defaults::flush_timeout", with = "humantime_serde")]
    pub flush_timeout: Duration,
}

impl IngestSettings {
    /// The defaults, for this server.
    #[must_use]
    pub const fn new(http: HttpServerSettings) -> Self {
        Self {
            http,
            signature_tolerance: defaults::signature_tolerance(),
            accept_stale: defaults::accept_stale(),
            retry_after: defaults::retry_after(),
            flush_timeout: defaults::flush_timeout(),
        }
    }

    /// Everything wrong with them, given the largest body whose envelope the brokers take; empty if they can be used.
    #[must_use]
    pub fn validate(&self, publishable_bytes_max: usize) -> Vec<String> {
        let mut problems = self.http.validate();
        let mut check = |holds: bool, problem: &str| {
            if !holds {
                problems.push(problem.to_owned());
            }
        };
        check(
            self.http.body_bytes_max <= publishable_bytes_max,
            &format!("http.body_bytes_max must be at most {publishable_bytes_max}, what fits into a record of kafka.message_bytes_max"),
        );
        check(self.signature_tolerance >= Duration::from_secs(1), "signature_tolerance must be at least 1s");
        check(self.retry_after <= Duration::from_secs(3600), "retry_after must be at most 1h");
        check(self.flush_timeout <= Duration::from_secs(60), "flush_timeout must be at most 60s");
        problems
    }
}

mod defaults {
    use std::time::Duration;

    pub(super) const fn signature_tolerance() -> Duration {
        Duration::from_secs(300)
    }
    pub(super) const fn accept_stale() -> bool {
        true
    }
    pub(super) const fn retry_after() -> Duration {
        Duration::from_secs(5)
    }
    pub(super) const fn flush_timeout() -> Duration {
        Duration::from_secs(6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_must_fit_into_a_record() {
        let settings = IngestSettings::new(HttpServerSettings::new("127.0.0.1:0".parse().unwrap()));
        assert!(settings.validate(settings.http.body_bytes_max).is_empty());
        let problems = settings.validate(settings.http.body_bytes_max - 1);
        assert!(problems.len() == 1 && problems[0].contains("body_bytes_max"), "{problems:?}");
    }

    #[test]
    fn every_problem_is_listed() {
        let http = HttpServerSettings { workers: 0, ..HttpServerSettings::new("127.0.0.1:0".parse().unwrap()) };
        let hours = Duration::from_secs(7200);
        let settings = IngestSettings { signature_tolerance: Duration::ZERO, retry_after: hours, flush_timeout: hours, ..IngestSettings::new(http) };
        assert_eq!(settings.validate(usize::MAX).len(), 4);
    }
}
