//! Work items as they are printed.

use std::collections::BTreeMap;

use anyhow::anyhow;
use jiff::Timestamp;
use orderbridge_postgres::{Db, HoldFilter, OperatorHold, StoredHold, WorkFilter, WorkRow, WorkState};
use orderbridge_schema::work::{Scope, Share, WorkKey};
use serde::Serialize;

use crate::output;

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

/// Something that waits.
#[derive(Debug, Serialize)]
pub struct Held {
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

impl From<OperatorHold> for Held {
    fn from(hold: OperatorHold) -> Self {
        let why = format!("held by {}: {}", hold.by, hold.why);
        let remedy = format!("`orderbridge work release {}` lets it go on", hold.key);
        Self { effect: "all", cause: "operator".to_owned(), why, remedy, held_at: hold.held_at, released_at: None }
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

/// Prints a list of work items and of what they wait for.
///
/// # Errors
/// The database fails.
pub async fn list(db: &Db, filter: &WorkFilter, json: bool) -> anyhow::Result<()> {
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

/// Held effects, and what operators hold.
///
/// # Errors
/// The database fails.
pub async fn holds_by_item(db: &Db, scope: Option<Scope>) -> anyhow::Result<BTreeMap<WorkKey, Vec<Held>>> {
    let mut found: BTreeMap<WorkKey, Vec<Held>> = BTreeMap::new();
    for hold in db.operator_holds(scope.as_ref()).await? {
        found.entry(hold.key.clone()).or_default().push(hold.into());
    }
    for hold in db.holds(&HoldFilter { scope, ..HoldFilter::default() }).await? {
        found.entry(hold.key.clone()).or_default().push(Held::of(hold));
    }
    Ok(found)
}

/// Prints one work item.
///
/// # Errors
/// The database fails, or there is nothing to do about it.
pub async fn show(db: &Db, key: &WorkKey, json: bool) -> anyhow::Result<()> {
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
