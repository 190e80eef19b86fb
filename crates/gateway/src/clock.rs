//! The real clock and the randomness of record ids: the one place that asks the system for either.

use std::time::{SystemTime, UNIX_EPOCH};

use waymark_types::{Clock, RecordId, Timestamp};

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
    fn now(&self) -> Timestamp {
        let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX),
        };
        Timestamp::from_micros(micros)
    }
}

/// The system has no randomness to give.
pub(crate) type RandomError = getrandom::Error;

/// A fresh record id.
pub(crate) fn record_id(time: Timestamp) -> Result<RecordId, RandomError> {
    Ok(RecordId::new(time, random()?))
}

/// Fresh random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], RandomError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
