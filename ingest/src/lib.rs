//! Ingest: takes the platforms' webhooks in and loses none that it said yes to.
//!
//! It picks the connection from the path, verifies the bytes as received, wraps them in an envelope and publishes. It says yes only
//! after the brokers' acknowledgement, and asks no database on the way: connections and secrets are in memory. It expands no id set and
//! looks at no payload beyond the entity's id.

mod answer;
mod app;
mod receive;
mod settings;
mod verify;

pub use app::{App, BuildError, Deps, RunError};
pub use settings::IngestSettings;
