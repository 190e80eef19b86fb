//! The keeper: says that this gateway is alive, closes what dead ones left open, and lets old weeks go.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use waymark_ledger::{Dropped, Entry, Leaf, Log, Retention, Week};
use waymark_store::{Effect, LedgerStore, StoreError};
use waymark_types::Clock;

use super::{Unrecorded, open};
use crate::clock;
use crate::config::LedgerConfig;

/// How often this gateway says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// After this long without a word a gateway is taken to be gone.
pub(super) const LEASE: Duration = Duration::from_secs(60);
/// Heartbeats between looks at old weeks: an hour.
const RETENTION: u32 = 360;

/// The keeper's own things.
pub(super) struct Keeper {
    pub(super) log: Arc<Log>,
    pub(super) store: Arc<LedgerStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) config: LedgerConfig,
    /// Whether other gateways may write to the same ledger.
    pub(super) shared: bool,
}

impl Keeper {
    /// Runs until it is told to stop.
    pub(super) async fn run(self, stop: CancellationToken) {
        let mut ticks = interval(HEARTBEAT);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for tick in 0_u32.. {
            tokio::select! {
                _ = ticks.tick() => {}
                () = stop.cancelled() => return,
            }
            let kept = self.keep(tick.is_multiple_of(RETENTION)).await;
            if let Err(error) = kept {
                tracing::warn!("{}", Unrecorded::new(&error));
            }
        }
    }

    async fn keep(&self, look_at_weeks: bool) -> Result<(), StoreError> {
        if self.shared {
            self.store.heartbeat().await?;
            close_abandoned(&self.store, &self.log, Some(LEASE)).await?;
        }
        if look_at_weeks { self.drop_old_weeks().await } else { Ok(()) }
    }

    /// Drops what is older than it is to be kept. A week goes when the newest that may be in it is too old.
    async fn drop_old_weeks(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let is_old = |week: &Week, keep: Option<Duration>| {
            let age = u128::try_from(now.micros_since(week.end())).unwrap_or_default();
            keep.is_some_and(|keep| age > keep.as_micros())
        };
        for (week, tables) in self.store.weeks().await? {
            let dropped = if is_old(&week, self.config.keep_records_for) {
                Dropped::Records
            } else if is_old(&week, self.config.keep_payloads_for) && tables.there.contains("salts") {
                Dropped::Payloads
            } else {
                continue;
            };
            let record = clock::record_id(now).map_err(|_| StoreError::NoRandomness)?;
            let entry = Entry::Retention(Retention { record, recorded: now, week: week.0, dropped });
            let salt = clock::random().map_err(|_| StoreError::NoRandomness)?;
            self.store.append(&[Leaf::new(entry, salt)?], &[Effect::Drop(week, dropped)], &self.log).await?;
            tracing::info!(week = %week.start(), ?dropped, "what was older than it is kept is dropped");
        }
        Ok(())
    }
}

/// Completes the records whose gateway is gone.
pub(super) async fn close_abandoned(
    store: &LedgerStore,
    log: &Log,
    lease: Option<Duration>,
) -> Result<(), StoreError> {
    for records in store.abandoned(lease).await?.chunks(256) {
        let leaves =
            records.iter().map(|record| open::interrupted(*record)).collect::<Result<Vec<_>, _>>()?;
        match store.append(&leaves, &[], log).await {
            // Another gateway was at it, or the one that was taken to be gone.
            Ok(_) | Err(StoreError::Refused(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
