//! `timeline show`.

use clap::Subcommand;
use orderbridge_schema::ids::{StoreOrderId, TenantId};
use orderbridge_schema::work::{Scope, WorkKey, WorkKind};
use serde::Serialize;
use serde_json::Value;

use crate::commands::{Ending, migrated_database};
use crate::output;
use crate::settings::Settings;

/// What to do with timelines.
#[derive(Debug, Subcommand)]
pub enum Timeline {
    /// Tell what happened to a store's order, oldest first
    #[command(after_help = "Example:\n  orderbridge timeline show 250 --tenant acme-uk")]
    Show {
        /// The store's order number
        #[arg(value_name = "ORDER")]
        order: StoreOrderId,
        /// Whose order
        #[arg(long, value_name = "ID")]
        tenant: TenantId,
        /// As JSON, with the details of each entry
        #[arg(long)]
        json: bool,
    },
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
/// The database fails.
pub async fn run(args: &Timeline, settings: &Settings) -> anyhow::Result<Ending> {
    let Timeline::Show { order, tenant, json } = args;
    let key = WorkKey { scope: Scope::Tenant(tenant.clone()), kind: WorkKind::Order, entity: order.0 };
    let entries = migrated_database(settings).await?.timeline(&key).await?;
    let entries: Vec<Entry> =
        entries.into_iter().map(|entry| Entry { at: entry.at, key: entry.key.to_string(), text: entry.text, data: entry.data }).collect();
    output::list(&entries, *json, &["WHEN", "WHAT"], |entry| vec![format!("{:.3}", entry.at), entry.text.clone()])?;
    Ok(Ending::Fine)
}
