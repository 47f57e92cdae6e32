//! `keys generate|rotate`.

use clap::Subcommand;
use jiff::Zoned;
use orderbridge_postgres::Keyring;
use secrecy::ExposeSecret;

use crate::commands::{Ending, database_with_secrets};
use crate::output;
use crate::settings::Settings;

/// What to do with master keys.
#[derive(Debug, Subcommand)]
#[command(after_help = "To rotate: put a new key in front of the present ones (in keys_file or ORDERBRIDGE__KEYS), restart\n\
all roles, run `orderbridge keys rotate`, then remove the old key. Keep it for as long as you keep backups.")]
pub enum Keys {
    /// Print a new master key, to be kept secret
    Generate {
        /// Its name; by default k and today's date
        #[arg(long, value_name = "ID")]
        id: Option<String>,
    },
    /// Re-encrypt every stored secret under the newest key; may be interrupted and run again
    Rotate,
}

impl Keys {
    /// Whether it needs no settings.
    pub const fn is_generate(&self) -> bool {
        matches!(self, Self::Generate { .. })
    }
}

/// Prints a new key.
///
/// # Errors
/// The name is not fit for a key, or the system gives no random bytes.
pub fn generate(args: &Keys) -> anyhow::Result<Ending> {
    let named = match args {
        Keys::Generate { id } => id.clone(),
        Keys::Rotate => None,
    };
    let id = named.unwrap_or_else(|| Zoned::now().strftime("k%Y%m%d").to_string());
    let key = Keyring::generate(&id)?;
    // A key that could not be read back would be noticed only after secrets were sealed under it.
    Keyring::parse(key.expose_secret())?;
    output::line(key.expose_secret())?;
    Ok(Ending::Fine)
}

/// Runs it.
///
/// # Errors
/// The database or a key fails.
pub async fn run(args: &Keys, settings: &Settings) -> anyhow::Result<Ending> {
    match args {
        Keys::Generate { .. } => generate(args),
        Keys::Rotate => {
            let db = database_with_secrets(settings).await?;
            let rotated = db.rotate_credentials().await?;
            let newest = settings.keyring()?;
            output::line(&format!("{} secrets were re-encrypted; all are under key {} now", rotated.resealed, newest.newest()))?;
            Ok(Ending::Fine)
        }
    }
}
