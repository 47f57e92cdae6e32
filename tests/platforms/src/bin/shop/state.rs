//! What `seed` made and the other commands need to know.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::sim::{Sim, Trouble};

/// Both platforms and the tenants on them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State {
    /// Base URL of BigCommerce.
    pub bigcommerce: String,
    /// Base URL of Brightpearl.
    pub brightpearl: String,
    /// The merchants.
    pub tenants: Vec<Tenant>,
}

/// One merchant: a store and an account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tenant {
    /// Its id.
    pub id: String,
    /// The store's hash.
    pub store: String,
    /// The account's code.
    pub account: String,
    /// The store's currency.
    pub currency: String,
    /// What shoppers can order.
    pub skus: Vec<String>,
    /// Ids of the store's known customers.
    pub customers: Vec<i64>,
    /// Cities and postcodes that orders go to.
    pub places: Vec<(String, String)>,
    /// Delivery texts of the checkout with their prices.
    pub deliveries: Vec<(String, String)>,
    /// Brightpearl's shipping methods with the beginning of their tracking numbers.
    pub carriers: Vec<(i64, String)>,
}

impl Tenant {
    /// The key that a sales order of this store's order must carry.
    pub fn external_ref(&self, order: i64) -> String {
        format!("bc-{}-{order}", self.store)
    }
}

impl State {
    /// Reads the file.
    pub fn read(path: &Path) -> Result<Self, Trouble> {
        let failed = |source| Trouble::File { what: path.display().to_string(), source };
        let text = std::fs::read_to_string(path).map_err(failed)?;
        serde_json::from_str(&text).map_err(|error| Trouble::Shape(format!("{}: {error}", path.display())))
    }

    /// The simulated BigCommerce.
    pub fn stores(&self) -> Sim {
        Sim::new(&self.bigcommerce)
    }

    /// The simulated Brightpearl.
    pub fn accounts(&self) -> Sim {
        Sim::new(&self.brightpearl)
    }

    /// The tenant with this store hash or account code.
    pub fn tenant_of(&self, place: &str) -> Option<&Tenant> {
        self.tenants.iter().find(|tenant| tenant.store == place || tenant.account == place)
    }
}
