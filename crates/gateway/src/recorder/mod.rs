//! The recorder makes entries durable: one writer, whole batches, and an answer to each caller when its entries
//! are on disk (promise 1).

mod open;
mod writer;

use std::sync::Arc;

use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};
use waymark_ledger::canonical::CanonicalError;
use waymark_ledger::note::{NoteError, Verifier};
use waymark_ledger::{Entry, EntryError, Leaf, Log, LogError};
use waymark_store::{LedgerStore, Payload, StoreError};

use crate::clock::RandomError;
use crate::keys::KeyError;

pub(crate) use open::{Opened, open};

/// Callers that may wait for the writer; more wait their turn to be among them.
const QUEUE: usize = 1_024;

/// The ledger cannot be opened.
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
    /// The policy has no canonical form.
    #[error("the configuration cannot be recorded")]
    Policy(#[from] CanonicalError),
    /// A stored checkpoint does not hold.
    #[error("the ledger's newest checkpoint does not hold")]
    Checkpoint(#[source] NoteError),
    /// The ledger's tree is not the one its checkpoint states.
    #[error("the ledger is not what its newest checkpoint states")]
    Diverged,
    /// The ledger is older than it was when last written.
    #[error("the ledger has {found} leaves; it had at least {expected} when it was last written")]
    RolledBack {
        /// Leaves there are.
        found: u64,
        /// Leaves there were.
        expected: u64,
    },
    /// No randomness for an id.
    #[error("could not make a record id")]
    Random(#[from] RandomError),
}

/// Entries could not be made durable.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the ledger cannot write: {0}")]
pub(crate) struct Unrecorded(Arc<str>);

impl Unrecorded {
    fn new(error: &dyn std::error::Error) -> Self {
        let causes = std::iter::successors(error.source(), |cause| cause.source());
        Self(causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}")).into())
    }

    fn closed() -> Self {
        Self("it is closed".into())
    }
}

/// Entries that belong into one batch, what goes beside them, and who waits for them.
struct Job {
    leaves: Vec<Leaf>,
    payloads: Vec<Payload>,
    done: oneshot::Sender<Result<(), Unrecorded>>,
}

/// Entries on their way to the disk.
pub(crate) struct Pending {
    done: oneshot::Receiver<Result<(), Unrecorded>>,
    settled: Option<Result<(), Unrecorded>>,
}

impl Pending {
    /// Waits until the entries are durable, or known not to be. May be asked again.
    pub(crate) async fn durable(&mut self) -> Result<(), Unrecorded> {
        if self.settled.is_none() {
            let outcome = (&mut self.done).await;
            self.settled = Some(outcome.unwrap_or_else(|_| Err(Unrecorded::closed())));
        }
        self.settled.clone().unwrap_or_else(|| Err(Unrecorded::closed()))
    }
}

/// Whether the last batch could be written, and why not.
pub(crate) type Condition = Result<(), Unrecorded>;

/// The ledger, as the server holds it.
pub(crate) struct Recorder {
    jobs: mpsc::Sender<Job>,
    store: Arc<dyn LedgerStore>,
    verifier: Verifier,
    condition: watch::Receiver<Condition>,
}

impl Recorder {
    /// Hands entries to the writer, all for one batch; the caller goes on and waits for [`Pending::durable`] where
    /// it must.
    pub(crate) async fn append(
        &self,
        entries: Vec<Entry>,
        payloads: Vec<Payload>,
    ) -> Result<Pending, Unrecorded> {
        let leaves = entries.into_iter().map(Log::leaf).collect::<Result<_, _>>();
        let leaves = leaves.map_err(|error| Unrecorded::new(&error))?;
        let (done, pending) = oneshot::channel();
        self.jobs.send(Job { leaves, payloads, done }).await.map_err(|_| Unrecorded::closed())?;
        Ok(Pending { done: pending, settled: None })
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
        if self.jobs.is_closed() { Err(Unrecorded::closed()) } else { self.condition.borrow().clone() }
    }

    /// Tries to write when the last batch failed.
    pub(crate) async fn recover(&self) -> Condition {
        match self.condition() {
            Ok(()) => Ok(()),
            Err(_) => self.append(Vec::new(), Vec::new()).await?.durable().await,
        }
    }
}
