//! The end-to-end suite: the real executable, real PostgreSQL, real Apache Kafka, and real HTTP to the two simulators.
//!
//! One installation serves most tests, as it would serve most merchants: each test brings its own store and account. Tests that stop,
//! kill or starve something have an installation of their own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    missing_debug_implementations,
    reason = "a test that meets the unexpected must fail, and tests are read, not called"
)]

mod allocation;
mod audit;
mod breakers;
mod calls;
mod commands;
mod connectors;
mod crash;
mod credentials;
mod customers;
mod edits;
mod gating;
mod gone;
mod holds;
mod hooks;
mod identities;
mod installation;
mod intake;
mod leftovers;
mod mended;
mod merchant;
mod money;
mod nameless;
mod openapi;
mod orders;
mod payments;
mod poison;
mod refunds;
mod repair;
mod rules;
mod secrets;
mod shared_account;
mod shipments;
mod status;
mod sweeps;
mod texts;
mod time;
mod tokens;
mod unreadable;
mod wait;
