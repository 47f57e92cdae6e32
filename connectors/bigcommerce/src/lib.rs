//! BigCommerce: its REST calls, its payloads, and the proof that a webhook came from it.
//!
//! Payloads never leave this crate; callers see facts. Sections cited as `BC §…` are those of the fact sheet.

mod amounts;
mod audit;
mod by_id;
mod catalogue;
mod chosen;
mod client;
mod hooks;
mod lenient;
mod listing;
mod nested;
mod orders;
mod payload;
mod pick_ups;
mod refunds;
mod reply;
mod scopes;
mod store;
mod transactions;
pub mod webhook;
mod writes;

pub use audit::RefundPage;
pub use client::Client;
pub use hooks::{BlockedDomain, Hook, HookHealth, HooksAdmin, NewHook};
pub use nested::{OrderParts, Parts, WholeOrder};
pub use orders::{OrderPage, OrderStamp, OrderStamps};
pub use store::StoreInfo;
