//! The simulated BigCommerce over real HTTP.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests stop the test as the tests themselves do")]

mod catalogue;
mod customers;
mod faults;
mod harness;
mod hooks;
mod inventory;
mod limits;
mod metafields;
mod money;
mod orders;
mod payments;
mod receiver;
mod shipments;
mod stores;
mod webhooks;
