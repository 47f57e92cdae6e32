//! `order import`.

use std::time::{Duration, Instant};

use anyhow::ensure;
use clap::Args;
use orderbridge_schema::ids::{StoreOrderId, TenantId};
use orderbridge_schema::seen::StatusSet;
use orderbridge_schema::work::Aspects;

use crate::clock::clock;
use crate::commands::order::outcome::outcome;
use crate::commands::order::{ensure_not_stopped, key, tenant, wanted};
use crate::commands::replay::dry_run::{Asked, look_at_orders};
use crate::commands::replay::report::Report;
use crate::commands::replay::selection::Selection;
use crate::commands::replay::tools::Tools;
use crate::commands::{Ending, migrated_database};
use crate::output;
use crate::settings::Settings;

const HELP: &str = "\
Examples:
  orderbridge order import --tenant acme-uk 250
  orderbridge order import --tenant acme-uk 250 251 252 --dry-run

Makes sales orders of orders that were left alone: placed before the go-live time, in a status in which none are created, by a guest while
those are left alone. One that waits for something is looked at again, and of one that counts as gone both sides are looked for. An order that may have been entered in Brightpearl before is searched
for there by its number and channel first, and taken over if it is found; no order is ever made twice.

Still left alone are orders of channels and sources that are not chosen (somebody else brings those to Brightpearl), what is archived,
refunded, cancelled or declined, incomplete orders, and everything while order sync is off. What cannot be created is held and says why.

A processor does the work; the command tells what came of it. It fails if not all of them are sales orders in the end.";

/// Which orders.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Import {
    /// Whose orders
    #[arg(long, value_name = "ID")]
    tenant: TenantId,
    /// Numbers of the store's orders
    #[arg(value_name = "ORDER", required = true)]
    orders: Vec<StoreOrderId>,
    /// Tell what would happen, with reads alone
    #[arg(long)]
    dry_run: bool,
    /// With --dry-run: as JSON
    #[arg(long, requires = "dry_run")]
    json: bool,
    /// How many seconds to wait for the processor
    #[arg(long, value_name = "SECONDS", default_value_t = 60, conflicts_with = "dry_run")]
    wait: u64,
}

/// Runs it.
///
/// # Errors
/// The database fails, there is no such tenant, or an operator has stopped one of the orders.
pub async fn run(args: &Import, settings: &Settings) -> anyhow::Result<Ending> {
    if args.dry_run {
        return dry_run(args, &Tools::new(settings).await?).await;
    }
    let db = migrated_database(settings).await?;
    let tenant = tenant(&db, &args.tenant).await?;
    let now = clock(settings.clock.offset_file.clone()).now();
    for order in &args.orders {
        ensure_not_stopped(&db, &key(&tenant, *order)).await?;
    }
    let upserts: Vec<_> = args.orders.iter().map(|order| wanted(&tenant, *order, now, "imported by hand")).collect();
    db.upsert(&upserts).await?;
    let deadline = Instant::now() + Duration::from_secs(args.wait);
    let mut all_linked = true;
    for order in &args.orders {
        let told = outcome(&db, &tenant, *order, deadline).await?;
        output::line(&format!("order {order} {}", told.text))?;
        all_linked &= told.linked;
    }
    Ok(Ending::fine_if(all_linked))
}

async fn dry_run(args: &Import, tools: &Tools) -> anyhow::Result<Ending> {
    let tenant = tenant(&tools.db, &args.tenant).await?;
    ensure!(!args.orders.is_empty(), "name at least one order");
    let mut report = Report::new(Selection::of_tenant(tenant.id.clone(), None, None));
    let aspects = Aspects::ALL.with(Aspects::BY_HAND);
    let asked = args.orders.iter().map(|order| Asked { order: *order, aspects, seen: StatusSet::NONE }).collect();
    look_at_orders(tools, &tenant, asked, &mut report).await?;
    report.cost(tools.gate.calls());
    report.print(args.json)?;
    Ok(Ending::fine_if(report.is_complete()))
}
