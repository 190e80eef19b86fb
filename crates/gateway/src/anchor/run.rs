//! When anchors are made: at the start, every so often, at the end, and now.

use std::sync::Mutex;

use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use waymark_ledger::note::Verifier;
use waymark_store::LedgerStore;
use waymark_types::{Clock, Timestamp};

use super::{AnchorConfig, AnchorError, Place, Signed};
use crate::upstream::Upstreams;

/// The longest pause of a place that keeps failing, in turns.
const LONGEST_PAUSE: u32 = 16;

/// How one place does.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
struct Condition {
    /// The size of the checkpoint it holds.
    size: Option<u64>,
    /// When that was anchored.
    made: Option<Timestamp>,
    /// Why the last try failed; nothing once one has succeeded.
    error: Option<String>,
    /// When it failed.
    failed: Option<Timestamp>,
    /// Tries that failed since the last that succeeded.
    failures: u32,
    /// Turns to let pass before the next try.
    #[serde(skip)]
    pause: u32,
}

struct Anchor {
    place: Place,
    condition: Mutex<Condition>,
}

/// One place, as the admin API tells it.
#[derive(Serialize)]
struct Told {
    kind: &'static str,
    place: String,
    #[serde(flatten)]
    condition: Condition,
}

/// The anchors of a running server.
pub(crate) struct Anchors {
    anchors: Vec<Anchor>,
    every: std::time::Duration,
}

impl Anchors {
    pub(crate) fn new(config: &AnchorConfig) -> Self {
        let anchor = |place| Anchor { place, condition: Mutex::default() };
        Self { anchors: Place::of(config).into_iter().map(anchor).collect(), every: config.every }
    }

    /// Anchors until told to stop, and once more then.
    pub(crate) async fn run(
        &self,
        store: &LedgerStore,
        key: &Verifier,
        clock: &dyn Clock,
        upstreams: &Upstreams,
        stop: CancellationToken,
    ) {
        if self.anchors.is_empty() {
            return;
        }
        let mut ticks = interval(self.every.max(std::time::Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let stopping = tokio::select! {
                _ = ticks.tick() => false,
                () = stop.cancelled() => true,
            };
            for anchor in &self.anchors {
                anchor.turn(store, key, clock, upstreams, stopping).await;
            }
            if stopping {
                return;
            }
        }
    }

    /// How each place does.
    pub(crate) fn status(&self) -> Vec<impl Serialize> {
        let told = |anchor: &Anchor| Told {
            kind: anchor.place.kind(),
            place: anchor.place.name(),
            condition: anchor.condition(|condition| condition.clone()),
        };
        self.anchors.iter().map(told).collect()
    }
}

impl Anchor {
    fn condition<T>(&self, look: impl FnOnce(&mut Condition) -> T) -> T {
        // Nothing panics while it is held.
        look(&mut self.condition.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Anchors when the ledger has grown. A place that failed is left alone for a while, twice as long each time.
    async fn turn(
        &self,
        store: &LedgerStore,
        key: &Verifier,
        clock: &dyn Clock,
        upstreams: &Upstreams,
        now_or_never: bool,
    ) {
        let (held, resting) = self.condition(|condition| {
            let resting = condition.pause > 0 && !now_or_never;
            condition.pause = condition.pause.saturating_sub(1);
            (condition.size, resting)
        });
        if resting {
            return;
        }
        let outcome = newest(&self.place, store, key, clock, upstreams, held).await;
        let now = clock.now();
        self.condition(|condition| match &outcome {
            Ok(None) => {}
            Ok(Some(size)) => {
                *condition = Condition { size: Some(*size), made: Some(now), ..Condition::default() }
            }
            Err(error) => {
                condition.error = Some(error.told());
                condition.failed = Some(now);
                condition.failures = condition.failures.saturating_add(1);
                condition.pause = (1_u32 << (condition.failures - 1).min(16)).min(LONGEST_PAUSE + 1) - 1;
            }
        });
        if let Err(error) = outcome {
            tracing::warn!("no anchor in {}: {}", self.place.name(), error.told());
        }
    }
}

/// Anchors the newest checkpoint at `place`, unless it has the size that is `held` there. Returns the size that is now.
async fn newest(
    place: &Place,
    store: &LedgerStore,
    key: &Verifier,
    clock: &dyn Clock,
    upstreams: &Upstreams,
    held: Option<u64>,
) -> Result<Option<u64>, AnchorError> {
    let mut looked = None;
    loop {
        let Some(stored) = store.newest_checkpoint().await? else { return Ok(None) };
        if held == Some(stored.size) {
            return Ok(None);
        }
        let signed = Signed::new(stored.note, key, clock.now())?;
        let size = signed.checkpoint.size;
        match place.anchor(signed, upstreams).await {
            Ok(()) => return Ok(Some(size)),
            // Another gateway of the same ledger may have anchored what it has written since this one looked.
            Err(AnchorError::RolledBack { .. }) if looked.is_none_or(|before| before < size) => {
                looked = Some(size);
            }
            Err(error) => return Err(error),
        }
    }
}

/// What became of one place.
#[derive(Debug)]
pub struct Anchored {
    /// `git`, `file` or `url`.
    pub kind: &'static str,
    /// Where, for people.
    pub place: String,
    /// The size of the checkpoint that is there now, `None` for a ledger without one; or why it is not.
    pub outcome: Result<Option<u64>, AnchorError>,
}

/// Anchors a ledger's newest checkpoint in every place of the configuration, once.
pub async fn anchor_now(
    config: &AnchorConfig,
    store: &LedgerStore,
    key: &Verifier,
    clock: &dyn Clock,
) -> Result<Vec<Anchored>, reqwest::Error> {
    let upstreams = Upstreams::new(&std::collections::BTreeMap::new())?;
    let mut all = Vec::new();
    for place in Place::of(config) {
        let outcome = newest(&place, store, key, clock, &upstreams, None).await;
        all.push(Anchored { kind: place.kind(), place: place.name(), outcome });
    }
    Ok(all)
}
