//! The platforms' lists that settings may name, as they were read last.

use diesel::sql_types::{Jsonb, Text, Timestamptz};
use diesel::{OptionalExtension as _, QueryableByName, RunQueryDsl as _, sql_query};
use jiff::Timestamp;
use orderbridge_schema::ids::{AccountCode, TenantId};
use orderbridge_schema::reference::{AccountReference, StoreReference};
use orderbridge_schema::work::Scope;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::sql::{Time, time};

/// Lists and when they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadLists<T> {
    /// The lists.
    pub lists: T,
    /// When they were read.
    pub read_at: Timestamp,
}

#[derive(QueryableByName)]
struct ListsRow {
    #[diesel(sql_type = Jsonb)]
    lists: Value,
    #[diesel(sql_type = Timestamptz)]
    read_at: Time,
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

    async fn save_lists<T: Serialize>(&self, scope: &Scope, lists: &T) -> Result<(), DbError> {
        let (scope, now) = (scope.to_string(), self.now());
        let lists = serde_json::to_value(lists).map_err(|error| DbError::Data(format!("lists cannot be written: {error}")))?;
        self.run(Lane::Hot, move |conn| {
            let sql = "insert into reference_lists as r (scope, lists, read_at) values ($1, $2, $3) \
                       on conflict (scope) do update set lists = excluded.lists, read_at = excluded.read_at";
            sql_query(sql).bind::<Text, _>(&scope).bind::<Jsonb, _>(lists).bind::<Timestamptz, _>(time(now)).execute(conn)?;
            Ok(())
        })
        .await
    }
}
