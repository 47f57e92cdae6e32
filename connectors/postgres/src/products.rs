//! Products' identities, per account: which SKU is which product.

use std::collections::{BTreeMap, HashMap};

use diesel::pg::PgConnection;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz};
use diesel::{OptionalExtension as _, QueryableByName, RunQueryDsl as _, sql_query};
use jiff::Timestamp;
use orderbridge_schema::facts::ProductIdentity;
use orderbridge_schema::ids::{AccountCode, ProductId, TenantId};
use orderbridge_schema::work::Scope;

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::sql::{Time, Word, big, jiff_time, parsed, time, transaction, unsigned};
use crate::work::{release_on, sku_causes};

/// How far an account's catalogue was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CatalogueState {
    /// When the whole catalogue was last read; `None` before that.
    pub loaded_at: Option<Timestamp>,
    /// Brightpearl's time up to which changes were read.
    pub watermark: Option<Timestamp>,
}

/// The compared form of a SKU: outer blanks and case do not count.
pub(crate) fn sku_key(sku: &str) -> String {
    sku.trim().to_lowercase()
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    sku_key: String,
    #[diesel(sql_type = BigInt)]
    product: i64,
}

#[derive(QueryableByName)]
struct Tracked {
    #[diesel(sql_type = BigInt)]
    product: i64,
    #[diesel(sql_type = Bool)]
    stock_tracked: bool,
}

#[derive(QueryableByName)]
struct StateRow {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    catalogue_loaded_at: Option<Time>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    catalogue_watermark: Option<Time>,
}

/// Live products by compared SKU.
fn live_products(conn: &mut PgConnection, account: &str, keys: &[String]) -> Result<BTreeMap<String, Vec<ProductId>>, DbError> {
    let sql = "select sku_key, product from product_identities where account = $1 and sku_key = any($2) and live order by product";
    let rows: Vec<Found> = sql_query(sql).bind::<Text, _>(account).bind::<Array<Text>, _>(keys).load(conn)?;
    let mut found: BTreeMap<String, Vec<ProductId>> = BTreeMap::new();
    for row in rows {
        found.entry(row.sku_key).or_default().push(ProductId(unsigned(row.product)?));
    }
    Ok(found)
}

/// Writes the identities that differ from what is stored; the rest costs no write.
fn write_products(conn: &mut PgConnection, account: &str, products: &BTreeMap<u64, &ProductIdentity>) -> Result<Vec<String>, DbError> {
    let sql = "with given as (select * from unnest($2::bigint[], $3::text[], $4::text[], $5::boolean[], $6::boolean[]) as g (product, sku, sku_key, live, stock_tracked)), \
       changed as (select g.*, p.sku_key as former from given g left join product_identities p on p.account = $1 and p.product = g.product \
         where p.product is null or (p.sku, p.live, p.stock_tracked) is distinct from (g.sku, g.live, coalesce(g.stock_tracked, p.stock_tracked))), \
       written as (insert into product_identities as p (account, product, sku, sku_key, live, stock_tracked) \
         select $1, product, sku, sku_key, live, stock_tracked from changed order by product \
         on conflict (account, product) do update set sku = excluded.sku, sku_key = excluded.sku_key, live = excluded.live, \
           stock_tracked = coalesce(excluded.stock_tracked, p.stock_tracked)) \
     select distinct t from (select sku_key as t from changed union all select former from changed where former is not null) as keys where t <> '' order by t";
    let query = sql_query(sql)
        .bind::<Text, _>(account)
        .bind::<Array<BigInt>, _>(products.keys().map(|&id| big(id)).collect::<Result<Vec<_>, _>>()?)
        .bind::<Array<Text>, _>(products.values().map(|product| product.sku.trim()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(products.values().map(|product| sku_key(&product.sku)).collect::<Vec<_>>())
        .bind::<Array<Bool>, _>(products.values().map(|product| product.live).collect::<Vec<_>>())
        .bind::<Array<Nullable<Bool>>, _>(products.values().map(|product| product.stock_tracked).collect::<Vec<_>>());
    Ok(query.load::<Word>(conn)?.into_iter().map(|word| word.t).collect())
}

/// Saves and releases; gives the compared SKUs that became known.
fn save_on(conn: &mut PgConnection, account: &str, products: &[ProductIdentity], now: Timestamp) -> Result<Vec<String>, DbError> {
    // Holds for unknown SKUs take this row shared: none can slip in between the products and their release.
    sql_query("select code as t from accounts where code = $1 for no key update").bind::<Text, _>(account).execute(conn)?;
    let given: BTreeMap<u64, &ProductIdentity> = products.iter().map(|product| (product.id.0, product)).collect();
    let skus: Vec<String> = products.iter().map(|product| sku_key(&product.sku)).collect();
    let before = live_products(conn, account, &skus)?;
    let touched = write_products(conn, account, &given)?;
    if touched.is_empty() {
        return Ok(Vec::new());
    }
    let live = live_products(conn, account, &touched)?;
    let known: Vec<String> = touched.iter().filter(|sku| live.contains_key(*sku)).cloned().collect();
    let unique: Vec<String> = touched.iter().filter(|sku| live.get(*sku).is_none_or(|products| products.len() < 2)).cloned().collect();
    let tenants: Vec<Word> = sql_query("select id as t from tenants where account = $1 order by id").bind::<Text, _>(account).load(conn)?;
    for tenant in tenants {
        let scope = Scope::Tenant(parsed::<TenantId>(&tenant.t)?);
        release_on(conn, &sku_causes("unknown-sku", &known), Some(&scope), now)?;
        release_on(conn, &sku_causes("ambiguous-sku", &unique), Some(&scope), now)?;
    }
    Ok(known.into_iter().filter(|sku| !before.contains_key(sku)).collect())
}

impl Db {
    /// Saves identities of an account's products. Orders that wait for a SKU which is known now, or no longer ambiguous, are released
    /// in the same transaction, oldest first. Gives the SKUs that became known, in lower case.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn save_products(&self, account: &AccountCode, products: &[ProductIdentity]) -> Result<Vec<String>, DbError> {
        let (account, products, now) = (account.clone(), products.to_vec(), self.now());
        self.run(Lane::Bulk, move |conn| transaction(conn, |conn| save_on(conn, account.as_str(), &products, now))).await
    }

    /// Live products by SKU, as the caller spelled it; a SKU without any has no entry. Outer blanks and case do not count.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn products_by_sku(&self, account: &AccountCode, skus: &[String]) -> Result<HashMap<String, Vec<ProductId>>, DbError> {
        let (account, skus) = (account.clone(), skus.to_vec());
        self.run(Lane::Hot, move |conn| {
            let keys: Vec<String> = skus.iter().map(|sku| sku_key(sku)).filter(|key| !key.is_empty()).collect();
            let found = live_products(conn, account.as_str(), &keys)?;
            let spelled = skus.into_iter().filter_map(|sku| found.get(&sku_key(&sku)).cloned().map(|products| (sku, products)));
            Ok(spelled.collect())
        })
        .await
    }

    /// Whether stock is kept of these products, as far as Brightpearl has said.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn stock_tracked(&self, account: &AccountCode, products: &[ProductId]) -> Result<HashMap<ProductId, bool>, DbError> {
        let account = account.clone();
        let ids = products.iter().map(|product| big(product.0)).collect::<Result<Vec<_>, _>>()?;
        self.run(Lane::Hot, move |conn| {
            let sql = "select product, stock_tracked from product_identities where account = $1 and product = any($2) and stock_tracked is not null";
            let rows: Vec<Tracked> = sql_query(sql).bind::<Text, _>(account.as_str()).bind::<Array<BigInt>, _>(ids).load(conn)?;
            rows.into_iter().map(|row| Ok((ProductId(unsigned(row.product)?), row.stock_tracked))).collect()
        })
        .await
    }

    /// How far an account's catalogue was read.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn catalogue_state(&self, account: &AccountCode) -> Result<CatalogueState, DbError> {
        let account = account.clone();
        self.run(Lane::Hot, move |conn| {
            let sql = "select catalogue_loaded_at, catalogue_watermark from accounts where code = $1";
            let row: Option<StateRow> = sql_query(sql).bind::<Text, _>(account.as_str()).get_result(conn).optional()?;
            let read =
                |row: StateRow| CatalogueState { loaded_at: jiff_time(row.catalogue_loaded_at), watermark: jiff_time(row.catalogue_watermark) };
            Ok(row.map(read).unwrap_or_default())
        })
        .await
    }

    /// Remembers how far an account's catalogue was read.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn set_catalogue_state(&self, account: &AccountCode, state: CatalogueState) -> Result<(), DbError> {
        let account = account.clone();
        self.run(Lane::Hot, move |conn| {
            let sql = "update accounts set catalogue_loaded_at = $2, catalogue_watermark = $3 where code = $1";
            sql_query(sql)
                .bind::<Text, _>(account.as_str())
                .bind::<Nullable<Timestamptz>, _>(state.loaded_at.map(time))
                .bind::<Nullable<Timestamptz>, _>(state.watermark.map(time))
                .execute(conn)?;
            Ok(())
        })
        .await
    }
}
