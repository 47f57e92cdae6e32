//! What can go wrong, by what the caller does next.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use crate::crypto::CryptoError;

/// Why the database did not do what was asked. Texts hold no stored value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DbError {
    /// It is away, overloaded or was interrupted: the same may succeed later.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// Something else stands where this would go; repeating it changes nothing.
    #[error("{0}")]
    Conflict(String),
    /// It refuses the data, or holds data that this version cannot read.
    #[error("{0}")]
    Data(String),
    /// A secret cannot be sealed or opened.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

impl DbError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    pub(crate) fn data(what: impl std::fmt::Display) -> Self {
        Self::Data(what.to_string())
    }
}

/// Diesel does not show the SQLSTATE of what it has no kind for; these words of PostgreSQL's messages blame the value itself.
const ABOUT_DATA: [&str; 6] =
    ["out of range", "invalid byte sequence", "invalid input syntax", "value too long", "cannot be converted", "unsupported Unicode"];

impl From<DieselError> for DbError {
    fn from(error: DieselError) -> Self {
        match &error {
            DieselError::DatabaseError(kind, info) => {
                let message: String = info.message().chars().take(300).collect();
                match kind {
                    DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::ExclusionViolation => {
                        Self::Conflict(format!("{} already has such a row", info.constraint_name().unwrap_or("a table")))
                    }
                    DatabaseErrorKind::ClosedConnection
                    | DatabaseErrorKind::UnableToSendCommand
                    | DatabaseErrorKind::SerializationFailure
                    | DatabaseErrorKind::ReadOnlyTransaction => Self::Unavailable(message),
                    DatabaseErrorKind::NotNullViolation | DatabaseErrorKind::CheckViolation | DatabaseErrorKind::ForeignKeyViolation => {
                        Self::Data(message)
                    }
                    _ if ABOUT_DATA.iter().any(|words| message.contains(words)) => Self::Data(message),
                    // A full disk, a missing right, a table that a migration has yet to make: nobody's data is to blame, so nothing is
                    // given up for it.
                    _ => Self::Unavailable(message),
                }
            }
            DieselError::BrokenTransactionManager | DieselError::RollbackTransaction => Self::Unavailable(error.to_string()),
            DieselError::RollbackErrorOnCommit { commit_error, .. } => Self::Unavailable(commit_error.to_string()),
            _ => Self::Data(error.to_string()),
        }
    }
}
