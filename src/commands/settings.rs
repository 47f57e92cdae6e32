//! `settings check`, which is also `--check-config`.

use clap::Subcommand;

use crate::commands::Ending;
use crate::output;
use crate::settings::{BadSettings, Settings};

/// What to do with the settings.
#[derive(Debug, Subcommand)]
pub enum SettingsCommand {
    /// Print the settings without secrets and name everything that is wrong with them
    Check,
}

/// Prints the settings, then fails with every problem, if there is one.
///
/// # Errors
/// [`BadSettings`].
pub fn check(settings: &Settings) -> anyhow::Result<Ending> {
    output::raw(settings.redacted().as_bytes())?;
    let problems = settings.problems();
    if problems.is_empty() { Ok(Ending::Fine) } else { Err(BadSettings(problems).into()) }
}
