//! Which orders are linked, for reports and for doing things over again.

use std::collections::HashMap;

use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};
use jiff::Timestamp;
use orderbridge_schema::ids::{AccountCode, NoteId, StoreOrderId, TenantId};
use orderbridge_schema::link::NoteKind;

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::sql::{Number, big, bigs, parsed, time, unsigned};

/// Linked in a span of time; without an end, ever since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkedIn {
    /// From then on.
    pub from: Option<Timestamp>,
    /// Before then.
    pub to: Option<Timestamp>,
}

#[derive(QueryableByName)]
struct Noted {
    #[diesel(sql_type = BigInt)]
    note: i64,
    #[diesel(sql_type = Text)]
    tenant: String,
    #[diesel(sql_type = BigInt)]
    store_order: i64,
}

const WITHIN: &str =
    "from order_links where tenant = $1 and ($2::timestamptz is null or created_at >= $2) and ($3::timestamptz is null or created_at < $3)";

impl Db {
    /// The store orders that notes of an account were shipped for; a note that no shipment was made from has no entry.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn orders_of_notes(
        &self,
        account: &AccountCode,
        kind: NoteKind,
        notes: &[NoteId],
    ) -> Result<HashMap<NoteId, (TenantId, StoreOrderId)>, DbError> {
        let (account, notes) = (account.clone(), bigs(notes.iter().map(|note| note.0))?);
        self.run(Lane::Bulk, move |conn| {
            let sql = "select s.note, s.tenant, s.store_order from tenants t join shipment_links s on s.tenant = t.id \
                       where t.account = $1 and s.note_kind = $2 and s.note = any($3)";
            let query = sql_query(sql).bind::<Text, _>(account.as_str()).bind::<Text, _>(kind.as_str()).bind::<Array<BigInt>, _>(notes);
            let rows: Vec<Noted> = query.load(conn)?;
            let read = |row: Noted| Ok((NoteId(unsigned(row.note)?), (parsed(&row.tenant)?, StoreOrderId(unsigned(row.store_order)?))));
            rows.into_iter().map(read).collect()
        })
        .await
    }

    /// How many store orders of a tenant are linked.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn count_linked(&self, tenant: &TenantId, within: LinkedIn) -> Result<u64, DbError> {
        let tenant = tenant.clone();
        self.run(Lane::Bulk, move |conn| {
            let query = sql_query(format!("select count(distinct store_order) as n {WITHIN}")).bind::<Text, _>(tenant.as_str());
            let query = query.bind::<Nullable<Timestamptz>, _>(within.from.map(time)).bind::<Nullable<Timestamptz>, _>(within.to.map(time));
            unsigned(query.get_result::<Number>(conn)?.n)
        })
        .await
    }

    /// Linked store orders of a tenant in the order of their ids, those behind `after`, at most `limit` of them.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn linked_orders(
        &self,
        tenant: &TenantId,
        within: LinkedIn,
        after: Option<StoreOrderId>,
        limit: u32,
    ) -> Result<Vec<StoreOrderId>, DbError> {
        let (tenant, after) = (tenant.clone(), after.map(|order| big(order.0)).transpose()?.unwrap_or(-1));
        self.run(Lane::Bulk, move |conn| {
            let query = sql_query(format!("select distinct store_order as n {WITHIN} and store_order > $4 order by 1 limit $5"))
                .bind::<Text, _>(tenant.as_str())
                .bind::<Nullable<Timestamptz>, _>(within.from.map(time))
                .bind::<Nullable<Timestamptz>, _>(within.to.map(time))
                .bind::<BigInt, _>(after)
                .bind::<BigInt, _>(i64::from(limit));
            let rows: Vec<Number> = query.load(conn)?;
            rows.into_iter().map(|row| Ok(StoreOrderId(unsigned(row.n)?))).collect()
        })
        .await
    }
}
