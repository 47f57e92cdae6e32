//! What is recorded of every request.

use std::time::Instant;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONNECTION, HeaderName, HeaderValue};
use actix_web::middleware::Next;

use crate::readiness::Readiness;
use crate::trace::RequestId;

/// Counts and times a request by its route's pattern, never by its path, and names it to the sender.
pub(crate) async fn observe<B: MessageBody>(readiness: Readiness, request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let began = Instant::now();
    let id = RequestId::of(request.headers());
    let method = request.method().as_str().to_owned();
    let mut response = next.call(request).await?;
    let route = response.request().match_pattern().unwrap_or_else(|| "unknown".into());
    let status = response.status().as_u16();
    let elapsed = began.elapsed();
    metrics::counter!("orderbridge_http_requests_total", "route" => route.clone(), "status" => status.to_string()).increment(1);
    metrics::histogram!("orderbridge_http_request_duration_seconds", "route" => route.clone()).record(elapsed);
    tracing::debug!(request.id = %id, method, route, status, duration_us = elapsed.as_micros(), "request answered");
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        headers.insert(HeaderName::from_static("x-request-id"), value);
    }
    if readiness.is_draining() {
        // The next request on this connection would find nobody: let the sender open another, elsewhere.
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}
