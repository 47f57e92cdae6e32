//! Brightpearl's objects belong to an account that tenants share: each is routed, by link or by our key, to the store order it concerns.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use jiff::SignedDuration;
use orderbridge_http_client::CallError;
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

/// How long after an event a read that does not show it is taken for a stale one.
const STALE_READ: SignedDuration = SignedDuration::from_mins(2);
/// When to read again then.
const READ_AGAIN: Duration = Duration::from_secs(15);

type Routes = HashMap<SalesOrderId, (TenantId, StoreOrderId)>;

/// What was read about notes.
struct NotesRead {
    /// Whose they are.
    routes: HashMap<NoteId, (TenantId, StoreOrderId)>,
    /// Those that do not show as shipped.
    unshipped: HashSet<NoteId>,
    /// Those whose sales order could not be read.
    unread: HashSet<NoteId>,
}

impl Worker {
    /// Routes changed sales orders.
    pub(crate) async fn route_sales_orders(&self, account: &AccountClient, items: Vec<WorkItem>) -> Vec<(WorkItem, Outcome)> {
        let ids: BTreeSet<SalesOrderId> = items.iter().map(|item| SalesOrderId(item.key.entity)).collect();
        let (routes, unread) = match self.routes(account, ids).await {
            Ok(found) => found,
            Err(outcome) => return items.into_iter().map(|item| (item, outcome.clone())).collect(),
        };
        let outcome = self.follow(&items, |item| routes.get(&SalesOrderId(item.key.entity)), Aspects::SALES_ORDER).await;
        let each = |item: WorkItem| {
            let is_unread = unread.contains(&SalesOrderId(item.key.entity));
            let of_item = if is_unread { unreadable(&item) } else { outcome.clone() };
            (item, of_item)
        };
        items.into_iter().map(each).collect()
    }

    /// Routes shipped notes: read in one call, then by their sales orders.
    pub(crate) async fn route_notes(&self, account: &AccountClient, kind: NoteKind, items: Vec<WorkItem>) -> Vec<(WorkItem, Outcome)> {
        let aspects = match kind {
            NoteKind::GoodsOut => Aspects::NOTES,
            NoteKind::DropShip => Aspects::NOTES.with(Aspects::DROP_SHIP_NOTES),
        };
        let NotesRead { routes, unshipped, unread } = match self.note_routes(account, kind, &items).await {
            Ok(found) => found,
            Err(outcome) => return items.into_iter().map(|item| (item, outcome.clone())).collect(),
        };
        let outcome = self.follow(&items, |item| routes.get(&NoteId(item.key.entity)), aspects).await;
        let each = |item: WorkItem| {
            let is_young = self.clock.now().duration_since(item.last_event_at) < STALE_READ;
            let is_stale = is_young && unshipped.contains(&NoteId(item.key.entity)) && outcome == Outcome::Done;
            let again = || Outcome::later(READ_AGAIN, "the note was told of as shipped and does not show it yet");
            let of_item = if is_stale {
                again()
            } else if unread.contains(&NoteId(item.key.entity)) {
                unreadable(&item)
            } else {
                outcome.clone()
            };
            (item, of_item)
        };
        items.into_iter().map(each).collect()
    }

    async fn note_routes(&self, account: &AccountClient, kind: NoteKind, items: &[WorkItem]) -> Result<NotesRead, Outcome> {
        let ids: Vec<NoteId> = items.iter().map(|item| NoteId(item.key.entity)).collect();
        let attempts = items.first().map_or(0, |item| item.attempts);
        let notes = account.client.notes(kind, &ids, Share::Fulfilment).await;
        let notes = notes.map_err(|error| failure::of_read_call(Platform::Brightpearl, &error, attempts))?;
        let is_shipped = |id: &NoteId| notes.iter().any(|note| note.id == *id && note.shipped);
        let unshipped = ids.iter().copied().filter(|id| !is_shipped(id)).collect();
        // Transfers move stock between warehouses; a note that has not left yet is told of again when it does.
        let notes: Vec<Note> = notes.into_iter().filter(|note| !note.transfer && note.shipped).collect();
        let (routes, unread) = self.routes(account, notes.iter().filter_map(|note| note.order).collect()).await?;
        let is_unread = |note: &&Note| note.order.is_some_and(|order| unread.contains(&order));
        let unread = notes.iter().filter(is_unread).map(|note| note.id).collect();
        let routed = |note: &Note| Some((note.id, routes.get(&note.order?)?.clone()));
        Ok(NotesRead { routes: notes.iter().filter_map(routed).collect(), unshipped, unread })
    }

    /// Whose the sales orders are. Those that no integration of ours made are remembered as foreign and never read again.
    async fn routes(&self, account: &AccountClient, ids: BTreeSet<SalesOrderId>) -> Result<(Routes, HashSet<SalesOrderId>), Outcome> {
        let code = &self.lease.account;
        let all: Vec<SalesOrderId> = ids.into_iter().collect();
        let mut routes = self.db.orders_of_sales_orders(code, &all).await.map_err(|error| of_db(&error))?;
        let unlinked: Vec<SalesOrderId> = all.into_iter().filter(|id| !routes.contains_key(id)).collect();
        if unlinked.is_empty() {
            return Ok((routes, HashSet::new()));
        }
        let known_foreign: HashSet<SalesOrderId> = self.db.foreign(code, &unlinked).await.map_err(|error| of_db(&error))?;
        let unknown: Vec<SalesOrderId> = unlinked.into_iter().filter(|id| !known_foreign.contains(id)).collect();
        if unknown.is_empty() {
            return Ok((routes, HashSet::new()));
        }
        let (read, unread) = read_orders(account, &unknown).await?;
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
        Ok((routes, unread))
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

/// How many single reads may fail before it is the platform that fails, not an order.
const UNREADABLE_MAX: usize = 2;

/// Reads orders together; if that fails because one of them cannot be read, singly: an order of some other system must not stop the
/// routing of everybody's. Tells which could not be read.
async fn read_orders(account: &AccountClient, ids: &[SalesOrderId]) -> Result<(Vec<SalesOrder>, HashSet<SalesOrderId>), Outcome> {
    let failed = |error: &CallError| failure::of_read_call(Platform::Brightpearl, error, 0);
    match account.client.orders(ids, Share::Orders).await {
        Ok(orders) => return Ok((orders, HashSet::new())),
        Err(CallError::Uncertain { .. } | CallError::Refused { .. }) if ids.len() > 1 => {}
        Err(error) => return Err(failed(&error)),
    }
    let (mut orders, mut unread) = (Vec::new(), HashSet::new());
    for id in ids {
        match account.client.orders(std::slice::from_ref(id), Share::Orders).await {
            Ok(found) => orders.extend(found),
            Err(error @ (CallError::Uncertain { .. } | CallError::Refused { .. })) if unread.len() < UNREADABLE_MAX => {
                tracing::warn!(account = %account.record.code, sales_order = %id, %error, "a sales order cannot be read");
                unread.insert(*id);
            }
            Err(error) => return Err(failed(&error)),
        }
    }
    Ok((orders, unread))
}

fn unreadable(item: &WorkItem) -> Outcome {
    failure::failed(item.attempts, "its sales order cannot be read".into())
}
