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
            assume_abandoned(&self.store, Some(LEASE)).await?;
        }
        if look_at_weeks { self.drop_old_weeks().await } else { Ok(()) }
    }

    /// Drops what is older than it is to be kept. A week goes when the newest that may be in it is too old.
    async fn drop_old_weeks(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let is_old = |week: &Week, keep: Option<Duration>| {
            let age = Duration::from_micros(now.micros_since(week.end()));
            keep.is_some_and(|keep| age > keep)
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

/// Takes for used what gateways that are gone had reserved.
pub(super) async fn assume_abandoned(store: &LedgerStore, lease: Option<Duration>) -> Result<(), StoreError> {
    store.assume(&store.abandoned_reservations(lease).await?).await
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

#[cfg(test)]
mod tests {
    use waymark_ledger::note::Signer;
    use waymark_store::{Address, Verdict, verify};
    use waymark_types::{RecordId, Timestamp};

    use super::*;

    const DAY: i64 = 24 * 60 * 60 * 1_000_000;
    const BEGINNING: i64 = 1_795_000_000_000_000;

    /// A clock that stands where it was put.
    struct Still(Timestamp);

    impl Clock for Still {
        fn now(&self) -> Timestamp {
            self.0
        }
    }

    fn after(days: i64) -> Timestamp {
        Timestamp::from_micros(BEGINNING + days * DAY)
    }

    /// A record that was begun and cut off: the shortest whole one there is.
    async fn record(store: &LedgerStore, log: &Log, day: i64) {
        let subject = store.subject("ann", [1; 32]).await.unwrap();
        let id = RecordId::new(after(day), [day as u8; 10]);
        let intent = serde_json::json!({
            "kind": "intent", "record": id, "started": after(day), "dialect": "openai-chat", "task": "chat",
            "stream": false, "client": null, "session": null, "principal": subject.id(), "requested_model": "auto",
            "decision": {"route": null, "policy": "p", "reason": "r", "reasons": [], "snapshot": "00"}, "plan": [],
            "request": {"bytes": 0, "hmac_sha256": "00"},
            "salt_sha256": waymark_ledger::commitment::salt_digest(&[2; 32]),
        });
        let intent = Leaf::new(serde_json::from_value(intent).unwrap(), [3; 32]).unwrap();
        let effects = [Effect::Salt { record: id, salt: [2; 32] }];
        store.append(&[intent, open::interrupted(id).unwrap()], &effects, log).await.unwrap();
    }

    async fn weeks(store: &LedgerStore, table: &str) -> usize {
        store.weeks().await.unwrap().values().filter(|tables| tables.there.contains(table)).count()
    }

    #[tokio::test]
    async fn weeks_go_when_the_newest_of_them_is_too_old_and_the_ledger_stays_whole() {
        let folder = tempfile::tempdir().unwrap();
        let address = Address::Sqlite(folder.path().join("ledger.db"));
        let store = Arc::new(LedgerStore::open(&address, "here").await.unwrap());
        let log = Arc::new(Log::new(Signer::new("log", &[4; 32]).unwrap()));
        for week in 0..5 {
            record(&store, &log, week * 7).await;
        }
        let days = |days: u64| Some(Duration::from_secs(days * 24 * 60 * 60));
        let keep = async |now: i64| {
            let config = LedgerConfig {
                keep_payloads_for: days(10),
                keep_records_for: days(20),
                ..LedgerConfig::default()
            };
            let clock = Arc::new(Still(after(now)));
            let keeper =
                Keeper { log: Arc::clone(&log), store: Arc::clone(&store), clock, config, shared: false };
            keeper.keep(true).await.unwrap();
            let reader = LedgerStore::open_to_read(&address).await.unwrap();
            let verdict = verify(&reader, &log_key(), &[], &mut |_| ()).await.unwrap();
            let Verdict::Clean(verified) = verdict else { panic!("day {now}: {verdict:?}") };
            (weeks(&store, "bodies").await, weeks(&store, "salts").await, verified.dropped)
        };
        // The first week ends half a day after the beginning.
        assert_eq!(keep(10).await, (5, 5, 0), "nothing is old yet");
        assert_eq!(keep(15).await, (5, 4, 0), "the first week's payloads");
        assert_eq!(keep(15).await, (5, 4, 0), "what is gone is not dropped twice");
        assert_eq!(keep(25).await, (4, 2, 2), "the first week's records, two more weeks' payloads");
        assert_eq!(keep(45).await, (1, 0, 8), "all but the last week's records");
        // A clock that was set back drops nothing.
        assert_eq!(keep(-400).await, (1, 0, 8));
    }

    fn log_key() -> waymark_ledger::note::Verifier {
        Signer::new("log", &[4; 32]).unwrap().verifier()
    }
}
