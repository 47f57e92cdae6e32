//! Writing a tenant's file, without its secrets.

use orderbridge_postgres::{AccountImport, SignatureMode, StoreImport, TenantImport};
use orderbridge_schema::ids::TenantId;
use orderbridge_schema::rules::Rules;
use serde::Serialize;

#[derive(Serialize)]
struct Written<'a> {
    tenant: WrittenTenant<'a>,
    bigcommerce: WrittenStore<'a>,
    brightpearl: WrittenAccount<'a>,
    #[serde(flatten)]
    rules: &'a Rules,
}

#[derive(Serialize)]
struct WrittenTenant<'a> {
    id: &'a TenantId,
}

#[derive(Serialize)]
struct WrittenStore<'a> {
    store_hash: &'a str,
    base_url: &'a str,
    client_id: &'a str,
    client_secret: String,
    access_token: String,
    signature: SignatureMode,
}

#[derive(Serialize)]
struct WrittenAccount<'a> {
    account: &'a str,
    base_url: &'a str,
    token_url: &'a str,
    app_ref: &'a str,
    dev_ref: &'a str,
    client_secret: Option<String>,
    access_token: String,
    refresh_token: String,
    installation: Option<u64>,
}

/// The file's text. In place of each secret stands the name of the environment variable that an import takes it from.
///
/// # Errors
/// Text that cannot be written as TOML.
pub fn write(tenant: &TenantImport) -> Result<String, toml::ser::Error> {
    let TenantImport { id, store, account, rules } = tenant;
    let secret = |what: &str| placeholder(id, what);
    let written =
        Written { tenant: WrittenTenant { id }, bigcommerce: written_store(store, &secret), brightpearl: written_account(account, &secret), rules };
    let body = toml::to_string(&written)?;
    Ok(format!("# Tenant {id}. Secrets are not exported: `tenant import` takes them from the environment variables named below.\n\n{body}"))
}

fn written_store<'a>(store: &'a StoreImport, secret: &dyn Fn(&str) -> String) -> WrittenStore<'a> {
    WrittenStore {
        store_hash: store.hash.as_str(),
        base_url: store.base.as_str(),
        client_id: &store.client_id,
        client_secret: secret("BIGCOMMERCE_CLIENT_SECRET"),
        access_token: secret("BIGCOMMERCE_ACCESS_TOKEN"),
        signature: store.signature_mode,
    }
}

fn written_account<'a>(account: &'a AccountImport, secret: &dyn Fn(&str) -> String) -> WrittenAccount<'a> {
    WrittenAccount {
        account: account.code.as_str(),
        base_url: account.api_base.as_str(),
        token_url: account.token_base.as_str(),
        app_ref: &account.app_ref,
        dev_ref: &account.dev_ref,
        client_secret: account.client_secret.as_ref().map(|_| secret("BRIGHTPEARL_CLIENT_SECRET")),
        access_token: secret("BRIGHTPEARL_ACCESS_TOKEN"),
        refresh_token: secret("BRIGHTPEARL_REFRESH_TOKEN"),
        installation: account.installation.map(|id| id.0),
    }
}

/// `acme-uk` and `ACCESS_TOKEN` make `${ACME_UK_ACCESS_TOKEN}`.
fn placeholder(id: &TenantId, what: &str) -> String {
    let name: String = id.as_str().chars().map(|c| if c == '-' { '_' } else { c.to_ascii_uppercase() }).collect();
    format!("${{{name}_{what}}}")
}
