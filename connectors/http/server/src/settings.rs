//! Settings of the server.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;

use crate::body::BodyLimits;

/// Where to listen, and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpServerSettings {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Threads that serve requests.
    #[serde(default = "defaults::workers")]
    pub workers: usize,
    /// The most bytes of a request's body.
    #[serde(default = "defaults::body_bytes_max")]
    pub body_bytes_max: usize,
    /// The longest a body may take to arrive.
    #[serde(default = "defaults::body_timeout", with = "humantime_serde")]
    pub body_timeout: Duration,
    /// How long "not ready" is shown before connections are refused, so that a load balancer can turn away first.
    #[serde(default = "defaults::unready_delay", with = "humantime_serde")]
    pub unready_delay: Duration,
    /// How long requests that have begun may take to end when the process stops; whole seconds.
    #[serde(default = "defaults::drain_timeout", with = "humantime_serde")]
    pub drain_timeout: Duration,
}

impl HttpServerSettings {
    /// The defaults, for this address.
    #[must_use]
    pub const fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            workers: defaults::workers(),
            body_bytes_max: defaults::body_bytes_max(),
            body_timeout: defaults::body_timeout(),
            unready_delay: defaults::unready_delay(),
            drain_timeout: defaults::drain_timeout(),
        }
    }

    /// Everything wrong with them; empty if they can be used.
    #[must_use]
    pub fn validate(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut check = |holds: bool, problem: &str| {
            if !holds {
                problems.push(format!("http.{problem}"));
            }
        };
        check((1..=256).contains(&self.workers), "workers must be 1 to 256");
        check(self.body_bytes_max >= 1024, "body_bytes_max must be at least 1024");
        check((Duration::from_millis(100)..=Duration::from_secs(60)).contains(&self.body_timeout), "body_timeout must be 100ms to 60s");
        check(self.unready_delay <= Duration::from_secs(60), "unready_delay must be at most 60s");
        check((Duration::from_secs(1)..=Duration::from_secs(120)).contains(&self.drain_timeout), "drain_timeout must be 1s to 120s");
        problems
    }

    /// What a body may be.
    #[must_use]
    pub const fn body_limits(&self) -> BodyLimits {
        BodyLimits { bytes_max: self.body_bytes_max, timeout: self.body_timeout }
    }
}

mod defaults {
    use std::time::Duration;

    pub(super) const fn workers() -> usize {
        2
    }
    pub(super) const fn body_bytes_max() -> usize {
        900_000
    }
    pub(super) const fn body_timeout() -> Duration {
        Duration::from_secs(10)
    }
    pub(super) const fn unready_delay() -> Duration {
        Duration::from_secs(1)
    }
    pub(super) const fn drain_timeout() -> Duration {
        Duration::from_secs(8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_same_in_a_file_and_in_code() {
        let read: HttpServerSettings = toml::from_str("listen = \"127.0.0.1:0\"").unwrap();
        assert_eq!(read, HttpServerSettings::new("127.0.0.1:0".parse().unwrap()));
        assert!(read.validate().is_empty());
        assert!(toml::from_str::<HttpServerSettings>("listen = \"127.0.0.1:0\"\nport = 1").is_err());
    }

    #[test]
    fn every_problem_is_listed() {
        let zero = Duration::ZERO;
        let listen = "127.0.0.1:0".parse().unwrap();
        let settings =
            HttpServerSettings { workers: 0, body_bytes_max: 0, body_timeout: zero, drain_timeout: zero, ..HttpServerSettings::new(listen) };
        assert_eq!(settings.validate().len(), 4);
    }
}
