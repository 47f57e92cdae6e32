//! One file per subcommand.

pub mod arguments;
pub mod audit;
pub mod completions;
pub mod dead_letters;
pub mod doctor;
pub mod hooks;
pub mod keys;
pub mod migrate;
pub mod order;
mod platforms;
pub mod reapply;
pub mod replay;
pub mod roles;
pub mod rules;
pub mod settings;
pub mod sweep;
pub mod tenant;
pub mod timeline;
pub mod topics;
pub mod work;

use std::fmt;

use orderbridge_postgres::Db;

use crate::cli::Command;
use crate::clock::clock;
use crate::settings::Settings;

/// How a command ended that did what it was asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Well.
    Fine,
    /// A check found something, which was printed.
    Bad,
    /// A second signal cut it short.
    Interrupted,
    /// The books of both platforms differ, as was printed.
    Differs,
}

impl Ending {
    /// Well, or not.
    pub const fn fine_if(fine: bool) -> Self {
        if fine { Self::Fine } else { Self::Bad }
    }
}

/// What is wrong with the command line, found only after it was parsed.
#[derive(Debug)]
pub struct Usage(pub String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Runs one subcommand.
///
/// # Errors
/// What went wrong, in plain words.
pub async fn run(command: Command, settings: &Settings) -> anyhow::Result<Ending> {
    match command {
        Command::Ingest => roles::run(settings, roles::Roles::INGEST).await,
        Command::Processor => roles::run(settings, roles::Roles::PROCESSOR).await,
        Command::All => roles::run(settings, roles::Roles::BOTH).await,
        Command::Migrate(args) => migrate::run(&args, settings).await,
        Command::Topics(args) => topics::run(&args, settings).await,
        Command::Tenant(args) => tenant::run(&args, settings).await,
        Command::Rules(args) => rules::run(&args, settings).await,
        Command::Hooks(args) => hooks::run(&args, settings).await,
        Command::Sweep(args) => sweep::run(&args, settings).await,
        Command::Order(args) => order::run(&args, settings).await,
        Command::Audit(args) => audit::run(&args, settings).await,
        Command::Work(args) => work::run(&args, settings).await,
        Command::DeadLetters(args) => dead_letters::run(&args, settings).await,
        Command::Replay(args) => replay::run(&args, settings).await,
        Command::Reapply(args) => reapply::run(&args, settings).await,
        Command::Timeline(args) => timeline::run(&args, settings).await,
        Command::Keys(args) => keys::run(&args, settings).await,
        Command::Doctor(args) => doctor::run(&args, settings).await,
        Command::Settings(settings::SettingsCommand::Check) => settings::check(settings),
        Command::Completions(args) => completions::run(&args),
    }
}

/// The database as it is, migrated or not, and without secrets.
fn database(settings: &Settings) -> anyhow::Result<Db> {
    Ok(Db::connect(settings.database()?, clock(settings.clock.offset_file.clone()))?)
}

/// The database, for what needs no secret.
async fn migrated_database(settings: &Settings) -> anyhow::Result<Db> {
    let db = database(settings)?;
    let pending = db.pending_migrations().await?;
    anyhow::ensure!(pending.is_empty(), "the database lacks {}: run `orderbridge migrate up`", pending.join(", "));
    Ok(db)
}

/// The database, with secrets.
async fn database_with_secrets(settings: &Settings) -> anyhow::Result<Db> {
    let keyring = settings.keyring()?;
    Ok(migrated_database(settings).await?.with_keyring(keyring))
}
