//! `audit`: the books of both platforms, compared.

mod csv;
mod run;
mod shown;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};
use orderbridge_postgres::{Db, StoredAudit, TenantRecord, TenantState};
use orderbridge_schema::audit::{AuditReport, Window};
use orderbridge_schema::clock::Clock;
use orderbridge_schema::ids::TenantId;
use serde::Serialize;

use crate::clock::clock;
use crate::commands::arguments::{When, when};
use crate::commands::{Ending, Usage, migrated_database};
use crate::output;
use crate::settings::Settings;

const EXAMPLES: &str = "\
Examples:
  orderbridge audit --tenant acme-uk
  orderbridge audit --tenant acme-uk --from 2026-03-01 --to 2026-04-01 --csv >march.csv
  orderbridge audit list --tenant acme-uk
  orderbridge audit show 12 --json

Orders, payments and refunds of both platforms are counted and compared; nothing is changed. Every difference is named with its cause;
orders that wait or that the rules leave alone are listed with the money they stand for. Without --from and --to it is about the last
day and two hours before it. What was stopped less than an hour ago is gone on with when the same is asked for again.
The books of every tenant are compared each night as well, see [processor.audit] in the settings.

Exit codes: 0 the books agree, 3 they differ, 1 something failed, 2 the command line was wrong.";

/// The time that is looked at if nothing is said: a day, and what may have come late the day before.
const USUAL: SignedDuration = SignedDuration::from_hours(26);
/// Audits that are listed.
const LISTED: u32 = 50;

/// Compares the books.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Audit {
    /// Whose books
    #[arg(long, value_name = "ID", required = true)]
    tenant: Option<TenantId>,
    /// Since when (a time, a day, or how long ago)
    #[arg(long, value_name = "WHEN", value_parser = when)]
    from: Option<When>,
    /// Until when; now, if nothing is said
    #[arg(long, value_name = "WHEN", value_parser = when)]
    to: Option<When>,
    /// How the result is printed
    #[command(flatten)]
    form: Form,
    /// Or look at earlier ones
    #[command(subcommand)]
    earlier: Option<Earlier>,
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, Args)]
pub struct Form {
    /// As JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// As CSV: a line for each total, difference and waiting or skipped order
    #[arg(long)]
    csv: bool,
}

/// What to do with earlier audits.
#[derive(Debug, Subcommand)]
pub enum Earlier {
    /// List audits, the newest first
    List {
        /// Only this tenant's
        #[arg(long, value_name = "ID")]
        tenant: Option<TenantId>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what an audit found
    Show {
        /// Its number, see `audit list`
        #[arg(value_name = "NUMBER")]
        audit: i64,
        /// How it is printed
        #[command(flatten)]
        form: Form,
    },
}

/// Runs it.
///
/// # Errors
/// The database or a platform fails, there is no such tenant or audit, or the window is none.
pub async fn run(args: &Audit, settings: &Settings) -> anyhow::Result<Ending> {
    match &args.earlier {
        Some(Earlier::List { tenant, json }) => list(&migrated_database(settings).await?, tenant.as_ref(), *json).await,
        Some(Earlier::Show { audit, form }) => show(&migrated_database(settings).await?, *audit, *form).await,
        None => {
            let Some(id) = &args.tenant else { return Err(Usage("--tenant is missing".into()).into()) };
            let clock = clock(settings.clock.offset_file.clone());
            let window = window(args, &*clock)?;
            let (number, report) = run::run(settings, id, window, &clock).await?;
            print(number, &report, args.form)
        }
    }
}

/// The window that is asked for; none if the usual one is.
fn window(args: &Audit, clock: &dyn Clock) -> anyhow::Result<Option<Window>> {
    if args.from.is_none() && args.to.is_none() {
        return Ok(None);
    }
    let now = clock.now();
    let to = args.to.map_or_else(|| end_of_second(now), |to| to.seen_from(now));
    let from = args.from.map_or_else(|| to.checked_sub(USUAL).unwrap_or(to), |from| from.seen_from(now));
    let window = Window::new(from, to);
    if window.from >= window.to {
        return Err(Usage(format!("the window is empty: it begins {} and ends {}", window.from, window.to)).into());
    }
    if window.to > end_of_second(now) {
        return Err(Usage(format!("the window ends {}, which is yet to come", window.to)).into());
    }
    Ok(Some(window))
}

/// The last day, and a little before it.
fn usual(now: Timestamp) -> Window {
    let to = end_of_second(now);
    Window::new(to.checked_sub(USUAL).unwrap_or(to), to)
}

/// A window ends with whole seconds; what happened in the present one belongs to it.
fn end_of_second(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second().saturating_add(1)).unwrap_or(now)
}

async fn tenant(db: &Db, id: &TenantId) -> anyhow::Result<TenantRecord> {
    let tenant = db.tenant(id).await?.with_context(|| format!("there is no tenant {id}: see `orderbridge tenant list`"))?;
    ensure!(tenant.state != TenantState::Removed, "tenant {id} was removed");
    Ok(tenant)
}

fn print(number: i64, report: &AuditReport, form: Form) -> anyhow::Result<Ending> {
    if form.json {
        output::object(&Numbered { audit: number, report })?;
    } else if form.csv {
        output::raw(csv::of(number, report).as_bytes())?;
    } else {
        output::raw(shown::of(number, report).as_bytes())?;
    }
    Ok(if report.differences.is_empty() { Ending::Fine } else { Ending::Differs })
}

#[derive(Serialize)]
struct Numbered<'a> {
    audit: i64,
    #[serde(flatten)]
    report: &'a AuditReport,
}

async fn show(db: &Db, audit: i64, form: Form) -> anyhow::Result<Ending> {
    let report = db.audit_report(audit).await?.with_context(|| format!("there is no audit {audit}: see `orderbridge audit list`"))?;
    let report = report.with_context(|| format!("audit {audit} is not finished"))?;
    // Looking at a result is no check: that it could be shown is all there is to tell.
    print(audit, &report, form).map(|_ending| Ending::Fine)
}

#[derive(Debug, Serialize)]
struct Item {
    audit: i64,
    tenant: TenantId,
    nightly: bool,
    from: Timestamp,
    to: Timestamp,
    started_at: Timestamp,
    finished_at: Option<Timestamp>,
    differences: Option<u32>,
    held: Option<u32>,
    skipped: Option<u32>,
}

impl Item {
    fn of(audit: StoredAudit) -> Self {
        let StoredAudit { run, nightly, finished_at, differences, held, skipped } = audit;
        let (from, to) = (run.window.from, run.window.to);
        Self { audit: run.id, tenant: run.tenant, nightly, from, to, started_at: run.started_at, finished_at, differences, held, skipped }
    }
}

async fn list(db: &Db, of: Option<&TenantId>, json: bool) -> anyhow::Result<Ending> {
    if let Some(id) = of {
        tenant(db, id).await?;
    }
    let items: Vec<Item> = db.audits(of, LISTED).await?.into_iter().map(Item::of).collect();
    let headings = ["AUDIT", "TENANT", "FROM", "TO", "BEGUN", "DIFFERENCES", "HELD", "SKIPPED"];
    output::list(&items, json, &headings, |item| {
        let number = |count: Option<u32>| count.map_or_else(String::new, |count| count.to_string());
        let differences = if item.finished_at.is_none() { "not finished".to_owned() } else { number(item.differences) };
        let begun = format!("{:.0}{}", item.started_at, if item.nightly { " (nightly)" } else { "" });
        let (from, to) = (format!("{:.0}", item.from), format!("{:.0}", item.to));
        vec![item.audit.to_string(), item.tenant.to_string(), from, to, begun, differences, number(item.held), number(item.skipped)]
    })?;
    Ok(Ending::Fine)
}
