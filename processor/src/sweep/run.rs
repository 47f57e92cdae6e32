//! One sweep, from the watermark to the end of what changed or to the end of its turn.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use orderbridge_http_client::QuotaGate;
use orderbridge_postgres::{DbError, SweepState, TenantState, WorkItem};
use orderbridge_schema::envelope::EntityKind;
use orderbridge_schema::ids::{AccountCode, ChannelId, ConnectionId, Platform, StoreHash, TenantId};
use orderbridge_schema::sweep::SweepSource;
use orderbridge_schema::work::{Scope, Share};

use crate::account::Worker;
use crate::connections::{AccountClient, of_db};
use crate::failure;
use crate::gate::BatchGate;
use crate::hooks::MendError;
use crate::outcome::Outcome;
use crate::sweep::cursor::Cursor;
use crate::sweep::listing::Listing;

/// More pages than any list has: a platform that never ends must not keep us for ever.
const PAGES_CAP: u32 = 4000;
/// What changed last so long ago no sweep reaches back to.
const FORGET_AFTER: SignedDuration = SignedDuration::from_hours(60 * 24);

/// One sweep under way.
pub(super) struct Sweep<'a> {
    pub(super) worker: &'a Worker,
    pub(super) scope: Scope,
    pub(super) source: SweepSource,
    pub(super) platform: Platform,
    /// The name of a webhook that tells the same, and what it is about.
    pub(super) event: (&'static str, EntityKind),
    pub(super) connection: ConnectionId,
    pub(super) tenant: Option<TenantId>,
    pub(super) account: AccountCode,
    /// Stores whose orders may be in the account.
    pub(super) stores: BTreeSet<StoreHash>,
    /// For what a list alone does not tell.
    pub(super) brightpearl: Option<orderbridge_brightpearl::Client>,
    pub(super) share: Share,
    attempts: u32,
}

/// What failed before is paid from the share of retries, as all work is.
const fn share_of(item: &WorkItem) -> Share {
    if item.attempts > 1 { Share::Retries } else { Share::Sweeps }
}

impl Worker {
    /// Sweeps a tenant's store.
    pub(crate) async fn sweep_tenant(&self, tenant: &TenantId, items: Vec<WorkItem>, gate: &Arc<BatchGate>) -> Vec<(WorkItem, Outcome)> {
        let mut done = Vec::new();
        for item in items {
            let outcome = self.sweep_store(tenant, &item, gate).await.unwrap_or_else(|outcome| outcome);
            if outcome == Outcome::Unauthorised(Platform::Bigcommerce) {
                self.park_tenant(tenant, share_of(&item)).await;
            }
            done.push((item, outcome));
        }
        done
    }

    async fn sweep_store(&self, tenant: &TenantId, item: &WorkItem, gate: &Arc<BatchGate>) -> Result<Outcome, Outcome> {
        let record = self.db.tenant(tenant).await.map_err(|error| of_db(&error))?;
        let client = self.connections.store_client(tenant).await.map_err(|error| of_db(&error))?;
        let (Some(record), Some(client)) = (record, client) else { return Ok(Outcome::Done) };
        let client = client.with_gate(Arc::clone(gate) as Arc<dyn QuotaGate>);
        match SweepSource::from_number(item.key.entity) {
            Some(source @ SweepSource::StoreOrders) => {
                let sweep = Sweep {
                    worker: self,
                    scope: item.key.scope.clone(),
                    source,
                    platform: Platform::Bigcommerce,
                    event: ("store/order/updated", EntityKind::Order),
                    connection: record.connection,
                    tenant: Some(tenant.clone()),
                    account: record.account,
                    stores: BTreeSet::new(),
                    brightpearl: None,
                    share: share_of(item),
                    attempts: item.attempts,
                };
                sweep.run(&[Listing::StoreOrders(client)]).await
            }
            Some(source @ SweepSource::StoreHooks) => {
                let credentials = self.db.store_credentials(tenant).await.map_err(|error| of_db(&error))?;
                let mended = self.mender.store(client, &record, &credentials).await;
                self.mended(item, source, Platform::Bigcommerce, mended).await
            }
            Some(SweepSource::StoreVariants) => self.pass_through_variants(tenant, item, gate).await,
            _ => Ok(Outcome::Done),
        }
    }

    /// Sweeps the account.
    pub(crate) async fn sweep_account(&self, account: &AccountClient, items: Vec<WorkItem>) -> Vec<(WorkItem, Outcome)> {
        let mut done = Vec::new();
        for item in items {
            let outcome = self.sweep_of_account(account, &item).await.unwrap_or_else(|outcome| outcome);
            done.push((item, outcome));
        }
        done
    }

    async fn sweep_of_account(&self, account: &AccountClient, item: &WorkItem) -> Result<Outcome, Outcome> {
        let client = &account.client;
        let Some(source) = SweepSource::from_number(item.key.entity) else { return Ok(Outcome::Done) };
        let event = match source {
            SweepSource::SalesOrders => ("order.modified", EntityKind::SalesOrder),
            SweepSource::GoodsOutNotes => ("goods-out-note.modified.shipped", EntityKind::GoodsOutNote),
            SweepSource::DropShipNotes => ("drop-ship-note.modified.shipped", EntityKind::DropShipNote),
            SweepSource::Products => ("product.modified", EntityKind::Product),
            SweepSource::AccountHooks => {
                let credentials = self.connections.credentials(&account.record.code).await?;
                let mended = self.mender.account(client.clone(), &account.record, &credentials).await;
                return self.mended(item, source, Platform::Brightpearl, mended).await;
            }
            SweepSource::Catalogue => return self.pass_through_catalogue(account, item).await,
            SweepSource::StoreOrders | SweepSource::StoreHooks | SweepSource::StoreVariants => return Ok(Outcome::Done),
        };
        if source == SweepSource::Products {
            // Against a catalogue that was never loaded every product would be a change.
            self.ensure_catalogue(account).await?;
        }
        let tenants = self.db.tenants_of_account(&account.record.code).await.map_err(|error| of_db(&error))?;
        let tenants = || tenants.iter().filter(|tenant| tenant.state != TenantState::Removed);
        // Orders that merchants take elsewhere are none of ours, and in the same account there may be many of them.
        let channels: BTreeSet<ChannelId> = tenants().flat_map(|tenant| tenant.rules.orders.all_channels()).collect();
        let listings: Vec<Listing> = match source {
            SweepSource::Products => vec![Listing::Products(client.clone())],
            SweepSource::GoodsOutNotes => channels.into_iter().map(|channel| Listing::GoodsOutNotes(client.clone(), channel)).collect(),
            _ => channels.into_iter().map(|channel| Listing::SalesOrders(client.clone(), channel)).collect(),
        };
        let sweep = Sweep {
            worker: self,
            scope: item.key.scope.clone(),
            source,
            platform: Platform::Brightpearl,
            event,
            connection: account.record.connection.clone(),
            tenant: None,
            account: account.record.code.clone(),
            stores: tenants().map(|tenant| tenant.store.clone()).collect(),
            brightpearl: Some(client.clone()),
            share: share_of(item),
            attempts: item.attempts,
        };
        sweep.run(&listings).await
    }

    /// Registrations were looked after.
    async fn mended<T>(&self, item: &WorkItem, source: SweepSource, platform: Platform, mended: Result<T, MendError>) -> Result<Outcome, Outcome> {
        match mended {
            Ok(_done) => {}
            Err(MendError::Call(error)) => return Err(failure::of_read_call(platform, &error, item.attempts)),
            Err(MendError::NoSecret(why)) => tracing::error!(scope = %item.key.scope, %why, "webhook registrations cannot be looked after"),
        }
        let state = self.db.sweep_state(&item.key.scope, source).await.map_err(|error| of_db(&error))?;
        let saved = self.db.save_sweep(&item.key.scope, source, state.watermark, state, Some(self.clock.now())).await;
        saved.map(|_kept| Outcome::Done).map_err(|error| of_db(&error))
    }
}

impl Sweep<'_> {
    /// Reads what changed since the watermark, page after page, and tells of it. The watermark follows each page that the brokers have.
    async fn run(&self, listings: &[Listing]) -> Result<Outcome, Outcome> {
        let settings = &self.worker.settings.sweeps;
        let now = self.worker.clock.now();
        let mut state = self.worker.db.sweep_state(&self.scope, self.source).await.map_err(|error| of_db(&error))?;
        let begin = |watermark: Timestamp| watermark.checked_sub(settings.overlap_of(self.source)).unwrap_or(watermark);
        let start = state.resume_at.unwrap_or_else(|| begin(state.watermark.unwrap_or(now)));
        let turn = settings.pages_max.checked_div(u32::try_from(listings.len()).unwrap_or(u32::MAX)).unwrap_or(0).max(1);
        let mut reached: Option<Timestamp> = None;
        let mut is_finished = true;
        for (place, listing) in listings.iter().enumerate() {
            // Until the last list is read, nothing is known of the time that others have reached.
            let floor = if place + 1 < listings.len() { Some(start) } else { reached };
            let mut cursor = Cursor::at(start);
            let mut pages = 0;
            while !cursor.is_finished() && (pages < turn || !cursor.has_moved()) {
                if self.worker.stop.is_cancelled() {
                    return Err(Outcome::later(Duration::ZERO, "the processor was told to stop"));
                }
                if pages >= PAGES_CAP {
                    return Err(failure::failed(self.attempts, format!("{}: a list has no last page", self.platform)));
                }
                let page = listing.read(cursor.since(), cursor.skip(), self.share).await;
                let page = page.map_err(|error| failure::of_read_call(self.platform, &error, self.attempts))?;
                self.tell(cursor.take(page)).await?;
                pages += 1;
                if !cursor.is_finished() {
                    let position = floor.map_or(cursor.position(), |floor| floor.min(cursor.position()));
                    self.save(&mut state, position, false).await?;
                }
            }
            is_finished &= cursor.is_finished();
            reached = Some(reached.map_or(cursor.position(), |reached| reached.min(cursor.position())));
        }
        self.save(&mut state, reached.unwrap_or(start), is_finished).await?;
        if is_finished {
            return Ok(Outcome::Done);
        }
        Ok(Outcome::later(Duration::ZERO, "more has changed than is read in one go"))
    }

    /// Remembers how far it has come. The watermark never falls, but where a sweep goes on may lie before it.
    async fn save(&self, state: &mut SweepState, position: Timestamp, is_finished: bool) -> Result<(), Outcome> {
        let watermark = state.watermark.max(Some(position));
        let next = SweepState { watermark, resume_at: (!is_finished).then_some(position) };
        if next == *state && !is_finished {
            return Ok(());
        }
        let finished = is_finished.then(|| self.worker.clock.now());
        let saved = self.worker.db.save_sweep(&self.scope, self.source, state.watermark, next, finished).await;
        if !saved.map_err(|error: DbError| of_db(&error))? {
            return Err(Outcome::later(Duration::ZERO, "it was asked to look further back meanwhile"));
        }
        let day = |at: Option<Timestamp>| at.map(|at| at.as_second().div_euclid(24 * 3600));
        if day(state.watermark) != day(watermark) {
            self.forget(position).await;
        }
        *state = next;
        Ok(())
    }

    /// Once a day is enough, and a failure harms nothing.
    async fn forget(&self, position: Timestamp) {
        let before = position.checked_sub(FORGET_AFTER).unwrap_or(position);
        if let Err(error) = self.worker.db.forget_known(&self.scope, before).await {
            tracing::info!(scope = %self.scope, %error, "what was long known could not be forgotten");
        }
    }
}
