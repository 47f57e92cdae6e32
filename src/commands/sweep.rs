//! `sweep run|list`.

use anyhow::anyhow;
use clap::Subcommand;
use jiff::Timestamp;
use orderbridge_postgres::{Db, SweepRow, TenantState};
use orderbridge_schema::ids::{AccountCode, TenantId};
use orderbridge_schema::seen::StatusSet;
use orderbridge_schema::sweep::SweepSource;
use orderbridge_schema::work::{Aspects, Scope, Share, Upsert};
use serde::Serialize;

use crate::clock::clock;
use crate::commands::{Ending, migrated_database};
use crate::output;
use crate::settings::Settings;

const EXAMPLES: &str = "\
Examples:
  orderbridge sweep list
  orderbridge sweep run --tenant acme-uk
  orderbridge sweep run --account acme --source goods-out-notes

A sweep reads what changed on a platform and has whatever no webhook told of looked into. Sweeps run by themselves, see
[processor.sweeps] in the settings; the orders and hooks of a store belong to its tenant, all else to the Brightpearl account.";

/// What to do with sweeps.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum Sweep {
    /// Look for missed changes now instead of at the next time
    Run {
        /// Only this tenant's store and its account
        #[arg(long, value_name = "ID", conflicts_with = "account")]
        tenant: Option<TenantId>,
        /// Only this account and its tenants' stores
        #[arg(long, value_name = "CODE")]
        account: Option<AccountCode>,
        /// Only this source, such as store-orders, sales-orders or goods-out-notes
        #[arg(long, value_name = "SOURCE")]
        source: Option<SweepSource>,
    },
    /// List what is swept, how far it was, and when it is next
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs it.
///
/// # Errors
/// The database fails, or there is no such tenant or account.
pub async fn run(args: &Sweep, settings: &Settings) -> anyhow::Result<Ending> {
    let db = migrated_database(settings).await?;
    match args {
        Sweep::Run { tenant, account, source } => {
            let now = clock(settings.clock.offset_file.clone()).now();
            let wanted = wanted(&db, tenant.as_ref(), account.as_ref(), *source, now).await?;
            db.upsert(&wanted).await?;
            for sweep in &wanted {
                let source = SweepSource::from_number(sweep.key.entity).map_or("", SweepSource::as_str);
                output::line(&format!("{source} of {} is due now", sweep.key.scope))?;
            }
        }
        Sweep::List { json } => list(&db, *json).await?,
    }
    Ok(Ending::Fine)
}

/// The sweeps that a person asks for, as work.
async fn wanted(
    db: &Db,
    tenant: Option<&TenantId>,
    account: Option<&AccountCode>,
    source: Option<SweepSource>,
    now: Timestamp,
) -> anyhow::Result<Vec<Upsert>> {
    let tenants = db.tenants().await?;
    let is_meant = |of: &&orderbridge_postgres::TenantRecord| {
        of.state != TenantState::Removed && tenant.is_none_or(|id| of.id == *id) && account.is_none_or(|code| of.account == *code)
    };
    let tenants: Vec<_> = tenants.iter().filter(is_meant).collect();
    if tenants.is_empty() {
        return Err(match (tenant, account) {
            (Some(id), _) => anyhow!("there is no tenant {id}: see `orderbridge tenant list`"),
            (None, Some(code)) => anyhow!("no tenant belongs to account {code}: see `orderbridge tenant list`"),
            (None, None) => anyhow!("there is no tenant yet: see `orderbridge tenant import --help`"),
        });
    }
    let sources = || SweepSource::ALL.into_iter().filter(|one| source.is_none_or(|source| source == *one));
    let mut wanted = Vec::new();
    for tenant in tenants {
        for source in sources() {
            let scope = if source.is_tenants() { Scope::Tenant(tenant.id.clone()) } else { Scope::Account(tenant.account.clone()) };
            wanted.push(upsert(source, scope, tenant.account.clone(), now));
        }
    }
    // Tenants may share an account.
    wanted.sort_by(|one, other| one.key.cmp(&other.key));
    wanted.dedup_by(|one, other| one.key == other.key);
    Ok(wanted)
}

fn upsert(source: SweepSource, scope: Scope, account: AccountCode, now: Timestamp) -> Upsert {
    let cause = "asked for on the command line".to_owned();
    Upsert {
        key: source.key(scope),
        account,
        aspects: Aspects::default(),
        share: Share::Sweeps,
        event_at: now,
        cause,
        event: None,
        seen: StatusSet::NONE,
    }
}

#[derive(Debug, Serialize)]
struct Item {
    owner: String,
    source: SweepSource,
    found_up_to: Option<Timestamp>,
    last_run: Option<Timestamp>,
    next_run: Timestamp,
    pending: bool,
    put_off_because: Option<String>,
}

impl Item {
    fn of(row: SweepRow) -> Self {
        Self {
            owner: row.scope.to_string(),
            source: row.source,
            found_up_to: row.watermark,
            last_run: row.swept_at,
            next_run: row.due_at,
            pending: row.pending,
            put_off_because: row.reason,
        }
    }
}

async fn list(db: &Db, json: bool) -> anyhow::Result<()> {
    let items: Vec<Item> = db.sweeps(None).await?.into_iter().map(Item::of).collect();
    output::list(&items, json, &["OWNER", "SOURCE", "FOUND UP TO", "LAST RUN", "NEXT", "WAITS FOR"], |item| {
        let moment = |at: Option<Timestamp>| at.map_or_else(|| "never".to_owned(), |at| format!("{at:.0}"));
        let next = if item.pending { "now".to_owned() } else { format!("{:.0}", item.next_run) };
        let waits_for = item.put_off_because.clone().unwrap_or_default();
        vec![item.owner.clone(), item.source.to_string(), moment(item.found_up_to), moment(item.last_run), next, waits_for]
    })
}
