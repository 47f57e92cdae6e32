//! What was read from the two platforms, in one vocabulary, as the decisions want it.
//!
//! The platform crates turn payloads into these; every "none" the platforms spell (`null`, `""`, `0`, `{}`, a missing key) is an
//! `Option` or a zero here. Amounts are in the order's transactional currency.

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::ids::{
    ChannelId, ContactId, InstallationId, NoteId, OrderAddressId, OrderLineId, ProductId, SalesOrderId, SalesOrderRowId, SalesOrderStatusId,
    ShipmentId, ShippingMethodId, StoreChannelId, StoreCustomerId, StoreOrderId, StoreStatusId, WarehouseId,
};
use crate::link::NoteKind;

/// An amount with its tax: what was charged for delivery, handling, wrapping or a fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Charge {
    /// Tax included.
    pub gross: Decimal,
    /// The tax in it.
    pub tax: Decimal,
}

/// A person's or a company's address. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Address {
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Company, empty if none.
    pub company: String,
    /// First line of the street.
    pub street_1: String,
    /// Second line of the street.
    pub street_2: String,
    /// City.
    pub city: String,
    /// State or county, in the store's words.
    pub state: String,
    /// Postcode, empty where a country has none.
    pub postcode: String,
    /// ISO 3166 two-letter country code.
    pub country_iso2: String,
    /// Telephone, empty if none.
    pub phone: String,
    /// E-mail address, empty if none.
    pub email: String,
}

impl Address {
    /// Everything in it that tells who or where somebody is; not the country.
    pub fn personal_data(&self) -> impl Iterator<Item = &str> {
        [
            &self.first_name,
            &self.last_name,
            &self.company,
            &self.street_1,
            &self.street_2,
            &self.city,
            &self.state,
            &self.postcode,
            &self.phone,
            &self.email,
        ]
        .into_iter()
        .map(String::as_str)
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Address(not shown)")
    }
}

/// A BigCommerce order as it is now (BC §d.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreOrder {
    /// The number the shopper sees.
    pub id: StoreOrderId,
    /// Status id (BC §d.6).
    pub status: StoreStatusId,
    /// When the shopper ordered.
    pub created_at: Timestamp,
    /// When it last changed, by anyone, ourselves included.
    pub modified_at: Timestamp,
    /// 0 is a guest.
    pub customer: StoreCustomerId,
    /// Transactional currency: what the shopper paid in (`default_currency_code`, BC §d.2).
    pub currency: String,
    /// Total with tax, before or after gift certificates and store credit (UNCONFIRMED, BC §j.2).
    pub total: Decimal,
    /// Tax in the total.
    pub tax: Decimal,
    /// Delivery, all addresses together.
    pub shipping: Charge,
    /// Handling.
    pub handling: Charge,
    /// Gift wrapping.
    pub wrapping: Charge,
    /// Manual or automatic discount of the whole order, a positive number.
    pub discount: Decimal,
    /// What coupons took off, a positive number.
    pub coupon_discount: Decimal,
    /// Part paid with store credit.
    pub store_credit: Decimal,
    /// Part paid with gift certificates.
    pub gift_certificates: Decimal,
    /// Billing address; the guest's e-mail is here.
    pub billing: Address,
    /// How many delivery addresses; 0 for an order of digital goods only.
    pub address_count: u32,
    /// Only digital lines.
    pub digital: bool,
    /// Archived, which is how BigCommerce deletes.
    pub deleted: bool,
    /// Sales channel of the store.
    pub channel: StoreChannelId,
    /// Free text for another system's id, empty if unused (`external_order_id`).
    pub external_order_id: String,
}

/// What kind of thing an order line sells (BC §d.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// Goods that are shipped.
    Physical,
    /// A download.
    Digital,
    /// A gift certificate sold.
    GiftCertificate,
}

/// One line of a store order (BC §d.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderLine {
    /// `order_product_id` of shipments and refunds.
    pub id: OrderLineId,
    /// Catalogue product; 0 for a custom line.
    pub product: u64,
    /// Catalogue variant; 0 for a custom line.
    pub variant: u64,
    /// Delivery address; 0 for digital lines and pick-up.
    pub address: OrderAddressId,
    /// What the shopper saw.
    pub name: String,
    /// SKU when it was ordered, trimmed; empty if none.
    pub sku: String,
    /// Goods, download or gift certificate.
    pub kind: LineKind,
    /// How many were ordered.
    pub quantity: u32,
    /// How many the store counts as shipped.
    pub shipped: u32,
    /// How many were refunded.
    pub refunded: u32,
    /// With tax, before discounts of the whole order.
    pub total: Decimal,
    /// Tax in `total`, before discounts.
    pub tax: Decimal,
    /// With tax, after all discounts: what the shopper paid for the line.
    pub discounted_total: Decimal,
    /// Parent line of a pick-list child (BC §d.3).
    pub parent: Option<OrderLineId>,
}

impl OrderLine {
    /// How many can still be shipped: never below zero.
    #[must_use]
    pub const fn left_to_ship(&self) -> u32 {
        self.quantity.saturating_sub(self.shipped).saturating_sub(self.refunded)
    }
}

/// What a tax row taxes (BC §d.4, `line_item_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Taxed {
    /// An order line.
    Line(OrderLineId),
    /// Delivery.
    Shipping,
    /// Handling.
    Handling,
    /// Gift wrapping.
    Wrapping,
    /// A fee, or anything the sheet does not name.
    Other,
}

/// One tax rate on one thing (BC §d.4, taxes with details).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxRow {
    /// What is taxed.
    pub on: Taxed,
    /// Name of the tax class, as the merchant called it.
    pub class: String,
    /// Per cent.
    pub rate: Decimal,
    /// Amount of tax.
    pub amount: Decimal,
}

/// A delivery address of a store order (BC §d.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderAddress {
    /// What shipments name.
    pub id: OrderAddressId,
    /// Where to.
    pub address: Address,
    /// Free display text, such as "Royal Mail Tracked 48".
    pub shipping_method: String,
    /// How many items go there.
    pub items_total: u32,
    /// How many of them went.
    pub items_shipped: u32,
}

/// A coupon used (BC §d.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coupon {
    /// What the shopper typed, if anything.
    pub code: String,
    /// 3 takes off shipping, 4 is free shipping; the others are inside the lines' discounted totals.
    pub kind: u32,
    /// How much it took off, a positive number.
    pub discount: Decimal,
}

impl Coupon {
    /// Whether it lowers delivery, so that no line's discounted total shows it.
    #[must_use]
    pub const fn is_on_shipping(&self) -> bool {
        matches!(self.kind, 3 | 4)
    }
}

/// A fee of the order (BC §d.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fee {
    /// Its id at the store.
    pub id: u64,
    /// What the shopper saw.
    pub name: String,
    /// What it cost.
    pub charge: Charge,
}

/// A shipment of a store order (BC §d.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreShipment {
    /// Its id at the store.
    pub id: ShipmentId,
    /// Where it went.
    pub address: OrderAddressId,
    /// Carries our mark.
    pub comments: String,
    /// First tracking number, empty if none.
    pub tracking_number: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Lines and quantities in it.
    pub items: Vec<(OrderLineId, u32)>,
}

/// A Brightpearl sales order as it is now (BP §e.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SalesOrder {
    /// Its id.
    pub id: SalesOrderId,
    /// `SO` for sales orders; credits and purchases share the id space (BP §e.1).
    pub type_code: String,
    /// The customer's reference: the store's order number.
    pub reference: String,
    /// Our key, empty if it was not made by an integration (BP §e.2).
    pub external_ref: String,
    /// Which installation made it, if any.
    pub installation: Option<InstallationId>,
    /// Present status.
    pub status: SalesOrderStatusId,
    /// Sales channel, if set.
    pub channel: Option<ChannelId>,
    /// The customer, if Brightpearl named one.
    pub contact: Option<ContactId>,
    /// The order it was made from by a back-order, if any.
    pub parent: Option<SalesOrderId>,
    /// Currency of its amounts.
    pub currency: String,
    /// Total with tax.
    pub total: Decimal,
    /// Tax in the total.
    pub tax: Decimal,
    /// When it last changed, if Brightpearl says.
    pub updated_at: Option<Timestamp>,
    /// Its rows in their order.
    pub rows: Vec<SalesOrderRow>,
}

/// A row of a Brightpearl sales order (BP §e.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SalesOrderRow {
    /// Its id.
    pub id: SalesOrderRowId,
    /// Place in the order: 10, 20, …
    pub sequence: u32,
    /// 1000 for free text.
    pub product: ProductId,
    /// Name on the row.
    pub name: String,
    /// How many.
    pub quantity: Decimal,
    /// Without tax.
    pub net: Decimal,
    /// Tax.
    pub tax: Decimal,
    /// Our row key, empty where Brightpearl does not echo it (UNCONFIRMED, BP §e.2).
    pub external_ref: String,
    /// A bundle's component; it has no amount of its own to match.
    pub bundle_child: bool,
    /// The row whose bundle this one is a component of.
    pub bundle_parent_row: Option<SalesOrderRowId>,
}

/// A goods-out or drop-ship note (BP §h.3, §h.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Goods-out or drop-ship.
    pub kind: NoteKind,
    /// Its id.
    pub id: NoteId,
    /// The sales order; none for a transfer.
    pub order: Option<SalesOrderId>,
    /// Where from, if it says.
    pub warehouse: Option<WarehouseId>,
    /// Moves stock between warehouses and is no shipment.
    pub transfer: bool,
    /// All of it has left.
    pub shipped: bool,
    /// When it left.
    pub shipped_at: Option<Timestamp>,
    /// Tracking reference, empty if none: that is normal (BP §h.3).
    pub reference: String,
    /// Shipping method, if any.
    pub shipping_method: Option<ShippingMethodId>,
    /// Rows and quantities, summed over locations.
    pub rows: Vec<NoteRow>,
}

/// What a note holds of one order row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteRow {
    /// The sales order's row.
    pub row: SalesOrderRowId,
    /// The product that moved.
    pub product: ProductId,
    /// How many, over all locations.
    pub quantity: Decimal,
}

/// A contact that a search for an e-mail address found (BP §f).
#[derive(Clone, PartialEq, Eq)]
pub struct ContactMatch {
    /// Its id.
    pub id: ContactId,
    /// Its primary e-mail address.
    pub email: String,
    /// Staff of the account: never a customer of ours.
    pub staff: bool,
    /// A supplier: never a customer of ours.
    pub supplier: bool,
    /// The primary contact of its company.
    pub primary: bool,
}

impl std::fmt::Debug for ContactMatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContactMatch").field("id", &self.id).field("staff", &self.staff).field("supplier", &self.supplier).finish_non_exhaustive()
    }
}

/// The identities of one Brightpearl product (BP §g).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductIdentity {
    /// Its id.
    pub id: ProductId,
    /// SKU, trimmed; empty if none. Not guaranteed unique.
    pub sku: String,
    /// Archived products are never matched.
    pub live: bool,
}
