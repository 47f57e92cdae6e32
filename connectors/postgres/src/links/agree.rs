//! The statuses of both sides when they last agreed.

use diesel::pg::PgConnection;
use diesel::sql_types::{BigInt, Text, Timestamptz};
use diesel::{RunQueryDsl as _, sql_query};
use jiff::Timestamp;
use orderbridge_schema::decision::AgreedStatus;
use orderbridge_schema::ids::{StoreOrderId, TenantId};

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::sql::{big, time};

/// Remembers a pair, and the one before it if it differs; saying the same again changes nothing.
pub(crate) fn agree_on(conn: &mut PgConnection, tenant: &TenantId, order: StoreOrderId, pair: AgreedStatus, now: Timestamp) -> Result<(), DbError> {
    let sql = "insert into agreements as a (tenant, store_order, store_status, brightpearl_status, agreed_at) values ($1, $2, $3, $4, $5) \
               on conflict (tenant, store_order) do update set before_store_status = a.store_status, before_brightpearl_status = a.brightpearl_status, \
                 store_status = excluded.store_status, brightpearl_status = excluded.brightpearl_status, agreed_at = excluded.agreed_at \
               where (a.store_status, a.brightpearl_status) is distinct from (excluded.store_status, excluded.brightpearl_status)";
    sql_query(sql)
        .bind::<Text, _>(tenant.as_str())
        .bind::<BigInt, _>(big(order.0)?)
        .bind::<BigInt, _>(big(pair.store.0)?)
        .bind::<BigInt, _>(big(pair.brightpearl.0)?)
        .bind::<Timestamptz, _>(time(now))
        .execute(conn)?;
    Ok(())
}

impl Db {
    /// Remembers the statuses on which both sides agree now.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn save_agreed(&self, tenant: &TenantId, order: StoreOrderId, pair: AgreedStatus) -> Result<(), DbError> {
        let (tenant, now) = (tenant.clone(), self.now());
        self.run(Lane::Hot, move |conn| agree_on(conn, &tenant, order, pair, now)).await
    }
}
