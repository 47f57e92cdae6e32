//! The simulator's clock: the system's time plus an offset that tests move.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// System time plus an offset. With a file, the offset is shared with every process that reads the same file: it holds
/// the offset in milliseconds as a decimal integer, and a missing file means none.
#[derive(Debug, Clone, Default)]
pub struct SimClock {
    file: Option<PathBuf>,
    // Used only without a file.
    offset_ms: Arc<AtomicI64>,
}

impl SimClock {
    /// A clock of this process alone, starting at system time.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock whose offset lives in a file, read at every look.
    #[must_use]
    pub fn with_file(path: PathBuf) -> Self {
        Self { file: Some(path), offset_ms: Arc::default() }
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let system = Timestamp::now();
        system.checked_add(SignedDuration::from_millis(self.offset_ms())).unwrap_or(system)
    }

    /// The offset in milliseconds; an unreadable file counts as none.
    #[must_use]
    pub fn offset_ms(&self) -> i64 {
        match &self.file {
            Some(path) => std::fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0),
            None => self.offset_ms.load(Ordering::SeqCst),
        }
    }

    /// Moves the clock on.
    ///
    /// # Errors
    /// The shared file could not be replaced.
    pub fn advance(&self, by: Duration) -> io::Result<()> {
        let more = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.set_offset_ms(self.offset_ms().saturating_add(more))
    }

    /// Sets the offset.
    ///
    /// # Errors
    /// The shared file could not be replaced.
    pub fn set_offset_ms(&self, offset_ms: i64) -> io::Result<()> {
        let Some(path) = &self.file else {
            self.offset_ms.store(offset_ms, Ordering::SeqCst);
            return Ok(());
        };
        // Rename is atomic, so a reader in another process never sees half a number.
        let unique = uuid::Uuid::new_v4();
        let next = path.with_extension(format!("next-{unique}"));
        std::fs::write(&next, offset_ms.to_string())?;
        std::fs::rename(&next, path)
    }
}
