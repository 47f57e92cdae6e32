//! What a sweep finds and need not look into again.

use std::collections::{BTreeMap, HashSet};

use diesel::sql_types::{Array, BigInt, Jsonb, Text, Timestamptz};
use diesel::{RunQueryDsl as _, sql_query};
use jiff::{SignedDuration, Timestamp};
use orderbridge_schema::facts::ProductIdentity;
use orderbridge_schema::ids::{AccountCode, NoteId, ProductId};
use orderbridge_schema::link::NoteKind;
use orderbridge_schema::sweep::KnownKind;
use orderbridge_schema::work::Scope;

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::products::{as_rows, changed};
use crate::sql::{Number, Time, bigs, time, unsigned};

/// How long after an object's change a look must have begun to have seen all changes of that same second.
const MARGIN: SignedDuration = SignedDuration::from_secs(2);

/// An object that was looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Whose.
    pub scope: Scope,
    /// What kind of object.
    pub kind: KnownKind,
    /// The platform's id of it.
    pub entity: u64,
    /// The date of its last change, as the platform showed it.
    pub modified_at: Timestamp,
    /// When our reading of it began.
    pub read_at: Timestamp,
}

/// Platforms show dates to the second here and finer there: only whole seconds are compared.
fn second(at: Timestamp) -> Time {
    time(Timestamp::from_second(at.as_second()).unwrap_or(at))
}

impl Db {
    /// Remembers what was looked into, with the date it had.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn remember_known(&self, known: &[Known]) -> Result<(), DbError> {
        let by_key: BTreeMap<(String, &str, u64), &Known> =
            known.iter().map(|known| ((known.scope.to_string(), known.kind.as_str(), known.entity), known)).collect();
        if by_key.is_empty() {
            return Ok(());
        }
        let scopes: Vec<String> = by_key.keys().map(|(scope, _, _)| scope.clone()).collect();
        let kinds: Vec<&'static str> = by_key.values().map(|known| known.kind.as_str()).collect();
        let entities = bigs(by_key.keys().map(|&(_, _, entity)| entity))?;
        let modified: Vec<Time> = by_key.values().map(|known| second(known.modified_at)).collect();
        let read: Vec<Time> = by_key.values().map(|known| time(known.read_at)).collect();
        self.run(Lane::Hot, move |conn| {
            let sql = "insert into reconciled (scope, kind, entity, modified_at, read_at) \
                       select * from unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[], $5::timestamptz[]) order by 1, 2, 3 \
                       on conflict (scope, kind, entity) do update set modified_at = excluded.modified_at, read_at = excluded.read_at";
            let query = sql_query(sql)
                .bind::<Array<Text>, _>(scopes)
                .bind::<Array<Text>, _>(kinds)
                .bind::<Array<BigInt>, _>(entities)
                .bind::<Array<Timestamptz>, _>(modified)
                .bind::<Array<Timestamptz>, _>(read);
            query.execute(conn)?;
            Ok(())
        })
        .await
    }

    /// Which of these objects had the same date when they were last looked into, by a look that began late enough after it.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn known(&self, scope: &Scope, kind: KnownKind, objects: &[(u64, Timestamp)]) -> Result<HashSet<u64>, DbError> {
        let scope = scope.to_string();
        let entities = bigs(objects.iter().map(|(entity, _)| *entity))?;
        let (dates, margins): (Vec<Time>, Vec<Time>) =
            objects.iter().map(|(_, at)| (second(*at), second(at.checked_add(MARGIN).unwrap_or(Timestamp::MAX)))).unzip();
        self.run(Lane::Hot, move |conn| {
            let sql = "select r.entity as n from unnest($3::bigint[], $4::timestamptz[], $5::timestamptz[]) as o (entity, at, margin) \
                       join reconciled r on r.scope = $1 and r.kind = $2 and r.entity = o.entity and r.modified_at = o.at and r.read_at > o.margin";
            let query = sql_query(sql)
                .bind::<Text, _>(&scope)
                .bind::<Text, _>(kind.as_str())
                .bind::<Array<BigInt>, _>(entities)
                .bind::<Array<Timestamptz>, _>(dates)
                .bind::<Array<Timestamptz>, _>(margins);
            let rows: Vec<Number> = query.load(conn)?;
            rows.into_iter().map(|row| unsigned(row.n)).collect()
        })
        .await
    }

    /// Forgets of one owner what changed last before a moment, which no sweep reaches back to. Tells how many.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn forget_known(&self, scope: &Scope, before: Timestamp) -> Result<usize, DbError> {
        let scope = scope.to_string();
        self.run(Lane::Bulk, move |conn| {
            let query = sql_query("delete from reconciled where scope = $1 and modified_at < $2");
            Ok(query.bind::<Text, _>(&scope).bind::<Timestamptz, _>(time(before)).execute(conn)?)
        })
        .await
    }

    /// Which of these notes have become a shipment.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn notes_with_shipment(&self, account: &AccountCode, kind: NoteKind, notes: &[NoteId]) -> Result<HashSet<NoteId>, DbError> {
        let (account, ids) = (account.clone(), bigs(notes.iter().map(|note| note.0))?);
        self.run(Lane::Hot, move |conn| {
            let sql = "select distinct l.note as n from tenants t join shipment_links l on l.tenant = t.id and l.note_kind = $2 and l.note = any($3) \
                       where t.account = $1";
            let query = sql_query(sql).bind::<Text, _>(account.as_str()).bind::<Text, _>(kind.as_str()).bind::<Array<BigInt>, _>(ids);
            let rows: Vec<Number> = query.load(conn)?;
            rows.into_iter().map(|row| Ok(NoteId(unsigned(row.n)?))).collect()
        })
        .await
    }

    /// Which of these products we know otherwise, or not at all.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn products_unlike(&self, account: &AccountCode, products: &[ProductIdentity]) -> Result<HashSet<ProductId>, DbError> {
        let (account, rows) = (account.clone(), as_rows(products.iter())?);
        self.run(Lane::Hot, move |conn| {
            let query = sql_query(changed("g.product as n")).bind::<Text, _>(account.as_str()).bind::<Jsonb, _>(rows);
            let rows: Vec<Number> = query.load(conn)?;
            rows.into_iter().map(|row| Ok(ProductId(unsigned(row.n)?))).collect()
        })
        .await
    }
}
