//! The data directory's files: the ledger's key, and the lock that keeps a second server out.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use thiserror::Error;
use waymark_ledger::commitment::hex;
use waymark_ledger::note::{NoteError, Signer, Verifier};

use crate::clock::{self, RandomError};

/// The database file's name in the data directory.
pub const DATABASE: &str = "ledger.db";
/// The lock file's name in the data directory.
pub const LOCK: &str = "lock";
const SIGNING_KEY: &str = "ledger.key";
const VERIFIER_KEY: &str = "ledger.vkey";

/// The data directory cannot be used.
#[derive(Debug, Error)]
pub enum KeyError {
    /// A file or folder cannot be made, read or written.
    #[error("could not {operation} {path}: {source}")]
    File {
        /// What was being done.
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Another server uses the directory.
    #[error("another Waymark is using the data directory {0}")]
    Locked(PathBuf),
    /// A key file cannot be read.
    #[error("the key file {path} is damaged: {source}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: NoteError,
    },
    /// There is a ledger, but its key is gone.
    #[error(
        "{0} has a ledger but no {SIGNING_KEY}: restore the file from a backup, or use another data directory"
    )]
    KeyLost(PathBuf),
    /// No randomness for a new key.
    #[error("could not make a key")]
    Random(#[from] RandomError),
}

/// Makes the data directory where needed and takes its lock, which holds as long as the file is open.
pub(crate) fn lock(data_dir: &Path) -> Result<File, KeyError> {
    fs::create_dir_all(data_dir).map_err(file("make the data directory", data_dir))?;
    let path = data_dir.join(LOCK);
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let lock = lock.map_err(file("write to", &path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(KeyError::Locked(data_dir.to_owned())),
        Err(TryLockError::Error(source)) => Err(file("lock", &path)(source)),
    }
}

/// Reads the ledger's key, or makes one when there is neither key nor ledger yet.
pub(crate) fn signer(data_dir: &Path) -> Result<Signer, KeyError> {
    let path = data_dir.join(SIGNING_KEY);
    match fs::read_to_string(&path) {
        Ok(text) => Signer::from_text(&text).map_err(|source| KeyError::Damaged { path, source }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if data_dir.join(DATABASE).exists() {
                return Err(KeyError::KeyLost(data_dir.to_owned()));
            }
            let seed = clock::random::<32>()?;
            let name = format!("waymark/{}", hex(&clock::random::<8>()?));
            let damaged = |source| KeyError::Damaged { path: path.clone(), source };
            let signer = Signer::new(&name, &seed).map_err(damaged)?;
            let public = data_dir.join(VERIFIER_KEY);
            write(&public, &format!("{}\n", signer.verifier().to_text()), 0o644)?;
            write(&path, &format!("{}\n", signer.to_text()), 0o600)?;
            Ok(signer)
        }
        Err(source) => Err(file("read", &path)(source)),
    }
}

/// Reads the key that checks the ledger's checkpoints.
pub fn read_verifier(data_dir: &Path) -> Result<Verifier, KeyError> {
    let path = data_dir.join(VERIFIER_KEY);
    let text = fs::read_to_string(&path).map_err(file("read", &path))?;
    Verifier::from_text(&text).map_err(|source| KeyError::Damaged { path, source })
}

/// Writes a new file so that it is there whole or not at all.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), KeyError> {
    let new = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut output = options.open(&new).map_err(file("write", &new))?;
    output.write_all(text.as_bytes()).and_then(|()| output.sync_all()).map_err(file("write", &new))?;
    fs::rename(&new, path).map_err(file("write", path))
}

fn file(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    move |source| KeyError::File { operation, path: path.to_owned(), source }
}
