//! Commands in doubt: which they are, and how their absence is proved.

use std::time::Duration;

use diesel::pg::PgConnection;
use diesel::sql_types::{Bool, Double, Integer, Nullable, Text, Timestamptz};
use diesel::{OptionalExtension as _, QueryableByName, RunQueryDsl as _, sql_query};
use orderbridge_schema::ids::AccountCode;

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::journal::row::{Row, entry, interval};
use crate::journal::{JournalEntry, Missed, seconds};
use crate::settings::JournalSettings;
use crate::sql::Time;

#[derive(QueryableByName)]
struct MissRow {
    #[diesel(sql_type = Bool)]
    proved: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    again_at: Option<Time>,
}

/// One miss. It counts only if the look-up began after the command could last take effect, and a second one only if it began long enough
/// after the first; all by the database's clock.
fn miss_on(conn: &mut PgConnection, journal: JournalSettings, command: &JournalEntry, look_up_took: Duration) -> Result<Missed, DbError> {
    let (grace, spacing) = (interval(journal.grace), interval(journal.miss_spacing));
    let sql = format!(
        "with found as ( \
           select c.*, clock_timestamp() - make_interval(secs => $6) as began_at from commands c \
           where c.scope = $1 and c.kind = $2 and c.id = $3 and c.revision = $4 and c.sends = $5 and c.state in ('sent', 'in_doubt') for update), \
         judged as ( \
           select f.*, f.began_at > f.deadline_at + {grace} and (f.misses = 0 or f.began_at >= f.last_miss_at + {spacing}) as counts from found f) \
         update commands c set \
           state = case when j.counts and j.misses > 0 then 'planned' when c.deadline_at < clock_timestamp() then 'in_doubt' else c.state end, \
           misses = case when not j.counts then c.misses when j.misses > 0 then 0 else 1 end, \
           last_miss_at = case when j.counts then clock_timestamp() else c.last_miss_at end, \
           changed_at = clock_timestamp() \
         from judged j where c.scope = j.scope and c.kind = j.kind and c.id = j.id \
         returning c.state = 'planned' as proved, case when c.misses > 0 then c.last_miss_at + {spacing} else c.deadline_at + {grace} end as again_at"
    );
    let query = sql_query(sql)
        .bind::<Text, _>(command.key.scope.to_string())
        .bind::<Text, _>(command.key.kind.as_str())
        .bind::<Text, _>(&command.key.id)
        .bind::<Integer, _>(command.revision)
        .bind::<Integer, _>(command.sends)
        .bind::<Double, _>(seconds(look_up_took));
    let row: Option<MissRow> = query.get_result(conn).optional()?;
    Ok(match row {
        None => Missed::Moved,
        Some(row) if row.proved => Missed::Proved,
        Some(row) => Missed::First { again_at: row.again_at.map(Time::to_jiff).ok_or_else(|| DbError::data("a sent command has no deadline"))? },
    })
}

impl Db {
    /// A look-up that took this long found nothing of what the command makes. Two that count prove that it took no effect: it is
    /// planned again.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn miss(&self, command: &JournalEntry, look_up_took: Duration) -> Result<Missed, DbError> {
        let (command, journal) = (command.clone(), self.journal_settings());
        self.run(Lane::Hot, move |conn| miss_on(conn, journal, &command, look_up_took)).await
    }

    /// The commands of an account that need a look: in doubt, sent with their deadline past, or confirmed with their id unknown.
    /// Longest ago first.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn unsettled(&self, account: &AccountCode) -> Result<Vec<JournalEntry>, DbError> {
        let (account, grace) = (account.clone(), self.journal_settings().grace);
        self.run(Lane::Hot, move |conn| {
            let sql = format!(
                "select {} from commands c where c.account = $1 and (c.state in ('sent', 'in_doubt') \
                   or (c.state = 'confirmed' and c.result_id is null and c.repeatability <> 'absolute')) \
                   and (c.state <> 'sent' or c.deadline_at < clock_timestamp()) order by c.sent_at, c.scope, c.kind, c.id",
                entry(grace)
            );
            let rows: Vec<Row> = sql_query(sql).bind::<Text, _>(account.as_str()).load(conn)?;
            rows.into_iter().map(Row::read).collect()
        })
        .await
    }
}
