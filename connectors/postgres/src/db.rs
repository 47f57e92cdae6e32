//! The pools, and how a query gets onto a blocking thread.

use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::r2d2::{ConnectionManager, Pool};
use orderbridge_schema::clock::Clock;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use url::Url;

use crate::crypto::{CryptoError, Keyring};
use crate::error::DbError;
use crate::settings::{DatabaseSettings, JournalSettings};

/// Which connections a query may use.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Lane {
    /// Journal, claims, links, tokens: 5 s at most.
    Hot,
    /// Timeline, reports, the command line: 30 s at most.
    Bulk,
    /// Intake's own connection.
    Intake,
    /// The lease heartbeat's own connection.
    Heartbeat,
}

/// The database. Cheap to clone; clones share the connections.
#[derive(Clone)]
pub struct Db {
    shared: Arc<Shared>,
    keyring: Option<Arc<Keyring>>,
}

struct Shared {
    hot: Lanes,
    bulk: Lanes,
    intake: Lanes,
    heartbeat: Lanes,
    clock: Arc<dyn Clock>,
    journal: JournalSettings,
    queue_timeout: Duration,
    listen_url: SecretString,
}

struct Lanes {
    pool: Pool<ConnectionManager<PgConnection>>,
    permits: Arc<Semaphore>,
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db").field("hot", &self.shared.hot.pool.max_size()).field("bulk", &self.shared.bulk.pool.max_size()).finish_non_exhaustive()
    }
}

impl Db {
    /// Prepares the pools; connections are opened when they are first needed, so a database that is away is no error here.
    ///
    /// # Errors
    /// [`DbError::Data`] if the URL cannot be read.
    pub fn connect(settings: &DatabaseSettings, clock: Arc<dyn Clock>) -> Result<Self, DbError> {
        let short = with_options(&settings.url, "5s")?;
        let long = with_options(&settings.url, "30s")?;
        let lanes = |url: &SecretString, size| Lanes::new(url, size, settings.checkout_timeout);
        let shared = Shared {
            hot: lanes(&short, settings.hot_connections)?,
            bulk: lanes(&long, settings.bulk_connections)?,
            intake: lanes(&short, 1)?,
            heartbeat: lanes(&short, 1)?,
            clock,
            journal: settings.journal,
            queue_timeout: settings.queue_timeout,
            listen_url: short,
        };
        Ok(Self { shared: Arc::new(shared), keyring: None })
    }

    /// The same database, able to seal and open secrets.
    #[must_use]
    pub fn with_keyring(&self, keyring: Arc<Keyring>) -> Self {
        Self { shared: Arc::clone(&self.shared), keyring: Some(keyring) }
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`DbError`] if it does not.
    pub async fn ping(&self) -> Result<(), DbError> {
        self.run(Lane::Bulk, |conn| Ok(conn.batch_execute("select 1")?)).await
    }

    pub(crate) fn keyring(&self) -> Result<Arc<Keyring>, DbError> {
        self.keyring.clone().ok_or(DbError::Crypto(CryptoError::NoKeyring))
    }

    pub(crate) fn now(&self) -> jiff::Timestamp {
        self.shared.clock.now()
    }

    pub(crate) fn journal_settings(&self) -> JournalSettings {
        self.shared.journal
    }

    pub(crate) fn listen_url(&self) -> SecretString {
        self.shared.listen_url.clone()
    }

    /// Runs a closure with a connection on a blocking thread. It runs to its end even if the future is dropped.
    pub(crate) async fn run<T, F>(&self, lane: Lane, work: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection) -> Result<T, DbError> + Send + 'static,
    {
        let lanes = match lane {
            Lane::Hot => &self.shared.hot,
            Lane::Bulk => &self.shared.bulk,
            Lane::Intake => &self.shared.intake,
            Lane::Heartbeat => &self.shared.heartbeat,
        };
        // The permit goes into the closure: were it dropped with a cancelled future, the next query would wait for a connection on a
        // blocking thread instead of here.
        let permit = tokio::time::timeout(self.shared.queue_timeout, Arc::clone(&lanes.permits).acquire_owned()).await;
        let permit = permit.map_err(|_elapsed| DbError::Unavailable("too many queries wait for a connection".into()))?;
        let permit = permit.map_err(|_closed| DbError::Unavailable("the pool is closed".into()))?;
        let pool = lanes.pool.clone();
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let mut conn = pool.get().map_err(|_cause| DbError::Unavailable("no connection could be opened in time".into()))?;
            work(&mut conn)
        });
        task.await.map_err(|error| DbError::Data(format!("a query did not end: {}", if error.is_panic() { "it panicked" } else { "cancelled" })))?
    }
}

impl Lanes {
    fn new(url: &SecretString, size: u32, checkout_timeout: Duration) -> Result<Self, DbError> {
        if size == 0 {
            return Err(DbError::data("a pool needs at least one connection"));
        }
        let pool = Pool::builder()
            .max_size(size)
            .min_idle(Some(0))
            .connection_timeout(checkout_timeout)
            // A dead connection is found out by its first query, which callers repeat; asking first would cost every query a round trip.
            .test_on_check_out(false)
            .error_handler(Box::new(r2d2_quiet::Quiet))
            .build_unchecked(ConnectionManager::new(url.expose_secret()));
        let permits = usize::try_from(size).map_err(DbError::data)?;
        Ok(Self { pool, permits: Arc::new(Semaphore::new(permits)) })
    }
}

/// r2d2 logs each failed attempt to connect as an error; callers learn of it anyway and log it once.
mod r2d2_quiet {
    use diesel::r2d2::{Error, HandleError};

    #[derive(Debug)]
    pub(super) struct Quiet;

    impl HandleError<Error> for Quiet {
        fn handle_error(&self, error: Error) {
            tracing::debug!(%error, "opening a connection to the database");
        }
    }
}

/// The URL with the time-outs every connection is opened with. They travel in the start-up packet, so that no `SET` is needed.
fn with_options(url: &SecretString, statement_timeout: &str) -> Result<SecretString, DbError> {
    let options = format!("-c statement_timeout={statement_timeout} -c idle_in_transaction_session_timeout=5s");
    let text = url.expose_secret();
    if !text.contains("://") {
        return Ok(SecretString::from(format!("{text} options='{options}' connect_timeout=5 application_name=orderbridge")));
    }
    // The parser's own error would repeat the URL.
    let mut parsed = Url::parse(text).map_err(|_secret| DbError::data("the database's URL cannot be read"))?;
    let mut pairs: Vec<(String, String)> = parsed.query_pairs().into_owned().collect();
    let mut ours = options;
    if let Some(at) = pairs.iter().position(|(name, _)| name == "options") {
        ours = format!("{} {ours}", pairs.swap_remove(at).1);
    }
    pairs.push(("options".into(), ours));
    for (name, value) in [("connect_timeout", "5"), ("application_name", "orderbridge"), ("tcp_user_timeout", "10000")] {
        if !pairs.iter().any(|(named, _)| named == name) {
            pairs.push((name.into(), value.into()));
        }
    }
    // libpq reads %20, not +, as a blank.
    let quoted = |text: &str| -> String { url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20") };
    let query: Vec<String> = pairs.iter().map(|(name, value)| format!("{}={}", quoted(name), quoted(value))).collect();
    parsed.set_query(Some(&query.join("&")));
    Ok(SecretString::from(String::from(parsed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_outs_travel_with_the_url_and_keep_its_own_options() {
        let url = SecretString::from("postgres://u:p%40ss@h:1/db?options=-c%20a%3Db&sslmode=verify-full");
        let out = with_options(&url, "5s").unwrap();
        let text = out.expose_secret();
        assert!(text.starts_with("postgres://u:p%40ss@h:1/db?sslmode=verify-full&options=-c%20a%3Db%20-c%20statement_timeout%3D5s"), "{text}");
        assert!(!text.contains('+'));
        let plain = with_options(&SecretString::from("host=/tmp dbname=x"), "30s").unwrap();
        assert!(plain.expose_secret().contains("options='-c statement_timeout=30s"));
    }

    #[test]
    fn a_url_that_cannot_be_read_is_not_repeated() {
        let error = with_options(&SecretString::from("postgres://user:hunter2@[bad"), "5s").unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
    }
}
