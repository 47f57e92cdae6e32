//! The vocabulary of Orderbridge: ids, money, rules, facts, commands, the event envelope and its topics.
//!
//! Pure data. Nothing here does I/O, reads a clock, draws a random number or waits; every other crate may import it.

pub mod audit;
pub mod clock;
pub mod command;
pub mod decision;
pub mod edit;
pub mod envelope;
pub mod facts;
pub mod ids;
pub mod idset;
pub mod link;
pub mod money;
pub mod order_text;
pub mod reference;
pub mod refund;
pub mod reservation;
pub mod rules;
pub mod seen;
pub mod sweep;
pub mod topics;
pub mod work;
