//! The ledger's own witnesses: who is asked to cosign its checkpoints, and how each does.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use waymark_store::{LedgerStore, StoreError};
use waymark_types::{Clock, Timestamp};

use super::{AskError, Asker, Witness};

/// How one witness does.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
struct Condition {
    /// The size of the newest checkpoint it cosigned.
    size: u64,
    /// When that was.
    time: Option<Timestamp>,
    /// Why the last try failed.
    error: Option<String>,
}

/// One witness, as the admin API tells it.
#[derive(Serialize)]
struct Told {
    name: String,
    url: String,
    #[serde(flatten)]
    condition: Condition,
}

struct Asked {
    witness: Witness,
    condition: Mutex<Condition>,
}

/// The witnesses of a running server.
pub(crate) struct Witnesses {
    asked: Vec<Asked>,
    asker: Asker,
    every: Duration,
}

impl Witnesses {
    pub(crate) fn new(witnesses: &[Witness], every: Duration) -> Result<Self, reqwest::Error> {
        let asked = |witness: &Witness| Asked { witness: witness.clone(), condition: Mutex::default() };
        Ok(Self { asked: witnesses.iter().map(asked).collect(), asker: Asker::new()?, every })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }

    /// Asks every witness again and again, until told to stop, and once more then.
    pub(crate) async fn run(&self, store: &LedgerStore, clock: &dyn Clock, stop: CancellationToken) {
        if self.is_empty() {
            return;
        }
        let mut ticks = interval(self.every.max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let stopping = tokio::select! {
                _ = ticks.tick() => false,
                () = stop.cancelled() => true,
            };
            for asked in &self.asked {
                self.turn(asked, store, clock).await;
            }
            if stopping {
                return;
            }
        }
    }

    /// How each does.
    pub(crate) fn status(&self) -> Vec<impl Serialize> {
        let told = |asked: &Asked| Told {
            name: asked.witness.key.name().to_owned(),
            url: asked.witness.url.clone(),
            condition: asked.condition(|condition| condition.clone()),
        };
        self.asked.iter().map(told).collect()
    }

    async fn turn(&self, asked: &Asked, store: &LedgerStore, clock: &dyn Clock) {
        match self.ask(&asked.witness, store).await {
            Ok(Some(size)) => asked.condition(|condition| {
                *condition = Condition { size, time: Some(clock.now()), error: None };
            }),
            Ok(None) => asked.condition(|condition| condition.error = None),
            Err(error) => {
                let told = error.told();
                let is_new = asked.condition(|condition| {
                    let is_new = condition.error.as_ref() != Some(&told);
                    condition.error = Some(told.clone());
                    is_new
                });
                match error {
                    Unsigned::Ask(AskError::Ahead { .. } | AskError::Inconsistent { .. }) => {
                        tracing::error!("{told}: see what `waymark verify` says");
                    }
                    _ if is_new => tracing::warn!("{told}"),
                    _ => {}
                }
            }
        }
    }

    /// Has the newest checkpoint cosigned where it is a new one; says its size.
    async fn ask(&self, witness: &Witness, store: &LedgerStore) -> Result<Option<u64>, Unsigned> {
        let Some(newest) = store.newest_checkpoint().await? else { return Ok(None) };
        let known = store.cosigned_by(&witness.key).await?;
        if newest.size <= known {
            return Ok(None);
        }
        let consistency = async |old, new| {
            let proof = store.consistency(old, new).await?;
            proof.ok_or_else(|| StoreError::Damaged(format!("a node of the tree of {new} leaves is missing")))
        };
        let cosignature = self.asker.ask(witness, &newest.note, known, consistency).await?;
        // Newer checkpoints may have taken its place while the witness was asked.
        store.keep_checkpoint(&newest).await?;
        store.cosign(newest.size, &witness.key, &cosignature.line).await?;
        Ok(Some(newest.size))
    }
}

impl Asked {
    fn condition<T>(&self, look: impl FnOnce(&mut Condition) -> T) -> T {
        look(&mut self.condition.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A checkpoint was not cosigned.
enum Unsigned {
    Ask(AskError),
    Store(StoreError),
}

impl Unsigned {
    /// The whole story, on one line.
    fn told(&self) -> String {
        let error: &dyn std::error::Error = match self {
            Self::Ask(error) => error,
            Self::Store(error) => error,
        };
        let causes = std::iter::successors(error.source(), |cause| cause.source());
        causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
    }
}

impl From<AskError> for Unsigned {
    fn from(error: AskError) -> Self {
        Self::Ask(error)
    }
}

impl From<StoreError> for Unsigned {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
