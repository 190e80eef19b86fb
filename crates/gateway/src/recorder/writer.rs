//! The writer: takes whatever has queued up, commits it as one batch, and tells everyone in it.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use waymark_ledger::Log;
use waymark_store::{LedgerStore, Payload};

use super::{Condition, Job, RecorderError};

/// Entries in one batch at most, so that one commit stays short.
const BATCH: usize = 512;

/// Runs until every sender is gone and the queue is empty.
pub(super) async fn run(
    mut log: Log,
    store: Arc<dyn LedgerStore>,
    mut jobs: mpsc::Receiver<Job>,
    condition: watch::Sender<Condition>,
) {
    let mut waiting = Vec::with_capacity(BATCH);
    while jobs.recv_many(&mut waiting, BATCH).await > 0 {
        let (mut leaves, mut payloads, mut callers) = (Vec::new(), Vec::new(), Vec::new());
        for job in waiting.drain(..) {
            leaves.push(job.leaf);
            payloads.extend(job.payload);
            callers.push(job.done);
        }
        let outcome = write(&mut log, store.as_ref(), leaves, &payloads).await;
        if let Err(reason) = &outcome {
            tracing::error!(%reason, "the ledger cannot write");
        }
        condition.send_if_modified(|last| std::mem::replace(last, outcome.clone()) != outcome);
        for caller in callers {
            // A caller that no longer waits has lost its client; its entry stands all the same.
            let _ = caller.send(outcome.clone().map_err(RecorderError::Write));
        }
    }
}

async fn write(
    log: &mut Log,
    store: &dyn LedgerStore,
    leaves: Vec<waymark_ledger::Leaf>,
    payloads: &[Payload],
) -> Condition {
    let batch = log.stage(leaves);
    match store.commit(&batch, payloads).await {
        Ok(()) => {
            log.advance(batch.frontier);
            Ok(())
        }
        Err(error) => {
            // Whether a failed commit took effect is not known: what is on disk decides.
            if let Ok(frontier) = store.frontier().await {
                log.advance(frontier);
            }
            Err(chain(&error).into())
        }
    }
}

/// An error and its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
