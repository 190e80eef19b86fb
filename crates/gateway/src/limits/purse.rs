//! The purse: reserves what calls may come to, as many at once as have queued up.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;
use waymark_store::{Amount, Budget, LedgerStore, Reservation};
use waymark_types::RecordId;

/// Calls served by one transaction at most.
const BATCH: usize = 128;

/// What the purse is asked for.
enum Ask {
    /// To reserve, and to say whether it could be.
    Reserve(Reservation, oneshot::Sender<Result<bool, String>>),
    /// To take for used what is still reserved for a record.
    Assume(RecordId),
}

/// Where reservations are asked for. Its work ends when it is dropped.
pub(super) struct Purse(mpsc::UnboundedSender<Ask>);

impl Purse {
    pub(super) fn start(store: Arc<LedgerStore>, tasks: &TaskTracker) -> Self {
        let (asks, queue) = mpsc::unbounded_channel();
        tasks.spawn(work(store, queue));
        Self(asks)
    }

    /// Reserves, where there is room in every budget. Returns whether there was.
    pub(super) async fn reserve(
        &self,
        record: RecordId,
        budgets: Vec<Budget>,
        amount: Amount,
    ) -> Result<bool, String> {
        let closed = || "the ledger is closed".to_owned();
        let (reply, answer) = oneshot::channel();
        let ask = Ask::Reserve(Reservation { record, budgets, amount }, reply);
        self.0.send(ask).map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Takes for used what is still reserved for a record, soon.
    pub(super) fn assume(&self, record: RecordId) {
        // After the end the next gateway does it: this one's reservations are then abandoned.
        let _ = self.0.send(Ask::Assume(record));
    }
}

async fn work(store: Arc<LedgerStore>, mut queue: mpsc::UnboundedReceiver<Ask>) {
    let (mut asks, mut owed) = (Vec::with_capacity(BATCH), Vec::new());
    while queue.recv_many(&mut asks, BATCH).await > 0 {
        let (mut wanted, mut replies) = (Vec::new(), Vec::new());
        for ask in asks.drain(..) {
            match ask {
                Ask::Reserve(reservation, reply) => {
                    wanted.push(reservation);
                    replies.push(reply);
                }
                Ask::Assume(record) => owed.push(record),
            }
        }
        if !owed.is_empty() {
            match store.assume(&owed).await {
                Ok(()) => owed.clear(),
                // They are tried again with the next call, and by whoever opens the ledger next.
                Err(error) => tracing::warn!(%error, "could not count what calls may have come to"),
            }
        }
        if wanted.is_empty() {
            continue;
        }
        let reserved = store.reserve(&wanted).await.map_err(|error| error.to_string());
        for (reservation, reply) in wanted.into_iter().zip(replies) {
            let told = reserved.as_ref().map(|reserved| reserved.contains(&reservation.record));
            if let Err(Ok(true)) = reply.send(told.map_err(Clone::clone)) {
                owed.push(reservation.record);
            }
        }
        if let Err(error) = &reserved {
            tracing::error!(%error, "could not reserve");
        }
    }
}
