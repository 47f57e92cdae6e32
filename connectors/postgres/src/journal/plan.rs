//! Planning: the row that everything about a command hangs on.

use diesel::sql_types::{Jsonb, Text};
use diesel::{OptionalExtension as _, RunQueryDsl as _, sql_query};
use orderbridge_schema::command::{CommandKey, CommandKind, Repeatability};

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::journal::row::{Row, entry, interval};
use crate::journal::{JournalEntry, NewCommand};

/// Name in the database.
fn repeatability(kind: CommandKind) -> &'static str {
    match kind.repeatability() {
        Repeatability::Keyed => "keyed",
        Repeatability::Absolute => "absolute",
        Repeatability::LookFirst => "look-first",
    }
}

impl Db {
    /// Plans a command, or gives the row that stands for it already.
    ///
    /// A planned one takes on the new content. One that was refused is planned again, and so is a confirmed one that sets a value; one
    /// that makes something never leaves "confirmed". A value whose write is in doubt takes on the new content once the old write can
    /// no longer take effect; what is sent or in doubt otherwise stays as it is.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn plan(&self, command: &NewCommand) -> Result<JournalEntry, DbError> {
        let command = command.clone();
        let grace = self.journal_settings().grace;
        self.run(Lane::Hot, move |conn| {
            let anew = "(c.state = 'refused' or (c.state = 'confirmed' and c.repeatability = 'absolute'))";
            let overdue = format!(
                "(c.state in ('sent', 'in_doubt') and c.repeatability = 'absolute' and c.deadline_at + {} < clock_timestamp())",
                interval(grace)
            );
            let takes = format!("({anew} or {overdue} or c.state = 'planned')");
            let sql = format!(
                "insert into commands as c (scope, kind, id, account, target, repeatability, state, fingerprint, explanation) \
                 values ($1, $2, $3, $4, $5, $6, 'planned', $7, $8) \
                 on conflict (scope, kind, id) do update set \
                   state = case when {anew} then 'planned' else c.state end, \
                   revision = case when {anew} then c.revision + 1 else c.revision end, \
                   misses = case when {anew} then 0 else c.misses end, \
                   why = case when {anew} then null else c.why end, \
                   account = case when {takes} then excluded.account else c.account end, \
                   target = case when {takes} then excluded.target else c.target end, \
                   fingerprint = case when {takes} then excluded.fingerprint else c.fingerprint end, \
                   explanation = case when {takes} then excluded.explanation else c.explanation end, \
                   changed_at = case when {takes} then now() else c.changed_at end \
                 returning {}",
                entry(grace)
            );
            let query = sql_query(sql)
                .bind::<Text, _>(command.key.scope.to_string())
                .bind::<Text, _>(command.key.kind.as_str())
                .bind::<Text, _>(&command.key.id)
                .bind::<Text, _>(command.account.as_str())
                .bind::<Text, _>(&command.target)
                .bind::<Text, _>(repeatability(command.key.kind))
                .bind::<Text, _>(&command.fingerprint)
                .bind::<Jsonb, _>(&command.explanation);
            query.get_result::<Row>(conn)?.read()
        })
        .await
    }

    /// The journal's row of a command.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn journal_entry(&self, key: &CommandKey) -> Result<Option<JournalEntry>, DbError> {
        let key = key.clone();
        let grace = self.journal_settings().grace;
        self.run(Lane::Hot, move |conn| {
            let sql = format!("select {} from commands c where c.scope = $1 and c.kind = $2 and c.id = $3", entry(grace));
            let query = sql_query(sql).bind::<Text, _>(key.scope.to_string()).bind::<Text, _>(key.kind.as_str()).bind::<Text, _>(&key.id);
            query.get_result::<Row>(conn).optional()?.map(Row::read).transpose()
        })
        .await
    }
}
