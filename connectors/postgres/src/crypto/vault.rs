//! Sealed rows: one per scope and name, and their move to a new key.

use diesel::pg::PgConnection;
use diesel::sql_types::{BigInt, Text};
use diesel::{OptionalExtension as _, QueryableByName, RunQueryDsl as _, sql_query};
use zeroize::Zeroizing;

use crate::crypto::Keyring;
use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::sql::transaction;

/// How many rows are re-sealed in one transaction.
const BATCH: i64 = 100;

/// An opened secret, wiped when dropped.
pub(crate) type Plaintext = Zeroizing<Vec<u8>>;

/// What a rotation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotated {
    /// Secrets that were sealed anew.
    pub resealed: usize,
}

#[derive(QueryableByName)]
struct Sealed {
    #[diesel(sql_type = Text)]
    scope: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    sealed: String,
}

impl Sealed {
    fn open(&self, keyring: &Keyring) -> Result<Plaintext, DbError> {
        open_sealed(keyring, &self.scope, &self.name, &self.sealed)
    }
}

pub(crate) fn find_row(conn: &mut PgConnection, scope: &str, name: &str) -> Result<Option<String>, DbError> {
    let query = sql_query("select scope, name, sealed from credentials where scope = $1 and name = $2").bind::<Text, _>(scope).bind::<Text, _>(name);
    Ok(query.get_result::<Sealed>(conn).optional()?.map(|row| row.sealed))
}

pub(crate) fn open_row(conn: &mut PgConnection, keyring: &Keyring, scope: &str, name: &str) -> Result<Option<Plaintext>, DbError> {
    find_row(conn, scope, name)?.map(|sealed| open_sealed(keyring, scope, name, &sealed)).transpose()
}

/// Opens what was sealed for this scope and name.
pub(crate) fn open_sealed(keyring: &Keyring, scope: &str, name: &str, sealed: &str) -> Result<Plaintext, DbError> {
    Ok(keyring.open(&format!("{scope}/{name}"), sealed)?)
}

pub(crate) fn insert_row(conn: &mut PgConnection, scope: &str, name: &str, sealed: &str) -> Result<(), DbError> {
    let sql = "insert into credentials (scope, name, sealed, key_id) values ($1, $2, $3, split_part($3, ':', 2)) on conflict do nothing";
    sql_query(sql).bind::<Text, _>(scope).bind::<Text, _>(name).bind::<Text, _>(sealed).execute(conn)?;
    Ok(())
}

/// Seals and writes a row, over any that is there.
pub(crate) fn seal_row(conn: &mut PgConnection, keyring: &Keyring, scope: &str, name: &str, plaintext: &[u8]) -> Result<(), DbError> {
    let sealed = keyring.seal(&format!("{scope}/{name}"), plaintext)?;
    let sql = "insert into credentials (scope, name, sealed, key_id) values ($1, $2, $3, split_part($3, ':', 2)) \
               on conflict (scope, name) do update set sealed = excluded.sealed, key_id = excluded.key_id";
    sql_query(sql).bind::<Text, _>(scope).bind::<Text, _>(name).bind::<Text, _>(&sealed).execute(conn)?;
    Ok(())
}

/// Seals one batch anew. Rows are locked, so that a token stored meanwhile is never put back to an older one.
fn rotate_batch(conn: &mut PgConnection, keyring: &Keyring) -> Result<usize, DbError> {
    transaction(conn, |conn| {
        let sql = "select scope, name, sealed from credentials where key_id <> $1 order by scope, name limit $2 for update";
        let rows: Vec<Sealed> = sql_query(sql).bind::<Text, _>(keyring.newest()).bind::<BigInt, _>(BATCH).load(conn)?;
        for row in &rows {
            seal_row(conn, keyring, &row.scope, &row.name, &row.open(keyring)?)?;
        }
        Ok(rows.len())
    })
}

impl Db {
    /// Seals every credential under the newest key, in batches; interrupted, it goes on where it stopped.
    ///
    /// # Errors
    /// [`DbError`]; what was done so far stays.
    pub async fn rotate_credentials(&self) -> Result<Rotated, DbError> {
        let mut resealed = 0;
        loop {
            let keyring = self.keyring()?;
            match self.run(Lane::Bulk, move |conn| rotate_batch(conn, &keyring)).await? {
                0 => return Ok(Rotated { resealed }),
                done => resealed += done,
            }
        }
    }
}
