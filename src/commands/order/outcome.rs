//! What became of orders that a person asked for, as the processor leaves it.

use std::time::{Duration, Instant};

use orderbridge_postgres::{Db, TenantRecord, TenantState, WorkState};
use orderbridge_schema::ids::StoreOrderId;

use crate::commands::order::key;

/// How often is looked.
const LOOK: Duration = Duration::from_millis(250);

/// What became of one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// In plain words.
    pub text: String,
    /// It is linked with a sales order.
    pub linked: bool,
}

impl Told {
    fn not_linked(text: String) -> Self {
        Self { text, linked: false }
    }
}

/// Waits until the processor is done with an order, and tells what became of it; at most until the deadline.
///
/// # Errors
/// The database fails.
pub async fn outcome(db: &Db, tenant: &TenantRecord, order: StoreOrderId, deadline: Instant) -> anyhow::Result<Told> {
    let key = key(tenant, order);
    loop {
        let work = db.work_show(&key).await?;
        let waits = work.filter(|work| work.state == WorkState::Ready);
        let Some(waits) = waits else { return settled(db, tenant, order).await };
        if Instant::now() >= deadline {
            let why = match (tenant.state, waits.reason) {
                (TenantState::Paused, _) => "its tenant is paused".to_owned(),
                (_, Some(reason)) => reason,
                (_, None) => "no processor has taken it up yet".to_owned(),
            };
            return Ok(Told::not_linked(format!("is still to be done: {why}")));
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn settled(db: &Db, tenant: &TenantRecord, order: StoreOrderId) -> anyhow::Result<Told> {
    let state = db.load_order_state(&tenant.id, &[order]).await?.remove(&order).unwrap_or_default();
    let holds: Vec<String> = state.holds.iter().map(|hold| format!("{}; {}", hold.why, hold.remedy)).collect();
    let held = if holds.is_empty() { String::new() } else { format!("held: {}", holds.join("; ")) };
    if let Some(link) = state.links.first() {
        let more = if held.is_empty() { held } else { format!(", {held}") };
        return Ok(Told { text: format!("is sales order {}{more}", link.sales_order), linked: true });
    }
    if !held.is_empty() {
        return Ok(Told::not_linked(format!("is {held}")));
    }
    // What was told last before is not told again; a hold that is over is no reason.
    let last = db.timeline(&key(tenant, order)).await?.into_iter().rfind(|entry| !entry.key.starts_with("held:"));
    Ok(Told::not_linked(last.map_or_else(|| "is left alone".to_owned(), |entry| format!("is left alone: {}", entry.text))))
}
