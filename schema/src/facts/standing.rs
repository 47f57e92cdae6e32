//! How far Brightpearl has come with a sales order.

use crate::ids::WarehouseId;

/// How far a sales order has come (BP §e.4, §e.6). What Brightpearl left out or spells otherwise is none of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Where it ships from.
    pub warehouse: Option<WarehouseId>,
    /// Nothing is left to be paid: `orderPaymentStatus` is `PAID`, or `NOT_APPLICABLE` as for a total of 0.
    pub paid: bool,
    /// How much stock is kept back for it.
    pub allocated: Allocated,
    /// Something of it is on a goods-out note or has left.
    pub fulfilled: bool,
    /// It is invoiced, or about to be.
    pub invoiced: bool,
}

/// How much stock is kept back for a sales order (BP §e.6, `allocationStatusCode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Allocated {
    /// It does not say.
    #[default]
    Unknown,
    /// It holds nothing that stock is kept of: `ANR`.
    NotNeeded,
    /// Nothing yet: `ANA`.
    Nothing,
    /// A part: `APA`.
    Part,
    /// All of it: `AAA`.
    All,
}

impl Allocated {
    /// By Brightpearl's code.
    #[must_use]
    pub fn of(code: &str) -> Self {
        match code.to_ascii_uppercase().as_str() {
            "ANR" => Self::NotNeeded,
            "ANA" => Self::Nothing,
            "APA" => Self::Part,
            "AAA" => Self::All,
            _ => Self::Unknown,
        }
    }
}
