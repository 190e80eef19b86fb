//! What a witness has cosigned: one file for each log, the newest checkpoint with the log's signature and ours.
//!
//! A decision reads the file, and a cosignature leaves only when the file that follows is durable. Decisions come one
//! after the other.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};
use thiserror::Error;
use waymark_ledger::checkpoint::Checkpoint;
use waymark_ledger::commitment::hex;
use waymark_ledger::cosignature::Signer;
use waymark_ledger::note::{self, Note, NoteError, Verifier};
use waymark_ledger::witness::{Latest, Refusal, Request};
use waymark_types::{Secret, Timestamp};

use crate::clock;
use crate::keys::{self, KeyError, file_error};

const CHECKPOINTS: &str = "checkpoints";
const SIGNING_KEY: &str = "witness.key";
const VERIFIER_KEY: &str = "witness.vkey";

/// The witness's directory cannot be used.
#[derive(Debug, Error)]
pub enum BookError {
    /// A file cannot be made, read or written.
    #[error(transparent)]
    File(#[from] KeyError),
    /// What was cosigned last cannot be told any more.
    #[error(
        "{path} is damaged: restore it from a backup, for without it this witness must not cosign that log"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: NoteError,
    },
    /// There is something cosigned, but the key is gone.
    #[error("{0} has cosigned checkpoints but no {SIGNING_KEY}: restore the file from a backup")]
    KeyLost(PathBuf),
    /// No key can go by the name that was asked for.
    #[error(transparent)]
    BadName(NoteError),
    /// The key goes by another name than was asked for.
    #[error("the witness in this directory is named {found:?}, not {wanted:?}")]
    Name {
        /// The key's name.
        found: String,
        /// The name asked for.
        wanted: String,
    },
}

/// Why a request gets no cosignature.
#[derive(Debug, Error)]
pub(crate) enum Unsigned {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Book(#[from] BookError),
}

/// The witness's key, the logs it knows, and what it cosigned of them.
pub(crate) struct Book {
    folder: PathBuf,
    signer: Signer,
    logs: Vec<Verifier>,
    deciding: Mutex<()>,
}

impl Book {
    /// Opens the book in a directory, and makes a key where there is neither key nor book.
    pub(crate) fn open(data_dir: &Path, name: Option<&str>, logs: Vec<Verifier>) -> Result<Self, BookError> {
        let folder = data_dir.join(CHECKPOINTS);
        let signer = signer(data_dir, &folder, name)?;
        fs::create_dir_all(&folder).map_err(file_error("make the folder", &folder))?;
        keys::sync(data_dir).map_err(file_error("make the folder", &folder))?;
        let book = Self { folder, signer, logs, deciding: Mutex::new(()) };
        for log in &book.logs {
            book.cosigned(log.name())?;
        }
        Ok(book)
    }

    /// The key that checks this witness's cosignatures.
    pub(crate) fn verifier(&self) -> waymark_ledger::cosignature::Verifier {
        self.signer.verifier()
    }

    /// The logs it knows, by name, and the size last cosigned of each.
    pub(crate) fn sizes(&self) -> Result<Vec<(String, Option<u64>)>, BookError> {
        let mut names: Vec<_> = self.logs.iter().map(Verifier::name).collect();
        names.sort_unstable();
        names.dedup();
        let size = |name: &str| Ok((name.to_owned(), self.cosigned(name)?.map(|(_, latest)| latest.size)));
        names.into_iter().map(size).collect()
    }

    /// The newest checkpoint cosigned of the log with this SHA-256 of its name, with our cosignature.
    pub(crate) fn note(&self, origin_hash: &str) -> Result<Option<String>, BookError> {
        let log = self.logs.iter().find(|log| origin_digest(log.name()) == origin_hash);
        let cosigned = log.map(|log| self.cosigned(log.name())).transpose()?.flatten();
        Ok(cosigned.map(|(note, _)| note))
    }

    /// Decides on a request. The cosignature it returns is of what is durable now.
    pub(crate) fn add(&self, request: &Request, now: Timestamp) -> Result<String, Unsigned> {
        let known: Vec<_> = self.logs.iter().filter(|log| log.name() == request.origin()).cloned().collect();
        // What the lock guards is on disk, and whole whatever happened to who held it.
        let _deciding = self.deciding.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = if known.is_empty() { None } else { self.cosigned(request.origin())? };
        request.judge(&known, latest.map(|(_, latest)| latest).as_ref())?;
        let damaged = |source| BookError::Damaged { path: self.path(request.origin()), source };
        let note = Note::parse(&request.checkpoint).map_err(damaged)?;
        let line = self.signer.sign(note.text(), seconds(now));
        let cosigned = note::append(&note.signed_by(&known), &line).map_err(damaged)?;
        keys::write(&self.path(request.origin()), &cosigned, 0o644).map_err(BookError::File)?;
        Ok(line)
    }

    /// What was cosigned last of a log: the note, and what it states.
    fn cosigned(&self, origin: &str) -> Result<Option<(String, Latest)>, BookError> {
        let path = self.path(origin);
        let note = match fs::read_to_string(&path) {
            Ok(note) => note,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(file_error("read", &path)(source).into()),
        };
        let latest = self.latest(&note, origin).map_err(|source| BookError::Damaged { path, source })?;
        Ok(Some((note, latest)))
    }

    /// Reads a note that this witness wrote.
    fn latest(&self, note: &str, origin: &str) -> Result<Latest, NoteError> {
        let note = Note::parse(note)?;
        self.signer.verifier().check(&note)?;
        let checkpoint = Checkpoint::parse(note.text())?;
        if checkpoint.origin != origin {
            return Err(NoteError::Form("it is another log's"));
        }
        Ok(Latest { size: checkpoint.size, root: checkpoint.root })
    }

    fn path(&self, origin: &str) -> PathBuf {
        self.folder.join(origin_digest(origin))
    }
}

/// How the protocol names a log in an address: SHA-256 of its name.
pub(super) fn origin_digest(origin: &str) -> String {
    hex(&Sha256::digest(origin))
}

/// A cosignature's time. No cosignature states the time 0.
fn seconds(now: Timestamp) -> u64 {
    u64::try_from(now.as_micros() / 1_000_000).unwrap_or(0).max(1)
}

/// Reads the witness's key, or makes one.
fn signer(data_dir: &Path, folder: &Path, name: Option<&str>) -> Result<Signer, BookError> {
    let path = data_dir.join(SIGNING_KEY);
    let damaged = |source| KeyError::Damaged { path: path.clone(), source };
    let signer = match fs::read_to_string(&path).map(Secret::new) {
        Ok(text) => Signer::from_text(text.expose()).map_err(damaged)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if folder.exists() {
                return Err(BookError::KeyLost(data_dir.to_owned()));
            }
            let random = format!("waymark-witness/{}", hex(&clock::random::<8>().map_err(KeyError::Random)?));
            let seed = clock::random::<32>().map_err(KeyError::Random)?;
            let signer = Signer::new(name.unwrap_or(&random), &seed).map_err(BookError::BadName)?;
            keys::write(&path, signer.to_text().expose(), 0o600)?;
            signer
        }
        Err(source) => return Err(file_error("read", &path)(source).into()),
    };
    if let Some(wanted) = name.filter(|wanted| *wanted != signer.name()) {
        return Err(BookError::Name { found: signer.name().to_owned(), wanted: wanted.to_owned() });
    }
    keys::write(&data_dir.join(VERIFIER_KEY), &format!("{}\n", signer.verifier().to_text()), 0o644)?;
    Ok(signer)
}
