//! Writing links: the same one twice is fine, another one in its place never.

use diesel::pg::PgConnection;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Text};
use diesel::{RunQueryDsl as _, sql_query};
use orderbridge_schema::decision::Hold;
use orderbridge_schema::ids::{AccountCode, SalesOrderId, StoreOrderId, TenantId};
use orderbridge_schema::link::{ContactLink, OrderLink, RowLink, ShipmentLink};
use orderbridge_schema::work::{Scope, WorkKey, WorkKind};
use rust_decimal::Decimal;

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::links::customer::write_customer;
use crate::links::marks::forget_on;
use crate::links::payment::write_payment;
use crate::links::refund::write_refund;
use crate::links::{Comparison, NewLink, extras, in_step};
use crate::sql::{big, bigs, small, transaction};
use crate::timeline::{TimelineEntry, append_on};
use crate::work::record_holds_on;

/// Writes links within a transaction of the caller's.
pub(crate) fn write_links(conn: &mut PgConnection, account: &AccountCode, links: &[NewLink]) -> Result<(), DbError> {
    for link in links {
        match link {
            NewLink::Order(tenant, link) => write_order(conn, account, tenant, link)?,
            NewLink::Shipment(tenant, link) => write_shipment(conn, tenant, link)?,
            NewLink::Payment(tenant, link) => write_payment(conn, account, tenant, link)?,
            NewLink::Contact(link) => write_contact(conn, account, link)?,
            NewLink::Reservation(tenant, order, mark) => extras::write_reservation(conn, tenant, *order, mark)?,
            NewLink::Refund(tenant, order, mark) => write_refund(conn, account, tenant, *order, mark)?,
            NewLink::Text(tenant, order, text) => extras::write_text(conn, tenant, *order, text)?,
            NewLink::Rate(tenant, sales_order, rate) => write_rate(conn, tenant, *sales_order, *rate)?,
            NewLink::Customer(tenant, said) => write_customer(conn, tenant, said)?,
            NewLink::InStep(tenant, order, now) => in_step::write_in_step(conn, tenant, *order, now)?,
            NewLink::Absence(tenant, order, absence) => in_step::write_absence(conn, tenant, *order, absence)?,
            NewLink::FoundAgain(tenant, order, what) => in_step::forget_absence(conn, tenant, *order, *what)?,
        }
    }
    Ok(())
}

fn write_order(conn: &mut PgConnection, account: &AccountCode, tenant: &TenantId, link: &OrderLink) -> Result<(), DbError> {
    let sql = "insert into order_links as l (tenant, store_order, part, account, sales_order, installation, external_ref, verified) values ($1, $2, $3, $4, $5, $6, $7, $8) \
               on conflict (tenant, store_order, part) do update set verified = l.verified or excluded.verified where l.sales_order = excluded.sales_order";
    let written = sql_query(sql)
        .bind::<Text, _>(tenant.as_str())
        .bind::<BigInt, _>(big(link.order.0)?)
        .bind::<Integer, _>(small(link.part)?)
        .bind::<Text, _>(account.as_str())
        .bind::<BigInt, _>(big(link.sales_order.0)?)
        .bind::<BigInt, _>(big(link.installation.0)?)
        .bind::<Text, _>(&link.external_ref)
        .bind::<Bool, _>(link.verified)
        .execute(conn)?;
    only_one(written, || format!("store order {} of {tenant} is linked to another sales order than {}", link.order, link.sales_order))?;
    forget_on(conn, tenant, link.order)?;
    // It may have been seen before its link was.
    let sql = "delete from foreign_orders where account = $1 and sales_order = $2";
    sql_query(sql).bind::<Text, _>(account.as_str()).bind::<BigInt, _>(big(link.sales_order.0)?).execute(conn)?;
    Ok(())
}

/// The first rate stays: the sales order was made with it.
fn write_rate(conn: &mut PgConnection, tenant: &TenantId, sales_order: SalesOrderId, rate: Decimal) -> Result<(), DbError> {
    let sql = "update order_links set exchange_rate = coalesce(exchange_rate, $3::numeric) where tenant = $1 and sales_order = $2";
    let query = sql_query(sql).bind::<Text, _>(tenant.as_str()).bind::<BigInt, _>(big(sales_order.0)?);
    query.bind::<Text, _>(rate.to_string()).execute(conn)?;
    Ok(())
}

fn write_shipment(conn: &mut PgConnection, tenant: &TenantId, link: &ShipmentLink) -> Result<(), DbError> {
    let sql = "insert into shipment_links as l (tenant, note_kind, note, store_order, address, shipment) values ($1, $2, $3, $4, $5, $6) \
               on conflict (tenant, note_kind, note, address) do update set shipment = l.shipment where l.shipment = excluded.shipment";
    let written = sql_query(sql)
        .bind::<Text, _>(tenant.as_str())
        .bind::<Text, _>(link.kind.as_str())
        .bind::<BigInt, _>(big(link.note.0)?)
        .bind::<BigInt, _>(big(link.order.0)?)
        .bind::<BigInt, _>(big(link.address.0)?)
        .bind::<BigInt, _>(big(link.shipment.0)?)
        .execute(conn)?;
    only_one(written, || format!("{} {} of {tenant} is linked to another shipment than {}", link.kind, link.note, link.shipment))
}

fn write_contact(conn: &mut PgConnection, account: &AccountCode, link: &ContactLink) -> Result<(), DbError> {
    // A contact whose address was changed in Brightpearl is found by the new one: the former address stands for nobody then.
    let sql = "delete from contact_links where account = $1 and contact = $3 and email_hash <> $2";
    sql_query(sql).bind::<Text, _>(account.as_str()).bind::<Text, _>(&link.email_hash).bind::<BigInt, _>(big(link.contact.0)?).execute(conn)?;
    let sql = "insert into contact_links as l (account, email_hash, contact) values ($1, $2, $3) \
               on conflict (account, email_hash) do update set contact = l.contact where l.contact = excluded.contact";
    let query = sql_query(sql).bind::<Text, _>(account.as_str()).bind::<Text, _>(&link.email_hash);
    let written = query.bind::<BigInt, _>(big(link.contact.0)?).execute(conn)?;
    only_one(written, || format!("a customer of account {account} is linked to another contact than {}", link.contact))
}

pub(super) fn only_one(written: usize, what: impl FnOnce() -> String) -> Result<(), DbError> {
    if written == 1 { Ok(()) } else { Err(DbError::Conflict(what())) }
}

pub(super) fn write_rows(
    conn: &mut PgConnection,
    tenant: &TenantId,
    order: StoreOrderId,
    sales_order: SalesOrderId,
    rows: &[RowLink],
) -> Result<(), DbError> {
    let sql = "insert into row_links (tenant, store_order, sales_order, line, address, row_id, product, quantity, shippable) \
               select $1, $2, $3, * from unnest($4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::boolean[]) \
               on conflict (tenant, store_order, sales_order, line) do update set address = excluded.address, row_id = excluded.row_id, \
                 product = excluded.product, quantity = excluded.quantity, shippable = excluded.shippable";
    sql_query(sql)
        .bind::<Text, _>(tenant.as_str())
        .bind::<BigInt, _>(big(order.0)?)
        .bind::<BigInt, _>(big(sales_order.0)?)
        .bind::<Array<BigInt>, _>(bigs(rows.iter().map(|row| row.line.0))?)
        .bind::<Array<BigInt>, _>(bigs(rows.iter().map(|row| row.address.0))?)
        .bind::<Array<BigInt>, _>(bigs(rows.iter().map(|row| row.row.0))?)
        .bind::<Array<BigInt>, _>(bigs(rows.iter().map(|row| row.product.0))?)
        .bind::<Array<BigInt>, _>(rows.iter().map(|row| i64::from(row.quantity)).collect::<Vec<_>>())
        .bind::<Array<Bool>, _>(rows.iter().map(|row| row.shippable).collect::<Vec<_>>())
        .execute(conn)?;
    Ok(())
}

impl Db {
    /// Remembers links that were found, not made: an order of an earlier installation, a shipment with our mark, a matched contact.
    ///
    /// # Errors
    /// [`DbError::Conflict`] if one side is linked otherwise; nothing is written then.
    pub async fn save_links(&self, account: &AccountCode, links: &[NewLink], timeline: &[TimelineEntry]) -> Result<(), DbError> {
        let (account, links, timeline) = (account.clone(), links.to_vec(), timeline.to_vec());
        self.run(Lane::Hot, move |conn| {
            transaction(conn, |conn| {
                write_links(conn, &account, &links)?;
                append_on(conn, &timeline)
            })
        })
        .await
    }

    /// Remembers that a sales order was compared with its store order: its rows, and whatever is held because of a difference. One
    /// without the other would be a difference that nobody ever hears of.
    ///
    /// # Errors
    /// [`DbError`]; nothing is written then.
    pub async fn save_comparison(
        &self,
        tenant: &TenantId,
        order: StoreOrderId,
        sales_order: SalesOrderId,
        rows: &[RowLink],
        holds: &[Hold],
        rules_version: i64,
    ) -> Result<Comparison, DbError> {
        let (tenant, rows, holds, now) = (tenant.clone(), rows.to_vec(), holds.to_vec(), self.now());
        let key = WorkKey { scope: Scope::Tenant(tenant.clone()), kind: WorkKind::Order, entity: order.0 };
        self.run(Lane::Hot, move |conn| {
            transaction(conn, |conn| {
                if !record_holds_on(conn, &key, &holds, rules_version, now)? {
                    return Ok(Comparison::Outdated);
                }
                let sql = "update order_links set verified = true where tenant = $1 and store_order = $2 and sales_order = $3";
                let query = sql_query(sql).bind::<Text, _>(tenant.as_str()).bind::<BigInt, _>(big(order.0)?);
                if query.bind::<BigInt, _>(big(sales_order.0)?).execute(conn)? == 0 {
                    return Ok(Comparison::NotLinked);
                }
                write_rows(conn, &tenant, order, sales_order, &rows)?;
                Ok(Comparison::Stored)
            })
        })
        .await
    }
}
