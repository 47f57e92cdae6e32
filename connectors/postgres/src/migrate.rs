//! The schema, carried inside the executable.

use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use crate::db::{Db, Lane};
use crate::error::DbError;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// Why migrating failed; the harness boxes its causes, which name tables and never data.
fn refused(error: Box<dyn std::error::Error + Send + Sync>) -> DbError {
    match error.downcast::<diesel::result::Error>() {
        Ok(error) => DbError::from(*error),
        Err(error) => DbError::Data(format!("migrating: {error}")),
    }
}

impl Db {
    /// Brings the schema up to date; each migration is one transaction. Names those it ran.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn migrate(&self) -> Result<Vec<String>, DbError> {
        self.run(Lane::Bulk, |conn| {
            let ran = conn.run_pending_migrations(MIGRATIONS).map_err(refused)?;
            Ok(ran.iter().map(ToString::to_string).collect())
        })
        .await
    }

    /// Takes all migrations back, and all data with them. Names those it took back.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn revert_all(&self) -> Result<Vec<String>, DbError> {
        self.run(Lane::Bulk, |conn| {
            let ran = conn.revert_all_migrations(MIGRATIONS).map_err(refused)?;
            Ok(ran.iter().map(ToString::to_string).collect())
        })
        .await
    }

    /// The migrations that this version wants and the database lacks.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn pending_migrations(&self) -> Result<Vec<String>, DbError> {
        self.run(Lane::Bulk, |conn| {
            let pending = conn.pending_migrations(MIGRATIONS).map_err(refused)?;
            Ok(pending.iter().map(|migration| migration.name().to_string()).collect())
        })
        .await
    }
}
