//! What is known of store orders that have no sales order yet: the statuses they were seen in, the sales order a person named.

use std::collections::BTreeMap;

use diesel::pg::PgConnection;
use diesel::sql_types::{Array, BigInt, Integer, Text};
use diesel::{RunQueryDsl as _, sql_query};
use orderbridge_schema::ids::{SalesOrderId, StoreOrderId, TenantId};
use orderbridge_schema::seen::StatusSet;
use orderbridge_schema::work::{Upsert, WorkKind};

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::sql::{big, transaction};

/// Orders in the order of their keys, so that two writers never lock rows in opposite order. What is linked has no use for a mark, and what
/// is marked already is not written again.
const SEE: &str = "insert into order_marks as m (tenant, store_order, seen) \
     select s.t, s.o, s.b from unnest($1::text[], $2::bigint[], $3::int[]) as s (t, o, b) \
     where exists (select from tenants t where t.id = s.t) \
       and not exists (select from order_links l where l.tenant = s.t and l.store_order = s.o) order by 1, 2 \
     on conflict (tenant, store_order) do update set seen = m.seen | excluded.seen where m.seen & excluded.seen <> excluded.seen";

fn see(conn: &mut PgConnection, seen: &BTreeMap<(&str, u64), StatusSet>) -> Result<(), DbError> {
    if seen.is_empty() {
        return Ok(());
    }
    sql_query(SEE)
        .bind::<Array<Text>, _>(seen.keys().map(|(tenant, _)| *tenant).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(seen.keys().map(|(_, order)| big(*order)).collect::<Result<Vec<_>, _>>()?)
        .bind::<Array<Integer>, _>(seen.values().map(|set| set.bits()).collect::<Vec<_>>())
        .execute(conn)?;
    Ok(())
}

/// Remembers what events say orders came into, within a transaction of the caller's.
pub(crate) fn see_on(conn: &mut PgConnection, upserts: &[Upsert]) -> Result<(), DbError> {
    let mut seen: BTreeMap<(&str, u64), StatusSet> = BTreeMap::new();
    for upsert in upserts.iter().filter(|upsert| upsert.key.kind == WorkKind::Order && !upsert.seen.is_empty()) {
        let Some(tenant) = upsert.key.scope.tenant() else { continue };
        let set = seen.entry((tenant.as_str(), upsert.key.entity)).or_default();
        *set = set.with(upsert.seen);
    }
    see(conn, &seen)
}

/// Forgets what is known of an order that is linked now, within a transaction of the caller's.
pub(crate) fn forget_on(conn: &mut PgConnection, tenant: &TenantId, order: StoreOrderId) -> Result<(), DbError> {
    let query = sql_query("delete from order_marks where tenant = $1 and store_order = $2").bind::<Text, _>(tenant.as_str());
    query.bind::<BigInt, _>(big(order.0)?).execute(conn)?;
    Ok(())
}

impl Db {
    /// Remembers what reads saw an order in.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn note_seen(&self, tenant: &TenantId, order: StoreOrderId, seen: StatusSet) -> Result<(), DbError> {
        let tenant = tenant.clone();
        self.run(Lane::Hot, move |conn| see(conn, &BTreeMap::from([((tenant.as_str(), order.0), seen)]))).await
    }

    /// Forgets what an order was seen in, but for what it was seen in since.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn forget_seen(&self, tenant: &TenantId, order: StoreOrderId, seen: StatusSet) -> Result<(), DbError> {
        let (tenant, order) = (tenant.clone(), big(order.0)?);
        self.run(Lane::Hot, move |conn| {
            transaction(conn, |conn| {
                let sql = "update order_marks set seen = seen & ~$3 where tenant = $1 and store_order = $2";
                let query = sql_query(sql).bind::<Text, _>(tenant.as_str()).bind::<BigInt, _>(order);
                query.bind::<Integer, _>(seen.bits()).execute(conn)?;
                let sql = "delete from order_marks where tenant = $1 and store_order = $2 and seen = 0 and adopt is null";
                sql_query(sql).bind::<Text, _>(tenant.as_str()).bind::<BigInt, _>(order).execute(conn)?;
                Ok(())
            })
        })
        .await
    }

    /// Remembers which sales order a person says stands for an order, instead of any named before. False if the order is linked already.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn want_adoption(&self, tenant: &TenantId, order: StoreOrderId, sales_order: SalesOrderId) -> Result<bool, DbError> {
        let (tenant, order, sales_order) = (tenant.clone(), big(order.0)?, big(sales_order.0)?);
        self.run(Lane::Hot, move |conn| {
            let sql = "insert into order_marks as m (tenant, store_order, adopt) select $1, $2, $3 \
                       where not exists (select from order_links l where l.tenant = $1 and l.store_order = $2) \
                       on conflict (tenant, store_order) do update set adopt = excluded.adopt";
            let query = sql_query(sql).bind::<Text, _>(tenant.as_str()).bind::<BigInt, _>(order).bind::<BigInt, _>(sales_order);
            Ok(query.execute(conn)? == 1)
        })
        .await
    }
}
