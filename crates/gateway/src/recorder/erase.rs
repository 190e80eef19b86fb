//! Erasing on demand: what a record or a person has beside the tree is destroyed, and that it was is itself on record.

use std::path::Path;

use thiserror::Error;
use waymark_ledger::{Entry, EntryError, Erased, Erasure, Leaf, Log};
use waymark_store::{Address, Effect, LedgerStore, StoreError};
use waymark_types::{Clock, RecordId};

use crate::clock::{self, RandomError};
use crate::keys::{self, KeyError};

/// What is to be erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Erase {
    /// A record's salt and texts.
    Record(RecordId),
    /// A person, by name: name, key, and the salts and texts of all their records.
    Subject(String),
}

/// What was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasedReport {
    /// The erasure's own record.
    pub record: RecordId,
    /// What was erased, as the erasure says it.
    pub erased: Erased,
    /// Where traces may be left, in words; nothing where none are.
    pub left: Vec<String>,
}

/// Nothing was erased.
#[derive(Debug, Error)]
pub enum EraseError {
    /// The ledger cannot be written.
    #[error("the ledger cannot be written")]
    Store(#[from] StoreError),
    /// The ledger's key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The erasure's entry cannot be made.
    #[error("the erasure cannot be recorded")]
    Entry(#[from] EntryError),
    /// There is nothing to erase.
    #[error("{0}")]
    Nothing(String),
    /// No randomness for an id.
    #[error("could not make a record id")]
    Random(#[from] RandomError),
}

/// Erases, beside a running server or without one. The ledger's key must be in `data_dir`.
pub async fn erase(
    address: &Address,
    data_dir: &Path,
    what: &Erase,
    reason: Option<String>,
    clock: &dyn Clock,
) -> Result<ErasedReport, EraseError> {
    let log = Log::new(keys::read_signer(data_dir)?);
    // Nothing is made that is not there.
    LedgerStore::open_to_read(address).await?.close().await?;
    let store = LedgerStore::open(address, "erase").await?;
    store.claim(&log).await?;
    let erased = found(&store, what).await?;
    let recorded = clock.now();
    let record = clock::record_id(recorded)?;
    let entry = Entry::Erasure(Erasure { record, recorded, erased: erased.clone(), reason });
    let effect = match &erased {
        Erased::Record(record) => Effect::EraseRecord(*record),
        Erased::Subject(id) => Effect::EraseSubject(id.clone()),
    };
    store.append(&[Leaf::new(entry, clock::random()?)?], &[effect], &log).await?;
    if let Erased::Subject(id) = &erased {
        store.erase_payloads_of(id).await?;
    }
    // Where others seal, it is under the tree soon; here it need not wait for them.
    match store.seal(&log).await {
        Ok(_) | Err(StoreError::Busy) => {}
        Err(error) => return Err(error.into()),
    }
    let left = store.wipe().await?;
    store.close().await?;
    Ok(ErasedReport { record, erased, left })
}

/// What the erasure will say, when there is something to erase.
async fn found(store: &LedgerStore, what: &Erase) -> Result<Erased, EraseError> {
    match what {
        Erase::Record(record) => {
            if store.record(*record).await?.is_empty() {
                return Err(EraseError::Nothing(format!("there is no record {record}")));
            }
            if !store.has_payload(*record).await? {
                let gone = format!(
                    "record {record} has neither salt nor text left: it was erased, or dropped for its age"
                );
                return Err(EraseError::Nothing(gone));
            }
            Ok(Erased::Record(*record))
        }
        Erase::Subject(name) => match store.known(name).await? {
            Some(subject) => Ok(Erased::Subject(subject.id().to_owned())),
            None => Err(EraseError::Nothing(format!("nobody is known by the name {name}"))),
        },
    }
}
