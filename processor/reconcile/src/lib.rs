//! Needs → fetch → decide, for many orders at once. Reads only: nothing here changes a platform or the database, so the processor, a
//! preview and a dry run can share it.

mod audit;
mod error;
mod fetch;
mod matches;
mod matching;
mod nested;
mod own_records;
mod patience;
mod payments;
mod preview;
mod remembered;
mod reserved;
mod session;
mod store_orders;
mod whole;

pub use audit::audit;
pub use error::{ReadError, Source};
pub use nested::NestedReads;
pub use preview::{Change, Preview, What, preview};
pub use remembered::remembered;
pub use session::{Session, reconcile};
