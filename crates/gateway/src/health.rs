//! How each model has been doing, told from the attempts made.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use waymark_types::{Outcome, Timestamp};

/// One model's record since the server started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ModelHealth {
    /// `up`, `failing` or `unused`, by the last attempt.
    pub(crate) state: &'static str,
    /// Attempts made.
    pub(crate) requests: u64,
    /// Attempts that failed.
    pub(crate) failures: u64,
    /// When the last one ended.
    pub(crate) last_used: Option<Timestamp>,
    /// The last failure's code, until an attempt succeeds again.
    pub(crate) last_error: Option<String>,
}

impl Default for ModelHealth {
    fn default() -> Self {
        Self { state: "unused", requests: 0, failures: 0, last_used: None, last_error: None }
    }
}

/// All models' records, by configured name.
#[derive(Debug, Default)]
pub(crate) struct Health(Mutex<BTreeMap<String, ModelHealth>>);

impl Health {
    /// Notes how an attempt ended. A client that went away says nothing of the model.
    pub(crate) fn note(&self, model: &str, outcome: Outcome, error: Option<&str>, ended: Timestamp) {
        let mut models = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let health = models.entry(model.to_owned()).or_default();
        health.requests += 1;
        health.last_used = Some(ended);
        match outcome {
            Outcome::Succeeded | Outcome::Declined => {
                (health.state, health.last_error) = ("up", None);
            }
            Outcome::Failed | Outcome::TimedOut | Outcome::StreamFailed => {
                health.failures += 1;
                (health.state, health.last_error) = ("failing", error.map(str::to_owned));
            }
            Outcome::Cancelled | Outcome::Refused | Outcome::Interrupted => {}
        }
    }

    /// How a model has been doing.
    pub(crate) fn of(&self, model: &str) -> ModelHealth {
        let models = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        models.get(model).cloned().unwrap_or_default()
    }
}
