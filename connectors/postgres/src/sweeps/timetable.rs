//! The timetable: what is due becomes a work item like any other.

use std::time::Duration;

use diesel::sql_types::{Array, BigInt, Double, SmallInt, Text, Timestamptz};
use diesel::{RunQueryDsl as _, sql_query};
use jiff::SignedDuration;
use orderbridge_schema::ids::AccountCode;
use orderbridge_schema::sweep::SweepSource;
use orderbridge_schema::work::{Share, WorkKind};

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::listen::notify_work;
use crate::sql::{Word, big, time, transaction};
use crate::sweeps::Timetable;

/// A sweep that ended less than this ago need not be repeated because a processor has just started.
const RECENT: SignedDuration = SignedDuration::from_secs(60);

/// Rows for new tenants and accounts, then work items for what is due, and the next due times; for the accounts of one owner only.
///
/// A new row's watermark is when its tenant or account was made: webhooks may have been lost ever since. An item that waits or is being
/// worked on already stays as it is.
const SCHEDULE: &str = "with leased as ( \
       select l.account from account_leases l where l.owner = $1 and l.expires_at > clock_timestamp()), \
     sources as (select * from unnest($4::text[], $5::bigint[], $6::double precision[], $7::smallint[], $11::smallint[]) as s (source, number, seconds, tenants, hurried)), \
     wanted as ( \
       select t.id as scope, t.account, t.created_at, s.source, s.number, s.seconds, s.hurried from tenants t join leased l on l.account = t.account \
         join sources s on s.tenants = 1 where t.state <> 'removed' \
       union all \
       select '@' || a.code, a.code, a.created_at, s.source, s.number, s.seconds, s.hurried from accounts a join leased l on l.account = a.code \
         join sources s on s.tenants = 0), \
     made as ( \
       insert into sweeps (scope, source, watermark, due_at) \
       select w.scope, w.source, w.created_at, $2 + make_interval(secs => (case when w.hurried = 1 then least($3, w.seconds) else w.seconds end) * random()) from wanted w \
       where not exists (select from sweeps s where s.scope = w.scope and s.source = w.source) order by 1, 2 on conflict do nothing), \
     due as ( \
       select s.scope, s.source, w.account, w.number, w.seconds from sweeps s join wanted w on w.scope = s.scope and w.source = s.source \
       where s.due_at <= $2 for update of s skip locked), \
     moved as ( \
       update sweeps s set due_at = $2 + make_interval(secs => d.seconds * (1 + $8 / 100.0 * (2 * random() - 1))) \
       from due d where s.scope = d.scope and s.source = d.source) \
   insert into work_items (scope, kind, entity, account, priority, aspects, due_at, first_event_at, last_event_at, cause) \
   select d.scope, $9, d.number, d.account, $10, 0, $2, $2, $2, 'sweep' from due d order by 1, 2, 3 \
   on conflict (scope, kind, entity) do nothing returning account as t";

impl Db {
    /// Makes work of the sweeps that are due, in the accounts that this owner leases; tells of how many.
    ///
    /// # Errors
    /// [`DbError`]; the due times are unchanged then.
    pub async fn schedule_sweeps(&self, owner: &str, timetable: &Timetable) -> Result<usize, DbError> {
        let (owner, now) = (owner.to_owned(), self.now());
        let columns = timetable.sources.iter().map(|every| (every.source, every.every.as_secs_f64()));
        let (sources, seconds): (Vec<SweepSource>, Vec<f64>) = columns.unzip();
        let jitter = f64::from(timetable.jitter_percent.min(100));
        let within = timetable.start_within.as_secs_f64();
        self.run(Lane::Hot, move |conn| {
            transaction(conn, |conn| {
                let query = sql_query(SCHEDULE)
                    .bind::<Text, _>(&owner)
                    .bind::<Timestamptz, _>(time(now))
                    .bind::<Double, _>(within)
                    .bind::<Array<Text>, _>(sources.iter().map(|source| source.as_str()).collect::<Vec<_>>())
                    .bind::<Array<BigInt>, _>(sources.iter().map(|source| big(source.number())).collect::<Result<Vec<_>, _>>()?)
                    .bind::<Array<Double>, _>(seconds)
                    .bind::<Array<SmallInt>, _>(sources.iter().map(|source| i16::from(source.is_tenants())).collect::<Vec<_>>())
                    .bind::<Double, _>(jitter)
                    .bind::<Text, _>(WorkKind::Sweep.as_str())
                    .bind::<SmallInt, _>(Share::Sweeps.priority())
                    .bind::<Array<SmallInt>, _>(sources.iter().map(|source| i16::from(source.finds_lost_events())).collect::<Vec<_>>());
                let accounts: Vec<Word> = query.load(conn)?;
                if !accounts.is_empty() {
                    notify_work(conn, accounts.iter().map(|account| account.t.as_str()))?;
                }
                Ok(accounts.len())
            })
        })
        .await
    }

    /// A processor has begun to work on an account: events may have been lost while nobody did, so all sweeps that look for such are
    /// due soon, its own and its tenants', unless they ended within the last minute. Tells how many.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn hasten_sweeps(&self, account: &AccountCode, within: Duration) -> Result<usize, DbError> {
        let (account, now) = (account.clone(), self.now());
        self.run(Lane::Hot, move |conn| {
            let sql = "update sweeps s set due_at = least(s.due_at, $2 + make_interval(secs => $3 * random())) \
                       where (s.swept_at is null or s.swept_at < $4) and s.source = any($5) \
                         and s.scope in (select '@' || $1 union all select t.id from tenants t where t.account = $1)";
            let recent = now.checked_sub(RECENT).unwrap_or(now);
            let hurried = SweepSource::ALL.iter().filter(|source| source.finds_lost_events());
            let hurried: Vec<&str> = hurried.map(|source| source.as_str()).collect();
            let query = sql_query(sql)
                .bind::<Text, _>(account.as_str())
                .bind::<Timestamptz, _>(time(now))
                .bind::<Double, _>(within.as_secs_f64())
                .bind::<Timestamptz, _>(time(recent))
                .bind::<Array<Text>, _>(hurried);
            Ok(query.execute(conn)?)
        })
        .await
    }
}
