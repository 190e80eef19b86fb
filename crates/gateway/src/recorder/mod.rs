//! The recorder makes entries durable: one writer, whole batches, and an answer to each caller when its entries
//! are on disk (promise 1).

mod erase;
mod keeper;
mod open;
mod sealer;
mod subjects;
mod writer;

use std::sync::Arc;

use bytes::Bytes;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};
use waymark_ledger::canonical::CanonicalError;
use waymark_ledger::commitment::Salt;
use waymark_ledger::note::{NoteError, Verifier};
use waymark_ledger::subject::Text;
use waymark_ledger::{Entry, EntryError, Leaf};
use waymark_store::{Effect, LedgerStore, Settlement, StoreError};
use waymark_types::RecordId;

use crate::clock::{self, RandomError};
use crate::keys::KeyError;

pub use erase::{Erase, EraseError, ErasedReport, erase};
pub(crate) use open::{Opened, open};
use subjects::Subjects;

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
    #[error("an entry cannot be made")]
    Entry(#[from] EntryError),
    /// The policy has no canonical form.
    #[error("the configuration cannot be recorded")]
    Policy(#[from] CanonicalError),
    /// A stored checkpoint does not hold.
    #[error("the ledger's newest checkpoint does not hold")]
    Checkpoint(#[source] NoteError),
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

/// A request's or an answer's part beside the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Payload {
    /// With the intent: the salt, and the request's body where texts are kept.
    Request {
        /// The record.
        record: RecordId,
        /// The salt of its commitments.
        salt: Salt,
        /// The request's body.
        body: Option<Bytes>,
    },
    /// With the completion, where texts are kept: the answer's body.
    Response {
        /// The record.
        record: RecordId,
        /// The salt of its commitments.
        salt: Salt,
        /// The answer's body.
        body: Bytes,
    },
    /// With the completion, or an editor's word: the code that was put out.
    Emissions {
        /// The record.
        record: RecordId,
        /// The emissions, as they are sealed.
        bytes: Vec<u8>,
        /// What they are looked up by.
        marks: Vec<u64>,
    },
    /// With the completion, where it is counted: what the call came to.
    Settlement(Settlement),
}

/// Entries that belong into one batch, what goes beside them, and who waits for them.
struct Job {
    leaves: Vec<Leaf>,
    effects: Vec<Effect>,
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
    store: Arc<LedgerStore>,
    verifier: Verifier,
    subjects: Arc<Subjects>,
    condition: watch::Receiver<Condition>,
}

impl Recorder {
    /// Hands entries to the writer, all for one batch; the caller goes on and waits for [`Pending::durable`] where
    /// it must. Intents name who asked; on record they carry a pseudonym.
    pub(crate) async fn append(
        &self,
        entries: Vec<Entry>,
        payloads: Vec<Payload>,
    ) -> Result<Pending, Unrecorded> {
        let (mut leaves, mut effects) = (Vec::with_capacity(entries.len()), Vec::new());
        for entry in entries {
            let entry = self.subjects.pseudonymous(&self.store, entry).await?;
            let salt = clock::random().map_err(|error| Unrecorded::new(&error))?;
            leaves.push(Leaf::new(entry, salt).map_err(|error| Unrecorded::new(&error))?);
        }
        for payload in payloads {
            self.beside(payload, &mut effects)?;
        }
        for leaf in &leaves {
            if let Entry::Completion(completion) = &leaf.entry {
                self.subjects.release(&completion.record);
            }
        }
        let (done, pending) = oneshot::channel();
        self.jobs.send(Job { leaves, effects, done }).await.map_err(|_| Unrecorded::closed())?;
        Ok(Pending { done: pending, settled: None })
    }

    /// What is stored of a payload: salts as they are, texts encrypted.
    fn beside(&self, payload: Payload, effects: &mut Vec<Effect>) -> Result<(), Unrecorded> {
        let (record, salt, text, body) = match payload {
            Payload::Emissions { record, bytes, marks } => {
                effects.push(Effect::Emissions { record, bytes, marks });
                return Ok(());
            }
            Payload::Settlement(settlement) => {
                effects.push(Effect::Settle(settlement));
                return Ok(());
            }
            Payload::Request { record, salt, body } => {
                effects.push(Effect::Salt { record, salt });
                (record, salt, Text::Request, body)
            }
            Payload::Response { record, salt, body } => (record, salt, Text::Response, Some(body)),
        };
        let Some(body) = body else { return Ok(()) };
        let Some(subject) = self.subjects.asking(&record) else { return Ok(()) };
        let sealed = subject.encrypt(&record, text, &salt, &body).map_err(|error| Unrecorded::new(&error))?;
        effects.push(Effect::Text { record, text, sealed });
        Ok(())
    }

    /// Where entries are read back from.
    pub(crate) fn store(&self) -> &LedgerStore {
        &self.store
    }

    /// The same, for what outlives a borrow.
    pub(crate) fn shared_store(&self) -> Arc<LedgerStore> {
        Arc::clone(&self.store)
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
