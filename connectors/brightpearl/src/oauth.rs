//! Exchanges a refresh token for new tokens (BP §b.3), and says which hosts may be believed to be Brightpearl's (BP §a.1).

use std::time::Duration;

use orderbridge_http_client::{CallError, HttpClient, Method, Request, Response};
use orderbridge_schema::ids::AccountCode;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::{Url, form_urlencoded};

use crate::{lenient, reply};

/// Hosts of Brightpearl's, and all below them (BP §a.1).
const DOMAINS: [&str; 3] = ["brightpearl.com", "brightpearlconnect.com", "brightpearlapp.com"];
/// Life of an access token that comes without one: short, so that it is refreshed before it can have ended (BP §b.3).
const LIFE_UNKNOWN: u64 = 3600;

/// A pair of tokens. Its `Debug` shows none.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// For calls.
    pub access: SecretString,
    /// For the next refresh; keep the old one if there is none.
    pub refresh: Option<SecretString>,
    /// Life of `access` from now on: not always a whole new one (BP §b.3).
    pub expires_in: Duration,
    /// Where the account's API is; see [`api_domain_allowed`].
    pub api_domain: Option<String>,
}

#[derive(Deserialize)]
struct TokenPayload {
    access_token: SecretString,
    #[serde(default)]
    refresh_token: Option<SecretString>,
    #[serde(default, deserialize_with = "lenient::whole")]
    expires_in: u64,
    #[serde(default, deserialize_with = "lenient::text")]
    api_domain: String,
}

#[derive(Deserialize)]
struct ErrorPayload {
    #[serde(default, deserialize_with = "lenient::text")]
    error: String,
    #[serde(default, deserialize_with = "lenient::text")]
    error_description: String,
}

/// Asks `token_base`, such as `https://oauth.brightpearlapp.com`, for new tokens. Serialise this per account: two refreshes at once
/// may end each other's token.
///
/// # Errors
/// [`CallError`]; see [`needs_authorisation`]. After `Uncertain` the old pair may or may not be good any more.
pub async fn refresh(
    http: &HttpClient,
    token_base: &Url,
    account: &AccountCode,
    client_id: &str,
    client_secret: Option<&SecretString>,
    refresh_token: &SecretString,
) -> Result<Tokens, CallError> {
    let mut url = token_base.clone();
    let unusable = |()| CallError::not_sent("the token URL cannot carry a path");
    url.path_segments_mut().map_err(unusable)?.pop_if_empty().extend(["token", account.as_str()]);
    let form = form(client_id, client_secret, refresh_token);
    let request = Request::new(Method::Post, url, "/token/{account}").header("accept", "application/json");
    let reply = http.call_unmetered(request.body("application/x-www-form-urlencoded", form.into_bytes())).await?;
    tokens(&reply)
}

/// Every value is encoded: tokens hold `+`, `/` and `=` (BP §b.2).
fn form(client_id: &str, client_secret: Option<&SecretString>, refresh_token: &SecretString) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "refresh_token").append_pair("refresh_token", refresh_token.expose_secret());
    form.append_pair("client_id", client_id);
    if let Some(secret) = client_secret {
        form.append_pair("client_secret", secret.expose_secret());
    }
    form.finish()
}

fn tokens(reply: &Response) -> Result<Tokens, CallError> {
    if !reply.is_success() {
        return Err(failure(reply));
    }
    let payload: TokenPayload = serde_json::from_slice(&reply.body).map_err(|error| reply::unreadable(&error, "the token request"))?;
    if payload.access_token.expose_secret().is_empty() {
        return Err(CallError::uncertain("the reply to the token request holds no token"));
    }
    Ok(Tokens {
        access: payload.access_token,
        refresh: payload.refresh_token.filter(|token| !token.expose_secret().is_empty()),
        expires_in: Duration::from_secs(if payload.expires_in == 0 { LIFE_UNKNOWN } else { payload.expires_in }),
        api_domain: Some(payload.api_domain).filter(|domain| !domain.is_empty()),
    })
}

fn failure(reply: &Response) -> CallError {
    let payload: Option<ErrorPayload> = serde_json::from_slice(&reply.body).ok();
    match (reply.status, payload.filter(|payload| !payload.error.is_empty())) {
        (401, _) => CallError::Unauthorised,
        (429, _) => CallError::Throttled { retry_after: None },
        (status @ 400..=499, Some(payload)) => CallError::refused(status, &payload.error, &payload.error_description),
        (status, _) => CallError::uncertain(format!("status {status} instead of tokens")),
    }
}

/// Whether only the merchant can help, by authorising the app again.
#[must_use]
pub fn needs_authorisation(error: &CallError) -> bool {
    match error {
        CallError::Unauthorised => true,
        CallError::Refused { code, .. } => matches!(code.as_str(), "invalid_grant" | "invalid_client" | "unauthorized_client"),
        _ => false,
    }
}

/// Whether `api_domain` is a bare host of Brightpearl's: a token must go nowhere else (BP §a.1).
#[must_use]
pub fn api_domain_allowed(api_domain: &str) -> bool {
    let host = api_domain.to_ascii_lowercase();
    let plain = host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.') && !host.starts_with('.') && !host.contains("..");
    let below = |domain: &str| host.strip_suffix(domain).is_some_and(|front| front.is_empty() || front.ends_with('.'));
    plain && DOMAINS.iter().any(|domain| below(domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_the_form_is_encoded() {
        let form = form("acme-app", Some(&"s/c+t=".to_owned().into()), &"Zp9+/=".to_owned().into());
        assert_eq!(form, "grant_type=refresh_token&refresh_token=Zp9%2B%2F%3D&client_id=acme-app&client_secret=s%2Fc%2Bt%3D");
    }

    #[test]
    fn only_brightpearls_own_hosts_are_believed() {
        for good in
            ["use1.brightpearlconnect.com", "euw1.brightpearlconnect.com", "ws-use.brightpearl.com", "USE1.BrightpearlApp.com", "brightpearl.com"]
        {
            assert!(api_domain_allowed(good), "{good}");
        }
        for bad in [
            "",
            "evilbrightpearl.com",
            "brightpearl.com.evil.example",
            "use1.brightpearlconnect.com/x",
            "use1.brightpearlconnect.com:8080",
            "user@use1.brightpearlconnect.com",
            "127.0.0.1",
            ".brightpearl.com",
            "a..brightpearl.com",
            "https://use1.brightpearlconnect.com",
        ] {
            assert!(!api_domain_allowed(bad), "{bad}");
        }
    }

    #[test]
    fn a_dead_refresh_token_needs_the_merchant_and_an_outage_does_not() {
        assert!(needs_authorisation(&CallError::refused(400, "invalid_grant", "expired")));
        assert!(needs_authorisation(&CallError::Unauthorised));
        assert!(!needs_authorisation(&CallError::uncertain("status 502 instead of tokens")));
        assert!(!needs_authorisation(&CallError::Throttled { retry_after: None }));
    }
}
