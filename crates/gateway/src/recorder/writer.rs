//! The writer: takes whatever has queued up, makes it durable as one batch, and tells everyone in it.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use waymark_ledger::{Leaf, Log};
use waymark_store::{Effect, LedgerStore, StoreError};
use waymark_types::RecordId;

use super::subjects::Subjects;
use super::{Condition, Job, Unrecorded, open};
use crate::keys::Head;

/// Callers served by one batch at most, so that one commit stays short.
const BATCH: usize = 256;

/// The writer's own things.
pub(super) struct Writer {
    pub(super) log: Arc<Log>,
    pub(super) store: Arc<LedgerStore>,
    pub(super) subjects: Arc<Subjects>,
    pub(super) condition: watch::Sender<Condition>,
    pub(super) head: Arc<Head>,
    /// Tells the sealer that there is something to put under the tree.
    pub(super) written: Arc<Notify>,
    /// Tells the sealer that nothing more will come.
    pub(super) done: CancellationToken,
    /// Records of batches that failed. Whether anything of them is durable was not known then; a record that turns out
    /// to be open has nobody left to complete it.
    pub(super) doubtful: Vec<RecordId>,
}

impl Writer {
    /// Runs until every sender is gone and the queue is empty; then lets the sealer end.
    pub(super) async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut waiting = Vec::with_capacity(BATCH);
        while jobs.recv_many(&mut waiting, BATCH).await > 0 {
            self.serve(std::mem::take(&mut waiting)).await;
        }
        self.done.cancel();
    }

    /// Writes what has queued up. When that cannot be done together, each caller's entries are tried by themselves: one
    /// that cannot be written must not keep out the others.
    async fn serve(&mut self, jobs: Vec<Job>) {
        let together = jobs.iter().flat_map(|job| job.leaves.iter().cloned()).collect::<Vec<Leaf>>();
        let effects = jobs.iter().flat_map(|job| job.effects.iter().cloned()).collect::<Vec<Effect>>();
        let error = match self.write(&together, &effects).await {
            Ok(()) => return self.tell(jobs, &Ok(())),
            Err(error) => error,
        };
        if jobs.len() == 1 || matches!(error, StoreError::Database { .. } | StoreError::ReadOnly) {
            return self.fail(jobs, &error);
        }
        for job in jobs {
            match self.write(&job.leaves, &job.effects).await {
                Ok(()) => self.tell(vec![job], &Ok(())),
                Err(error) => self.fail(vec![job], &error),
            }
        }
    }

    async fn write(&mut self, leaves: &[Leaf], effects: &[Effect]) -> Result<(), StoreError> {
        let checkpoint = self.store.append(leaves, effects, &self.log).await?;
        // Nobody waits for the copy beside the database: it may lag behind, never run ahead.
        if let Some(checkpoint) = checkpoint {
            self.head.note(&checkpoint);
        }
        self.written.notify_one();
        if !self.doubtful.is_empty() {
            self.settle().await?;
        }
        Ok(())
    }

    /// Closes what failed batches left open after all.
    async fn settle(&mut self) -> Result<(), StoreError> {
        let open = self.store.still_open(&self.doubtful).await?;
        let leaves = open.into_iter().map(open::interrupted).collect::<Result<Vec<Leaf>, _>>()?;
        if !leaves.is_empty() {
            self.store.append(&leaves, &[], &self.log).await?;
        }
        self.doubtful.clear();
        Ok(())
    }

    fn fail(&mut self, jobs: Vec<Job>, error: &StoreError) {
        if matches!(error, StoreError::Forgotten(_)) {
            self.subjects.forget();
        }
        let halves = jobs.iter().flat_map(|job| &job.leaves).filter(|leaf| leaf.week().is_some());
        self.doubtful.extend(halves.map(|leaf| leaf.statement.record));
        let error = Unrecorded::new(error);
        tracing::error!("{error}");
        self.tell(jobs, &Err(error));
    }

    fn tell(&self, jobs: Vec<Job>, outcome: &Condition) {
        self.condition.send_if_modified(|last| std::mem::replace(last, outcome.clone()) != *outcome);
        for job in jobs {
            // A caller that no longer waits has lost its client; its entries stand all the same.
            let _ = job.done.send(outcome.clone());
        }
    }
}
