//! How the server is doing, for those who watch it: counted for `GET /metrics`, and sent to a collector where one is
//! configured. Neither ever keeps an answer waiting.

mod names;
mod otlp;
mod prometheus;
#[cfg(test)]
mod samples;

use std::sync::Arc;

use bytes::Bytes;
use tokio_util::task::TaskTracker;
use waymark_ledger::{Completion, Intent};
use waymark_types::{Clock, Outcome, Timestamp};

use crate::config::Config;
use names::Names;
use otlp::Exporter;
pub use otlp::TelemetryError;
use prometheus::Metrics;
pub(crate) use prometheus::{Gauges, PAGE, resident_memory};
#[cfg(test)]
pub(crate) use samples::config as sample_config;

/// An answer that has ended, as those who watch are told of it.
#[derive(Clone, Copy)]
pub(crate) struct Answered<'a> {
    pub(crate) intent: &'a Intent,
    pub(crate) completion: &'a Completion,
    /// Whether it is on record; what is not may not have been given.
    pub(crate) on_record: bool,
    /// When the first byte of a stream left.
    pub(crate) first_byte: Option<Timestamp>,
    /// Why the model stopped, in the provider's word.
    pub(crate) finish: Option<&'a str>,
    /// The request's body.
    pub(crate) request: &'a Bytes,
    /// The answer's body, where texts are kept.
    pub(crate) response: Option<&'a Bytes>,
}

impl Answered<'_> {
    /// How it ended, in a word: an outcome, or that it could not be recorded.
    fn outcome(&self) -> &'static str {
        if self.on_record { self.completion.outcome.as_str() } else { UNRECORDED }
    }

    /// What went wrong, a stable code; `None` when nothing did.
    fn error(&self) -> Option<&str> {
        if !self.on_record {
            return Some(UNRECORDED);
        }
        let completion = self.completion;
        match completion.outcome {
            Outcome::Succeeded | Outcome::Declined => None,
            Outcome::Refused => Some(&completion.reason),
            outcome => {
                let last = completion.attempts.iter().flatten().next_back();
                Some(last.and_then(|attempt| attempt.error.as_deref()).unwrap_or(outcome.as_str()))
            }
        }
    }
}

/// The outcome of what could not be recorded.
const UNRECORDED: &str = "unrecorded";

/// Those who watch.
pub(crate) struct Telemetry {
    pub(crate) metrics: Metrics,
    exporter: Option<Exporter>,
}

impl Telemetry {
    /// Begins to watch; what sends to a collector runs on `tasks` until this is dropped.
    pub(crate) fn start(
        config: &Config,
        clock: &Arc<dyn Clock>,
        tasks: &TaskTracker,
    ) -> Result<Self, TelemetryError> {
        let exporter = match &config.telemetry.otlp_endpoint {
            Some(endpoint) => Some(Exporter::start(endpoint, config, Arc::clone(clock), tasks)?),
            None => None,
        };
        Ok(Self { metrics: Metrics::new(Names::of(config)), exporter })
    }

    /// Takes note of an answer that has ended.
    pub(crate) fn answered(&self, answered: &Answered<'_>) {
        self.metrics.answered(answered);
        if let Some(exporter) = &self.exporter {
            exporter.send(answered);
        }
    }

    /// Answers that a collector will never hear of.
    pub(crate) fn dropped(&self) -> u64 {
        self.exporter.as_ref().map_or(0, Exporter::dropped)
    }
}
