//! Needs → fetch → decide, for many orders at once. Reads only: nothing here changes a platform or the database, so the processor, a
//! preview and a dry run can share it.

mod error;
mod fetch;
mod session;

pub use error::{ReadError, Source};
pub use session::{Session, reconcile};
