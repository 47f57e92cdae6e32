//! What Brightpearl says of sales orders, notes, contacts and products.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{Address, Standing};
use crate::ids::{
    ChannelId, ContactId, InstallationId, NoteId, PostalAddressId, ProductId, SalesOrderId, SalesOrderRowId, SalesOrderStatusId, ShippingMethodId,
    WarehouseId,
};
use crate::link::NoteKind;
use crate::rules::ProductField;

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
    /// Its rate against the account's base currency, in Brightpearl's own direction, if it says.
    pub exchange_rate: Option<Decimal>,
    /// `UNPAID`, `PARTIALLY_PAID`, `PAID` or `NOT_APPLICABLE`; empty if Brightpearl does not say (BP §e.6).
    pub payment_status: String,
    /// Total with tax.
    pub total: Decimal,
    /// Tax in the total.
    pub tax: Decimal,
    /// When it last changed, if Brightpearl says.
    pub updated_at: Option<Timestamp>,
    /// How far it has come.
    pub standing: Standing,
    /// Its rows in their order.
    pub rows: Vec<SalesOrderRow>,
}

/// A sales order that a search for a store order's number found (BP §e.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SalesOrderMatch {
    /// Its id.
    pub id: SalesOrderId,
    /// The key it was made under, by whichever system; empty if by none.
    pub external_ref: String,
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
    /// Tax code, as the merchant calls it; empty if Brightpearl does not say.
    pub tax_code: String,
    /// Nominal code; empty if Brightpearl does not say.
    pub nominal_code: String,
    /// What one piece costs the merchant, in the account's base currency, if Brightpearl says.
    pub cost: Option<Decimal>,
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
    /// European article number, empty if none, like all below.
    pub ean: String,
    /// Universal product code.
    pub upc: String,
    /// Manufacturer's part number.
    pub mpn: String,
    /// Book's number.
    pub isbn: String,
    /// Barcode.
    pub barcode: String,
    /// Archived products are never matched.
    pub live: bool,
    /// Whether stock is kept of it, if Brightpearl says.
    pub stock_tracked: Option<bool>,
}

impl ProductIdentity {
    /// One that only its SKU identifies.
    #[must_use]
    pub fn of_sku(id: ProductId, sku: &str, live: bool) -> Self {
        let none = String::new;
        Self { id, sku: sku.to_owned(), ean: none(), upc: none(), mpn: none(), isbn: none(), barcode: none(), live, stock_tracked: None }
    }

    /// One that is not there any more.
    #[must_use]
    pub fn gone(id: ProductId) -> Self {
        Self::of_sku(id, "", false)
    }

    /// What it has in a field; empty if nothing.
    #[must_use]
    pub fn field(&self, field: ProductField) -> &str {
        match field {
            ProductField::Sku => &self.sku,
            ProductField::Ean => &self.ean,
            ProductField::Upc => &self.upc,
            ProductField::Mpn => &self.mpn,
            ProductField::Isbn => &self.isbn,
            ProductField::Barcode => &self.barcode,
        }
    }
}

/// What Brightpearl has on a contact, as far as a store tells of it too (BP §f).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactDetails {
    /// Which contact.
    pub id: ContactId,
    /// First and last name, company and primary telephone, with the place of the billing address but without its country, which
    /// Brightpearl writes in other letters.
    pub billing: Address,
    /// Which postal address stands for what.
    pub addresses: BTreeMap<AddressRole, PostalAddressId>,
}

/// What a postal address of a contact is for (BP §f).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressRole {
    /// Whatever has no address of its own.
    Default,
    /// Billing.
    Billing,
    /// Delivery.
    Delivery,
}

impl AddressRole {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Default, Self::Billing, Self::Delivery];

    /// Brightpearl's name of it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "DEF",
            Self::Billing => "BIL",
            Self::Delivery => "DEL",
        }
    }
}
