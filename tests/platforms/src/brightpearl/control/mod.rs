//! The control endpoints `/_sim/…`: seeding accounts, acting as warehouse and staff, and a judge's view.

mod accounts;
mod catalogue;
mod orders;
mod views;
mod warehouse;

use serde_json::{Value, json};

use super::Brightpearl;
use super::account::Account;
use super::call::{Actor, Call};
use super::forgery::Spoil;
use super::json::{array, int, text};
use super::outbox::Outbox;
use super::reply::{Answer, Refusal};
use super::switches::Switches;
use crate::core::{ApiRequest, ApiResponse};

/// What a control handler gives back: JSON, or a refusal that is shown as `{"error": …}`.
pub type Done = Result<Value, Refusal>;

/// Answers a request below `/_sim`; none if there is no such endpoint.
pub fn handle(platform: &mut Brightpearl, request: &ApiRequest) -> Option<ApiResponse> {
    let segments = request.segments();
    let parts: Vec<&str> = segments.iter().skip(1).map(String::as_str).collect();
    let body = match request.control_body() {
        Ok(body) => body,
        Err(refusal) => return Some(refusal),
    };
    let done = match (request.method.as_str(), parts.as_slice()) {
        ("GET", ["switches"]) => Ok(platform.switches.all()),
        ("POST", ["switches"]) => platform.switches.set(&body).map(|()| platform.switches.all()).map_err(|why| bad(&why)),
        ("GET", ["accounts"]) => Ok(json!({ "accounts": platform.accounts.keys().collect::<Vec<_>>() })),
        ("POST", ["accounts"]) => accounts::create(platform, &body, request.at),
        ("DELETE", ["accounts", code]) => platform.accounts.remove(*code).map(|_| json!({})).ok_or_else(|| no_account(code)),
        (_, ["accounts", code, rest @ ..]) => {
            let done = in_account(platform, request, code, rest, &body)?;
            platform.settle(code, request.at);
            done
        }
        _ => return None,
    };
    Some(match done {
        Ok(value) => ApiResponse::json(200, &value),
        Err(refusal) => ApiResponse::json(refusal.status, &json!({"error": refusal.message, "code": refusal.code})),
    })
}

fn no_account(code: &str) -> Refusal {
    Refusal::missing(format!("there is no account {code}"))
}

/// A 400 of the control API.
pub fn bad(why: &str) -> Refusal {
    Refusal::bad("SIM", why)
}

fn in_account(platform: &mut Brightpearl, request: &ApiRequest, code: &str, rest: &[&str], body: &Value) -> Option<Done> {
    if let Some(done) = quota(platform, request, code, rest, body) {
        return Some(done);
    }
    let Brightpearl { accounts, switches, outbox, .. } = platform;
    let Some(account) = accounts.get_mut(code) else { return Some(Err(no_account(code))) };
    if request.method == "GET" {
        if rest == ["deliveries"] {
            return Some(Ok(outbox.view(code)));
        }
        return views::handle(account, switches, request, rest);
    }
    if rest == ["forge"] {
        return Some(forge(account, outbox, body, request.at));
    }
    let mut desk = Desk { account, switches, now: request.at };
    accounts::handle(&mut desk, &request.method, rest, body)
        .or_else(|| catalogue::handle(&mut desk, &request.method, rest, body))
        .or_else(|| warehouse::handle(&mut desk, &request.method, rest, body))
        .or_else(|| orders::handle(&mut desk, &request.method, rest, body))
}

/// Other apps' use of a pool: `POST …/quota {"developer": "…", "requests": 150}`; `GET …/quota` shows the pools.
fn quota(platform: &mut Brightpearl, request: &ApiRequest, code: &str, rest: &[&str], body: &Value) -> Option<Done> {
    if rest != ["quota"] {
        return None;
    }
    if request.method == "POST" {
        let developer = body.get("developer").and_then(Value::as_str)?;
        let requests = body.get("requests").and_then(Value::as_i64).unwrap_or(1).max(0);
        let limit = platform.switches.number("requests_per_minute");
        platform.throttle.take(code, developer, requests, limit, request.at);
    }
    Some(Ok(json!({ "used": platform.throttle.pools(code, request.at) })))
}

/// A forged call: `{"hook": 121, "event": "order.modified", "ids": [70001], "spoil": "url"}`.
fn forge(account: &Account, outbox: &mut Outbox, body: &Value, now: jiff::Timestamp) -> Done {
    let hook = int(body, "hook")?.and_then(|id| account.hooks.get(&id)).cloned().ok_or_else(|| bad("hook is the id of a hook"))?;
    let event = text(body, "event")?.unwrap_or_else(|| hook.subscribe_to.clone());
    let ids: Option<Vec<i64>> = array(body, "ids")?.iter().map(Value::as_i64).collect();
    let ids = ids.filter(|ids| !ids.is_empty()).ok_or_else(|| bad("ids is a list of ids"))?;
    let spoil = text(body, "spoil")?.unwrap_or_else(|| "url".to_owned());
    let spoil = Spoil::parse(&spoil).ok_or_else(|| bad("spoil is url, body, both or nothing"))?;
    if !spoil.fits(&hook) {
        return Err(bad("the hook has no secret there: the last part of the URL's path, or literal texts of a JSON body"));
    }
    outbox.forge(&account.code, hook, event, ids, spoil, now);
    Ok(json!({ "forged": true }))
}

/// One account with what a control handler needs to act in it as staff.
#[derive(Debug)]
pub struct Desk<'a> {
    /// The account.
    pub account: &'a mut Account,
    /// Switches.
    pub switches: &'a Switches,
    /// Time of the simulator's clock.
    pub now: jiff::Timestamp,
}

impl Desk<'_> {
    /// Runs a handler of the API as the account's staff.
    ///
    /// # Errors
    /// The handler's refusal.
    pub fn run(&mut self, method: &str, body: Value, action: impl FnOnce(&mut Call<'_>) -> Answer) -> Done {
        let mut call = Call {
            account: self.account,
            switches: self.switches,
            now: self.now,
            method: method.to_owned(),
            path: Vec::new(),
            query: Vec::new(),
            if_match: None,
            body: Some(body),
            actor: Actor::STAFF,
        };
        action(&mut call).map(|reply| reply.body.get("response").cloned().unwrap_or_else(|| json!({})))
    }
}

/// An id from a path.
///
/// # Errors
/// 400 for what is no id.
pub fn id(text: &str) -> Result<i64, Refusal> {
    text.parse().map_err(|_ignored| bad(&format!("{text} is not an id")))
}
