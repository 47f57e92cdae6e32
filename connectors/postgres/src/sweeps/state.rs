//! How far each sweep has come.

use std::collections::BTreeMap;

use diesel::pg::PgConnection;
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz};
use diesel::{OptionalExtension as _, QueryableByName, RunQueryDsl as _, sql_query};
use jiff::Timestamp;
use orderbridge_schema::sweep::SweepSource;
use orderbridge_schema::work::{Scope, Upsert, WorkKind};

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::sql::{Time, jiff_time, parsed, time};
use crate::sweeps::{SweepRow, SweepState};

#[derive(QueryableByName)]
struct StateRow {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    watermark: Option<Time>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    resume_at: Option<Time>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    scope: String,
    #[diesel(sql_type = Text)]
    source: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    watermark: Option<Time>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    swept_at: Option<Time>,
    #[diesel(sql_type = Timestamptz)]
    due_at: Time,
    #[diesel(sql_type = Bool)]
    pending: bool,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
}

impl Row {
    fn read(self) -> Result<SweepRow, DbError> {
        Ok(SweepRow {
            scope: parsed(&self.scope)?,
            source: parsed(&self.source)?,
            watermark: jiff_time(self.watermark),
            swept_at: jiff_time(self.swept_at),
            due_at: self.due_at.to_jiff(),
            pending: self.pending,
            reason: self.reason,
        })
    }
}

/// Takes watermarks back to the events that sweeps were asked for by: what happened then is to be found once more.
pub(crate) fn rewind_on(conn: &mut PgConnection, upserts: &[Upsert], now: Timestamp) -> Result<(), DbError> {
    let mut back: BTreeMap<(&Scope, SweepSource), Timestamp> = BTreeMap::new();
    for upsert in upserts.iter().filter(|upsert| upsert.key.kind == WorkKind::Sweep) {
        let Some(source) = SweepSource::from_number(upsert.key.entity) else { continue };
        let to = back.entry((&upsert.key.scope, source)).or_insert(upsert.event_at);
        *to = (*to).min(upsert.event_at);
    }
    for ((scope, source), to) in back {
        let sql = "insert into sweeps as s (scope, source, watermark, due_at) \
                   values ($1, $2, least($3, (select created_at from tenants where id = $1), (select created_at from accounts where '@' || code = $1)), $4) \
                   on conflict (scope, source) do update set watermark = least(s.watermark, $3), \
                     resume_at = case when s.watermark > $3 then null else s.resume_at end";
        let query = sql_query(sql).bind::<Text, _>(scope.to_string()).bind::<Text, _>(source.as_str());
        query.bind::<Timestamptz, _>(time(to)).bind::<Timestamptz, _>(time(now)).execute(conn)?;
    }
    Ok(())
}

impl Db {
    /// How far a sweep has come.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn sweep_state(&self, scope: &Scope, source: SweepSource) -> Result<SweepState, DbError> {
        let scope = scope.to_string();
        self.run(Lane::Hot, move |conn| {
            let query = sql_query("select watermark, resume_at from sweeps where scope = $1 and source = $2")
                .bind::<Text, _>(&scope)
                .bind::<Text, _>(source.as_str());
            let row: Option<StateRow> = query.get_result(conn).optional()?;
            Ok(row.map(|row| SweepState { watermark: jiff_time(row.watermark), resume_at: jiff_time(row.resume_at) }).unwrap_or_default())
        })
        .await
    }

    /// Remembers how far a sweep has come, unless its watermark is no longer the one it was: then somebody took it back meanwhile, and
    /// false is returned. `finished` is the moment of a sweep's end.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn save_sweep(
        &self,
        scope: &Scope,
        source: SweepSource,
        before: Option<Timestamp>,
        state: SweepState,
        finished: Option<Timestamp>,
    ) -> Result<bool, DbError> {
        let (scope, now) = (scope.to_string(), self.now());
        self.run(Lane::Hot, move |conn| {
            let sql = "insert into sweeps as s (scope, source, watermark, resume_at, swept_at, due_at) values ($1, $2, $4, $5, $6, $7) \
                       on conflict (scope, source) do update set watermark = $4, resume_at = $5, swept_at = coalesce($6, s.swept_at) \
                       where s.watermark is not distinct from $3";
            let query = sql_query(sql)
                .bind::<Text, _>(&scope)
                .bind::<Text, _>(source.as_str())
                .bind::<Nullable<Timestamptz>, _>(before.map(time))
                .bind::<Nullable<Timestamptz>, _>(state.watermark.map(time))
                .bind::<Nullable<Timestamptz>, _>(state.resume_at.map(time))
                .bind::<Nullable<Timestamptz>, _>(finished.map(time))
                .bind::<Timestamptz, _>(time(now));
            Ok(query.execute(conn)? == 1)
        })
        .await
    }

    /// All sweeps, by owner and source; of one owner, if one is given.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn sweeps(&self, scope: Option<&Scope>) -> Result<Vec<SweepRow>, DbError> {
        let scope = scope.map(ToString::to_string);
        self.run(Lane::Bulk, move |conn| {
            let numbers: Vec<String> = SweepSource::ALL.iter().map(|source| format!("('{}', {})", source.as_str(), source.number())).collect();
            let sql = format!(
                "select s.scope, s.source, s.watermark, s.swept_at, s.due_at, w.scope is not null as pending, w.reason \
                 from sweeps s join (values {}) as n (source, number) on n.source = s.source \
                 left join work_items w on w.scope = s.scope and w.kind = 'sweep' and w.entity = n.number \
                 where $1::text is null or s.scope = $1 order by s.scope, n.number",
                numbers.join(", ")
            );
            let rows: Vec<Row> = sql_query(sql).bind::<Nullable<Text>, _>(scope).load(conn)?;
            rows.into_iter().map(Row::read).collect()
        })
        .await
    }
}
