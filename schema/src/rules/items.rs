//! Which product and which contact an order is about, and what becomes of a line without a product.

use serde::{Deserialize, Serialize};

use super::{CustomerRules, IdentityRules};
use crate::ids::ProductId;

/// Products and customers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ItemRules {
    /// By which fields products are matched.
    pub identity: IdentityRules,
    /// What becomes of a line whose product Brightpearl does not have, or has several times.
    pub unknown_product: UnknownProduct,
    /// The product that stands for unknown ones, where they get a placeholder.
    pub placeholder_product: Option<ProductId>,
    /// Contacts of customers.
    pub customers: CustomerRules,
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
