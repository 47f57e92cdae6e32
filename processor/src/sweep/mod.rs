//! Sweeps: what changed is read now and then, and what nobody told of is told, as events on the topics that webhooks go to.
//!
//! A sweep is a work item like any other, so that quotas, leases, pauses and back-off are those of all work. It never acts on what it
//! finds: it publishes hints, and its watermark moves only when the brokers have acknowledged them.

mod cursor;
mod found;
mod listing;
mod remember;
mod run;
mod settings;

pub(crate) use remember::dates;
pub use settings::SweepSettings;
