//! What became of a sent command.

use diesel::pg::PgConnection;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
use diesel::{OptionalExtension as _, QueryableByName, RunQueryDsl as _, sql_query};
use orderbridge_schema::command::Repeatability;

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::journal::{Confirmed, JournalEntry, Refusal};
use crate::links::{agree_on, write_links};
use crate::sql::{big, transaction};
use crate::timeline::append_on;

/// Longest kept text of a refusal or doubt, in characters.
const WHY_CHARS_MAX: usize = 500;

/// One that sets a value is confirmed only by the send it belongs to. One that made something is confirmed by whoever learns of it, from
/// whatever state: the thing is there.
const CONFIRM: &str = "update commands c set state = 'confirmed', result_id = coalesce($6, c.result_id), why = null, misses = 0, changed_at = clock_timestamp(), \
       confirmed_fingerprint = case when c.state = 'sent' and c.sends = $5 and not c.resent_in_doubt then c.fingerprint end \
     where c.scope = $1 and c.kind = $2 and c.id = $3 and case when $7 \
       then c.state in ('sent', 'in_doubt') and c.revision = $4 and c.sends = $5 \
       else c.state <> 'confirmed' or (c.result_id is null and $6 is not null) end";

/// A refusal of a resend tells nothing about the send before it: what may have been made by that one stays in doubt.
const REFUSE: &str = "update commands c set why = $6, changed_at = clock_timestamp(), matched_again = c.matched_again or $8, state = case \
         when c.resent_in_doubt and c.repeatability <> 'absolute' then 'in_doubt' when $7 then 'planned' else 'refused' end \
     where c.scope = $1 and c.kind = $2 and c.id = $3 and c.revision = $4 and c.sends = $5 and c.state in ('sent', 'in_doubt')";

const DOUBT: &str = "update commands c set why = $6, changed_at = clock_timestamp(), state = 'in_doubt' \
     where c.scope = $1 and c.kind = $2 and c.id = $3 and c.revision = $4 and c.sends = $5 and c.state in ('sent', 'in_doubt')";

#[derive(QueryableByName)]
struct Standing {
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    result_id: Option<i64>,
}

fn standing(conn: &mut PgConnection, command: &JournalEntry) -> Result<Option<Standing>, DbError> {
    let query = sql_query("select state, result_id from commands where scope = $1 and kind = $2 and id = $3")
        .bind::<Text, _>(command.key.scope.to_string())
        .bind::<Text, _>(command.key.kind.as_str())
        .bind::<Text, _>(&command.key.id);
    Ok(query.get_result(conn).optional()?)
}

fn confirm_on(
    conn: &mut PgConnection,
    command: &JournalEntry,
    result: Option<i64>,
    confirmed: &Confirmed,
    now: jiff::Timestamp,
) -> Result<bool, DbError> {
    let is_absolute = command.key.kind.repeatability() == Repeatability::Absolute;
    let query = sql_query(CONFIRM)
        .bind::<Text, _>(command.key.scope.to_string())
        .bind::<Text, _>(command.key.kind.as_str())
        .bind::<Text, _>(&command.key.id)
        .bind::<Integer, _>(command.revision)
        .bind::<Integer, _>(command.sends)
        .bind::<Nullable<BigInt>, _>(result)
        .bind::<Bool, _>(is_absolute);
    if query.execute(conn)? == 0 {
        let found = standing(conn, command)?;
        let same = found.is_some_and(|found| found.state == "confirmed" && (result.is_none() || found.result_id == result));
        return match (same, is_absolute) {
            // Links once written stay the same; writing them again costs nothing and heals a restored database.
            (true, _) => write_links(conn, &command.account, &confirmed.links).map(|()| false),
            (false, true) => Ok(false),
            (false, false) => Err(DbError::Conflict(format!("command {} is confirmed with another result", command.key))),
        };
    }
    write_links(conn, &command.account, &confirmed.links)?;
    if let Some(agreement) = &confirmed.agreed {
        agree_on(conn, &agreement.tenant, agreement.order, agreement.pair, now)?;
    }
    append_on(conn, &confirmed.timeline)?;
    Ok(true)
}

fn settle(conn: &mut PgConnection, sql: &'static str, command: &JournalEntry, why: &str, refusal: Option<Refusal>) -> Result<bool, DbError> {
    let why: String = why.chars().take(WHY_CHARS_MAX).collect();
    let query = sql_query(sql)
        .bind::<Text, _>(command.key.scope.to_string())
        .bind::<Text, _>(command.key.kind.as_str())
        .bind::<Text, _>(command.key.id.clone())
        .bind::<Integer, _>(command.revision)
        .bind::<Integer, _>(command.sends)
        .bind::<Text, _>(why);
    let changed = match refusal {
        Some(refusal) => query.bind::<Bool, _>(refusal != Refusal::Final).bind::<Bool, _>(refusal == Refusal::MatchedAgain).execute(conn)?,
        None => query.execute(conn)?,
    };
    Ok(changed == 1)
}

impl Db {
    /// It took effect: state, result, links, agreement and timeline in one transaction. `None` as result of a command that makes
    /// something means that its id is not known yet: confirm again once it is. False if it was confirmed before, or (for one that sets
    /// a value) has moved on since it was read.
    ///
    /// # Errors
    /// [`DbError::Conflict`] if it was confirmed with another result, or a link contradicts one that exists: somebody must look.
    pub async fn confirm(&self, command: &JournalEntry, result_id: Option<u64>, confirmed: Confirmed) -> Result<bool, DbError> {
        let (command, result, now) = (command.clone(), result_id.map(big).transpose()?, self.now());
        self.run(Lane::Hot, move |conn| transaction(conn, |conn| confirm_on(conn, &command, result, &confirmed, now))).await
    }

    /// The platform definitely said no to this send: refused for good, or planned again. A refused resend of
    /// something that may exist already stays in doubt. False if the command has moved on since it was sent.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn refuse(&self, command: &JournalEntry, code: &str, message: &str, refusal: Refusal) -> Result<bool, DbError> {
        let (command, why) = (command.clone(), format!("{code}: {message}"));
        self.run(Lane::Hot, move |conn| settle(conn, REFUSE, &command, &why, Some(refusal))).await
    }

    /// Nobody knows what became of this send. False if the command has moved on since.
    ///
    /// # Errors
    /// [`DbError`]; it counts as in doubt all the same once its deadline has passed.
    pub async fn doubt(&self, command: &JournalEntry, why: &str) -> Result<bool, DbError> {
        let (command, why) = (command.clone(), why.to_owned());
        self.run(Lane::Hot, move |conn| settle(conn, DOUBT, &command, &why, None)).await
    }
}
