//! The authorisation and token endpoints (BP §b.2, §b.3).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::Account;
use super::installation::{ACCESS_SECONDS, Installation, random_id, token};
use super::json::set;
use super::switches::Switches;
use crate::core::{ApiRequest, ApiResponse, Door};

/// `GET /authorize/{account}`: the merchant approves at once; the answer redirects with a code.
pub fn authorize(account: &mut Account, request: &ApiRequest) -> ApiResponse {
    let query = |name: &str| request.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default();
    let (client, redirect, state) = (query("client_id"), query("redirect_uri"), query("state"));
    if query("response_type") != "code" {
        return refuse("unsupported_response_type", None);
    }
    let code = random_id(&mut account.rng);
    let Some(installation) = account.installations.iter_mut().find(|one| one.app_ref == client) else {
        return refuse("invalid_client", None);
    };
    let Ok(mut target) = url::Url::parse(&redirect) else {
        return refuse("invalid_request", Some("redirect_uri is not a URI"));
    };
    if !installation.redirect_uri.is_empty() && installation.redirect_uri != redirect {
        return refuse("invalid_request", Some("Redirect uri is not the registered one"));
    }
    installation.codes.insert(code.clone(), redirect);
    target.query_pairs_mut().append_pair("code", &code).append_pair("state", &state);
    ApiResponse::empty(302).with_header("location", target.as_str())
}

/// `POST /token/{account}`: the code and refresh grants, form-encoded only.
pub fn issue(account: &mut Account, request: &ApiRequest, switches: &Switches) -> ApiResponse {
    let kind = request.headers.get("content-type").map(String::as_str).unwrap_or_default();
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return refuse("invalid_request", Some("The request must be form encoded"));
    }
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(&request.body).into_owned().collect();
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let client = field("client_id");
    let known = account.installations.iter().any(|one| one.app_ref == client && secret_fits(one, field("client_secret")));
    if !known {
        return refuse("invalid_client", None);
    }
    let domain = account.api_domain.clone().or_else(|| api_host(request)).unwrap_or_default();
    match field("grant_type") {
        "authorization_code" => by_code(account, field("code"), client, field("redirect_uri"), &domain, request.at),
        "refresh_token" => by_refresh(account, field("refresh_token"), client, &domain, request.at, switches),
        _ => refuse("unsupported_grant_type", None),
    }
}

/// The host that the API is at, as far as this request knows.
fn api_host(request: &ApiRequest) -> Option<String> {
    match request.door {
        Door::SignIn(api) => Some(api.to_string()),
        Door::Whole | Door::Api => request.headers.get("host").cloned(),
    }
}

fn secret_fits(installation: &Installation, sent: &str) -> bool {
    installation.client_secret.as_ref().is_none_or(|secret| secret == sent)
}

fn by_code(account: &mut Account, code: &str, client: &str, redirect: &str, domain: &str, now: Timestamp) -> ApiResponse {
    let Account { installations, rng, .. } = account;
    let Some(installation) = installations.iter_mut().find(|one| one.app_ref == client && one.codes.contains_key(code)) else {
        return expired();
    };
    if installation.codes.get(code).is_some_and(|asked| asked != redirect) {
        return refuse("invalid_grant", Some("Redirect uri does not match that used to request auth token"));
    }
    installation.codes.remove(code);
    installation.revoked = false;
    installation.renew(rng, now);
    installation.refresh_token = token(rng);
    installation.old_refresh_tokens.clear();
    let mut answer = tokens(installation, domain, ACCESS_SECONDS);
    set(&mut answer, "installation_instance_id", json!(installation.instance_id.to_string()));
    ApiResponse::json(200, &answer)
}

fn by_refresh(account: &mut Account, sent: &str, client: &str, domain: &str, now: Timestamp, switches: &Switches) -> ApiResponse {
    let Account { installations, rng, .. } = account;
    let Some(installation) = installations
        .iter_mut()
        .find(|one| one.app_ref == client && !one.revoked && (one.refresh_token == sent || one.old_refresh_tokens.iter().any(|old| old == sent)))
    else {
        return expired();
    };
    let left = (installation.expires_at.as_millisecond() - now.as_millisecond()) / 1000;
    // An early refresh hands back the current token with its remaining time (BP §b.3).
    if left > 0 && switches.is("early_refresh", "same") {
        return ApiResponse::json(200, &tokens(installation, domain, left));
    }
    installation.renew(rng, now);
    if !switches.is("refresh_rotation", "keep") {
        let fresh = token(rng);
        let old = std::mem::replace(&mut installation.refresh_token, fresh);
        if switches.is("refresh_rotation", "rotate") {
            installation.old_refresh_tokens.push(old);
        } else {
            installation.old_refresh_tokens.clear();
        }
    }
    ApiResponse::json(200, &tokens(installation, domain, ACCESS_SECONDS))
}

fn tokens(installation: &Installation, domain: &str, seconds: i64) -> Value {
    json!({"access_token": installation.access_token, "refresh_token": installation.refresh_token, "api_domain": domain,
        "token_type": "Bearer", "expires_in": seconds})
}

fn expired() -> ApiResponse {
    refuse("invalid_grant", Some("The auth token has either expired or does not exist"))
}

fn refuse(error: &str, description: Option<&str>) -> ApiResponse {
    let mut body = json!({ "error": error });
    if let Some(description) = description {
        set(&mut body, "error_description", json!(description));
    }
    ApiResponse::json(400, &body)
}
