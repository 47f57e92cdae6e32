//! How a store's products are found in Brightpearl, and what becomes of those that are not.

use serde::{Deserialize, Serialize};

use crate::ids::ProductId;

/// Products and customers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ItemRules {
    /// What becomes of a line whose product Brightpearl does not have, or has several times.
    pub unknown_product: UnknownProduct,
    /// The product that stands for unknown ones, where they get a placeholder.
    pub placeholder_product: Option<ProductId>,
}

/// What becomes of a line whose product Brightpearl does not have (BP §k.1 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownProduct {
    /// The order waits until the product is there.
    #[default]
    Hold,
    /// A row of free text: the total is right, the stock is not.
    FreeText,
    /// A row of the placeholder product.
    Placeholder,
}
