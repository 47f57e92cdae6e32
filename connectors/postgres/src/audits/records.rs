//! What our own records know of the orders that an audit compares.

use std::collections::HashMap;

use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text};
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};
use orderbridge_schema::command::CommandKind;
use orderbridge_schema::ids::{StoreOrderId, TenantId};
use rust_decimal::Decimal;

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::sql::{Number, bigs, count, unsigned};

/// Held orders that an audit tells of although they were placed before its window.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditRecords {
    /// Orders whose creation is held, the newest first.
    pub held: Vec<StoreOrderId>,
    /// How many more there are.
    pub more: u64,
}

/// What a store order said when its sales order was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentTotals {
    /// Its total with tax.
    pub total: Decimal,
    /// The tax in it.
    pub tax: Decimal,
}

#[derive(QueryableByName)]
struct SentRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Nullable<Text>)]
    total: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    tax: Option<String>,
}

#[derive(QueryableByName)]
struct DueRow {
    #[diesel(sql_type = BigInt)]
    entity: i64,
    #[diesel(sql_type = Integer)]
    attempts: i32,
}

impl Db {
    /// Orders of a tenant whose creation is held, the newest first.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn held_creations(&self, tenant: &TenantId, limit: u32) -> Result<AuditRecords, DbError> {
        let tenant = tenant.clone();
        self.run(Lane::Bulk, move |conn| {
            let sql = "select distinct entity as n from holds \
                       where scope = $1 and kind = 'order' and effect = 'creation' and released_at is null order by 1 desc";
            let rows: Vec<Number> = sql_query(sql).bind::<Text, _>(tenant.as_str()).load(conn)?;
            let kept = usize::try_from(limit).unwrap_or(usize::MAX);
            let more = u64::try_from(rows.len().saturating_sub(kept)).unwrap_or(u64::MAX);
            let held = rows.into_iter().take(kept).map(|row| unsigned(row.n).map(StoreOrderId)).collect::<Result<_, _>>()?;
            Ok(AuditRecords { held, more })
        })
        .await
    }

    /// Which of these orders have work that is due, and how often it was tried.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn due_orders(&self, tenant: &TenantId, orders: &[StoreOrderId]) -> Result<HashMap<StoreOrderId, u32>, DbError> {
        let (tenant, ids) = (tenant.clone(), bigs(orders.iter().map(|order| order.0))?);
        self.run(Lane::Bulk, move |conn| {
            let sql = "select entity, attempts from work_items where scope = $1 and kind = 'order' and entity = any($2) and state = 'ready'";
            let rows: Vec<DueRow> = sql_query(sql).bind::<Text, _>(tenant.as_str()).bind::<Array<BigInt>, _>(ids).load(conn)?;
            rows.into_iter().map(|row| Ok((StoreOrderId(unsigned(row.entity)?), count(row.attempts)))).collect()
        })
        .await
    }

    /// What store orders said when their sales orders were made, by the keys of these, as far as the journal knows.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn sent_totals(&self, tenant: &TenantId, keys: Vec<String>) -> Result<HashMap<String, SentTotals>, DbError> {
        let tenant = tenant.clone();
        self.run(Lane::Bulk, move |conn| {
            let sql = "select id, explanation #>> '{facts,store_order,total}' as total, explanation #>> '{facts,store_order,tax}' as tax \
                       from commands where scope = $1 and kind = $2 and id = any($3)";
            let query = sql_query(sql).bind::<Text, _>(tenant.as_str()).bind::<Text, _>(CommandKind::CreateSalesOrder.as_str());
            let rows: Vec<SentRow> = query.bind::<Array<Text>, _>(keys).load(conn)?;
            let read = |row: SentRow| {
                let (total, tax) = (row.total?.parse().ok()?, row.tax?.parse().ok()?);
                Some((row.id, SentTotals { total, tax }))
            };
            Ok(rows.into_iter().filter_map(read).collect())
        })
        .await
    }
}
