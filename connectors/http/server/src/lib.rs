//! The HTTP server that every role has: problem details, health, readiness, metrics, bounded bodies and an orderly end.
//!
//! It knows no role: routes are handed in. Paths and bodies are never logged, as both may hold secrets.

mod body;
mod metrics;
mod observe;
mod problem;
mod readiness;
mod server;
mod settings;
mod trace;

pub use body::{BodyError, BodyLimits};
pub use metrics::{Metrics, MetricsError};
pub use observe::Routes;
pub use problem::Problem;
pub use readiness::{Check, Readiness};
pub use server::{HttpServer, ServerError};
pub use settings::HttpServerSettings;
pub use trace::{RequestId, Traceparent};
