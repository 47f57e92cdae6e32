//! LISTEN on a connection and a thread of its own, and NOTIFY.

use std::collections::BTreeSet;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::connection::{Connection as _, SimpleConnection as _};
use diesel::pg::PgConnection;
use diesel::sql_types::Text;
use diesel::{RunQueryDsl as _, sql_query};
use orderbridge_schema::ids::AccountCode;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Notify;

use crate::db::Db;
use crate::error::DbError;

/// Channel on which new work is told, by account.
const WORK: &str = "work";
/// Channel on which a changed connection or secret is told.
pub(crate) const DIRECTORY: &str = "directory";

/// PostgreSQL refuses payloads of 8,000 bytes.
const PAYLOAD_BYTES_MAX: usize = 7_900;
/// "Look at all accounts."
const ALL: &str = "*";

const LOOK_EVERY: Duration = Duration::from_millis(50);
const PING_EVERY: Duration = Duration::from_secs(5);
const RECONNECT_AFTER: Duration = Duration::from_millis(500);

/// Tells all processors, on commit, that these accounts have work; none given means any may have.
pub(crate) fn notify_work<'a>(conn: &mut PgConnection, accounts: impl Iterator<Item = &'a str>) -> Result<(), DbError> {
    let accounts: BTreeSet<&str> = accounts.collect();
    let mut payload = accounts.into_iter().collect::<Vec<_>>().join(",");
    if payload.is_empty() || payload.len() > PAYLOAD_BYTES_MAX {
        payload = ALL.to_owned();
    }
    sql_query("select pg_notify($1, $2)").bind::<Text, _>(WORK).bind::<Text, _>(&payload).execute(conn)?;
    Ok(())
}

/// What a listener hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It listens from now on; anything may have been missed before.
    Connected,
    /// Somebody told something.
    Told(String),
    /// The connection was lost and will be opened again.
    Lost,
}

/// Ends its listener when dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    _stop: mpsc::SyncSender<()>,
}

impl Listener {
    /// Starts listening; `hear` runs on the listener's thread.
    pub(crate) fn start(url: SecretString, channel: &'static str, mut hear: impl FnMut(Heard) + Send + 'static) -> Result<Self, DbError> {
        let (stop, stopped) = mpsc::sync_channel(0);
        let run = move || {
            loop {
                let ended = listen(&url, channel, &mut hear, &stopped);
                if let Err(error) = ended {
                    tracing::debug!(%error, channel, "listening to the database");
                    hear(Heard::Lost);
                } else {
                    return;
                }
                if stopped.recv_timeout(RECONNECT_AFTER) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        };
        std::thread::Builder::new().name(format!("listen-{channel}")).spawn(run).map_err(DbError::data)?;
        Ok(Self { _stop: stop })
    }
}

/// Listens until told to stop; an error is a lost connection.
fn listen(url: &SecretString, channel: &str, hear: &mut impl FnMut(Heard), stopped: &mpsc::Receiver<()>) -> Result<(), DbError> {
    // libpq's error would name host and user, which an operator may see; it never repeats the password.
    let mut conn = PgConnection::establish(url.expose_secret()).map_err(|error| DbError::Unavailable(error.to_string()))?;
    conn.batch_execute(&format!("listen {channel}"))?;
    hear(Heard::Connected);
    let mut pinged_at = Instant::now();
    loop {
        for notification in conn.notifications_iter() {
            hear(Heard::Told(notification?.payload));
        }
        if pinged_at.elapsed() >= PING_EVERY {
            // A connection that died without a word would otherwise look silent for ever.
            conn.batch_execute("select 1")?;
            pinged_at = Instant::now();
        }
        if stopped.recv_timeout(LOOK_EVERY) != Err(RecvTimeoutError::Timeout) {
            return Ok(());
        }
    }
}

/// Which accounts may have new work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkSignal {
    /// These.
    Accounts(Vec<AccountCode>),
    /// Any: signals may have been missed, or a tenant was resumed.
    All,
}

#[derive(Debug, Default)]
struct Pending {
    all: bool,
    accounts: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct Inbox {
    pending: Mutex<Pending>,
    wake: Notify,
}

/// Tells which accounts may have new work. Signals only save time: a scan every few seconds finds what they missed.
#[derive(Debug)]
pub struct WorkSignals {
    inbox: Arc<Inbox>,
    _listener: Listener,
}

impl WorkSignals {
    /// Waits for the next signal; those that came together are one.
    pub async fn next(&mut self) -> WorkSignal {
        loop {
            let pending = std::mem::take(&mut *self.inbox.pending.lock().unwrap_or_else(PoisonError::into_inner));
            if pending.all {
                return WorkSignal::All;
            }
            if !pending.accounts.is_empty() {
                return WorkSignal::Accounts(pending.accounts.into_iter().filter_map(|code| AccountCode::new(code).ok()).collect());
            }
            self.inbox.wake.notified().await;
        }
    }
}

impl Db {
    /// Starts listening for new work, on a thread and a connection of its own.
    ///
    /// # Errors
    /// [`DbError::Data`] if no thread could be started; a database that is away is tried again and again.
    pub fn work_signals(&self) -> Result<WorkSignals, DbError> {
        let inbox = Arc::new(Inbox::default());
        let heard = Arc::clone(&inbox);
        let listener = Listener::start(self.listen_url(), WORK, move |what| {
            let mut pending = heard.pending.lock().unwrap_or_else(PoisonError::into_inner);
            match what {
                Heard::Told(payload) if payload != ALL => pending.accounts.extend(payload.split(',').map(str::to_owned)),
                Heard::Told(_) | Heard::Connected => pending.all = true,
                Heard::Lost => return,
            }
            drop(pending);
            heard.wake.notify_one();
        })?;
        Ok(WorkSignals { inbox, _listener: listener })
    }
}
