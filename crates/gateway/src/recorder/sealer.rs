//! The sealer: where entries wait to be put under the tree, it puts them there, or sees that another gateway does.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use waymark_ledger::Log;
use waymark_store::{LedgerStore, StoreError};

use super::Unrecorded;
use crate::keys::Head;

/// While another gateway seals: how soon to look whether ours are under the tree too.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// How often to look without having been told: a gateway may have died before it sealed its own.
const IDLE: Duration = Duration::from_secs(1);
/// How long the end waits for the last entries to be sealed, by whomever.
const LAST: Duration = Duration::from_secs(5);

/// The sealer's own things.
pub(super) struct Sealer {
    pub(super) log: Arc<Log>,
    pub(super) store: Arc<LedgerStore>,
    pub(super) head: Arc<Head>,
    pub(super) written: Arc<Notify>,
    pub(super) done: CancellationToken,
}

impl Sealer {
    /// Runs until the writer is done and what it wrote is under the tree; then closes the store.
    pub(super) async fn run(self) {
        while !self.done.is_cancelled() {
            tokio::select! {
                () = self.written.notified() => {}
                () = sleep(IDLE) => {}
                () = self.done.cancelled() => {}
            }
            self.seal().await;
        }
        if timeout(LAST, self.seal()).await.is_err() {
            tracing::warn!("the last entries wait for another gateway to put them under the tree");
        }
        if let Err(error) = self.store.close().await {
            tracing::error!("{}", Unrecorded::new(&error));
        }
    }

    /// Seals until nothing waits.
    async fn seal(&self) {
        loop {
            match self.store.seal(&self.log).await {
                Ok(None) => return,
                Ok(Some(checkpoint)) => return self.head.note(&checkpoint),
                Err(StoreError::Busy) => sleep(LOOK_AGAIN).await,
                Err(error) => {
                    tracing::error!("{}", Unrecorded::new(&error));
                    return sleep(IDLE).await;
                }
            }
        }
    }
}
