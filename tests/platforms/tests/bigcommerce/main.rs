//! The simulated BigCommerce over real HTTP.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests stop the test as the tests themselves do")]

mod accounts;
mod ambiguities;
mod catalogue;
mod chaos;
mod cursors;
mod customers;
mod details;
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
mod sign_in;
mod stock_limits;
mod stores;
mod webhooks;
