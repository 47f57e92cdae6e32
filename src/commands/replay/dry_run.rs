//! `replay --dry-run`: what would be done, decided by the same code, with reads only.

use std::collections::{BTreeMap, BTreeSet};

use orderbridge_postgres::{OrderState, TenantRecord, TenantState};
use orderbridge_processor::joined;
use orderbridge_reconcile::{preview, remembered};
use orderbridge_schema::ids::{StoreOrderId, TenantId};
use orderbridge_schema::seen::StatusSet;
use orderbridge_schema::work::{Aspects, Scope, Upsert, WorkKey, WorkKind};

use super::events::{TOGETHER, understand};
use super::report::{Entity, Report};
use super::router::Router;
use super::selection::Selection;
use super::tools::Tools;

/// Orders that are read together, as the processor does.
const BATCH: usize = 100;

/// An order that is to be looked at.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// Which.
    pub order: StoreOrderId,
    /// Which sides of it.
    pub aspects: Aspects,
    /// What events say it came into.
    pub seen: StatusSet,
}

/// Looks at everything that is selected.
///
/// # Errors
/// The brokers, the database or the settings fail; what a platform does not answer is told for each entity instead.
pub async fn run(tools: &Tools, selection: &Selection) -> anyhow::Result<Report> {
    let mut report = Report::new(selection.clone());
    let mut router = Router::new(tools, selection).await?;
    let mut reading = tools.reader.open(selection.spans(&tools.reader).await?)?;
    let mut wanted: Vec<Upsert> = Vec::new();
    loop {
        let records = reading.next(TOGETHER).await?;
        if records.is_empty() {
            break;
        }
        let understood = understand(&records);
        report.read(records.len(), understood.idle, understood.unreadable);
        let routed = router.route(understood.asked).await?;
        report.passed_by(routed.passed);
        wanted.extend(routed.wanted);
        wanted = joined(wanted);
    }
    look_at(tools, &router, wanted, &mut report).await?;
    report.cost(tools.gate.calls());
    Ok(report)
}

async fn look_at(tools: &Tools, router: &Router<'_>, wanted: Vec<Upsert>, report: &mut Report) -> anyhow::Result<()> {
    let stopped: BTreeMap<WorkKey, String> =
        tools.db.operator_holds(None).await?.into_iter().map(|hold| (hold.key, format!("held by {}: {}", hold.by, hold.why))).collect();
    let mut orders: BTreeMap<TenantId, Vec<Asked>> = BTreeMap::new();
    for upsert in wanted {
        match (&upsert.key.scope, upsert.key.kind) {
            _ if stopped.contains_key(&upsert.key) => report.add(Entity::stopped(&upsert.key, stopped.get(&upsert.key).cloned())),
            (Scope::Tenant(tenant), WorkKind::Order) => {
                let asked = Asked { order: StoreOrderId(upsert.key.entity), aspects: upsert.aspects, seen: upsert.seen };
                orders.entry(tenant.clone()).or_default().push(asked);
            }
            (_, WorkKind::Product | WorkKind::StoreProduct) => {
                report.add(Entity::skipped(&upsert.key, "its identities would be read again, which changes neither platform".into()));
            }
            (_, WorkKind::Connection) => report.add(Entity::skipped(&upsert.key, "the store would be asked whether it still lets us in".into())),
            _ => report.add(Entity::skipped(&upsert.key, "a sweep would look for all that changed since".into())),
        }
    }
    for (tenant, orders) in orders {
        if let Some(record) = router.tenant(&tenant) {
            look_at_orders(tools, record, orders, report).await?;
        }
    }
    Ok(())
}

/// Decides about orders of one tenant, and adds what comes of it to the report.
///
/// # Errors
/// The database fails.
pub async fn look_at_orders(tools: &Tools, tenant: &TenantRecord, orders: Vec<Asked>, report: &mut Report) -> anyhow::Result<()> {
    let key = |order: StoreOrderId| WorkKey { scope: Scope::Tenant(tenant.id.clone()), kind: WorkKind::Order, entity: order.0 };
    let waits = match (&tenant.state, &tenant.parked) {
        (TenantState::Paused | TenantState::Removed, _) => Some("its tenant is paused: it would wait until that is resumed".to_owned()),
        (TenantState::Active, Some(why)) => Some(format!("its tenant is parked: {why}")),
        (TenantState::Active, None) => None,
    };
    if let Some(why) = waits {
        orders.into_iter().for_each(|asked| report.add(Entity::skipped(&key(asked.order), why.clone())));
        return Ok(());
    }
    let session = match tools.session(tenant).await {
        Ok(session) => session,
        Err(error) => {
            orders.into_iter().for_each(|asked| report.add(Entity::failed(&key(asked.order), format!("{error:#}"))));
            return Ok(());
        }
    };
    for (place, batch) in orders.chunks(BATCH).enumerate() {
        tracing::info!(tenant = %tenant.id, looked_at = place * BATCH, of = orders.len(), "looking at orders");
        let ids: BTreeSet<StoreOrderId> = batch.iter().map(|asked| asked.order).collect();
        let mut states = tools.db.load_order_state(&tenant.id, &ids.into_iter().collect::<Vec<_>>()).await?;
        let begun = |asked: &Asked| {
            let mut state: OrderState = states.remove(&asked.order).unwrap_or_default();
            // What intake would remember of the events that ask.
            state.seen = state.seen.with(asked.seen);
            remembered(asked.order, asked.aspects, state)
        };
        let facts = batch.iter().map(begun).collect();
        for (order, looked) in preview(&session, facts, tools.clock.now()).await {
            report.add(match looked {
                Ok(preview) => Entity::of(&key(order), preview),
                Err(error) => Entity::failed(&key(order), error.to_string()),
            });
        }
    }
    Ok(())
}
