//! Finding links by the other side.

use std::collections::{HashMap, HashSet};

use diesel::sql_types::{Array, BigInt, Text};
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};
use orderbridge_schema::ids::{AccountCode, ContactId, InstallationId, SalesOrderId, StoreOrderId, TenantId};

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::sql::{Number, big, bigs, parsed, unsigned};

#[derive(QueryableByName)]
struct Routed {
    #[diesel(sql_type = BigInt)]
    sales_order: i64,
    #[diesel(sql_type = Text)]
    tenant: String,
    #[diesel(sql_type = BigInt)]
    store_order: i64,
}

#[derive(QueryableByName)]
struct Contact {
    #[diesel(sql_type = Text)]
    email_hash: String,
    #[diesel(sql_type = BigInt)]
    contact: i64,
}

impl Db {
    /// Whose store orders these sales orders stand for; one without a link has no entry.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn orders_of_sales_orders(
        &self,
        account: &AccountCode,
        sales_orders: &[SalesOrderId],
    ) -> Result<HashMap<SalesOrderId, (TenantId, StoreOrderId)>, DbError> {
        let (account, ids) = (account.clone(), bigs(sales_orders.iter().map(|order| order.0))?);
        self.run(Lane::Hot, move |conn| {
            let sql = "select sales_order, tenant, store_order from order_links where account = $1 and sales_order = any($2)";
            let rows: Vec<Routed> = sql_query(sql).bind::<Text, _>(account.as_str()).bind::<Array<BigInt>, _>(ids).load(conn)?;
            let read = |row: Routed| Ok((SalesOrderId(unsigned(row.sales_order)?), (parsed(&row.tenant)?, StoreOrderId(unsigned(row.store_order)?))));
            rows.into_iter().map(read).collect()
        })
        .await
    }

    /// Contacts by the keyed hash of their e-mail address.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn contact_links(&self, account: &AccountCode, email_hashes: &[String]) -> Result<HashMap<String, ContactId>, DbError> {
        let (account, hashes) = (account.clone(), email_hashes.to_vec());
        self.run(Lane::Hot, move |conn| {
            let sql = "select email_hash, contact from contact_links where account = $1 and email_hash = any($2)";
            let rows: Vec<Contact> = sql_query(sql).bind::<Text, _>(account.as_str()).bind::<Array<Text>, _>(hashes).load(conn)?;
            rows.into_iter().map(|row| Ok((row.email_hash, ContactId(unsigned(row.contact)?)))).collect()
        })
        .await
    }

    /// Forgets a contact that Brightpearl does not know any more, and lets it be made anew. False if there was none.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn drop_contact_link(&self, account: &AccountCode, email_hash: &str) -> Result<bool, DbError> {
        let (account, hash) = (account.clone(), email_hash.to_owned());
        self.run(Lane::Hot, move |conn| {
            let sql = "with dropped as (delete from contact_links where account = $1 and email_hash = $2 returning 1), \
                       reopened as (update commands set state = 'planned', revision = revision + 1, result_id = null, misses = 0, changed_at = now() \
                         where scope = '@' || $1 and kind = 'create-contact' and id = $2 and state = 'confirmed' and exists (select from dropped)) \
                       select count(*) as n from dropped";
            let gone: Number = sql_query(sql).bind::<Text, _>(account.as_str()).bind::<Text, _>(&hash).get_result(conn)?;
            Ok(gone.n > 0)
        })
        .await
    }

    /// Remembers sales orders that are none of ours.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn remember_foreign(&self, account: &AccountCode, sales_orders: &[SalesOrderId]) -> Result<(), DbError> {
        let (account, ids) = (account.clone(), bigs(sales_orders.iter().map(|order| order.0))?);
        self.run(Lane::Hot, move |conn| {
            let sql =
                "insert into foreign_orders (account, sales_order) select distinct $1, o from unnest($2) as o order by o on conflict do nothing";
            sql_query(sql).bind::<Text, _>(account.as_str()).bind::<Array<BigInt>, _>(ids).execute(conn)?;
            Ok(())
        })
        .await
    }

    /// Which of these are remembered as none of ours.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn foreign(&self, account: &AccountCode, sales_orders: &[SalesOrderId]) -> Result<HashSet<SalesOrderId>, DbError> {
        let (account, ids) = (account.clone(), bigs(sales_orders.iter().map(|order| order.0))?);
        self.run(Lane::Hot, move |conn| {
            let sql = "select sales_order as n from foreign_orders where account = $1 and sales_order = any($2)";
            let rows: Vec<Number> = sql_query(sql).bind::<Text, _>(account.as_str()).bind::<Array<BigInt>, _>(ids).load(conn)?;
            rows.into_iter().map(|row| Ok(SalesOrderId(unsigned(row.n)?))).collect()
        })
        .await
    }
}

impl Db {
    /// Whether there was another installation of ours in an account than this one: then an order is looked for before it is made, because Brightpearl's own key includes the installation (BP §e.2).
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn has_other_installations(&self, account: &AccountCode, installation: InstallationId) -> Result<bool, DbError> {
        let (account, installation) = (account.clone(), big(installation.0)?);
        self.run(Lane::Hot, move |conn| {
            let sql = "select count(*) as n from accounts where code = $1 and exists (select from unnest(installations) as i (id) where i.id <> $2)";
            let found = sql_query(sql).bind::<Text, _>(account.as_str()).bind::<BigInt, _>(installation).get_result::<Number>(conn)?;
            Ok(found.n > 0)
        })
        .await
    }
}
