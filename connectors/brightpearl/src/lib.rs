//! Brightpearl: its REST calls, its payloads, its tokens, and the proof that a webhook came from it.
//!
//! Payloads never leave this crate; callers see facts. Sections cited as `BP §…` are those of the fact sheet.

mod audit;
mod changes;
mod client;
mod contacts;
mod create;
mod credits;
mod customers;
mod edit;
mod goods_in;
mod hooks;
mod lenient;
mod listing;
mod notes;
pub mod oauth;
mod order_rows;
mod order_texts;
mod orders;
mod payments;
mod products;
mod reference;
mod references;
mod reply;
mod reservations;
mod search;
pub mod webhook;
mod whole;

pub use audit::{Found, PlacedOrder};
pub use changes::{ChangedOrder, ChangedProduct, Changes, ShippedNote};
pub use client::{AppIdentity, Client};
pub use hooks::{NewWebhook, Webhook};
pub use products::ProductPage;
pub use reference::{Channel, OrderStatus, ShippingMethod, Warehouse};
