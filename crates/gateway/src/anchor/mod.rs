//! Checkpoints anchored outside the process: in a git ref, in a file, at an address.
//!
//! Whoever holds the ledger's key could sign another history. Not where somebody else keeps what was signed before:
//! each anchor is a copy of the newest checkpoint in a place that the ledger's database has no hold over. An anchor
//! that fails is a warning and is made later; no answer waits for one.

mod error;
mod file;
mod git;
mod read;
mod run;
#[cfg(test)]
mod tests;
mod url;

use std::path::PathBuf;
use std::time::Duration;

use waymark_ledger::checkpoint::Checkpoint;
use waymark_ledger::note::{NoteError, Verifier};
use waymark_types::{Secret, Timestamp};

use crate::upstream::Upstreams;

pub use error::AnchorError;
pub use read::{SavedNote, SavedNotes, saved_in_file, saved_in_repository};
pub use run::{Anchored, anchor_now};

pub(crate) use run::Anchors;

/// Where checkpoints are anchored, and how often.
#[derive(Clone, Default)]
pub struct AnchorConfig {
    /// The repository in whose `refs/waymark/checkpoints` they are committed.
    pub repository: Option<PathBuf>,
    /// The file they are appended to.
    pub file: Option<PathBuf>,
    /// The address they are posted to.
    pub url: Option<String>,
    /// A header for that address, `Name: value`.
    pub url_header: Option<Secret>,
    /// The time between one anchor and the next.
    pub every: Duration,
}

/// A place where checkpoints are anchored.
#[derive(Clone)]
enum Place {
    Git(PathBuf),
    File(PathBuf),
    Url { url: String, header: Option<Secret> },
}

impl Place {
    fn of(config: &AnchorConfig) -> Vec<Self> {
        let git = config.repository.clone().map(Self::Git);
        let file = config.file.clone().map(Self::File);
        let url = config.url.clone().map(|url| Self::Url { url, header: config.url_header.clone() });
        [git, file, url].into_iter().flatten().collect()
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Git(_) => "git",
            Self::File(_) => "file",
            Self::Url { .. } => "url",
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Git(repository) => format!("{} {}", repository.display(), git::REF),
            Self::File(path) => path.display().to_string(),
            Self::Url { url, .. } => url.clone(),
        }
    }

    /// Anchors a checkpoint here. Where it already is, nothing is done.
    async fn anchor(&self, signed: Signed, upstreams: &Upstreams) -> Result<(), AnchorError> {
        match self.clone() {
            Self::Git(repository) => aside(move || git::anchor(&repository, &signed)).await,
            Self::File(path) => aside(move || file::anchor(&path, &signed)).await,
            Self::Url { url, header } => url::anchor(upstreams, &url, header.as_ref(), &signed).await,
        }
    }
}

/// Runs what blocks on a thread of its own.
async fn aside(work: impl FnOnce() -> Result<(), AnchorError> + Send + 'static) -> Result<(), AnchorError> {
    tokio::task::spawn_blocking(work).await.map_err(AnchorError::Stopped)?
}

/// A checkpoint to anchor.
#[derive(Clone)]
struct Signed {
    checkpoint: Checkpoint,
    note: String,
    key: Verifier,
    now: Timestamp,
}

/// Whether a place needs a checkpoint, by the newest one it holds.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    Behind,
    There,
}

impl Signed {
    fn new(note: String, key: &Verifier, now: Timestamp) -> Result<Self, NoteError> {
        Ok(Self { checkpoint: Checkpoint::open(&note, key)?, note, key: key.clone(), now })
    }

    /// Compares with the newest note a place holds. What the ledger's key has not signed counts for nothing.
    fn after(&self, held: Option<&str>) -> Result<Standing, AnchorError> {
        let Some(held) = held.and_then(|note| Checkpoint::open(note, &self.key).ok()) else {
            return Ok(Standing::Behind);
        };
        let (anchored, held) = (held, &self.checkpoint);
        if anchored.size > held.size {
            Err(AnchorError::RolledBack { held: held.size, anchored: anchored.size })
        } else if anchored.size < held.size {
            Ok(Standing::Behind)
        } else if anchored.root != held.root {
            Err(AnchorError::Forked(held.size))
        } else {
            Ok(Standing::There)
        }
    }
}
