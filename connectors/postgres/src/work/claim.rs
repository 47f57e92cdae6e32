//! Claiming: what a leased account has to do now.

use diesel::sql_types::{self, Array, BigInt, Integer, Nullable, SmallInt, Text, Timestamptz};
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};
use orderbridge_schema::ids::AccountCode;
use orderbridge_schema::work::{Aspects, Share};
use uuid::Uuid;

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::sql::{Time, count, parsed, small, time};
use crate::work::row::ItemRow;
use crate::work::{ReadyAccount, ShareLimit, WorkItem};

/// Each tenant of the account is looked at by itself, so that a paused one's backlog is never walked over and a busy one's never hides
/// another's; within a share they are then taken in turn. Nothing is claimed without the lease, or while the account is parked.
/// A claim that was neither finished nor put off for a quarter of an hour was lost in the process that holds it.
const CLAIM: &str = "with shares as (select * from unnest($5::smallint[], $6::int[]) as s (priority, n)), \
     scopes as ( \
       select t.id as scope from tenants t where t.account = $1 and t.state = 'active' and t.parked_reason is null \
       union all select '@' || a.code from accounts a where a.code = $1), \
     allowed as ( \
       select 1 from account_leases l join accounts a on a.code = l.account \
       where l.account = $1 and l.fence = $2 and l.owner = $3 and l.expires_at > clock_timestamp() and a.parked_reason is null), \
     due as ( \
       select c.*, h.n, row_number() over (partition by h.priority, c.scope order by c.due_at) as turn \
       from allowed cross join scopes s join shares h on not exists ( \
         select from unnest($7::text[], $8::smallint[]) as x (scope, priority) where x.scope = s.scope and x.priority = h.priority) \
       cross join lateral ( \
         select w.scope, w.kind, w.entity, w.priority, w.due_at from work_items w \
         where w.account = $1 and w.scope = s.scope and w.priority = h.priority and w.state = 'ready' and w.due_at <= $4 \
           and (w.claimed_fence is null or w.claimed_fence < $2 or w.claimed_at < clock_timestamp() - interval '15 minutes') \
         order by w.due_at limit h.n for update skip locked) c), \
     taken as (select d.*, row_number() over (partition by d.priority order by d.turn, d.due_at) as place from due d) \
   update work_items w set claimed_generation = w.generation, claimed_fence = $2, claimed_at = clock_timestamp(), attempts = w.attempts + 1 \
   from taken t where t.place <= t.n and w.scope = t.scope and w.kind = t.kind and w.entity = t.entity \
   returning w.scope, w.kind, w.entity, w.account, w.priority, w.aspects, w.generation, w.attempts, w.first_event_at, w.last_event_at, w.cause, \
     w.event_id";

/// The next due moment of each account, by one short index look-up per tenant and share.
const READY: &str = "with scopes as ( \
       select t.account, t.id as scope from tenants t where t.state = 'active' and t.parked_reason is null \
       union all select a.code, '@' || a.code from accounts a) \
   select s.account, min(n.due_at) as due_at from scopes s \
   join accounts a on a.code = s.account and a.parked_reason is null \
   left join account_leases l on l.account = s.account \
   cross join (values (10::smallint), (20::smallint), (30::smallint), (40::smallint), (50::smallint)) as h (priority) \
   cross join lateral ( \
     select w.due_at from work_items w where w.account = s.account and w.scope = s.scope and w.priority = h.priority and w.state = 'ready' \
       and (w.claimed_fence is null or w.claimed_fence < coalesce(l.fence, 0) or l.owner is null \
         or w.claimed_at < clock_timestamp() - interval '15 minutes') \
     order by w.due_at limit 1) n \
   group by s.account order by 2";

#[derive(QueryableByName)]
struct ClaimedRow {
    #[diesel(embed)]
    item: ItemRow,
    #[diesel(sql_type = SmallInt)]
    aspects: i16,
    #[diesel(sql_type = Nullable<sql_types::Uuid>)]
    event_id: Option<Uuid>,
}

impl ClaimedRow {
    fn read(self, fence: i64) -> Result<WorkItem, DbError> {
        let item = self.item;
        Ok(WorkItem {
            key: item.key.read()?,
            account: parsed(&item.account)?,
            share: Share::of_priority(item.priority),
            aspects: Aspects(self.aspects),
            generation: item.generation,
            fence,
            attempts: count(item.attempts),
            first_event_at: item.first_event_at.to_jiff(),
            last_event_at: item.last_event_at.to_jiff(),
            cause: item.cause,
            event: self.event_id,
        })
    }
}

#[derive(QueryableByName)]
struct ReadyRow {
    #[diesel(sql_type = Text)]
    account: String,
    #[diesel(sql_type = Timestamptz)]
    due_at: Time,
}

impl Db {
    /// Claims what is due of an account, oldest first within a share, its tenants in turn. Paused and parked tenants' items are left.
    /// Empty if the lease is not this owner's under this fence. What an older lease had claimed is claimable at once.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn claim(&self, account: &AccountCode, fence: i64, owner: &str, limits: &[ShareLimit]) -> Result<Vec<WorkItem>, DbError> {
        let (account, owner, now) = (account.clone(), owner.to_owned(), self.now());
        let priorities: Vec<i16> = limits.iter().map(|limit| limit.share.priority()).collect();
        let counts: Vec<i32> = limits.iter().map(|limit| small(limit.limit)).collect::<Result<_, _>>()?;
        let except = limits.iter().flat_map(|limit| limit.except.iter().map(|scope| (scope.to_string(), limit.share.priority())));
        let (except_scopes, except_priorities): (Vec<String>, Vec<i16>) = except.unzip();
        self.run(Lane::Hot, move |conn| {
            let query = sql_query(CLAIM)
                .bind::<Text, _>(account.as_str())
                .bind::<BigInt, _>(fence)
                .bind::<Text, _>(&owner)
                .bind::<Timestamptz, _>(time(now))
                .bind::<Array<SmallInt>, _>(priorities)
                .bind::<Array<Integer>, _>(counts)
                .bind::<Array<Text>, _>(except_scopes)
                .bind::<Array<SmallInt>, _>(except_priorities);
            let rows: Vec<ClaimedRow> = query.load(conn)?;
            let mut items = rows.into_iter().map(|row| row.read(fence)).collect::<Result<Vec<_>, _>>()?;
            items.sort_by(|a, b| (a.share, a.first_event_at, &a.key).cmp(&(b.share, b.first_event_at, &b.key)));
            Ok(items)
        })
        .await
    }

    /// Accounts with unclaimed work and when the first of it is due, soonest first; without paused and parked ones.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn ready_accounts(&self) -> Result<Vec<ReadyAccount>, DbError> {
        self.run(Lane::Hot, |conn| {
            let rows: Vec<ReadyRow> = sql_query(READY).load(conn)?;
            rows.into_iter().map(|row| Ok(ReadyAccount { account: parsed(&row.account)?, due_at: row.due_at.to_jiff() })).collect()
        })
        .await
    }
}
