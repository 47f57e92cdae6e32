//! `tenant import|export|list|pause|resume`.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Subcommand;
use orderbridge_postgres::{AccountRecord, AccountState, Db, Imported, TenantImport, TenantRecord};
use orderbridge_schema::ids::TenantId;
use serde::Serialize;

use crate::commands::rules::author::By;
use crate::commands::rules::check::{HOW_TO_REFRESH, after_saving, before_saving};
use crate::commands::{Ending, database_with_secrets, migrated_database};
use crate::output;
use crate::settings::Settings;
use crate::tenant_file::{Refused, read, refuse, write};

const IMPORT_HELP: &str = "\
Any value may be written as \"${NAME}\" and is then taken from the environment; do so with secrets. A file with a mistake is
refused as a whole, and so are the files named with it; every mistake is told with its line. A mistake is also what new rules name and
the platforms' lists do not have, once these were read; `rules refresh` reads them again. Importing the same file again changes nothing.
Tokens that Brightpearl gave since the last import are kept unless the file has new ones.

Example:
  ACME_BC_TOKEN=… orderbridge tenant import tenants/*.toml && orderbridge hooks sync";

/// What to do with tenants.
#[derive(Debug, Subcommand)]
pub enum Tenant {
    /// Make tenants what their files say
    #[command(after_help = IMPORT_HELP)]
    Import {
        /// One file per tenant
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Only look for mistakes; needs no database
        #[arg(long)]
        check: bool,
        /// In whose name new rules are saved
        #[command(flatten)]
        by: By,
    },
    /// Print a tenant's file; in place of each secret stands the environment variable that an import takes it from
    Export {
        /// Which tenant
        #[arg(value_name = "ID")]
        id: TenantId,
    },
    /// List all tenants
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Let a tenant's work wait; its webhooks are still taken in
    Pause {
        /// Which tenant
        #[arg(value_name = "ID")]
        id: TenantId,
    },
    /// Take a paused tenant's work up again
    Resume {
        /// Which tenant
        #[arg(value_name = "ID")]
        id: TenantId,
    },
}

/// Runs it.
///
/// # Errors
/// A file has mistakes, or the database fails.
pub async fn run(args: &Tenant, settings: &Settings) -> anyhow::Result<Ending> {
    match args {
        Tenant::Import { files, check, by } => import(files, *check, by, settings).await?,
        Tenant::Export { id } => {
            let found = database_with_secrets(settings).await?.export_tenant(id).await?;
            output::raw(write(&found.with_context(|| no_tenant(id))?)?.as_bytes())?;
        }
        Tenant::List { json } => list(&migrated_database(settings).await?, *json).await?,
        Tenant::Pause { id } => {
            anyhow::ensure!(migrated_database(settings).await?.pause_tenant(id).await?, no_tenant(id));
            output::line(&format!("{id} is paused: its webhooks are stored, its work waits"))?;
        }
        Tenant::Resume { id } => {
            resume(&migrated_database(settings).await?, id).await?;
            output::line(&format!("{id} is active"))?;
        }
    }
    Ok(Ending::Fine)
}

/// Resumes a tenant. Somebody who resumes one that is parked says that its credentials work again: the next call tells.
async fn resume(db: &Db, id: &TenantId) -> anyhow::Result<()> {
    let tenant = db.tenant(id).await?.with_context(|| no_tenant(id))?;
    db.resume_tenant(id).await?;
    db.unpark_tenant(id).await?;
    db.unpark_account(&tenant.account).await?;
    Ok(())
}

/// What to say when there is no such tenant.
pub fn no_tenant(id: &TenantId) -> String {
    format!("there is no tenant {id}; `orderbridge tenant list` names them")
}

/// Several files with mistakes.
#[derive(Debug)]
struct AllRefused(Vec<Refused>);

impl fmt::Display for AllRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&texts.join("\n"))
    }
}

impl std::error::Error for AllRefused {}

async fn import(files: &[PathBuf], check: bool, by: &By, settings: &Settings) -> anyhow::Result<()> {
    let tenants = read_all(files)?;
    if check {
        return output::line(&format!("{} without mistakes; nothing was imported", count(tenants.len(), "file")));
    }
    let (db, author) = (database_with_secrets(settings).await?, by.author()?);
    let mut refused = Vec::new();
    for TenantFile { file, text, tenant } in &tenants {
        let problems = before_saving(&db, tenant).await?;
        if !problems.is_empty() {
            refused.push(refuse(file, text, &from_environment, &problems));
        }
    }
    if !refused.is_empty() {
        anyhow::bail!("{}{HOW_TO_REFRESH}", AllRefused(refused));
    }
    for TenantFile { tenant, .. } in &tenants {
        let imported = db.import_tenant_by(tenant, &author).await.with_context(|| format!("importing {}", tenant.id))?;
        output::line(&told(tenant, &imported))?;
        after_saving(&db, tenant).await?;
    }
    Ok(())
}

/// A file without mistakes in itself.
struct TenantFile<'a> {
    file: &'a Path,
    text: String,
    tenant: TenantImport,
}

fn read_all(files: &[PathBuf]) -> anyhow::Result<Vec<TenantFile<'_>>> {
    let mut tenants = Vec::new();
    let mut refused = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        match read(file, &text, &from_environment) {
            Ok(tenant) => tenants.push(TenantFile { file, text, tenant }),
            Err(mistakes) => refused.push(mistakes),
        }
    }
    if refused.is_empty() { Ok(tenants) } else { Err(AllRefused(refused).into()) }
}

fn from_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn told(tenant: &TenantImport, imported: &Imported) -> String {
    let id = &tenant.id;
    let mut text = if imported.created {
        format!("{id} was created; register its webhooks with `orderbridge hooks sync --tenant {id}`")
    } else if imported.rules_changed {
        format!("{id} was changed; its rules are version {} now", imported.rules_version)
    } else {
        format!("{id} is up to date; its rules are version {} as before", imported.rules_version)
    };
    if imported.released > 0 {
        text.push_str(&format!("; {} that waited for a rule goes on", count(imported.released, "work item")));
    }
    text
}

/// A number of things.
pub fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

#[derive(Serialize)]
struct Listed {
    id: TenantId,
    state: &'static str,
    parked: Option<String>,
    store: String,
    account: String,
    account_parked: Option<String>,
    rules_version: i64,
    connection: String,
}

impl Listed {
    fn of(tenant: TenantRecord, accounts: &[AccountRecord]) -> Self {
        let account = accounts.iter().find(|account| account.code == tenant.account);
        let account_parked = account.and_then(|account| match &account.state {
            AccountState::Parked { reason } => Some(reason.clone()),
            AccountState::Active => None,
        });
        Self {
            state: tenant.state.as_str(),
            parked: tenant.parked,
            account_parked,
            store: tenant.store.to_string(),
            account: tenant.account.to_string(),
            rules_version: tenant.rules_version,
            connection: tenant.connection.to_string(),
            id: tenant.id,
        }
    }
}

async fn list(db: &Db, json: bool) -> anyhow::Result<()> {
    let accounts = db.accounts().await?;
    let tenants: Vec<Listed> = db.tenants().await?.into_iter().map(|tenant| Listed::of(tenant, &accounts)).collect();
    output::list(&tenants, json, &["TENANT", "STATE", "STORE", "ACCOUNT", "RULES", "WAITS BECAUSE"], |tenant| {
        let parked = [&tenant.parked, &tenant.account_parked].into_iter().flatten().cloned().collect::<Vec<_>>().join("; ");
        vec![tenant.id.to_string(), tenant.state.into(), tenant.store.clone(), tenant.account.clone(), tenant.rules_version.to_string(), parked]
    })
}
