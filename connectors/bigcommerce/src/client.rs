//! The client of one store: addresses, headers, and how a reply becomes a value.

use std::sync::Arc;

use orderbridge_http_client::{CallError, HttpClient, MeteredClient, Method, PoolKey, QuotaGate, Request, Response, SendGuard};
use orderbridge_schema::ids::StoreHash;
use orderbridge_schema::work::Share;
use secrecy::SecretString;
use url::Url;

use crate::reply;

/// Largest page that BigCommerce gives (BC §b).
pub(crate) const PAGE: usize = 250;
/// More pages than any order or list has: a server that ignores `page` must not keep us forever.
const PAGES_MAX: u32 = 2000;

/// The REST client of one store. Cheap to clone; its `Debug` shows no token.
#[derive(Debug, Clone)]
pub struct Client {
    http: MeteredClient,
    base: Url,
    store: StoreHash,
    token: SecretString,
}

/// Where a call goes: path segments behind `/stores/{hash}`, query, and the path's name in logs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub segments: &'a [&'a str],
    pub query: &'a [(&'a str, &'a str)],
    pub template: &'static str,
}

impl Client {
    /// A client of `store` at `base`, such as `https://api.bigcommerce.com`, with the token of its API account (BC §a).
    #[must_use]
    pub fn new(http: HttpClient, base: Url, store: StoreHash, token: SecretString, gate: Arc<dyn QuotaGate>) -> Self {
        let pool = PoolKey::bigcommerce(&store);
        Self { http: MeteredClient::new(http, gate, pool, reply::quota_of), base, store, token }
    }

    /// The same client behind another gate to the same pool.
    #[must_use]
    pub fn with_gate(self, gate: Arc<dyn QuotaGate>) -> Self {
        Self { http: self.http.with_gate(gate), ..self }
    }

    /// The pool that pays for this store's calls.
    #[must_use]
    pub const fn pool(&self) -> &PoolKey {
        self.http.pool()
    }

    /// Whose client it is.
    #[must_use]
    pub const fn store(&self) -> &StoreHash {
        &self.store
    }

    /// Reads; anything but a 2xx is an error.
    pub(crate) async fn get(&self, place: Place<'_>, share: Share) -> Result<Response, CallError> {
        let reply = self.http.read(self.request(Method::Get, place)?, share).await?;
        reply::accepted(reply)
    }

    /// Writes; anything but a 2xx is an error.
    pub(crate) async fn send(&self, method: Method, place: Place<'_>, body: Option<Vec<u8>>, guard: SendGuard) -> Result<Response, CallError> {
        let request = self.request(method, place)?;
        let request = match body {
            Some(body) => request.body("application/json", body),
            None => request,
        };
        let reply = self.http.write(request, guard).await?;
        reply::readable(reply::accepted(reply)?, place.template)
    }

    /// Reads all pages of a V2 list: a page shorter than asked for is the last (BC §b).
    pub(crate) async fn all_pages<T: serde::de::DeserializeOwned>(&self, place: Place<'_>, share: Share) -> Result<Vec<T>, CallError> {
        let limit = PAGE.to_string();
        let mut rows = Vec::new();
        let mut before = None;
        for page in 1..=PAGES_MAX {
            let page = page.to_string();
            let query: Vec<_> = place.query.iter().copied().chain([("page", page.as_str()), ("limit", limit.as_str())]).collect();
            let reply = self.get(Place { query: &query, ..place }, share).await?;
            // A server that gives the same full page again does not know `page`; its rows must not be counted twice.
            if before.as_ref() == Some(&reply.body) {
                return Ok(rows);
            }
            let more: Vec<T> = reply::list(&reply, place.template)?;
            let last = more.len() < PAGE;
            rows.extend(more);
            if last {
                return Ok(rows);
            }
            before = Some(reply.body);
        }
        Err(CallError::uncertain(format!("{} has no last page", place.template)))
    }

    fn request(&self, method: Method, place: Place<'_>) -> Result<Request, CallError> {
        let mut url = self.base.clone();
        let unusable = |()| CallError::not_sent("the store's base URL cannot carry a path");
        let mut path = url.path_segments_mut().map_err(unusable)?;
        path.pop_if_empty().extend(["stores", self.store.as_str()]).extend(place.segments);
        drop(path);
        if !place.query.is_empty() {
            url.query_pairs_mut().extend_pairs(place.query);
        }
        let request = Request::new(method, url, place.template).secret_header("x-auth-token", self.token.clone());
        Ok(request.header("accept", "application/json"))
    }
}

/// Where a call goes, without a query.
pub(crate) const fn place<'a>(segments: &'a [&'a str], template: &'static str) -> Place<'a> {
    Place { segments, query: &[], template }
}
