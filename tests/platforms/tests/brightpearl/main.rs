//! The Brightpearl simulator over real HTTP, judged against the platform's documented and recorded behaviour.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise; clippy exempts only the functions marked as tests"
)]

mod access;
mod accounting;
mod ambiguities;
mod catalogue;
mod chaos;
mod contacts;
mod goods_out;
mod order_changes;
mod orders;
mod reservations;
mod searches;
mod sign_in;
mod staff;
mod support;
mod webhooks;
