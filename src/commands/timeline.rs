//! `timeline show`.

use anyhow::{Context, anyhow, ensure};
use clap::{Args, Subcommand};
use orderbridge_postgres::{Db, OrderState};
use orderbridge_schema::ids::{AccountCode, NoteId, SalesOrderId, StoreOrderId, TenantId};
use orderbridge_schema::link::NoteKind;
use orderbridge_schema::work::{Scope, WorkKey, WorkKind};
use serde::Serialize;
use serde_json::Value;

use crate::commands::{Ending, migrated_database};
use crate::output;
use crate::settings::Settings;

const EXAMPLES: &str = "\
Examples:
  orderbridge timeline show 250 --tenant acme-uk
  orderbridge timeline show 70001 --sales-order --account acme
  orderbridge timeline show 4101 --goods-out-note --tenant acme-uk --json

A sales order is found once it is linked to its store order, a note once a shipment was made from it.";

/// What to do with timelines.
#[derive(Debug, Subcommand)]
pub enum Timeline {
    /// Tell what happened to an order, oldest first, by its id on either side
    Show(Show),
}

/// Which order.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Show {
    /// The store's order number, unless an option says that it is another id
    #[arg(value_name = "ID")]
    id: u64,
    /// The id is a Brightpearl sales order's
    #[arg(long, group = "side")]
    sales_order: bool,
    /// The id is a goods-out note's
    #[arg(long, group = "side")]
    goods_out_note: bool,
    /// The id is a drop-ship note's
    #[arg(long, group = "side")]
    drop_ship_note: bool,
    /// Whose order
    #[arg(long, value_name = "ID", required_unless_present = "account")]
    tenant: Option<TenantId>,
    /// With Brightpearl's ids: in which account, if the tenant is not known
    #[arg(long, value_name = "CODE", conflicts_with = "tenant", requires = "side")]
    account: Option<AccountCode>,
    /// As JSON, with the details of each entry
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Entry {
    at: jiff::Timestamp,
    key: String,
    text: String,
    data: Value,
}

/// Runs it.
///
/// # Errors
/// The database fails, or the id belongs to no order that is linked.
pub async fn run(args: &Timeline, settings: &Settings) -> anyhow::Result<Ending> {
    let Timeline::Show(args) = args;
    let db = migrated_database(settings).await?;
    let (tenant, order) = find(&db, args).await?;
    let key = WorkKey { scope: Scope::Tenant(tenant.clone()), kind: WorkKind::Order, entity: order.0 };
    let entries = db.timeline(&key).await?;
    let entries: Vec<Entry> = entries.into_iter().map(|entry| Entry { at: entry.at, key: entry.key, text: entry.text, data: entry.data }).collect();
    if !args.json {
        let state = db.load_order_state(&tenant, &[order]).await?.remove(&order).unwrap_or_default();
        output::line(&heading(&tenant, order, &state))?;
    }
    output::list(&entries, args.json, &["WHEN", "WHAT"], |entry| vec![format!("{:.3}", entry.at), entry.text.clone()])?;
    Ok(Ending::Fine)
}

/// Both sides' ids.
fn heading(tenant: &TenantId, order: StoreOrderId, state: &OrderState) -> String {
    let mut text = format!("{tenant}: store order {order}");
    state.links.iter().for_each(|link| text.push_str(&format!(", sales order {}", link.sales_order)));
    state.shipments.iter().for_each(|link| text.push_str(&format!(", {} {} as shipment {}", link.kind, link.note, link.shipment)));
    text
}

async fn find(db: &Db, args: &Show) -> anyhow::Result<(TenantId, StoreOrderId)> {
    let tenants = match (&args.tenant, &args.account) {
        (Some(tenant), _) => vec![db.tenant(tenant).await?.with_context(|| format!("there is no tenant {tenant}"))?],
        (None, Some(account)) => db.tenants_of_account(account).await?,
        (None, None) => Vec::new(),
    };
    let account = tenants.first().map(|tenant| tenant.account.clone()).ok_or_else(|| anyhow!("there is no such account"))?;
    if args.sales_order {
        let id = SalesOrderId(args.id);
        let found = db.orders_of_sales_orders(&account, &[id]).await?.remove(&id);
        let (tenant, order) = found.ok_or_else(|| anyhow!("sales order {id} of account {account} is linked to no store order"))?;
        ensure!(tenants.iter().any(|known| known.id == tenant), "sales order {id} belongs to another tenant of account {account}");
        return Ok((tenant, order));
    }
    let kind = match (args.goods_out_note, args.drop_ship_note) {
        (true, _) => NoteKind::GoodsOut,
        (_, true) => NoteKind::DropShip,
        _ => {
            let tenant = args.tenant.clone().ok_or_else(|| anyhow!("whose order? --tenant tells"))?;
            return Ok((tenant, StoreOrderId(args.id)));
        }
    };
    let note = NoteId(args.id);
    let found = db.orders_of_notes(&account, kind, &[note]).await?.remove(&note);
    let is_ours = |(tenant, _): &(TenantId, StoreOrderId)| tenants.iter().any(|known| known.id == *tenant);
    found.filter(is_ours).ok_or_else(|| anyhow!("no shipment was made from {kind} {note}"))
}
