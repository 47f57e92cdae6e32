//! Reads what is reserved for sales orders, many in one call, and what could be.

use std::collections::{BTreeMap, BTreeSet};

use orderbridge_decide::{Need, OrderFacts};
use orderbridge_http_client::CallError;
use orderbridge_schema::ids::{Platform, ProductId, SalesOrderId, WarehouseId};
use orderbridge_schema::reservation::Reserved;

use crate::error::ReadError;
use crate::fetch::{Asked, Failed, fail_all, is_about_one, wanting};
use crate::patience::Patience;
use crate::session::Session;

fn wanted(needs: &BTreeSet<Need>) -> Vec<SalesOrderId> {
    needs.iter().filter_map(|need| if let Need::Reservation(id) = need { Some(*id) } else { None }).collect()
}

fn take(order: &mut OrderFacts, ids: &[SalesOrderId], found: &BTreeMap<SalesOrderId, Reserved>) {
    order.reserved.extend(ids.iter().map(|id| (*id, found.get(id).cloned().unwrap_or_default())));
}

/// Reservations of sales orders, all orders' together.
pub(crate) async fn reservations(session: &Session, asked: &mut [Asked<'_>], failed: &mut Failed) {
    let mut wanting = wanting(asked, |need| matches!(need, Need::Reservation(_)));
    let ids: BTreeSet<SalesOrderId> = wanting.iter().flat_map(|(_, needs)| wanted(needs)).collect();
    if ids.is_empty() {
        return;
    }
    match session.brightpearl.reservations(&ids.into_iter().collect::<Vec<_>>(), session.share).await {
        Ok(found) => wanting.iter_mut().for_each(|(order, needs)| take(order, &wanted(needs), &found)),
        Err(error) if is_about_one(&error, wanting.len()) => {
            let mut patience = Patience::default();
            for (order, needs) in &mut wanting {
                let ids = wanted(needs);
                match patience.unless_lost(|| session.brightpearl.reservations(&ids, session.share)).await {
                    Ok(found) => take(order, &ids, &found),
                    Err(error) => fail_all(failed, std::iter::once(order.id), Platform::Brightpearl, &error),
                }
            }
        }
        Err(error) => fail_all(failed, wanting.iter().map(|(order, _)| order.id), Platform::Brightpearl, &error),
    }
}

/// How many pieces could still be reserved for a sales order. That Brightpearl refuses to tell is an answer too.
pub(crate) async fn on_hand(
    session: &Session,
    order: &mut OrderFacts,
    (sales_order, warehouse): (SalesOrderId, WarehouseId),
    products: &BTreeSet<ProductId>,
) -> Result<(), ReadError> {
    let products: Vec<ProductId> = products.iter().copied().collect();
    let pieces = match session.brightpearl.on_hand(&products, warehouse, session.share).await {
        Ok(found) => Some(found.values().sum()),
        Err(CallError::Refused { .. } | CallError::NotFound) => None,
        Err(error) => return Err(ReadError::brightpearl(error)),
    };
    order.on_hand.insert(sales_order, pieces);
    Ok(())
}
