//! Which statuses a store order was seen in before it became a sales order.
//!
//! Events and reads come late: an order that was in a chosen status and has moved on since is created all the same, so what it was seen
//! in has to outlive the moment.

use std::collections::BTreeSet;

use crate::ids::StoreStatusId;

/// The highest of BigCommerce's fixed status ids (BC §d.6).
const LAST_STATUS: u64 = 14;

/// A set of store statuses. One that BigCommerce does not have is never in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct StatusSet(i32);

impl StatusSet {
    /// No status.
    pub const NONE: Self = Self(0);

    /// As stored; bits that stand for no status are dropped.
    #[must_use]
    pub const fn from_bits(bits: i32) -> Self {
        Self(bits & ((1 << (LAST_STATUS + 1)) - 1))
    }

    /// To be stored: bit 0 is status 0.
    #[must_use]
    pub const fn bits(self) -> i32 {
        self.0
    }

    /// One status, or none if BigCommerce has no such status.
    #[must_use]
    pub const fn of(status: StoreStatusId) -> Self {
        if status.0 > LAST_STATUS { Self::NONE } else { Self(1 << status.0) }
    }

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

    /// Whether it is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The first of these statuses that is in it.
    #[must_use]
    pub fn first_of(self, statuses: &BTreeSet<StoreStatusId>) -> Option<StoreStatusId> {
        statuses.iter().copied().find(|&status| !Self::of(status).is_empty() && self.has(Self::of(status)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_in_and_nothing_that_is_no_status() {
        let set = StatusSet::of(StoreStatusId(0)).with(StatusSet::of(StoreStatusId(14))).with(StatusSet::of(StoreStatusId(15)));
        assert_eq!(set, StatusSet::from_bits(set.bits()));
        assert_eq!(StatusSet::from_bits(-1).bits(), 0x7fff);
        let statuses = |ids: &[u64]| ids.iter().copied().map(StoreStatusId).collect::<BTreeSet<_>>();
        assert_eq!(set.first_of(&statuses(&[1, 14, 0])), Some(StoreStatusId(0)));
        assert_eq!(set.first_of(&statuses(&[1, 13, 15, 70])), None);
        assert!(StatusSet::NONE.is_empty() && StatusSet::of(StoreStatusId(99)).is_empty() && !set.is_empty());
    }
}
