//! The platforms' lists that settings may name, as they were read last.

use std::collections::BTreeMap;

use diesel::pg::PgConnection;
use diesel::sql_types::{Bool, Jsonb, Text, Timestamptz};
use diesel::{OptionalExtension as _, QueryableByName, RunQueryDsl as _, sql_query};
use jiff::Timestamp;
use orderbridge_schema::ids::{AccountCode, TenantId};
use orderbridge_schema::reference::{AccountReference, StoreReference};
use orderbridge_schema::rules::KnownLists;
use orderbridge_schema::work::Scope;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::sql::{Time, Word, parsed, time, transaction};
use crate::work::{Causes, release_on};

/// Lists and when they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadLists<T> {
    /// The lists.
    pub lists: T,
    /// When they were read.
    pub read_at: Timestamp,
}

/// Holds that a change of the platforms' lists may mend.
const LIST_CAUSES: [&str; 7] = [
    "currency-decimals",
    "unusable-payment-method",
    "unknown-field",
    "unfit-for-field",
    "no-exchange-rate",
    "exchange-rate-direction",
    "cannot-cancel",
];

#[derive(QueryableByName)]
struct ReadRow {
    #[diesel(sql_type = Text)]
    scope: String,
    #[diesel(sql_type = Timestamptz)]
    read_at: Time,
}

#[derive(QueryableByName)]
struct Exists {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

/// The tenants whose rules may name what is in the lists.
fn tenants_of(conn: &mut PgConnection, scope: &Scope) -> Result<Vec<Scope>, DbError> {
    let Scope::Account(account) = scope else { return Ok(vec![scope.clone()]) };
    let rows: Vec<Word> = sql_query("select id as t from tenants where account = $1 order by id").bind::<Text, _>(account.as_str()).load(conn)?;
    rows.into_iter().map(|row| parsed(&row.t)).collect()
}

#[derive(QueryableByName)]
struct ListsRow {
    #[diesel(sql_type = Jsonb)]
    lists: Value,
    #[diesel(sql_type = Timestamptz)]
    read_at: Time,
}

fn release_for_lists_on(conn: &mut PgConnection, tenant: &Scope, now: Timestamp) -> Result<(), DbError> {
    for cause in LIST_CAUSES {
        release_on(conn, &Causes::Prefix(cause.into()), Some(tenant), now)?;
    }
    Ok(())
}

impl Db {
    /// An account's lists, if they were ever read. What an earlier version wrote in another form counts as never read.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn account_reference(&self, account: &AccountCode) -> Result<Option<ReadLists<AccountReference>>, DbError> {
        self.lists(&Scope::Account(account.clone())).await
    }

    /// A store's lists, likewise.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn store_reference(&self, tenant: &TenantId) -> Result<Option<ReadLists<StoreReference>>, DbError> {
        self.lists(&Scope::Tenant(tenant.clone())).await
    }

    /// The lists that a tenant's rules are checked against, as far as they were ever read.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn known_lists(&self, account: &AccountCode, tenant: &TenantId) -> Result<KnownLists, DbError> {
        let account = self.account_reference(account).await?.map(|read| read.lists);
        Ok(KnownLists { account, store: self.store_reference(tenant).await?.map(|read| read.lists) })
    }

    /// Stores an account's lists as of now.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn save_account_reference(&self, account: &AccountCode, lists: &AccountReference) -> Result<(), DbError> {
        self.save_lists(&Scope::Account(account.clone()), lists).await
    }

    /// Stores a store's lists as of now.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn save_store_reference(&self, tenant: &TenantId, lists: &StoreReference) -> Result<(), DbError> {
        self.save_lists(&Scope::Tenant(tenant.clone()), lists).await
    }

    async fn lists<T: DeserializeOwned + Send + 'static>(&self, scope: &Scope) -> Result<Option<ReadLists<T>>, DbError> {
        let scope = scope.to_string();
        self.run(Lane::Hot, move |conn| {
            let sql = "select lists, read_at from reference_lists where scope = $1";
            let row: Option<ListsRow> = sql_query(sql).bind::<Text, _>(&scope).get_result(conn).optional()?;
            let read = |row: ListsRow| Some(ReadLists { lists: serde_json::from_value(row.lists).ok()?, read_at: row.read_at.to_jiff() });
            Ok(row.and_then(read))
        })
        .await
    }

    /// When the lists of an account and of its tenants' stores were read last, of those that ever were.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn lists_read_at(&self, account: &AccountCode) -> Result<BTreeMap<Scope, Timestamp>, DbError> {
        let account = account.clone();
        self.run(Lane::Hot, move |conn| {
            let sql = "select scope, read_at from reference_lists where scope = $1 or scope in (select id from tenants where account = $2)";
            let query = sql_query(sql).bind::<Text, _>(Scope::Account(account.clone()).to_string()).bind::<Text, _>(account.as_str());
            let rows: Vec<ReadRow> = query.load(conn)?;
            rows.into_iter().map(|row| Ok((parsed(&row.scope)?, row.read_at.to_jiff()))).collect()
        })
        .await
    }

    /// Releases what waits for something in the platforms' lists.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn release_for_lists(&self, tenant: &TenantId) -> Result<(), DbError> {
        let (scope, now) = (Scope::Tenant(tenant.clone()), self.now());
        self.run(Lane::Hot, move |conn| transaction(conn, |conn| release_for_lists_on(conn, &scope, now))).await
    }

    /// Whoever waits for something in these lists is released if they differ from those that were read before.
    async fn save_lists<T: Serialize>(&self, scope: &Scope, lists: &T) -> Result<(), DbError> {
        let (scope, now) = (scope.clone(), self.now());
        let lists = serde_json::to_value(lists).map_err(|error| DbError::Data(format!("lists cannot be written: {error}")))?;
        self.run(Lane::Hot, move |conn| {
            transaction(conn, |conn| {
                let sql = "select exists (select from reference_lists where scope = $1 and lists = $2) as yes";
                let is_known: Exists = sql_query(sql).bind::<Text, _>(scope.to_string()).bind::<Jsonb, _>(&lists).get_result(conn)?;
                let sql = "insert into reference_lists as r (scope, lists, read_at) values ($1, $2, $3) \
                           on conflict (scope) do update set lists = excluded.lists, read_at = excluded.read_at";
                sql_query(sql).bind::<Text, _>(scope.to_string()).bind::<Jsonb, _>(&lists).bind::<Timestamptz, _>(time(now)).execute(conn)?;
                if !is_known.yes {
                    for tenant in tenants_of(conn, &scope)? {
                        release_for_lists_on(conn, &tenant, now)?;
                    }
                }
                Ok(())
            })
        })
        .await
    }
}
