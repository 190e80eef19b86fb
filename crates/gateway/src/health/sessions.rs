//! Which deployment each session is at: the provider has its prompts in its cache there.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use waymark_types::Timestamp;

/// Sessions remembered at a time.
const MOST: usize = 65_536;
/// How long a session without a request is remembered, in microseconds: no provider's cache lasts longer.
const IDLE: u64 = 3_600_000_000;

/// Sessions and the deployments they are at.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<String, Stay>>);

#[derive(Debug)]
struct Stay {
    deployment: String,
    seen: Timestamp,
}

impl Sessions {
    /// The deployment of `model` that a session is at.
    pub(super) fn of(&self, model: &str, session: &str, now: Timestamp) -> Option<String> {
        let stays = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let stay = stays.get(&key(model, session))?;
        (now.micros_since(stay.seen) < IDLE).then(|| stay.deployment.clone())
    }

    /// Notes where a session is.
    pub(super) fn note(&self, model: &str, session: &str, deployment: &str, now: Timestamp) {
        let mut stays = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if stays.len() >= MOST {
            stays.retain(|_, stay| now.micros_since(stay.seen) < IDLE);
        }
        if stays.len() >= MOST {
            stays.clear();
        }
        stays.insert(key(model, session), Stay { deployment: deployment.to_owned(), seen: now });
    }
}

fn key(model: &str, session: &str) -> String {
    format!("{model}\n{session}")
}
