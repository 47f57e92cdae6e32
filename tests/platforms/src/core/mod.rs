//! What both simulated platforms share: HTTP with faults, the ledger, the clock and the delivery of webhooks.
//!
//! A platform is a plain state machine behind the [`Platform`] trait; everything asynchronous, everything that can be
//! broken on purpose and everything that is recorded lives here, so that both platforms behave alike for a test.

mod clock;
mod control;
mod delivery;
mod exchange;
mod fault;
mod glob;
mod ledger;
mod message;
mod platform;
mod rng;
mod server;
mod switches;

pub use clock::SimClock;
pub use delivery::Chaos;
pub use glob::Glob;
pub use message::{ApiRequest, ApiResponse, Door};
pub use platform::{Delivery, DeliveryOutcome, Platform};
pub use rng::Rng;
pub use server::{ServeSettings, Server, serve, serve_with};
pub use switches::{SwitchDef, Switches};
