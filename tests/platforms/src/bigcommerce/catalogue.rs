//! Products, variants and stock (BC §f).

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;

/// Where a product's stock is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tracking {
    None,
    Product,
    Variant,
}

impl Tracking {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Product => "product",
            Self::Variant => "variant",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        [Self::None, Self::Product, Self::Variant].into_iter().find(|tracking| tracking.name() == name)
    }
}

/// Stock of one variant at one location.
#[derive(Debug, Clone, Default)]
pub(super) struct Level {
    pub(super) onhand: i64,
    pub(super) safety: i64,
    pub(super) warning: i64,
    pub(super) bin: String,
    /// An absolute value was set; before that relative adjustments are refused.
    pub(super) initialised: bool,
}

/// One variant; a simple product has exactly one, its base variant.
#[derive(Debug, Clone)]
pub(super) struct Variant {
    pub(super) id: i64,
    pub(super) sku: String,
    pub(super) price: Option<Decimal>,
    pub(super) upc: String,
    pub(super) options: Vec<Value>,
    pub(super) levels: BTreeMap<i64, Level>,
    /// Further fields as callers wrote them.
    pub(super) written: serde_json::Map<String, Value>,
}

impl Variant {
    /// Whether it is the base variant of a simple product.
    pub(super) fn is_base(&self) -> bool {
        self.options.is_empty()
    }
}

/// One product.
#[derive(Debug, Clone)]
pub(super) struct Product {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) sku: String,
    pub(super) digital: bool,
    pub(super) price: Decimal,
    pub(super) weight: Decimal,
    pub(super) upc: String,
    pub(super) mpn: String,
    pub(super) visible: bool,
    pub(super) tax_class_id: i64,
    /// Percent; the store's rates if absent.
    pub(super) tax_rate: Option<Decimal>,
    pub(super) tracking: Tracking,
    pub(super) created: Timestamp,
    pub(super) modified: Timestamp,
    pub(super) variants: Vec<Variant>,
}

/// A place that holds stock.
#[derive(Debug, Clone)]
pub(super) struct Location {
    pub(super) id: i64,
    pub(super) code: String,
    pub(super) label: String,
    pub(super) enabled: bool,
    pub(super) managed_externally: bool,
}

/// All of a store's products and locations. The first location is the default one.
#[derive(Debug)]
pub(super) struct Catalogue {
    pub(super) products: BTreeMap<i64, Product>,
    pub(super) locations: Vec<Location>,
    // Lower-case SKU of a variant, and of a product as its first variant, to (product, variant).
    by_sku: BTreeMap<String, (i64, i64)>,
    product_of: BTreeMap<i64, i64>,
}

impl Catalogue {
    /// Nothing but the default location.
    pub(super) fn new() -> Self {
        let location =
            Location { id: 1, code: "BC-LOCATION-1".to_owned(), label: "Default location".to_owned(), enabled: true, managed_externally: false };
        Self { products: BTreeMap::new(), locations: vec![location], by_sku: BTreeMap::new(), product_of: BTreeMap::new() }
    }

    /// Adds or replaces a product and keeps the indexes right.
    pub(super) fn put(&mut self, product: Product) {
        self.remove(product.id);
        for variant in &product.variants {
            self.product_of.insert(variant.id, product.id);
            if !variant.sku.is_empty() {
                self.by_sku.insert(variant.sku.to_lowercase(), (product.id, variant.id));
            }
        }
        if let (Some(first), false) = (product.variants.first(), product.sku.is_empty()) {
            self.by_sku.entry(product.sku.to_lowercase()).or_insert((product.id, first.id));
        }
        self.products.insert(product.id, product);
    }

    /// Removes a product.
    pub(super) fn remove(&mut self, id: i64) -> Option<Product> {
        let product = self.products.remove(&id)?;
        self.by_sku.retain(|_, (owner, _)| *owner != id);
        for variant in &product.variants {
            self.product_of.remove(&variant.id);
        }
        Some(product)
    }

    /// Product and variant of a SKU, whatever its case.
    pub(super) fn find_sku(&self, sku: &str) -> Option<(&Product, &Variant)> {
        let (product, variant) = self.by_sku.get(&sku.to_lowercase())?;
        self.pair(*product, *variant)
    }

    /// Product and variant of a variant's id.
    pub(super) fn find_variant(&self, id: i64) -> Option<(&Product, &Variant)> {
        self.pair(*self.product_of.get(&id)?, id)
    }

    fn pair(&self, product: i64, variant: i64) -> Option<(&Product, &Variant)> {
        let product = self.products.get(&product)?;
        Some((product, product.variants.iter().find(|known| known.id == variant)?))
    }

    /// The variant that holds a variant's stock: the product's first one where the product is tracked as a whole.
    pub(super) fn stock_holder(&self, variant: i64) -> i64 {
        let whole = self.find_variant(variant).filter(|(product, _)| product.tracking == Tracking::Product);
        whole.and_then(|(product, _)| product.variants.first()).map_or(variant, |first| first.id)
    }

    /// A variant to change.
    pub(super) fn variant_mut(&mut self, id: i64) -> Option<&mut Variant> {
        let product = self.products.get_mut(self.product_of.get(&id)?)?;
        product.variants.iter_mut().find(|variant| variant.id == id)
    }

    /// The default location's id.
    pub(super) fn default_location(&self) -> i64 {
        self.locations.first().map_or(1, |location| location.id)
    }
}
