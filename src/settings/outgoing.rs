//! Calls to the platforms.

use std::time::Duration;

use orderbridge_http_client::{BuildError, HttpClient, HttpSettings};
use serde::Deserialize;

/// Under `[http]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutgoingSettings {
    /// For a connection, TLS included.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// For each further piece of a reply.
    #[serde(with = "humantime_serde")]
    pub read_timeout: Duration,
    /// For the whole call.
    #[serde(with = "humantime_serde")]
    pub total_timeout: Duration,
    /// Longest reply that is read.
    pub body_bytes_max: usize,
    /// How we name ourselves to the platforms.
    pub user_agent: String,
}

impl Default for OutgoingSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(30),
            total_timeout: Duration::from_secs(60),
            body_bytes_max: 32 * 1024 * 1024,
            user_agent: concat!("orderbridge/", env!("CARGO_PKG_VERSION")).into(),
        }
    }
}

impl OutgoingSettings {
    /// Everything wrong with them.
    pub fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut check = |fine: bool, problem: &str| {
            if !fine {
                found.push(format!("http.{problem}"));
            }
        };
        check(
            !self.connect_timeout.is_zero() && self.connect_timeout <= self.total_timeout,
            "connect_timeout must be above 0 and at most total_timeout",
        );
        check(!self.read_timeout.is_zero() && self.read_timeout <= self.total_timeout, "read_timeout must be above 0 and at most total_timeout");
        check(self.total_timeout <= Duration::from_secs(300), "total_timeout must be at most 5m");
        check(self.body_bytes_max >= 1024 * 1024, "body_bytes_max must be at least 1048576");
        check(!self.user_agent.is_empty() && self.user_agent.is_ascii(), "user_agent must be plain text");
        found
    }

    /// The client that all calls to the platforms go through.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn client(&self) -> Result<HttpClient, BuildError> {
        HttpClient::new(&HttpSettings {
            connect_timeout: self.connect_timeout,
            read_timeout: self.read_timeout,
            total_timeout: self.total_timeout,
            body_bytes_max: self.body_bytes_max,
            user_agent: self.user_agent.clone(),
        })
    }
}
