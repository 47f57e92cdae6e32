//! Named points at which a test ends the process, as a power cut would. Compiled in only with the feature `crash-points`.

/// Ends the process here if `ORDERBRIDGE_CRASH_AT` names this point.
#[cfg(feature = "crash-points")]
pub(crate) fn point(name: &str) {
    if std::env::var("ORDERBRIDGE_CRASH_AT").is_ok_and(|wanted| wanted == name) {
        tracing::warn!(point = name, "ending the process at a crash point");
        std::process::abort();
    }
}

/// Does nothing without the feature.
#[cfg(not(feature = "crash-points"))]
pub(crate) const fn point(_name: &str) {}
