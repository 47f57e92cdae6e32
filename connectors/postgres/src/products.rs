//! Products' identities, per account: by what each product is found.

use std::collections::{BTreeMap, HashMap};

use diesel::pg::PgConnection;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz};
use diesel::{OptionalExtension as _, QueryableByName, RunQueryDsl as _, sql_query};
use jiff::Timestamp;
use orderbridge_schema::facts::ProductIdentity;
use orderbridge_schema::ids::{AccountCode, ProductId, TenantId};
use orderbridge_schema::rules::ProductField;
use orderbridge_schema::work::Scope;
use serde_json::{Map, Value};

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::sql::{Number, Time, Word, big, jiff_time, parsed, time, transaction, unsigned};
use crate::work::{Causes, identity_causes, release_on};

/// How far an account's catalogue was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CatalogueState {
    /// When the whole catalogue was last read; `None` before that.
    pub loaded_at: Option<Timestamp>,
    /// Brightpearl's time up to which changes were read.
    pub watermark: Option<Timestamp>,
}

/// The compared form of a SKU or another identity: outer blanks and case do not count.
pub(crate) fn sku_key(sku: &str) -> String {
    sku.trim().to_lowercase()
}

/// A live product and how it spells what it was found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchingProduct {
    /// Which product.
    pub product: ProductId,
    /// The text, trimmed.
    pub text: String,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    code_key: String,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = BigInt)]
    product: i64,
}

/// A value of a field by which products are found, as it is compared.
#[derive(QueryableByName)]
struct Touched {
    #[diesel(sql_type = Text)]
    field: String,
    #[diesel(sql_type = Text)]
    code_key: String,
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

/// Live products by the compared value of a field.
pub(crate) fn live_products(
    conn: &mut PgConnection,
    account: &str,
    field: ProductField,
    keys: &[String],
) -> Result<BTreeMap<String, Vec<MatchingProduct>>, DbError> {
    let name = field.as_str();
    let sql = format!(
        "select {name}_key as code_key, {name} as code, product from product_identities \
         where account = $1 and {name}_key = any($2) and live and {name}_key <> '' order by product"
    );
    let rows: Vec<Found> = sql_query(sql).bind::<Text, _>(account).bind::<Array<Text>, _>(keys).load(conn)?;
    let mut found: BTreeMap<String, Vec<MatchingProduct>> = BTreeMap::new();
    for row in rows {
        let one = MatchingProduct { product: ProductId(unsigned(row.product)?), text: row.code };
        found.entry(row.code_key).or_default().push(one);
    }
    Ok(found)
}

/// Something for each field, joined by commas.
fn each_field(of: impl Fn(&str) -> String) -> String {
    ProductField::ALL.iter().map(|field| of(field.as_str())).collect::<Vec<_>>().join(", ")
}

/// The products as rows for [`changed`].
pub(crate) fn as_rows<'a>(products: impl Iterator<Item = &'a ProductIdentity>) -> Result<Value, DbError> {
    let row = |product: &ProductIdentity| {
        let plain = [("product", big(product.id.0)?.into()), ("live", product.live.into()), ("stock_tracked", product.stock_tracked.into())];
        let mut row = Map::from_iter(plain.map(|(name, value)| (name.to_owned(), value)));
        for field in ProductField::ALL {
            let text = product.field(field).trim();
            row.insert(field.as_str().to_owned(), text.into());
            row.insert(format!("{}_key", field.as_str()), sku_key(text).into());
        }
        Ok(Value::Object(row))
    };
    products.map(row).collect::<Result<Vec<Value>, DbError>>().map(Value::Array)
}

/// The rows of `$2` that are not stored as they are: `changed`, with `g` for what is given and `p` for what is stored. Where Brightpearl
/// does not say whether stock is kept, what it said before stays.
pub(crate) fn changed(columns: &str) -> String {
    let (given, mine, theirs) =
        (each_field(|f| format!("{f} text, {f}_key text")), each_field(|f| format!("p.{f}")), each_field(|f| format!("g.{f}")));
    format!(
        "select {columns} from jsonb_to_recordset($2) as g (product bigint, live boolean, stock_tracked boolean, {given}) \
         left join product_identities p on p.account = $1 and p.product = g.product \
         where p.product is null or (p.live, p.stock_tracked, {mine}) is distinct from (g.live, coalesce(g.stock_tracked, p.stock_tracked), {theirs})"
    )
}

/// Writes the identities that differ from what is stored; the rest costs no write.
fn write_products(conn: &mut PgConnection, account: &str, products: &BTreeMap<u64, &ProductIdentity>) -> Result<Vec<Touched>, DbError> {
    let columns = each_field(|f| format!("{f}, {f}_key"));
    let keys = ProductField::ALL.map(|field| {
        let f = field.as_str();
        format!("select '{f}' as field, {f}_key as code_key from changed union all select '{f}', former_{f} from changed")
    });
    let sql = format!(
        "with changed as ({}), \
           written as (insert into product_identities as p (account, product, live, stock_tracked, {columns}) \
             select $1, product, live, stock_tracked, {columns} from changed order by product on conflict (account, product) \
             do update set live = excluded.live, stock_tracked = coalesce(excluded.stock_tracked, p.stock_tracked), {}) \
         select distinct field, code_key from ({}) as keys where code_key <> '' order by 1, 2",
        changed(&format!("g.*, {}", each_field(|f| format!("p.{f}_key as former_{f}")))),
        each_field(|f| format!("{f} = excluded.{f}, {f}_key = excluded.{f}_key")),
        keys.join(" union all "),
    );
    let query = sql_query(sql).bind::<Text, _>(account).bind::<Jsonb, _>(as_rows(products.values().copied())?);
    Ok(query.load(conn)?)
}

/// Whether a product may be found although several share what is compared: by its exact spelling.
fn may_be_found(products: &[MatchingProduct]) -> bool {
    let is_alone = |one: &MatchingProduct| products.iter().filter(|other| other.text == one.text).count() == 1;
    products.len() < 2 || products.iter().any(is_alone)
}

/// Saves and releases; gives the compared SKUs that became known.
fn save_on(conn: &mut PgConnection, account: &str, products: &[ProductIdentity], now: Timestamp) -> Result<Vec<String>, DbError> {
    // Holds for unknown products take this row shared: none can slip in between the products and their release.
    sql_query("select code as t from accounts where code = $1 for no key update").bind::<Text, _>(account).execute(conn)?;
    let given: BTreeMap<u64, &ProductIdentity> = products.iter().map(|product| (product.id.0, product)).collect();
    let skus: Vec<String> = products.iter().map(|product| sku_key(&product.sku)).collect();
    let before = live_products(conn, account, ProductField::Sku, &skus)?;
    let touched = write_products(conn, account, &given)?;
    if touched.is_empty() {
        return Ok(Vec::new());
    }
    let mut new_skus = Vec::new();
    let mut mended: Vec<Causes> = Vec::new();
    for field in ProductField::ALL {
        let keys: Vec<String> = touched.iter().filter(|one| one.field == field.as_str()).map(|one| one.code_key.clone()).collect();
        let live = live_products(conn, account, field, &keys)?;
        let known: Vec<String> = keys.iter().filter(|key| live.contains_key(*key)).cloned().collect();
        let told_apart: Vec<String> = keys.into_iter().filter(|key| live.get(key).is_none_or(|products| may_be_found(products))).collect();
        let causes = |kind: &str, keys: &[String]| identity_causes(&format!("{kind}-{}", field.as_str()), keys);
        let all = [("unknown", &known), ("ambiguous", &told_apart)];
        mended.extend(all.into_iter().filter(|(_, keys)| !keys.is_empty()).map(|(kind, keys)| causes(kind, keys)));
        if field == ProductField::Sku {
            new_skus.extend(known.into_iter().filter(|sku| !before.contains_key(sku)));
        }
    }
    let tenants: Vec<Word> = sql_query("select id as t from tenants where account = $1 order by id").bind::<Text, _>(account).load(conn)?;
    for tenant in tenants {
        let scope = Scope::Tenant(parsed::<TenantId>(&tenant.t)?);
        for causes in &mended {
            release_on(conn, causes, Some(&scope), now)?;
        }
    }
    Ok(new_skus)
}

impl Db {
    /// Saves identities of an account's products. Orders that wait for one which is known now, or no longer ambiguous, are released in
    /// the same transaction, oldest first. Gives the SKUs that became known, in lower case.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn save_products(&self, account: &AccountCode, products: &[ProductIdentity]) -> Result<Vec<String>, DbError> {
        let (account, products, now) = (account.clone(), products.to_vec(), self.now());
        self.run(Lane::Bulk, move |conn| transaction(conn, |conn| save_on(conn, account.as_str(), &products, now))).await
    }

    /// Live products by what they have in a field, as the caller spelled it; a text without any has no entry. Outer blanks and case do
    /// not count.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn products_by(
        &self,
        account: &AccountCode,
        field: ProductField,
        texts: &[String],
    ) -> Result<HashMap<String, Vec<MatchingProduct>>, DbError> {
        let (account, texts) = (account.clone(), texts.to_vec());
        self.run(Lane::Hot, move |conn| {
            let keys: Vec<String> = texts.iter().map(|text| sku_key(text)).filter(|key| !key.is_empty()).collect();
            let found = live_products(conn, account.as_str(), field, &keys)?;
            let spelled = texts.into_iter().filter_map(|text| found.get(&sku_key(&text)).cloned().map(|products| (text, products)));
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

    /// Which products of an account we take for live.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn live_product_ids(&self, account: &AccountCode) -> Result<Vec<ProductId>, DbError> {
        let account = account.clone();
        self.run(Lane::Bulk, move |conn| {
            let sql = "select product as n from product_identities where account = $1 and live order by product";
            let rows: Vec<Number> = sql_query(sql).bind::<Text, _>(account.as_str()).load(conn)?;
            rows.into_iter().map(|row| Ok(ProductId(unsigned(row.n)?))).collect()
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
