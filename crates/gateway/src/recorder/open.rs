//! Opening the ledger: its lock, its key, what a crash left open, and the snapshot that now holds.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_util::task::TaskTracker;
use waymark_ledger::checkpoint::Checkpoint;
use waymark_ledger::note::Verifier;
use waymark_ledger::tree::Frontier;
use waymark_ledger::{Completion, Entry, Log, Snapshot, canonical};
use waymark_store::sqlite::SqliteStore;
use waymark_store::{LedgerStore, StoreError};
use waymark_types::{Clock, Outcome, RecordId, Usage};

use super::writer::Writer;
use super::{QUEUE, Recorder, RecorderError};
use crate::clock;
use crate::keys::{self, DATABASE};
use crate::path::SessionKey;

/// An open ledger.
pub(crate) struct Opened {
    pub(crate) recorder: Recorder,
    pub(crate) session_key: SessionKey,
    /// Holds the directory's lock as long as it is open.
    pub(crate) lock: File,
}

/// Opens the ledger in `data_dir`, closes what a crash left open, records the snapshot when it is new, and
/// starts the writer on `tasks`.
pub(crate) async fn open(
    data_dir: &Path,
    snapshot: &waymark_routing::Snapshot,
    clock: &dyn Clock,
    tasks: &TaskTracker,
) -> Result<Opened, RecorderError> {
    let lock = keys::lock(data_dir)?;
    let signer = keys::signer(data_dir)?;
    let session_key = SessionKey::of(&signer);
    let verifier = signer.verifier();
    let store = SqliteStore::open(&data_dir.join(DATABASE)).await?;
    let frontier = taken_up(&store, &verifier).await?;
    above_head(data_dir, &verifier, frontier.size())?;
    let mut log = Log::new(signer, frontier);

    let mut entries = interrupted(&store).await?;
    entries.extend(changed(&store, snapshot, clock).await?);
    if !entries.is_empty() {
        let leaves = entries.into_iter().map(Log::leaf).collect::<Result<_, _>>()?;
        let batch = log.stage(leaves);
        store.commit(&batch, &[]).await?;
        log.advance(batch.frontier);
    }

    let store: Arc<dyn LedgerStore> = Arc::new(store);
    let (jobs, queue) = mpsc::channel(QUEUE);
    let (told, condition) = watch::channel(Ok(()));
    let head = keys::Head::open(data_dir)?;
    let writer = Writer { log, store: Arc::clone(&store), condition: told, head };
    tasks.spawn(writer.run(queue));
    Ok(Opened { recorder: Recorder { jobs, store, verifier, condition }, session_key, lock })
}

/// The tree on disk, which must be what was last signed: a server must never sign on top of anything else.
pub(super) async fn taken_up(store: &dyn LedgerStore, key: &Verifier) -> Result<Frontier, RecorderError> {
    let frontier = store.frontier().await?;
    let Some(newest) = store.newest_checkpoint().await? else {
        return if frontier.size() == 0 { Ok(frontier) } else { Err(RecorderError::Diverged) };
    };
    let checkpoint = Checkpoint::open(&newest.note, key).map_err(RecorderError::Checkpoint)?;
    let same = checkpoint.size == frontier.size() && checkpoint.root == frontier.root();
    if same { Ok(frontier) } else { Err(RecorderError::Diverged) }
}

/// The ledger must not have fewer leaves than the checkpoint kept beside it says.
fn above_head(data_dir: &Path, key: &Verifier, found: u64) -> Result<(), RecorderError> {
    let Some(note) = keys::read_head(data_dir)? else { return Ok(()) };
    let expected = Checkpoint::open(&note, key).map_err(RecorderError::Checkpoint)?.size;
    if found < expected { Err(RecorderError::RolledBack { found, expected }) } else { Ok(()) }
}

/// Completions for the records that were cut off.
async fn interrupted(store: &dyn LedgerStore) -> Result<Vec<Entry>, RecorderError> {
    let mut entries = Vec::new();
    for (id, leaf) in store.open_records().await? {
        let record = id.try_into().ok().and_then(RecordId::from_bytes).ok_or_else(|| {
            StoreError::Damaged(format!("the open record at leaf {leaf} has an unreadable id"))
        })?;
        entries.push(Entry::Completion(Completion {
            record,
            ended: None,
            outcome: Outcome::Interrupted,
            reason: "interrupted".to_owned(),
            provider: None,
            resolved_model: None,
            served_model: None,
            attempts: None,
            usage: Usage::default(),
            cost_micro_usd: None,
            response: None,
            sources: Vec::new(),
            error: Some("cut off before its end was on record; what became of it is not known".to_owned()),
        }));
    }
    Ok(entries)
}

/// The snapshot's entries, when the newest one on record is another (promise 8).
async fn changed(
    store: &dyn LedgerStore,
    snapshot: &waymark_routing::Snapshot,
    clock: &dyn Clock,
) -> Result<Vec<Entry>, RecorderError> {
    if let Some(row) = store.newest_snapshot().await?
        && let Entry::Snapshot(newest) = Entry::from_leaf(&row.body)?
        && newest.snapshot == snapshot.digest
    {
        return Ok(Vec::new());
    }
    let recorded = clock.now();
    let policy = canonical::to_bytes(&snapshot.policy)?;
    let policy = String::from_utf8_lossy(&policy);
    let parts = Snapshot::parts(clock::record_id(recorded)?, recorded, &snapshot.digest, &policy);
    Ok(parts.into_iter().map(Entry::Snapshot).collect())
}
