//! `hooks sync|list`.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Context;
use clap::Subcommand;
use orderbridge_http_client::CallError;
use orderbridge_postgres::{AccountRecord, PostgresQuotaGate, TenantRecord, TenantState};
use orderbridge_processor::hooks::{Addresses, Fitness, Registry, Step, plan};
use orderbridge_schema::ids::{Platform, TenantId};
use serde::Serialize;
use url::Url;

use crate::clock::clock;
use crate::commands::platforms::Platforms;
use crate::commands::tenant::no_tenant;
use crate::commands::{Ending, database_with_secrets};
use crate::output;
use crate::settings::Settings;

const SYNC_HELP: &str = "\
Registers what is missing, revives what a platform stopped delivering to, and renews or removes what is ours and out of date. Ours are
those whose address begins with public_url and names the connection; nothing else is touched, so that other apps and other
installations keep theirs. Doing it again changes nothing.";

/// What to do with webhook registrations.
#[derive(Debug, Subcommand)]
pub enum Hooks {
    /// Make our registrations on both platforms what they should be
    #[command(after_help = SYNC_HELP)]
    Sync {
        /// Only this tenant's store and account
        #[arg(long, value_name = "ID")]
        tenant: Option<TenantId>,
        /// Also remove what is registered at this earlier public_url
        #[arg(long, value_name = "URL")]
        former_url: Option<Url>,
        /// Only tell what would be done
        #[arg(long)]
        dry_run: bool,
    },
    /// List our registrations on both platforms, and those that are missing
    List {
        /// Only this tenant's store and account
        #[arg(long, value_name = "ID")]
        tenant: Option<TenantId>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs it.
///
/// # Errors
/// The database fails, or a setting is missing. What a platform refuses is told and is no error of the others.
pub async fn run(args: &Hooks, settings: &Settings) -> anyhow::Result<Ending> {
    let db = database_with_secrets(settings).await?;
    let gate = PostgresQuotaGate::new(db.clone(), clock(settings.clock.offset_file.clone()), settings.quota.clone());
    let platforms = Platforms { db, http: settings.http.client()?, gate: Arc::new(gate) };
    match args {
        Hooks::Sync { tenant, former_url, dry_run } => {
            let addresses = Addresses::new(settings.public_url()?, former_url.as_ref());
            let mut fine = true;
            for (owner, registry) in registries(&platforms, tenant.as_ref(), &addresses).await? {
                fine &= sync(&owner, registry, *dry_run).await?;
            }
            Ok(Ending::fine_if(fine))
        }
        Hooks::List { tenant, json } => {
            let addresses = Addresses::new(settings.public_url()?, None);
            list(registries(&platforms, tenant.as_ref(), &addresses).await?, *json).await
        }
    }
}

/// Whose registrations: a tenant's store, or an account.
type Owned = (String, anyhow::Result<Registry>);

async fn registries(platforms: &Platforms, only: Option<&TenantId>, addresses: &Addresses) -> anyhow::Result<Vec<Owned>> {
    let mut tenants = platforms.db.tenants().await?;
    tenants.retain(|tenant| tenant.state != TenantState::Removed && only.is_none_or(|only| tenant.id == *only));
    if let Some(id) = only {
        anyhow::ensure!(!tenants.is_empty(), no_tenant(id));
    }
    let used: BTreeSet<_> = tenants.iter().map(|tenant| tenant.account.clone()).collect();
    let mut found = Vec::new();
    for tenant in &tenants {
        found.push((tenant.id.to_string(), store(platforms, tenant, addresses).await));
    }
    for record in platforms.db.accounts().await?.iter().filter(|account| used.contains(&account.code)) {
        found.push((format!("@{}", record.code), account(platforms, record, addresses).await));
    }
    Ok(found)
}

/// The registrations of a tenant's store.
///
/// # Errors
/// The credentials cannot be read.
pub async fn store(platforms: &Platforms, tenant: &TenantRecord, addresses: &Addresses) -> anyhow::Result<Registry> {
    let (client, credentials) = platforms.store(tenant).await?;
    Ok(Registry::store(client, tenant, &credentials, addresses, platforms.payer())?)
}

/// The registrations of an account.
///
/// # Errors
/// The credentials cannot be read.
pub async fn account(platforms: &Platforms, account: &AccountRecord, addresses: &Addresses) -> anyhow::Result<Registry> {
    let (client, credentials) = platforms.account(account).await?;
    Ok(Registry::account(client, account, &credentials, addresses, platforms.payer())?)
}

/// What would have to be done; empty if nothing.
///
/// # Errors
/// The platform's.
pub async fn steps(registry: &Registry) -> Result<Vec<Step>, CallError> {
    Ok(plan(registry.wanted(), &registry.found().await?))
}

/// Whether all went well; each thing is told as it is done.
async fn sync(owner: &str, registry: anyhow::Result<Registry>, dry_run: bool) -> anyhow::Result<bool> {
    let planned = async {
        let registry = registry?;
        let steps = steps(&registry).await.with_context(|| format!("asking {}", registry.platform()))?;
        anyhow::Ok((registry, steps))
    };
    let (registry, steps) = match planned.await {
        Ok(planned) => planned,
        Err(error) => {
            output::line(&format!("{owner}: failed: {error:#}"))?;
            return Ok(false);
        }
    };
    let platform = registry.platform();
    if steps.is_empty() {
        output::line(&format!("{owner} {platform}: nothing to do"))?;
    }
    let mut failed = BTreeSet::new();
    for step in &steps {
        let outcome = if dry_run {
            " (not done)".to_owned()
        } else if failed.contains(step.event()) {
            " (not done, as the step before failed)".to_owned()
        } else if let Err(error) = registry.take(step).await {
            failed.insert(step.event());
            format!(": failed: {error}")
        } else {
            String::new()
        };
        output::line(&format!("{owner} {platform}: {step}{outcome}"))?;
    }
    Ok(failed.is_empty())
}

#[derive(Serialize)]
struct Listed {
    owner: String,
    platform: Option<Platform>,
    event: String,
    id: Option<u64>,
    state: String,
}

async fn list(registries: Vec<Owned>, json: bool) -> anyhow::Result<Ending> {
    let mut listed = Vec::new();
    let mut fine = true;
    for (owner, registry) in registries {
        let platform = registry.as_ref().ok().map(Registry::platform);
        let rows = async { anyhow::Ok(rows(&registry?).await?) };
        match rows.await {
            Ok(rows) => listed.extend(rows.into_iter().map(|(event, id, state)| Listed { owner: owner.clone(), platform, event, id, state })),
            Err(error) => {
                fine = false;
                listed.push(Listed { owner, platform, event: "-".into(), id: None, state: format!("unknown: {error:#}") });
            }
        }
    }
    output::list(&listed, json, &["OWNER", "PLATFORM", "EVENT", "NUMBER", "STATE"], |row| {
        let platform = row.platform.map(|platform| platform.to_string()).unwrap_or_default();
        vec![row.owner.clone(), platform, row.event.clone(), row.id.map(|id| id.to_string()).unwrap_or_default(), row.state.clone()]
    })?;
    Ok(Ending::fine_if(fine))
}

async fn rows(registry: &Registry) -> Result<Vec<(String, Option<u64>, String)>, CallError> {
    let found = registry.found().await?;
    let missing = registry.wanted().iter().filter(|event| !found.iter().any(|one| one.event == **event));
    let mut rows: Vec<(String, Option<u64>, String)> = missing.map(|event| ((*event).to_owned(), None, "missing".to_owned())).collect();
    for one in found {
        let state = match one.fitness {
            _ if !registry.wanted().contains(&one.event.as_str()) => "not needed",
            Fitness::Fits => "active",
            Fitness::Inactive => "inactive",
            Fitness::OldSecret | Fitness::Outdated => "out of date",
        };
        rows.push((one.event, Some(one.id), state.to_owned()));
    }
    rows.sort();
    Ok(rows)
}
