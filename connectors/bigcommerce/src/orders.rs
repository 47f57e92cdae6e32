//! Reads orders and what hangs on them (BC §d).

use jiff::Timestamp;
use orderbridge_http_client::CallError;
use orderbridge_schema::facts::{Coupon, Fee, OrderAddress, OrderLine, StoreOrder, StoreShipment, TaxRow};
use orderbridge_schema::ids::StoreOrderId;
use orderbridge_schema::work::Share;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::amounts::{CouponPayload, Fees, LinePayload, TaxPayload};
use crate::client::{Client, PAGE, Place, place};
use crate::payload::{AddressPayload, OrderPayload, ShipmentPayload};
use crate::{lenient, reply};

/// One page of orders.
#[derive(Debug, Clone)]
pub struct OrderPage {
    /// Oldest change first.
    pub orders: Vec<StoreOrder>,
    /// Whether a further page may have some.
    pub more: bool,
}

/// When an order last changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderStamp {
    /// Which order.
    pub id: StoreOrderId,
    /// When, if it says so in a form that can be read.
    pub modified_at: Option<Timestamp>,
}

/// Orders that changed, and nothing else of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderStamps {
    /// Oldest change first.
    pub stamps: Vec<OrderStamp>,
    /// How many rows of the list stand before the first one here.
    pub before: u32,
    /// Whether there may be more behind the last one.
    pub more: bool,
    /// When the store answered, by its own clock.
    pub answered_at: Option<Timestamp>,
}

/// Only what a sweep wants to know: one order that cannot be read as a whole must not hide the others.
#[derive(Deserialize)]
struct StampPayload {
    #[serde(deserialize_with = "lenient::required_whole")]
    id: u64,
    #[serde(default, deserialize_with = "lenient::text")]
    date_modified: String,
}

impl From<StampPayload> for OrderStamp {
    fn from(stamp: StampPayload) -> Self {
        Self { id: StoreOrderId(stamp.id), modified_at: lenient::timestamp(&stamp.date_modified) }
    }
}

impl Client {
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

    /// Which orders changed at `since` or later: at most 250, beginning at or before the one behind the first `skip`. A list is read by
    /// pages of one size (BC §b), so that some of the skipped may be read again.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn order_stamps(&self, since: Timestamp, skip: u32, share: Share) -> Result<OrderStamps, CallError> {
        let Window { pages_before, rows } = window(skip);
        let (since, page, limit) = (format!("{since:.0}"), (pages_before + 1).to_string(), rows.to_string());
        let query = [("min_date_modified", since.as_str()), ("sort", "date_modified:asc"), ("page", page.as_str()), ("limit", limit.as_str())];
        let reply = self.get(Place { segments: &["v2", "orders"], query: &query, template: "/v2/orders" }, share).await?;
        let stamps: Vec<OrderStamp> = reply::list::<StampPayload>(&reply, "the orders")?.into_iter().map(OrderStamp::from).collect();
        let more = u32::try_from(stamps.len()).is_ok_and(|read| read >= rows);
        let answered_at = reply.header("date").and_then(lenient::timestamp);
        Ok(OrderStamps { stamps, before: pages_before * rows, more, answered_at })
    }

    /// All lines of an order, by id: by default BigCommerce gives 50 and says nothing of the others (BC §b).
    ///
    /// # Errors
    /// [`CallError`]; `NotFound` if the order is gone.
    pub async fn lines(&self, order: StoreOrderId, share: Share) -> Result<Vec<OrderLine>, CallError> {
        let mut lines: Vec<OrderLine> = self.part::<LinePayload, _>(order, "products", "/v2/orders/{id}/products", &[], share).await?;
        lines.sort_by_key(|line| line.id);
        Ok(lines)
    }

    /// All delivery addresses of an order, by id; none for digital goods.
    ///
    /// # Errors
    /// As [`Self::lines`].
    pub async fn addresses(&self, order: StoreOrderId, share: Share) -> Result<Vec<OrderAddress>, CallError> {
        let template = "/v2/orders/{id}/shipping_addresses";
        let mut addresses: Vec<OrderAddress> = self.part::<AddressPayload, _>(order, "shipping_addresses", template, &[], share).await?;
        addresses.sort_by_key(|address| address.id);
        Ok(addresses)
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

/// A page of a list: its size, and how many of that size stand before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    pages_before: u32,
    rows: u32,
}

/// Sizes of pages that are compared: with two of them, some pages of a long list would reach no farther than what is known.
const WINDOWS: u32 = 8;

/// The page that reaches farthest behind the first `skip` rows while it begins before the last of them or with it.
fn window(skip: u32) -> Window {
    let largest = u32::try_from(PAGE).unwrap_or(u32::MAX);
    let known = skip.saturating_sub(1);
    let first = known / largest;
    let whole = Window { pages_before: first, rows: largest };
    let smaller = (first + 1..first + WINDOWS).map(|pages_before| Window { pages_before, rows: known / pages_before });
    let reach = |window: &Window| (window.pages_before + 1) * window.rows;
    std::iter::once(whole).chain(smaller).max_by_key(reach).unwrap_or(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_window_begins_at_a_known_row_and_ends_behind_all_of_them(skip in 0u32..100_000) {
            let Window { pages_before, rows } = window(skip);
            let begins = pages_before * rows;
            prop_assert!((1..=250).contains(&rows));
            prop_assert!(begins <= skip.saturating_sub(1), "{begins}");
            prop_assert!(begins + rows > skip);
        }
    }
}
