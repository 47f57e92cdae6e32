//! Reads the store's orders for many at once: with their parts where those will be needed, else alone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use orderbridge_bigcommerce::{Parts, WholeOrder};
use orderbridge_decide::{Need, OrderFacts};
use orderbridge_http_client::CallError;
use orderbridge_schema::facts::StoreOrder;
use orderbridge_schema::ids::{Platform, StoreOrderId};
use orderbridge_schema::work::Aspects;

use crate::fetch::{Asked, Failed, fail_all, is_about_one};
use crate::patience::Patience;
use crate::session::Session;

/// How long a store that gave no parts, or refused to, is not asked for them again.
const NOT_GIVEN_FOR: Duration = Duration::from_secs(6 * 3600);
/// The same after a failure that may have been the platform's, and not about the parts.
const FAILED_FOR: Duration = Duration::from_secs(1800);
/// Changes that lie closer together are looked for by their time, in one list.
const TOGETHER: SignedDuration = SignedDuration::from_mins(10);

/// An order that asks, in a batch.
type Asking<'b, 'a> = &'b mut Asked<'a>;

/// Reads the orders that are asked for.
pub(crate) async fn store_orders(session: &Session, asked: &mut [Asked<'_>], failed: &mut Failed) {
    let wanting = asked.iter_mut().filter(|(_, needs)| needs.contains(&Need::StoreOrder));
    let asks = session.nested.asks(&session.store);
    let (whole, mut alone): (Vec<_>, Vec<_>) = wanting.partition(|(order, needs)| asks && needs_parts(order, needs));
    alone.extend(with_parts(session, whole, failed).await);
    without_parts(session, alone, failed).await;
}

/// Whether its lines will be asked for next: those of a new order, and of one whose edits are carried. What else has a sales order is
/// looked at for its status alone.
fn needs_parts(order: &OrderFacts, needs: &BTreeSet<Need>) -> bool {
    order.links.is_empty() || !order.in_step.is_empty() || needs.contains(&Need::Lines)
}

fn ids(asking: &[Asking<'_, '_>]) -> Vec<StoreOrderId> {
    asking.iter().map(|(order, _)| order.id).collect()
}

/// Reads orders with their parts. Gives back those that are to be read without, because the store refuses to tell of parts.
async fn with_parts<'b, 'a>(session: &Session, mut asking: Vec<Asking<'b, 'a>>, failed: &mut Failed) -> Vec<Asking<'b, 'a>> {
    if asking.is_empty() {
        return asking;
    }
    let error = match session.bigcommerce.whole_orders(&ids(&asking), session.share).await {
        Ok(found) => {
            if found.iter().any(|order| order.parts == Parts::NotGiven) {
                session.nested.leave_alone(&session.store, NOT_GIVEN_FOR);
            }
            let mut found: BTreeMap<StoreOrderId, WholeOrder> = found.into_iter().map(|order| (order.order.id, order)).collect();
            asking.iter_mut().for_each(|(order, _)| take(order, found.remove(&order.id)));
            return Vec::new();
        }
        Err(error) => error,
    };
    match &error {
        CallError::Refused { .. } => {
            session.nested.leave_alone(&session.store, NOT_GIVEN_FOR);
            return asking;
        }
        // Should it be the parts that this fails of, the next look is without them.
        CallError::Uncertain { .. } => session.nested.leave_alone(&session.store, FAILED_FOR),
        CallError::Quota(_) | CallError::NotSent { .. } | CallError::Unauthorised | CallError::Throttled { .. } | CallError::NotFound => {}
    }
    after_failure(session, asking, &error, failed).await;
    Vec::new()
}

fn take(order: &mut OrderFacts, found: Option<WholeOrder>) {
    let Some(WholeOrder { order: store_order, parts }) = found else {
        order.store_order = Some(None);
        return;
    };
    order.store_order = Some(Some(store_order));
    if let Parts::Given(parts) = parts {
        order.lines = Some(parts.lines);
        order.addresses = Some(parts.addresses);
        order.pick_ups = parts.pick_ups;
        order.fees = parts.fees;
    }
}

async fn without_parts(session: &Session, mut asking: Vec<Asking<'_, '_>>, failed: &mut Failed) {
    if asking.is_empty() {
        return;
    }
    let ids = ids(&asking);
    let read = match changed_since(&asking) {
        Some(since) => session.bigcommerce.changed_orders(&ids, since, session.share).await,
        None => session.bigcommerce.orders(&ids, session.share).await,
    };
    match read {
        Ok(found) => {
            let mut found: BTreeMap<StoreOrderId, StoreOrder> = found.into_iter().map(|order| (order.id, order)).collect();
            asking.iter_mut().for_each(|(order, _)| order.store_order = Some(found.remove(&order.id)));
        }
        Err(error) => after_failure(session, asking, &error, failed).await,
    }
}

/// Since when all of them have changed, if the store told of them and their last events lie close together.
fn changed_since(asking: &[Asking<'_, '_>]) -> Option<Timestamp> {
    let told = |order: &OrderFacts| order.told_at.filter(|_| order.aspects.has(Aspects::STORE_ORDER));
    let told: Option<Vec<Timestamp>> = asking.iter().map(|(order, _)| told(order)).collect();
    let told = told?;
    let (first, last) = (told.iter().min()?, told.iter().max()?);
    (last.duration_since(*first) <= TOGETHER).then_some(*first)
}

/// A call for several orders failed. If it may be about one of them, the others must not wait for it.
async fn after_failure(session: &Session, asking: Vec<Asking<'_, '_>>, error: &CallError, failed: &mut Failed) {
    if !is_about_one(error, asking.len()) {
        return fail_all(failed, asking.iter().map(|(order, _)| order.id), Platform::Bigcommerce, error);
    }
    let mut patience = Patience::default();
    for (order, _) in asking {
        match patience.unless_lost(|| session.bigcommerce.order(order.id, session.share)).await {
            Ok(found) => order.store_order = Some(found),
            Err(error) => fail_all(failed, std::iter::once(order.id), Platform::Bigcommerce, &error),
        }
    }
}
