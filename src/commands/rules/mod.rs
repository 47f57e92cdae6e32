//! `rules versions|show|compare|restore|check|refresh`: a tenant's rules through time, and against what the platforms have.

pub mod author;
pub mod check;
mod restore;
mod versions;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use orderbridge_postgres::{Db, RulesVersion, TenantRecord, TenantState};
use orderbridge_schema::ids::TenantId;

use crate::commands::tenant::no_tenant;
use crate::commands::{Ending, migrated_database};
use crate::settings::Settings;

use author::By;

const EXAMPLES: &str = "\
Examples:
  orderbridge rules versions acme-uk
  orderbridge rules compare acme-uk 3 5
  orderbridge rules restore acme-uk 3 --author \"Kim Li\"
  orderbridge rules refresh acme-uk && orderbridge rules check acme-uk

Rules are saved by `tenant import` and by restoring an earlier version; each save that changes them is a new version. The platforms' lists,
which say what rules may name, are read when a tenant is connected, then daily, and by `rules refresh`.";

/// What to do with a tenant's rules.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum Rules {
    /// List the versions, the newest first: who saved each, when, and from what
    Versions(One),
    /// Print the rules as a tenant's file has them
    Show {
        /// Whose
        #[arg(value_name = "TENANT")]
        tenant: TenantId,
        /// Those of this version instead of the present ones
        #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(1..))]
        version: Option<i64>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Tell how two versions differ
    Compare {
        /// Whose
        #[arg(value_name = "TENANT")]
        tenant: TenantId,
        /// The one version
        #[arg(value_name = "BEFORE", value_parser = clap::value_parser!(i64).range(1..))]
        before: i64,
        /// The other
        #[arg(value_name = "AFTER", value_parser = clap::value_parser!(i64).range(1..))]
        after: i64,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Make an earlier version the present one, as a new version; what waits for a rule goes on
    Restore {
        /// Whose
        #[arg(value_name = "TENANT")]
        tenant: TenantId,
        /// Which
        #[arg(value_name = "VERSION", value_parser = clap::value_parser!(i64).range(1..))]
        version: i64,
        /// In whose name it is saved
        #[command(flatten)]
        by: By,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Check the present rules against the platforms' lists as they were read last, and tell what is worth a second look
    Check(One),
    /// Read the platforms' lists now, then check the rules against them
    Refresh(One),
}

/// One tenant.
#[derive(Debug, Args)]
pub struct One {
    /// Whose
    #[arg(value_name = "TENANT")]
    tenant: TenantId,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Runs it.
///
/// # Errors
/// There is no such tenant or version, the rules cannot be saved, or the database or a platform fails.
pub async fn run(args: &Rules, settings: &Settings) -> anyhow::Result<Ending> {
    match args {
        Rules::Versions(One { tenant, json }) => versions::list(&migrated_database(settings).await?, tenant, *json).await,
        Rules::Show { tenant, version, json } => versions::show(&migrated_database(settings).await?, tenant, *version, *json).await,
        Rules::Compare { tenant, before, after, json } => {
            versions::compare(&migrated_database(settings).await?, tenant, (*before, *after), *json).await
        }
        Rules::Restore { tenant, version, by, json } => {
            restore::run(&migrated_database(settings).await?, tenant, *version, &by.author()?, *json).await
        }
        Rules::Check(One { tenant, json }) => {
            let db = migrated_database(settings).await?;
            let tenant = connected(&db, tenant).await?;
            check::tell(&db, &tenant, *json).await
        }
        Rules::Refresh(One { tenant, json }) => check::refresh(settings, tenant, *json).await,
    }
}

/// A tenant, removed or not.
async fn known(db: &Db, id: &TenantId) -> anyhow::Result<TenantRecord> {
    db.tenant(id).await?.with_context(|| no_tenant(id))
}

/// A tenant that was not removed.
async fn connected(db: &Db, id: &TenantId) -> anyhow::Result<TenantRecord> {
    let tenant = known(db, id).await?;
    ensure!(tenant.state != TenantState::Removed, "tenant {id} was removed; importing its file brings it back");
    Ok(tenant)
}

/// One version of a tenant that is known.
async fn version(db: &Db, tenant: &TenantId, number: i64) -> anyhow::Result<RulesVersion> {
    let found = db.rules_version(tenant, number).await?;
    found.with_context(|| format!("the rules of {tenant} have no version {number}; `orderbridge rules versions {tenant}` names them"))
}
