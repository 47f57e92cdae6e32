//! The rules against the platforms' lists: when they are saved, and whenever somebody asks.

use std::sync::Arc;

use anyhow::Context;
use jiff::Timestamp;
use orderbridge_postgres::{Db, PostgresQuotaGate, TenantImport, TenantRecord, TenantState};
use orderbridge_schema::ids::TenantId;
use orderbridge_schema::rules::{KnownLists, RuleProblem};
use serde::Serialize;

use crate::clock::clock;
use crate::commands::platforms::{Platforms, SHARE};
use crate::commands::rules::connected;
use crate::commands::{Ending, database_with_secrets};
use crate::output;
use crate::settings::Settings;

/// What to do where a list may be older than what it should name.
pub const HOW_TO_REFRESH: &str = "\nWhat was made on a platform since its lists were read last is known after `orderbridge rules refresh TENANT`";

/// What was found.
#[derive(Debug, Serialize)]
struct Checked {
    tenant: TenantId,
    rules_version: i64,
    account_lists_read_at: Option<Timestamp>,
    store_lists_read_at: Option<Timestamp>,
    /// What the rules name and the platforms do not have: orders that need it will wait.
    unknown: Vec<RuleProblem>,
    /// What the store has and we cannot keep in step.
    refused: Vec<RuleProblem>,
    /// What is allowed and may be meant otherwise.
    warnings: Vec<RuleProblem>,
}

/// Checks the present rules against the lists as they are stored, and tells.
///
/// # Errors
/// The database fails, or standard output cannot be written to.
pub async fn tell(db: &Db, tenant: &TenantRecord, json: bool) -> anyhow::Result<Ending> {
    let (account, store) = (db.account_reference(&tenant.account).await?, db.store_reference(&tenant.id).await?);
    let (account_read_at, store_read_at) = (account.as_ref().map(|read| read.read_at), store.as_ref().map(|read| read.read_at));
    let lists = KnownLists { account: account.map(|read| read.lists), store: store.map(|read| read.lists) };
    let checked = Checked {
        tenant: tenant.id.clone(),
        rules_version: tenant.rules_version,
        account_lists_read_at: account_read_at,
        store_lists_read_at: store_read_at,
        unknown: lists.unknown(&tenant.rules),
        refused: lists.refused(),
        warnings: tenant.rules.warnings(&lists.all()),
    };
    if json {
        output::object(&checked)?;
    } else {
        checked.print(tenant)?;
    }
    // What could not be checked is not well.
    Ok(Ending::fine_if(lists.are_complete() && checked.unknown.is_empty() && checked.refused.is_empty()))
}

impl Checked {
    fn print(&self, tenant: &TenantRecord) -> anyhow::Result<()> {
        let id = &self.tenant;
        let read = |at: Option<Timestamp>| at.map_or_else(|| "never".to_owned(), |at| format!("{at:.0}"));
        output::line(&format!("version {} of the rules of {id}", self.rules_version))?;
        output::line(&format!("  lists of store {}: read {}", tenant.store, read(self.store_lists_read_at)))?;
        output::line(&format!("  lists of account {}: read {}", tenant.account, read(self.account_lists_read_at)))?;
        for problem in self.unknown.iter().chain(&self.refused) {
            output::line(&format!("FAIL  {}: {}", problem.path, problem.message))?;
        }
        warn(&self.warnings)?;
        if self.account_lists_read_at.is_none() || self.store_lists_read_at.is_none() {
            return output::line(&format!("not all was checked: `orderbridge rules refresh {id}` reads the lists now"));
        }
        if self.unknown.is_empty() { output::line("all that they name exists") } else { Ok(()) }
    }
}

/// Prints what is worth a second look.
///
/// # Errors
/// Standard output cannot be written to.
pub fn warn(warnings: &[RuleProblem]) -> anyhow::Result<()> {
    warnings.iter().try_for_each(|warning| output::line(&format!("warn  {}: {}", warning.path, warning.message)))
}

/// Reads the lists of both platforms now, keeps them, and checks.
///
/// # Errors
/// There is no such tenant, or the database or a platform fails.
pub async fn refresh(settings: &Settings, id: &TenantId, json: bool) -> anyhow::Result<Ending> {
    let db = database_with_secrets(settings).await?;
    let tenant = connected(&db, id).await?;
    let gate = PostgresQuotaGate::new(db.clone(), clock(settings.clock.offset_file.clone()), settings.quota.clone());
    let platforms = Platforms { db: db.clone(), http: settings.http.client()?, gate: Arc::new(gate) };
    let (store, _) = platforms.store(&tenant).await?;
    let lists = store.reference(SHARE).await.with_context(|| format!("reading the lists of store {}", tenant.store))?;
    db.save_store_reference(id, &lists).await?;
    let account = db.account(&tenant.account).await?.with_context(|| format!("the account {} is not known", tenant.account))?;
    let (client, _) = platforms.account(&account).await?;
    let lists = client.reference(SHARE).await.with_context(|| format!("reading the lists of account {}", tenant.account))?;
    db.save_account_reference(&tenant.account, &lists).await?;
    tell(&db, &tenant, json).await
}

/// What stands against saving an import: what its rules name and the lists that were read before do not have. Rules that stay as they
/// are can always be imported: new credentials must not wait for them.
///
/// # Errors
/// The database fails.
pub async fn before_saving(db: &Db, import: &TenantImport) -> anyhow::Result<Vec<RuleProblem>> {
    let present = db.tenant(&import.id).await?;
    if present.is_some_and(|tenant| tenant.state != TenantState::Removed && tenant.rules == import.rules) {
        return Ok(Vec::new());
    }
    Ok(db.known_lists(&import.account.code, &import.id).await?.unknown(&import.rules))
}

/// Tells after an import what is worth a second look, and what could not be checked yet.
///
/// # Errors
/// The database fails, or standard output cannot be written to.
pub async fn after_saving(db: &Db, import: &TenantImport) -> anyhow::Result<()> {
    let lists = db.known_lists(&import.account.code, &import.id).await?;
    warn(&lists.unknown(&import.rules))?;
    warn(&lists.refused())?;
    warn(&import.rules.warnings(&lists.all()))?;
    if lists.are_complete() {
        return Ok(());
    }
    let id = &import.id;
    let how = "whether all that they name exists is checked when the platforms' lists are first read";
    output::line(&format!("the rules of {id} are not checked yet: {how}; `orderbridge rules refresh {id}` does it now"))
}
