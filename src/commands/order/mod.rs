//! `order import|adopt`: what a person decides about single orders.

mod adopt;
mod import;
mod outcome;

use anyhow::{Context, ensure};
use clap::Subcommand;
use orderbridge_postgres::{Db, TenantRecord, TenantState};
use orderbridge_schema::ids::{StoreOrderId, TenantId};
use orderbridge_schema::seen::StatusSet;
use orderbridge_schema::work::{Aspects, Scope, Share, Upsert, WorkKey, WorkKind};

use crate::commands::Ending;
use crate::settings::Settings;

/// What to do with orders.
#[derive(Debug, Subcommand)]
pub enum Order {
    /// Make sales orders of store orders that the rules leave alone, whatever their age and status
    Import(import::Import),
    /// Say which sales order in Brightpearl stands for a store order
    Adopt(adopt::Adopt),
}

/// Runs it.
///
/// # Errors
/// The database or a platform fails, or a check does.
pub async fn run(args: &Order, settings: &Settings) -> anyhow::Result<Ending> {
    match args {
        Order::Import(args) => import::run(args, settings).await,
        Order::Adopt(args) => adopt::run(args, settings).await,
    }
}

async fn tenant(db: &Db, id: &TenantId) -> anyhow::Result<TenantRecord> {
    let tenant = db.tenant(id).await?.with_context(|| format!("there is no tenant {id}"))?;
    ensure!(tenant.state != TenantState::Removed, "tenant {id} was removed");
    Ok(tenant)
}

fn key(tenant: &TenantRecord, order: StoreOrderId) -> WorkKey {
    WorkKey { scope: Scope::Tenant(tenant.id.clone()), kind: WorkKind::Order, entity: order.0 }
}

/// Work for an order that a person wants.
fn wanted(tenant: &TenantRecord, order: StoreOrderId, now: jiff::Timestamp, cause: &str) -> Upsert {
    Upsert {
        key: key(tenant, order),
        account: tenant.account.clone(),
        aspects: Aspects::ALL.with(Aspects::BY_HAND),
        share: Share::Orders,
        event_at: now,
        cause: cause.to_owned(),
        event: None,
        seen: StatusSet::NONE,
    }
}

/// Nothing is begun that an operator has stopped.
async fn ensure_not_stopped(db: &Db, key: &WorkKey) -> anyhow::Result<()> {
    let is_stopped = db.operator_holds(Some(&key.scope)).await?.iter().any(|hold| hold.key == *key);
    ensure!(!is_stopped, "{key} is held by an operator: `orderbridge work release {key}` lets it go on");
    Ok(())
}
