//! What a reconcile has read, so that sweeps need not have it read again.

use jiff::Timestamp;
use orderbridge_decide::OrderFacts;
use orderbridge_postgres::Known;
use orderbridge_reconcile::Session;
use orderbridge_schema::link::NoteKind;
use orderbridge_schema::sweep::KnownKind;
use orderbridge_schema::work::{Aspects, Scope};

use crate::account::Worker;
use crate::orders::Looked;
use crate::outcome::Outcome;

/// The dates of what was read and fully looked into: an aspect that nobody asked for was read for other reasons, and not all of it was
/// decided about.
pub(crate) fn dates(session: &Session, facts: &OrderFacts, read_at: Timestamp) -> Vec<Known> {
    let mut known = Vec::new();
    let mut add = |scope: Scope, kind, entity, modified_at: Option<Timestamp>| {
        known.extend(modified_at.map(|modified_at| Known { scope, kind, entity, modified_at, read_at }));
    };
    if let Some(Some(order)) = facts.store_order.as_ref().filter(|_| facts.aspects.has(Aspects::STORE_ORDER)) {
        add(Scope::Tenant(session.tenant.clone()), KnownKind::StoreOrder, order.id.0, Some(order.modified_at));
    }
    let account = || Scope::Account(session.account.clone());
    if facts.aspects.has(Aspects::SALES_ORDER) {
        for order in facts.sales_orders.values().flatten() {
            add(account(), KnownKind::SalesOrder, order.id.0, order.updated_at);
        }
    }
    for note in facts.notes.iter().flatten().filter(|note| note.shipped) {
        let kind = match note.kind {
            NoteKind::GoodsOut => KnownKind::GoodsOutNote,
            NoteKind::DropShip => KnownKind::DropShipNote,
        };
        add(account(), kind, note.id.0, note.shipped_at);
    }
    known
}

impl Worker {
    /// Remembers what ended done or held. A failure costs reads later and nothing else.
    pub(crate) async fn remember_read(&self, looked: &[Looked]) {
        let is_settled = |looked: &&Looked| matches!(looked.outcome, Outcome::Done | Outcome::Held(_));
        let known: Vec<Known> = looked.iter().filter(is_settled).flat_map(|looked| looked.read.iter().cloned()).collect();
        if let Err(error) = self.db.remember_known(&known).await {
            tracing::info!(account = %self.lease.account, %error, "what was read could not be remembered: a sweep will have it read again");
        }
    }
}
