//! Where the database is and how long anything may wait for it.

use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

/// How to reach the database. Its `Debug` does not show the URL.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    /// `postgres://…`, or a libpq connection string.
    pub url: SecretString,
    /// Connections for the journal, claims and tokens.
    #[serde(default = "hot_connections")]
    pub hot_connections: u32,
    /// Connections for the timeline, reports and the command line.
    #[serde(default = "bulk_connections")]
    pub bulk_connections: u32,
    /// How long a connection may take to be opened before the database counts as away.
    #[serde(default = "checkout_timeout", with = "humantime_serde")]
    pub checkout_timeout: Duration,
    /// How long a query may queue behind this process's others.
    #[serde(default = "queue_timeout", with = "humantime_serde")]
    pub queue_timeout: Duration,
    /// How the journal treats commands whose outcome is unknown.
    #[serde(default)]
    pub journal: JournalSettings,
}

impl DatabaseSettings {
    /// The usual settings for a database.
    #[must_use]
    pub fn at(url: SecretString) -> Self {
        Self {
            url,
            hot_connections: hot_connections(),
            bulk_connections: bulk_connections(),
            checkout_timeout: checkout_timeout(),
            queue_timeout: queue_timeout(),
            journal: JournalSettings::default(),
        }
    }
}

/// How the journal treats commands whose outcome is unknown.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JournalSettings {
    /// How long after a sent command's deadline it may still take effect: a late commit and the lag of the platform's search.
    #[serde(with = "humantime_serde")]
    pub grace: Duration,
    /// How far apart the two look-ups must be that prove a command took no effect.
    #[serde(with = "humantime_serde")]
    pub miss_spacing: Duration,
}

impl Default for JournalSettings {
    fn default() -> Self {
        Self { grace: Duration::from_secs(120), miss_spacing: Duration::from_secs(60) }
    }
}

const fn hot_connections() -> u32 {
    6
}

const fn bulk_connections() -> u32 {
    2
}

const fn checkout_timeout() -> Duration {
    Duration::from_secs(1)
}

const fn queue_timeout() -> Duration {
    Duration::from_secs(10)
}
