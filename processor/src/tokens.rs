//! The refresh of an account's tokens. A refresh token may work only once (BP §b.3), so from the moment one is handed in, nothing ends
//! the exchange but its own end: it runs in a task of its own, which goes on until the new pair is stored.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use orderbridge_brightpearl::oauth;
use orderbridge_http_client::{CallError, HttpClient};
use orderbridge_postgres::{AccountRecord, Db, NewTokens};
use orderbridge_schema::clock::Clock;
use orderbridge_schema::ids::{AccountCode, Platform};
use secrecy::SecretString;

use crate::connections::{Connections, of_db};
use crate::failure;
use crate::outcome::Outcome;

/// When to look again while another process refreshes a token.
const REFRESH_WAIT: Duration = Duration::from_secs(2);
/// How long a token that ends soon is used on before it is tried again to renew it early.
const EARLY_AGAIN: SignedDuration = SignedDuration::from_mins(10);
/// Between the first two tries to store a new pair; the wait doubles from there.
const STORE_WAIT: Duration = Duration::from_millis(250);
/// The longest wait between two tries.
const STORE_WAIT_MAX: Duration = Duration::from_secs(2);

/// What came of handing a refresh token in.
enum Exchanged {
    /// A newer pair is stored, ours or another's.
    Stored,
    /// Brightpearl gives no new pair for it.
    Refused(&'static str),
}

/// One exchange that is under way.
struct Exchange {
    db: Db,
    http: HttpClient,
    clock: Arc<dyn Clock>,
    record: AccountRecord,
    generation: i64,
    client_secret: Option<SecretString>,
    refresh_token: SecretString,
}

impl Connections {
    /// Replaces a token that Brightpearl refuses, once among all processes. The new pair is stored before anybody uses it; if there is
    /// none to be had, the account is parked.
    pub(crate) async fn refresh(&self, account: &AccountCode, generation: i64) -> Result<(), Outcome> {
        match self.exchange(account, generation).await? {
            Exchanged::Stored => Ok(()),
            Exchanged::Refused(why) => Err(self.park(account, generation, why).await),
        }
    }

    /// Renews a token that ends soon. Nothing depends on it: the token is used on while it lives, and its end is told by a 401. An early
    /// refresh may well hand back the same token (BP §b.3), so it is tried now and then only.
    pub(crate) async fn refresh_early(&self, account: &AccountCode, generation: i64) {
        if !self.may_refresh_early(account) {
            return;
        }
        match self.exchange(account, generation).await {
            Ok(Exchanged::Stored) => {}
            Ok(Exchanged::Refused(why)) => tracing::warn!(%account, why, "a token that ends soon could not be renewed; it is used while it lives"),
            Err(outcome) => tracing::info!(%account, ?outcome, "a token that ends soon could not be renewed yet"),
        }
    }

    fn may_refresh_early(&self, account: &AccountCode) -> bool {
        let now = self.clock.now();
        let mut again_at = self.early_again_at.lock().unwrap_or_else(PoisonError::into_inner);
        let may = again_at.get(account).is_none_or(|&at| at <= now);
        if may {
            again_at.insert(account.clone(), now.checked_add(EARLY_AGAIN).unwrap_or(now));
        }
        may
    }

    async fn exchange(&self, account: &AccountCode, generation: i64) -> Result<Exchanged, Outcome> {
        let credentials = self.credentials(account).await?;
        if credentials.token_generation != generation {
            return Ok(Exchanged::Stored);
        }
        let Some(refresh_token) = credentials.refresh_token else {
            return Ok(Exchanged::Refused("Brightpearl refuses the access token and there is no refresh token"));
        };
        let Some(record) = self.db.account(account).await.map_err(|error| of_db(&error))? else { return Ok(Exchanged::Stored) };
        // A name of its own for each attempt: two lanes of one process must not both hold the lock.
        let holder = format!("{}/{}", self.holder, uuid::Uuid::new_v4().simple());
        let exchange = Exchange {
            db: self.db.clone(),
            http: self.http.clone(),
            clock: Arc::clone(&self.clock),
            record,
            generation,
            client_secret: credentials.client_secret,
            refresh_token,
        };
        // Dropping this future leaves the task alone; at the end of the process it is waited for.
        let ended = self.exchanges.spawn(exchange.run(holder)).await;
        ended.unwrap_or_else(|error| Err(failure::failed(0, format!("the token refresh ended unexpectedly: {error}"))))
    }
}

impl Exchange {
    async fn run(self, holder: String) -> Result<Exchanged, Outcome> {
        let Self { db, http, clock, record, generation, client_secret, refresh_token } = &self;
        let account = &record.code;
        if !db.begin_refresh(account, *generation, &holder).await.map_err(|error| of_db(&error))? {
            return Err(Outcome::later(REFRESH_WAIT, "another process refreshes the token"));
        }
        match oauth::refresh(http, &record.token_base, account, &record.app_ref, client_secret.as_ref(), refresh_token).await {
            Ok(tokens) => {
                let expires_at = clock.now().checked_add(tokens.expires_in).ok();
                self.store(&NewTokens { access: tokens.access, refresh: tokens.refresh, expires_at }).await;
                Ok(Exchanged::Stored)
            }
            Err(CallError::Unauthorised | CallError::Refused { .. } | CallError::NotFound) => {
                if let Err(error) = db.end_refresh(account, &holder).await {
                    tracing::debug!(%account, %error, "a refresh that brought nothing ends by itself in a minute");
                }
                Ok(Exchanged::Refused("Brightpearl refuses to refresh the access token: the connection must be authorised again"))
            }
            Err(error) => Err(failure::of_read_call(Platform::Brightpearl, &error, 0)),
        }
    }

    /// Stores the pair, however long the database is away: the former one may be worth nothing any more.
    async fn store(&self, tokens: &NewTokens) {
        let (account, generation) = (&self.record.code, self.generation);
        let mut wait = STORE_WAIT;
        loop {
            match self.db.store_tokens(account, generation, tokens).await {
                Ok(stored) => return tracing::info!(%account, generation, stored, "refreshed the access token"),
                Err(error) => tracing::error!(%account, generation, %error, "a new pair of tokens could not be stored yet"),
            }
            tokio::time::sleep(wait).await;
            wait = wait.saturating_mul(2).min(STORE_WAIT_MAX);
        }
    }
}
