//! Installations of apps and their tokens (BP §b.1–b.3).

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::time::later;

/// Life of an access token (BP §b.2): 7 days.
pub const ACCESS_SECONDS: i64 = 604_800;

/// One installed integration instance.
#[derive(Debug, Clone)]
pub struct Installation {
    /// installedIntegrationInstanceId.
    pub instance_id: i64,
    /// installedIntegrationId.
    pub integration_id: i64,
    /// Name of the instance.
    pub name: String,
    /// App reference, which is also the OAuth client id.
    pub app_ref: String,
    /// Developer reference; the quota is per account and developer (BP §c).
    pub dev_ref: String,
    /// Client secret; none for a public client.
    pub client_secret: Option<String>,
    /// Registered redirect URI; empty: any.
    pub redirect_uri: String,
    /// Current access token.
    pub access_token: String,
    /// When it expires.
    pub expires_at: Timestamp,
    /// Whether the merchant revoked the app: neither token works any more.
    pub revoked: bool,
    /// Current refresh token.
    pub refresh_token: String,
    /// Earlier refresh tokens that still work.
    pub old_refresh_tokens: Vec<String>,
    /// How often a new access token was issued.
    pub generation: i64,
    /// Authorisation codes not yet used, with the redirect URI they were asked for.
    pub codes: BTreeMap<String, String>,
    /// Account or staff token of a private app (BP §b.1).
    pub private_token: Option<String>,
}

impl Installation {
    /// The state for a judge, tokens included: they are the simulator's own.
    pub fn view(&self) -> Value {
        json!({"installation_instance_id": self.instance_id, "integration_id": self.integration_id, "name": self.name, "app_ref": self.app_ref,
            "dev_ref": self.dev_ref, "client_secret": self.client_secret, "redirect_uri": self.redirect_uri,
            "access_token": self.access_token, "expires_at": self.expires_at.to_string(), "refresh_token": self.refresh_token,
            "revoked": self.revoked, "generation": self.generation, "private_token": self.private_token})
    }

    /// Issues a new access token.
    pub fn renew(&mut self, rng: &mut StdRng, now: Timestamp) {
        self.access_token = token(rng);
        self.expires_at = later(now, ACCESS_SECONDS * 1000);
        self.generation += 1;
    }
}

/// A random token with the characters that break unencoded forms, `+ / =` (BP §b.2).
pub fn token(rng: &mut StdRng) -> String {
    let bytes: [u8; 31] = rng.random();
    let text = STANDARD.encode(bytes);
    let (head, tail) = text.split_at(8);
    format!("{head}+/{tail}")
}

/// A random version-4-like identifier.
pub fn random_id(rng: &mut StdRng) -> String {
    uuid::Builder::from_random_bytes(rng.random()).into_uuid().to_string()
}

/// What an access check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// The installation at this place of the account's list.
    Granted(usize),
    /// 401 with this text as `response`.
    Refused(String),
}

/// Checks the headers of an API request (BP §b.1, §l.1).
pub fn check(installations: &[Installation], headers: &BTreeMap<String, String>, now: Timestamp) -> Access {
    let app_ref = headers.get("brightpearl-app-ref");
    if let Some(token) = headers.get("brightpearl-account-token").or_else(|| headers.get("brightpearl-staff-token")) {
        let found = installations.iter().position(|one| !one.revoked && one.private_token.as_ref() == Some(token) && Some(&one.app_ref) == app_ref);
        return found.map_or_else(|| Access::Refused("Not authenticated: invalid app reference or token".to_owned()), Access::Granted);
    }
    let bearer = headers.get("authorization").and_then(|value| value.strip_prefix("Bearer ")).map(str::trim);
    let Some(bearer) = bearer else { return Access::Refused("Not authenticated: no token".to_owned()) };
    let Some(position) = installations.iter().position(|one| one.access_token == bearer && !one.revoked) else {
        return Access::Refused(format!("Invalid instance token: {bearer}"));
    };
    let Some(installation) = installations.get(position) else { return Access::Refused(String::new()) };
    if installation.expires_at <= now {
        return Access::Refused("Authorization token expired".to_owned());
    }
    if app_ref != Some(&installation.app_ref) {
        return Access::Refused("Missing or wrong brightpearl-app-ref".to_owned());
    }
    if headers.get("brightpearl-dev-ref") != Some(&installation.dev_ref) {
        return Access::Refused("Missing or wrong brightpearl-dev-ref".to_owned());
    }
    Access::Granted(position)
}
