//! Releasing: what waited for a cause is decided again, oldest first.

use diesel::pg::PgConnection;
use diesel::sql_types::{Array, Nullable, SmallInt, Text, Timestamptz};
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};
use jiff::Timestamp;
use orderbridge_schema::work::{Aspects, Scope, Share};

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::listen::notify_work;
use crate::sql::{time, transaction};
use crate::work::Causes;

/// The released items' due times are a microsecond apart in the order of their age, so that the due index keeps it. Effects that were
/// held while their item was finished get a new item. The holds stay, marked, until the effect is decided again.
const RELEASE: &str = "with chosen as ( \
       update holds h set released_at = $4 where h.released_at is null \
         and ($1::text is null or h.scope = $1) and ($2::text is null or h.cause_key like $2) and ($3::text[] is null or h.cause_key = any($3)) \
       returning h.scope, h.kind, h.entity, h.held_at, h.cause), \
     items as (select c.scope, c.kind, c.entity, min(c.held_at) as held_at, min(c.cause) as cause from chosen c group by 1, 2, 3), \
     ordered as ( \
       select i.*, coalesce(t.account, substr(i.scope, 2)) as account, coalesce(w.first_event_at, i.held_at) as since, \
         row_number() over (order by coalesce(w.first_event_at, i.held_at), i.scope, i.kind, i.entity) as place \
       from items i left join tenants t on t.id = i.scope \
       left join work_items w on w.scope = i.scope and w.kind = i.kind and w.entity = i.entity) \
   insert into work_items as w (scope, kind, entity, account, priority, aspects, due_at, first_event_at, last_event_at, cause) \
   select o.scope, o.kind, o.entity, o.account, $5, $6, $4 + o.place * interval '1 microsecond', o.since, $4, 'released: ' || o.cause \
   from ordered o order by o.scope, o.kind, o.entity \
   on conflict (scope, kind, entity) do update set generation = w.generation + 1, attempts = 0, \
     state = case when w.state = 'stopped' then w.state else 'ready' end, cause = excluded.cause, event_id = null, \
     aspects = w.aspects | excluded.aspects, \
     due_at = case when w.state = 'held' then greatest(excluded.due_at, coalesce(w.floor_at, excluded.due_at)) else w.due_at end \
   returning w.account";

#[derive(QueryableByName)]
struct Released {
    #[diesel(sql_type = Text)]
    account: String,
}

/// Releases within a transaction of the caller's, which mends the cause. Tells how many items were made ready.
pub(crate) fn release_on(conn: &mut PgConnection, causes: &Causes, scope: Option<&Scope>, now: Timestamp) -> Result<usize, DbError> {
    let (prefix, exact) = match causes {
        Causes::Prefix(prefix) => (Some(like_prefix(prefix)), None),
        Causes::Exact(causes) => (None, Some(causes.iter().map(|cause| cause.to_lowercase()).collect::<Vec<_>>())),
    };
    let query = sql_query(RELEASE)
        .bind::<Nullable<Text>, _>(scope.map(ToString::to_string))
        .bind::<Nullable<Text>, _>(prefix)
        .bind::<Nullable<Array<Text>>, _>(exact)
        .bind::<Timestamptz, _>(time(now))
        .bind::<SmallInt, _>(Share::Orders.priority())
        .bind::<SmallInt, _>(Aspects::ALL.0);
    let released: Vec<Released> = query.load(conn)?;
    if !released.is_empty() {
        notify_work(conn, released.iter().map(|row| row.account.as_str()))?;
    }
    Ok(released.len())
}

/// A LIKE pattern for "begins so".
pub(crate) fn like_prefix(prefix: &str) -> String {
    let escaped = prefix.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("{escaped}%")
}

/// The causes of holds that a change of these identities may mend.
pub(crate) fn identity_causes(kind: &str, keys: &[String]) -> Causes {
    Causes::Exact(keys.iter().map(|key| format!("{kind}:{key}")).collect())
}

impl Db {
    /// Makes ready whatever waits for one of these causes, oldest first, without waiting for an event; tells how many items.
    /// With no scope, those of all tenants.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn release_holds(&self, causes: Causes, scope: Option<&Scope>) -> Result<usize, DbError> {
        let (scope, now) = (scope.cloned(), self.now());
        self.run(Lane::Bulk, move |conn| transaction(conn, |conn| release_on(conn, &causes, scope.as_ref(), now))).await
    }
}
