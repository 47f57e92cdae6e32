//! What commands write, in the vocabulary's own terms.

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::facts::Address;
use crate::ids::{
    ChannelId, ContactId, InstallationId, LeadSourceId, NoteId, OrderAddressId, OrderLineId, PriceListId, ProductId, ProjectId, SalesOrderStatusId,
    ShippingMethodId, StoreOrderId, StoreStatusId, WarehouseId,
};
use crate::link::NoteKind;
use crate::rules::PriceMode;

/// A contact to be made (BP §f). Its `Debug` shows no personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewContact {
    /// Keyed hash of the normalised e-mail address, or of the store's number of a customer without one: the key.
    pub email_hash: String,
    /// Name, address, telephone and e-mail; names already fit the contact's 32 characters.
    pub address: Address,
    /// Price list of the contact, if the rules name one.
    pub price_list: Option<PriceListId>,
    /// Lead source, if the rules name one.
    pub lead_source: Option<LeadSourceId>,
    /// The store's customer number, as account reference; none for a guest.
    pub reference: Option<String>,
    /// It has no e-mail address to be found by: it is found by its reference, which then names the store too.
    pub found_by_reference: bool,
}

/// A sales order to be made (BP §e.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSalesOrder {
    /// The store's order.
    pub order: StoreOrderId,
    /// Which part of it: 0 while one sales order stands for all.
    pub part: u32,
    /// Half of the platform's unique key.
    pub external_ref: String,
    /// The other half.
    pub installation: InstallationId,
    /// The customer.
    pub contact: ContactId,
    /// The store's order number, at most 64 characters.
    pub reference: String,
    /// When the shopper ordered.
    pub placed_at: Timestamp,
    /// First status; the account's own default if none.
    pub status: Option<SalesOrderStatusId>,
    /// The store's status that it agrees with.
    pub agreed_with: StoreStatusId,
    /// Sales channel.
    pub channel: ChannelId,
    /// Warehouse it ships from.
    pub warehouse: WarehouseId,
    /// Price list; the customer's if none.
    pub price_list: Option<PriceListId>,
    /// Whether the price list's prices include tax; rows are net all the same (BP §e.9).
    pub price_mode: PriceMode,
    /// Lead source, if any.
    pub lead_source: Option<LeadSourceId>,
    /// Project, if any.
    pub project: Option<ProjectId>,
    /// Member of staff who owns it, if any.
    pub staff_owner: Option<ContactId>,
    /// Currency of all amounts.
    pub currency: String,
    /// Decimals of that currency's minor unit, 0 to 2.
    pub decimals: u32,
    /// Its rate against the account's base currency, in Brightpearl's own direction; above zero, at most 6 decimals. Fixed, so that
    /// payments can carry the same (BP §k.1 6).
    pub exchange_rate: Decimal,
    /// Shipping method, if mapped.
    pub shipping_method: Option<ShippingMethodId>,
    /// Billing address, in full.
    pub billing: Address,
    /// Delivery address, in full.
    pub delivery: Address,
    /// Rows.
    pub rows: Vec<NewRow>,
}

impl NewSalesOrder {
    /// Total with tax. `None` if it does not fit.
    #[must_use]
    pub fn total(&self) -> Option<Decimal> {
        self.rows.iter().try_fold(Decimal::ZERO, |sum, row| sum.checked_add(row.net)?.checked_add(row.tax))
    }
}

/// A row to be made (BP §e.2).
#[derive(Clone, PartialEq, Eq)]
pub struct NewRow {
    /// Names the store's line, so that rows can be matched if Brightpearl echoes it.
    pub external_ref: String,
    /// Product; free text if none.
    pub product: Option<ProductId>,
    /// Name on the row.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// Row total without tax, in the minor unit.
    pub net: Decimal,
    /// Row tax, in the minor unit.
    pub tax: Decimal,
    /// Tax code, as the merchant calls it.
    pub tax_code: String,
    /// Nominal code; Brightpearl's own default if none.
    pub nominal_code: Option<String>,
    /// The store's line it stands for; none for delivery, discounts and the like.
    pub line: Option<RowLine>,
    /// What the shopper chose or typed, piece by piece and in full, where the name was too long to hold all of it; else empty. The name
    /// then ends in "…", and this belongs in an order note that names the row.
    pub details: Vec<String>,
}

impl NewRow {
    /// What stands between the thing's own name and each of its details on a row's name.
    pub const SEPARATOR: &'static str = " | ";

    /// What shoppers chose or typed that stands on the row.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.name.split(Self::SEPARATOR).skip(1).chain(self.details.iter().map(String::as_str))
    }
}

impl std::fmt::Debug for NewRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let thing = self.name.split(Self::SEPARATOR).next().unwrap_or_default();
        let mut shown = f.debug_struct("NewRow");
        shown.field("external_ref", &self.external_ref).field("product", &self.product).field("name", &thing);
        shown.field("quantity", &self.quantity).field("net", &self.net).field("tax", &self.tax).field("tax_code", &self.tax_code);
        shown.field("nominal_code", &self.nominal_code).field("line", &self.line).finish_non_exhaustive()
    }
}

/// The store line behind a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowLine {
    /// The line.
    pub line: OrderLineId,
    /// Where it is delivered.
    pub address: OrderAddressId,
    /// Goods that can be shipped.
    pub shippable: bool,
}

/// A shipment to be made (BC §d.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewShipment {
    /// The store's order.
    pub order: StoreOrderId,
    /// Goods-out or drop-ship.
    pub note_kind: NoteKind,
    /// Brightpearl's note.
    pub note: NoteId,
    /// Where it goes.
    pub address: OrderAddressId,
    /// Lines and quantities.
    pub items: Vec<(OrderLineId, u32)>,
    /// First tracking number, at most 50 characters; empty if none.
    pub tracking_number: String,
    /// One of the store's providers, or empty.
    pub shipping_provider: String,
    /// A carrier slug, or empty.
    pub tracking_carrier: String,
    /// Free text for the shopper.
    pub shipping_method: String,
    /// Our mark first, then what did not fit elsewhere.
    pub comments: String,
}

impl NewShipment {
    /// The mark that tells our shipments from all others: `GON-4101`, with `-a127` where the order has several addresses.
    #[must_use]
    pub fn mark(kind: NoteKind, note: NoteId, address: Option<OrderAddressId>) -> String {
        let address = address.map(|address| format!("-a{address}")).unwrap_or_default();
        format!("{}-{note}{address}", kind.mark())
    }

    /// The mark at the start of a shipment's comments, if it is one of ours.
    #[must_use]
    pub fn mark_in(comments: &str) -> Option<&str> {
        let word = comments.split_whitespace().next()?;
        let (prefix, rest) = word.split_once('-')?;
        let ours = matches!(prefix, "GON" | "DSN") && rest.starts_with(|c: char| c.is_ascii_digit());
        ours.then_some(word)
    }
}
