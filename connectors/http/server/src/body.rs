//! Reading a request's body, bounded in size and time.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::StreamExt as _;

/// How much of a refused body is still taken off the wire, as a multiple of the limit: a sender that is cut off while it writes sees
/// a broken connection instead of the answer.
const DISCARDED: usize = 4;

/// What a body may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimits {
    /// The most bytes.
    pub bytes_max: usize,
    /// The longest it may take to arrive.
    pub timeout: Duration,
}

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is longer than allowed.
    #[error("the body is too large")]
    TooLarge,
    /// It did not arrive in time.
    #[error("the body did not arrive in time")]
    TimedOut,
    /// The connection or its framing broke.
    #[error("the body did not arrive whole")]
    Broken,
}

impl BodyLimits {
    /// Reads a body.
    ///
    /// # Errors
    /// [`BodyError`].
    pub async fn read(self, payload: Payload) -> Result<Bytes, BodyError> {
        let mut reading = pin!(self.read_all(payload));
        // Most bodies came with their request: they need no timer.
        match futures_util::poll!(&mut reading) {
            Poll::Ready(read) => read,
            Poll::Pending => tokio::time::timeout(self.timeout, reading).await.unwrap_or(Err(BodyError::TimedOut)),
        }
    }

    async fn read_all(self, mut payload: Payload) -> Result<Bytes, BodyError> {
        let mut body = BytesMut::new();
        let mut seen = 0_usize;
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_broken| BodyError::Broken)?;
            seen = seen.saturating_add(chunk.len());
            if seen <= self.bytes_max {
                body.extend_from_slice(&chunk);
            } else if seen > self.bytes_max.saturating_mul(DISCARDED) {
                break;
            }
        }
        if seen > self.bytes_max { Err(BodyError::TooLarge) } else { Ok(body.freeze()) }
    }
}
