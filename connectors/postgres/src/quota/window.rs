//! The stored window of a pool: drawn from by all processes.

use diesel::sql_types::{Integer, Nullable, Text, Timestamptz};
use diesel::{OptionalExtension as _, QueryableByName, RunQueryDsl as _, sql_query};
use jiff::Timestamp;

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::sql::{Time, count, small, time};

/// A block to be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draw {
    pub(super) pool: String,
    pub(super) now: Timestamp,
    /// The window that begins if the stored one is over.
    pub(super) starts_at: Timestamp,
    pub(super) ends_at: Timestamp,
    pub(super) capacity: u32,
    pub(super) want: u32,
    /// A reply said of the window that began then: when it ends, and how many calls are left to draw.
    pub(super) seen: Option<Seen>,
}

/// What replies said about a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) starts_at: Timestamp,
    pub(super) ends_at: Timestamp,
    pub(super) left: Option<u32>,
}

/// What was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Drawn {
    pub(super) tokens: u32,
    pub(super) starts_at: Timestamp,
    pub(super) ends_at: Timestamp,
}

/// A window that the platform says is used up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Closing {
    pub(super) pool: String,
    pub(super) now: Timestamp,
    pub(super) until: Timestamp,
}

/// One statement on one locked row. A stored window that is over, or that a reply said is over, gives way to a new one; a clock that
/// runs behind another process's draws from that one's window instead of opening an older. What a reply said lowers what is left.
const DRAW: &str = "with o as materialized (select * from quota_windows where pool = $1 for update), \
     f as (select o.*, case when o.starts_at = $7 then $8 else o.ends_at end as end_now from o), \
     w as (select f.*, (f.end_now <= $2 or f.starts_at > $2 + interval '10 minutes') as fresh from f), \
     n as (select w.pool, \
         case when w.fresh then $3 else w.starts_at end as starts_at, \
         case when w.fresh then $4 else w.end_now end as ends_at, \
         case when w.fresh then $5 else least(w.capacity, $5) end as capacity, \
         case when w.fresh then 0 when w.starts_at = $7 and $9 is not null then greatest(w.granted, w.capacity - $9) else w.granted end as before \
       from w), \
     g as (select n.*, greatest(0, least($6, n.capacity - n.before)) as tokens from n) \
   update quota_windows q set starts_at = g.starts_at, ends_at = g.ends_at, capacity = g.capacity, granted = g.before + g.tokens \
   from g where q.pool = g.pool returning g.tokens, q.starts_at, q.ends_at";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Integer)]
    tokens: i32,
    #[diesel(sql_type = Timestamptz)]
    starts_at: Time,
    #[diesel(sql_type = Timestamptz)]
    ends_at: Time,
}

fn try_draw(conn: &mut diesel::PgConnection, draw: &Draw) -> Result<Option<Drawn>, DbError> {
    let query = sql_query(DRAW)
        .bind::<Text, _>(&draw.pool)
        .bind::<Timestamptz, _>(time(draw.now))
        .bind::<Timestamptz, _>(time(draw.starts_at))
        .bind::<Timestamptz, _>(time(draw.ends_at))
        .bind::<Integer, _>(small(draw.capacity)?)
        .bind::<Integer, _>(small(draw.want)?)
        .bind::<Nullable<Timestamptz>, _>(draw.seen.map(|seen| time(seen.starts_at)))
        .bind::<Nullable<Timestamptz>, _>(draw.seen.map(|seen| time(seen.ends_at)))
        .bind::<Nullable<Integer>, _>(draw.seen.and_then(|seen| seen.left).map(small).transpose()?);
    let row: Option<Row> = query.get_result(conn).optional()?;
    Ok(row.map(|row| Drawn { tokens: count(row.tokens), starts_at: row.starts_at.to_jiff(), ends_at: row.ends_at.to_jiff() }))
}

/// Draws a block.
pub(super) async fn draw(db: &Db, draw: Draw) -> Result<Drawn, DbError> {
    db.run(Lane::Hot, move |conn| {
        if let Some(drawn) = try_draw(conn, &draw)? {
            return Ok(drawn);
        }
        // The pool's first draw ever: a window that is over, for the draw to replace.
        let sql =
            "insert into quota_windows (pool, starts_at, ends_at, capacity, granted) values ($1, 'epoch', 'epoch', 0, 0) on conflict do nothing";
        sql_query(sql).bind::<Text, _>(&draw.pool).execute(conn)?;
        try_draw(conn, &draw)?.ok_or_else(|| DbError::data("a quota row is gone as soon as it is made"))
    })
    .await
}

/// Tells all processes that the platform refuses calls until then: nothing can be drawn before.
pub(super) async fn close(db: &Db, closing: Closing) -> Result<(), DbError> {
    db.run(Lane::Hot, move |conn| {
        let sql = "insert into quota_windows as q (pool, starts_at, ends_at, capacity, granted) values ($1, $2, $3, 0, 0) \
                   on conflict (pool) do update set granted = greatest(q.granted, q.capacity), ends_at = greatest(q.ends_at, excluded.ends_at)";
        let query = sql_query(sql).bind::<Text, _>(&closing.pool).bind::<Timestamptz, _>(time(closing.now));
        query.bind::<Timestamptz, _>(time(closing.until)).execute(conn)?;
        Ok(())
    })
    .await
}
