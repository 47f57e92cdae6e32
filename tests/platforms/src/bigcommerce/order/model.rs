//! The state of one order.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;

use super::payment::Transaction;
use super::pricing::{Charge, Cost, Terms};
use super::refund::Refund;
use super::shipment::Shipment;
use crate::bigcommerce::address::Address;

/// What a line sells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bigcommerce) enum Kind {
    Physical,
    Digital,
    GiftCertificate,
}

impl Kind {
    pub(in crate::bigcommerce) const fn name(self) -> &'static str {
        match self {
            Self::Physical => "physical",
            Self::Digital => "digital",
            Self::GiftCertificate => "giftcertificate",
        }
    }

    pub(in crate::bigcommerce) fn parse(name: &str) -> Option<Self> {
        [Self::Physical, Self::Digital, Self::GiftCertificate].into_iter().find(|kind| kind.name() == name)
    }
}

/// A discount on one line, for the whole line, tax included.
#[derive(Debug, Clone)]
pub(in crate::bigcommerce) struct Discount {
    /// The coupon's row id as text, or the kind of discount.
    pub(in crate::bigcommerce) id: String,
    pub(in crate::bigcommerce) amount: Decimal,
    pub(in crate::bigcommerce) name: String,
    pub(in crate::bigcommerce) code: Option<String>,
    /// `order` or `product`.
    pub(in crate::bigcommerce) target: &'static str,
}

/// The id of discounts that staff or automatic promotions give on the whole order.
pub(in crate::bigcommerce) const MANUAL: &str = "manual-discount";

/// Gift wrapping of one line.
#[derive(Debug, Clone, Default)]
pub(in crate::bigcommerce) struct Wrapping {
    pub(in crate::bigcommerce) name: String,
    pub(in crate::bigcommerce) message: String,
    pub(in crate::bigcommerce) cost: Cost,
}

/// One order line.
#[derive(Debug, Clone)]
pub(in crate::bigcommerce) struct Line {
    pub(in crate::bigcommerce) id: i64,
    pub(in crate::bigcommerce) product_id: i64,
    pub(in crate::bigcommerce) variant_id: i64,
    /// 0 for digital and pick-up.
    pub(in crate::bigcommerce) address_id: i64,
    pub(in crate::bigcommerce) pickup_method_id: i64,
    pub(in crate::bigcommerce) name: String,
    pub(in crate::bigcommerce) sku: String,
    pub(in crate::bigcommerce) upc: String,
    pub(in crate::bigcommerce) kind: Kind,
    pub(in crate::bigcommerce) quantity: i64,
    pub(in crate::bigcommerce) shipped: i64,
    pub(in crate::bigcommerce) refunded: i64,
    pub(in crate::bigcommerce) cost: Cost,
    pub(in crate::bigcommerce) tax_class_id: i64,
    pub(in crate::bigcommerce) discounts: Vec<Discount>,
    pub(in crate::bigcommerce) wrapping: Option<Wrapping>,
    pub(in crate::bigcommerce) parent: Option<i64>,
    pub(in crate::bigcommerce) options: Vec<Value>,
    pub(in crate::bigcommerce) weight: Decimal,
}

impl Line {
    pub(in crate::bigcommerce) fn discount(&self) -> Decimal {
        self.discounts.iter().map(|discount| discount.amount).sum()
    }

    /// What the shopper pays for it, tax included.
    pub(in crate::bigcommerce) fn paid(&self, terms: Terms) -> Decimal {
        self.cost.paid(self.discount(), terms)
    }

    /// What further discounts can be taken off.
    pub(in crate::bigcommerce) fn discountable(&self, terms: Terms) -> Decimal {
        self.cost.discountable(terms) - self.discount()
    }

    /// Whether a shipment may hold it.
    pub(in crate::bigcommerce) fn ships(&self) -> bool {
        self.kind == Kind::Physical && self.pickup_method_id == 0
    }
}

/// One shipping address with what shipping to it costs.
#[derive(Debug, Clone)]
pub(in crate::bigcommerce) struct Destination {
    pub(in crate::bigcommerce) id: i64,
    pub(in crate::bigcommerce) address: Address,
    pub(in crate::bigcommerce) method: String,
    pub(in crate::bigcommerce) shipping: Cost,
    pub(in crate::bigcommerce) handling: Cost,
}

/// A coupon or promotion on the order.
#[derive(Debug, Clone)]
pub(in crate::bigcommerce) struct Coupon {
    pub(in crate::bigcommerce) id: i64,
    pub(in crate::bigcommerce) coupon_id: i64,
    pub(in crate::bigcommerce) code: String,
    /// 0 per item, 1 percentage, 2 per total, 3 shipping, 4 free shipping, 5 promotion.
    pub(in crate::bigcommerce) kind: i64,
    /// The coupon's face: an amount or a percentage.
    pub(in crate::bigcommerce) amount: Decimal,
    /// Taken off shipping, tax included.
    pub(in crate::bigcommerce) off_shipping: Decimal,
}

/// A fee.
#[derive(Debug, Clone)]
pub(in crate::bigcommerce) struct Fee {
    pub(in crate::bigcommerce) id: i64,
    pub(in crate::bigcommerce) name: String,
    pub(in crate::bigcommerce) cost: Cost,
}

/// Everything derived.
#[derive(Debug, Clone, Default)]
pub(in crate::bigcommerce) struct Totals {
    pub(in crate::bigcommerce) subtotal: Charge,
    pub(in crate::bigcommerce) shipping: Charge,
    pub(in crate::bigcommerce) handling: Charge,
    pub(in crate::bigcommerce) wrapping: Charge,
    pub(in crate::bigcommerce) total: Charge,
    pub(in crate::bigcommerce) discount: Decimal,
    pub(in crate::bigcommerce) coupons: Decimal,
}

/// One order.
#[derive(Debug, Clone)]
pub(in crate::bigcommerce) struct Order {
    pub(in crate::bigcommerce) id: i64,
    pub(in crate::bigcommerce) customer_id: i64,
    pub(in crate::bigcommerce) created: Timestamp,
    pub(in crate::bigcommerce) modified: Timestamp,
    pub(in crate::bigcommerce) shipped: Option<Timestamp>,
    pub(in crate::bigcommerce) status: i64,
    pub(in crate::bigcommerce) terms: Terms,
    pub(in crate::bigcommerce) currency: String,
    pub(in crate::bigcommerce) display_currency: String,
    pub(in crate::bigcommerce) display_rate: Decimal,
    pub(in crate::bigcommerce) store_rate: Decimal,
    pub(in crate::bigcommerce) payment_method: String,
    pub(in crate::bigcommerce) payment_provider_id: String,
    pub(in crate::bigcommerce) payment_status: String,
    pub(in crate::bigcommerce) store_credit: Decimal,
    pub(in crate::bigcommerce) gift_certificate: Decimal,
    pub(in crate::bigcommerce) staff_notes: String,
    pub(in crate::bigcommerce) customer_message: String,
    pub(in crate::bigcommerce) archived: bool,
    pub(in crate::bigcommerce) cart_id: String,
    pub(in crate::bigcommerce) billing: Address,
    pub(in crate::bigcommerce) source: String,
    pub(in crate::bigcommerce) channel_id: i64,
    pub(in crate::bigcommerce) external_source: Option<String>,
    pub(in crate::bigcommerce) external_id: Option<String>,
    pub(in crate::bigcommerce) external_merchant_id: Option<String>,
    pub(in crate::bigcommerce) external_order_id: String,
    pub(in crate::bigcommerce) tax_provider: String,
    pub(in crate::bigcommerce) email_opt_in: bool,
    pub(in crate::bigcommerce) locale: String,
    pub(in crate::bigcommerce) ip_address: String,
    /// As a caller gave it; the store's country otherwise.
    pub(in crate::bigcommerce) geoip_country: String,
    pub(in crate::bigcommerce) lines: Vec<Line>,
    pub(in crate::bigcommerce) destinations: Vec<Destination>,
    pub(in crate::bigcommerce) coupons: Vec<Coupon>,
    pub(in crate::bigcommerce) fees: Vec<Fee>,
    pub(in crate::bigcommerce) messages: Vec<Value>,
    pub(in crate::bigcommerce) shipments: Vec<Shipment>,
    pub(in crate::bigcommerce) transactions: Vec<Transaction>,
    pub(in crate::bigcommerce) refunds: Vec<Refund>,
    /// Total without and with tax as a caller gave them.
    pub(in crate::bigcommerce) given_total: Option<(Decimal, Decimal)>,
    /// Whether the order's stock has been taken.
    pub(in crate::bigcommerce) stock_taken: bool,
    pub(in crate::bigcommerce) totals: Totals,
}

impl Order {
    /// Pieces of an address (0 stands for none).
    pub(in crate::bigcommerce) fn pieces(&self, address_id: i64, shipped: bool) -> i64 {
        let lines = self.lines.iter().filter(|line| line.address_id == address_id);
        lines.map(|line| if shipped { line.shipped } else { line.quantity }).sum()
    }

    /// Whether no line goes anywhere.
    pub(in crate::bigcommerce) fn is_digital(&self) -> bool {
        !self.lines.is_empty() && self.lines.iter().all(|line| line.kind != Kind::Physical)
    }

    /// A line by its order_product_id.
    pub(in crate::bigcommerce) fn line(&self, id: i64) -> Option<&Line> {
        self.lines.iter().find(|line| line.id == id)
    }

    /// A shipping address by its id.
    pub(in crate::bigcommerce) fn destination(&self, id: i64) -> Option<&Destination> {
        self.destinations.iter().find(|to| to.id == id)
    }
}
