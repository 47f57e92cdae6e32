//! Product links: the variants of a store's catalogue that orders named, with all by which they may equal a Brightpearl product.

use std::collections::{BTreeSet, HashMap};

use diesel::pg::PgConnection;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};
use jiff::Timestamp;
use orderbridge_schema::facts::VariantIdentity;
use orderbridge_schema::ids::TenantId;
use orderbridge_schema::rules::ProductField;
use orderbridge_schema::work::Scope;

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::products::sku_key;
use crate::sql::{Number, big, bigs, time, transaction, unsigned};
use crate::work::{Causes, release_on};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    variant: i64,
    #[diesel(sql_type = BigInt)]
    product: i64,
    #[diesel(sql_type = Text)]
    sku: String,
    #[diesel(sql_type = Text)]
    upc: String,
    #[diesel(sql_type = Text)]
    mpn: String,
    #[diesel(sql_type = Text)]
    gtin: String,
    #[diesel(sql_type = Text)]
    bin_picking_number: String,
}

impl Row {
    fn read(self) -> Result<VariantIdentity, DbError> {
        Ok(VariantIdentity {
            product: unsigned(self.product)?,
            variant: unsigned(self.variant)?,
            sku: self.sku,
            upc: self.upc,
            mpn: self.mpn,
            gtin: self.gtin,
            bin_picking_number: self.bin_picking_number,
        })
    }
}

const COLUMNS: &str = "variant, product, sku, upc, mpn, gtin, bin_picking_number";

/// Takes away what is gone or changed of these products, and gives it.
fn take_former(conn: &mut PgConnection, tenant: &TenantId, products: &[u64], found: &[VariantIdentity]) -> Result<Vec<VariantIdentity>, DbError> {
    let sql = format!("select {COLUMNS} from variant_identities where tenant = $1 and product = any($2) order by variant for update");
    let query = sql_query(sql).bind::<Text, _>(tenant.as_str()).bind::<Array<BigInt>, _>(bigs(products.iter().copied())?);
    let known: Vec<VariantIdentity> = query.load::<Row>(conn)?.into_iter().map(Row::read).collect::<Result<_, _>>()?;
    let former: Vec<VariantIdentity> = known.into_iter().filter(|known| !found.contains(known)).collect();
    let sql = "delete from variant_identities where tenant = $1 and variant = any($2)";
    let gone = bigs(former.iter().map(|variant| variant.variant))?;
    sql_query(sql).bind::<Text, _>(tenant.as_str()).bind::<Array<BigInt>, _>(gone).execute(conn)?;
    Ok(former)
}

fn write(conn: &mut PgConnection, tenant: &TenantId, found: &[VariantIdentity], now: Timestamp) -> Result<(), DbError> {
    let sql = format!(
        "insert into variant_identities as v (tenant, {COLUMNS}, read_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
         on conflict (tenant, variant) do update set product = excluded.product, sku = excluded.sku, upc = excluded.upc, mpn = excluded.mpn, \
           gtin = excluded.gtin, bin_picking_number = excluded.bin_picking_number, read_at = excluded.read_at"
    );
    for variant in found {
        sql_query(&sql)
            .bind::<Text, _>(tenant.as_str())
            .bind::<BigInt, _>(big(variant.variant)?)
            .bind::<BigInt, _>(big(variant.product)?)
            .bind::<Text, _>(&variant.sku)
            .bind::<Text, _>(&variant.upc)
            .bind::<Text, _>(&variant.mpn)
            .bind::<Text, _>(&variant.gtin)
            .bind::<Text, _>(&variant.bin_picking_number)
            .bind::<Timestamptz, _>(time(now))
            .execute(conn)?;
    }
    Ok(())
}

/// What orders may wait for that these variants were before, or that they lacked.
fn causes(former: &[VariantIdentity]) -> Vec<String> {
    let mut causes: BTreeSet<String> = BTreeSet::new();
    for variant in former {
        causes.insert(format!("no-identity:{}", variant.variant));
        for text in [&variant.sku, &variant.upc, &variant.mpn, &variant.gtin, &variant.bin_picking_number] {
            let key = sku_key(text);
            for kind in ["unknown", "ambiguous"].into_iter().filter(|_| !key.is_empty()) {
                causes.extend(ProductField::ALL.map(|field| format!("{kind}-{}:{key}", field.as_str())));
            }
        }
    }
    causes.into_iter().collect()
}

impl Db {
    /// Remembers all variants of these products of a store, as they were found just now. Orders that wait because of what one of them was
    /// before are released in the same transaction, oldest first.
    ///
    /// # Errors
    /// [`DbError`]; nothing is written then.
    pub async fn save_variants(&self, tenant: &TenantId, products: &[u64], found: &[VariantIdentity]) -> Result<(), DbError> {
        let (tenant, products, mut found, now) = (tenant.clone(), products.to_vec(), found.to_vec(), self.now());
        found.sort_by_key(|variant| variant.variant);
        self.run(Lane::Hot, move |conn| {
            transaction(conn, |conn| {
                let former = take_former(conn, &tenant, &products, &found)?;
                write(conn, &tenant, &found, now)?;
                if !former.is_empty() {
                    release_on(conn, &Causes::Exact(causes(&former)), Some(&Scope::Tenant(tenant.clone())), now)?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Those of these variants that are remembered.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn variants(&self, tenant: &TenantId, variants: &[u64]) -> Result<HashMap<u64, VariantIdentity>, DbError> {
        let (tenant, variants) = (tenant.clone(), bigs(variants.iter().copied())?);
        self.run(Lane::Hot, move |conn| {
            let sql = format!("select {COLUMNS} from variant_identities where tenant = $1 and variant = any($2)");
            let rows: Vec<Row> = sql_query(sql).bind::<Text, _>(tenant.as_str()).bind::<Array<BigInt>, _>(variants).load(conn)?;
            rows.into_iter().map(|row| row.read().map(|variant| (variant.variant, variant))).collect()
        })
        .await
    }

    /// The products of a store that any variant is remembered of: of these, or of all if none are given.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn known_store_products(&self, tenant: &TenantId, among: Option<&[u64]>) -> Result<Vec<u64>, DbError> {
        let (tenant, among) = (tenant.clone(), among.map(|ids| bigs(ids.iter().copied())).transpose()?);
        self.run(Lane::Bulk, move |conn| {
            let sql = "select distinct product as n from variant_identities where tenant = $1 and ($2 is null or product = any($2)) order by 1";
            let query = sql_query(sql).bind::<Text, _>(tenant.as_str()).bind::<diesel::sql_types::Nullable<Array<BigInt>>, _>(among);
            query.load::<Number>(conn)?.into_iter().map(|row| unsigned(row.n)).collect()
        })
        .await
    }
}
