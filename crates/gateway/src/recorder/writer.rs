//! The writer: takes whatever has queued up, commits it as one batch, and tells everyone in it.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use waymark_ledger::{Leaf, Log};
use waymark_store::{LedgerStore, Payload};

use super::{Condition, Job, Unrecorded, open};
use crate::keys::Head;

/// Callers served by one batch at most, so that one commit stays short.
const BATCH: usize = 256;

/// The writer's own things.
pub(super) struct Writer {
    pub(super) log: Log,
    pub(super) store: Arc<dyn LedgerStore>,
    pub(super) condition: watch::Sender<Condition>,
    pub(super) head: Head,
}

impl Writer {
    /// Runs until every sender is gone and the queue is empty; then closes the store.
    pub(super) async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut waiting = Vec::with_capacity(BATCH);
        while jobs.recv_many(&mut waiting, BATCH).await > 0 {
            let (mut leaves, mut payloads, mut callers) = (Vec::new(), Vec::new(), Vec::new());
            for job in waiting.drain(..) {
                leaves.extend(job.leaves);
                payloads.extend(job.payloads);
                callers.push(job.done);
            }
            let written = self.write(leaves, &payloads).await;
            if let Err(error) = &written {
                tracing::error!("{error}");
            }
            let outcome = written.as_ref().map(|_| ()).map_err(Clone::clone);
            self.condition.send_if_modified(|last| std::mem::replace(last, outcome.clone()) != outcome);
            for caller in callers {
                // A caller that no longer waits has lost its client; its entries stand all the same.
                let _ = caller.send(outcome.clone());
            }
            // Nobody waits for the copy beside the database: it may lag behind, never run ahead.
            if let Ok(checkpoint) = written {
                self.note(&checkpoint);
            }
        }
        if let Err(error) = self.store.close().await {
            tracing::error!("{}", Unrecorded::new(&error));
        }
    }

    /// Writes a batch and returns the checkpoint that is now the newest.
    async fn write(&mut self, leaves: Vec<Leaf>, payloads: &[Payload]) -> Result<String, Unrecorded> {
        let batch = self.log.stage(leaves);
        match self.store.commit(&batch, payloads).await {
            Ok(()) => {
                self.log.advance(batch.frontier);
                Ok(batch.checkpoint)
            }
            Err(error) => {
                // Whether a failed commit took effect is not known. What is on disk decides, as long as it is
                // what was last signed; anything else lets every later commit fail.
                let verifier = self.log.signer().verifier();
                if let Ok(frontier) = open::taken_up(self.store.as_ref(), &verifier).await {
                    self.log.advance(frontier);
                }
                Err(Unrecorded::new(&error))
            }
        }
    }

    /// Keeps the newest checkpoint beside the database: a floor under what a damaged database may claim to be.
    fn note(&mut self, checkpoint: &str) {
        if let Err(error) = self.head.write(checkpoint) {
            tracing::warn!("{error}");
        }
    }
}
