//! How long a deployment takes to begin to answer: an average that follows a slower call at once, and a quicker one
//! slowly (peak EWMA, as in Twitter's Finagle).

use std::time::Duration;

use waymark_types::Timestamp;

/// In how many seconds what was known counts for a third.
const DECAY: f64 = 10.0;
/// What is assumed of one that never answered: nothing against it, or those known to be quick would be asked for ever. One
/// that is dead is its breaker's to keep away.
const UNKNOWN: f64 = 0.0;

/// A peak-sensitive moving average.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PeakEwma {
    /// In seconds; `None` until the first call.
    known: Option<f64>,
    /// When the last call was noted.
    noted: Option<Timestamp>,
}

impl PeakEwma {
    /// Notes a call.
    pub(super) fn note(&mut self, took: Duration, now: Timestamp) {
        let took = took.as_secs_f64();
        self.known = Some(match self.known {
            Some(known) if took < known => {
                let weight = self.decay(now);
                known * weight + took * (1.0 - weight)
            }
            _ => took,
        });
        self.noted = Some(now);
    }

    /// The average in seconds, as it counts now: one that is not asked for long is given another chance.
    pub(super) fn at(&self, now: Timestamp) -> f64 {
        self.known.map_or(UNKNOWN, |known| known * self.decay(now))
    }

    /// The average as it was last noted.
    pub(super) fn known(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.known?).ok()
    }

    fn decay(&self, now: Timestamp) -> f64 {
        let since = self.noted.map_or(0.0, |noted| now.micros_since(noted) as f64 / 1e6);
        (-since / DECAY).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_up_at_once_and_down_slowly() {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let mut latency = PeakEwma::default();
        assert_eq!((latency.at(at(0)), latency.known()), (UNKNOWN, None));
        latency.note(Duration::from_millis(100), at(0));
        latency.note(Duration::from_secs(2), at(1));
        assert!((latency.at(at(1)) - 2.0).abs() < 1e-9);
        latency.note(Duration::from_millis(100), at(2));
        assert!((1.7..2.0).contains(&latency.at(at(2))), "{}", latency.at(at(2)));
        assert!(latency.at(at(22)) < 0.5, "{}", latency.at(at(62)));
    }
}
