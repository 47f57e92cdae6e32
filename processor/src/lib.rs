//! The processor role: takes events in, keeps work items, and makes the two platforms agree.
//!
//! It never decides by itself what to do ([`orderbridge_decide`]) and never reads facts by itself ([`orderbridge_reconcile`]); it owns
//! the order of things: what is taken up when, paid from which quota, recorded in the journal before and after each call.

mod account;
mod app;
mod backoff;
mod batch;
mod catalogue;
mod connections;
mod crash;
mod execute;
mod failure;
mod intake;
mod orders;
mod outcome;
mod perform;
mod route;
mod scheduler;
mod settings;

pub use app::{App, Deps, ProcessorError};
pub use settings::ProcessorSettings;
