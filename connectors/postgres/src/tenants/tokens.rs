//! The pair of tokens: changed by compare-and-set, refreshed by one process at a time.

use diesel::sql_types::{BigInt, Double, Nullable, Text, Timestamptz};
use diesel::{RunQueryDsl as _, sql_query};
use orderbridge_schema::ids::AccountCode;
use secrecy::ExposeSecret as _;

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::listen::notify_work;
use crate::sql::{time, transaction};
use crate::tenants::NewTokens;
use crate::tenants::credentials::{TOKENS, TokenSecrets, account_scope, exposed, load, save};

/// How long a refresh may take before another process may try: well over the call's own time-out.
const REFRESH_SECONDS: f64 = 60.0;

impl Db {
    /// Claims the refresh of the pair of that generation. False if another process is at it, or has stored a newer pair: then read
    /// the credentials again.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn begin_refresh(&self, account: &AccountCode, generation: i64, holder: &str) -> Result<bool, DbError> {
        let (account, holder) = (account.clone(), holder.to_owned());
        self.run(Lane::Hot, move |conn| {
            let sql = "update accounts set refresh_holder = $3, refresh_until = clock_timestamp() + make_interval(secs => $4) \
                       where code = $1 and token_generation = $2 and (refresh_until is null or refresh_until < clock_timestamp() or refresh_holder = $3)";
            let query = sql_query(sql).bind::<Text, _>(account.as_str()).bind::<BigInt, _>(generation).bind::<Text, _>(&holder);
            Ok(query.bind::<Double, _>(REFRESH_SECONDS).execute(conn)? == 1)
        })
        .await
    }

    /// Ends a refresh that brought nothing, so that the next one need not wait.
    ///
    /// # Errors
    /// [`DbError`]; it ends by itself after a minute.
    pub async fn end_refresh(&self, account: &AccountCode, holder: &str) -> Result<(), DbError> {
        let (account, holder) = (account.clone(), holder.to_owned());
        self.run(Lane::Hot, move |conn| {
            let sql = "update accounts set refresh_holder = null, refresh_until = null where code = $1 and refresh_holder = $2";
            sql_query(sql).bind::<Text, _>(account.as_str()).bind::<Text, _>(&holder).execute(conn)?;
            Ok(())
        })
        .await
    }

    /// Stores a new pair over that of the expected generation and ends the refresh. False if another pair was stored meanwhile. An account
    /// that was parked over the former pair is taken up again.
    /// Call this before the new pair is used: a pair that is used but not stored is lost with the process.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn store_tokens(&self, account: &AccountCode, expected_generation: i64, tokens: &NewTokens) -> Result<bool, DbError> {
        let (keyring, account, tokens) = (self.keyring()?, account.clone(), tokens.clone());
        self.run(Lane::Hot, move |conn| {
            transaction(conn, |conn| {
                let sql = "update accounts set token_generation = token_generation + 1, token_expires_at = $3, refresh_holder = null, refresh_until = null, \
                           parked_reason = null, parked_at = null where code = $1 and token_generation = $2";
                let query = sql_query(sql).bind::<Text, _>(account.as_str()).bind::<BigInt, _>(expected_generation);
                if query.bind::<Nullable<Timestamptz>, _>(tokens.expires_at.map(time)).execute(conn)? == 0 {
                    return Ok(false);
                }
                let scope = account_scope(&account);
                let mut stored: TokenSecrets = load(conn, &keyring, &scope, TOKENS)?.unwrap_or_default();
                stored.access = Some(tokens.access.expose_secret().to_owned());
                if tokens.refresh.is_some() {
                    stored.refresh = exposed(&tokens.refresh);
                }
                save(conn, &keyring, &scope, TOKENS, &stored)?;
                notify_work(conn, std::iter::once(account.as_str()))?;
                Ok(true)
            })
        })
        .await
    }
}
