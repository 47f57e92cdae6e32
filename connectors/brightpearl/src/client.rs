//! The client of one account: addresses, headers, and how a reply becomes a value.

use std::sync::Arc;

use orderbridge_http_client::{CallError, HttpClient, MeteredClient, Method, PoolKey, QuotaGate, Request, Response, SendGuard};
use orderbridge_schema::ids::AccountCode;
use orderbridge_schema::idset;
use orderbridge_schema::work::Share;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::reply;

/// Most ids per call for everything but goods-out notes (BP §a.6).
pub(crate) const IDS: usize = 200;

/// Who calls whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppIdentity {
    /// The account.
    pub account: AccountCode,
    /// The app's reference, its OAuth client id.
    pub app_ref: String,
    /// The developer's reference: quotas are counted by it (BP §c).
    pub dev_ref: String,
}

/// The REST client of one account. Cheap to clone; its `Debug` shows no token.
#[derive(Debug, Clone)]
pub struct Client {
    http: MeteredClient,
    base: Url,
    app: AppIdentity,
    token: SecretString,
}

/// Where a call goes: path segments behind `/public-api/{account}`, query, and the path's name in logs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub segments: &'a [&'a str],
    pub query: &'a [(&'a str, &'a str)],
    pub template: &'static str,
}

/// Where a call goes, without a query.
pub(crate) const fn place<'a>(segments: &'a [&'a str], template: &'static str) -> Place<'a> {
    Place { segments, query: &[], template }
}

impl Client {
    /// A client of an account at `base`, such as `https://use1.brightpearlconnect.com` (BP §a.1, §b.1).
    #[must_use]
    pub fn new(http: HttpClient, base: Url, app: AppIdentity, access_token: SecretString, gate: Arc<dyn QuotaGate>) -> Self {
        let pool = PoolKey::brightpearl(&app.account, &app.dev_ref);
        Self { http: MeteredClient::new(http, gate, pool, reply::quota_of), base, app, token: access_token }
    }

    /// The same client behind another gate to the same pool.
    #[must_use]
    pub fn with_gate(self, gate: Arc<dyn QuotaGate>) -> Self {
        Self { http: self.http.with_gate(gate), ..self }
    }

    /// The pool that pays for this account's calls.
    #[must_use]
    pub const fn pool(&self) -> &PoolKey {
        self.http.pool()
    }

    /// Whose client it is.
    #[must_use]
    pub const fn account(&self) -> &AccountCode {
        &self.app.account
    }

    /// Reads; anything but a 2xx without errors is an error.
    pub(crate) async fn get(&self, place: Place<'_>, share: Share) -> Result<Response, CallError> {
        let reply = self.http.read(self.request(Method::Get, place)?, share).await?;
        reply::accepted(reply)
    }

    /// Reads a list; 404 and nothing at all are an empty list (BP §a.4).
    pub(crate) async fn list<T: DeserializeOwned>(&self, place: Place<'_>, share: Share) -> Result<Vec<T>, CallError> {
        match self.get(place, share).await {
            Ok(reply) => reply::list(&reply, place.template),
            Err(CallError::NotFound) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Writes; anything but a 2xx without errors is an error.
    pub(crate) async fn send(&self, method: Method, place: Place<'_>, body: Option<&Value>, guard: SendGuard) -> Result<Response, CallError> {
        let request = self.request(method, place)?;
        let request = match body {
            Some(body) => request.body("application/json", body.to_string().into_bytes()),
            None => request,
        };
        let reply = self.http.write(request, guard).await?;
        reply::readable(reply::accepted(reply)?, place.template)
    }

    /// Writes, if the object still has that version (BP §e.5); another one is a refusal with status 412.
    pub(crate) async fn send_if_match(
        &self,
        method: Method,
        place: Place<'_>,
        body: &Value,
        version: &str,
        guard: SendGuard,
    ) -> Result<Response, CallError> {
        let request = self.request(method, place)?.header("if-match", version);
        let reply = self.http.write(request.body("application/json", body.to_string().into_bytes()), guard).await?;
        reply::readable(reply::accepted(reply)?, place.template)
    }

    fn request(&self, method: Method, place: Place<'_>) -> Result<Request, CallError> {
        let mut url = self.base.clone();
        let unusable = |()| CallError::not_sent("the account's base URL cannot carry a path");
        let mut path = url.path_segments_mut().map_err(unusable)?;
        path.pop_if_empty().extend(["public-api", self.app.account.as_str()]).extend(place.segments);
        drop(path);
        if !place.query.is_empty() {
            url.query_pairs_mut().extend_pairs(place.query);
            // A blank is written as `%20`, which every server reads alike; a plus sign is `%2B` already.
            let query = url.query().unwrap_or_default().replace('+', "%20");
            url.set_query(Some(&query));
        }
        let bearer = SecretString::from(format!("Bearer {}", self.token.expose_secret()));
        let request = Request::new(method, url, place.template).secret_header("authorization", bearer);
        let request = request.header("brightpearl-app-ref", self.app.app_ref.as_str());
        Ok(request.header("brightpearl-dev-ref", self.app.dev_ref.as_str()).header("accept", "application/json"))
    }
}

/// The ids as id sets of at most `max` each, sorted.
pub(crate) fn id_sets(ids: impl IntoIterator<Item = u64>, max: usize) -> Vec<String> {
    let mut ids: Vec<u64> = ids.into_iter().collect();
    ids.sort_unstable();
    ids.dedup();
    ids.chunks(max.max(1)).map(|chunk| idset::compact(chunk.iter().copied())).collect()
}
