//! Tenants, the Brightpearl accounts they belong to, and their sealed credentials.

mod credentials;
mod import;
mod live;
mod query;
mod state;
mod tokens;
mod versions;

use jiff::Timestamp;
use orderbridge_schema::ids::{AccountCode, ConnectionId, InstallationId, StoreHash, TenantId};
use orderbridge_schema::rules::Rules;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use url::Url;

pub use orderbridge_schema::envelope::SignatureMode;

pub use versions::{RulesVersion, Saved};

pub(crate) use credentials::{APP, AppSecrets, STORE, StoreSecrets, account_scope, decode};

/// Whether a tenant's events and work are taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TenantState {
    /// Both.
    Active,
    /// Events are stored, work waits.
    Paused,
    /// Events are dropped.
    Removed,
}

impl TenantState {
    /// Name in the database and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Removed => "removed",
        }
    }
}

impl std::str::FromStr for TenantState {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = [Self::Active, Self::Paused, Self::Removed].into_iter().find(|state| state.as_str() == text);
        found.ok_or("a tenant is active, paused or removed")
    }
}

/// One tenant, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantRecord {
    /// Its id.
    pub id: TenantId,
    /// Its Brightpearl account.
    pub account: AccountCode,
    /// Its store.
    pub store: StoreHash,
    /// Where the store's API is.
    pub store_base: Url,
    /// Path of the store's webhooks.
    pub connection: ConnectionId,
    /// Active, paused or removed.
    pub state: TenantState,
    /// Why its work waits although it is active: the store refused its credentials.
    pub parked: Option<String>,
    /// What the store's webhooks must carry.
    pub signature_mode: SignatureMode,
    /// Its rules.
    pub rules: Rules,
    /// Rises when the rules change.
    pub rules_version: i64,
    /// Since when no order of the store can have been entered in Brightpearl but by us, whatever the go-live time.
    pub live_since: Timestamp,
}

/// Whether calls to an account make sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountState {
    /// Yes.
    Active,
    /// No, until its credentials are renewed.
    Parked {
        /// Why, in plain words.
        reason: String,
    },
}

/// One Brightpearl account, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRecord {
    /// Its code.
    pub code: AccountCode,
    /// Where its API is.
    pub api_base: Url,
    /// Where its tokens are renewed.
    pub token_base: Url,
    /// Our app, as Brightpearl knows it (BP §b).
    pub app_ref: String,
    /// Our developer reference.
    pub dev_ref: String,
    /// Path of the account's webhooks.
    pub connection: ConnectionId,
    /// Our installation, once known.
    pub installation: Option<InstallationId>,
    /// Active or parked.
    pub state: AccountState,
}

/// What a store's API and webhooks are used with.
#[derive(Debug, Clone)]
pub struct StoreCredentials {
    /// OAuth client id; no secret.
    pub client_id: String,
    /// Signs the webhooks (BC §c).
    pub client_secret: SecretString,
    /// Former ones, still accepted from webhooks while they are being replaced.
    pub previous_client_secrets: Vec<SecretString>,
    /// For the API.
    pub access_token: SecretString,
    /// Sent by our hooks in a header; the first is given to new hooks.
    pub header_secrets: Vec<SecretString>,
}

/// What an account's API and webhooks are used with.
#[derive(Debug, Clone)]
pub struct AccountCredentials {
    /// For the token endpoint, if the app has one.
    pub client_secret: Option<SecretString>,
    /// For the API; none before the first refresh.
    pub access_token: Option<SecretString>,
    /// Renews the access token; each may work only once.
    pub refresh_token: Option<SecretString>,
    /// When the access token ends, if known.
    pub expires_at: Option<Timestamp>,
    /// Rises with every stored pair.
    pub token_generation: i64,
    /// In the path of our webhooks; the first is given to new ones.
    pub path_secrets: Vec<SecretString>,
    /// In the body of our webhooks; the first is given to new ones.
    pub body_literals: Vec<SecretString>,
}

/// A pair of tokens that the account just gave.
#[derive(Debug, Clone)]
pub struct NewTokens {
    /// For the API.
    pub access: SecretString,
    /// For the next refresh; the old one stays if none was given.
    pub refresh: Option<SecretString>,
    /// When the access token ends, if known.
    pub expires_at: Option<Timestamp>,
}

/// A tenant as a settings file says it is.
#[derive(Debug, Clone)]
pub struct TenantImport {
    /// Its id.
    pub id: TenantId,
    /// Its store.
    pub store: StoreImport,
    /// Its account; tenants that share one say the same about it.
    pub account: AccountImport,
    /// Its rules.
    pub rules: Rules,
}

/// The store's side of a settings file.
#[derive(Debug, Clone)]
pub struct StoreImport {
    /// Which store.
    pub hash: StoreHash,
    /// Where its API is.
    pub base: Url,
    /// What its webhooks must carry.
    pub signature_mode: SignatureMode,
    /// OAuth client id.
    pub client_id: String,
    /// Signs the webhooks.
    pub client_secret: SecretString,
    /// For the API.
    pub access_token: SecretString,
}

/// The account's side of a settings file.
#[derive(Debug, Clone)]
pub struct AccountImport {
    /// Its code.
    pub code: AccountCode,
    /// Where its API is.
    pub api_base: Url,
    /// Where its tokens are renewed.
    pub token_base: Url,
    /// Our app.
    pub app_ref: String,
    /// Our developer reference.
    pub dev_ref: String,
    /// Our installation, if known already.
    pub installation: Option<InstallationId>,
    /// For the token endpoint.
    pub client_secret: Option<SecretString>,
    /// For the API.
    pub access_token: Option<SecretString>,
    /// Renews the access token. A token that was imported before never overwrites the one that was refreshed since.
    pub refresh_token: Option<SecretString>,
    /// When the access token ends.
    pub expires_at: Option<Timestamp>,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The tenant was not there before.
    pub created: bool,
    /// The rules differ from before.
    pub rules_changed: bool,
    /// Version of the rules now.
    pub rules_version: i64,
    /// Work that waited for a rule and was made ready.
    pub released: usize,
}
