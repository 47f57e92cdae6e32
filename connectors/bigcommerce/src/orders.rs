//! Reads orders and what hangs on them (BC §d).

use jiff::Timestamp;
use orderbridge_http_client::CallError;
use orderbridge_schema::facts::{Coupon, Fee, OrderAddress, OrderLine, StoreOrder, StoreShipment, TaxRow};
use orderbridge_schema::ids::StoreOrderId;
use orderbridge_schema::work::Share;
use serde::de::DeserializeOwned;

use crate::amounts::{CouponPayload, Fees, LinePayload, TaxPayload};
use crate::client::{Client, PAGE, Place, place};
use crate::payload::{AddressPayload, OrderPayload, ShipmentPayload};
use crate::reply;

/// One page of orders.
#[derive(Debug, Clone)]
pub struct OrderPage {
    /// Oldest change first.
    pub orders: Vec<StoreOrder>,
    /// Whether a further page may have some.
    pub more: bool,
}

impl Client {
    /// One order as it is now; `None` if the store has no such order.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn order(&self, id: StoreOrderId, share: Share) -> Result<Option<StoreOrder>, CallError> {
        let id = id.to_string();
        match self.get(place(&["v2", "orders", &id], "/v2/orders/{id}"), share).await {
            Ok(reply) if reply::is_empty(&reply) => Ok(None),
            Ok(reply) => reply::one::<OrderPayload>(&reply, "an order").map(|order| Some(order.into())),
            Err(CallError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The orders that exist among `ids`. Those that lie close together are read by one list call; what the list does not show, and
    /// lone ones, are read singly: it is not documented whether lists show every status (BC §d.1).
    ///
    /// # Errors
    /// [`CallError`] of the first call that failed.
    pub async fn orders(&self, ids: &[StoreOrderId], share: Share) -> Result<Vec<StoreOrder>, CallError> {
        let mut orders = Vec::with_capacity(ids.len());
        for group in groups(ids) {
            let mut found = match (group.first(), group.last()) {
                (Some(first), Some(last)) if group.len() > 1 => self.order_span(*first, *last, share).await?,
                _ => Vec::new(),
            };
            found.retain(|order| group.binary_search(&order.id).is_ok());
            for id in &group {
                if !found.iter().any(|order| order.id == *id) {
                    found.extend(self.order(*id, share).await?);
                }
            }
            found.sort_by_key(|order| order.id);
            found.dedup_by_key(|order| order.id);
            orders.append(&mut found);
        }
        Ok(orders)
    }

    async fn order_span(&self, first: StoreOrderId, last: StoreOrderId, share: Share) -> Result<Vec<StoreOrder>, CallError> {
        let (first, last, limit) = (first.to_string(), last.to_string(), PAGE.to_string());
        let query = [("min_id", first.as_str()), ("max_id", last.as_str()), ("limit", limit.as_str())];
        let reply = self.get(Place { segments: &["v2", "orders"], query: &query, template: "/v2/orders" }, share).await?;
        Ok(reply::list::<OrderPayload>(&reply, "the orders")?.into_iter().map(StoreOrder::from).collect())
    }

    /// One page (from 1, of 250) of the orders changed at `since` or later.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn orders_modified_since(&self, since: Timestamp, page: u32, share: Share) -> Result<OrderPage, CallError> {
        let (since, page, limit) = (format!("{since:.0}"), page.max(1).to_string(), PAGE.to_string());
        let query = [("min_date_modified", since.as_str()), ("sort", "date_modified:asc"), ("page", page.as_str()), ("limit", limit.as_str())];
        let reply = self.get(Place { segments: &["v2", "orders"], query: &query, template: "/v2/orders" }, share).await?;
        let orders: Vec<StoreOrder> = reply::list::<OrderPayload>(&reply, "the orders")?.into_iter().map(StoreOrder::from).collect();
        Ok(OrderPage { more: orders.len() >= PAGE, orders })
    }

    /// All lines of an order: by default BigCommerce gives 50 and says nothing of the others (BC §b).
    ///
    /// # Errors
    /// [`CallError`]; `NotFound` if the order is gone.
    pub async fn lines(&self, order: StoreOrderId, share: Share) -> Result<Vec<OrderLine>, CallError> {
        self.part::<LinePayload, _>(order, "products", "/v2/orders/{id}/products", &[], share).await
    }

    /// All delivery addresses of an order; none for digital goods.
    ///
    /// # Errors
    /// As [`Self::lines`].
    pub async fn addresses(&self, order: StoreOrderId, share: Share) -> Result<Vec<OrderAddress>, CallError> {
        self.part::<AddressPayload, _>(order, "shipping_addresses", "/v2/orders/{id}/shipping_addresses", &[], share).await
    }

    /// All tax rows of an order, one per rate and thing taxed.
    ///
    /// # Errors
    /// As [`Self::lines`].
    pub async fn taxes(&self, order: StoreOrderId, share: Share) -> Result<Vec<TaxRow>, CallError> {
        self.part::<TaxPayload, _>(order, "taxes", "/v2/orders/{id}/taxes", &[("details", "true")], share).await
    }

    /// The coupons used on an order.
    ///
    /// # Errors
    /// As [`Self::lines`].
    pub async fn coupons(&self, order: StoreOrderId, share: Share) -> Result<Vec<Coupon>, CallError> {
        self.part::<CouponPayload, _>(order, "coupons", "/v2/orders/{id}/coupons", &[], share).await
    }

    /// All shipments of an order.
    ///
    /// # Errors
    /// As [`Self::lines`].
    pub async fn shipments(&self, order: StoreOrderId, share: Share) -> Result<Vec<StoreShipment>, CallError> {
        self.part::<ShipmentPayload, _>(order, "shipments", "/v2/orders/{id}/shipments", &[], share).await
    }

    /// The fees of an order, in whichever of their forms (BC §j.2). They are not paged.
    ///
    /// # Errors
    /// As [`Self::lines`].
    pub async fn fees(&self, order: StoreOrderId, share: Share) -> Result<Vec<Fee>, CallError> {
        let id = order.to_string();
        let reply = self.get(place(&["v2", "orders", &id, "fees"], "/v2/orders/{id}/fees"), share).await?;
        if reply::is_empty(&reply) {
            return Ok(Vec::new());
        }
        Ok(reply::one::<Fees>(&reply, "the fees")?.0.into_iter().map(Fee::from).collect())
    }

    async fn part<P: DeserializeOwned + Into<T>, T>(
        &self,
        order: StoreOrderId,
        part: &str,
        template: &'static str,
        query: &[(&str, &str)],
        share: Share,
    ) -> Result<Vec<T>, CallError> {
        let id = order.to_string();
        let rows: Vec<P> = self.all_pages(Place { segments: &["v2", "orders", &id, part], query, template }, share).await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }
}

/// Sorted ids in groups, each spanning no more ids than a page has rows.
fn groups(ids: &[StoreOrderId]) -> Vec<Vec<StoreOrderId>> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let span = u64::try_from(PAGE).unwrap_or(u64::MAX);
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
        assert_eq!(groups(&ids), [vec![1, 3, 250], vec![251], vec![1000]].map(|group| group.into_iter().map(StoreOrderId).collect::<Vec<_>>()));
    }

    proptest! {
        #[test]
        fn every_id_is_in_one_group(ids in prop::collection::vec(any::<u64>(), 0..60)) {
            let ids: Vec<StoreOrderId> = ids.into_iter().map(StoreOrderId).collect();
            let groups = groups(&ids);
            prop_assert!(groups.iter().all(|group| group.last().unwrap().0 - group[0].0 < 250));
            let mut all: Vec<_> = ids.clone();
            all.sort_unstable();
            all.dedup();
            prop_assert_eq!(groups.concat(), all);
        }
    }
}
