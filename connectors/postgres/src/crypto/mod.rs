//! Encryption at rest.

mod email;
mod keyring;
mod vault;

pub use email::EmailHasher;
pub(crate) use keyring::random_bytes;
pub use keyring::{CryptoError, Keyring};
pub use vault::Rotated;
pub(crate) use vault::{Plaintext, open_row, open_sealed, seal_row};
