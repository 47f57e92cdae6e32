//! Whose an event is: Brightpearl's belong to an account that tenants share, and are attributed as the processor routes them, by link or
//! else by reading. Reads only.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use anyhow::{Context, bail};
use orderbridge_http_client::CallError;
use orderbridge_postgres::{TenantRecord, TenantState};
use orderbridge_processor::joined;
use orderbridge_schema::command::parse_external_ref;
use orderbridge_schema::facts::SalesOrder;
use orderbridge_schema::ids::{AccountCode, NoteId, SalesOrderId, StoreOrderId, TenantId};
use orderbridge_schema::link::NoteKind;
use orderbridge_schema::work::{Aspects, Scope, Upsert, WorkKey, WorkKind};

use super::selection::{Entity, Selection};
use super::tools::{SHARE, Tools};

/// How often a read that failed is tried before it is given up.
const TRIES: u32 = 3;
/// Between two tries.
const AGAIN: Duration = Duration::from_secs(2);
/// A platform that throttles without saying for how long.
const UNSAID: Duration = Duration::from_secs(60);
/// Owners that are remembered, so that a hundred events of one object cost one look.
const REMEMBERED: usize = 100_000;

/// Whose an object of an account is.
#[derive(Debug, Clone)]
enum Owner {
    Order(TenantId, StoreOrderId),
    /// Nobody's here, with the reason.
    Nobody(&'static str),
}

/// An object of an account.
type Object = (AccountCode, WorkKind, u64);

/// What events come to.
#[derive(Debug, Default)]
pub struct Routed {
    /// Work for entities, each once.
    pub wanted: Vec<Upsert>,
    /// Entities that are passed by, each with the reason.
    pub passed: BTreeMap<String, &'static str>,
}

/// Attributes events.
#[derive(Debug)]
pub struct Router<'a> {
    tools: &'a Tools,
    selection: &'a Selection,
    tenants: BTreeMap<TenantId, TenantRecord>,
    owners: HashMap<Object, Owner>,
}

impl<'a> Router<'a> {
    /// A router for a selection.
    ///
    /// # Errors
    /// The database fails, or the selected tenant is not known.
    pub async fn new(tools: &'a Tools, selection: &'a Selection) -> anyhow::Result<Self> {
        let tenants: BTreeMap<TenantId, TenantRecord> = tools.db.tenants().await?.into_iter().map(|tenant| (tenant.id.clone(), tenant)).collect();
        if let Some(tenant) = &selection.tenant {
            let known = tenants.get(tenant).with_context(|| format!("there is no tenant {tenant}"))?;
            if known.state == TenantState::Removed {
                bail!("tenant {tenant} was removed");
            }
        }
        Ok(Self { tools, selection, tenants, owners: HashMap::new() })
    }

    /// A tenant.
    pub fn tenant(&self, id: &TenantId) -> Option<&TenantRecord> {
        self.tenants.get(id)
    }

    /// Attributes what events ask for, and drops what is not selected.
    ///
    /// # Errors
    /// The database or a platform fails.
    pub async fn route(&mut self, asked: Vec<Upsert>) -> anyhow::Result<Routed> {
        let asked: Vec<Upsert> = asked.into_iter().filter(|upsert| self.may_be_selected(upsert)).collect();
        if self.owners.len() > REMEMBERED {
            self.owners.clear();
        }
        self.find_owners(&asked).await?;
        let mut routed = Routed::default();
        let mut wanted = Vec::new();
        for upsert in asked {
            match self.attributed(&upsert) {
                Ok(Some(upsert)) => wanted.push(upsert),
                Ok(None) => {}
                Err(why) => {
                    routed.passed.insert(upsert.key.to_string(), why);
                }
            }
        }
        routed.wanted = joined(wanted);
        Ok(routed)
    }

    /// Whether it can be told already that an event is not selected.
    fn may_be_selected(&self, upsert: &Upsert) -> bool {
        let of_tenant = match (&self.selection.tenant, &upsert.key.scope) {
            (None, _) => true,
            (Some(tenant), Scope::Tenant(whose)) => tenant == whose,
            (Some(tenant), Scope::Account(account)) => self.tenants.get(tenant).is_some_and(|tenant| tenant.account == *account),
        };
        of_tenant && (self.is_named(&upsert.key) || (is_routed(upsert.key.kind) && self.names_orders()))
    }

    fn is_named(&self, key: &WorkKey) -> bool {
        let entities = &self.selection.entities;
        entities.is_empty() || entities.contains(&Entity { kind: key.kind, id: key.entity })
    }

    fn names_orders(&self) -> bool {
        self.selection.entities.iter().any(|entity| entity.kind == WorkKind::Order)
    }

    /// The work an event comes to: none if it is not selected, an error if it concerns nobody.
    fn attributed(&self, upsert: &Upsert) -> Result<Option<Upsert>, &'static str> {
        let key = match object(upsert) {
            None => upsert.key.clone(),
            Some(object) => match self.owners.get(&object) {
                Some(Owner::Order(tenant, order)) => WorkKey { scope: Scope::Tenant(tenant.clone()), kind: WorkKind::Order, entity: order.0 },
                Some(Owner::Nobody(why)) => return Err(why),
                None => return Err("it could not be attributed"),
            },
        };
        if let Some(tenant) = key.scope.tenant() {
            match self.tenants.get(tenant) {
                None => return Err("its tenant is not known"),
                Some(known) if known.state == TenantState::Removed => return Err("its tenant was removed"),
                Some(_) => {}
            }
        }
        let of_tenant = self.selection.tenant.is_none() || key.scope.tenant().is_none() || key.scope.tenant() == self.selection.tenant.as_ref();
        let is_wanted = of_tenant && (self.is_named(&upsert.key) || self.is_named(&key));
        Ok(is_wanted.then(|| Upsert { key, aspects: aspects(upsert), ..upsert.clone() }))
    }

    async fn find_owners(&mut self, asked: &[Upsert]) -> anyhow::Result<()> {
        let mut unknown: BTreeMap<(AccountCode, WorkKind), BTreeSet<u64>> = BTreeMap::new();
        for (account, kind, id) in asked.iter().filter_map(object).filter(|object| !self.owners.contains_key(object)) {
            unknown.entry((account, kind)).or_default().insert(id);
        }
        for ((account, kind), ids) in unknown {
            let found = match kind {
                WorkKind::GoodsOutNote => self.owners_of_notes(&account, NoteKind::GoodsOut, &ids).await?,
                WorkKind::DropShipNote => self.owners_of_notes(&account, NoteKind::DropShip, &ids).await?,
                WorkKind::Order | WorkKind::SalesOrder | WorkKind::Product | WorkKind::Connection | WorkKind::Sweep | WorkKind::StoreProduct => {
                    self.owners_of_orders(&account, ids.clone()).await?
                }
            };
            let owner = |id: u64| found.get(&id).cloned().unwrap_or(Owner::Nobody("Brightpearl has no such object any more"));
            self.owners.extend(ids.into_iter().map(|id| ((account.clone(), kind, id), owner(id))));
        }
        Ok(())
    }

    async fn owners_of_orders(&self, account: &AccountCode, ids: BTreeSet<u64>) -> anyhow::Result<HashMap<u64, Owner>> {
        let ids: Vec<SalesOrderId> = ids.into_iter().map(SalesOrderId).collect();
        let linked = self.tools.db.orders_of_sales_orders(account, &ids).await?;
        let mut owners: HashMap<u64, Owner> = linked.into_iter().map(|(id, (tenant, order))| (id.0, Owner::Order(tenant, order))).collect();
        let unlinked: Vec<SalesOrderId> = ids.into_iter().filter(|id| !owners.contains_key(&id.0)).collect();
        let foreign = self.tools.db.foreign(account, &unlinked).await?;
        let unread: Vec<SalesOrderId> = unlinked.into_iter().filter(|id| !foreign.contains(id)).collect();
        owners.extend(foreign.into_iter().map(|id| (id.0, Owner::Nobody("no integration of ours made it"))));
        if unread.is_empty() {
            return Ok(owners);
        }
        let client = self.client(account).await?;
        for order in self.patiently(|| client.orders(&unread, SHARE)).await.context("reading sales orders")? {
            owners.insert(order.id.0, self.owner_by_key(account, &order).await?);
        }
        Ok(owners)
    }

    async fn owner_by_key(&self, account: &AccountCode, order: &SalesOrder) -> anyhow::Result<Owner> {
        let Some((store, store_order)) = parse_external_ref(&order.external_ref) else {
            return Ok(Owner::Nobody("no integration of ours made it"));
        };
        let tenant = self.tools.db.tenant_of_store(account, &store).await?;
        Ok(tenant.map_or(Owner::Nobody("its store is no tenant's of this account"), |tenant| Owner::Order(tenant, store_order)))
    }

    async fn owners_of_notes(&self, account: &AccountCode, kind: NoteKind, ids: &BTreeSet<u64>) -> anyhow::Result<HashMap<u64, Owner>> {
        let ids: Vec<NoteId> = ids.iter().copied().map(NoteId).collect();
        let linked = self.tools.db.orders_of_notes(account, kind, &ids).await?;
        let mut owners: HashMap<u64, Owner> = linked.into_iter().map(|(id, (tenant, order))| (id.0, Owner::Order(tenant, order))).collect();
        let unlinked: Vec<NoteId> = ids.into_iter().filter(|id| !owners.contains_key(&id.0)).collect();
        if unlinked.is_empty() {
            return Ok(owners);
        }
        let client = self.client(account).await?;
        let notes = self.patiently(|| client.notes(kind, &unlinked, SHARE)).await.context("reading notes")?;
        let (shipped, others): (Vec<_>, Vec<_>) = notes.into_iter().partition(|note| note.shipped && !note.transfer && note.order.is_some());
        owners.extend(others.into_iter().map(|note| (note.id.0, Owner::Nobody("it is not shipped, or moves stock between warehouses"))));
        let of_orders = self.owners_of_orders(account, shipped.iter().filter_map(|note| note.order).map(|order| order.0).collect()).await?;
        let owner = |order: SalesOrderId| of_orders.get(&order.0).cloned().unwrap_or(Owner::Nobody("its sales order is gone"));
        owners.extend(shipped.into_iter().filter_map(|note| Some((note.id.0, owner(note.order?)))));
        Ok(owners)
    }

    async fn client(&self, account: &AccountCode) -> anyhow::Result<orderbridge_brightpearl::Client> {
        let record = self.tools.db.account(account).await?.with_context(|| format!("account {account} is not known"))?;
        Ok(self.tools.platforms.account(&record).await?.0)
    }

    /// A read that waits for its quota and does not give up at the first failure.
    async fn patiently<T, F: Future<Output = Result<T, CallError>>>(&self, read: impl Fn() -> F) -> anyhow::Result<T> {
        let mut tried = 0;
        loop {
            let wait = match read().await {
                Ok(read) => return Ok(read),
                Err(CallError::Quota(denied)) => Duration::try_from(denied.retry_at.duration_since(self.tools.clock.now())).unwrap_or(AGAIN),
                Err(CallError::Throttled { retry_after }) => retry_after.unwrap_or(UNSAID),
                Err(error) if tried + 1 < TRIES && matches!(error, CallError::NotSent { .. } | CallError::Uncertain { .. }) => {
                    tried += 1;
                    AGAIN
                }
                Err(error) => return Err(error.into()),
            };
            tokio::time::sleep(wait.clamp(Duration::from_millis(100), UNSAID)).await;
        }
    }
}

/// Whether an account's object of that kind belongs to a store order.
const fn is_routed(kind: WorkKind) -> bool {
    matches!(kind, WorkKind::SalesOrder | WorkKind::GoodsOutNote | WorkKind::DropShipNote)
}

/// The object of an account that an event is about, if that must be attributed.
fn object(upsert: &Upsert) -> Option<Object> {
    is_routed(upsert.key.kind).then(|| (upsert.account.clone(), upsert.key.kind, upsert.key.entity))
}

/// Which sides of the store order an event asks to be looked at, as the processor's routing says.
const fn aspects(upsert: &Upsert) -> Aspects {
    match upsert.key.kind {
        WorkKind::DropShipNote => Aspects::NOTES.with(Aspects::DROP_SHIP_NOTES),
        WorkKind::GoodsOutNote => Aspects::NOTES,
        WorkKind::SalesOrder => Aspects::SALES_ORDER,
        WorkKind::Order | WorkKind::Product | WorkKind::Connection | WorkKind::Sweep | WorkKind::StoreProduct => upsert.aspects,
    }
}
