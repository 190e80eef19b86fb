//! Rates: a bucket of requests and one of tokens for each account, which fill as fast as they may be used.
//!
//! A bucket holds a minute's worth. Alone, a gateway has it to itself. Several gateways on one ledger share it: each takes
//! a sixteenth at a time out of the store's and hands it out, so that no call of a busy minute but the sixteenth waits for
//! the database.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use waymark_store::LedgerStore;
use waymark_types::{Limits, Timestamp};

use super::admit::Account;

const MINUTE: i128 = 60_000_000;
/// What a gateway takes out of a shared bucket at a time: a minute's worth by this.
const SLICES: u64 = 16;
/// How long a gateway that found a shared bucket empty leaves it alone.
const PAUSE: i64 = 1_000_000;

/// A call came too fast.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Slow {
    pub(super) most: u64,
    /// Requests or tokens.
    pub(super) of: &'static str,
    /// After how many seconds it would not be.
    pub(super) seconds: u64,
}

/// All buckets.
pub(super) struct Rates {
    buckets: Mutex<HashMap<String, Bucket>>,
    /// Where they are shared, the store they are shared in.
    shared: Option<Arc<LedgerStore>>,
}

impl Rates {
    pub(super) fn new(shared: Option<Arc<LedgerStore>>) -> Self {
        Self { buckets: Mutex::default(), shared }
    }

    /// Takes a request of `tokens` out of an account's buckets.
    pub(super) async fn take(&self, account: &Account, tokens: u64, now: Timestamp) -> Result<(), Slow> {
        let limits = account.limits;
        if let Some(most) = limits.requests_per_minute {
            self.take_from("requests", &account.name, most, 1, now).await?;
        }
        if let Some(most) = limits.tokens_per_minute {
            self.take_from("tokens", &account.name, most, tokens, now).await?;
        }
        Ok(())
    }

    /// A call that was taken for `taken` tokens came to `used`.
    pub(super) fn settle(&self, account: &str, limits: &Limits, taken: u64, used: u64) {
        if let Some(most) = limits.tokens_per_minute {
            let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(bucket) = buckets.get_mut(&name("tokens", account)) {
                bucket.correct(most, i128::from(used) - i128::from(taken));
            }
        }
    }

    async fn take_from(
        &self,
        of: &'static str,
        account: &str,
        most: u64,
        amount: u64,
        now: Timestamp,
    ) -> Result<(), Slow> {
        let name = name(of, account);
        let slow = |seconds| Slow { most, of, seconds };
        let Some(store) = &self.shared else {
            let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
            let bucket = buckets.entry(name).or_insert_with(|| Bucket::full(most, now));
            return bucket.take(most, amount, now).map_err(slow);
        };
        // More than a minute's worth at once takes a whole minute's.
        let amount = amount.min(most);
        let lacking = {
            let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
            buckets.entry(name.clone()).or_insert_with(|| Bucket::empty(now)).take_slice(amount, now)
        };
        let seconds = (amount * 60).div_ceil(most.max(1)).max(1);
        let lacking = match lacking {
            Slice::Taken => return Ok(()),
            Slice::Paused => return Err(slow(seconds)),
            Slice::Lacking(lacking) => lacking,
        };
        let slice = lacking.max(most / SLICES).min(most);
        let mut got = store.take(&name, most, slice).await.map(|taken| taken.then_some(slice));
        if matches!(got, Ok(None)) && lacking < slice {
            got = store.take(&name, most, lacking).await.map(|taken| taken.then_some(lacking));
        }
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(name).or_insert_with(|| Bucket::empty(now));
        match got {
            Ok(Some(got)) => {
                bucket.level += i128::from(got) * MINUTE - i128::from(amount) * MINUTE;
                Ok(())
            }
            Ok(None) => {
                bucket.closed_until = now.as_micros().saturating_add(PAUSE);
                Err(slow(seconds))
            }
            // A rate is no reason to keep everybody out while the database is away; the ledger is, and says so.
            Err(error) => {
                tracing::warn!(%error, "a shared rate cannot be read");
                Ok(())
            }
        }
    }
}

fn name(of: &str, account: &str) -> String {
    format!("{of}:{account}")
}

/// What is in a bucket, in parts of which a minute's microseconds make one.
struct Bucket {
    level: i128,
    filled: Timestamp,
    closed_until: i64,
}

/// Whether a slice had enough in it.
enum Slice {
    Taken,
    /// So much is lacking.
    Lacking(u64),
    /// The shared bucket was empty a moment ago.
    Paused,
}

impl Bucket {
    fn full(most: u64, now: Timestamp) -> Self {
        Self { level: i128::from(most) * MINUTE, ..Self::empty(now) }
    }

    fn empty(now: Timestamp) -> Self {
        Self { level: 0, filled: now, closed_until: i64::MIN }
    }

    /// Takes `amount`, or says after how many seconds that much will be there. What is more than a minute's worth is let
    /// through by a full bucket, and paid off.
    fn take(&mut self, most: u64, amount: u64, now: Timestamp) -> Result<(), u64> {
        let full = i128::from(most) * MINUTE;
        let filled = i128::from(now.micros_since(self.filled)).saturating_mul(i128::from(most));
        self.level = self.level.saturating_add(filled).min(full);
        self.filled = now;
        let needed = (i128::from(amount) * MINUTE).min(full);
        if self.level < needed {
            let lacking = needed - self.level;
            let micros = lacking / i128::from(most.max(1));
            return Err(u64::try_from(micros / 1_000_000).unwrap_or(u64::MAX).saturating_add(1));
        }
        self.level -= i128::from(amount) * MINUTE;
        Ok(())
    }

    fn take_slice(&mut self, amount: u64, now: Timestamp) -> Slice {
        let lacking = i128::from(amount) * MINUTE - self.level;
        if lacking <= 0 {
            self.level -= i128::from(amount) * MINUTE;
            return Slice::Taken;
        }
        if now.as_micros() < self.closed_until {
            return Slice::Paused;
        }
        // What is left of the slice is part of what is handed out with the next one.
        let lacking = u64::try_from(lacking / MINUTE + i128::from(lacking % MINUTE > 0)).unwrap_or(u64::MAX);
        Slice::Lacking(lacking)
    }

    /// Takes `more` besides, or gives it back where it is negative; a bucket never holds more than it may.
    fn correct(&mut self, most: u64, more: i128) {
        self.level = self.level.saturating_sub(more.saturating_mul(MINUTE)).min(i128::from(most) * MINUTE);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: f64) -> Timestamp {
        Timestamp::from_micros((seconds * 1e6) as i64)
    }

    #[test]
    fn a_bucket_gives_a_minutes_worth_at_once_and_then_as_it_fills() {
        let mut bucket = Bucket::full(60, at(0.0));
        for _ in 0..60 {
            assert_eq!(bucket.take(60, 1, at(0.0)), Ok(()));
        }
        assert_eq!(bucket.take(60, 1, at(0.0)), Err(2), "a second, rounded up");
        assert_eq!(bucket.take(60, 1, at(0.5)), Err(1));
        assert_eq!(bucket.take(60, 1, at(1.0)), Ok(()));
        assert_eq!(bucket.take(60, 1, at(1.0)), Err(2));
        assert_eq!(bucket.take(60, 1, at(0.2)), Err(2), "a clock that went back fills nothing");
        assert_eq!(bucket.take(60, 60, at(100.0)), Ok(()));
    }

    #[test]
    fn what_is_more_than_a_minutes_worth_is_let_through_once_and_paid_off() {
        let mut bucket = Bucket::full(60, at(0.0));
        assert_eq!(bucket.take(60, 120, at(0.0)), Ok(()));
        assert_eq!(bucket.take(60, 1, at(60.0)), Err(2));
        assert_eq!(bucket.take(60, 1, at(61.0)), Ok(()));
        bucket.correct(60, -1_000);
        assert_eq!(bucket.take(60, 60, at(61.0)), Ok(()));
        assert_eq!(bucket.take(60, 1, at(61.0)), Err(2), "no more than it holds is given back");
    }

    proptest! {
        #[test]
        fn no_minute_gives_more_than_two_minutes_worth(gaps in proptest::collection::vec(0_i64..5_000_000, 1..200)) {
            let mut bucket = Bucket::full(30, at(0.0));
            let (mut now, mut given) = (0, Vec::new());
            for gap in gaps {
                now += gap;
                if bucket.take(30, 1, Timestamp::from_micros(now)).is_ok() {
                    given.push(now);
                }
            }
            for (index, end) in given.iter().enumerate() {
                let minute = given[..=index].iter().filter(|at| **at > end - 60_000_000).count();
                prop_assert!(minute <= 60, "{minute} in a minute");
            }
        }
    }
}
