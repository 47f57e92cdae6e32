//! Named points at which a test ends or freezes the process, as a power cut or a stalled machine would. They do something only with the
//! feature `crash-points`, which release builds do not have.

/// Ends the process here if `ORDERBRIDGE_CRASH_AT` names this point; stops it in its tracks, once, if `ORDERBRIDGE_FREEZE_AT` does.
#[cfg(feature = "crash-points")]
pub fn point(name: &str) {
    let is_wanted = |variable: &str| std::env::var(variable).is_ok_and(|wanted| wanted == name);
    if is_wanted("ORDERBRIDGE_CRASH_AT") {
        tracing::warn!(point = name, "ending the process at a crash point");
        std::process::abort();
    }
    if is_wanted("ORDERBRIDGE_FREEZE_AT") {
        freeze(name);
    }
}

/// Stops all threads of this process until somebody lets it go on.
#[cfg(feature = "crash-points")]
fn freeze(name: &str) {
    static FROZEN: std::sync::Once = std::sync::Once::new();
    FROZEN.call_once(|| {
        tracing::warn!(point = name, "freezing the process at a crash point");
        let stopped = std::process::Command::new("kill").args(["-STOP", &std::process::id().to_string()]).status();
        tracing::warn!(point = name, ?stopped, "the process goes on");
    });
}

/// Does nothing without the feature.
#[cfg(not(feature = "crash-points"))]
pub const fn point(_name: &str) {}

/// The point right before a body's bytes are handed over, after its request was begun: `before-bytes:` and the path's template.
pub(crate) fn body_point(template: &str) {
    if cfg!(feature = "crash-points") {
        point(&format!("before-bytes:{template}"));
    }
}
