//! Sends one request over reqwest and says what became of it.

use std::collections::HashMap;
use std::error::Error;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret;
use tokio::sync::Semaphore;

use crate::crash;
use crate::error::CallError;
use crate::guard::Deadline;
use crate::quota::{Permit, PoolKey};
use crate::request::{Header, Method, Request, Response};

/// Calls of one pool at once.
const CALLS_AT_ONCE: usize = 4;

/// How long is waited, and how much is read.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// For a connection, TLS included.
    pub connect_timeout: Duration,
    /// For each further piece of a reply.
    pub read_timeout: Duration,
    /// For the whole call.
    pub total_timeout: Duration,
    /// Longest reply that is read, decompressed.
    pub body_bytes_max: usize,
    /// How we name ourselves.
    pub user_agent: String,
}

/// Why no client could be built.
#[derive(Debug, thiserror::Error)]
#[error("building the HTTP client: {0}")]
pub struct BuildError(String);

/// The HTTP client; cheap to clone, shares its connections.
#[derive(Debug, Clone)]
pub struct HttpClient {
    inner: reqwest::Client,
    body_bytes_max: usize,
    /// What may be under way at once, by pool: one account or store.
    slots: Arc<Mutex<HashMap<PoolKey, Arc<Semaphore>>>>,
}

impl HttpClient {
    /// Builds a client that follows no redirect and repeats nothing by itself.
    ///
    /// # Errors
    /// [`BuildError`] if the user agent is no header value or TLS cannot be set up.
    pub fn new(settings: &HttpSettings) -> Result<Self, BuildError> {
        let inner = reqwest::Client::builder()
            .user_agent(&settings.user_agent)
            .connect_timeout(settings.connect_timeout)
            .read_timeout(settings.read_timeout)
            .timeout(settings.total_timeout)
            // Platforms and their proxies drop idle connections; a write on a dying one would be in doubt for nothing.
            .pool_idle_timeout(Duration::from_secs(20))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .build()
            .map_err(|error| BuildError(plain_cause(&error)))?;
        Ok(Self { inner, body_bytes_max: settings.body_bytes_max, slots: Arc::default() })
    }

    /// Makes one paid call, at most four of a pool at once in this process (BC §j: no limit is known, four is safe). With a deadline nothing is written once it has passed: it is checked here and again when the body is
    /// about to be written.
    ///
    /// # Errors
    /// [`CallError::NotSent`] and [`CallError::Uncertain`] alone: any status is a reply.
    pub async fn call(&self, request: Request, permit: Permit, deadline: Option<Deadline>) -> Result<Response, CallError> {
        let slot = self.slots(permit.pool()).acquire_owned().await;
        let _slot = slot.map_err(|_closed| CallError::not_sent("calls are no longer made"))?;
        self.send(request, deadline).await
    }

    fn slots(&self, pool: &PoolKey) -> Arc<Semaphore> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(pool.clone()).or_insert_with(|| Arc::new(Semaphore::new(CALLS_AT_ONCE))))
    }

    /// Makes a call that no quota pays for, such as a token refresh.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn call_unmetered(&self, request: Request) -> Result<Response, CallError> {
        self.send(request, None).await
    }

    async fn send(&self, request: Request, deadline: Option<Deadline>) -> Result<Response, CallError> {
        let begun_at = Instant::now();
        let (method, template) = (request.method, request.template);
        let result = self.exchange(request, deadline).await;
        let ms = u64::try_from(begun_at.elapsed().as_millis()).unwrap_or(u64::MAX);
        match &result {
            Ok(reply) => tracing::debug!(http.method = method.as_str(), http.path = template, http.status = reply.status, ms, "platform call"),
            Err(error) => tracing::debug!(http.method = method.as_str(), http.path = template, ms, %error, "platform call failed"),
        }
        result
    }

    async fn exchange(&self, request: Request, deadline: Option<Deadline>) -> Result<Response, CallError> {
        if deadline.is_some_and(|deadline| deadline.passed()) {
            return Err(CallError::not_sent(DeadlinePassed.to_string()));
        }
        self.transmit(request, deadline).await
    }

    async fn transmit(&self, request: Request, deadline: Option<Deadline>) -> Result<Response, CallError> {
        let headers = header_map(&request.headers)?;
        let written = Arc::new(AtomicBool::new(false));
        let has_body = request.body.is_some();
        let mut builder = self.inner.request(verb(request.method), request.url).headers(headers);
        if let Some(bytes) = request.body {
            let body = GuardedBody { bytes: Some(bytes), deadline, written: Arc::clone(&written), template: request.template };
            builder = builder.body(reqwest::Body::wrap(body));
        }
        // A request whose body was never asked for cannot have been acted upon.
        let untouched = || has_body && !written.load(Ordering::Acquire);
        match builder.send().await {
            Ok(reply) => self.read(reply).await,
            Err(error) => Err(sort(&error, untouched())),
        }
    }

    async fn read(&self, mut reply: reqwest::Response) -> Result<Response, CallError> {
        let status = reply.status().as_u16();
        let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
        let headers = reply.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let mut body = BytesMut::new();
        loop {
            match reply.chunk().await {
                Ok(Some(piece)) if body.len().saturating_add(piece.len()) > self.body_bytes_max => {
                    return Err(CallError::uncertain(format!("the reply with status {status} is longer than {} bytes", self.body_bytes_max)));
                }
                Ok(Some(piece)) => body.extend_from_slice(&piece),
                Ok(None) => return Ok(Response { status, headers, body: body.freeze() }),
                Err(error) => {
                    let why = if error.is_timeout() { "timed out" } else { "was cut" };
                    return Err(CallError::uncertain(format!("the reply with status {status} {why}")));
                }
            }
        }
    }
}

fn verb(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
    }
}

fn header_map(headers: &[(&'static str, Header)]) -> Result<HeaderMap, CallError> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let (text, sensitive) = match value {
            Header::Plain(text) => (text.as_str(), false),
            Header::Secret(secret) => (secret.expose_secret(), true),
        };
        let invalid = || CallError::not_sent(format!("the value of header {name} cannot be sent"));
        let mut value = HeaderValue::from_str(text).ok().ok_or_else(invalid)?;
        value.set_sensitive(sensitive);
        map.insert(HeaderName::from_bytes(name.as_bytes()).ok().ok_or_else(invalid)?, value);
    }
    Ok(map)
}

fn sort(error: &reqwest::Error, untouched: bool) -> CallError {
    if has_cause::<DeadlinePassed>(error) {
        return CallError::not_sent(DeadlinePassed.to_string());
    }
    let why = plain_cause(error);
    if error.is_connect() || error.is_builder() || untouched { CallError::not_sent(why) } else { CallError::uncertain(why) }
}

/// What went wrong without the address that was called, which can hold what must not be shown.
fn plain_cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return if error.is_connect() { "connecting timed out" } else { "the call timed out" }.into();
    }
    let kind = cause::<std::io::Error>(error).map(|cause| format!(" ({})", cause.kind())).unwrap_or_default();
    let what = if error.is_connect() {
        "could not connect"
    } else if error.is_builder() {
        "the request is not valid"
    } else {
        "the connection failed before the reply"
    };
    format!("{what}{kind}")
}

fn cause<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn has_cause<E: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    cause::<E>(error).is_some()
}

/// The reason a body refuses to be written.
#[derive(Debug, thiserror::Error)]
#[error("the deadline passed before anything was written")]
struct DeadlinePassed;

/// A body that looks at the clock at the last moment before its bytes are handed over.
#[derive(Debug)]
struct GuardedBody {
    bytes: Option<Bytes>,
    deadline: Option<Deadline>,
    written: Arc<AtomicBool>,
    /// Where it goes, for crash points.
    template: &'static str,
}

impl Body for GuardedBody {
    type Data = Bytes;
    type Error = DeadlinePassed;

    fn poll_frame(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, DeadlinePassed>>> {
        let Some(bytes) = self.bytes.take() else { return Poll::Ready(None) };
        crash::body_point(self.template);
        if self.deadline.is_some_and(|deadline| deadline.passed()) {
            return Poll::Ready(Some(Err(DeadlinePassed)));
        }
        self.written.store(true, Ordering::Release);
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::pin::pin;

    async fn poll(deadline: Deadline) -> (bool, bool) {
        let written = Arc::new(AtomicBool::new(false));
        let body = GuardedBody { bytes: Some(Bytes::from_static(b"{}")), deadline: Some(deadline), written: Arc::clone(&written), template: "/test" };
        let mut body = pin!(body);
        let frame = poll_fn(|cx| body.as_mut().poll_frame(cx)).await;
        (frame.unwrap().is_ok(), written.load(Ordering::Acquire))
    }

    #[tokio::test]
    async fn a_body_gives_no_byte_once_the_deadline_has_passed() {
        assert_eq!(poll(Deadline::after(Duration::from_secs(60))).await, (true, true));
        assert_eq!(poll(Deadline::after(Duration::ZERO)).await, (false, false));
    }

    #[tokio::test]
    async fn a_deadline_that_passes_while_connecting_lets_nothing_out() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let server = tokio::spawn(async move {
            let mut bytes = Vec::new();
            let (mut stream, _peer) = listener.accept().await.unwrap();
            tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut bytes).await.unwrap();
            bytes
        });
        let timeout = Duration::from_secs(10);
        let settings =
            HttpSettings { connect_timeout: timeout, read_timeout: timeout, total_timeout: timeout, body_bytes_max: 1000, user_agent: "test".into() };
        let request = Request::new(Method::Post, url, "/").body("application/json", "{}");
        let client = HttpClient::new(&settings).unwrap();
        let error = client.transmit(request, Some(Deadline::after(Duration::ZERO))).await.unwrap_err();
        assert_eq!(error, CallError::not_sent("the deadline passed before anything was written"));
        let written = tokio::time::timeout(timeout, server).await.unwrap().unwrap();
        assert_eq!(written, b"");
    }

    #[test]
    fn a_header_value_with_a_line_break_is_not_sent() {
        let headers = [("x-auth-token", Header::Secret("a\r\nb: c".to_owned().into()))];
        let error = header_map(&headers).unwrap_err();
        assert_eq!(error, CallError::not_sent("the value of header x-auth-token cannot be sent"));
    }
}
