//! Importing and exporting one tenant as a whole.

use diesel::pg::PgConnection;
use diesel::sql_types::{BigInt, Bool, Jsonb, Nullable, Text, Timestamptz};
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};
use orderbridge_schema::ids::TenantId;
use orderbridge_schema::rules::{Author, Origin};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use crate::crypto::{CryptoError, Keyring};
use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::listen::notify_work;
use crate::sql::{big, time, transaction};
use crate::tenants::credentials::{
    APP, AppSecrets, STORE, StoreSecrets, TOKENS, TokenSecrets, account_scope, exposed, load, read_account_credentials, save,
};
use crate::tenants::live::follow_rules;
use crate::tenants::query::{account_row, tenant_record};
use crate::tenants::versions::{NewVersion, keep_version, release_what_waits_for_rules};
use crate::tenants::{AccountImport, Imported, StoreImport, TenantImport, TenantRecord};

/// Former client secrets that are still accepted.
const PREVIOUS_SECRETS_MAX: usize = 2;

impl Db {
    /// Makes a tenant, its account and their credentials what the import says, in one transaction. Connection ids and the secrets of
    /// our webhooks are made once and kept. The rules' version rises only when the rules differ; then what waits for a rule is
    /// released.
    ///
    /// # Errors
    /// [`DbError::Conflict`] if the tenant belongs to another account or store, or the store to another tenant; [`DbError`].
    pub async fn import_tenant(&self, import: &TenantImport) -> Result<Imported, DbError> {
        self.import_tenant_by(import, &Author::program()).await
    }

    /// [`import_tenant`](Self::import_tenant) in somebody's name, under which new rules are kept.
    ///
    /// # Errors
    /// The same.
    pub async fn import_tenant_by(&self, import: &TenantImport, author: &Author) -> Result<Imported, DbError> {
        let (keyring, import, author, now) = (self.keyring()?, import.clone(), author.clone(), self.now());
        self.run(Lane::Bulk, move |conn| {
            transaction(conn, |conn| {
                import_account(conn, &keyring, &import.account)?;
                let imported = import_rules(conn, &import, &author, now)?;
                import_store_secrets(conn, &keyring, &import.id, &import.store)?;
                notify_work(conn, [import.account.code.as_str()].into_iter())?;
                Ok(imported)
            })
        })
        .await
    }

    /// A tenant as it could be imported elsewhere, secrets and present tokens included.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn export_tenant(&self, id: &TenantId) -> Result<Option<TenantImport>, DbError> {
        let (keyring, id) = (self.keyring()?, id.clone());
        self.run(Lane::Bulk, move |conn| match tenant_record(conn, id.as_str())? {
            None => Ok(None),
            Some(tenant) => export(conn, &keyring, tenant).map(Some),
        })
        .await
    }
}

fn export(conn: &mut PgConnection, keyring: &Keyring, tenant: TenantRecord) -> Result<TenantImport, DbError> {
    let gone = || DbError::Data(format!("tenant {} has lost its account or its credentials", tenant.id));
    let account = account_row(conn, tenant.account.as_str())?.ok_or_else(gone)?.read()?;
    let store: StoreSecrets = load(conn, keyring, tenant.id.as_str(), STORE)?.ok_or_else(gone)?;
    let app = read_account_credentials(conn, keyring, &tenant.account)?;
    Ok(TenantImport {
        store: StoreImport {
            hash: tenant.store,
            base: tenant.store_base,
            signature_mode: tenant.signature_mode,
            client_id: store.client_id.clone(),
            client_secret: SecretString::from(store.client_secret.as_str()),
            access_token: SecretString::from(store.access_token.as_str()),
        },
        account: AccountImport {
            code: account.code,
            api_base: account.api_base,
            token_base: account.token_base,
            app_ref: account.app_ref,
            dev_ref: account.dev_ref,
            installation: account.installation,
            client_secret: app.client_secret,
            access_token: app.access_token,
            refresh_token: app.refresh_token,
            expires_at: app.expires_at,
        },
        id: tenant.id,
        rules: tenant.rules,
    })
}

/// A name or secret that nobody can guess.
fn unguessable() -> Result<String, CryptoError> {
    Ok(hex::encode(&crate::crypto::random_bytes::<24>()?[..]))
}

fn import_account(conn: &mut PgConnection, keyring: &Keyring, account: &AccountImport) -> Result<(), DbError> {
    let sql = "insert into accounts (code, connection, api_base, token_base, app_ref, dev_ref, installation, installations) \
               values ($1, $2, $3, $4, $5, $6, $7, array_remove(array[$7]::bigint[], null)) \
               on conflict (code) do update set api_base = excluded.api_base, token_base = excluded.token_base, app_ref = excluded.app_ref, \
               dev_ref = excluded.dev_ref, installation = coalesce(excluded.installation, accounts.installation), \
               installations = case when excluded.installations <@ accounts.installations then accounts.installations \
                 else accounts.installations || excluded.installations end";
    sql_query(sql)
        .bind::<Text, _>(account.code.as_str())
        .bind::<Text, _>(unguessable()?)
        .bind::<Text, _>(account.api_base.as_str())
        .bind::<Text, _>(account.token_base.as_str())
        .bind::<Text, _>(&account.app_ref)
        .bind::<Text, _>(&account.dev_ref)
        .bind::<Nullable<BigInt>, _>(account.installation.map(|id| big(id.0)).transpose()?)
        .execute(conn)?;
    sql_query("insert into account_leases (account) values ($1) on conflict do nothing").bind::<Text, _>(account.code.as_str()).execute(conn)?;
    let scope = account_scope(&account.code);
    let mut app: AppSecrets = load(conn, keyring, &scope, APP)?.unwrap_or_default();
    let known = (app.client_secret.clone(), !app.path_secrets.is_empty());
    app.client_secret = exposed(&account.client_secret);
    if app.path_secrets.is_empty() {
        app.path_secrets.push(unguessable()?);
        app.body_literals.push(unguessable()?);
    }
    if known != (app.client_secret.clone(), true) {
        save(conn, keyring, &scope, APP, &app)?;
    }
    import_tokens(conn, keyring, account)
}

/// Tokens are taken only if they are not the pair that was imported last: a refresh since then has made that pair worthless.
fn import_tokens(conn: &mut PgConnection, keyring: &Keyring, account: &AccountImport) -> Result<(), DbError> {
    if account.access_token.is_none() && account.refresh_token.is_none() {
        return Ok(());
    }
    let mut digest = Sha256::new();
    for token in [&account.access_token, &account.refresh_token] {
        let text = token.as_ref().map_or("", |token| token.expose_secret());
        digest.update(format!("{}:{text}\n", text.len()));
    }
    let imported = hex::encode(digest.finalize());
    let scope = account_scope(&account.code);
    let stored: TokenSecrets = load(conn, keyring, &scope, TOKENS)?.unwrap_or_default();
    let known =
        |token: &Option<SecretString>, stored: &Option<String>| token.as_ref().is_none_or(|token| stored.as_deref() == Some(token.expose_secret()));
    let is_present = known(&account.access_token, &stored.access) && known(&account.refresh_token, &stored.refresh);
    if stored.imported.as_deref() == Some(&imported) || is_present {
        return Ok(());
    }
    let fresh = TokenSecrets { access: exposed(&account.access_token), refresh: exposed(&account.refresh_token), imported: Some(imported) };
    save(conn, keyring, &scope, TOKENS, &fresh)?;
    // New tokens may be those of a new installation: unless the file names it, Brightpearl is asked.
    let sql = "update accounts set token_generation = token_generation + 1, token_expires_at = $2, refresh_holder = null, refresh_until = null, \
               parked_reason = null, parked_at = null, installation = $3 where code = $1";
    let query = sql_query(sql).bind::<Text, _>(account.code.as_str()).bind::<Nullable<Timestamptz>, _>(account.expires_at.map(time));
    query.bind::<Nullable<BigInt>, _>(account.installation.map(|id| big(id.0)).transpose()?).execute(conn)?;
    Ok(())
}

#[derive(QueryableByName)]
struct Before {
    #[diesel(sql_type = Text)]
    account: String,
    #[diesel(sql_type = Text)]
    store: String,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Jsonb)]
    rules: serde_json::Value,
    #[diesel(sql_type = BigInt)]
    rules_version: i64,
    #[diesel(sql_type = Bool)]
    same_rules: bool,
}

fn import_rules(conn: &mut PgConnection, import: &TenantImport, author: &Author, now: jiff::Timestamp) -> Result<Imported, DbError> {
    let rules = serde_json::to_value(&import.rules).map_err(DbError::data)?;
    let sql = "select account, store, state, rules, rules_version, rules = $2 as same_rules from tenants where id = $1 for update";
    let before: Vec<Before> = sql_query(sql).bind::<Text, _>(import.id.as_str()).bind::<Jsonb, _>(&rules).load(conn)?;
    let before = before.into_iter().next();
    if let Some(before) = &before
        && (before.account != import.account.code.as_str() || before.store != import.store.hash.as_str())
    {
        // Its links would point into another account or store.
        let text = format!("tenant {} belongs to account {} and store {}: give the new pairing another id", import.id, before.account, before.store);
        return Err(DbError::Conflict(text));
    }
    let rules_changed = before.as_ref().is_some_and(|before| !before.same_rules);
    let rules_version = before.as_ref().map_or(1, |before| before.rules_version + i64::from(rules_changed));
    let sql = "insert into tenants (id, account, store, store_base, connection, signature_mode, rules, rules_version, live_since) \
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
               on conflict (id) do update set store_base = excluded.store_base, signature_mode = excluded.signature_mode, rules = excluded.rules, \
               rules_version = excluded.rules_version, state = case when tenants.state = 'removed' then 'active' else tenants.state end";
    sql_query(sql)
        .bind::<Text, _>(import.id.as_str())
        .bind::<Text, _>(import.account.code.as_str())
        .bind::<Text, _>(import.store.hash.as_str())
        .bind::<Text, _>(import.store.base.as_str())
        .bind::<Text, _>(unguessable()?)
        .bind::<Text, _>(import.store.signature_mode.as_str())
        .bind::<Jsonb, _>(&rules)
        .bind::<BigInt, _>(rules_version)
        .bind::<Timestamptz, _>(time(now))
        .execute(conn)?;
    if before.is_none() || rules_changed {
        keep_version(conn, &NewVersion { tenant: &import.id, version: rules_version, rules: &rules, author, origin: Origin::Import }, now)?;
    }
    let former = before.as_ref().filter(|before| before.state != "removed").map(|before| &before.rules);
    follow_rules(conn, &import.id, &import.account.code, (former, &import.rules.orders), now)?;
    let changed = before.as_ref().filter(|_| rules_changed).map(|before| (&before.rules, &rules));
    let released = changed.map_or(Ok(0), |changed| release_what_waits_for_rules(conn, &import.id, changed, now))?;
    Ok(Imported { created: before.is_none(), rules_changed, rules_version, released })
}

fn import_store_secrets(conn: &mut PgConnection, keyring: &Keyring, tenant: &TenantId, store: &StoreImport) -> Result<(), DbError> {
    let known: Option<StoreSecrets> = load(conn, keyring, tenant.as_str(), STORE)?;
    let (secret, token) = (store.client_secret.expose_secret(), store.access_token.expose_secret());
    let is_known = |known: &StoreSecrets| known.client_secret == secret && known.access_token == token && known.client_id == store.client_id;
    if known.as_ref().is_some_and(is_known) {
        return Ok(());
    }
    let is_new = known.is_none();
    let mut next = known.unwrap_or_default();
    if !is_new && next.client_secret != secret {
        // Hooks signed with the old secret are still under way.
        let old = next.client_secret.clone();
        next.previous_client_secrets.retain(|former| former != secret && *former != old);
        next.previous_client_secrets.insert(0, old);
        next.previous_client_secrets.truncate(PREVIOUS_SECRETS_MAX);
    }
    if next.header_secrets.is_empty() {
        next.header_secrets.push(unguessable()?);
    }
    if next.access_token != token {
        let sql = "update tenants set parked_reason = null, parked_at = null where id = $1";
        sql_query(sql).bind::<Text, _>(tenant.as_str()).execute(conn)?;
    }
    next.client_id.clone_from(&store.client_id);
    next.client_secret = secret.to_owned();
    next.access_token = token.to_owned();
    save(conn, keyring, tenant.as_str(), STORE, &next)
}
