//! The lists that sweeps read, in one form.

use jiff::Timestamp;
use orderbridge_brightpearl::{ChangedOrder, ChangedProduct, Changes, ShippedNote};
use orderbridge_http_client::CallError;
use orderbridge_schema::facts::ProductIdentity;
use orderbridge_schema::ids::{ChannelId, SalesOrderId};
use orderbridge_schema::work::Share;

/// What a list shows of an object besides its id and date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Nothing.
    None,
    /// Another system's key of a sales order, if the list shows keys.
    ExternalRef(Option<String>),
    /// What a note belongs to; none if it only moves stock.
    NoteOf(Option<SalesOrderId>),
    /// A product's identities.
    Product(ProductIdentity),
}

/// One object that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// The platform's id of it.
    pub(crate) id: u64,
    /// When, if the list says so.
    pub(crate) at: Option<Timestamp>,
    /// What else is shown.
    pub(crate) detail: Detail,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// Oldest change first.
    pub(crate) rows: Vec<Row>,
    /// How many rows of the list stand before the first one here.
    pub(crate) before: u32,
    /// Whether there may be more behind the last one.
    pub(crate) more: bool,
    /// When the platform answered, by its own clock.
    pub(crate) answered_at: Option<Timestamp>,
}

/// A list of what changed since a moment.
#[derive(Debug, Clone)]
pub(crate) enum Listing {
    /// A store's orders.
    StoreOrders(orderbridge_bigcommerce::Client),
    /// An account's sales orders in one channel.
    SalesOrders(orderbridge_brightpearl::Client, ChannelId),
    /// An account's shipped goods-out notes in one channel.
    GoodsOutNotes(orderbridge_brightpearl::Client, ChannelId),
    /// An account's products.
    Products(orderbridge_brightpearl::Client),
}

impl Listing {
    /// One page of what changed at `since` or later. It begins before the first `skip` rows end, so that the last of them is seen again.
    pub(crate) async fn read(&self, since: Timestamp, skip: u32, share: Share) -> Result<Page, CallError> {
        let last_again = skip.saturating_sub(1);
        match self {
            Self::StoreOrders(client) => {
                let read = client.order_stamps(since, skip, share).await?;
                let row = |stamp: orderbridge_bigcommerce::OrderStamp| Row { id: stamp.id.0, at: stamp.modified_at, detail: Detail::None };
                let rows = read.stamps.into_iter().map(row).collect();
                Ok(Page { rows, before: read.before, more: read.more, answered_at: read.answered_at })
            }
            Self::SalesOrders(client, channel) => Ok(page(client.orders_updated_since(since, *channel, last_again, share).await?, order)),
            Self::GoodsOutNotes(client, channel) => Ok(page(client.notes_shipped_since(since, *channel, last_again, share).await?, note)),
            Self::Products(client) => Ok(page(client.products_changed_since(since, last_again, share).await?, product)),
        }
    }
}

fn page<T>(changes: Changes<T>, row: impl Fn(T) -> Row) -> Page {
    let rows = changes.rows.into_iter().map(row).collect();
    Page { rows, before: changes.before, more: changes.more, answered_at: changes.answered_at }
}

fn order(order: ChangedOrder) -> Row {
    Row { id: order.id.0, at: order.updated_at, detail: Detail::ExternalRef(order.external_ref) }
}

fn note(note: ShippedNote) -> Row {
    Row { id: note.id.0, at: note.shipped_at, detail: Detail::NoteOf(note.order.filter(|_| !note.transfer)) }
}

fn product(product: ChangedProduct) -> Row {
    Row { id: product.identity.id.0, at: product.updated_at, detail: Detail::Product(product.identity) }
}
