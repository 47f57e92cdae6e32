//! Remembered pairs of ids. A link is unique on both sides and never pruned.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use rust_decimal::Decimal;

use crate::command::PaymentKind;
use crate::ids::{
    ContactId, InstallationId, InvalidId, NoteId, OrderAddressId, OrderLineId, PaymentId, ProductId, SalesOrderId, SalesOrderRowId, ShipmentId,
    StoreOrderId,
};

/// The two kinds of note that ship goods (BP §h.3, §h.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoteKind {
    /// A goods-out note of one of the merchant's warehouses.
    GoodsOut,
    /// A supplier ships to the shopper.
    DropShip,
}

impl NoteKind {
    /// The mark's prefix in a shipment's comments.
    #[must_use]
    pub const fn mark(self) -> &'static str {
        match self {
            Self::GoodsOut => "GON",
            Self::DropShip => "DSN",
        }
    }

    /// Name in the database and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GoodsOut => "goods-out-note",
            Self::DropShip => "drop-ship-note",
        }
    }
}

impl fmt::Display for NoteKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for NoteKind {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        match text {
            "goods-out-note" => Ok(Self::GoodsOut),
            "drop-ship-note" => Ok(Self::DropShip),
            _ => Err(InvalidId { what: "a note kind", rule: "goods-out-note or drop-ship-note" }),
        }
    }
}

/// A store order and one of the sales orders made from it: one per delivery address at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderLink {
    /// The store's order.
    pub order: StoreOrderId,
    /// Which of its delivery addresses; 0 while one sales order stands for the whole order.
    pub part: u32,
    /// Brightpearl's order.
    pub sales_order: SalesOrderId,
    /// The installation that made it: half of its key (BP §e.2).
    pub installation: InstallationId,
    /// The key it was made under.
    pub external_ref: String,
    /// Its rows were read, matched and compared; until then nothing else is done to it.
    pub verified: bool,
}

/// A store order line and the sales order row that stands for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowLink {
    /// The store's line.
    pub line: OrderLineId,
    /// Where the line is delivered.
    pub address: OrderAddressId,
    /// Brightpearl's order.
    pub sales_order: SalesOrderId,
    /// Brightpearl's row.
    pub row: SalesOrderRowId,
    /// Product on the row.
    pub product: ProductId,
    /// How many were ordered.
    pub quantity: u32,
    /// Goods that can be shipped.
    pub shippable: bool,
}

/// A note and the shipment made from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShipmentLink {
    /// Goods-out or drop-ship.
    pub kind: NoteKind,
    /// Brightpearl's note.
    pub note: NoteId,
    /// The store's order.
    pub order: StoreOrderId,
    /// Which of its addresses.
    pub address: OrderAddressId,
    /// The store's shipment.
    pub shipment: ShipmentId,
}

/// What the store says was paid, and Brightpearl's payment for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentLink {
    /// The store's order.
    pub order: StoreOrderId,
    /// Our key of it: half of Brightpearl's (BP §i.1).
    pub reference: String,
    /// Brightpearl's order.
    pub sales_order: SalesOrderId,
    /// Brightpearl's payment.
    pub payment: PaymentId,
    /// What kind of payment.
    pub kind: PaymentKind,
    /// Payment method that it was sent with: the other half of Brightpearl's key.
    pub method: String,
    /// How much, above zero.
    pub amount: Decimal,
    /// Currency of the amount.
    pub currency: String,
    /// The order's exchange rate, if it was known.
    pub rate: Option<Decimal>,
}

/// A shopper, known in one Brightpearl account by a keyed hash of the e-mail address, and the contact that stands for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactLink {
    /// Keyed hash of the normalised address, hexadecimal.
    pub email_hash: String,
    /// Brightpearl's contact.
    pub contact: ContactId,
}
