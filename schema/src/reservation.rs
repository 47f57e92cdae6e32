//! Stock that is kept back for a sales order: what is wanted, what was asked for, and what came of it (BP §h.2).

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::ids::{InvalidId, ProductId, SalesOrderId, SalesOrderRowId};

/// A row of a sales order that stock is to be kept back for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReservedRow {
    /// The row.
    pub row: SalesOrderRowId,
    /// Its product.
    pub product: ProductId,
    /// How many pieces, 1 or more.
    pub quantity: u32,
}

/// How far we have come with a sales order's reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReservationState {
    /// The rules want one; nothing was asked for yet.
    Wanted,
    /// Asked for; what came of it is not read back yet.
    Asked,
    /// Its quantities were set; what came of it is not read back yet.
    Set,
    /// A part is reserved, the rest was not in stock when it was tried last.
    Part,
    /// Nothing was in stock when it was tried last.
    Nothing,
    /// Nothing is left to be done, now or later.
    Done,
}

impl ReservationState {
    const ALL: [Self; 6] = [Self::Wanted, Self::Asked, Self::Set, Self::Part, Self::Nothing, Self::Done];

    /// Name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wanted => "wanted",
            Self::Asked => "asked",
            Self::Set => "set",
            Self::Part => "part",
            Self::Nothing => "nothing",
            Self::Done => "done",
        }
    }
}

impl fmt::Display for ReservationState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ReservationState {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or(InvalidId { what: "a reservation's state", rule: "wanted, asked, set, part, nothing or done" })
    }
}

/// What we remember about a sales order's reservation. A sales order without one is none that stock is reserved for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReservationMark {
    /// Brightpearl's order.
    pub sales_order: SalesOrderId,
    /// How far we have come.
    pub state: ReservationState,
    /// When it was tried last, by the clock.
    pub tried_at: Option<Timestamp>,
}

/// Keys of the remarks that tell what came of a reservation. They are stored together with what is remembered of it, since it is told once.
pub const TOLD: [&str; 5] = ["reserved", "reserved-in-part", "not-in-stock", "allocation-not-needed", "allocation-left-alone"];

/// A reservation as Brightpearl has it: pieces by row.
pub type Reserved = Vec<ReservedRow>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_read_back_as_it_was_written() {
        for state in ReservationState::ALL {
            assert_eq!(state.as_str().parse::<ReservationState>(), Ok(state));
        }
        assert!("reserved".parse::<ReservationState>().is_err());
    }
}
