//! What a store's catalogue says of what it sells.

use crate::rules::StoreField;

/// The identities of one variant of a store's catalogue (BC §f). Every product has at least one variant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VariantIdentity {
    /// The product it is a variant of.
    pub product: u64,
    /// Its id, as order lines name it.
    pub variant: u64,
    /// SKU, empty if none, like all below.
    pub sku: String,
    /// Universal product code.
    pub upc: String,
    /// Manufacturer's part number.
    pub mpn: String,
    /// Global trade item number.
    pub gtin: String,
    /// Bin picking number.
    pub bin_picking_number: String,
}

impl VariantIdentity {
    /// What it has in a field; empty if nothing.
    #[must_use]
    pub fn field(&self, field: StoreField) -> &str {
        match field {
            StoreField::Sku => &self.sku,
            StoreField::Upc => &self.upc,
            StoreField::Mpn => &self.mpn,
            StoreField::Gtin => &self.gtin,
            StoreField::BinPickingNumber => &self.bin_picking_number,
        }
    }
}
