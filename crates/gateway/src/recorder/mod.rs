//! The recorder makes entries durable: one writer, whole batches, and an answer to each caller when its entry
//! is on disk (promise 1).

mod open;
mod writer;

use std::sync::Arc;

use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};
use waymark_ledger::note::{NoteError, Verifier};
use waymark_ledger::{EntryError, Leaf, Log, LogError};
use waymark_store::{LedgerStore, Payload, StoreError};

use crate::clock::RandomError;
use crate::keys::KeyError;

pub(crate) use open::open;

/// Entries that may wait for the writer; more callers wait their turn.
const QUEUE: usize = 1_024;

/// The ledger cannot be opened or written.
#[derive(Debug, Error)]
pub enum RecorderError {
    /// The data directory cannot be used.
    #[error(transparent)]
    Directory(#[from] KeyError),
    /// The database cannot be used.
    #[error("the ledger's database cannot be used")]
    Store(#[from] StoreError),
    /// An entry cannot be made.
    #[error(transparent)]
    Entry(#[from] LogError),
    /// A stored entry cannot be read.
    #[error("a stored entry cannot be read")]
    Stored(#[from] EntryError),
    /// A stored checkpoint does not hold.
    #[error("the ledger's newest checkpoint does not hold: {0}; run `waymark verify`")]
    Checkpoint(NoteError),
    /// The ledger's tree is not the one its checkpoint states.
    #[error("the ledger is not what its newest checkpoint states; run `waymark verify`")]
    Diverged,
    /// No randomness for an id.
    #[error("could not make a record id")]
    Random(#[from] RandomError),
    /// The batch an entry was in could not be written.
    #[error("the ledger cannot write: {0}")]
    Write(Arc<str>),
    /// The writer has stopped.
    #[error("the ledger is closed")]
    Closed,
}

/// An entry, what goes beside it, and who waits for it.
struct Job {
    leaf: Leaf,
    payload: Option<Payload>,
    done: oneshot::Sender<Result<(), RecorderError>>,
}

/// An entry on its way to the disk.
#[must_use = "the entry is durable only once this has been awaited"]
pub(crate) struct Pending(oneshot::Receiver<Result<(), RecorderError>>);

impl Pending {
    /// Waits until the entry is durable.
    pub(crate) async fn durable(self) -> Result<(), RecorderError> {
        self.0.await.unwrap_or(Err(RecorderError::Closed))
    }
}

/// Whether the last batch could be written, and why not.
pub(crate) type Condition = Result<(), Arc<str>>;

/// The ledger, as the server holds it.
pub struct Recorder {
    jobs: mpsc::Sender<Job>,
    store: Arc<dyn LedgerStore>,
    verifier: Verifier,
    condition: watch::Receiver<Condition>,
}

impl Recorder {
    /// Hands an entry to the writer; the caller goes on and waits for [`Pending::durable`] where it must.
    pub(crate) async fn append(
        &self,
        entry: waymark_ledger::Entry,
        payload: Option<Payload>,
    ) -> Result<Pending, RecorderError> {
        let leaf = Log::leaf(entry)?;
        let (done, pending) = oneshot::channel();
        self.jobs.send(Job { leaf, payload, done }).await.map_err(|_| RecorderError::Closed)?;
        Ok(Pending(pending))
    }

    /// Where entries are read back from.
    pub(crate) fn store(&self) -> &dyn LedgerStore {
        self.store.as_ref()
    }

    /// The key that checks the ledger's checkpoints.
    pub(crate) fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Whether the last batch could be written.
    pub(crate) fn condition(&self) -> Condition {
        self.condition.borrow().clone()
    }
}
