//! A latch between a test and a scripted upstream.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Closed when made; whoever waits at it goes on once the test opens it. Clones are the same gate.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens it for good.
    pub fn open(&self) {
        *self.0.0.lock().expect("gate lock") = true;
        self.0.1.notify_all();
    }

    /// Waits until it is open or the time is up; says whether it is open.
    pub fn wait(&self, at_most: Duration) -> bool {
        let open = self.0.0.lock().expect("gate lock");
        *self.0.1.wait_timeout_while(open, at_most, |open| !*open).expect("gate lock").0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_until_opened() {
        let gate = Gate::new();
        assert!(!gate.wait(Duration::from_millis(1)));
        let waiter = std::thread::spawn({
            let gate = gate.clone();
            move || gate.wait(crate::DEADLINE)
        });
        gate.open();
        assert!(waiter.join().unwrap());
    }
}
