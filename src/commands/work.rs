//! `work list|show|retry`.

use std::collections::BTreeMap;

use anyhow::anyhow;
use clap::{Subcommand, ValueEnum};
use jiff::Timestamp;
use orderbridge_postgres::{Causes, Db, HoldFilter, StoredHold, WorkFilter, WorkRow, WorkState};
use orderbridge_schema::ids::TenantId;
use orderbridge_schema::work::{Aspects, Scope, Share, Upsert, WorkKey, WorkKind};
use serde::Serialize;

use crate::clock::clock;
use crate::commands::{Ending, Usage, migrated_database};
use crate::output;
use crate::settings::Settings;

const EXAMPLES: &str = "\
Examples:
  orderbridge work list --state held
  orderbridge work list --tenant acme-uk --json
  orderbridge work show acme-uk/order/250
  orderbridge work retry acme-uk/order/250
  orderbridge work retry --cause unknown-sku:

A work item is named OWNER/KIND/ID: the owner is a tenant, or @ and an account's code; the kind is order, sales-order,
goods-out-note, drop-ship-note or product. What is finished has no work item: see `orderbridge timeline show`.";

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
    db.upsert(&[Upsert { key, account, aspects: Aspects::ALL, share: Share::Orders, event_at: now, cause }]).await?;
    Ok(true)
}

/// A work item, or held effects of an entity that has none any more.
#[derive(Debug, Serialize)]
struct Item {
    item: String,
    state: &'static str,
    #[serde(flatten)]
    work: Option<Details>,
    holds: Vec<Held>,
}

#[derive(Debug, Serialize)]
struct Details {
    account: String,
    share: Share,
    due_at: Timestamp,
    attempts: u32,
    first_event_at: Timestamp,
    last_event_at: Timestamp,
    asked_for_by: String,
    being_worked_on: bool,
    put_off_because: Option<String>,
}

#[derive(Debug, Serialize)]
struct Held {
    effect: &'static str,
    cause: String,
    why: String,
    remedy: String,
    held_at: Timestamp,
    released_at: Option<Timestamp>,
}

impl Held {
    fn of(hold: StoredHold) -> Self {
        let effect = hold.effect.as_str();
        Self { effect, cause: hold.cause, why: hold.why, remedy: hold.remedy, held_at: hold.held_at, released_at: hold.released_at }
    }
}

impl Item {
    fn of(row: WorkRow, holds: Vec<Held>) -> Self {
        let work = Details {
            account: row.account.to_string(),
            share: row.share,
            due_at: row.due_at,
            attempts: row.attempts,
            first_event_at: row.first_event_at,
            last_event_at: row.last_event_at,
            asked_for_by: row.cause,
            being_worked_on: row.claimed_fence.is_some(),
            put_off_because: row.reason,
        };
        Self { item: row.key.to_string(), state: row.state.as_str(), work: Some(work), holds }
    }

    /// The entity itself is done; some of its effects are not.
    fn held(key: &WorkKey, holds: Vec<Held>) -> Self {
        Self { item: key.to_string(), state: WorkState::Held.as_str(), work: None, holds }
    }

    /// What it waits for, in one line.
    fn waits_for(&self) -> String {
        let held: Vec<String> =
            self.holds.iter().filter(|hold| hold.released_at.is_none()).map(|hold| format!("{}: {}", hold.cause, hold.why)).collect();
        let put_off = || self.work.as_ref().and_then(|work| work.put_off_because.clone()).unwrap_or_default();
        if held.is_empty() { put_off() } else { held.join("; ") }
    }
}

async fn list(db: &Db, filter: &WorkFilter, json: bool) -> anyhow::Result<()> {
    let mut holds = holds_by_item(db, filter.scope.clone()).await?;
    let rows = db.work_list(filter).await?;
    let with_holds = |row: WorkRow| {
        let held = holds.remove(&row.key).unwrap_or_default();
        Item::of(row, held)
    };
    let mut items: Vec<Item> = rows.into_iter().map(with_holds).collect();
    if filter.state != Some(WorkState::Ready) {
        holds.retain(|key, held| filter.kind.is_none_or(|kind| key.kind == kind) && held.iter().any(|hold| hold.released_at.is_none()));
        items.extend(holds.into_iter().map(|(key, held)| Item::held(&key, held)));
        items.truncate(usize::try_from(filter.limit).unwrap_or(usize::MAX));
    }
    output::list(&items, json, &["ITEM", "STATE", "DUE", "ATTEMPTS", "ASKED FOR BY", "WAITS FOR"], |item| {
        let work = |text: &dyn Fn(&Details) -> String| item.work.as_ref().map_or_else(|| "-".to_owned(), text);
        let due = if item.state == WorkState::Held.as_str() { "-".to_owned() } else { work(&|work| format!("{:.0}", work.due_at)) };
        let (attempts, asked) = (work(&|work| work.attempts.to_string()), work(&|work| work.asked_for_by.clone()));
        vec![item.item.clone(), item.state.into(), due, attempts, asked, item.waits_for()]
    })
}

async fn holds_by_item(db: &Db, scope: Option<Scope>) -> anyhow::Result<BTreeMap<WorkKey, Vec<Held>>> {
    let mut found: BTreeMap<WorkKey, Vec<Held>> = BTreeMap::new();
    for hold in db.holds(&HoldFilter { scope, ..HoldFilter::default() }).await? {
        found.entry(hold.key.clone()).or_default().push(Held::of(hold));
    }
    Ok(found)
}

async fn show(db: &Db, key: &WorkKey, json: bool) -> anyhow::Result<()> {
    let holds = holds_by_item(db, Some(key.scope.clone())).await?.remove(key).unwrap_or_default();
    let item = match db.work_show(key).await? {
        Some(row) => Item::of(row, holds),
        None if holds.is_empty() => {
            return Err(anyhow!("there is no work item {key}: nothing is due or held; see `orderbridge timeline show` for what happened"));
        }
        None => Item::held(key, holds),
    };
    if json { output::object(&item) } else { lines(&item).iter().try_for_each(|line| output::line(line)) }
}

fn lines(item: &Item) -> Vec<String> {
    let mut lines = vec![item.item.clone(), format!("  state           {}", item.state)];
    if let Some(work) = &item.work {
        lines.push(format!("  account         {}", work.account));
        lines.push(format!("  due             {:.0}", work.due_at));
        lines.push(format!("  attempts        {}", work.attempts));
        lines.push(format!("  first event     {:.0}", work.first_event_at));
        lines.push(format!("  last event      {:.0} ({})", work.last_event_at, work.asked_for_by));
        lines.extend(work.put_off_because.iter().map(|reason| format!("  put off         {reason}")));
    }
    for hold in &item.holds {
        let state = if hold.released_at.is_some() { "released" } else { "held" };
        lines.push(format!("  {} {state} since {:.0}: {}", hold.effect, hold.held_at, hold.cause));
        lines.push(format!("    why           {}", hold.why));
        lines.push(format!("    what to do    {}", hold.remedy));
    }
    lines
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
