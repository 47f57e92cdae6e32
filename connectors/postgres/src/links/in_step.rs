//! What sales orders and their store orders had in common when they were in step, and what of an order was missed.

use diesel::pg::PgConnection;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz};
use diesel::{RunQueryDsl as _, sql_query};
use jiff::Timestamp;
use orderbridge_schema::edit::{Absence, Contents, InStep, Missing, NowInStep, OwnedRow};
use orderbridge_schema::ids::{SalesOrderId, StoreOrderId, TenantId};
use orderbridge_schema::link::RowLink;
use orderbridge_schema::order_text::TextDigest;
use serde::Deserialize;

use crate::error::DbError;
use crate::links::write::write_rows;
use crate::sql::{big, bigs, time};

#[derive(Deserialize)]
pub(super) struct StoredInStep {
    sales_order: u64,
    seen_at: Timestamp,
    amounts: String,
    lines: String,
    billing: String,
    delivery: String,
    shipping: String,
    rows: Vec<OwnedRow>,
}

impl StoredInStep {
    pub(super) fn read(self) -> InStep {
        let [amounts, lines, billing, delivery, shipping] = [self.amounts, self.lines, self.billing, self.delivery, self.shipping].map(TextDigest);
        let contents = Contents { amounts, lines, billing, delivery, shipping };
        InStep { sales_order: SalesOrderId(self.sales_order), seen_at: self.seen_at, contents, rows: self.rows }
    }
}

#[derive(Deserialize)]
pub(super) struct StoredAbsence {
    what: String,
    sales_order: u64,
    since: Timestamp,
    gone_at: Option<Timestamp>,
}

impl StoredAbsence {
    pub(super) fn read(self) -> Result<Absence, DbError> {
        let sales_order = Some(self.sales_order).filter(|id| *id > 0).map(SalesOrderId);
        let what = Missing::stored(&self.what, sales_order).map_err(|error| DbError::Data(format!("a stored absence cannot be read: {error}")))?;
        Ok(Absence { what, since: self.since, gone_at: self.gone_at })
    }
}

/// With the rows of the store's lines, if they are other ones: a row that is gone stands for nothing any more.
pub(super) fn write_in_step(conn: &mut PgConnection, tenant: &TenantId, order: StoreOrderId, now: &NowInStep) -> Result<(), DbError> {
    let mark = &now.mark;
    let rows = serde_json::to_value(&mark.rows).map_err(|error| DbError::Data(format!("rows cannot be stored: {error}")))?;
    let sql = "insert into orders_in_step (tenant, store_order, sales_order, seen_at, amounts, lines, billing, delivery, shipping, rows) \
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
               on conflict (tenant, store_order, sales_order) do update set seen_at = excluded.seen_at, amounts = excluded.amounts, \
                 lines = excluded.lines, billing = excluded.billing, delivery = excluded.delivery, shipping = excluded.shipping, \
                 rows = excluded.rows";
    sql_query(sql)
        .bind::<Text, _>(tenant.as_str())
        .bind::<BigInt, _>(big(order.0)?)
        .bind::<BigInt, _>(big(mark.sales_order.0)?)
        .bind::<Timestamptz, _>(time(mark.seen_at))
        .bind::<Text, _>(&mark.contents.amounts.0)
        .bind::<Text, _>(&mark.contents.lines.0)
        .bind::<Text, _>(&mark.contents.billing.0)
        .bind::<Text, _>(&mark.contents.delivery.0)
        .bind::<Text, _>(&mark.contents.shipping.0)
        .bind::<Jsonb, _>(rows)
        .execute(conn)?;
    now.row_links.as_ref().map_or(Ok(()), |links| replace_rows(conn, tenant, order, mark.sales_order, links))
}

fn replace_rows(
    conn: &mut PgConnection,
    tenant: &TenantId,
    order: StoreOrderId,
    sales_order: SalesOrderId,
    links: &[RowLink],
) -> Result<(), DbError> {
    let sql = "delete from row_links where tenant = $1 and store_order = $2 and sales_order = $3 and not (line = any($4))";
    sql_query(sql)
        .bind::<Text, _>(tenant.as_str())
        .bind::<BigInt, _>(big(order.0)?)
        .bind::<BigInt, _>(big(sales_order.0)?)
        .bind::<Array<BigInt>, _>(bigs(links.iter().map(|link| link.line.0))?)
        .execute(conn)?;
    write_rows(conn, tenant, order, sales_order, links)
}

pub(super) fn write_absence(conn: &mut PgConnection, tenant: &TenantId, order: StoreOrderId, absence: &Absence) -> Result<(), DbError> {
    let sql = "insert into order_absences (tenant, store_order, what, sales_order, since, gone_at) values ($1, $2, $3, $4, $5, $6) \
               on conflict (tenant, store_order, what, sales_order) do update set gone_at = excluded.gone_at";
    sql_query(sql)
        .bind::<Text, _>(tenant.as_str())
        .bind::<BigInt, _>(big(order.0)?)
        .bind::<Text, _>(absence.what.as_str())
        .bind::<BigInt, _>(sales_order_of(absence.what)?)
        .bind::<Timestamptz, _>(time(absence.since))
        .bind::<Nullable<Timestamptz>, _>(absence.gone_at.map(time))
        .execute(conn)?;
    Ok(())
}

pub(super) fn forget_absence(conn: &mut PgConnection, tenant: &TenantId, order: StoreOrderId, what: Missing) -> Result<(), DbError> {
    let sql = "delete from order_absences where tenant = $1 and store_order = $2 and what = $3 and sales_order = $4";
    let query = sql_query(sql).bind::<Text, _>(tenant.as_str()).bind::<BigInt, _>(big(order.0)?);
    query.bind::<Text, _>(what.as_str()).bind::<BigInt, _>(sales_order_of(what)?).execute(conn)?;
    Ok(())
}

/// 0 for what is no sales order.
fn sales_order_of(what: Missing) -> Result<i64, DbError> {
    big(what.sales_order().map_or(0, |id| id.0))
}
