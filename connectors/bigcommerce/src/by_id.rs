//! Orders by their ids, with as few calls as the store's lists allow (BC §d.1).

use jiff::{SignedDuration, Timestamp};
use orderbridge_http_client::CallError;
use orderbridge_schema::facts::StoreOrder;
use orderbridge_schema::ids::StoreOrderId;
use orderbridge_schema::work::Share;

use crate::client::{Client, PAGE, Place};
use crate::nested::WholeOrder;
use crate::payload::OrderPayload;
use crate::reply;

/// An event may be dated a little later than the change it tells of.
const DATED_LATER: SignedDuration = SignedDuration::from_secs(10);

/// What is asked of the store with each order, and how many orders one list may have.
#[derive(Debug, Clone, Copy)]
struct Asked {
    query: &'static [(&'static str, &'static str)],
    rows: usize,
}

const ALONE: Asked = Asked { query: &[], rows: PAGE };
/// With lines, delivery addresses and fees, as objects (BC §d). Orders are ten times as long then, so that a list has fewer of them.
const WHOLE: Asked = Asked { query: &[("include", "consignments.line_items,fees"), ("consignment_structure", "object")], rows: 50 };

/// What an order is read as.
trait Row: From<OrderPayload> {
    fn id(&self) -> StoreOrderId;
}

impl Row for StoreOrder {
    fn id(&self) -> StoreOrderId {
        self.id
    }
}

impl Row for WholeOrder {
    fn id(&self) -> StoreOrderId {
        self.order.id
    }
}

impl Client {
    /// One order as it is now; `None` if the store has no such order.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn order(&self, id: StoreOrderId, share: Share) -> Result<Option<StoreOrder>, CallError> {
        self.by_id(id, ALONE, share).await
    }

    /// The orders that exist among `ids`. Those that lie close together are read by one list call; what the list does not show, and
    /// lone ones, are read singly: it is not documented whether lists show every status (BC §d.1).
    ///
    /// # Errors
    /// [`CallError`] of the first call that failed.
    pub async fn orders(&self, ids: &[StoreOrderId], share: Share) -> Result<Vec<StoreOrder>, CallError> {
        self.by_ids(ids, ALONE, share).await
    }

    /// The same with lines, delivery addresses and fees, as far as the store gives them along.
    ///
    /// # Errors
    /// As [`Self::orders`]; a store that does not know how may also refuse.
    pub async fn whole_orders(&self, ids: &[StoreOrderId], share: Share) -> Result<Vec<WholeOrder>, CallError> {
        self.by_ids(ids, WHOLE, share).await
    }

    /// The orders that exist among `ids`, all of which were told to have changed at `since` or later. Wherever their ids lie, one list of
    /// what changed has most of them.
    ///
    /// # Errors
    /// As [`Self::orders`].
    pub async fn changed_orders(&self, ids: &[StoreOrderId], since: Timestamp, share: Share) -> Result<Vec<StoreOrder>, CallError> {
        if groups(ids, ALONE.rows).len() < 2 {
            return self.orders(ids, share).await;
        }
        let since = since.checked_sub(DATED_LATER).unwrap_or(since);
        let mut orders = self.orders_modified_since(since, 1, share).await?.orders;
        orders.retain(|order| ids.contains(&order.id));
        let rest: Vec<StoreOrderId> = ids.iter().copied().filter(|id| !orders.iter().any(|order| order.id == *id)).collect();
        orders.extend(self.orders(&rest, share).await?);
        orders.sort_by_key(|order| order.id);
        orders.dedup_by_key(|order| order.id);
        Ok(orders)
    }

    async fn by_id<T: Row>(&self, id: StoreOrderId, asked: Asked, share: Share) -> Result<Option<T>, CallError> {
        let id = id.to_string();
        match self.get(Place { segments: &["v2", "orders", &id], query: asked.query, template: "/v2/orders/{id}" }, share).await {
            Ok(reply) if reply::is_empty(&reply) => Ok(None),
            Ok(reply) => reply::one::<OrderPayload>(&reply, "an order").map(|order| Some(order.into())),
            Err(CallError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn by_ids<T: Row>(&self, ids: &[StoreOrderId], asked: Asked, share: Share) -> Result<Vec<T>, CallError> {
        let mut orders = Vec::with_capacity(ids.len());
        for group in groups(ids, asked.rows) {
            let mut found: Vec<T> = match (group.first(), group.last()) {
                (Some(first), Some(last)) if group.len() > 1 => self.span(*first, *last, asked, share).await?,
                _ => Vec::new(),
            };
            found.retain(|order| group.binary_search(&order.id()).is_ok());
            for id in &group {
                if !found.iter().any(|order| order.id() == *id) {
                    found.extend(self.by_id(*id, asked, share).await?);
                }
            }
            found.sort_by_key(Row::id);
            found.dedup_by_key(|order| order.id());
            orders.append(&mut found);
        }
        Ok(orders)
    }

    async fn span<T: Row>(&self, first: StoreOrderId, last: StoreOrderId, asked: Asked, share: Share) -> Result<Vec<T>, CallError> {
        let (first, last, limit) = (first.to_string(), last.to_string(), asked.rows.to_string());
        let query: Vec<(&str, &str)> = [("min_id", first.as_str()), ("max_id", last.as_str()), ("limit", limit.as_str())]
            .into_iter()
            .chain(asked.query.iter().copied())
            .collect();
        let reply = self.get(Place { segments: &["v2", "orders"], query: &query, template: "/v2/orders" }, share).await?;
        Ok(reply::list::<OrderPayload>(&reply, "the orders")?.into_iter().map(T::from).collect())
    }
}

/// Sorted ids in groups, each spanning no more ids than a list has rows.
fn groups(ids: &[StoreOrderId], rows: usize) -> Vec<Vec<StoreOrderId>> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let span = u64::try_from(rows).unwrap_or(u64::MAX);
    let mut groups: Vec<Vec<StoreOrderId>> = Vec::new();
    for id in ids {
        match groups.last_mut() {
            Some(group) if group.first().is_some_and(|first| id.0 - first.0 < span) => group.push(id),
            _ => groups.push(vec![id]),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_within_one_page_are_read_together() {
        let ids = [1000, 1, 250, 251, 3, 1].map(StoreOrderId);
        let groups = groups(&ids, 250);
        assert_eq!(groups, [vec![1, 3, 250], vec![251], vec![1000]].map(|group| group.into_iter().map(StoreOrderId).collect::<Vec<_>>()));
    }

    proptest! {
        #[test]
        fn every_id_is_in_one_group(ids in prop::collection::vec(0..500_u64, 0..60), rows in 1..260_usize) {
            let ids: Vec<StoreOrderId> = ids.into_iter().map(StoreOrderId).collect();
            let groups = groups(&ids, rows);
            prop_assert!(groups.iter().all(|group| group.last().unwrap().0 - group[0].0 < u64::try_from(rows).unwrap()));
            let mut all: Vec<_> = ids.clone();
            all.sort_unstable();
            all.dedup();
            prop_assert_eq!(groups.concat(), all);
        }
    }
}
