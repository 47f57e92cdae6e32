//! Holds: effects that wait for a person, a rule or a product.

use diesel::pg::PgConnection;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use diesel::{OptionalExtension as _, RunQueryDsl as _, sql_query};
use jiff::Timestamp;
use orderbridge_schema::decision::{Cause, Effect, Hold};
use orderbridge_schema::rules::ProductField;
use orderbridge_schema::work::{Scope, WorkKey};

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::products::{live_products, sku_key};
use crate::sql::{Number, Word, big, time, transaction};
use crate::work::WorkItem;
use crate::work::finish::make_ready_again;

/// Whether the rules and causes that a hold was decided on are still current.
///
/// The rows read are locked against those who would change them (saving rules, saving products), so that of a hold and the mending of
/// its cause the later one always sees the earlier: either the hold is not written, or the mending releases it. The account comes
/// before the tenant, as in an import.
fn is_current(conn: &mut PgConnection, scope: &Scope, holds: &[Hold], rules_version: i64) -> Result<bool, DbError> {
    let Some(tenant) = scope.tenant() else { return Ok(true) };
    let sql = "select a.code as t from accounts a where a.code = (select account from tenants where id = $1) for share";
    let account: Option<Word> = sql_query(sql).bind::<Text, _>(tenant.as_str()).get_result(conn).optional()?;
    let Some(account) = account else { return Ok(false) };
    let sql = "select rules_version as n from tenants where id = $1 for share";
    let version: Number = sql_query(sql).bind::<Text, _>(tenant.as_str()).get_result(conn)?;
    if version.n != rules_version {
        return Ok(false);
    }
    for sought in holds.iter().filter_map(|hold| sought(&hold.cause)) {
        let found = live_products(conn, &account.t, sought.field, &[sku_key(sought.text)])?.into_values().next().unwrap_or_default();
        let exact = || found.iter().filter(|product| product.text == sought.text.trim()).count();
        let waits_still = if sought.is_unknown { found.is_empty() } else { found.len() > 1 && exact() != 1 };
        if !waits_still {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A cause as it is compared when it is released.
fn cause_key(cause: &Cause) -> String {
    match sought(cause) {
        Some(Sought { field, text, is_unknown: true }) => format!("unknown-{}:{}", field.as_str(), sku_key(text)),
        Some(Sought { field, text, is_unknown: false }) => format!("ambiguous-{}:{}", field.as_str(), sku_key(text)),
        None => cause.key().to_lowercase(),
    }
}

/// The product that a cause is about: unknown, or else ambiguous.
struct Sought<'a> {
    field: ProductField,
    text: &'a str,
    is_unknown: bool,
}

fn sought(cause: &Cause) -> Option<Sought<'_>> {
    let (field, text, is_unknown) = match cause {
        Cause::UnknownSku(sku) => (ProductField::Sku, sku, true),
        Cause::AmbiguousSku(sku) => (ProductField::Sku, sku, false),
        Cause::UnknownIdentity(field, text) => (*field, text, true),
        Cause::AmbiguousIdentity(field, text) => (*field, text, false),
        _ => return None,
    };
    Some(Sought { field, text, is_unknown })
}

/// Of the effects that are held now, what they waited for before and do not any more.
fn forget_others(conn: &mut PgConnection, key: &WorkKey, holds: &[Hold]) -> Result<(), DbError> {
    let (effects, causes): (Vec<&str>, Vec<String>) = holds.iter().map(|hold| (hold.effect.as_str(), cause_key(&hold.cause))).unzip();
    let sql = "delete from holds h where h.scope = $1 and h.kind = $2 and h.entity = $3 and h.effect = any($4) \
               and not exists (select from unnest($4, $5) as kept (effect, cause_key) where kept.effect = h.effect and kept.cause_key = h.cause_key)";
    let query = sql_query(sql).bind::<Text, _>(key.scope.to_string()).bind::<Text, _>(key.kind.as_str()).bind::<BigInt, _>(big(key.entity)?);
    query.bind::<Array<Text>, _>(effects).bind::<Array<Text>, _>(causes).execute(conn)?;
    Ok(())
}

fn write_holds(conn: &mut PgConnection, key: &WorkKey, holds: &[Hold], rules_version: i64, now: Timestamp) -> Result<(), DbError> {
    forget_others(conn, key, holds)?;
    // A hold that only repeats itself keeps its age.
    let sql = "insert into holds as h (scope, kind, entity, effect, cause, why, remedy, rules_version, held_at, cause_key) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
               on conflict (scope, kind, entity, effect, cause_key) do update set why = excluded.why, remedy = excluded.remedy, rules_version = excluded.rules_version, \
               cause = excluded.cause, released_at = null";
    for hold in holds {
        sql_query(sql)
            .bind::<Text, _>(key.scope.to_string())
            .bind::<Text, _>(key.kind.as_str())
            .bind::<BigInt, _>(big(key.entity)?)
            .bind::<Text, _>(hold.effect.as_str())
            .bind::<Text, _>(hold.cause.key())
            .bind::<Text, _>(&hold.why)
            .bind::<Text, _>(&hold.remedy)
            .bind::<Nullable<BigInt>, _>(key.scope.tenant().map(|_| rules_version))
            .bind::<Timestamptz, _>(time(now))
            .bind::<Text, _>(cause_key(&hold.cause))
            .execute(conn)?;
    }
    Ok(())
}

/// Records holds within a transaction of the caller's; false, and nothing written, if they are not current any more.
pub(crate) fn record_holds_on(conn: &mut PgConnection, key: &WorkKey, holds: &[Hold], rules_version: i64, now: Timestamp) -> Result<bool, DbError> {
    let current = holds.is_empty() || is_current(conn, &key.scope, holds, rules_version)?;
    if current && !holds.is_empty() {
        write_holds(conn, key, holds, rules_version, now)?;
    }
    Ok(current)
}

/// Takes the item out of the due index if it is still what was claimed.
fn set_held(conn: &mut PgConnection, item: &WorkItem, rules_version: i64) -> Result<bool, DbError> {
    let sql = "update work_items set state = 'held', claimed_generation = null, claimed_fence = null, claimed_at = null, rules_version = $6, attempts = 0, \
               floor_at = null, woken_at = null where scope = $1 and kind = $2 and entity = $3 and generation = $4 and claimed_fence = $5";
    let query = sql_query(sql)
        .bind::<Text, _>(item.key.scope.to_string())
        .bind::<Text, _>(item.key.kind.as_str())
        .bind::<BigInt, _>(big(item.key.entity)?)
        .bind::<BigInt, _>(item.generation)
        .bind::<BigInt, _>(item.fence)
        .bind::<BigInt, _>(rules_version);
    Ok(query.execute(conn)? == 1)
}

impl Db {
    /// Holds a claimed item: it waits outside the due index, one hold per effect. Written only if the item, the rules and the causes
    /// are still what was decided on; else the item is ready again and false is returned.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn hold(&self, item: &WorkItem, holds: &[Hold], rules_version: i64) -> Result<bool, DbError> {
        let (item, holds, now) = (item.clone(), holds.to_vec(), self.now());
        self.run(Lane::Hot, move |conn| {
            transaction(conn, |conn| {
                let held = is_current(conn, &item.key.scope, &holds, rules_version)? && set_held(conn, &item, rules_version)?;
                if held {
                    write_holds(conn, &item.key, &holds, rules_version, now)?;
                } else {
                    make_ready_again(conn, std::iter::once(&item), now)?;
                }
                Ok(held)
            })
        })
        .await
    }

    /// Holds single effects of an entity whose other effects go on. False, and nothing written, if the rules or a cause changed since
    /// it was decided: decide again.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn record_holds(&self, key: &WorkKey, holds: &[Hold], rules_version: i64) -> Result<bool, DbError> {
        let (key, holds, now) = (key.clone(), holds.to_vec(), self.now());
        self.run(Lane::Hot, move |conn| transaction(conn, |conn| record_holds_on(conn, &key, &holds, rules_version, now))).await
    }

    /// Forgets the holds on effects that need none any more; tells how many there were.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn clear_holds(&self, key: &WorkKey, effects: &[Effect]) -> Result<usize, DbError> {
        let key = key.clone();
        let effects: Vec<&'static str> = effects.iter().map(|effect| effect.as_str()).collect();
        self.run(Lane::Hot, move |conn| {
            let sql = "delete from holds where scope = $1 and kind = $2 and entity = $3 and effect = any($4)";
            let query = sql_query(sql).bind::<Text, _>(key.scope.to_string()).bind::<Text, _>(key.kind.as_str());
            Ok(query.bind::<BigInt, _>(big(key.entity)?).bind::<Array<Text>, _>(effects).execute(conn)?)
        })
        .await
    }
}
