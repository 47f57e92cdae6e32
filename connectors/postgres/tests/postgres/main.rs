//! The crate against a real PostgreSQL: each test has a database of its own, copied from a migrated template.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod audits;
mod claims;
mod directory;
mod holds;
mod in_step;
mod intake;
mod journal;
mod journal_doubt;
mod leases;
mod links;
mod marks;
mod matching;
mod migrations;
mod model;
mod pools;
mod products;
mod quota;
mod refunds;
mod repair;
mod rules_versions;
mod secrets;
mod support;
mod sweeps;
mod tenants;
mod timeline;
