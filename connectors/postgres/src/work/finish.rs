//! Finishing a claim: done, later, or held. Each looks whether the item is still what was claimed.

use diesel::pg::PgConnection;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz};
use diesel::{RunQueryDsl as _, sql_query};
use jiff::Timestamp;
use orderbridge_schema::work::WorkKey;

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::listen::notify_work;
use crate::sql::{big, time};
use crate::work::row::KeyRow;
use crate::work::{Postponed, WorkItem};

/// Deletes what is unchanged since it was claimed. Rows are locked in the order of their keys, as upserts lock them.
const DELETE: &str = "with mine as materialized ( \
       select w.scope, w.kind, w.entity from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[]) as t (s, k, e, g, f) \
       join work_items w on w.scope = t.s and w.kind = t.k and w.entity = t.e and w.generation = t.g and w.claimed_fence = t.f \
       order by 1, 2, 3 for update of w) \
     delete from work_items w using mine m where w.scope = m.scope and w.kind = m.kind and w.entity = m.entity returning w.scope, w.kind, w.entity";

/// What changed meanwhile is ready again at once, unless a floor holds it. A second statement, since the first one's snapshot may be
/// older than the event.
const AGAIN: &str = "with mine as materialized ( \
       select w.scope, w.kind, w.entity from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) as t (s, k, e, f) \
       join work_items w on w.scope = t.s and w.kind = t.k and w.entity = t.e and w.claimed_fence = t.f \
       order by 1, 2, 3 for update of w) \
     update work_items w set claimed_generation = null, claimed_fence = null, claimed_at = null, attempts = 0, \
       due_at = greatest($5, coalesce(w.floor_at, $5)) \
     from mine m where w.scope = m.scope and w.kind = m.kind and w.entity = m.entity";

/// Puts off what is unchanged, makes ready what changed; either way the claim ends.
const POSTPONE: &str = "update work_items w set claimed_generation = null, claimed_fence = null, claimed_at = null, reason = $6, floor_at = $8, \
       attempts = case when w.generation <> $4 then 0 else greatest(0, w.attempts - $9) end, \
       due_at = case when w.generation = $4 then greatest($7, coalesce($8, $7)) else greatest($10, coalesce($8, $10)) end, \
       woken_at = case when w.generation = $4 then w.woken_at else $10 end \
     where w.scope = $1 and w.kind = $2 and w.entity = $3 and w.claimed_fence = $5 returning (w.generation = $4)::int::bigint as n";

/// Keys, generations and fences of items, as columns.
struct Columns {
    scopes: Vec<String>,
    kinds: Vec<&'static str>,
    entities: Vec<i64>,
    generations: Vec<i64>,
    fences: Vec<i64>,
}

impl Columns {
    fn of<'a>(items: impl Iterator<Item = &'a WorkItem> + Clone) -> Result<Self, DbError> {
        Ok(Self {
            scopes: items.clone().map(|item| item.key.scope.to_string()).collect(),
            kinds: items.clone().map(|item| item.key.kind.as_str()).collect(),
            entities: items.clone().map(|item| big(item.key.entity)).collect::<Result<_, _>>()?,
            generations: items.clone().map(|item| item.generation).collect(),
            fences: items.map(|item| item.fence).collect(),
        })
    }
}

/// Ends the claims on items that changed: they are ready again.
pub(crate) fn make_ready_again<'a>(
    conn: &mut PgConnection,
    items: impl Iterator<Item = &'a WorkItem> + Clone,
    now: Timestamp,
) -> Result<(), DbError> {
    let columns = Columns::of(items.clone())?;
    let query = sql_query(AGAIN)
        .bind::<Array<Text>, _>(columns.scopes)
        .bind::<Array<Text>, _>(columns.kinds)
        .bind::<Array<BigInt>, _>(columns.entities)
        .bind::<Array<BigInt>, _>(columns.fences)
        .bind::<Timestamptz, _>(time(now));
    if query.execute(conn)? > 0 {
        notify_work(conn, items.map(|item| item.account.as_str()))?;
    }
    Ok(())
}

fn complete_on(conn: &mut PgConnection, items: &[WorkItem], now: Timestamp) -> Result<usize, DbError> {
    if items.is_empty() {
        return Ok(0);
    }
    let columns = Columns::of(items.iter())?;
    let query = sql_query(DELETE)
        .bind::<Array<Text>, _>(columns.scopes)
        .bind::<Array<Text>, _>(columns.kinds)
        .bind::<Array<BigInt>, _>(columns.entities)
        .bind::<Array<BigInt>, _>(columns.generations)
        .bind::<Array<BigInt>, _>(columns.fences);
    let gone: Vec<KeyRow> = query.load(conn)?;
    if gone.len() < items.len() {
        let gone: Vec<WorkKey> = gone.iter().map(KeyRow::read).collect::<Result<_, _>>()?;
        let left: Vec<&WorkItem> = items.iter().filter(|item| !gone.contains(&item.key)).collect();
        make_ready_again(conn, left.iter().copied(), now)?;
    }
    Ok(gone.len())
}

impl Db {
    /// Finishes an item. False if an event came meanwhile (it is ready again) or the claim is no longer ours.
    ///
    /// # Errors
    /// [`DbError`]; the claim then stays until its lease changes hands, or until this is repeated.
    pub async fn complete(&self, item: &WorkItem) -> Result<bool, DbError> {
        Ok(self.complete_many(std::slice::from_ref(item)).await? == 1)
    }

    /// Finishes many; tells how many are finished. The others are as [`Self::complete`] leaves them.
    ///
    /// # Errors
    /// As [`Self::complete`].
    pub async fn complete_many(&self, items: &[WorkItem]) -> Result<usize, DbError> {
        let (items, now) = (items.to_vec(), self.now());
        self.run(Lane::Hot, move |conn| complete_on(conn, &items, now)).await
    }

    /// Ends a claim with the item still to do. If an event came meanwhile it is ready at once, or at the floor, and false is returned;
    /// also if the claim is no longer ours.
    ///
    /// # Errors
    /// As [`Self::complete`].
    pub async fn reschedule(&self, item: &WorkItem, postponed: Postponed) -> Result<bool, DbError> {
        let (item, now) = (item.clone(), self.now());
        self.run(Lane::Hot, move |conn| {
            let query = sql_query(POSTPONE)
                .bind::<Text, _>(item.key.scope.to_string())
                .bind::<Text, _>(item.key.kind.as_str())
                .bind::<BigInt, _>(big(item.key.entity)?)
                .bind::<BigInt, _>(item.generation)
                .bind::<BigInt, _>(item.fence)
                .bind::<Text, _>(&postponed.reason)
                .bind::<Timestamptz, _>(time(postponed.due_at))
                .bind::<Nullable<Timestamptz>, _>(postponed.floor.map(time))
                // The claim counted it already.
                .bind::<Integer, _>(i32::from(!postponed.counts_as_attempt))
                .bind::<Timestamptz, _>(time(now));
            let unchanged: Vec<crate::sql::Number> = query.load(conn)?;
            Ok(unchanged.first().is_some_and(|row| row.n == 1))
        })
        .await
    }
}
