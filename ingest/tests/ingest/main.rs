//! Ingest as the platforms see it: a real server, a real database, a broker that can be made to hang.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may")]

mod bigcommerce;
mod brightpearl;
mod delivery;
mod directory;
mod garbage;
mod outage;
mod service;
mod support;
