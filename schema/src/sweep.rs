//! Sweeps: reading what changed, so that an event that never came is missed by nobody.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::InvalidId;
use crate::work::{Scope, WorkKey, WorkKind};

/// What is looked through now and then, each with a timetable and a watermark of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SweepSource {
    /// Orders of a store that changed (BC §d.1).
    StoreOrders,
    /// Sales orders of an account that changed (BP §e.4).
    SalesOrders,
    /// Goods-out notes of an account that left (BP §h.3).
    GoodsOutNotes,
    /// Drop-ship notes of an account that left (BP §h.4).
    DropShipNotes,
    /// Products of an account that changed (BP §g).
    Products,
    /// The webhooks of a store: registered, active, not blocked (BC §c).
    StoreHooks,
    /// The webhooks of an account (BP §d).
    AccountHooks,
    /// All products of an account: no event tells of one that was deleted (BP §k.1).
    Catalogue,
    /// The variants of a store that orders were matched by (BC §f).
    StoreVariants,
}

impl SweepSource {
    /// Every source.
    pub const ALL: [Self; 9] = [
        Self::StoreOrders,
        Self::SalesOrders,
        Self::GoodsOutNotes,
        Self::DropShipNotes,
        Self::Products,
        Self::StoreHooks,
        Self::AccountHooks,
        Self::Catalogue,
        Self::StoreVariants,
    ];

    /// Its number as the entity of a work item; never given to another source.
    #[must_use]
    pub const fn number(self) -> u64 {
        match self {
            Self::StoreOrders => 1,
            Self::SalesOrders => 2,
            Self::GoodsOutNotes => 3,
            Self::DropShipNotes => 4,
            Self::Products => 5,
            Self::StoreHooks => 6,
            Self::AccountHooks => 7,
            Self::Catalogue => 8,
            Self::StoreVariants => 9,
        }
    }

    /// The source of a number, if this version knows it.
    #[must_use]
    pub fn from_number(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.number() == number)
    }

    /// Name in the database, on the command line and in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StoreOrders => "store-orders",
            Self::SalesOrders => "sales-orders",
            Self::GoodsOutNotes => "goods-out-notes",
            Self::DropShipNotes => "drop-ship-notes",
            Self::Products => "products",
            Self::StoreHooks => "store-hooks",
            Self::AccountHooks => "account-hooks",
            Self::Catalogue => "catalogue",
            Self::StoreVariants => "store-variants",
        }
    }

    /// Whether it belongs to a tenant; the others belong to a Brightpearl account, which tenants may share.
    #[must_use]
    pub const fn is_tenants(self) -> bool {
        matches!(self, Self::StoreOrders | Self::StoreHooks | Self::StoreVariants)
    }

    /// Whether it looks for what events may have been lost of, so that it is hurried when a processor starts.
    #[must_use]
    pub const fn finds_lost_events(self) -> bool {
        !matches!(self, Self::Catalogue | Self::StoreVariants)
    }

    /// The work item of its sweep. Whose it is must fit [`is_tenants`](Self::is_tenants).
    #[must_use]
    pub const fn key(self, scope: Scope) -> WorkKey {
        WorkKey { scope, kind: WorkKind::Sweep, entity: self.number() }
    }
}

impl fmt::Display for SweepSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SweepSource {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let rule = "store-orders, sales-orders, goods-out-notes, drop-ship-notes, products, store-hooks, account-hooks, catalogue or store-variants";
        Self::ALL.into_iter().find(|source| source.as_str() == text).ok_or(InvalidId { what: "a sweep's source", rule })
    }
}

/// What is remembered with the date it had when it was last looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KnownKind {
    /// A store order, by its `date_modified`.
    StoreOrder,
    /// A sales order, by its `updatedOn`.
    SalesOrder,
    /// A goods-out note, by its `shippedOn`.
    GoodsOutNote,
    /// A drop-ship note, by its `shippedOn`.
    DropShipNote,
    /// The drop-ship notes of a sales order, by its `updatedOn`.
    DropShipsOf,
}

impl KnownKind {
    /// Name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StoreOrder => "store-order",
            Self::SalesOrder => "sales-order",
            Self::GoodsOutNote => "goods-out-note",
            Self::DropShipNote => "drop-ship-note",
            Self::DropShipsOf => "drop-ships-of",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_has_a_number_and_a_name_of_its_own() {
        for (place, source) in SweepSource::ALL.into_iter().enumerate() {
            assert_eq!(source.number(), u64::try_from(place).unwrap() + 1);
            assert_eq!(SweepSource::from_number(source.number()), Some(source));
            assert_eq!(source.as_str().parse::<SweepSource>().unwrap(), source);
            assert_eq!(serde_json::to_value(source).unwrap(), source.as_str());
        }
        assert_eq!(SweepSource::from_number(0), None);
        assert!("orders".parse::<SweepSource>().is_err());
    }
}
