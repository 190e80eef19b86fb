//! Which deployment each session is at: the provider has its prompts in its cache there.

use waymark_types::Timestamp;

use crate::generations::Generations;

/// Sessions of one generation.
const GENERATION: usize = 32_768;
/// How long a session without a request is remembered, in microseconds: no provider's cache lasts longer.
const IDLE: u64 = 3_600_000_000;

/// Sessions and the deployments they are at, by their model and their name.
#[derive(Debug)]
pub(super) struct Sessions(Generations<(String, String), Stay>);

#[derive(Debug, Clone)]
struct Stay {
    deployment: String,
    seen: Timestamp,
}

impl Default for Sessions {
    fn default() -> Self {
        Self(Generations::of(GENERATION))
    }
}

impl Sessions {
    /// The deployment of `model` that a session is at.
    pub(super) fn of(&self, model: &str, session: &str, now: Timestamp) -> Option<String> {
        let stay = self.0.get(&key(model, session))?;
        (now.micros_since(stay.seen) < IDLE).then_some(stay.deployment)
    }

    /// Notes where a session is.
    pub(super) fn note(&self, model: &str, session: &str, deployment: &str, now: Timestamp) {
        self.0.insert(key(model, session), Stay { deployment: deployment.to_owned(), seen: now });
    }
}

fn key(model: &str, session: &str) -> (String, String) {
    (model.to_owned(), session.to_owned())
}
