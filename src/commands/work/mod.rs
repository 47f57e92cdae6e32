//! `work list|show|retry|hold|release`.

mod hold;
mod item;

use clap::{Subcommand, ValueEnum};
use jiff::Timestamp;
use orderbridge_postgres::{Causes, Db, WorkFilter, WorkState};
use orderbridge_schema::ids::TenantId;
use orderbridge_schema::seen::StatusSet;
use orderbridge_schema::work::{Aspects, Scope, Share, Upsert, WorkKey, WorkKind};

use crate::clock::clock;
use crate::commands::{Ending, Usage, migrated_database};
use crate::output;
use crate::settings::Settings;

use item::{holds_by_item, list, show};

const EXAMPLES: &str = "\
Examples:
  orderbridge work list --state held
  orderbridge work list --tenant acme-uk --json
  orderbridge work show acme-uk/order/250
  orderbridge work retry acme-uk/order/250
  orderbridge work retry --cause unknown-sku:
  orderbridge work hold acme-uk/order/250 --why \"the customer may cancel\"
  orderbridge work release acme-uk/order/250

A work item is named OWNER/KIND/ID: the owner is a tenant, or @ and an account's code; the kind is order, sales-order,
goods-out-note, drop-ship-note, product or sweep. What is finished has no work item: see `orderbridge timeline show`.";

/// What to do with work items.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum Work {
    /// List what is due or held, oldest first
    List {
        /// Only this tenant's
        #[arg(long, value_name = "ID")]
        tenant: Option<TenantId>,
        /// Only this kind
        #[arg(long)]
        kind: Option<WorkKind>,
        /// Only ready or held ones
        #[arg(long)]
        state: Option<State>,
        /// At most this many
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one work item and what it waits for
    Show {
        /// Which one, such as acme-uk/order/250
        #[arg(value_name = "ITEM", value_parser = parse_key)]
        item: WorkKey,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Stop work on an entity until it is released: what is under way is finished, then no event starts anything
    Hold {
        /// Which ones, such as acme-uk/order/250
        #[arg(value_name = "ITEM", value_parser = parse_key, required = true)]
        items: Vec<WorkKey>,
        /// Why, for those who look later; without names or addresses of customers
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
    /// Let what was held with `work hold` go on
    Release {
        /// Which ones, such as acme-uk/order/250
        #[arg(value_name = "ITEM", value_parser = parse_key, required = true)]
        items: Vec<WorkKey>,
    },
    /// Take held or waiting work up again now
    Retry {
        /// Which ones, such as acme-uk/order/250
        #[arg(value_name = "ITEM", value_parser = parse_key, required_unless_present = "cause", conflicts_with = "cause")]
        items: Vec<WorkKey>,
        /// All held ones whose cause begins so, such as unknown-sku: or missing-rule:orders.warehouse
        #[arg(long, value_name = "CAUSE")]
        cause: Option<String>,
        /// With --cause: only this tenant's
        #[arg(long, value_name = "ID", requires = "cause")]
        tenant: Option<TenantId>,
    },
}

/// The states to choose from.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum State {
    /// Due now or at a time
    Ready,
    /// Waits for a person or a rule
    Held,
}

/// Reads `owner/kind/id`.
///
/// # Errors
/// What is wrong with it.
pub fn parse_key(text: &str) -> Result<WorkKey, String> {
    let form = || "a work item is named OWNER/KIND/ID, such as acme-uk/order/250".to_owned();
    let mut parts = text.split('/');
    let (Some(scope), Some(kind), Some(entity), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else { return Err(form()) };
    let scope: Scope = scope.parse().map_err(|error| format!("{error}"))?;
    let kind: WorkKind = kind.parse().map_err(|error| format!("{error}"))?;
    let entity = entity.parse().map_err(|_error| form())?;
    Ok(WorkKey { scope, kind, entity })
}

/// Runs it.
///
/// # Errors
/// The database fails, or there is no such item.
pub async fn run(args: &Work, settings: &Settings) -> anyhow::Result<Ending> {
    let db = migrated_database(settings).await?;
    match args {
        Work::List { tenant, kind, state, limit, json } => {
            let state = state.map(|state| match state {
                State::Ready => WorkState::Ready,
                State::Held => WorkState::Held,
            });
            let filter = WorkFilter { scope: tenant.clone().map(Scope::Tenant), kind: *kind, state, limit: *limit };
            list(&db, &filter, *json).await?;
        }
        Work::Show { item, json } => show(&db, item, *json).await?,
        Work::Hold { items, why } => hold::hold(&db, items, why).await?,
        Work::Release { items } => hold::release(&db, items).await?,
        Work::Retry { items, cause: None, .. } => retry(&db, items, clock(settings.clock.offset_file.clone()).now()).await?,
        Work::Retry { cause: Some(cause), tenant, .. } => {
            if cause.is_empty() {
                return Err(Usage("--cause must not be empty".into()).into());
            }
            let scope = tenant.clone().map(Scope::Tenant);
            let released = db.release_holds(Causes::Prefix(cause.clone()), scope.as_ref()).await?;
            output::line(&format!("{released} taken up again"))?;
        }
    }
    Ok(Ending::Fine)
}

async fn retry(db: &Db, items: &[WorkKey], now: Timestamp) -> anyhow::Result<()> {
    let mut missing = Vec::new();
    for item in items {
        if hold::is_held(db, item).await? {
            return Err(anyhow::anyhow!("{item} is held by an operator: `orderbridge work release {item}` lets it go on"));
        }
        if db.work_retry(item).await? || retry_held(db, item, now).await? {
            output::line(&format!("{item} is taken up again"))?;
        } else {
            missing.push(item.to_string());
        }
    }
    anyhow::ensure!(missing.is_empty(), "no such work item: {}; what is finished has none", missing.join(", "));
    Ok(())
}

/// An order that is done but for held effects has no work item: it gets one, as an event would give it.
async fn retry_held(db: &Db, item: &WorkKey, now: Timestamp) -> anyhow::Result<bool> {
    let Some(tenant) = item.scope.tenant() else { return Ok(false) };
    let Some(tenant) = db.tenant(tenant).await? else { return Ok(false) };
    if !holds_by_item(db, Some(item.scope.clone())).await?.contains_key(item) {
        return Ok(false);
    }
    let (key, account) = (item.clone(), tenant.account);
    let cause = "asked for on the command line".to_owned();
    db.upsert(&[Upsert { key, account, aspects: Aspects::ALL, share: Share::Orders, event_at: now, cause, event: None, seen: StatusSet::NONE }])
        .await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_named_as_it_is_printed() {
        for text in ["acme-uk/order/250", "@acme/goods-out-note/4101"] {
            assert_eq!(parse_key(text).unwrap().to_string(), text);
        }
        for bad in ["", "acme-uk", "acme-uk/order", "acme-uk/order/x", "acme-uk/thing/1", "acme uk/order/1", "a/order/1/2"] {
            assert!(parse_key(bad).is_err(), "{bad}");
        }
    }
}
