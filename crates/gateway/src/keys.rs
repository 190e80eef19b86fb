//! The data directory's files: the ledger's key, and the lock that keeps a second server out.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use thiserror::Error;
use waymark_ledger::commitment::hex;
use waymark_ledger::note::{NoteError, Signer, Verifier};
use waymark_types::Secret;

use crate::clock::{self, RandomError};

/// The database file's name in the data directory.
pub const DATABASE: &str = "ledger.db";
const LOCK: &str = "lock";
const SIGNING_KEY: &str = "ledger.key";
const VERIFIER_KEY: &str = "ledger.vkey";
const HEAD: &str = "ledger.head";

/// The data directory cannot be used.
#[derive(Debug, Error)]
pub enum KeyError {
    /// A file or folder cannot be made, read or written.
    #[error("could not {operation} {path}")]
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
    #[error("the key file {path} is damaged")]
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
    let mut folder = DirBuilder::new();
    folder.recursive(true);
    // Salts and, where they are kept, texts are nobody else's business.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    folder.create(data_dir).map_err(file("make the data directory", data_dir))?;
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
    let signer = match fs::read_to_string(&path).map(Secret::new) {
        Ok(text) => {
            let damaged = |source| KeyError::Damaged { path: path.clone(), source };
            Signer::from_text(text.expose()).map_err(damaged)?
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => new_signer(data_dir, &path)?,
        Err(source) => return Err(file("read", &path)(source)),
    };
    let public = data_dir.join(VERIFIER_KEY);
    if !public.exists() {
        write(&public, &format!("{}\n", signer.verifier().to_text()), 0o644, true)?;
    }
    Ok(signer)
}

fn new_signer(data_dir: &Path, path: &Path) -> Result<Signer, KeyError> {
    if data_dir.join(DATABASE).exists() {
        return Err(KeyError::KeyLost(data_dir.to_owned()));
    }
    let seed = clock::random::<32>()?;
    let name = format!("waymark/{}", hex(&clock::random::<8>()?));
    let damaged = |source| KeyError::Damaged { path: path.to_owned(), source };
    let signer = Signer::new(&name, &seed).map_err(damaged)?;
    write(path, signer.to_text().expose(), 0o600, true)?;
    Ok(signer)
}

/// Keeps the newest checkpoint beside the database. It need not survive a power cut: it is a lower bound.
pub(crate) fn write_head(data_dir: &Path, note: &str) -> Result<(), KeyError> {
    write(&data_dir.join(HEAD), note, 0o644, false)
}

/// The checkpoint kept beside the database, if there is one.
pub fn read_head(data_dir: &Path) -> Result<Option<String>, KeyError> {
    let path = data_dir.join(HEAD);
    match fs::read_to_string(&path) {
        Ok(note) => Ok(Some(note)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(file("read", &path)(source)),
    }
}

/// Reads the key that checks the ledger's checkpoints.
pub fn read_verifier(data_dir: &Path) -> Result<Verifier, KeyError> {
    let path = data_dir.join(VERIFIER_KEY);
    let text = fs::read_to_string(&path).map_err(file("read", &path))?;
    Verifier::from_text(&text).map_err(|source| KeyError::Damaged { path, source })
}

/// Writes a file so that it is there whole or not at all, and still there after a power cut when `durable`.
fn write(path: &Path, text: &str, mode: u32, durable: bool) -> Result<(), KeyError> {
    let new = path.with_added_extension("new");
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut output = options.open(&new).map_err(file("write", &new))?;
    output.write_all(text.as_bytes()).map_err(file("write", &new))?;
    if durable {
        output.sync_all().map_err(file("write", &new))?;
    }
    fs::rename(&new, path).map_err(file("write", path))?;
    match path.parent().filter(|_| durable && cfg!(unix)) {
        Some(folder) => File::open(folder).and_then(|folder| folder.sync_all()).map_err(file("write", path)),
        None => Ok(()),
    }
}

fn file(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    move |source| KeyError::File { operation, path: path.to_owned(), source }
}
