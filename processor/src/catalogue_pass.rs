//! What no event tells of: products that were deleted in Brightpearl, and identities that changed at a store while nobody listened.
//! Everything that is known is read again once a day.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use orderbridge_http_client::QuotaGate;
use orderbridge_postgres::{CatalogueState, WorkItem};
use orderbridge_schema::ids::{Platform, ProductId, TenantId};
use orderbridge_schema::sweep::SweepSource;
use orderbridge_schema::work::Share;

use crate::account::Worker;
use crate::catalogue::with_missing;
use crate::connections::{AccountClient, of_db};
use crate::failure;
use crate::gate::BatchGate;
use crate::outcome::Outcome;

/// So many products may always be gone, however few there are.
const FEW: usize = 5;
/// More than one in so many that are gone at once are not believed (BP §k.1 3).
const ONE_IN: usize = 5;
/// Products of a store per step, each of which is remembered.
const STEP: usize = 100;

/// How far a pass has come: where quota runs out, it goes on from there.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    began_at: Timestamp,
    first_result: u32,
    seen: BTreeSet<ProductId>,
}

/// Whether so many deletions are likelier than a list that is not whole.
const fn is_believable(gone: usize, known: usize) -> bool {
    gone <= FEW || gone.saturating_mul(ONE_IN) <= known
}

impl Worker {
    /// Reads an account's whole catalogue again and finds what is gone from it.
    pub(crate) async fn pass_through_catalogue(&self, account: &AccountClient, item: &WorkItem) -> Result<Outcome, Outcome> {
        self.ensure_catalogue(account).await?;
        let code = &self.lease.account;
        let known = self.db.live_product_ids(code).await.map_err(|error| of_db(&error))?;
        let Progress { began_at, seen, .. } = self.read_whole_catalogue(account, item.attempts).await?;
        let gone: Vec<ProductId> = known.iter().copied().filter(|id| !seen.contains(id)).collect();
        if is_believable(gone.len(), known.len()) {
            // Pages move while they are read: what seems to be gone is asked for by its id before it is believed.
            if !gone.is_empty() {
                let found = account.client.products(&gone, Share::Sweeps).await;
                let found = found.map_err(|error| failure::of_read_call(Platform::Brightpearl, &error, item.attempts))?;
                self.db.save_products(code, &with_missing(found, &gone)).await.map_err(|error| of_db(&error))?;
            }
            let state = CatalogueState { loaded_at: Some(began_at), watermark: Some(began_at) };
            self.db.set_catalogue_state(code, state).await.map_err(|error| of_db(&error))?;
            tracing::info!(account = %code, products = seen.len(), gone = gone.len(), "read the catalogue again");
        } else {
            metrics::counter!("orderbridge_catalogue_passes_stopped_total").increment(1);
            tracing::warn!(account = %code, known = known.len(), gone = gone.len(), "too many products are gone at once: nothing is taken for deleted");
        }
        self.passed(item, SweepSource::Catalogue).await
    }

    /// All pages, from where an earlier try has come to.
    async fn read_whole_catalogue(&self, account: &AccountClient, attempts: u32) -> Result<Progress, Outcome> {
        let began = || Progress { began_at: self.clock.now(), first_result: 1, seen: BTreeSet::new() };
        let mut kept = self.pass.lock().await;
        loop {
            let progress = kept.get_or_insert_with(began);
            let page = account.client.products_page(progress.first_result, Share::Sweeps).await;
            let page = page.map_err(|error| failure::of_read_call(Platform::Brightpearl, &error, attempts))?;
            self.db.save_products(&self.lease.account, &page.products).await.map_err(|error| of_db(&error))?;
            progress.seen.extend(page.products.iter().map(|product| product.id));
            if page.more && page.next_result > progress.first_result {
                progress.first_result = page.next_result;
            } else {
                return Ok(kept.take().unwrap_or_else(began));
            }
        }
    }

    /// Reads again what is remembered of a store's variants, if products are matched by what only its catalogue tells.
    pub(crate) async fn pass_through_variants(&self, tenant: &TenantId, item: &WorkItem, gate: &Arc<BatchGate>) -> Result<Outcome, Outcome> {
        let known = self.db.known_store_products(tenant, None).await.map_err(|error| of_db(&error))?;
        self.read_variants(tenant, &known, Share::Sweeps, item.attempts, gate).await?;
        self.passed(item, SweepSource::StoreVariants).await
    }

    /// Reads products of a store's catalogue that events named, as far as any order was matched by them.
    pub(crate) async fn refresh_store_products(&self, tenant: &TenantId, items: Vec<WorkItem>, gate: &Arc<BatchGate>) -> Vec<(WorkItem, Outcome)> {
        let ids: Vec<u64> = items.iter().map(|item| item.key.entity).collect();
        let attempts = items.first().map_or(0, |item| item.attempts);
        let outcome = match self.db.known_store_products(tenant, Some(&ids)).await {
            Ok(known) => match self.read_variants(tenant, &known, Share::Stock, attempts, gate).await {
                Ok(()) => Outcome::Done,
                Err(outcome) => outcome,
            },
            Err(error) => of_db(&error),
        };
        if outcome == Outcome::Unauthorised(Platform::Bigcommerce) {
            self.park_tenant(tenant, Share::Stock).await;
        }
        items.into_iter().map(|item| (item, outcome.clone())).collect()
    }

    async fn read_variants(&self, tenant: &TenantId, products: &[u64], share: Share, attempts: u32, gate: &Arc<BatchGate>) -> Result<(), Outcome> {
        let record = self.db.tenant(tenant).await.map_err(|error| of_db(&error))?;
        let is_needed = record.is_some_and(|record| record.rules.items_and_customers.identity.store.is_in_catalogue());
        if products.is_empty() || !is_needed {
            return Ok(());
        }
        let Some(client) = self.connections.store_client(tenant).await.map_err(|error| of_db(&error))? else { return Ok(()) };
        let client = client.with_gate(Arc::clone(gate) as Arc<dyn QuotaGate>);
        for step in products.chunks(STEP) {
            let found = client.variants_of(step, share).await;
            let found = found.map_err(|error| failure::of_read_call(Platform::Bigcommerce, &error, attempts))?;
            self.db.save_variants(tenant, step, &found).await.map_err(|error| of_db(&error))?;
        }
        Ok(())
    }

    async fn passed(&self, item: &WorkItem, source: SweepSource) -> Result<Outcome, Outcome> {
        let state = self.db.sweep_state(&item.key.scope, source).await.map_err(|error| of_db(&error))?;
        let saved = self.db.save_sweep(&item.key.scope, source, state.watermark, state, Some(self.clock.now())).await;
        saved.map(|_kept| Outcome::Done).map_err(|error| of_db(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_deletions_are_believed_and_a_fifth_of_a_catalogue_is_the_most() {
        for (gone, known, believed) in [(0, 0, true), (5, 6, true), (6, 29, false), (6, 30, true), (20, 100, true), (21, 100, false)] {
            assert_eq!(is_believable(gone, known), believed, "{gone} of {known}");
        }
    }
}
