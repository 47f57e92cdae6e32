//! `migrate up|status|revert`.

use clap::Subcommand;
use serde::Serialize;

use crate::commands::{Ending, Usage, database};
use crate::output;
use crate::settings::{Profile, Settings};

/// What to do with the schema.
#[derive(Debug, Subcommand)]
pub enum Migrate {
    /// Run the migrations that the database lacks
    Up,
    /// List the migrations that the database lacks
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Take all migrations back, and all data with them; refused in the production profile
    Revert {
        /// Yes, delete everything that is stored
        #[arg(long)]
        delete_all_data: bool,
    },
}

#[derive(Serialize)]
struct Pending {
    migration: String,
}

/// Runs it.
///
/// # Errors
/// The database fails, or reverting is not allowed.
pub async fn run(args: &Migrate, settings: &Settings) -> anyhow::Result<Ending> {
    let db = database(settings)?;
    match args {
        Migrate::Up => {
            let ran = db.migrate().await?;
            ran.iter().try_for_each(|name| output::line(&format!("ran {name}")))?;
            output::line("the schema is up to date")?;
        }
        Migrate::Status { json } => {
            let pending: Vec<Pending> = db.pending_migrations().await?.into_iter().map(|migration| Pending { migration }).collect();
            if pending.is_empty() && !json {
                output::line("the schema is up to date")?;
            } else {
                output::list(&pending, *json, &["PENDING"], |pending| vec![pending.migration.clone()])?;
            }
        }
        Migrate::Revert { delete_all_data: false } => {
            return Err(Usage("reverting deletes everything that is stored; say --delete-all-data if that is meant".into()).into());
        }
        Migrate::Revert { .. } if settings.general.profile == Profile::Production => {
            anyhow::bail!("the production profile reverts nothing: a later release takes things back by a migration of its own");
        }
        Migrate::Revert { .. } => {
            let ran = db.revert_all().await?;
            ran.iter().try_for_each(|name| output::line(&format!("took back {name}")))?;
        }
    }
    Ok(Ending::Fine)
}
