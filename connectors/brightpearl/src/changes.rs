//! What changed since a moment: pages of searches, oldest change first (BP §a.5, §e.4, §g, §h.3).

use jiff::Timestamp;
use orderbridge_http_client::CallError;
use orderbridge_schema::facts::ProductIdentity;
use orderbridge_schema::ids::{ChannelId, NoteId, SalesOrderId};
use orderbridge_schema::work::Share;

use crate::client::{Client, Place};
use crate::products;
use crate::search::{Page, Row};

/// `orderTypeId` of sales orders (BP §e.4).
const SALES_ORDER_TYPE: &str = "1";

/// One page of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes<T> {
    /// Oldest change first.
    pub rows: Vec<T>,
    /// How many rows of the search stand before the first one here.
    pub before: u32,
    /// Whether there are more behind the last one.
    pub more: bool,
    /// When Brightpearl answered, by its own clock.
    pub answered_at: Option<Timestamp>,
}

/// A sales order that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedOrder {
    /// Its id.
    pub id: SalesOrderId,
    /// When it last changed, if the row says so.
    pub updated_at: Option<Timestamp>,
    /// Another system's key of it, empty if none; `None` if the search does not show keys.
    pub external_ref: Option<String>,
}

/// A goods-out note that has left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShippedNote {
    /// Its id.
    pub id: NoteId,
    /// When it left, in the words of whoever said so (BP §h.3, `occured`).
    pub shipped_at: Option<Timestamp>,
    /// The sales order; none for a transfer.
    pub order: Option<SalesOrderId>,
    /// Moves stock between warehouses and is no shipment.
    pub transfer: bool,
}

/// A product that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedProduct {
    /// Its identities.
    pub identity: ProductIdentity,
    /// When it last changed, if the row says so.
    pub updated_at: Option<Timestamp>,
}

/// Which search, by the name of its moment.
#[derive(Clone, Copy)]
struct Search<'a> {
    segments: &'a [&'a str],
    template: &'static str,
    dated: &'static str,
    columns: &'static str,
    filters: &'a [(&'a str, &'a str)],
}

impl Client {
    /// Sales orders of a channel that changed at `since` or later, at most 500, from the one behind the first `skip` on.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn orders_updated_since(
        &self,
        since: Timestamp,
        channel: ChannelId,
        skip: u32,
        share: Share,
    ) -> Result<Changes<ChangedOrder>, CallError> {
        let channel = channel.to_string();
        let search = Search {
            segments: &["order-service", "order-search"],
            template: "/order-service/order-search",
            dated: "updatedOn",
            columns: "orderId,orderTypeId,updatedOn,externalRef,departmentId",
            // The channel's name in searches (BP §e.4).
            filters: &[("orderTypeId", SALES_ORDER_TYPE), ("departmentId", &channel)],
        };
        let order = |page: &Page, row: Row<'_>| {
            let id = SalesOrderId(row.id("orderId")?);
            let external_ref = page.has("externalRef").then(|| row.text("externalRef"));
            Some(ChangedOrder { id, updated_at: row.moment("updatedOn"), external_ref })
        };
        self.changes(search, since, skip, share, order).await
    }

    /// Goods-out notes of a channel that left at `since` or later, likewise. A note has no date of its last change (BP §h.3).
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn notes_shipped_since(
        &self,
        since: Timestamp,
        channel: ChannelId,
        skip: u32,
        share: Share,
    ) -> Result<Changes<ShippedNote>, CallError> {
        let channel = channel.to_string();
        let search = Search {
            segments: &["warehouse-service", "goods-note", "goods-out-search"],
            template: "/warehouse-service/goods-note/goods-out-search",
            dated: "shippedOn",
            columns: "goodsOutNoteId,shippedOn,orderId,transfer,channelId",
            filters: &[("shipped", "true"), ("channelId", &channel)],
        };
        let note = |_page: &Page, row: Row<'_>| {
            let id = NoteId(row.id("goodsOutNoteId")?);
            let order = row.id("orderId").map(SalesOrderId);
            Some(ShippedNote { id, shipped_at: row.moment("shippedOn"), order, transfer: row.flag("transfer").unwrap_or(false) })
        };
        self.changes(search, since, skip, share, note).await
    }

    /// Products that changed at `since` or later, likewise.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn products_changed_since(&self, since: Timestamp, skip: u32, share: Share) -> Result<Changes<ChangedProduct>, CallError> {
        let search = Search {
            segments: &["product-service", "product-search"],
            template: "/product-service/product-search",
            dated: "updatedOn",
            columns: "productId,SKU,EAN,UPC,MPN,ISBN,barcode,productStatus,updatedOn,stockTracked",
            filters: &[],
        };
        let product = |_page: &Page, row: Row<'_>| Some(ChangedProduct { identity: products::identity(row)?, updated_at: row.moment("updatedOn") });
        self.changes(search, since, skip, share, product).await
    }

    async fn changes<T>(
        &self,
        search: Search<'_>,
        since: Timestamp,
        skip: u32,
        share: Share,
        pick: impl Fn(&Page, Row<'_>) -> Option<T>,
    ) -> Result<Changes<T>, CallError> {
        let (period, sort) = (format!("{since:.0}/"), format!("{}.ASC", search.dated));
        let mut query = vec![(search.dated, period.as_str()), ("sort", sort.as_str()), ("columns", search.columns)];
        query.extend(search.filters);
        let place = Place { segments: search.segments, query: &query, template: search.template };
        let page = self.search_page(place, skip.saturating_add(1), share).await?;
        let rows = page.rows().filter_map(|row| pick(&page, row)).collect();
        Ok(Changes { rows, before: skip, more: page.more, answered_at: page.answered_at })
    }
}
