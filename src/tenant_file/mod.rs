//! One tenant's settings as a TOML file: read with every mistake named, written without secrets.

mod mistake;
mod read;
mod shape;
mod walk;
mod write;

pub use mistake::{Refused, position};
pub use read::{read, refuse};
pub use write::write;

#[cfg(test)]
mod tests;
