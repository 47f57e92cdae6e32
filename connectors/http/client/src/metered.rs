//! Calls of one pool: paid for, and the reply's word about the quota passed on.

use std::sync::Arc;

use orderbridge_schema::work::Share;

use crate::client::HttpClient;
use crate::error::CallError;
use crate::guard::SendGuard;
use crate::quota::{PoolKey, QuotaGate, QuotaSeen};
use crate::request::{Request, Response};

/// An HTTP client whose calls are all paid from one pool.
#[derive(Debug, Clone)]
pub struct MeteredClient {
    http: HttpClient,
    gate: Arc<dyn QuotaGate>,
    pool: PoolKey,
    quota_of: fn(&Response) -> QuotaSeen,
}

impl MeteredClient {
    /// `quota_of` reads what a reply of the platform says about its quota.
    #[must_use]
    pub fn new(http: HttpClient, gate: Arc<dyn QuotaGate>, pool: PoolKey, quota_of: fn(&Response) -> QuotaSeen) -> Self {
        Self { http, gate, pool, quota_of }
    }

    /// The same client behind another gate to the same pool.
    #[must_use]
    pub fn with_gate(self, gate: Arc<dyn QuotaGate>) -> Self {
        Self { gate, ..self }
    }

    /// The pool that pays.
    #[must_use]
    pub const fn pool(&self) -> &PoolKey {
        &self.pool
    }

    /// Waits for quota and makes the call.
    ///
    /// # Errors
    /// [`CallError::Quota`], [`CallError::NotSent`] and [`CallError::Uncertain`]; any status is a reply.
    pub async fn read(&self, request: Request, share: Share) -> Result<Response, CallError> {
        let permit = self.gate.acquire(&self.pool, share).await?;
        let reply = self.http.call(request, permit, None).await?;
        Ok(self.observed(reply))
    }

    /// Makes a call whose quota was paid before, unless its deadline has passed.
    ///
    /// # Errors
    /// [`CallError::NotSent`] and [`CallError::Uncertain`]; any status is a reply.
    pub async fn write(&self, request: Request, guard: SendGuard) -> Result<Response, CallError> {
        if guard.permit.pool() != &self.pool {
            return Err(CallError::not_sent("the permit was paid from another pool"));
        }
        let reply = self.http.call(request, guard.permit, Some(guard.deadline)).await?;
        Ok(self.observed(reply))
    }

    fn observed(&self, reply: Response) -> Response {
        self.gate.observe(&self.pool, (self.quota_of)(&reply));
        reply
    }
}
