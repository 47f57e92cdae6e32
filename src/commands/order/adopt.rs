//! `order adopt`.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::Args;
use orderbridge_postgres::TenantRecord;
use orderbridge_schema::command::{external_ref, is_our_key};
use orderbridge_schema::facts::{SalesOrder, StoreOrder};
use orderbridge_schema::ids::{SalesOrderId, StoreOrderId, TenantId};

use crate::commands::Ending;
use crate::commands::order::outcome::outcome;
use crate::commands::order::{ensure_not_stopped, key, tenant, wanted};
use crate::commands::replay::tools::{SHARE, Tools};
use crate::output;
use crate::settings::Settings;

/// `orderTypeCode` of sales orders (BP §e.1).
const SALES_ORDER: &str = "SO";

const HELP: &str = "\
Examples:
  orderbridge order adopt --tenant acme-uk 250 70001

The sales order must exist, be a sales order, have the store order's currency and stand for no other order; the store order must have no
sales order yet. Totals are compared and told. A processor then links the two, compares them row by row, writes the sales order's id on the
store's order and keeps them in step from there on; no sales order is made. Totals that differ are held, as after a creation.";

/// Which orders.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Adopt {
    /// Whose order
    #[arg(long, value_name = "ID")]
    tenant: TenantId,
    /// Number of the store's order
    #[arg(value_name = "STORE_ORDER")]
    order: StoreOrderId,
    /// Id of the sales order in Brightpearl
    #[arg(value_name = "SALES_ORDER")]
    sales_order: SalesOrderId,
    /// How many seconds to wait for the processor
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait: u64,
}

/// Runs it.
///
/// # Errors
/// The database or a platform fails, or a check does; nothing is changed then.
pub async fn run(args: &Adopt, settings: &Settings) -> anyhow::Result<Ending> {
    let tools = Tools::new(settings).await?;
    let (db, now) = (&tools.db, tools.clock.now());
    let tenant = tenant(db, &args.tenant).await?;
    ensure_not_stopped(db, &key(&tenant, args.order)).await?;
    if is_linked(&tools, &tenant, args).await? {
        output::line(&format!("order {} is sales order {} already", args.order, args.sales_order))?;
        return Ok(Ending::Fine);
    }
    let (order, sales_order) = read(&tools, &tenant, args).await?;
    check(&tenant, &order, &sales_order)?;
    output::line(&compared(&order, &sales_order))?;
    ensure!(db.want_adoption(&tenant.id, args.order, args.sales_order).await?, "order {} was linked a moment ago", args.order);
    db.upsert(&[wanted(&tenant, args.order, now, "adopted by hand")]).await?;
    let told = outcome(db, &tenant, args.order, Instant::now() + Duration::from_secs(args.wait)).await?;
    output::line(&format!("order {} {}", args.order, told.text))?;
    Ok(Ending::fine_if(told.linked))
}

/// Whether just these two are linked; that either is linked otherwise is an error.
async fn is_linked(tools: &Tools, tenant: &TenantRecord, args: &Adopt) -> anyhow::Result<bool> {
    let state = tools.db.load_order_state(&tenant.id, &[args.order]).await?.remove(&args.order).unwrap_or_default();
    if state.links.iter().any(|link| link.sales_order == args.sales_order) {
        return Ok(true);
    }
    if let Some(link) = state.links.first() {
        bail!("order {} is sales order {} already", args.order, link.sales_order);
    }
    ensure!(!state.creation_in_doubt(), "a sales order for order {} may be made at this moment: try again in some minutes", args.order);
    let linked = tools.db.orders_of_sales_orders(&tenant.account, &[args.sales_order]).await?;
    if let Some((whose, order)) = linked.get(&args.sales_order) {
        bail!("sales order {} stands for order {order} of {whose}", args.sales_order);
    }
    Ok(false)
}

async fn read(tools: &Tools, tenant: &TenantRecord, args: &Adopt) -> anyhow::Result<(StoreOrder, SalesOrder)> {
    let session = tools.session(tenant).await?;
    let order = session.bigcommerce.order(args.order, SHARE).await.context("reading the store's order")?;
    let order = order.with_context(|| format!("the store has no order {}", args.order))?;
    let sales_orders = session.brightpearl.orders(&[args.sales_order], SHARE).await.context("reading the sales order")?;
    let sales_order = sales_orders.into_iter().next().with_context(|| format!("Brightpearl has no order {}", args.sales_order))?;
    Ok((order, sales_order))
}

fn check(tenant: &TenantRecord, order: &StoreOrder, sales_order: &SalesOrder) -> anyhow::Result<()> {
    let id = sales_order.id;
    ensure!(sales_order.type_code == SALES_ORDER, "order {id} in Brightpearl is of type {}, no sales order", sales_order.type_code);
    let key = external_ref(&tenant.store, order.id);
    let is_anothers = is_our_key(&sales_order.external_ref) && sales_order.external_ref != key;
    ensure!(!is_anothers, "sales order {id} was made for another store order: it carries the key {}", sales_order.external_ref);
    let same_currency = sales_order.currency.eq_ignore_ascii_case(&order.currency);
    ensure!(same_currency, "sales order {id} is in {}, order {} in {}", sales_order.currency, order.id, order.currency);
    Ok(())
}

fn compared(order: &StoreOrder, sales_order: &SalesOrder) -> String {
    let total = |total: rust_decimal::Decimal| format!("{} {}", total.normalize(), order.currency);
    if order.total == sales_order.total {
        return format!("both have the total {}", total(order.total));
    }
    format!(
        "the totals differ: order {} has {}, sales order {} has {}; that will be held until it is mended",
        order.id,
        total(order.total),
        sales_order.id,
        total(sales_order.total)
    )
}
