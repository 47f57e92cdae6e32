//! Kafka, on a mocked cluster for what goes wrong and on a real broker for what a mock cannot show.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may")]

mod consumer;
mod publisher;
mod reader;
mod real;
mod support;
mod watch;
