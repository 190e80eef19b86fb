//! A count that can be waited for.

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// Counts events; a test picks its moment by the count instead of by the clock. Clones share the count.
#[derive(Debug, Clone, Default)]
pub struct Tally(Arc<(Mutex<usize>, Condvar)>);

impl Tally {
    /// A count of none.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more.
    pub fn bump(&self) {
        *self.0.0.lock().expect("tally lock") += 1;
        self.0.1.notify_all();
    }

    /// How many so far.
    pub fn count(&self) -> usize {
        *self.0.0.lock().expect("tally lock")
    }

    /// Waits until there are `at_least` as many or the time is up; says whether there are.
    pub fn wait(&self, at_least: usize, at_most: Duration) -> bool {
        let until = Instant::now() + at_most;
        let mut count = self.0.0.lock().expect("tally lock");
        while *count < at_least {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            count = self.0.1.wait_timeout(count, left).expect("tally lock").0;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_can_be_waited_for() {
        let tally = Tally::new();
        let waiter = std::thread::spawn({
            let tally = tally.clone();
            move || tally.wait(3, crate::DEADLINE)
        });
        (0..3).for_each(|_| tally.bump());
        assert!(waiter.join().unwrap());
        assert!(!tally.wait(4, Duration::from_millis(1)));
        assert_eq!(tally.count(), 3);
    }
}
