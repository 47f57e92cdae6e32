//! One tenant's clients and rules for the time of one batch.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use orderbridge_decide::{Context, OrderFacts, Step, decide_order};
use orderbridge_postgres::{Db, EmailHasher};
use orderbridge_schema::decision::Decision;
use orderbridge_schema::ids::{AccountCode, InstallationId, ShippingMethodId, StoreHash, StoreOrderId, TenantId};
use orderbridge_schema::reference::Reference;
use orderbridge_schema::rules::Rules;
use orderbridge_schema::work::Share;

use crate::error::ReadError;
use crate::fetch::fetch;
use crate::nested::NestedReads;

/// No order needs more rounds of reading than this: each round brings facts of another layer (own records, order, details, products).
const ROUNDS_MAX: usize = 10;

/// What a batch of one tenant's orders is reconciled with.
#[derive(Debug, Clone)]
pub struct Session {
    /// The tenant.
    pub tenant: TenantId,
    /// Its Brightpearl account.
    pub account: AccountCode,
    /// Its store.
    pub store: StoreHash,
    /// Our installation in the account.
    pub installation: InstallationId,
    /// Another installation of ours may have made sales orders.
    pub search_before_creating: bool,
    /// The rules, as of `rules_version`.
    pub rules: Arc<Rules>,
    /// Version of the rules.
    pub rules_version: i64,
    /// What the rules may name, as the platforms listed it last.
    pub reference: Arc<Reference>,
    /// Since when no order can have been entered in Brightpearl but by us.
    pub live_since: Timestamp,
    /// The store's client.
    pub bigcommerce: orderbridge_bigcommerce::Client,
    /// The account's client.
    pub brightpearl: orderbridge_brightpearl::Client,
    /// Our own records.
    pub db: Db,
    /// Hashes e-mail addresses as contact links know them.
    pub hasher: EmailHasher,
    /// Names of shipping methods, if they were read already.
    pub method_names: Option<Arc<BTreeMap<ShippingMethodId, String>>>,
    /// Which stores are asked for an order's parts along with it.
    pub nested: Arc<NestedReads>,
    /// Which share of the quotas pays.
    pub share: Share,
    /// Calls to one platform at once, at most.
    pub calls_at_once: usize,
}

impl Session {
    /// The context of decisions at a moment.
    #[must_use]
    pub fn context(&self, now: Timestamp) -> Context<'_> {
        let (search_before_creating, installation) = (self.search_before_creating, self.installation);
        let live_since = self.live_since;
        Context { store: &self.store, installation, search_before_creating, rules: &self.rules, reference: &self.reference, live_since, now }
    }
}

/// Decides about a batch of orders, reading what the decisions ask for, together where a platform has a call for that.
///
/// The facts stay with the caller, complete with all that was read, so that after commands the same orders can be decided again without
/// reading again what cannot have changed. One order's failure does not touch the others.
pub async fn reconcile(session: &Session, facts: &mut [OrderFacts], now: Timestamp) -> BTreeMap<StoreOrderId, Result<Decision, ReadError>> {
    let mut results: BTreeMap<StoreOrderId, Result<Decision, ReadError>> = BTreeMap::new();
    for _round in 0..ROUNDS_MAX {
        let ctx = session.context(now);
        let mut asked = Vec::new();
        for order in facts.iter_mut().filter(|order| !results.contains_key(&order.id)).collect::<Vec<_>>() {
            match decide_order(&ctx, order) {
                Step::Decided(decision) => {
                    results.insert(order.id, Ok(*decision));
                }
                Step::Need(needs) => asked.push((order, needs)),
            }
        }
        if asked.is_empty() {
            return results;
        }
        for (order, error) in fetch(session, asked).await {
            results.insert(order, Err(error));
        }
    }
    for order in facts.iter().map(|order| order.id) {
        results.entry(order).or_insert(Err(ReadError::NoProgress { order: order.0 }));
    }
    results
}
