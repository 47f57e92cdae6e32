//! The pure core: facts and rules in, a decision out.
//!
//! No I/O, no clock, no randomness, no waiting; the same input always gives the same decision and no input panics. What is missing is
//! asked for: [`decide_order`] answers either with what must still be read or with what is to be done, so that the caller can read for
//! many orders at once and ask again.

mod adoption;
mod allocation;
pub mod audit;
mod cancellation;
mod contact;
mod creation;
mod currency;
mod customer;
mod delivery;
mod edits;
mod facts;
mod gate;
mod gone;
mod identity;
mod order;
mod payments;
mod refunds;
mod row_note;
mod rows;
mod shipments;
mod status;
mod texts;
mod verification;

pub use contact::{Shopper, choose_contact, contact_names, customer_reference, normalise_email};
pub use customer::is_there;
pub use facts::{ContactFact, Context, Need, OrderFacts, SentPayment, Step};
pub use gate::{newly_seen, seen_in_vain};
pub use identity::{Match, SkuKey, match_product, sku_key};
pub use order::decide_order;
pub use refunds::after_row;
pub use status::waits_for_fraud_check;
