//! How a store's customers become Brightpearl's contacts.

use serde::{Deserialize, Serialize};

/// How a store's customers become Brightpearl's contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CustomerRules {
    /// Whether a contact is made for a customer who has none; the order waits for one otherwise.
    pub auto_create: bool,
    /// Whether what changes at the store is changed on a contact that exists.
    pub update: bool,
}

impl Default for CustomerRules {
    fn default() -> Self {
        Self { auto_create: true, update: true }
    }
}
