//! How far refunds have come, and what an order said of its refunds when all of them were booked.

use diesel::pg::PgConnection;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz};
use diesel::{RunQueryDsl as _, sql_query};
use orderbridge_schema::ids::{AccountCode, StoreOrderId, TenantId};
use orderbridge_schema::refund::RefundMark;

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::links::write::only_one;
use crate::sql::{big, time};

/// The later word takes the earlier one's place, but another sales credit never that of the first, and what is booked stays booked.
pub(super) fn write_refund(
    conn: &mut PgConnection,
    account: &AccountCode,
    tenant: &TenantId,
    order: StoreOrderId,
    mark: &RefundMark,
) -> Result<(), DbError> {
    let stored = serde_json::to_value(mark).map_err(|error| DbError::Data(format!("a refund cannot be written as JSON: {error}")))?;
    let sql = "insert into refunds as r (tenant, refund, account, store_order, sales_order, credit, mark) values ($1, $2, $3, $4, $5, $6, $7) \
               on conflict (tenant, refund) do update set credit = excluded.credit, mark = excluded.mark, changed_at = now() \
               where (r.credit is null or r.credit is not distinct from excluded.credit) \
                 and (r.mark -> 'way') = (excluded.mark -> 'way') and (r.mark -> 'rows') = (excluded.mark -> 'rows')";
    let written = sql_query(sql)
        .bind::<Text, _>(tenant.as_str())
        .bind::<BigInt, _>(big(mark.refund.0)?)
        .bind::<Text, _>(account.as_str())
        .bind::<BigInt, _>(big(order.0)?)
        .bind::<BigInt, _>(big(mark.sales_order.0)?)
        .bind::<Nullable<BigInt>, _>(mark.credit.map(|credit| big(credit.0)).transpose()?)
        .bind::<Jsonb, _>(stored)
        .execute(conn)?;
    only_one(written, || format!("refund {} of {tenant} is booked otherwise already", mark.refund))
}

impl Db {
    /// Remembers what an order says of its refunds, now that all of them are booked.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn save_refunds_seen(&self, tenant: &TenantId, order: StoreOrderId, seen: &str) -> Result<(), DbError> {
        let (tenant, seen, now) = (tenant.clone(), seen.to_owned(), self.now());
        self.run(Lane::Hot, move |conn| {
            let sql = "insert into refunds_seen (tenant, store_order, seen, seen_at) values ($1, $2, $3, $4) \
                       on conflict (tenant, store_order) do update set seen = excluded.seen, seen_at = excluded.seen_at";
            let query = sql_query(sql).bind::<Text, _>(tenant.as_str()).bind::<BigInt, _>(big(order.0)?).bind::<Text, _>(seen);
            query.bind::<Timestamptz, _>(time(now)).execute(conn)?;
            Ok(())
        })
        .await
    }
}
