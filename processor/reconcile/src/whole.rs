//! Reads sales orders with all that is needed to write them back, many in one call.

use std::collections::{BTreeMap, BTreeSet};

use orderbridge_decide::{Need, OrderFacts};
use orderbridge_schema::facts::WholeSalesOrder;
use orderbridge_schema::ids::{Platform, SalesOrderId};

use crate::fetch::{Asked, Failed, fail_all, is_about_one, wanting};
use crate::patience::Patience;
use crate::session::Session;

fn wanted(needs: &BTreeSet<Need>) -> Vec<SalesOrderId> {
    needs.iter().filter_map(|need| if let Need::WholeSalesOrder(id) = need { Some(*id) } else { None }).collect()
}

/// They say all that is read of sales orders otherwise, too.
fn take(order: &mut OrderFacts, ids: &[SalesOrderId], found: &BTreeMap<SalesOrderId, WholeSalesOrder>) {
    for id in ids {
        let whole = found.get(id).cloned();
        order.sales_orders.insert(*id, whole.as_ref().map(|whole| whole.order.clone()));
        order.whole.insert(*id, whole);
    }
}

/// Sales orders that are to be changed, all orders' together.
pub(crate) async fn whole_sales_orders(session: &Session, asked: &mut [Asked<'_>], failed: &mut Failed) {
    let mut wanting = wanting(asked, |need| matches!(need, Need::WholeSalesOrder(_)));
    let ids: BTreeSet<SalesOrderId> = wanting.iter().flat_map(|(_, needs)| wanted(needs)).collect();
    if ids.is_empty() {
        return;
    }
    let by_id = |found: Vec<WholeSalesOrder>| found.into_iter().map(|whole| (whole.order.id, whole)).collect::<BTreeMap<_, _>>();
    match session.brightpearl.whole_sales_orders(&ids.into_iter().collect::<Vec<_>>(), session.share).await {
        Ok(found) => {
            let found = by_id(found);
            wanting.iter_mut().for_each(|(order, needs)| take(order, &wanted(needs), &found));
        }
        Err(error) if is_about_one(&error, wanting.len()) => {
            let mut patience = Patience::default();
            for (order, needs) in &mut wanting {
                let ids = wanted(needs);
                match patience.unless_lost(|| session.brightpearl.whole_sales_orders(&ids, session.share)).await {
                    Ok(found) => take(order, &ids, &by_id(found)),
                    Err(error) => fail_all(failed, std::iter::once(order.id), Platform::Brightpearl, &error),
                }
            }
        }
        Err(error) => fail_all(failed, wanting.iter().map(|(order, _)| order.id), Platform::Brightpearl, &error),
    }
}
