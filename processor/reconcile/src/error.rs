//! Why facts could not be read.

use orderbridge_http_client::CallError;
use orderbridge_postgres::DbError;
use orderbridge_schema::ids::Platform;

/// Who failed to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// One of the platforms.
    Platform(Platform),
    /// Our own database.
    Database,
}

/// A fact could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A platform did not answer as wanted.
    #[error("reading from {platform}: {error}")]
    Call {
        /// Which one.
        platform: Platform,
        /// What it did.
        error: CallError,
    },
    /// The database did not answer as wanted.
    #[error("reading from the database: {0}")]
    Db(#[from] DbError),
    /// Facts were asked for that reading did not bring: a mistake of ours, told instead of looping.
    #[error("deciding about order {order} asked again for facts that were just read")]
    NoProgress {
        /// Which order.
        order: u64,
    },
}

impl ReadError {
    /// Wraps a BigCommerce call's error.
    #[must_use]
    pub const fn bigcommerce(error: CallError) -> Self {
        Self::Call { platform: Platform::Bigcommerce, error }
    }

    /// Wraps a Brightpearl call's error.
    #[must_use]
    pub const fn brightpearl(error: CallError) -> Self {
        Self::Call { platform: Platform::Brightpearl, error }
    }
}
