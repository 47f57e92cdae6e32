//! Brightpearl's objects belong to an account that tenants share: each is routed, by link or by our key, to the store order it concerns.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use jiff::SignedDuration;
use orderbridge_http_client::CallError;
use orderbridge_postgres::{CommandState, Confirmed, DbError, NewLink, TimelineEntry, WorkItem};
use orderbridge_schema::command::{CommandKey, CommandKind, is_our_key, parse_external_ref};
use orderbridge_schema::facts::{Note, SalesOrder};
use orderbridge_schema::ids::{NoteId, Platform, SalesOrderId, StoreOrderId, TenantId};
use orderbridge_schema::link::{NoteKind, OrderLink};
use orderbridge_schema::seen::StatusSet;
use orderbridge_schema::work::{Aspects, Scope, Share, Upsert, WorkKey, WorkKind};

use crate::account::Worker;
use crate::connections::{AccountClient, of_db};
use crate::failure;
use crate::outcome::Outcome;

/// How long after an event a read that does not show it is taken for a stale one.
const STALE_READ: SignedDuration = SignedDuration::from_mins(2);
/// When to read again then.
const READ_AGAIN: Duration = Duration::from_secs(15);

/// When to look again at a sales order whose creation is under way: it is linked by then.
const UNDER_WAY_WAIT: Duration = Duration::from_secs(5);

/// What was read about sales orders.
#[derive(Default)]
struct Routes {
    /// Whose they are.
    owners: HashMap<SalesOrderId, (TenantId, StoreOrderId)>,
    /// Those that could not be read.
    unread: HashSet<SalesOrderId>,
    /// Those whose creation is under way.
    under_way: HashSet<SalesOrderId>,
}

impl Routes {
    /// What becomes of an item that hangs on the sales order; `routed` if that is known.
    fn outcome(&self, order: Option<SalesOrderId>, item: &WorkItem, routed: &Outcome) -> Outcome {
        match order {
            Some(order) if self.unread.contains(&order) => unreadable(item),
            Some(order) if self.under_way.contains(&order) => Outcome::later(UNDER_WAY_WAIT, "its sales order is being created"),
            _ => routed.clone(),
        }
    }
}

/// What was read about notes.
struct NotesRead {
    /// Their sales orders.
    orders: HashMap<NoteId, SalesOrderId>,
    /// Whose those are.
    routes: Routes,
    /// Notes that do not show as shipped.
    unshipped: HashSet<NoteId>,
}

impl Worker {
    /// Routes changed sales orders.
    pub(crate) async fn route_sales_orders(&self, account: &AccountClient, items: Vec<WorkItem>) -> Vec<(WorkItem, Outcome)> {
        let ids: BTreeSet<SalesOrderId> = items.iter().map(|item| SalesOrderId(item.key.entity)).collect();
        let routes = match self.routes(account, ids).await {
            Ok(found) => found,
            Err(outcome) => return items.into_iter().map(|item| (item, outcome.clone())).collect(),
        };
        let outcome = self.follow(&items, |item| routes.owners.get(&SalesOrderId(item.key.entity)), Aspects::SALES_ORDER).await;
        let each = |item: WorkItem| {
            let of_item = routes.outcome(Some(SalesOrderId(item.key.entity)), &item, &outcome);
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
        let NotesRead { orders, routes, unshipped } = match self.note_routes(account, kind, &items).await {
            Ok(found) => found,
            Err(outcome) => return items.into_iter().map(|item| (item, outcome.clone())).collect(),
        };
        let order_of = |item: &WorkItem| orders.get(&NoteId(item.key.entity)).copied();
        let outcome = self.follow(&items, |item| routes.owners.get(&order_of(item)?), aspects).await;
        let each = |item: WorkItem| {
            let is_young = self.clock.now().duration_since(item.last_event_at) < STALE_READ;
            let is_stale = is_young && unshipped.contains(&NoteId(item.key.entity)) && outcome == Outcome::Done;
            let again = || Outcome::later(READ_AGAIN, "the note was told of as shipped and does not show it yet");
            let of_item = if is_stale { again() } else { routes.outcome(order_of(&item), &item, &outcome) };
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
        let orders: HashMap<NoteId, SalesOrderId> = notes.iter().filter_map(|note| Some((note.id, note.order?))).collect();
        let routes = self.routes(account, orders.values().copied().collect()).await?;
        Ok(NotesRead { orders, routes, unshipped })
    }

    /// Whose the sales orders are. Those that no integration of ours made are remembered as foreign and never read again.
    async fn routes(&self, account: &AccountClient, ids: BTreeSet<SalesOrderId>) -> Result<Routes, Outcome> {
        let code = &self.lease.account;
        let all: Vec<SalesOrderId> = ids.into_iter().collect();
        let owners = self.db.orders_of_sales_orders(code, &all).await.map_err(|error| of_db(&error))?;
        let unlinked: Vec<SalesOrderId> = all.into_iter().filter(|id| !owners.contains_key(id)).collect();
        let mut routes = Routes { owners, ..Routes::default() };
        if unlinked.is_empty() {
            return Ok(routes);
        }
        let known_foreign: HashSet<SalesOrderId> = self.db.foreign(code, &unlinked).await.map_err(|error| of_db(&error))?;
        let unknown: Vec<SalesOrderId> = unlinked.into_iter().filter(|id| !known_foreign.contains(id)).collect();
        if unknown.is_empty() {
            return Ok(routes);
        }
        let (read, unread) = read_orders(account, &unknown).await?;
        routes.unread = unread;
        let (ours, foreign): (Vec<SalesOrder>, Vec<SalesOrder>) = read.into_iter().partition(|order| is_our_key(&order.external_ref));
        for order in ours {
            // A key of ours whose store nobody has is not remembered as foreign: the store may be connected later.
            let Some(owner) = self.owner_of(&order).await? else { continue };
            match self.relink(account, &order, &owner).await? {
                Relinked::Done => routes.owners.insert(order.id, owner).is_none(),
                Relinked::UnderWay => routes.under_way.insert(order.id),
            };
        }
        let foreign: Vec<SalesOrderId> = foreign.into_iter().map(|order| order.id).collect();
        self.db.remember_foreign(code, &foreign).await.map_err(|error| of_db(&error))?;
        Ok(routes)
    }

    /// Links a sales order that carries our key and has no link: it was made by a call whose answer was lost, by an earlier installation,
    /// or before our records were restored. Whatever has become of the store's order since, it is never made again. A create that is
    /// under way links it itself.
    async fn relink(&self, account: &AccountClient, order: &SalesOrder, owner: &(TenantId, StoreOrderId)) -> Result<Relinked, Outcome> {
        let (tenant, store_order) = owner;
        let Some(installation) = order.installation.or(account.record.installation).filter(|_| order.type_code == "SO") else {
            return Ok(Relinked::Done);
        };
        let scope = Scope::Tenant(tenant.clone());
        let key = CommandKey { scope: scope.clone(), kind: CommandKind::CreateSalesOrder, id: order.external_ref.clone() };
        let made = self.db.journal_entry(&key).await.map_err(|error| of_db(&error))?;
        if made.as_ref().is_some_and(|entry| entry.state == CommandState::Sent) {
            return Ok(Relinked::UnderWay);
        }
        let external_ref = order.external_ref.clone();
        let link = OrderLink { order: *store_order, part: 0, sales_order: order.id, installation, external_ref, verified: false };
        let links = vec![NewLink::Order(tenant.clone(), link)];
        let about = WorkKey { scope, kind: WorkKind::Order, entity: store_order.0 };
        let text = format!("sales order {} carries this order's key; it is linked to it", order.id);
        let at = self.clock.now();
        let timeline = vec![TimelineEntry { about: about.clone(), at, key: "sales-order-found".into(), text, data: serde_json::json!({}) }];
        let linked = match made {
            Some(entry) if entry.state != CommandState::Confirmed => {
                let confirmed = Confirmed { links, timeline, agreed: None };
                self.db.confirm(&entry, Some(order.id.0), confirmed).await.map(|_first| ())
            }
            _ => self.db.save_links(&self.lease.account, &links, &timeline).await,
        };
        match linked {
            Ok(()) => {
                let cause = "a sales order with our key was found".to_owned();
                let (account, aspects, share) = (self.lease.account.clone(), Aspects::ALL, Share::Orders);
                let all_of_it = Upsert { key: about, account, aspects, share, event_at: at, cause, event: None, seen: StatusSet::NONE };
                self.db.upsert(&[all_of_it]).await.map_err(|error| of_db(&error))?;
            }
            Err(DbError::Conflict(why)) => tracing::error!(%tenant, sales_order = %order.id, why, "a second sales order carries an order's key"),
            Err(error) => return Err(of_db(&error)),
        }
        Ok(Relinked::Done)
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
                event: item.event,
                seen: StatusSet::NONE,
            })
        });
        match self.db.upsert(&crate::intake::joined(upserts)).await {
            Ok(()) => Outcome::Done,
            Err(error) => of_db(&error),
        }
    }
}

/// What became of a sales order that had no link.
enum Relinked {
    /// It is linked now, or cannot be.
    Done,
    /// The call that makes it has not ended yet.
    UnderWay,
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
