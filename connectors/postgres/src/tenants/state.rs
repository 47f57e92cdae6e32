//! Pausing, parking and removing.

use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use diesel::{RunQueryDsl as _, sql_query};
use orderbridge_schema::ids::{AccountCode, InstallationId, TenantId};

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::listen::notify_work;
use crate::sql::{big, time};
use crate::tenants::TenantState;

impl Db {
    /// Lets a tenant's work wait; its events go on being stored. False if there is no such tenant or it was removed.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn pause_tenant(&self, id: &TenantId) -> Result<bool, DbError> {
        self.set_tenant_state(id, TenantState::Paused).await
    }

    /// Takes a paused tenant's work up again. False if there is no such tenant or it was removed.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn resume_tenant(&self, id: &TenantId) -> Result<bool, DbError> {
        self.set_tenant_state(id, TenantState::Active).await
    }

    /// Drops a tenant's events from now on; importing it again brings it back. False if there is no such tenant.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn remove_tenant(&self, id: &TenantId) -> Result<bool, DbError> {
        self.set_tenant_state(id, TenantState::Removed).await
    }

    async fn set_tenant_state(&self, id: &TenantId, state: TenantState) -> Result<bool, DbError> {
        let id = id.clone();
        self.run(Lane::Bulk, move |conn| {
            let sql = "update tenants set state = $2 where id = $1 and (state <> 'removed' or $2 = 'removed')";
            let changed = sql_query(sql).bind::<Text, _>(id.as_str()).bind::<Text, _>(state.as_str()).execute(conn)?;
            notify_work(conn, std::iter::empty())?;
            Ok(changed == 1)
        })
        .await
    }

    /// Lets a tenant's work wait because the store refused its credentials, until they are imported anew or it is unparked.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn park_tenant(&self, id: &TenantId, reason: &str) -> Result<bool, DbError> {
        self.set_parked("update tenants set parked_reason = $2, parked_at = $3 where id = $1", id.as_str(), Some(reason)).await
    }

    /// Takes a parked tenant's work up again.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn unpark_tenant(&self, id: &TenantId) -> Result<bool, DbError> {
        self.set_parked("update tenants set parked_reason = $2, parked_at = $3 where id = $1", id.as_str(), None).await
    }

    /// Lets all work of an account wait because Brightpearl refused the tokens of this generation. False if it has others by now.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn park_account(&self, code: &AccountCode, generation: i64, reason: &str) -> Result<bool, DbError> {
        let (code, reason, at) = (code.clone(), reason.to_owned(), time(self.now()));
        self.run(Lane::Hot, move |conn| {
            let sql = "update accounts set parked_reason = $2, parked_at = $3 where code = $1 and token_generation = $4";
            let query = sql_query(sql).bind::<Text, _>(code.as_str()).bind::<Text, _>(&reason).bind::<Timestamptz, _>(at);
            let changed = query.bind::<BigInt, _>(generation).execute(conn)?;
            notify_work(conn, std::iter::empty())?;
            Ok(changed == 1)
        })
        .await
    }

    /// Takes a parked account's work up again.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn unpark_account(&self, code: &AccountCode) -> Result<bool, DbError> {
        self.set_parked("update accounts set parked_reason = $2, parked_at = $3 where code = $1", code.as_str(), None).await
    }

    async fn set_parked(&self, sql: &'static str, id: &str, reason: Option<&str>) -> Result<bool, DbError> {
        let (id, reason) = (id.to_owned(), reason.map(str::to_owned));
        let at = reason.is_some().then(|| time(self.now()));
        self.run(Lane::Hot, move |conn| {
            let query = sql_query(sql).bind::<Text, _>(&id).bind::<Nullable<Text>, _>(reason.as_deref()).bind::<Nullable<Timestamptz>, _>(at);
            let changed = query.execute(conn)?;
            notify_work(conn, std::iter::empty())?;
            Ok(changed == 1)
        })
        .await
    }

    /// Remembers our installation in an account (BP §b.4).
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn save_installation(&self, code: &AccountCode, installation: InstallationId) -> Result<bool, DbError> {
        let (code, installation) = (code.clone(), big(installation.0)?);
        self.run(Lane::Hot, move |conn| {
            let sql = "update accounts set installation = $2, installations = array_append(array_remove(installations, $2), $2) where code = $1";
            let query = sql_query(sql).bind::<Text, _>(code.as_str()).bind::<BigInt, _>(installation);
            Ok(query.execute(conn)? == 1)
        })
        .await
    }
}
