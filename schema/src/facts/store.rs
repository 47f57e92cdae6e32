//! What a store says of an order.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{Address, Charge, PersonalText};
use crate::ids::{OrderAddressId, OrderLineId, ShipmentId, StoreChannelId, StoreCustomerId, StoreOrderId, StoreStatusId};

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
    /// The store's default currency; empty if the order does not say (BC §d.2).
    pub store_currency: String,
    /// The store's rate between its default currency and the order's, if it is above zero. Which way round: [`crate::rules::RateDirection`].
    pub store_rate: Option<Decimal>,
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
    /// What the shopper saw of how it is paid, such as "Bank Deposit"; empty if the store does not say.
    pub payment_method: String,
    /// The store's word on its payment, such as `captured`; empty for ways of payment outside the store (BC §d.2).
    pub payment_status: String,
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
    /// Where the shopper ordered, such as `www` or a marketplace; an open list (`order_source`).
    pub source: String,
    /// The app or system that made it, empty if the store itself did (`external_source`).
    pub external_source: String,
    /// Free text for another system's id, empty if unused (`external_order_id`).
    pub external_order_id: String,
    /// What the customer wrote at the checkout, empty if nothing.
    pub customer_message: PersonalText,
    /// What the store's staff wrote, empty if nothing.
    pub staff_notes: PersonalText,
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
    /// UPC when it was ordered; empty if none.
    pub upc: String,
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
    /// The shopper comes for it (`order_pickup_method_id`).
    pub pick_up: bool,
    /// What the shopper chose, typed or uploaded (BC §d.3, `product_options` and `configurable_fields`).
    pub options: Vec<LineOption>,
    /// Gift wrapping of this line.
    pub wrapping: Option<LineWrapping>,
}

/// Something the shopper chose, typed or uploaded for a line. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct LineOption {
    /// What was asked.
    pub name: String,
    /// What was answered; of an uploaded file its name.
    pub value: String,
}

impl std::fmt::Debug for LineOption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LineOption(not shown)")
    }
}

/// Gift wrapping of a line (BC §d.3). Its `Debug` shows no text.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct LineWrapping {
    /// Which wrapping.
    pub name: String,
    /// What is to stand on the card.
    pub message: String,
    /// What it cost, as given (BC §j.2).
    pub charge: Charge,
}

impl std::fmt::Debug for LineWrapping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LineWrapping").field("charge", &self.charge).finish_non_exhaustive()
    }
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

/// Where a shopper comes for goods (BC §d.4, consignments).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PickUp {
    /// Name of the way to pick up, as the shopper saw it.
    pub method: String,
    /// Where: the location's name stands as the company, there is no person.
    pub location: Address,
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
