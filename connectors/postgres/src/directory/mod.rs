//! The directory of connections, for ingest: in memory, so that no webhook waits for the database.
//!
//! Refreshed when the database tells of a change and by polling; kept in an encrypted file, so that a restart while the database is
//! away still knows every connection.

mod file;
mod snapshot;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use orderbridge_schema::ids::ConnectionId;
use serde::Deserialize;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::db::{Db, Lane};
use crate::error::DbError;
use crate::listen::{DIRECTORY, Heard, Listener};
use snapshot::{Loaded, Snapshot, load, stored_version};

pub use snapshot::{BigcommerceConnection, BrightpearlConnection, Connection};

/// Where the directory is kept and how fresh it must be.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectorySettings {
    /// Encrypted copy for restarts; none if left out.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// How often the database is asked although it told of nothing.
    #[serde(default = "poll", with = "humantime_serde")]
    pub poll: Duration,
    /// How long after the database last confirmed it the directory may say that a connection does not exist.
    #[serde(default = "fresh_for", with = "humantime_serde")]
    pub fresh_for: Duration,
}

const fn poll() -> Duration {
    Duration::from_secs(5)
}

const fn fresh_for() -> Duration {
    Duration::from_secs(20)
}

impl DirectorySettings {
    /// The usual settings with a file.
    #[must_use]
    pub const fn with_file(file: Option<PathBuf>) -> Self {
        Self { file, poll: poll(), fresh_for: fresh_for() }
    }
}

/// What the directory knows about a connection.
#[derive(Debug, Clone)]
pub enum Lookup {
    /// This.
    Found(Arc<Connection>),
    /// It does not exist: said only while the directory is complete and fresh.
    Unknown,
    /// It is not in memory, but may exist.
    NotReady,
}

/// The directory; cheap to clone. It stops refreshing when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Directory {
    shared: Arc<Shared>,
    fresh_for: Duration,
    _tasks: Arc<Tasks>,
}

#[derive(Debug)]
struct Tasks {
    refresh: JoinHandle<()>,
    _listener: Listener,
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.refresh.abort();
    }
}

#[derive(Debug, Default)]
struct Shared {
    snapshot: RwLock<Arc<Snapshot>>,
    standing: Mutex<Standing>,
    changed: Notify,
}

/// What is known about the snapshot in memory.
#[derive(Debug, Default)]
struct Standing {
    /// Version it was loaded at; none if it came from the file.
    version: Option<i64>,
    /// When the database last said that it is the present one.
    confirmed_at: Option<Instant>,
    /// The connection may have missed a change, or be to another database: load anew whatever the version.
    suspect: bool,
}

impl Shared {
    fn standing(&self) -> std::sync::MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, snapshot: Arc<Snapshot>) {
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = snapshot;
    }
}

impl Directory {
    /// Loads the directory, from the database or else from its file, and keeps it fresh. Without either it starts empty, knows
    /// nothing for sure, and goes on trying.
    ///
    /// # Errors
    /// [`DbError`] if there is no keyring or the listener cannot be started.
    pub async fn open(db: &Db, settings: DirectorySettings) -> Result<Self, DbError> {
        let keyring = db.keyring()?;
        let shared = Arc::new(Shared::default());
        if let Err(error) = refresh(db, &shared, &settings, true).await {
            tracing::warn!(%error, "the directory of connections cannot be loaded from the database");
            if let Some(path) = settings.file.clone()
                && let Some(snapshot) = file::read(path, Arc::clone(&keyring)).await
            {
                tracing::warn!(connections = snapshot.len(), "the directory of connections comes from its file");
                shared.set(Arc::new(snapshot));
            }
        }
        let heard = Arc::clone(&shared);
        let is_first = AtomicBool::new(true);
        let listener = Listener::start(db.listen_url(), DIRECTORY, move |what| {
            // What changed between the load and the first connection shows in the version; only later ones may be to another database.
            if what == Heard::Connected && !is_first.swap(false, Ordering::Relaxed) {
                heard.standing().suspect = true;
            }
            if what != Heard::Lost {
                heard.changed.notify_one();
            }
        })?;
        let refresh = tokio::spawn(keep_fresh(db.clone(), Arc::clone(&shared), settings.clone()));
        let tasks = Tasks { refresh, _listener: listener };
        Ok(Self { shared, fresh_for: settings.fresh_for, _tasks: Arc::new(tasks) })
    }

    /// Whether the database confirmed the directory a short while ago. While it did not, a secret or signature that does not fit may
    /// have been changed meanwhile, so it proves nothing.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.shared.standing().confirmed_at.is_some_and(|at| at.elapsed() < self.fresh_for)
    }

    /// How many connections are in memory.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.snapshot.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether no connection is in memory.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Looks a connection up; never waits.
    #[must_use]
    pub fn find(&self, id: &ConnectionId) -> Lookup {
        let snapshot = Arc::clone(&*self.shared.snapshot.read().unwrap_or_else(PoisonError::into_inner));
        match snapshot.get(id) {
            Some(connection) => Lookup::Found(connection),
            None if self.is_fresh() => Lookup::Unknown,
            None => Lookup::NotReady,
        }
    }
}

/// Waits for a change or the next poll, and refreshes.
async fn keep_fresh(db: Db, shared: Arc<Shared>, settings: DirectorySettings) {
    loop {
        let told = tokio::time::timeout(settings.poll, shared.changed.notified()).await.is_ok();
        let force = std::mem::take(&mut shared.standing().suspect);
        if let Err(error) = refresh(&db, &shared, &settings, force).await {
            tracing::debug!(%error, told, "refreshing the directory of connections");
            shared.standing().suspect |= force;
        }
    }
}

/// Brings the snapshot up to date, if it is not.
async fn refresh(db: &Db, shared: &Shared, settings: &DirectorySettings, force: bool) -> Result<(), DbError> {
    let keyring = db.keyring()?;
    let asked_at = Instant::now();
    let known = if force { None } else { shared.standing().version };
    let loaded = db.run(Lane::Bulk, move |conn| if known == Some(stored_version(conn)?) { Ok(None) } else { load(conn, &keyring).map(Some) }).await?;
    if let Some(Loaded { version, snapshot }) = loaded {
        let snapshot = Arc::new(snapshot);
        if let Some(path) = settings.file.clone()
            && let Err(error) = file::write(path, Arc::clone(&snapshot), db.keyring()?).await
        {
            tracing::warn!(%error, "the directory's file cannot be written; a restart without the database would know no connection");
        }
        shared.set(snapshot);
        shared.standing().version = Some(version);
    }
    shared.standing().confirmed_at = Some(asked_at);
    Ok(())
}
