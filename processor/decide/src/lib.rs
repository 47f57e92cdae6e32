//! The pure core: facts and rules in, a decision out.
//!
//! No I/O, no clock, no randomness, no waiting; the same input always gives the same decision and no input panics. What is missing is
//! asked for: [`decide_order`] answers either with what must still be read or with what is to be done, so that the caller can read for
//! many orders at once and ask again.

mod adoption;
mod allocation;
mod contact;
mod creation;
mod currency;
mod delivery;
mod facts;
mod gate;
mod order;
mod payments;
mod rows;
mod shipments;
mod status;
mod texts;
mod verification;

pub use contact::{Shopper, choose_contact, contact_names, customer_reference, normalise_email};
pub use facts::{ContactFact, Context, Need, OrderFacts, SentPayment, Step};
pub use gate::{newly_seen, seen_in_vain};
pub use order::decide_order;
pub use rows::{SkuKey, sku_key};
pub use status::waits_for_fraud_check;
