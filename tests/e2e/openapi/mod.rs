//! What the connector and the simulated BigCommerce say to each other, checked against the platform's own OpenAPI files (BC §i 13).
//!
//! The files are the vendor's, without a licence to copy them: they are no part of this repository. They are looked for in the folder that
//! the environment variable `BIGCOMMERCE_OPENAPI` names, else beside the checkout in `../shared/platforms/bigcommerce-openapi`. Without
//! them the checks say that they are left out; the checker itself is tested in any case, with small files of our own.

pub(crate) mod check;
mod documents;
pub(crate) mod exceptions;
pub(crate) mod exchange;
mod journey;
mod operations;
mod own;
mod schema;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use check::Specification;

/// Names the folder with the vendor's files.
const NAMED_BY: &str = "BIGCOMMERCE_OPENAPI";
/// Where they lie otherwise.
const BESIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/platforms/bigcommerce-openapi");

static VENDORS: LazyLock<Option<Specification>> = LazyLock::new(|| {
    let folder = folder(std::env::var_os(NAMED_BY), Path::new(BESIDE)).unwrap();
    folder.map(|folder| Specification::load(&folder).unwrap())
});

/// The vendor's files. Without them this says on standard error, whatever the test harness captures, that a check is left out.
pub(crate) fn vendors(check: &str) -> Option<&'static Specification> {
    let known = VENDORS.as_ref();
    if known.is_none() {
        // Not `eprintln!`: what that prints in a test that passes is never shown.
        let left_out = format!("SKIPPED openapi check of {check}: {NAMED_BY} is not set and there is no folder {BESIDE}\n");
        std::io::stderr().write_all(left_out.as_bytes()).unwrap();
    }
    known
}

/// The folder with the files, if there is one. One that was named must exist: a slip in its name must not pass for its absence.
fn folder(named: Option<OsString>, beside: &Path) -> Result<Option<PathBuf>, String> {
    match named.filter(|named| !named.is_empty()).map(PathBuf::from) {
        Some(named) if named.is_dir() => Ok(Some(named)),
        Some(named) => Err(format!("{NAMED_BY} names {}, which is no folder", named.display())),
        None => Ok(Some(beside.to_owned()).filter(|beside| beside.is_dir())),
    }
}
