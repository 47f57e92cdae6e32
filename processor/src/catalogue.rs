//! The identities of an account's products: the whole catalogue once, in pages of 500, then only what changed.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use orderbridge_decide::normalise_email;
use orderbridge_postgres::{CatalogueState, Causes, HoldFilter, WorkItem};
use orderbridge_schema::decision::Cause;
use orderbridge_schema::facts::ProductIdentity;
use orderbridge_schema::ids::{Platform, ProductId};
use orderbridge_schema::work::{Scope, Share};

use crate::account::Worker;
use crate::connections::{AccountClient, of_db};
use crate::failure;
use crate::outcome::Outcome;

/// How far behind the watermark products are read again, because a search index lags and clocks differ.
const OVERLAP: SignedDuration = SignedDuration::from_mins(10);

impl Worker {
    /// Loads the whole catalogue if that was never done for this account. Orders are not matched against half a catalogue.
    pub(crate) async fn ensure_catalogue(&self, account: &AccountClient) -> Result<(), Outcome> {
        let _others_wait = self.loading.lock().await;
        let state = self.db.catalogue_state(&self.lease.account).await.map_err(|error| of_db(&error))?;
        if state.loaded_at.is_some() {
            return Ok(());
        }
        let began = self.clock.now();
        let read = self.read_pages(account, None).await?;
        let state = CatalogueState { loaded_at: Some(began), watermark: Some(began) };
        self.db.set_catalogue_state(&self.lease.account, state).await.map_err(|error| of_db(&error))?;
        tracing::info!(account = %self.lease.account, products = read, "loaded the catalogue");
        Ok(())
    }

    /// Saves the identities of all products, or of those changed since a moment, page after page. Tells how many were read.
    async fn read_pages(&self, account: &AccountClient, since: Option<Timestamp>) -> Result<usize, Outcome> {
        let (mut first, mut read) = (1, 0);
        loop {
            let page = match since {
                None => account.client.products_page(first, Share::Sweeps).await,
                Some(since) => account.client.products_updated_since(since, first, Share::Stock).await,
            };
            let page = page.map_err(|error| failure::of_read_call(Platform::Brightpearl, &error, 0))?;
            self.db.save_products(&self.lease.account, &page.products).await.map_err(|error| of_db(&error))?;
            read += page.products.len();
            if !page.more || page.next_result <= first {
                return Ok(read);
            }
            first = page.next_result;
        }
    }

    /// Reads products that events named; orders that wait for one of their identities go on by themselves.
    pub(crate) async fn refresh_products(&self, account: &AccountClient, items: Vec<WorkItem>) -> Vec<(WorkItem, Outcome)> {
        let ids: Vec<ProductId> = items.iter().map(|item| ProductId(item.key.entity)).collect();
        let outcome = match account.client.products(&ids, Share::Stock).await {
            Ok(found) => match self.db.save_products(&self.lease.account, &with_missing(found, &ids)).await {
                Ok(_known) => Outcome::Done,
                Err(error) => of_db(&error),
            },
            Err(error) => failure::of_read_call(Platform::Brightpearl, &error, items.first().map_or(0, |item| item.attempts)),
        };
        items.into_iter().map(|item| (item, outcome.clone())).collect()
    }

    /// While orders wait for an unknown product, products changed since the watermark are read now and then: an event may be lost, and a
    /// merchant who has just made the product should not have to click.
    pub(crate) async fn check_unknown_skus(&self) -> Result<(), Outcome> {
        if !self.any_sku_waited_for().await? {
            return Ok(());
        }
        let account = self.connections.account(&self.lease.account).await?;
        let state = self.db.catalogue_state(&self.lease.account).await.map_err(|error| of_db(&error))?;
        let Some(watermark) = state.watermark else { return Ok(()) };
        let began = self.clock.now();
        let since = watermark.checked_sub(OVERLAP).unwrap_or(watermark);
        self.read_pages(&account, Some(since)).await?;
        let state = CatalogueState { watermark: Some(began), ..state };
        self.db.set_catalogue_state(&self.lease.account, state).await.map_err(|error| of_db(&error))
    }

    /// Brightpearl tells of no change to a contact (BP §d.3). While orders wait for one, the contacts changed since the last look are
    /// searched for, for all of them at once; only orders whose customer is among those are looked at again.
    pub(crate) async fn check_contacts(&self, looked_at: &mut Option<Timestamp>) -> Result<(), Outcome> {
        let waiting = self.contacts_waited_for().await?;
        let Some(oldest) = waiting.values().min() else {
            *looked_at = None;
            return Ok(());
        };
        let account = self.connections.account(&self.lease.account).await?;
        let (began, from) = (self.clock.now(), looked_at.unwrap_or(*oldest));
        let since = from.checked_sub(OVERLAP).unwrap_or(from);
        let changed = account.client.contacts_updated_since(since, Share::Stock).await;
        let changed = changed.map_err(|error| failure::of_read_call(Platform::Brightpearl, &error, 0))?;
        let hasher = self.db.email_hasher().await.map_err(|error| of_db(&error))?;
        let customers = changed.iter().filter(|contact| !contact.staff && !contact.supplier);
        let hashes = customers.map(|contact| hasher.hash(&self.lease.account, &normalise_email(&contact.email)));
        let hashes: Vec<String> = hashes.collect::<Result<_, _>>().map_err(|error| of_db(&error))?;
        let causes = hashes.into_iter().flat_map(|hash| [Cause::ContactNotCustomer(hash.clone()).key(), Cause::UnknownContact(hash).key()]);
        let mended: Vec<String> = causes.filter(|cause| waiting.contains_key(cause)).collect();
        if !mended.is_empty() {
            for tenant in self.db.tenants_of_account(&self.lease.account).await.map_err(|error| of_db(&error))? {
                let causes = Causes::Exact(mended.clone());
                self.db.release_holds(causes, Some(&Scope::Tenant(tenant.id))).await.map_err(|error| of_db(&error))?;
            }
        }
        *looked_at = Some(began);
        Ok(())
    }

    /// The customers whose contacts orders wait for, as causes of holds, with the moment since when.
    async fn contacts_waited_for(&self) -> Result<BTreeMap<String, Timestamp>, Outcome> {
        let mut waiting: BTreeMap<String, Timestamp> = BTreeMap::new();
        for tenant in self.db.tenants_of_account(&self.lease.account).await.map_err(|error| of_db(&error))? {
            for prefix in ["contact-not-customer:", "unknown-contact:"] {
                let scope = Some(Scope::Tenant(tenant.id.clone()));
                let filter = HoldFilter { scope, cause_prefix: Some(prefix.into()), limit: 0 };
                for hold in self.db.holds(&filter).await.map_err(|error| of_db(&error))? {
                    let since = waiting.entry(hold.cause).or_insert(hold.held_at);
                    *since = hold.held_at.min(*since);
                }
            }
        }
        Ok(waiting)
    }

    async fn any_sku_waited_for(&self) -> Result<bool, Outcome> {
        for tenant in self.db.tenants_of_account(&self.lease.account).await.map_err(|error| of_db(&error))? {
            let scope = Scope::Tenant(tenant.id);
            let field = tenant.rules.items_and_customers.identity.brightpearl.as_str();
            for kind in ["unknown", "ambiguous"] {
                let filter = HoldFilter { scope: Some(scope.clone()), cause_prefix: Some(format!("{kind}-{field}:")), limit: 1 };
                if !self.db.holds(&filter).await.map_err(|error| of_db(&error))?.is_empty() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

/// What was found, and what was asked for and is not there any more: deleted products are matched by nobody.
pub(crate) fn with_missing(mut found: Vec<ProductIdentity>, asked: &[ProductId]) -> Vec<ProductIdentity> {
    let is_found = |id: &ProductId| found.iter().any(|product| product.id == *id);
    let gone: Vec<ProductIdentity> = asked.iter().filter(|id| !is_found(id)).map(|&id| ProductIdentity::gone(id)).collect();
    found.extend(gone);
    found
}
