//! The BigCommerce side of the control API: everything below `/_sim` that is not the core's.

mod act;
mod judge;
mod payment;
mod place;
mod place_line;
mod random;
mod seed;
mod store;

use serde_json::{Value, json};

use super::BigCommerce;
use super::context::Context;
use super::signing::Signing;
use super::state::Store;
use super::value::{flag_at, text_at};
use crate::core::{ApiRequest, ApiResponse};

/// What a control call gives: a status with JSON, or a refusal.
type Answer = Result<ApiResponse, ApiResponse>;

/// A refusal of a control call.
fn refuse(why: impl AsRef<str>) -> ApiResponse {
    ApiResponse::refusal(400, why.as_ref())
}

fn ok(body: &Value) -> Answer {
    Ok(ApiResponse::json(200, body))
}

fn created(body: &Value) -> Answer {
    Ok(ApiResponse::json(201, body))
}

/// Refuses fields that are not known, so that a slip in a test does not pass unseen.
fn only(body: &Value, known: &[&str]) -> Result<(), ApiResponse> {
    match body.as_object().into_iter().flatten().find(|(name, _)| !known.contains(&name.as_str())) {
        Some((name, _)) => Err(refuse(format!("no field is called {name:?} here; known: {}", known.join(", ")))),
        None => Ok(()),
    }
}

/// Answers one call; `None` for a path that does not exist.
pub(super) fn answer(platform: &mut BigCommerce, request: &ApiRequest) -> Option<ApiResponse> {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().skip(1).map(String::as_str).collect();
    let body = match request.control_body() {
        Ok(body) => body,
        Err(refusal) => return Some(refusal),
    };
    let answer = match (request.method.as_str(), segments.as_slice()) {
        (_, ["switches"]) => Ok(platform.switches.control(request)),
        ("GET" | "POST", ["webhooks"]) => signing(platform, request, &body),
        ("POST", ["stores"]) => store::create(platform, &body, request.at),
        ("GET", ["stores"]) => ok(&json!(platform.stores.values().map(store::show).collect::<Vec<_>>())),
        (_, ["stores", hash, rest @ ..]) => return of_store(platform, request, hash, rest, &body),
        _ => return None,
    };
    Some(answer.unwrap_or_else(|refusal| refusal))
}

fn signing(platform: &mut BigCommerce, request: &ApiRequest, body: &Value) -> Answer {
    if request.method == "POST" {
        only(body, &["signature", "complete"])?;
        if body.get("signature").is_some() {
            let signing = text_at(body, "signature").and_then(Signing::parse);
            let known = "signature must be signed, unsigned, wrong_secret, old_timestamp or extra_tokens";
            platform.outbox.signing = signing.ok_or_else(|| refuse(known))?;
        }
        if body.get("complete").is_some() {
            platform.outbox.complete = flag_at(body, "complete").ok_or_else(|| refuse("complete must be true or false"))?;
        }
    }
    ok(&json!({ "signature": platform.outbox.signing.name(), "complete": platform.outbox.complete }))
}

fn of_store(platform: &mut BigCommerce, request: &ApiRequest, hash: &str, rest: &[&str], body: &Value) -> Option<ApiResponse> {
    if !platform.stores.contains_key(hash) {
        return Some(ApiResponse::refusal(404, &format!("no store is called {hash:?}")));
    }
    let whole = match (request.method.as_str(), rest) {
        ("POST", ["oauth_codes"]) => Some(store::oauth_code(platform, hash, body)),
        ("GET", ["deliveries"]) => Some(ok(&json!(platform.outbox.pending(hash)))),
        ("DELETE", []) => {
            platform.stores.remove(hash);
            Some(Ok(ApiResponse::empty(204)))
        }
        _ => None,
    };
    if let Some(answer) = whole {
        return Some(answer.unwrap_or_else(|refusal| refusal));
    }
    let BigCommerce { stores, switches, rng, .. } = platform;
    let store = stores.get_mut(hash)?;
    let now = request.at;
    let mut ctx = Context { store, switches, rng, request, client_id: String::new(), now };
    in_store(&mut ctx, rest, body).map(|answer| answer.unwrap_or_else(|refusal| refusal))
}

fn in_store(ctx: &mut Context<'_>, rest: &[&str], body: &Value) -> Option<Answer> {
    let order = |ctx: &Context<'_>, id: &str| -> Result<i64, ApiResponse> {
        let id = id.parse().ok().filter(|id| ctx.store.orders.contains_key(id));
        id.ok_or_else(|| ApiResponse::refusal(404, "no such order"))
    };
    Some(match (ctx.method(), rest) {
        ("GET", []) => ok(&store::show(ctx.store)),
        ("POST", ["settings"]) => store::settings(ctx.store, body),
        ("POST", ["accounts"]) => store::add_account(ctx, body),
        ("POST", ["accounts", client, "revoke"]) => store::revoke(ctx, client),
        ("POST", ["accounts", client, "secret"]) => store::renew_secret(ctx, client, body),
        ("DELETE", ["accounts", client]) => store::delete_account(ctx.store, client),
        ("POST", ["accounts", client, "uninstall"]) => store::uninstall(ctx, client),
        ("POST", ["requests"]) => store::foreign_requests(ctx, body),
        ("POST", ["locations"]) => seed::location(ctx, body),
        ("POST", ["channels"]) => seed::channel(ctx, body),
        ("POST", ["products"]) => seed::products(ctx, body),
        ("GET", ["products"]) => ok(&json!(judge::products(ctx.store))),
        ("DELETE", ["products", id]) => seed::remove_product(ctx, id),
        ("POST", ["stock"]) => seed::stock(ctx, body),
        ("POST", ["customers"]) => seed::customers(ctx, body),
        ("POST", ["orders"]) => place::place(ctx, body).and_then(|id| created(&judge::order(ctx, id))),
        ("POST", ["orders", "random"]) => random::orders(ctx, body),
        ("GET", ["orders"]) => ok(&judge::orders(ctx)),
        ("GET", ["orders", id]) => order(ctx, id).and_then(|id| ok(&judge::order(ctx, id))),
        ("POST", ["orders", id, action]) => match order(ctx, id) {
            Ok(id) => act::act(ctx, id, action, body)?,
            Err(refusal) => Err(refusal),
        },
        ("GET", ["mails"]) => ok(&judge::mails(ctx.store)),
        ("DELETE", ["mails"]) => {
            ctx.store.mails.clear();
            Ok(ApiResponse::empty(204))
        }
        ("GET", ["hooks"]) => ok(&judge::hooks(ctx.store)),
        _ => return None,
    })
}

/// A number that control bodies may give, for settings that must be positive.
fn positive(body: &Value, name: &str) -> Result<Option<i64>, ApiResponse> {
    match body.get(name) {
        None => Ok(None),
        Some(value) => match value.as_i64().filter(|number| *number >= 0) {
            Some(number) => Ok(Some(number)),
            None => Err(refuse(format!("{name} must be a whole number, 0 or more"))),
        },
    }
}

impl Store {
    /// The first account, the one a new store is made with.
    fn first_client(&self) -> Option<&str> {
        self.accounts.first().map(|account| account.client_id.as_str())
    }
}
