//! The data directory's files: the ledger's key, and the lock that keeps a second server out.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use thiserror::Error;
use waymark_ledger::commitment::hex;
use waymark_ledger::note::{NoteError, Signer, Verifier};
use waymark_types::Secret;

use crate::clock::{self, RandomError};

/// The database file's name in the data directory.
pub const DATABASE: &str = "ledger.db";
const LOCK: &str = "lock";
pub(crate) const SIGNING_KEY: &str = "ledger.key";
pub(crate) const VERIFIER_KEY: &str = "ledger.vkey";
pub(crate) const HEAD: &str = "ledger.head";
/// How often the newest checkpoint is read again while it changes.
const READS: usize = 10;

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
    /// The shared ledger's key is not here.
    #[error(
        "the ledger {origin} is signed by a key that is not in {data_dir}: copy {SIGNING_KEY} from a gateway that has it"
    )]
    KeyElsewhere {
        /// Where the key would be.
        data_dir: PathBuf,
        /// Whose ledger it is.
        origin: String,
    },
    /// A new key has a name that no key may have.
    #[error("could not make a key")]
    Name(#[from] NoteError),
    /// No randomness for a new key.
    #[error("could not make a key")]
    Random(#[from] RandomError),
}

/// Makes the data directory where needed.
pub(crate) fn make(data_dir: &Path) -> Result<(), KeyError> {
    let mut folder = DirBuilder::new();
    folder.recursive(true);
    // Salts and, where they are kept, texts are nobody else's business.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    folder.create(data_dir).map_err(file_error("make the data directory", data_dir))
}

/// Makes the data directory where needed and takes its lock, which holds as long as the file is open.
pub(crate) fn lock(data_dir: &Path) -> Result<File, KeyError> {
    make(data_dir)?;
    let path = data_dir.join(LOCK);
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let lock = lock.map_err(file_error("write to", &path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(KeyError::Locked(data_dir.to_owned())),
        Err(TryLockError::Error(source)) => Err(file_error("lock", &path)(source)),
    }
}

/// Whether a server has used the folder, or could.
pub(crate) fn is_data_dir(folder: &Path) -> bool {
    [LOCK, SIGNING_KEY].iter().any(|name| folder.join(name).exists())
}

/// Reads the ledger's key, or makes one when there is neither key nor ledger yet.
pub(crate) fn signer(data_dir: &Path) -> Result<Signer, KeyError> {
    let has_ledger = data_dir.join(DATABASE).exists();
    read_or_make(data_dir, || {
        if has_ledger { Err(KeyError::KeyLost(data_dir.to_owned())) } else { new_signer() }
    })
}

/// Reads the key of a ledger that several gateways write to, or makes one when nobody's key signs it yet.
pub(crate) fn shared_signer(data_dir: &Path, origin: Option<&str>) -> Result<Signer, KeyError> {
    read_or_make(data_dir, || match origin {
        Some(origin) => {
            Err(KeyError::KeyElsewhere { data_dir: data_dir.to_owned(), origin: origin.to_owned() })
        }
        None => new_signer(),
    })
}

fn read_or_make(
    data_dir: &Path,
    make: impl FnOnce() -> Result<Signer, KeyError>,
) -> Result<Signer, KeyError> {
    let path = data_dir.join(SIGNING_KEY);
    let signer = match fs::read_to_string(&path).map(Secret::new) {
        Ok(text) => {
            let damaged = |source| KeyError::Damaged { path: path.clone(), source };
            Signer::from_text(text.expose()).map_err(damaged)?
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let signer = make()?;
            write(&path, signer.to_text().expose(), 0o600)?;
            signer
        }
        Err(source) => return Err(file_error("read", &path)(source)),
    };
    let public = data_dir.join(VERIFIER_KEY);
    if !public.exists() {
        write(&public, &format!("{}\n", signer.verifier().to_text()), 0o644)?;
    }
    Ok(signer)
}

fn new_signer() -> Result<Signer, KeyError> {
    let (seed, name) = (clock::random::<32>()?, format!("waymark/{}", hex(&clock::random::<8>()?)));
    Ok(Signer::new(&name, &seed)?)
}

/// The newest checkpoint, kept beside the database. It need not survive a power cut: it is a lower bound.
///
/// It is overwritten in place, in one write that no disk tears: a new file for every commit would cost the file system
/// more than the commit itself.
pub(crate) struct Head {
    path: PathBuf,
    written: Mutex<Written>,
}

/// The file, and how much of it the newest checkpoint takes.
struct Written {
    file: File,
    length: usize,
    size: u64,
}

impl Head {
    /// Opens the file, making it where needed.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, KeyError> {
        let path = data_dir.join(HEAD);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(file_error("write", &path))?;
        Ok(Self { path, written: Mutex::new(Written { file, length: 0, size: 0 }) })
    }

    /// Puts a checkpoint there, unless a larger one is there already. Nobody waits for it and nothing fails with it.
    pub(crate) fn note(&self, note: &str) {
        if let Err(error) = self.write(note) {
            tracing::warn!("{error}");
        }
    }

    fn write(&self, note: &str) -> Result<(), KeyError> {
        let size = note.lines().nth(1).and_then(|size| size.parse().ok()).unwrap_or_default();
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if size < written.size {
            return Ok(());
        }
        written.size = size;
        let put = |head: &mut Written| {
            head.file.rewind()?;
            head.file.write_all(note.as_bytes())?;
            if head.length != note.len() {
                head.file.set_len(note.len() as u64)?;
                head.length = note.len();
            }
            Ok(())
        };
        put(&mut written).map_err(file_error("write", &self.path))
    }
}

/// The checkpoint kept beside the database, if there is one.
pub fn read_head(data_dir: &Path) -> Result<Option<String>, KeyError> {
    let path = data_dir.join(HEAD);
    let read = || match fs::read_to_string(&path) {
        Ok(note) => Ok(Some(note).filter(|note| !note.is_empty())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(file_error("read", &path)(source)),
    };
    // A server may be writing it at this moment; what is read twice alike is whole.
    let mut note = read()?;
    for _ in 0..READS {
        let again = read()?;
        if again == note {
            break;
        }
        note = again;
    }
    Ok(note)
}

/// Reads the key that checks the ledger's checkpoints.
pub fn read_verifier(data_dir: &Path) -> Result<Verifier, KeyError> {
    let path = data_dir.join(VERIFIER_KEY);
    let text = fs::read_to_string(&path).map_err(file_error("read", &path))?;
    Verifier::from_text(&text).map_err(|source| KeyError::Damaged { path, source })
}

/// Reads the ledger's signing key, for what is signed beside the log. It makes none.
pub fn read_signer(data_dir: &Path) -> Result<Signer, KeyError> {
    let path = data_dir.join(SIGNING_KEY);
    let text = Secret::new(fs::read_to_string(&path).map_err(file_error("read", &path))?);
    Signer::from_text(text.expose()).map_err(|source| KeyError::Damaged { path, source })
}

/// Writes a file so that it is there whole or not at all, and still there after a power cut.
pub(crate) fn write(path: &Path, text: &str, mode: u32) -> Result<(), KeyError> {
    let new = path.with_added_extension("new");
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut output = options.open(&new).map_err(file_error("write", &new))?;
    output.write_all(text.as_bytes()).map_err(file_error("write", &new))?;
    output.sync_all().map_err(file_error("write", &new))?;
    fs::rename(&new, path).map_err(file_error("write", path))?;
    path.parent().map_or(Ok(()), sync).map_err(file_error("write", path))
}

/// Makes what a folder lists durable, where the system has a way to.
pub(crate) fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

pub(crate) fn file_error(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    move |source| KeyError::File { operation, path: path.to_owned(), source }
}
