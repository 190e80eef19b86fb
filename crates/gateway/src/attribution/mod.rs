//! Attribution: what answers put out goes on record, and lines that git holds are matched with it.
//!
//! Nothing here needs a running server: a ledger, its key, and a repository are enough.

mod ahead;
mod beside;
mod blame;
mod candidates;
mod change;
mod export;
mod keep;
mod noted;
mod report;
mod reverted;
mod since;
mod summary;
mod told;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;
use waymark_flash::git::Git;
use waymark_ledger::emission::Fingerprint;
use waymark_ledger::note::{Signer, Verifier};
use waymark_provenance::Key;
use waymark_provenance::formats::note::NoteError;
use waymark_provenance::git::{Commands, Commit, CommitId, GitError, Objects, Repository};
use waymark_store::{LedgerStore, StoreError};
use waymark_types::{Clock, RecordId};

use crate::keys::{self, KeyError};
use beside::Added;
pub use blame::{Blamed, BlamedLine, OLDER};
use candidates::Candidates;
use change::{Change, Changed, Places};
pub use export::Exported;
pub use keep::Kept;
pub use noted::Noted;
pub use report::{FileReport, Report};
use since::Since;
pub use summary::Told;
pub use told::{LineTold, RecordTold};

/// The key that fingerprints of code are made under. It goes with the ledger's own and never leaves the process.
#[derive(Clone, Copy)]
pub(crate) struct FingerprintKey([u8; 32]);

impl FingerprintKey {
    /// The key that goes with the ledger's.
    pub(crate) fn of(ledger: &Signer) -> Self {
        Self(ledger.subkey("code fingerprints"))
    }

    /// What makes fingerprints.
    pub(crate) fn key(&self) -> Key {
        Key::new(&self.0)
    }
}

/// Lines cannot be attributed.
#[derive(Debug, Error)]
pub enum AttributionError {
    /// Git gave no answer.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The path is in no repository.
    #[error("{} is in no git repository", .0.display())]
    NoRepository(PathBuf),
    /// The ledger cannot be read.
    #[error("the ledger cannot be read")]
    Store(#[from] StoreError),
    /// The ledger's key cannot be read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A file cannot be read.
    #[error("could not read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// Only a working tree has what is not committed.
    #[error("a bare repository has no working tree: name a commit with --rev")]
    Bare,
    /// A note cannot be written.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// A commit is not there.
    #[error("commit {0} is missing from the repository: it is shallow, partial, or being rewritten")]
    MissingCommit(String),
}

/// The wall around git, built where the embedded model's is.
struct Wall(Git);

impl Commands for Wall {
    fn command(&self) -> std::process::Command {
        self.0.command()
    }
}

/// A repository and the ledger that its lines are attributed by.
pub struct Attribution {
    store: LedgerStore,
    verifier: Verifier,
    key: Key,
    repository: Repository,
    /// The names it goes by.
    names: BTreeSet<String>,
    objects: RefCell<Objects>,
    /// Where what is kept of the repository lies.
    folder: PathBuf,
    clock: Arc<dyn Clock>,
    candidates: Candidates,
    fingerprints: HashMap<String, Fingerprint>,
    commits: HashMap<CommitId, Commit>,
    changed: HashMap<Change, Arc<Changed>>,
    /// How far back lines can matter.
    since: Since,
    /// The places of the commit that was asked for last.
    places: RefCell<Option<(CommitId, Places)>>,
    /// What the commit that was asked for last added to its files.
    added: RefCell<Option<Added>>,
    records: HashMap<RecordId, Option<Arc<RecordTold>>>,
    /// How many reverts are being gone back.
    reverts: usize,
}

impl Attribution {
    /// Opens the repository that holds `folder`, beside a ledger opened to be read. The ledger's key must be in
    /// `data_dir`: fingerprints are made under it.
    pub fn open(
        store: LedgerStore,
        data_dir: &Path,
        folder: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AttributionError> {
        let signer = keys::read_signer(data_dir)?;
        let (repository, folder) = shadowed(data_dir, folder)?;
        let names = repository.names().clone();
        Ok(Self {
            key: FingerprintKey::of(&signer).key(),
            verifier: signer.verifier(),
            objects: RefCell::new(repository.objects()?),
            store,
            folder,
            names,
            repository,
            clock,
            candidates: Candidates::default(),
            fingerprints: HashMap::new(),
            commits: HashMap::new(),
            changed: HashMap::new(),
            since: Since::default(),
            places: RefCell::default(),
            added: RefCell::default(),
            records: HashMap::new(),
            reverts: 0,
        })
    }

    /// Lets go of what was read for one file and is of no use for others.
    fn forget(&mut self) {
        self.changed.clear();
        self.fingerprints.clear();
    }

    /// The repository.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }
}

/// The repository that holds `folder`, and where what is kept of it lies.
fn shadowed(data_dir: &Path, folder: &Path) -> Result<(Repository, PathBuf), AttributionError> {
    let git = Git::discover(folder).map_err(|error| unfound(error, folder))?;
    let repository = Repository::open(Box::new(Wall(git)))?;
    let folder = kept(data_dir, repository.top().unwrap_or(folder));
    let repository = repository.with_shadow(&folder.join("shadow"))?;
    Ok((repository, folder))
}

/// Where what is kept of a repository lies: a folder for each, named by its place.
fn kept(data_dir: &Path, folder: &Path) -> PathBuf {
    let place = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let digest = waymark_ledger::emission::digest(place.as_os_str().as_encoded_bytes());
    data_dir.join("git").join(&digest[..16])
}

fn unfound(error: waymark_flash::Error, folder: &Path) -> AttributionError {
    match error {
        waymark_flash::Error::NotARepository { .. } => AttributionError::NoRepository(folder.to_owned()),
        error => {
            let (operation, message) = ("rev-parse", error.to_string());
            AttributionError::Git(GitError::Failed { operation, message })
        }
    }
}
