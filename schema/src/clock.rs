//! Where time comes from.

use jiff::Timestamp;

/// Gives the present moment.
///
/// Settle delays, back-off, sweeps and the platforms' quota windows ask a clock, so that a test can let hours pass. Leases and the
/// deadlines of sent commands never do: they follow the database's and the machine's own time.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The present moment.
    fn now(&self) -> Timestamp;
}
