//! The way of a request: path, quota, access, service, headers (BP §a.1–a.3, §c, §l.1, §l.2).

use serde_json::{Value, json};

use super::account::Account;
use super::call::{Actor, Call};
use super::installation::{Access, Installation, check};
use super::reply::{Answer, Refusal, render};
use super::switches::Switches;
use super::throttle::Quota;
use super::{Brightpearl, contact_api, multi, oauth, order_api, payment, product_api, warehouse_api, webhook};
use crate::core::{ApiRequest, ApiResponse};

/// Longest URI in bytes (BP §l.13).
const URI_MAX: usize = 8192;

/// Answers any request outside `/_sim`.
pub fn handle(platform: &mut Brightpearl, request: &ApiRequest) -> ApiResponse {
    if request.uri_len > URI_MAX {
        return ApiResponse::html(414, "<html><head><title>414 Request-URI Too Large</title></head></html>");
    }
    let segments = request.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let Brightpearl { accounts, switches, .. } = platform;
    match (request.method.as_str(), parts.as_slice()) {
        (_, ["authorize" | "token", _] | [_, "oauth", "token"]) if !request.door.leads_to_sign_in() => unknown(),
        (_, ["public-api", ..]) if !request.door.leads_to_api() => unknown(),
        ("GET", ["authorize", code]) => accounts.get_mut(*code).map_or_else(unknown, |account| oauth::authorize(account, request)),
        ("POST", ["token", code] | [code, "oauth", "token"]) => {
            accounts.get_mut(*code).map_or_else(unknown, |account| oauth::issue(account, request, switches))
        }
        (_, ["public-api", code, rest @ ..]) => {
            let (code, rest) = ((*code).to_owned(), rest.iter().map(|part| (*part).to_owned()).collect());
            api(platform, request, &code, rest)
        }
        _ => unknown(),
    }
}

fn unknown() -> ApiResponse {
    ApiResponse::html(404, "<html><head><title>404 Not Found</title></head></html>")
}

fn throttle_text() -> ApiResponse {
    ApiResponse::json(503, &json!({"response": "You have sent too many requests. Please wait before sending another request"}))
}

/// The developer whose pool a request draws from: OAuth apps have one each, private apps share one (BP §c). A token belongs to its
/// app whatever reference is sent with it, and a reference that no app of the account has opens no pool of its own.
fn pool(account: Option<&Account>, request: &ApiRequest) -> String {
    let installations = account.map(|account| account.installations.as_slice()).unwrap_or_default();
    let bearer = request.header("authorization").and_then(|value| value.strip_prefix("Bearer ")).map(str::trim);
    let sent = request.header("brightpearl-dev-ref");
    let owner = installations.iter().find(|one| bearer == Some(&one.access_token));
    let named = || installations.iter().find(|one| sent == Some(&one.dev_ref));
    owner.or_else(named).map_or_else(|| "private".to_owned(), |one| one.dev_ref.clone())
}

fn api(platform: &mut Brightpearl, request: &ApiRequest, code: &str, path: Vec<String>) -> ApiResponse {
    let limit = platform.switches.number("requests_per_minute");
    let multi_message = path.first().is_some_and(|part| part == "multi-message");
    let cost = if multi_message && platform.switches.is("multi_message_cost", "each") { multi::size(&request.body) } else { 1 };
    let pool = pool(platform.accounts.get(code), request);
    let quota = platform.throttle.take(code, &pool, cost, limit, request.at);
    let access = platform.accounts.get(code).map(|account| check(&account.installations, &request.headers, request.at));
    let response = if quota.exceeded {
        throttle_text()
    } else {
        match &access {
            Some(Access::Granted(position)) => served(platform, request, code, path, *position),
            Some(Access::Refused(why)) => ApiResponse::json(401, &json!({ "response": why })),
            None => ApiResponse::json(401, &json!({"response": format!("Account {code} does not exist")})),
        }
    };
    let instance = match &access {
        Some(Access::Granted(position)) => {
            platform.accounts.get(code).and_then(|account| account.installations.get(*position)).map(|one| one.instance_id)
        }
        _ => None,
    };
    platform.requests += 1;
    headers(response, quota, instance, platform.requests)
}

fn headers(response: ApiResponse, quota: Quota, instance: Option<i64>, request: u64) -> ApiResponse {
    let mut response = response
        .with_header("brightpearl-requests-remaining", quota.remaining.to_string())
        .with_header("brightpearl-next-throttle-period", quota.next_ms.to_string())
        .with_header("ruid", format!("ruid-{request:012}"));
    if let Some(instance) = instance {
        response = response.with_header("brightpearl-installed-integration-instance-id", instance.to_string());
    }
    response
}

/// What a throttle fault answers: the 503 of a pool that is used up, for this request's account and developer; with `empty` it then is.
pub fn throttled(platform: &mut Brightpearl, request: &ApiRequest, empty: bool) -> ApiResponse {
    let code = request.segments().get(1).cloned().unwrap_or_default();
    let limit = platform.switches.number("requests_per_minute");
    let taken = if empty { limit } else { 0 };
    let pool = pool(platform.accounts.get(&code), request);
    let quota = platform.throttle.take(&code, &pool, taken, limit, request.at);
    headers(throttle_text(), Quota { exceeded: true, remaining: 0, next_ms: quota.next_ms }, None, platform.requests)
}

fn served(platform: &mut Brightpearl, request: &ApiRequest, code: &str, path: Vec<String>, position: usize) -> ApiResponse {
    let Brightpearl { accounts, switches, .. } = platform;
    let Some(account) = accounts.get_mut(code) else { return unknown() };
    let actor = account.installations.get(position).map_or(Actor::STAFF, actor_of);
    let body = match body(request) {
        Ok(body) => body,
        Err(refusal) => return render(&Err(refusal)),
    };
    let message = message_type(&request.method, &path);
    let if_match = request.headers.get("if-match").cloned();
    let asked = Asked { method: request.method.clone(), path, query: request.query.clone(), if_match, body };
    let answer = dispatch(account, switches, request.at, actor, asked);
    platform.settle(code, request.at);
    render(&answer).with_header("message-type", message)
}

/// An app acts under a contact id of its own, as recorded traffic shows.
fn actor_of(installation: &Installation) -> Actor {
    Actor { instance: installation.instance_id, contact: 200 + installation.integration_id }
}

/// Reads the JSON body: none is allowed here, broken JSON is CMNU-003 (BP §a.4), another content type counts as none.
fn body(request: &ApiRequest) -> Result<Option<Value>, Refusal> {
    if request.body.is_empty() {
        return Ok(None);
    }
    let json = request.headers.get("content-type").is_some_and(|kind| kind.to_ascii_lowercase().starts_with("application/json"));
    if !json {
        return Ok(None);
    }
    serde_json::from_slice(&request.body).map(Some).map_err(|_ignored| Refusal::internal())
}

/// One request inside the API, also as a part of a multi-message.
#[derive(Debug)]
pub struct Asked {
    /// Method.
    pub method: String,
    /// Segments after the account.
    pub path: Vec<String>,
    /// Query.
    pub query: Vec<(String, String)>,
    /// If-Match header.
    pub if_match: Option<String>,
    /// Body.
    pub body: Option<Value>,
}

/// Hands a request to its service.
pub fn dispatch(account: &mut Account, switches: &Switches, now: jiff::Timestamp, actor: Actor, asked: Asked) -> Answer {
    to_service(account, switches, now, actor, asked).map_err(|refusal| refusal.veiled(switches))
}

fn to_service(account: &mut Account, switches: &Switches, now: jiff::Timestamp, actor: Actor, asked: Asked) -> Answer {
    let mut path = asked.path.into_iter();
    let service = path.next().unwrap_or_default();
    let mut call = Call {
        account,
        switches,
        now,
        method: asked.method,
        path: path.collect(),
        query: asked.query,
        if_match: asked.if_match,
        body: asked.body,
        actor,
    };
    match service.as_str() {
        "order-service" => order_api::handle(&mut call),
        "contact-service" => contact_api::handle(&mut call),
        "product-service" => product_api::handle(&mut call),
        "warehouse-service" => warehouse_api::handle(&mut call),
        "accounting-service" => payment::handle(&mut call),
        "integration-service" => integration(&mut call),
        "multi-message" if call.method == "POST" && call.path.is_empty() => multi::handle(&mut call),
        _ => Err(Refusal::unknown_path()),
    }
}

/// The integration service: who am I, configuration, webhooks (BP §b.4, §d, §i.3).
fn integration(call: &mut Call<'_>) -> Answer {
    let segments = call.path.clone();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (call.method.clone().as_str(), path.as_slice()) {
        (_, ["webhook", ..]) => webhook::handle(call),
        ("GET", ["account-configuration"]) => super::reply::Reply::data(json!({ "configuration": call.account.lists.configuration })),
        (method @ ("GET" | "PUT"), ["integration", "instance"]) => {
            let renamed = if method == "PUT" { super::json::text(call.json()?, "instanceName")? } else { None };
            let instance = call.actor.instance;
            let found = call.account.installations.iter_mut().find(|one| one.instance_id == instance);
            let found = found.ok_or_else(|| Refusal::missing("No integration instance"))?;
            if method == "PUT" {
                found.name = renamed.ok_or_else(|| Refusal::bad("INTC-999", "instanceName is required"))?;
                return super::reply::Reply::done();
            }
            super::reply::Reply::data(json!({"installedIntegrationInstanceId": found.instance_id, "installedIntegrationId": found.integration_id,
                "instanceName": found.name}))
        }
        _ => Err(Refusal::unknown_path()),
    }
}

/// The `message-type` header, such as `get-order` or `bulk-data-search`.
fn message_type(method: &str, path: &[String]) -> String {
    let words: Vec<&str> =
        path.iter().skip(1).map(String::as_str).filter(|part| !part.starts_with(|first: char| first.is_ascii_digit() || first == '*')).collect();
    match words.last() {
        Some(last) if last.ends_with("-search") => "bulk-data-search".to_owned(),
        Some(_) => format!("{}-{}", method.to_lowercase(), words.join("-")),
        None => method.to_lowercase(),
    }
}
