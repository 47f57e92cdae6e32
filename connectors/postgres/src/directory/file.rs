//! The directory's encrypted file: replaced as a whole, readable by its owner alone.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::snapshot::Snapshot;
use crate::crypto::Keyring;
use crate::error::DbError;

/// Replaces the file: a crash leaves the old one or the new one, never half of one.
pub(super) async fn write(path: PathBuf, snapshot: Arc<Snapshot>, keyring: Arc<Keyring>) -> io::Result<()> {
    tokio::task::spawn_blocking(move || replace(&path, snapshot.seal(&keyring))).await.map_err(io::Error::other)?
}

fn replace(path: &Path, content: impl Iterator<Item = Result<String, DbError>>) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let name = path.file_name().ok_or_else(|| io::Error::other("the path names no file"))?;
    let unfinished = folder.join(format!(".{}.{}", name.to_string_lossy(), uuid::Uuid::new_v4()));
    let written = write_new(&unfinished, content).and_then(|()| std::fs::rename(&unfinished, path));
    if written.is_err() {
        // What could not be moved is of no use; that it cannot be removed either is the same trouble once more.
        std::fs::remove_file(&unfinished).ok();
        return written;
    }
    File::open(folder)?.sync_all()
}

fn write_new(path: &Path, lines: impl Iterator<Item = Result<String, DbError>>) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    for line in lines {
        file.write_all(line.map_err(io::Error::other)?.as_bytes())?;
        file.write_all(b"\n")?;
    }
    file.sync_all()
}

/// Reads the file; one that is missing or cannot be opened is as good as none.
pub(super) async fn read(path: PathBuf, keyring: Arc<Keyring>) -> Option<Snapshot> {
    let read = move || {
        let sealed = std::fs::read_to_string(&path).map_err(|error| tracing::warn!(%error, "the directory's file cannot be read")).ok()?;
        Snapshot::open(&keyring, &sealed).map_err(|error| tracing::warn!(%error, "the directory's file cannot be opened")).ok()
    };
    tokio::task::spawn_blocking(read).await.ok().flatten()
}
