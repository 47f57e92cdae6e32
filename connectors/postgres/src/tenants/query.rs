//! Reading tenants and accounts.

use diesel::pg::PgConnection;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz};
use diesel::{OptionalExtension as _, QueryableByName, RunQueryDsl as _, sql_query};
use orderbridge_schema::ids::{AccountCode, InstallationId, StoreHash, TenantId};
use orderbridge_schema::rules::Rules;
use serde_json::Value;

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::sql::{Time, Word, parsed, unsigned};
use crate::tenants::{AccountRecord, AccountState, TenantRecord};

const TENANT: &str =
    "select id, account, store, store_base, connection, state, parked_reason, signature_mode, rules, rules_version, live_since from tenants";
const ACCOUNT: &str = "select code, api_base, token_base, app_ref, dev_ref, connection, installation, parked_reason, \
                       token_generation, token_expires_at from accounts";

#[derive(QueryableByName)]
struct TenantRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    account: String,
    #[diesel(sql_type = Text)]
    store: String,
    #[diesel(sql_type = Text)]
    store_base: String,
    #[diesel(sql_type = Text)]
    connection: String,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Nullable<Text>)]
    parked_reason: Option<String>,
    #[diesel(sql_type = Text)]
    signature_mode: String,
    #[diesel(sql_type = Jsonb)]
    rules: Value,
    #[diesel(sql_type = BigInt)]
    rules_version: i64,
    #[diesel(sql_type = Timestamptz)]
    live_since: Time,
}

impl TenantRow {
    fn read(self) -> Result<TenantRecord, DbError> {
        Ok(TenantRecord {
            id: parsed(&self.id)?,
            account: parsed(&self.account)?,
            store: parsed(&self.store)?,
            store_base: parsed(&self.store_base)?,
            connection: parsed(&self.connection)?,
            state: parsed(&self.state)?,
            parked: self.parked_reason,
            signature_mode: parsed(&self.signature_mode)?,
            rules: read_rules(&self.rules)?,
            rules_version: self.rules_version,
            live_since: self.live_since.to_jiff(),
        })
    }
}

/// Stored rules. Those of a newer version may have keys that this one does not know: better to stop than to ignore a rule.
pub(crate) fn read_rules(stored: &Value) -> Result<Rules, DbError> {
    serde_json::from_value(stored.clone()).map_err(|error| DbError::Data(format!("stored rules cannot be read: {error}")))
}

/// An account as stored.
#[derive(QueryableByName)]
pub(crate) struct AccountRow {
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Text)]
    api_base: String,
    #[diesel(sql_type = Text)]
    token_base: String,
    #[diesel(sql_type = Text)]
    app_ref: String,
    #[diesel(sql_type = Text)]
    dev_ref: String,
    #[diesel(sql_type = Text)]
    connection: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    installation: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    parked_reason: Option<String>,
    #[diesel(sql_type = BigInt)]
    pub(crate) token_generation: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(crate) token_expires_at: Option<Time>,
}

impl AccountRow {
    pub(crate) fn read(self) -> Result<AccountRecord, DbError> {
        Ok(AccountRecord {
            code: parsed(&self.code)?,
            api_base: parsed(&self.api_base)?,
            token_base: parsed(&self.token_base)?,
            app_ref: self.app_ref,
            dev_ref: self.dev_ref,
            connection: parsed(&self.connection)?,
            installation: self.installation.map(unsigned).transpose()?.map(InstallationId),
            state: self.parked_reason.map_or(AccountState::Active, |reason| AccountState::Parked { reason }),
        })
    }
}

pub(crate) fn account_row(conn: &mut PgConnection, code: &str) -> Result<Option<AccountRow>, DbError> {
    Ok(sql_query(format!("{ACCOUNT} where code = $1")).bind::<Text, _>(code).get_result(conn).optional()?)
}

pub(crate) fn tenant_record(conn: &mut PgConnection, id: &str) -> Result<Option<TenantRecord>, DbError> {
    let row: Option<TenantRow> = sql_query(format!("{TENANT} where id = $1")).bind::<Text, _>(id).get_result(conn).optional()?;
    row.map(TenantRow::read).transpose()
}

impl Db {
    /// All tenants, by id, removed ones too.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn tenants(&self) -> Result<Vec<TenantRecord>, DbError> {
        self.run(Lane::Bulk, |conn| {
            let rows: Vec<TenantRow> = sql_query(format!("{TENANT} order by id")).load(conn)?;
            rows.into_iter().map(TenantRow::read).collect()
        })
        .await
    }

    /// One tenant.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn tenant(&self, id: &TenantId) -> Result<Option<TenantRecord>, DbError> {
        let id = id.clone();
        self.run(Lane::Hot, move |conn| tenant_record(conn, id.as_str())).await
    }

    /// The tenants of an account, by id, removed ones too.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn tenants_of_account(&self, account: &AccountCode) -> Result<Vec<TenantRecord>, DbError> {
        let account = account.clone();
        self.run(Lane::Hot, move |conn| {
            let rows: Vec<TenantRow> = sql_query(format!("{TENANT} where account = $1 order by id")).bind::<Text, _>(account.as_str()).load(conn)?;
            rows.into_iter().map(TenantRow::read).collect()
        })
        .await
    }

    /// The tenant of an account's store, unless it was removed.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn tenant_of_store(&self, account: &AccountCode, store: &StoreHash) -> Result<Option<TenantId>, DbError> {
        let (account, store) = (account.clone(), store.clone());
        self.run(Lane::Hot, move |conn| {
            let query = sql_query("select id as t from tenants where account = $1 and store = $2 and state <> 'removed'")
                .bind::<Text, _>(account.as_str())
                .bind::<Text, _>(store.as_str());
            query.get_result::<Word>(conn).optional()?.map(|word| parsed(&word.t)).transpose()
        })
        .await
    }

    /// All accounts, by code.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn accounts(&self) -> Result<Vec<AccountRecord>, DbError> {
        self.run(Lane::Bulk, |conn| {
            let rows: Vec<AccountRow> = sql_query(format!("{ACCOUNT} order by code")).load(conn)?;
            rows.into_iter().map(AccountRow::read).collect()
        })
        .await
    }

    /// One account.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn account(&self, code: &AccountCode) -> Result<Option<AccountRecord>, DbError> {
        let code = code.clone();
        self.run(Lane::Hot, move |conn| account_row(conn, code.as_str())?.map(AccountRow::read).transpose()).await
    }
}
