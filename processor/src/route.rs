//! Brightpearl's objects belong to an account that tenants share: each is routed, by link or by our key, to the store order it concerns.

use std::collections::{BTreeSet, HashMap, HashSet};

use orderbridge_postgres::WorkItem;
use orderbridge_schema::command::parse_external_ref;
use orderbridge_schema::facts::{Note, SalesOrder};
use orderbridge_schema::ids::{NoteId, Platform, SalesOrderId, StoreOrderId, TenantId};
use orderbridge_schema::link::NoteKind;
use orderbridge_schema::work::{Aspects, Scope, Share, Upsert, WorkKey, WorkKind};

use crate::account::Worker;
use crate::connections::{AccountClient, of_db};
use crate::failure;
use crate::outcome::Outcome;

type Routes = HashMap<SalesOrderId, (TenantId, StoreOrderId)>;

impl Worker {
    /// Routes changed sales orders.
    pub(crate) async fn route_sales_orders(&self, account: &AccountClient, items: Vec<WorkItem>) -> Vec<(WorkItem, Outcome)> {
        let ids: BTreeSet<SalesOrderId> = items.iter().map(|item| SalesOrderId(item.key.entity)).collect();
        let outcome = match self.routes(account, ids).await {
            Ok(routes) => self.follow(&items, |item| routes.get(&SalesOrderId(item.key.entity)), Aspects::SALES_ORDER).await,
            Err(outcome) => outcome,
        };
        items.into_iter().map(|item| (item, outcome.clone())).collect()
    }

    /// Routes shipped notes: read in one call, then by their sales orders.
    pub(crate) async fn route_notes(&self, account: &AccountClient, kind: NoteKind, items: Vec<WorkItem>) -> Vec<(WorkItem, Outcome)> {
        let outcome = match self.note_routes(account, kind, &items).await {
            Ok(routes) => self.follow(&items, |item| routes.get(&NoteId(item.key.entity)), Aspects::NOTES).await,
            Err(outcome) => outcome,
        };
        items.into_iter().map(|item| (item, outcome.clone())).collect()
    }

    async fn note_routes(
        &self,
        account: &AccountClient,
        kind: NoteKind,
        items: &[WorkItem],
    ) -> Result<HashMap<NoteId, (TenantId, StoreOrderId)>, Outcome> {
        let ids: Vec<NoteId> = items.iter().map(|item| NoteId(item.key.entity)).collect();
        let attempts = items.first().map_or(0, |item| item.attempts);
        let notes = account.client.notes(kind, &ids, Share::Fulfilment).await;
        let notes = notes.map_err(|error| failure::of_read_call(Platform::Brightpearl, &error, attempts))?;
        // Transfers move stock between warehouses; a note that has not left yet is told of again when it does.
        let notes: Vec<Note> = notes.into_iter().filter(|note| !note.transfer && note.shipped).collect();
        let routes = self.routes(account, notes.iter().filter_map(|note| note.order).collect()).await?;
        let routed = |note: &Note| Some((note.id, routes.get(&note.order?)?.clone()));
        Ok(notes.iter().filter_map(routed).collect())
    }

    /// Whose the sales orders are. Those that no integration of ours made are remembered as foreign and never read again.
    async fn routes(&self, account: &AccountClient, ids: BTreeSet<SalesOrderId>) -> Result<Routes, Outcome> {
        let code = &self.lease.account;
        let all: Vec<SalesOrderId> = ids.into_iter().collect();
        let mut routes = self.db.orders_of_sales_orders(code, &all).await.map_err(|error| of_db(&error))?;
        let unlinked: Vec<SalesOrderId> = all.into_iter().filter(|id| !routes.contains_key(id)).collect();
        if unlinked.is_empty() {
            return Ok(routes);
        }
        let known_foreign: HashSet<SalesOrderId> = self.db.foreign(code, &unlinked).await.map_err(|error| of_db(&error))?;
        let unknown: Vec<SalesOrderId> = unlinked.into_iter().filter(|id| !known_foreign.contains(id)).collect();
        if unknown.is_empty() {
            return Ok(routes);
        }
        let read = account.client.orders(&unknown, Share::Orders).await;
        let read = read.map_err(|error| failure::of_read_call(Platform::Brightpearl, &error, 0))?;
        let mut foreign = Vec::new();
        for order in read {
            match self.owner_of(&order).await? {
                Some(owner) => {
                    routes.insert(order.id, owner);
                }
                None => foreign.push(order.id),
            }
        }
        self.db.remember_foreign(code, &foreign).await.map_err(|error| of_db(&error))?;
        Ok(routes)
    }

    /// The store order that a sales order's key names, if the key is ours and the store is one of the account's tenants'.
    async fn owner_of(&self, order: &SalesOrder) -> Result<Option<(TenantId, StoreOrderId)>, Outcome> {
        let Some((store, store_order)) = parse_external_ref(&order.external_ref) else { return Ok(None) };
        let tenant = self.db.tenant_of_store(&self.lease.account, &store).await.map_err(|error| of_db(&error))?;
        Ok(tenant.map(|tenant| (tenant, store_order)))
    }

    /// Makes work of routed objects; the others concern nobody here.
    async fn follow<'a>(&self, items: &[WorkItem], route: impl Fn(&WorkItem) -> Option<&'a (TenantId, StoreOrderId)>, aspects: Aspects) -> Outcome {
        let upserts = items.iter().filter_map(|item| {
            let (tenant, order) = route(item)?;
            Some(Upsert {
                key: WorkKey { scope: Scope::Tenant(tenant.clone()), kind: WorkKind::Order, entity: order.0 },
                account: self.lease.account.clone(),
                aspects,
                share: item.share,
                event_at: item.last_event_at,
                cause: item.cause.clone(),
            })
        });
        match self.db.upsert(&crate::intake::joined(upserts)).await {
            Ok(()) => Outcome::Done,
            Err(error) => of_db(&error),
        }
    }
}
