//! Opening the ledger: its lock, its key, what a crash left open, and the snapshot that now holds.

use std::fs::File;
use std::sync::Arc;

use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use waymark_ledger::checkpoint::Checkpoint;
use waymark_ledger::commitment::hex;
use waymark_ledger::note::{NoteError, Verifier};
use waymark_ledger::{Completion, Entry, Leaf, Log, Snapshot, canonical};
use waymark_store::{Address, LedgerStore, StoreError};
use waymark_types::{Clock, Outcome, RecordId, Usage};

use super::keeper::{self, Keeper};
use super::sealer::Sealer;
use super::subjects::Subjects;
use super::writer::Writer;
use super::{QUEUE, Recorder, RecorderError};
use crate::attribution::FingerprintKey;
use crate::clock;
use crate::config::Config;
use crate::keys;
use crate::path::SessionKey;

/// An open ledger.
pub(crate) struct Opened {
    pub(crate) recorder: Recorder,
    pub(crate) session_key: SessionKey,
    pub(crate) fingerprints: FingerprintKey,
    /// Holds the directory's lock as long as it is open.
    pub(crate) lock: File,
}

/// Opens the ledger, closes what a crash left open, records the snapshot when it is new, and starts the writer, the
/// sealer and the keeper on `tasks`. The keeper runs until `stop`.
pub(crate) async fn open(
    config: &Config,
    snapshot: &waymark_routing::Snapshot,
    clock: &Arc<dyn Clock>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<Opened, RecorderError> {
    let lock = keys::lock(&config.data_dir)?;
    let shared = matches!(config.store, Address::Postgres { .. });
    let gateway = hex(&clock::random::<8>()?);
    let (store, signer) = if shared {
        let store = LedgerStore::open(&config.store, &gateway).await?;
        let signer = keys::shared_signer(&config.data_dir, store.origin().await?.as_deref())?;
        (store, signer)
    } else {
        // The key is made before the database: without it there is no telling whose ledger that is.
        let signer = keys::signer(&config.data_dir)?;
        (LedgerStore::open(&config.store, &gateway).await?, signer)
    };
    let (session_key, fingerprints) = (SessionKey::of(&signer), FingerprintKey::of(&signer));
    let (verifier, log) = (signer.verifier(), Arc::new(Log::new(signer)));
    store.claim(&log).await?;
    let size = store.taken_up(&verifier).await?.size();
    above_head(config, &verifier, size)?;

    if shared {
        store.heartbeat().await?;
    }
    keeper::close_abandoned(&store, &log, shared.then_some(keeper::LEASE)).await?;
    keeper::assume_abandoned(&store, shared.then_some(keeper::LEASE)).await?;
    let changed = changed(&store, snapshot, clock.as_ref()).await?;
    if !changed.is_empty() {
        store.append(&changed, &[], &log).await?;
    }
    // What waited, of whomever, need not wait for the first request.
    match store.seal(&log).await {
        Ok(_) | Err(StoreError::Busy) => {}
        Err(error) => return Err(error.into()),
    }

    let (store, subjects) = (Arc::new(store), Arc::new(Subjects::default()));
    let (jobs, queue) = mpsc::channel(QUEUE);
    let (told, condition) = watch::channel(Ok(()));
    let head = Arc::new(keys::Head::open(&config.data_dir)?);
    let (written, done) = (Arc::new(Notify::new()), CancellationToken::new());
    let writer = Writer {
        log: Arc::clone(&log),
        store: Arc::clone(&store),
        subjects: Arc::clone(&subjects),
        condition: told,
        head: Arc::clone(&head),
        written: Arc::clone(&written),
        done: done.clone(),
        doubtful: Vec::new(),
    };
    tasks.spawn(writer.run(queue));
    let sealer = Sealer { log: Arc::clone(&log), store: Arc::clone(&store), head, written, done };
    tasks.spawn(sealer.run());
    let keeper =
        Keeper { log, store: Arc::clone(&store), clock: Arc::clone(clock), config: config.ledger, shared };
    tasks.spawn(keeper.run(stop.clone()));
    let recorder = Recorder { jobs, store, verifier, subjects, condition };
    Ok(Opened { recorder, session_key, fingerprints, lock })
}

/// The ledger must not have fewer leaves than the checkpoint kept beside it says.
fn above_head(config: &Config, key: &Verifier, found: u64) -> Result<(), RecorderError> {
    let Some(note) = keys::read_head(&config.data_dir)? else { return Ok(()) };
    let expected = match Checkpoint::open(&note, key) {
        Ok(checkpoint) => checkpoint.size,
        // A power cut can leave half of it. It is a floor, and no floor is what a lost file leaves too.
        Err(NoteError::Form(problem)) => {
            tracing::warn!(
                "the checkpoint kept beside the ledger cannot be read ({problem}) and is written anew"
            );
            return Ok(());
        }
        Err(error) => return Err(RecorderError::Checkpoint(error)),
    };
    if found < expected { Err(RecorderError::RolledBack { found, expected }) } else { Ok(()) }
}

/// The completion of a record that was cut off.
pub(super) fn interrupted(record: RecordId) -> Result<Leaf, StoreError> {
    let completion = Entry::Completion(Completion {
        record,
        ended: None,
        outcome: Outcome::Interrupted,
        reason: "interrupted".to_owned(),
        provider: None,
        resolved_model: None,
        served_model: None,
        rung: None,
        attempts: None,
        usage: Usage::default(),
        cost_micro_usd: None,
        response: None,
        sources: Vec::new(),
        emitted: None,
        error: Some("cut off before its end was on record; what became of it is not known".to_owned()),
    });
    let salt = clock::random().map_err(|_| StoreError::NoRandomness)?;
    Ok(Leaf::new(completion, salt)?)
}

/// The snapshot's entries, when the newest one on record is another (promise 8).
async fn changed(
    store: &LedgerStore,
    snapshot: &waymark_routing::Snapshot,
    clock: &dyn Clock,
) -> Result<Vec<Leaf>, RecorderError> {
    if let Some(Entry::Snapshot(newest)) = store.newest_snapshot().await?
        && newest.snapshot == snapshot.digest
    {
        return Ok(Vec::new());
    }
    let recorded = clock.now();
    let policy = canonical::to_bytes(&snapshot.policy)?;
    let policy = String::from_utf8_lossy(&policy);
    let parts = Snapshot::parts(clock::record_id(recorded)?, recorded, &snapshot.digest, &policy);
    parts.into_iter().map(|part| Ok(Leaf::new(Entry::Snapshot(part), clock::random()?)?)).collect()
}
