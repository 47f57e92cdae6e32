//! Being asked to stop.

use std::future::Future;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Runs what `start` makes until it ends by itself, which the first SIGTERM or SIGINT asks it to through the token. A second signal
/// gives it up at once: `None`.
///
/// # Errors
/// The signals cannot be listened to.
pub async fn until_stopped<F: Future>(start: impl FnOnce(CancellationToken) -> F) -> io::Result<Option<F::Output>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let token = CancellationToken::new();
    let mut work = std::pin::pin!(start(token.clone()));
    tokio::select! {
        output = &mut work => return Ok(Some(output)),
        () = next(&mut terminate, &mut interrupt) => {}
    }
    tracing::info!("asked to stop; finishing what is under way (a second signal ends at once)");
    token.cancel();
    tokio::select! {
        output = &mut work => Ok(Some(output)),
        () = next(&mut terminate, &mut interrupt) => {
            tracing::warn!("asked to stop again; ending at once");
            Ok(None)
        }
    }
}

async fn next(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
