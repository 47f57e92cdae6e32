//! Payment records of orders: one call for each, since the store has no list of those of several (BC §d.9). They are the dear part of an
//! audit, so they are kept in small pages.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt as _};
use orderbridge_decide::audit::OrderBooks;
use orderbridge_schema::facts::Transactions;
use orderbridge_schema::ids::StoreOrderId;

use super::pages::Pages;
use crate::error::ReadError;
use crate::session::Session;

const PART: &str = "transactions";
/// Orders whose records are kept together.
const TOGETHER: usize = 25;

/// Reads those of the wanted orders that are not kept yet, and gives each order its own.
pub(super) async fn read(
    session: &Session,
    pages: Pages<'_>,
    wanted: &[StoreOrderId],
    books: &mut BTreeMap<StoreOrderId, OrderBooks>,
) -> Result<(), ReadError> {
    let mut have: BTreeSet<StoreOrderId> = BTreeSet::new();
    let mut page = 0;
    while let Some((kept, _)) = pages.kept::<(StoreOrderId, Transactions)>(PART, page).await? {
        have.extend(kept.iter().map(|(order, _)| *order));
        put(kept, books);
        page += 1;
    }
    let missing: Vec<StoreOrderId> = wanted.iter().filter(|order| !have.contains(order)).copied().collect();
    for chunk in missing.chunks(TOGETHER) {
        let fresh = of_orders(session, chunk).await?;
        pages.keep(PART, page, &fresh, None).await?;
        put(fresh, books);
        page += 1;
    }
    Ok(())
}

/// Reads the records of orders, a few at once.
pub(super) async fn of_orders(session: &Session, orders: &[StoreOrderId]) -> Result<Vec<(StoreOrderId, Transactions)>, ReadError> {
    let read = |order: StoreOrderId| async move {
        let found = session.bigcommerce.transactions(order, session.share).await.map_err(ReadError::bigcommerce)?;
        Ok::<_, ReadError>((order, found))
    };
    let mut reads = stream::iter(orders.iter().copied().map(read)).buffered(session.calls_at_once.max(1));
    let mut all = Vec::with_capacity(orders.len());
    while let Some(found) = reads.next().await {
        all.push(found?);
    }
    Ok(all)
}

pub(super) fn put(read: Vec<(StoreOrderId, Transactions)>, books: &mut BTreeMap<StoreOrderId, OrderBooks>) {
    for (order, transactions) in read {
        if let Some(books) = books.get_mut(&order) {
            books.facts.transactions = Some(transactions);
        }
    }
}
