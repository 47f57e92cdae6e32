//! The quota that every call is paid from.

use std::fmt::Debug;
use std::time::Duration;

use jiff::Timestamp;
use orderbridge_schema::ids::{AccountCode, Platform, StoreHash};
use orderbridge_schema::work::Share;

/// A future that a gate hands out, so that gates can stand behind `dyn`.
pub type BoxFuture<'a, T> = futures_util::future::BoxFuture<'a, T>;

/// Names one pool of calls as the platform counts them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolKey(pub String);

impl PoolKey {
    /// Brightpearl counts per account and developer (BP §c).
    #[must_use]
    pub fn brightpearl(account: &AccountCode, dev_ref: &str) -> Self {
        Self(format!("brightpearl/{account}/{dev_ref}"))
    }

    /// BigCommerce counts per store, all apps together (BC §b).
    #[must_use]
    pub fn bigcommerce(store: &StoreHash) -> Self {
        Self(format!("bigcommerce/{store}"))
    }

    /// Which platform counts.
    #[must_use]
    pub fn platform(&self) -> Platform {
        if self.0.starts_with("brightpearl/") { Platform::Brightpearl } else { Platform::Bigcommerce }
    }
}

impl std::fmt::Display for PoolKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// No call may be made now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{why} until {retry_at}")]
pub struct QuotaDenied {
    /// When asking again makes sense.
    pub retry_at: Timestamp,
    /// What stands in the way.
    pub why: Denial,
}

/// Why no call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// No token came free in time.
    UsedUp,
    /// Calls failed, and the platform is left alone for a while.
    LeftAlone,
}

impl std::fmt::Display for Denial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::UsedUp => "the platform's quota is used up",
            Self::LeftAlone => "the platform is left alone after failures",
        })
    }
}

impl QuotaDenied {
    /// The quota is used up until then.
    #[must_use]
    pub const fn used_up(retry_at: Timestamp) -> Self {
        Self { retry_at, why: Denial::UsedUp }
    }

    /// The platform is left alone until then.
    #[must_use]
    pub const fn left_alone(retry_at: Timestamp) -> Self {
        Self { retry_at, why: Denial::LeftAlone }
    }
}

/// What a reply said about its pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QuotaSeen {
    /// Calls per window, if it says.
    pub limit: Option<u32>,
    /// Calls left in this window, if it says.
    pub remaining: Option<u32>,
    /// Until the window ends, if it says.
    pub resets_in: Option<Duration>,
    /// The call was refused because there were too many.
    pub throttled: bool,
}

/// One paid call. It is consumed by the call, or given back.
#[derive(Debug)]
pub struct Permit {
    pool: PoolKey,
    share: Share,
    window: Option<Timestamp>,
}

impl Permit {
    /// A call paid from `pool` by `share`; for gates to make.
    #[must_use]
    pub const fn new(pool: PoolKey, share: Share) -> Self {
        Self { pool, share, window: None }
    }

    /// The same, paid from the window that began then: later it is worth nothing.
    #[must_use]
    pub fn of_window(self, starts_at: Timestamp) -> Self {
        Self { window: Some(starts_at), ..self }
    }

    /// When the window that paid began, if the gate has windows.
    #[must_use]
    pub const fn window(&self) -> Option<Timestamp> {
        self.window
    }

    /// Which pool paid.
    #[must_use]
    pub const fn pool(&self) -> &PoolKey {
        &self.pool
    }

    /// Which share of it.
    #[must_use]
    pub const fn share(&self) -> Share {
        self.share
    }
}

/// Hands out calls so that no pool is overdrawn, over all processes.
pub trait QuotaGate: Send + Sync + Debug {
    /// Waits until the pool has a call for that share, at most about two minutes. Dropping the future gives up.
    ///
    /// # Errors
    /// [`QuotaDenied`] if none came free in time.
    fn acquire<'a>(&'a self, pool: &'a PoolKey, share: Share) -> BoxFuture<'a, Result<Permit, QuotaDenied>>;

    /// Takes back what was paid for a call that is not made after all.
    fn give_back(&self, permit: Permit);

    /// Takes in what a reply said; corrections go downwards only.
    fn observe(&self, pool: &PoolKey, seen: QuotaSeen);
}

/// A gate that never makes anybody wait: for single calls made by hand, and for tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unlimited;

impl QuotaGate for Unlimited {
    fn acquire<'a>(&'a self, pool: &'a PoolKey, share: Share) -> BoxFuture<'a, Result<Permit, QuotaDenied>> {
        Box::pin(std::future::ready(Ok(Permit::new(pool.clone(), share))))
    }

    fn give_back(&self, _permit: Permit) {}

    fn observe(&self, _pool: &PoolKey, _seen: QuotaSeen) {}
}
