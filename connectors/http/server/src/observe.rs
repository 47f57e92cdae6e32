//! What is recorded of every request.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONNECTION, HeaderName, HeaderValue};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{Data, ServiceConfig};
use actix_web::{Error, Route};
use metrics::{Counter, Histogram};

use crate::readiness::Readiness;
use crate::trace::RequestId;

/// Takes the routes of a role in, each observed by its pattern.
pub struct Routes<'a> {
    config: &'a mut ServiceConfig,
    readiness: &'a Readiness,
}

impl<'a> Routes<'a> {
    pub(crate) const fn new(config: &'a mut ServiceConfig, readiness: &'a Readiness) -> Self {
        Self { config, readiness }
    }

    /// Data that handlers may ask for.
    pub fn data<T: 'static>(&mut self, data: Data<T>) -> &mut Self {
        self.config.app_data(data);
        self
    }

    /// A route under a pattern, such as `/orders/{id}`.
    pub fn route(&mut self, pattern: &'static str, route: Route) -> &mut Self {
        self.config.route(pattern, observed(route, pattern, self.readiness));
        self
    }
}

impl std::fmt::Debug for Routes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Routes").field("readiness", &self.readiness).finish_non_exhaustive()
    }
}

/// Counts and times what a route answers under the route's pattern, never under a request's path, and names each request to its sender.
pub(crate) fn observed(route: Route, pattern: &'static str, readiness: &Readiness) -> Route {
    let observer = Observer {
        pattern,
        readiness: readiness.clone(),
        answered: Rc::default(),
        duration: metrics::histogram!("orderbridge_http_request_duration_seconds", "route" => pattern),
    };
    route.wrap(from_fn(move |request, next| observe(observer.clone(), request, next)))
}

/// One route in one thread. What it counts on is looked up once: a look-up by labels costs more than many a request does besides.
#[derive(Clone)]
struct Observer {
    pattern: &'static str,
    readiness: Readiness,
    /// Answers by status; a route has few.
    answered: Rc<RefCell<Vec<(u16, Counter)>>>,
    duration: Histogram,
}

impl Observer {
    fn count(&self, status: u16) {
        let mut answered = self.answered.borrow_mut();
        if let Some((_, counter)) = answered.iter().find(|(known, _)| *known == status) {
            return counter.increment(1);
        }
        let counter = metrics::counter!("orderbridge_http_requests_total", "route" => self.pattern, "status" => status.to_string());
        counter.increment(1);
        answered.push((status, counter));
    }
}

async fn observe<B: MessageBody>(observer: Observer, request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let began = Instant::now();
    let id = RequestId::of(request.headers());
    let mut response = next.call(request).await?;
    let status = response.status().as_u16();
    let elapsed = began.elapsed();
    observer.count(status);
    observer.duration.record(elapsed);
    let method = response.request().method().as_str();
    tracing::debug!(request.id = %id, method, route = observer.pattern, status, duration_us = elapsed.as_micros(), "request answered");
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        headers.insert(HeaderName::from_static("x-request-id"), value);
    }
    if observer.readiness.is_draining() {
        // The next request on this connection would find nobody: let the sender open another, elsewhere.
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}
