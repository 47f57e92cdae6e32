//! Leases: one processor at a time works for an account. They save work; what keeps calls from being made twice is the journal.
//!
//! All times are the database's own, read when the row is touched, never a test's clock.

use std::time::Duration;

use diesel::pg::PgConnection;
use diesel::sql_types::{BigInt, Double, Text};
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};
use orderbridge_schema::ids::AccountCode;

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::sql::parsed;

/// The right to work for an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Which account.
    pub account: AccountCode,
    /// Rises with every change of hands; older ones have no rights.
    pub fence: i64,
}

#[derive(QueryableByName)]
struct LeaseRow {
    #[diesel(sql_type = Text)]
    account: String,
    #[diesel(sql_type = BigInt)]
    fence: i64,
}

fn read(rows: Vec<LeaseRow>) -> Result<Vec<Lease>, DbError> {
    rows.into_iter().map(|row| Ok(Lease { account: parsed(&row.account)?, fence: row.fence })).collect()
}

impl Db {
    /// Leases at most `max` accounts that nobody holds, those with unfinished work or unsettled commands first.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn acquire_leases(&self, owner: &str, max: u32, ttl: Duration) -> Result<Vec<Lease>, DbError> {
        let owner = owner.to_owned();
        self.run(Lane::Heartbeat, move |conn| {
            let sql = "with free as ( \
                   select l.account from account_leases l where l.owner is null or l.expires_at < clock_timestamp() \
                   order by (exists (select from work_items w where w.account = l.account and w.state = 'ready') \
                          or exists (select from commands c where c.account = l.account and c.state in ('sent', 'in_doubt'))) desc, l.expires_at nulls first \
                   limit $2 for update of l skip locked) \
                 update account_leases l set owner = $1, fence = nextval('lease_fence'), expires_at = clock_timestamp() + make_interval(secs => $3) \
                 from free where l.account = free.account returning l.account, l.fence";
            let query = sql_query(sql).bind::<Text, _>(&owner).bind::<BigInt, _>(i64::from(max)).bind::<Double, _>(ttl.as_secs_f64());
            read(query.load(conn)?)
        })
        .await
    }

    /// Renews all leases of an owner in one statement, and tells which are still its own. One that ran out is gone even if nobody
    /// took it: it has to be acquired again, under a new fence.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn renew_leases(&self, owner: &str, ttl: Duration) -> Result<Vec<Lease>, DbError> {
        let owner = owner.to_owned();
        self.run(Lane::Heartbeat, move |conn| {
            let sql = "update account_leases set expires_at = clock_timestamp() + make_interval(secs => $2) \
                       where owner = $1 and expires_at >= clock_timestamp() returning account, fence";
            read(sql_query(sql).bind::<Text, _>(&owner).bind::<Double, _>(ttl.as_secs_f64()).load(conn)?)
        })
        .await
    }

    /// Gives all leases of an owner back.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn release_leases(&self, owner: &str) -> Result<(), DbError> {
        let owner = owner.to_owned();
        self.run(Lane::Heartbeat, move |conn| release(conn, &owner, None)).await
    }

    /// Gives one lease back.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn release_lease(&self, owner: &str, account: &AccountCode) -> Result<(), DbError> {
        let (owner, account) = (owner.to_owned(), account.clone());
        self.run(Lane::Heartbeat, move |conn| release(conn, &owner, Some(account.as_str()))).await
    }
}

fn release(conn: &mut PgConnection, owner: &str, account: Option<&str>) -> Result<(), DbError> {
    let sql = "update account_leases set owner = null, expires_at = null where owner = $1 and ($2 = '' or account = $2)";
    sql_query(sql).bind::<Text, _>(owner).bind::<Text, _>(account.unwrap_or("")).execute(conn)?;
    Ok(())
}
