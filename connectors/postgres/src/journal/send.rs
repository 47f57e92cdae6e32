//! Marking a command sent: the only right to call.

use diesel::pg::PgConnection;
use diesel::sql_types::{BigInt, Bool, Double, Integer, Nullable, Text, Timestamptz};
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};
use jiff::{SignedDuration, Timestamp};

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::journal::row::{Row, entry, interval};
use crate::journal::{JournalEntry, SendRight};
use crate::settings::JournalSettings;
use crate::sql::{Time, transaction};

/// An unsettled command on the target, locked.
#[derive(QueryableByName)]
struct OnTarget {
    #[diesel(sql_type = Bool)]
    own: bool,
    #[diesel(sql_type = Bool)]
    leased: bool,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Text)]
    repeatability: String,
    #[diesel(sql_type = Integer)]
    revision: i32,
    #[diesel(sql_type = Integer)]
    sends: i32,
    /// Until when it may still take effect; nothing if it cannot any more.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    busy_until: Option<Time>,
}

/// Locks all open commands on the target, in one order for everybody. A second command on the target that is marked at the same time
/// waits here for the first, and then sees it as sent.
fn lock_target(conn: &mut PgConnection, journal: JournalSettings, command: &JournalEntry, fence: i64, owner: &str) -> Result<Vec<OnTarget>, DbError> {
    let settled = format!("c.deadline_at + {}", interval(journal.grace));
    let sql = format!(
        "select (c.kind = $3 and c.id = $4) as own, c.state, c.repeatability, c.revision, c.sends, \
           case when c.state in ('sent', 'in_doubt') and {settled} > clock_timestamp() then {settled} end as busy_until, \
           exists (select from account_leases l where l.account = $5 and l.fence = $6 and l.owner = $7 and l.expires_at > clock_timestamp()) as leased \
         from commands c where c.scope = $1 and c.target = $2 and c.state in ('planned', 'sent', 'in_doubt') \
         order by c.kind, c.id for update of c"
    );
    let query = sql_query(sql)
        .bind::<Text, _>(command.key.scope.to_string())
        .bind::<Text, _>(&command.target)
        .bind::<Text, _>(command.key.kind.as_str())
        .bind::<Text, _>(&command.key.id)
        .bind::<Text, _>(command.account.as_str())
        .bind::<BigInt, _>(fence)
        .bind::<Text, _>(owner);
    Ok(query.load(conn)?)
}

/// What stands in the way of sending, if anything.
fn obstacle(command: &JournalEntry, on_target: &[OnTarget]) -> Option<SendRight> {
    let own = on_target.iter().find(|other| other.own && other.revision == command.revision && other.sends == command.sends);
    let Some(own) = own else { return Some(SendRight::Moved) };
    // A look-first command in doubt must be looked up: the look-up settles or re-plans it.
    if own.state != "planned" && own.repeatability == "look-first" {
        return Some(SendRight::Moved);
    }
    if !own.leased {
        return Some(SendRight::LeaseLost);
    }
    let until = on_target.iter().filter_map(|other| other.busy_until).max();
    until.map(|until| SendRight::TargetBusy { until: until.to_jiff() })
}

fn set_sent(
    conn: &mut PgConnection,
    journal: JournalSettings,
    command: &JournalEntry,
    fence: i64,
    owner: &str,
    remaining: f64,
) -> Result<JournalEntry, DbError> {
    let sql = format!(
        "update commands c set state = 'sent', sends = c.sends + 1, resent_in_doubt = (c.state <> 'planned'), confirmed_fingerprint = null, \
           sent_at = clock_timestamp(), deadline_at = clock_timestamp() + make_interval(secs => $6), misses = 0, last_miss_at = null, \
           fence = $4, owner = $5, why = null, changed_at = clock_timestamp() \
         where c.scope = $1 and c.kind = $2 and c.id = $3 returning {}",
        entry(journal.grace)
    );
    let query = sql_query(sql)
        .bind::<Text, _>(command.key.scope.to_string())
        .bind::<Text, _>(command.key.kind.as_str())
        .bind::<Text, _>(&command.key.id)
        .bind::<BigInt, _>(fence)
        .bind::<Text, _>(owner)
        .bind::<Double, _>(remaining);
    query.get_result::<Row>(conn)?.read()
}

impl Db {
    /// Takes the right to call: planned becomes sent, committed before this returns. A command that may simply be sent again (keyed, or
    /// setting a value) is also granted from "in doubt", once the earlier send can no longer take effect.
    ///
    /// The deadline is this machine's time; the journal keeps it in the database's, counted from the commit, so that a difference
    /// between the two clocks never ends it early.
    ///
    /// # Errors
    /// [`DbError`]: the command may or may not be marked. Do not call; it is in doubt once its deadline has passed.
    pub async fn mark_sent(&self, command: &JournalEntry, fence: i64, owner: &str, deadline_at: Timestamp) -> Result<SendRight, DbError> {
        let (command, owner, journal) = (command.clone(), owner.to_owned(), self.journal_settings());
        self.run(Lane::Hot, move |conn| {
            let right = transaction(conn, |conn| {
                let on_target = lock_target(conn, journal, &command, fence, &owner)?;
                if let Some(obstacle) = obstacle(&command, &on_target) {
                    return Ok(obstacle);
                }
                let remaining = deadline_at.duration_since(Timestamp::now());
                if remaining <= SignedDuration::ZERO {
                    return Err(DbError::Unavailable("the command's deadline passed before it could be marked".into()));
                }
                set_sent(conn, journal, &command, fence, &owner, remaining.as_secs_f64()).map(SendRight::Granted)
            })?;
            Ok(right)
        })
        .await
    }
}
