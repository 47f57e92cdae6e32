//! What a store last had carried to its customers' contacts, as keyed digests.

use std::collections::HashMap;

use diesel::pg::PgConnection;
use diesel::sql_types::{Array, BigInt, Jsonb, Text};
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};
use orderbridge_schema::facts::SaidOfCustomer;
use orderbridge_schema::ids::{StoreOrderId, TenantId};
use serde_json::Value;

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::sql::{big, unsigned};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    email_hash: String,
    #[diesel(sql_type = BigInt)]
    store_order: i64,
    #[diesel(sql_type = Jsonb)]
    digests: Value,
}

impl Row {
    fn read(self) -> Result<SaidOfCustomer, DbError> {
        let digests = serde_json::from_value(self.digests).map_err(|error| DbError::Data(format!("stored digests cannot be read: {error}")))?;
        Ok(SaidOfCustomer { email_hash: self.email_hash, order: StoreOrderId(unsigned(self.store_order)?), digests })
    }
}

/// Remembers what was sent of a customer; fields that are not named stay as they were.
pub(crate) fn write_customer(conn: &mut PgConnection, tenant: &TenantId, said: &SaidOfCustomer) -> Result<(), DbError> {
    let digests = serde_json::to_value(&said.digests).map_err(|error| DbError::Data(format!("digests cannot be written: {error}")))?;
    let sql = "insert into customers_sent as c (tenant, email_hash, store_order, digests) values ($1, $2, $3, $4) \
               on conflict (tenant, email_hash) do update set store_order = greatest(c.store_order, excluded.store_order), \
                 digests = c.digests || excluded.digests";
    sql_query(sql)
        .bind::<Text, _>(tenant.as_str())
        .bind::<Text, _>(&said.email_hash)
        .bind::<BigInt, _>(big(said.order.0)?)
        .bind::<Jsonb, _>(digests)
        .execute(conn)?;
    Ok(())
}

impl Db {
    /// What a store last had carried for these customers, by the keyed hash of their e-mail addresses.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn customers_sent(&self, tenant: &TenantId, email_hashes: &[String]) -> Result<HashMap<String, SaidOfCustomer>, DbError> {
        let (tenant, hashes) = (tenant.clone(), email_hashes.to_vec());
        self.run(Lane::Hot, move |conn| {
            let sql = "select email_hash, store_order, digests from customers_sent where tenant = $1 and email_hash = any($2)";
            let rows: Vec<Row> = sql_query(sql).bind::<Text, _>(tenant.as_str()).bind::<Array<Text>, _>(hashes).load(conn)?;
            rows.into_iter().map(|row| row.read().map(|said| (said.email_hash.clone(), said))).collect()
        })
        .await
    }
}
