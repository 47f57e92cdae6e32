//! The processor role: takes events in, keeps work items, and makes the two platforms agree.
//!
//! It never decides by itself what to do ([`orderbridge_decide`]) and never reads facts by itself ([`orderbridge_reconcile`]); it owns
//! the order of things: what is taken up when, paid from which quota, recorded in the journal before and after each call.

mod access;
mod account;
mod app;
mod audit;
mod backoff;
mod batch;
mod breaker;
mod catalogue;
mod catalogue_pass;
mod connections;
mod edits;
mod execute;
mod explain;
mod extras;
mod failure;
mod gate;
pub mod hooks;
mod intake;
mod left_for_now;
mod lists;
mod marks;
mod orders;
mod outcome;
mod own_writes;
mod payments;
mod perform;
mod reference;
mod refunds;
mod refusals;
mod route;
mod scheduler;
mod settings;
mod sweep;
mod tokens;

pub use app::{App, Deps, ProcessorError};
pub use audit::AuditSettings;
pub use intake::{joined, work_of};
pub use settings::{NestedInclude, ProcessorSettings};
pub use sweep::SweepSettings;
