//! The sealed forms of credentials, and reading them.

use diesel::pg::PgConnection;
use orderbridge_schema::ids::{AccountCode, TenantId};
use orderbridge_schema::work::Scope;
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::crypto::{Keyring, open_row, seal_row};
use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::sql::jiff_time;
use crate::tenants::query::account_row;
use crate::tenants::{AccountCredentials, StoreCredentials};

/// Name of a store's sealed row.
pub(crate) const STORE: &str = "store";
/// Name of an account's sealed row, less its tokens.
pub(crate) const APP: &str = "app";
/// Name of an account's sealed tokens.
pub(crate) const TOKENS: &str = "tokens";

/// What is sealed of a store.
#[derive(Serialize, Deserialize, Default)]
pub(crate) struct StoreSecrets {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    #[serde(default)]
    pub(crate) previous_client_secrets: Vec<String>,
    pub(crate) access_token: String,
    #[serde(default)]
    pub(crate) header_secrets: Vec<String>,
}

/// What is sealed of an account, less its tokens.
#[derive(Serialize, Deserialize, Default)]
pub(crate) struct AppSecrets {
    #[serde(default)]
    pub(crate) client_secret: Option<String>,
    #[serde(default)]
    pub(crate) path_secrets: Vec<String>,
    #[serde(default)]
    pub(crate) body_literals: Vec<String>,
}

/// The tokens of an account.
#[derive(Serialize, Deserialize, Default)]
pub(crate) struct TokenSecrets {
    #[serde(default)]
    pub(crate) access: Option<String>,
    #[serde(default)]
    pub(crate) refresh: Option<String>,
    /// Digest of the pair that was last imported, so that importing the same file again changes nothing.
    #[serde(default)]
    pub(crate) imported: Option<String>,
}

macro_rules! wiped_when_dropped {
    ($($name:ident { $($field:ident),+ })+) => {$(
        impl Drop for $name {
            fn drop(&mut self) {
                $(self.$field.zeroize();)+
            }
        }
    )+};
}

wiped_when_dropped! {
    StoreSecrets { client_secret, previous_client_secrets, access_token, header_secrets }
    AppSecrets { client_secret, path_secrets, body_literals }
    TokenSecrets { access, refresh }
}

pub(crate) fn secrets(texts: &[String]) -> Vec<SecretString> {
    texts.iter().map(|text| SecretString::from(text.as_str())).collect()
}

pub(crate) fn exposed(secret: &Option<SecretString>) -> Option<String> {
    secret.as_ref().map(|secret| secret.expose_secret().to_owned())
}

impl StoreSecrets {
    pub(crate) fn to_credentials(&self) -> StoreCredentials {
        StoreCredentials {
            client_id: self.client_id.clone(),
            client_secret: SecretString::from(self.client_secret.as_str()),
            previous_client_secrets: secrets(&self.previous_client_secrets),
            access_token: SecretString::from(self.access_token.as_str()),
            header_secrets: secrets(&self.header_secrets),
        }
    }
}

/// Reads what was sealed; the error repeats nothing of it.
pub(crate) fn decode<T: DeserializeOwned>(plaintext: &Zeroizing<Vec<u8>>) -> Result<T, DbError> {
    serde_json::from_slice(plaintext).map_err(|_secret| DbError::data("a sealed secret has another form than this version reads"))
}

pub(crate) fn load<T: DeserializeOwned>(conn: &mut PgConnection, keyring: &Keyring, scope: &str, name: &str) -> Result<Option<T>, DbError> {
    open_row(conn, keyring, scope, name)?.map(|plaintext| decode(&plaintext)).transpose()
}

pub(crate) fn save<T: Serialize>(conn: &mut PgConnection, keyring: &Keyring, scope: &str, name: &str, value: &T) -> Result<(), DbError> {
    let plaintext = Zeroizing::new(serde_json::to_vec(value).map_err(|_secret| DbError::data("a secret cannot be written as JSON"))?);
    seal_row(conn, keyring, scope, name, &plaintext)
}

pub(crate) fn account_scope(account: &AccountCode) -> String {
    Scope::Account(account.clone()).to_string()
}

impl Db {
    /// The credentials of a tenant's store.
    ///
    /// # Errors
    /// [`DbError`]; [`DbError::Data`] if there is no such tenant.
    pub async fn store_credentials(&self, tenant: &TenantId) -> Result<StoreCredentials, DbError> {
        let (keyring, tenant) = (self.keyring()?, tenant.clone());
        self.run(Lane::Hot, move |conn| {
            let found: Option<StoreSecrets> = load(conn, &keyring, tenant.as_str(), STORE)?;
            found.map(|secrets| secrets.to_credentials()).ok_or_else(|| DbError::Data(format!("there is no tenant {tenant}")))
        })
        .await
    }

    /// The credentials of an account.
    ///
    /// # Errors
    /// [`DbError`]; [`DbError::Data`] if there is no such account.
    pub async fn account_credentials(&self, account: &AccountCode) -> Result<AccountCredentials, DbError> {
        let (keyring, account) = (self.keyring()?, account.clone());
        self.run(Lane::Hot, move |conn| read_account_credentials(conn, &keyring, &account)).await
    }
}

pub(crate) fn read_account_credentials(conn: &mut PgConnection, keyring: &Keyring, account: &AccountCode) -> Result<AccountCredentials, DbError> {
    let scope = account_scope(account);
    // The generation first: a pair stored between the two reads then only makes a compare-and-set fail that would have been needless.
    let row = account_row(conn, account.as_str())?.ok_or_else(|| DbError::Data(format!("there is no account {account}")))?;
    let app: AppSecrets = load(conn, keyring, &scope, APP)?.unwrap_or_default();
    let tokens: TokenSecrets = load(conn, keyring, &scope, TOKENS)?.unwrap_or_default();
    Ok(AccountCredentials {
        client_secret: app.client_secret.as_deref().map(SecretString::from),
        access_token: tokens.access.as_deref().map(SecretString::from),
        refresh_token: tokens.refresh.as_deref().map(SecretString::from),
        expires_at: jiff_time(row.token_expires_at),
        token_generation: row.token_generation,
        path_secrets: secrets(&app.path_secrets),
        body_literals: secrets(&app.body_literals),
    })
}
