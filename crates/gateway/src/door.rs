//! How many requests are answered at a time: a few more wait a moment, and the others are told to come back.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a request waits for another to end.
const WAIT: Duration = Duration::from_secs(1);

/// The server's door.
pub(crate) struct Door(Option<Room>);

struct Room {
    free: Arc<Semaphore>,
    /// Places in the queue.
    queue: Semaphore,
}

/// There is no room, and the queue is full or did not move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

impl Door {
    /// For so many requests at a time; `None` is without a limit.
    pub(crate) fn new(most: Option<usize>) -> Self {
        Self(most.map(|most| Room {
            free: Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))),
            queue: Semaphore::new((most / 4).clamp(1, 256)),
        }))
    }

    /// Lets a request in, which holds its place until what is returned is dropped.
    pub(crate) async fn enter(&self) -> Result<Option<OwnedSemaphorePermit>, Full> {
        let Some(Room { free, queue }) = &self.0 else { return Ok(None) };
        if let Ok(permit) = Arc::clone(free).try_acquire_owned() {
            return Ok(Some(permit));
        }
        let _queued = queue.try_acquire().map_err(|_| Full)?;
        let entered = tokio::time::timeout(WAIT, Arc::clone(free).acquire_owned()).await;
        entered.ok().and_then(Result::ok).map(Some).ok_or(Full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn so_many_enter_one_waits_and_the_next_is_sent_away() {
        let door = Door::new(Some(1));
        let first = door.enter().await.unwrap();
        let (waiting, away) = tokio::join!(door.enter(), door.enter());
        assert_eq!((waiting.unwrap_err(), away.unwrap_err()), (Full, Full), "nobody left in time");
        let leaving = async {
            tokio::time::sleep(WAIT / 2).await;
            drop(first);
        };
        let (entered, ()) = tokio::join!(door.enter(), leaving);
        assert!(entered.unwrap().is_some());
        assert!(Door::new(None).enter().await.unwrap().is_none());
    }
}
