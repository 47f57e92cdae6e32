//! HTTP towards the platforms: one call, paid from a quota, guarded by a deadline, its failure sorted by what to do next.
//!
//! The only crate that knows reqwest. It never retries by itself, follows no redirect, and shows no query, body or credential in
//! logs or errors.

mod client;
pub mod crash;
mod error;
mod guard;
pub mod lenient;
mod metered;
mod quota;
mod request;

pub use client::{BuildError, HttpClient, HttpSettings};
pub use error::{CallError, FailureClass, redact};
pub use guard::{Deadline, SendGuard};
pub use metered::MeteredClient;
pub use quota::{BoxFuture, Denial, Permit, PoolKey, QuotaDenied, QuotaGate, QuotaSeen, Unlimited};
pub use request::{Header, Method, Request, Response};
