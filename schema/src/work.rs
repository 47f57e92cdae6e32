//! Work items: "this entity may be out of step", one per entity however many events named it.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::envelope::EventId;
use crate::ids::{AccountCode, InvalidId, TenantId};
use crate::seen::StatusSet;

/// Whose a work item, a command or a timeline entry is.
///
/// Brightpearl's webhooks belong to an account that several tenants may share, so until an object is routed its work is the account's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// One tenant.
    Tenant(TenantId),
    /// One Brightpearl account, not yet routed to a tenant.
    Account(AccountCode),
}

impl Scope {
    /// The tenant, if it is one.
    #[must_use]
    pub const fn tenant(&self) -> Option<&TenantId> {
        match self {
            Self::Tenant(tenant) => Some(tenant),
            Self::Account(_) => None,
        }
    }
}

impl fmt::Display for Scope {
    /// As stored: the tenant's id, or the account's code behind an `@`, which no tenant's id can hold.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenant(tenant) => tenant.fmt(f),
            Self::Account(account) => write!(f, "@{account}"),
        }
    }
}

impl FromStr for Scope {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        match text.strip_prefix('@') {
            Some(account) => AccountCode::new(account).map(Self::Account),
            None => TenantId::new(text).map(Self::Tenant),
        }
    }
}

/// What kind of entity a work item is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkKind {
    /// A store order with all that hangs on it: the aggregate that is reconciled.
    Order,
    /// A Brightpearl order, to be routed to the store order it belongs to.
    SalesOrder,
    /// A goods-out note, to be routed likewise.
    GoodsOutNote,
    /// A drop-ship note, to be routed likewise.
    DropShipNote,
    /// A Brightpearl product whose identities are to be read again.
    Product,
    /// A tenant's connection to its store, which may be no more: its entity is always 0.
    Connection,
    /// A sweep: its entity is the number of a [`SweepSource`](crate::sweep::SweepSource).
    Sweep,
    /// A product of a store's catalogue whose identities are to be read again.
    StoreProduct,
}

impl WorkKind {
    /// Every kind.
    pub const ALL: [Self; 8] =
        [Self::Order, Self::SalesOrder, Self::GoodsOutNote, Self::DropShipNote, Self::Product, Self::Connection, Self::Sweep, Self::StoreProduct];

    /// Name in the database, on the command line and in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::SalesOrder => "sales-order",
            Self::GoodsOutNote => "goods-out-note",
            Self::DropShipNote => "drop-ship-note",
            Self::Product => "product",
            Self::Connection => "connection",
            Self::Sweep => "sweep",
            Self::StoreProduct => "store-product",
        }
    }
}

impl fmt::Display for WorkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for WorkKind {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or(InvalidId {
            what: "a work kind",
            rule: "order, sales-order, goods-out-note, drop-ship-note, product, connection, sweep or store-product",
        })
    }
}

/// The key of a work item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkKey {
    /// Whose.
    pub scope: Scope,
    /// What kind of entity.
    pub kind: WorkKind,
    /// The platform's id of it.
    pub entity: u64,
}

impl fmt::Display for WorkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.scope, self.kind, self.entity)
    }
}

/// Which sides of an order may have changed, so that only those are read. Every event adds its own; none is ever taken away by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Aspects(pub i16);

impl Aspects {
    /// The store's order.
    pub const STORE_ORDER: Self = Self(1);
    /// Brightpearl's sales order.
    pub const SALES_ORDER: Self = Self(2);
    /// Its goods-out notes, and its drop-ship notes where those may matter.
    pub const NOTES: Self = Self(4);
    /// Its drop-ship notes, which few merchants have.
    pub const DROP_SHIP_NOTES: Self = Self(8);
    /// The store's payment records. A payment need not change anything else that the store tells of the order.
    pub const TRANSACTIONS: Self = Self(32);
    /// The store's refunds. Few orders have any, so that they are no part of everything: an order that was refunded says so.
    pub const REFUNDS: Self = Self(64);
    /// Everything.
    pub const ALL: Self = Self(15 | 32);
    /// The statuses are to be compared by the present rules, as if a side had changed. Only a person asks for that, so it is no part of
    /// everything.
    pub const REAPPLY: Self = Self(16);
    /// A person wants the order, whatever the rules say of when and in which status orders are created: no part of everything either.
    pub const BY_HAND: Self = Self(1 << 14);

    /// Both together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in it.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Which share of an account's quota pays for work, and in which order it is taken up (design, "Scheduler").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Share {
    /// Orders, their routing and their status: at least 60 % of the quota.
    Orders,
    /// Payments and shipments: at least 25 %.
    Fulfilment,
    /// Products and stock: at least 10 %.
    Stock,
    /// Sweeps and whole catalogues: at least 5 %.
    Sweeps,
    /// What a person has done over again: at most 10 %, and never before anything else.
    Replay,
    /// Whatever failed before, of any kind: at most 20 %, so that what fails never eats what works.
    Retries,
}

impl Share {
    /// The shares that work is taken up in, most urgent first.
    pub const ALL: [Self; 5] = [Self::Orders, Self::Fulfilment, Self::Stock, Self::Sweeps, Self::Replay];

    /// The shares that calls are paid from, most urgent first.
    pub const PAYING: [Self; 6] = [Self::Orders, Self::Fulfilment, Self::Stock, Self::Sweeps, Self::Replay, Self::Retries];

    /// The floor it is never squeezed below, in per cent of the quota.
    #[must_use]
    pub const fn floor_percent(self) -> u32 {
        match self {
            Self::Orders => 60,
            Self::Fulfilment => 25,
            Self::Stock => 10,
            Self::Sweeps => 5,
            Self::Replay | Self::Retries => 0,
        }
    }

    /// What it never exceeds, in per cent of the quota.
    #[must_use]
    pub const fn cap_percent(self) -> u32 {
        match self {
            Self::Orders | Self::Fulfilment | Self::Stock | Self::Sweeps => 100,
            Self::Replay => 10,
            Self::Retries => 20,
        }
    }

    /// As a work item's priority: smaller is sooner.
    #[must_use]
    pub const fn priority(self) -> i16 {
        match self {
            Self::Orders => 10,
            Self::Fulfilment => 20,
            Self::Stock => 30,
            Self::Sweeps => 40,
            Self::Replay => 50,
            Self::Retries => 60,
        }
    }

    /// The share of a priority.
    #[must_use]
    pub const fn of_priority(priority: i16) -> Self {
        match priority {
            ..=10 => Self::Orders,
            11..=20 => Self::Fulfilment,
            21..=30 => Self::Stock,
            31..=40 => Self::Sweeps,
            41..=50 => Self::Replay,
            _ => Self::Retries,
        }
    }
}

/// What an event asks for: the work item is created, or its generation rises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upsert {
    /// Which entity.
    pub key: WorkKey,
    /// Which Brightpearl account pays.
    pub account: AccountCode,
    /// Which sides may have changed.
    pub aspects: Aspects,
    /// Which share of the quota.
    pub share: Share,
    /// When the event happened or was taken in.
    pub event_at: Timestamp,
    /// The event's type, or who else asked, for the timeline.
    pub cause: String,
    /// Our name of the event; none if nobody's event asked.
    pub event: Option<EventId>,
    /// The statuses that events say the store's order came into.
    pub seen: StatusSet,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_read_back_as_it_was_written() {
        for text in ["acme-uk", "@acme"] {
            assert_eq!(text.parse::<Scope>().unwrap().to_string(), text);
        }
        assert!("@".parse::<Scope>().is_err());
        assert!("a@b".parse::<Scope>().is_err());
    }

    #[test]
    fn the_floors_are_the_whole_quota() {
        assert_eq!(Share::ALL.iter().map(|share| share.floor_percent()).sum::<u32>(), 100);
        for share in Share::ALL {
            assert_eq!(Share::of_priority(share.priority()), share);
        }
    }
}
