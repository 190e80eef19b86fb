//! Why a checkpoint could not be anchored.

use std::io;
use std::path::PathBuf;

use thiserror::Error;
use waymark_ledger::note::NoteError;
use waymark_store::StoreError;

/// A checkpoint could not be anchored.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AnchorError {
    /// The ledger's newest checkpoint cannot be read.
    #[error("the ledger's newest checkpoint cannot be read")]
    Store(#[from] StoreError),
    /// The ledger's newest checkpoint does not hold.
    #[error("the ledger's newest checkpoint does not hold")]
    Checkpoint(#[from] NoteError),
    /// Git cannot do it.
    #[error(transparent)]
    Git(#[from] waymark_flash::Error),
    /// The ref leads to something that this did not write.
    #[error("{0} leads to no commit")]
    NoCommit(&'static str),
    /// Others wrote to the ref again and again.
    #[error("{0} kept moving: others write to it")]
    Moving(&'static str),
    /// The file cannot be read or written.
    #[error("could not {operation} {}", path.display())]
    File {
        /// What was being done.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The address cannot be reached.
    #[error("could not post to {url}")]
    Unreachable {
        /// The address.
        url: String,
        /// Why it failed.
        source: reqwest::Error,
    },
    /// The address does not take it.
    #[error("{url} answered {status}")]
    Refused {
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The header for the address is none.
    #[error("the header to be sent is no `Name: value`")]
    Header,
    /// What is anchored is newer than the ledger.
    #[error("the ledger was rolled back: it has {held} leaves, and {anchored} are anchored")]
    RolledBack {
        /// Leaves there are.
        held: u64,
        /// Leaves there were.
        anchored: u64,
    },
    /// What is anchored is another history.
    #[error("the ledger was forked: another history of {0} leaves, signed by its key, is anchored")]
    Forked(u64),
    /// The work was stopped.
    #[error("stopped before it was done")]
    Stopped(#[source] tokio::task::JoinError),
}

impl AnchorError {
    /// It with its causes, on one line.
    pub fn told(&self) -> String {
        let causes = std::iter::successors(std::error::Error::source(self), |cause| cause.source());
        causes.fold(self.to_string(), |text, cause| format!("{text}: {cause}"))
    }
}
