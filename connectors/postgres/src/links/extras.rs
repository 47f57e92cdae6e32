//! How far reservations have come, and what stands of an order's texts on its sales orders. The later word takes the earlier one's place.

use diesel::pg::PgConnection;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use diesel::{RunQueryDsl as _, sql_query};
use jiff::Timestamp;
use orderbridge_schema::ids::{SalesOrderId, StoreOrderId, TenantId};
use orderbridge_schema::order_text::{SentText, TextDigest};
use orderbridge_schema::reservation::ReservationMark;
use serde::Deserialize;

use crate::error::DbError;
use crate::sql::{big, parsed, time};

#[derive(Deserialize)]
pub(super) struct StoredMark {
    sales_order: u64,
    state: String,
    tried_at: Option<Timestamp>,
}

impl StoredMark {
    pub(super) fn read(self) -> Result<ReservationMark, DbError> {
        Ok(ReservationMark { sales_order: SalesOrderId(self.sales_order), state: parsed(&self.state)?, tried_at: self.tried_at })
    }
}

#[derive(Deserialize)]
pub(super) struct StoredText {
    sales_order: u64,
    source: String,
    digest: String,
}

impl StoredText {
    pub(super) fn read(self) -> Result<SentText, DbError> {
        Ok(SentText { sales_order: SalesOrderId(self.sales_order), source: parsed(&self.source)?, digest: TextDigest(self.digest) })
    }
}

pub(super) fn write_reservation(conn: &mut PgConnection, tenant: &TenantId, order: StoreOrderId, mark: &ReservationMark) -> Result<(), DbError> {
    let sql = "insert into reservations (tenant, store_order, sales_order, state, tried_at) values ($1, $2, $3, $4, $5) \
               on conflict (tenant, store_order, sales_order) do update set state = excluded.state, tried_at = excluded.tried_at";
    sql_query(sql)
        .bind::<Text, _>(tenant.as_str())
        .bind::<BigInt, _>(big(order.0)?)
        .bind::<BigInt, _>(big(mark.sales_order.0)?)
        .bind::<Text, _>(mark.state.as_str())
        .bind::<Nullable<Timestamptz>, _>(mark.tried_at.map(time))
        .execute(conn)?;
    Ok(())
}

pub(super) fn write_text(conn: &mut PgConnection, tenant: &TenantId, order: StoreOrderId, text: &SentText) -> Result<(), DbError> {
    let sql = "insert into sent_texts (tenant, store_order, sales_order, source, digest) values ($1, $2, $3, $4, $5) \
               on conflict (tenant, store_order, sales_order, source) do update set digest = excluded.digest, sent_at = excluded.sent_at";
    sql_query(sql)
        .bind::<Text, _>(tenant.as_str())
        .bind::<BigInt, _>(big(order.0)?)
        .bind::<BigInt, _>(big(text.sales_order.0)?)
        .bind::<Text, _>(text.source.as_str())
        .bind::<Text, _>(&text.digest.0)
        .execute(conn)?;
    Ok(())
}
