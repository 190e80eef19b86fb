//! Opening the ledger: its lock, its key, what a crash left open, and the snapshot that now holds.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_util::task::TaskTracker;
use waymark_ledger::checkpoint::Checkpoint;
use waymark_ledger::note::Verifier;
use waymark_ledger::tree::Frontier;
use waymark_ledger::{Completion, Entry, Log, Snapshot};
use waymark_store::LedgerStore;
use waymark_store::sqlite::SqliteStore;
use waymark_types::{Clock, Outcome, RecordId, Usage};

use super::{QUEUE, Recorder, RecorderError, writer};
use crate::clock;
use crate::keys::{self, DATABASE};

/// Opens the ledger in `data_dir`, closes what a crash left open, records the snapshot when it is new, and
/// starts the writer on `tasks`. The returned file holds the directory's lock.
pub(crate) async fn open(
    data_dir: &Path,
    snapshot: &waymark_routing::Snapshot,
    clock: &dyn Clock,
    tasks: &TaskTracker,
) -> Result<(Recorder, File), RecorderError> {
    let lock = keys::lock(data_dir)?;
    let signer = keys::signer(data_dir)?;
    let store = SqliteStore::open(&data_dir.join(DATABASE)).await?;
    let frontier = store.frontier().await?;
    let verifier = signer.verifier();
    check(&store, &frontier, &verifier).await?;
    let mut log = Log::new(signer, frontier);

    let mut entries = interrupted(&store, clock).await?;
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
    tasks.spawn(writer::run(log, Arc::clone(&store), queue, told));
    Ok((Recorder { jobs, store, verifier, condition }, lock))
}

/// What is on disk must be what was last signed: a server must never sign on top of anything else.
async fn check(store: &SqliteStore, frontier: &Frontier, key: &Verifier) -> Result<(), RecorderError> {
    let Some(newest) = store.newest_checkpoint().await? else {
        return if frontier.size() == 0 { Ok(()) } else { Err(RecorderError::Diverged) };
    };
    let checkpoint = Checkpoint::open(&newest.note, key).map_err(RecorderError::Checkpoint)?;
    let same = checkpoint.size == frontier.size() && checkpoint.root == frontier.root();
    if same { Ok(()) } else { Err(RecorderError::Diverged) }
}

/// Completions for the records that a crash cut off.
async fn interrupted(store: &SqliteStore, clock: &dyn Clock) -> Result<Vec<Entry>, RecorderError> {
    let open = store.open_records().await?;
    let records = open.into_iter().filter_map(|(id, _)| RecordId::from_bytes(id.try_into().ok()?));
    Ok(records
        .map(|record| {
            Entry::Completion(Completion {
                record,
                ended: clock.now(),
                outcome: Outcome::Interrupted,
                reason: "interrupted".to_owned(),
                provider: None,
                resolved_model: None,
                served_model: None,
                attempts: Vec::new(),
                usage: Usage::default(),
                cost_micro_usd: None,
                response: None,
                sources: Vec::new(),
                error: Some("Waymark stopped before the answer was whole".to_owned()),
            })
        })
        .collect())
}

/// The snapshot's entry, when the newest one on record is another (promise 8).
async fn changed(
    store: &SqliteStore,
    snapshot: &waymark_routing::Snapshot,
    clock: &dyn Clock,
) -> Result<Option<Entry>, RecorderError> {
    if let Some(row) = store.newest_snapshot().await?
        && let Entry::Snapshot(newest) = Entry::from_leaf(&row.body)?
        && newest.snapshot == snapshot.digest
    {
        return Ok(None);
    }
    let recorded = clock.now();
    Ok(Some(Entry::Snapshot(Snapshot {
        record: clock::record_id(recorded)?,
        recorded,
        snapshot: snapshot.digest.clone(),
        policy: serde_json::to_value(&snapshot.policy).unwrap_or_default(),
    })))
}
