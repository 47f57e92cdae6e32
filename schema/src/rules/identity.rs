//! By which fields a line of a store's order and a Brightpearl product are known to be the same thing.

use std::fmt;

use serde::{Deserialize, Serialize};

/// By which fields a line of a store's order and a Brightpearl product are known to be the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityRules {
    /// The store's field.
    pub store: StoreField,
    /// The Brightpearl field that equals it.
    pub brightpearl: ProductField,
}

/// A field of the store that identifies what a line sells (BC §d.3, §f).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreField {
    /// The SKU when it was ordered.
    #[default]
    Sku,
    /// The UPC when it was ordered.
    Upc,
    /// The manufacturer's part number of the variant.
    Mpn,
    /// The global trade item number of the variant.
    Gtin,
    /// The bin picking number of the variant.
    BinPickingNumber,
}

impl StoreField {
    /// Whether the store's catalogue must be asked: order lines carry SKU and UPC only (BC §d.3).
    #[must_use]
    pub const fn is_in_catalogue(self) -> bool {
        match self {
            Self::Sku | Self::Upc => false,
            Self::Mpn | Self::Gtin | Self::BinPickingNumber => true,
        }
    }
}

impl fmt::Display for StoreField {
    /// As people call it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sku => "SKU",
            Self::Upc => "UPC",
            Self::Mpn => "MPN",
            Self::Gtin => "GTIN",
            Self::BinPickingNumber => "bin picking number",
        })
    }
}

/// A field of a Brightpearl product that identifies it (BP §g).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProductField {
    /// The SKU; it may be blank and need not be unique.
    #[default]
    Sku,
    /// The European article number.
    Ean,
    /// The universal product code.
    Upc,
    /// The manufacturer's part number.
    Mpn,
    /// The book's number.
    Isbn,
    /// The barcode.
    Barcode,
}

impl ProductField {
    /// Every field.
    pub const ALL: [Self; 6] = [Self::Sku, Self::Ean, Self::Upc, Self::Mpn, Self::Isbn, Self::Barcode];

    /// Name in the database and in causes of holds.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sku => "sku",
            Self::Ean => "ean",
            Self::Upc => "upc",
            Self::Mpn => "mpn",
            Self::Isbn => "isbn",
            Self::Barcode => "barcode",
        }
    }
}

impl fmt::Display for ProductField {
    /// As people call it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sku => "SKU",
            Self::Ean => "EAN",
            Self::Upc => "UPC",
            Self::Mpn => "MPN",
            Self::Isbn => "ISBN",
            Self::Barcode => "barcode",
        })
    }
}
