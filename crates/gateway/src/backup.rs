//! Backups, and moving a ledger from store to store: what is around the copy itself.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;
use waymark_ledger::note::Verifier;
use waymark_store::{Address, Copied, CopyError, LedgerStore, Stage, StoreError, copy};

use crate::keys::{self, DATABASE, KeyError};

/// How often, and how long apart, to look for a moment in which nothing waits to be put under the tree.
const LOOKS: usize = 200;
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// A ledger was not moved or backed up.
#[derive(Debug, Error)]
pub enum BackupError {
    /// It was not copied.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// A file beside the database cannot be read or written.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The folder holds something else.
    #[error("{0} is neither empty nor a backup of this ledger")]
    Occupied(PathBuf),
    /// The folder is the one that is to be backed up.
    #[error("{0} is the ledger's own data directory")]
    Itself(PathBuf),
}

/// A backup that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackedUp {
    /// What was copied.
    pub copied: Copied,
    /// Whether the folder holds the signing key.
    pub with_key: bool,
}

/// Copies a ledger that may be written to meanwhile into another store.
pub async fn migrate(
    from: &Address,
    to: &Address,
    key: &Verifier,
    progress: &mut (dyn FnMut(Stage) + Send),
) -> Result<Copied, BackupError> {
    // No server may be at work on a file that is written to here.
    let _lock = match to {
        Address::Sqlite(path) => folder_of(path).filter(|folder| !is_unlocked(folder)).map(keys::lock),
        Address::Postgres { .. } => None,
    }
    .transpose()?;
    let is_file = matches!(to, Address::Sqlite(_));
    let source = open_source(from, is_file).await?;
    let copied = copy(&source, to, key, progress).await;
    source.close().await.map_err(CopyError::Source)?;
    Ok(copied?)
}

fn folder_of(path: &Path) -> Option<&Path> {
    path.parent().filter(|folder| !folder.as_os_str().is_empty())
}

/// Whether a folder is there and is no data directory.
fn is_unlocked(folder: &Path) -> bool {
    folder.is_dir() && !keys::is_data_dir(folder)
}

/// Opens the source at a moment in which nothing waits that the target has no place for, where there is one.
async fn open_source(from: &Address, is_file: bool) -> Result<LedgerStore, CopyError> {
    let mut looks = LOOKS;
    loop {
        let source = LedgerStore::open_to_read(from).await.map_err(CopyError::Source)?;
        let waiting = source.count("pending").await.map_err(CopyError::Source)?;
        looks -= 1;
        if waiting == 0 || !is_file || looks == 0 {
            return Ok(source);
        }
        source.close().await.map_err(CopyError::Source)?;
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Makes `to` a backup of the ledger at `from` whose keys are in `data_dir`, or brings the one that is there up to date.
/// It is a data directory.
pub async fn backup(
    from: &Address,
    data_dir: &Path,
    to: &Path,
    with_key: bool,
    progress: &mut (dyn FnMut(Stage) + Send),
) -> Result<BackedUp, BackupError> {
    let key = keys::read_verifier(data_dir)?;
    let signer = if with_key { Some(keys::read_signer(data_dir)?) } else { None };
    let same = |path: &Path| path.canonicalize().ok();
    if same(to).is_some_and(|folder| Some(folder) == same(data_dir)) {
        return Err(BackupError::Itself(to.to_owned()));
    }
    LedgerStore::open_to_read(from)
        .await
        .map_err(CopyError::Source)?
        .close()
        .await
        .map_err(CopyError::Source)?;
    if !is_empty(to)? && !keys::read_verifier(to).is_ok_and(|found| found == key) {
        return Err(BackupError::Occupied(to.to_owned()));
    }
    let lock = keys::lock(to)?;
    make_private(to)?;
    keys::write(&to.join(keys::VERIFIER_KEY), &format!("{}\n", key.to_text()), 0o644)?;
    let source = open_source(from, true).await?;
    let copied = copy(&source, &Address::Sqlite(to.join(DATABASE)), &key, progress).await;
    source.close().await.map_err(CopyError::Source)?;
    let copied = copied?;
    if let Some(checkpoint) = &copied.checkpoint {
        keys::write(&to.join(keys::HEAD), checkpoint, 0o600)?;
    }
    let key_file = to.join(keys::SIGNING_KEY);
    if let Some(signer) = signer {
        keys::write(&key_file, signer.to_text().expose(), 0o600)?;
    }
    drop(lock);
    Ok(BackedUp { copied, with_key: key_file.exists() })
}

fn is_empty(folder: &Path) -> Result<bool, KeyError> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(source) => Err(keys::file_error("read", folder)(source)),
    }
}

/// A backup holds salts and people's keys, wherever it is.
#[cfg(unix)]
fn make_private(folder: &Path) -> Result<(), KeyError> {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    fs::set_permissions(folder, mode).map_err(keys::file_error("make private", folder))
}

#[cfg(not(unix))]
fn make_private(_: &Path) -> Result<(), KeyError> {
    Ok(())
}

/// The key that checks a ledger: the one beside a file, else the data directory's.
pub fn key_of(address: &Address, data_dir: &Path) -> Result<Verifier, KeyError> {
    let beside = match address {
        Address::Sqlite(path) => Some(folder_of(path).unwrap_or(Path::new("."))),
        Address::Postgres { .. } => None,
    };
    let beside = beside.filter(|folder| folder.join(keys::VERIFIER_KEY).exists());
    keys::read_verifier(beside.unwrap_or(data_dir))
}

impl BackupError {
    /// Whether the source is not there.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Copy(CopyError::Source(StoreError::Missing { .. })))
    }
}
