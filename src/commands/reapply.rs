//! `reapply`: the present rules for orders that were made by earlier ones.

use anyhow::{Context, ensure};
use clap::Args;
use orderbridge_postgres::{Db, LinkedIn, TenantRecord, TenantState};
use orderbridge_schema::ids::{StoreOrderId, TenantId};
use orderbridge_schema::seen::StatusSet;
use orderbridge_schema::work::{Aspects, Scope, Share, Upsert, WorkKey, WorkKind};

use crate::clock::clock;
use crate::commands::arguments::{When, when};
use crate::commands::replay::dry_run::{Asked, look_at_orders};
use crate::commands::replay::report::Report;
use crate::commands::replay::selection::Selection;
use crate::commands::replay::tools::Tools;
use crate::commands::{Ending, Usage, migrated_database};
use crate::output;
use crate::settings::Settings;

/// Orders that are put in together.
const TOGETHER: u32 = 1_000;

const HELP: &str = "\
Examples:
  orderbridge reapply --tenant acme-uk
  orderbridge reapply --tenant acme-uk --from 2026-03-01 --dry-run
  orderbridge reapply --tenant acme-uk --from 2026-03-01 --yes

A change of rules alone never rewrites orders that agree already. This command has the statuses of linked orders compared by the present
rules, as if a side had changed: the side that is set to win leads, or the other one where only that is mapped. Orders whose statuses agree
by the present rules are left alone. What a sales order was created with (rows, warehouse, channel, price list) is never rewritten.

Without --yes it only says how many orders that are. The processors do the work, paid from the share of replays (a tenth of each quota).";

/// Whose orders.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Reapply {
    /// Whose linked orders
    #[arg(long, value_name = "ID")]
    tenant: TenantId,
    /// Only those linked at this time or later: 2026-03-01T09:00:00Z, 2026-03-01, or how long ago, such as 3d
    #[arg(long, value_name = "TIME", value_parser = when)]
    from: Option<When>,
    /// Only those linked before this time
    #[arg(long, value_name = "TIME", value_parser = when)]
    to: Option<When>,
    /// Do it
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
    /// Tell for each order what would happen, with reads alone
    #[arg(long)]
    dry_run: bool,
    /// With --dry-run: as JSON
    #[arg(long, requires = "dry_run")]
    json: bool,
}

/// Both sides, compared by the rules.
const ASPECTS: Aspects = Aspects::STORE_ORDER.with(Aspects::SALES_ORDER).with(Aspects::REAPPLY);

/// Runs it.
///
/// # Errors
/// The database fails, or there is no such tenant.
pub async fn run(args: &Reapply, settings: &Settings) -> anyhow::Result<Ending> {
    let now = clock(settings.clock.offset_file.clone()).now();
    let within = LinkedIn { from: args.from.map(|from| from.seen_from(now)), to: args.to.map(|to| to.seen_from(now)) };
    if let (Some(from), Some(to)) = (within.from, within.to)
        && from >= to
    {
        return Err(Usage(format!("--to ({to:.0}) must be later than --from ({from:.0})")).into());
    }
    if args.dry_run {
        return dry_run(args, &Tools::new(settings).await?, within).await;
    }
    let db = migrated_database(settings).await?;
    let tenant = tenant(&db, &args.tenant).await?;
    let count = db.count_linked(&tenant.id, within).await?;
    let version = tenant.rules_version;
    if !args.yes {
        output::line(&format!("{count} linked orders of {} would be compared by version {version} of its rules; --yes does it", tenant.id))?;
        return Ok(Ending::Fine);
    }
    let mut put = 0;
    let mut after = None;
    loop {
        let orders = db.linked_orders(&tenant.id, within, after, TOGETHER).await?;
        let Some(&last) = orders.last() else { break };
        put += orders.len();
        let upserts: Vec<Upsert> = orders.into_iter().map(|order| upsert(&tenant, order, now)).collect();
        db.upsert(&upserts).await?;
        after = Some(last);
    }
    output::line(&format!("{put} linked orders of {} are compared by version {version} of its rules, a few at a time", tenant.id))?;
    Ok(Ending::Fine)
}

async fn tenant(db: &Db, id: &TenantId) -> anyhow::Result<TenantRecord> {
    let tenant = db.tenant(id).await?.with_context(|| format!("there is no tenant {id}"))?;
    ensure!(tenant.state != TenantState::Removed, "tenant {id} was removed");
    Ok(tenant)
}

fn upsert(tenant: &TenantRecord, order: StoreOrderId, now: jiff::Timestamp) -> Upsert {
    Upsert {
        key: WorkKey { scope: Scope::Tenant(tenant.id.clone()), kind: WorkKind::Order, entity: order.0 },
        account: tenant.account.clone(),
        aspects: ASPECTS,
        share: Share::Replay,
        event_at: now,
        cause: format!("reapply of rules version {}", tenant.rules_version),
        event: None,
        seen: StatusSet::NONE,
    }
}

async fn dry_run(args: &Reapply, tools: &Tools, within: LinkedIn) -> anyhow::Result<Ending> {
    let tenant = tenant(&tools.db, &args.tenant).await?;
    let mut report = Report::new(Selection::of_tenant(tenant.id.clone(), within.from, within.to));
    let mut after = None;
    loop {
        let orders = tools.db.linked_orders(&tenant.id, within, after, TOGETHER).await?;
        let Some(&last) = orders.last() else { break };
        let asked = orders.into_iter().map(|order| Asked { order, aspects: ASPECTS, seen: StatusSet::NONE }).collect();
        look_at_orders(tools, &tenant, asked, &mut report).await?;
        after = Some(last);
    }
    report.cost(tools.gate.calls());
    report.print(args.json)?;
    Ok(Ending::fine_if(report.is_complete()))
}
