//! Answers on their way to a collector, by OTLP over HTTP in its JSON form (opentelemetry.io/docs/specs/otlp, 1.9).
//!
//! A queue of fixed length takes what has ended; what finds it full is dropped and counted. One task maps, batches and
//! sends. A collector that cannot be reached costs telemetry, and nothing else.

mod aggregate;
mod attributes;
mod content;
mod envelope;
mod semconv;
mod sender;
mod span;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use thiserror::Error;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use waymark_ledger::commitment::hex;
use waymark_ledger::{Completion, Intent};
use waymark_types::{Clock, Timestamp};

use super::Answered;
use super::names::Names;
use crate::clock::RandomError;
use crate::config::{Config, Payloads};
use sender::Sender;

/// Telemetry cannot be sent as configured.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// A setting cannot be used.
    #[error("the telemetry collector cannot be told anything: {0}")]
    Setting(&'static str),
    /// No randomness for an id.
    #[error("could not make an id for this server")]
    Random(#[from] RandomError),
    /// The HTTP client cannot be made.
    #[error("could not prepare the connection to the telemetry collector")]
    Client(#[from] reqwest::Error),
}

/// Answers that may wait to be told.
const QUEUE: usize = 2_048;

/// The largest text told.
const LARGEST_TEXT: usize = 1 << 20;

/// Room for all texts that wait together: they are copies, so that no request waits for a collector's memory.
const TEXTS: usize = 32 << 20;

/// An answer that waits to be told.
struct Told {
    intent: Intent,
    completion: Completion,
    error: Option<String>,
    first_byte: Option<Timestamp>,
    finish: Option<String>,
    texts: Option<Texts>,
}

/// What was asked and answered, and the room both take.
struct Texts {
    request: Bytes,
    response: Option<Bytes>,
    room: Arc<AtomicUsize>,
}

impl Texts {
    /// Copies both, if they are not too large and there is room.
    fn copied(request: &[u8], response: Option<&[u8]>, room: &Arc<AtomicUsize>) -> Option<Self> {
        let response_size = response.map_or(0, <[u8]>::len);
        if request.len() > LARGEST_TEXT || response_size > LARGEST_TEXT {
            return None;
        }
        let take = |left: usize| left.checked_sub(request.len() + response_size);
        room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).ok()?;
        let copy = Bytes::copy_from_slice;
        Some(Self { request: copy(request), response: response.map(copy), room: Arc::clone(room) })
    }
}

impl Texts {
    fn size(&self) -> usize {
        self.request.len() + self.response.as_ref().map_or(0, Bytes::len)
    }
}

impl Drop for Texts {
    fn drop(&mut self) {
        self.room.fetch_add(self.size(), Ordering::Relaxed);
    }
}

/// The way to the collector.
pub(super) struct Exporter {
    queue: mpsc::Sender<Box<Told>>,
    dropped: Arc<AtomicU64>,
    /// Room left for texts; `None` where they are not told.
    room: Option<Arc<AtomicUsize>>,
}

impl Exporter {
    /// Starts the task that sends, on `tasks`; it ends once this is dropped and everything is told.
    pub(super) fn start(
        endpoint: &str,
        config: &Config,
        clock: Arc<dyn Clock>,
        tasks: &TaskTracker,
    ) -> Result<Self, TelemetryError> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        let at = |signal| {
            let url = reqwest::Url::parse(&format!("{}/v1/{signal}", endpoint.trim_end_matches('/')));
            url.map_err(|_| TelemetryError::Setting("its address is no URL"))
        };
        let urls = (at("traces")?, at("metrics")?);
        let headers = sender::headers(&config.telemetry.otlp_headers).map_err(TelemetryError::Setting)?;
        let instance = hex(&crate::clock::random::<16>()?);
        let names = Names::of(config);
        let sender = Sender::new(urls, headers, names, instance, clock, Arc::clone(&dropped))?;
        tasks.spawn(sender.run(waiting));
        let tells = config.telemetry.content && config.ledger.payloads == Payloads::Keep;
        Ok(Self { queue, dropped, room: tells.then(|| Arc::new(AtomicUsize::new(TEXTS))) })
    }

    /// Puts an answer into the queue, or drops it where that is full.
    pub(super) fn send(&self, answered: &Answered<'_>) {
        let Ok(place) = self.queue.try_reserve() else {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let texts = self.room.as_ref().and_then(|room| {
            Texts::copied(answered.request, answered.response.map(|response| &response[..]), room)
        });
        place.send(Box::new(Told {
            intent: answered.intent.clone(),
            completion: answered.completion.clone(),
            error: answered.error().map(str::to_owned),
            first_byte: answered.first_byte,
            finish: answered.finish.map(str::to_owned),
            texts,
        }));
    }

    /// Answers that the collector will never hear of.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::samples;

    #[test]
    fn a_full_queue_drops_and_counts_and_never_waits() {
        let (queue, mut waiting) = mpsc::channel(2);
        let exporter = Exporter { queue, dropped: Arc::default(), room: None };
        let (intent, completion) = (samples::intent(), samples::completion());
        for _ in 0..5 {
            exporter.send(&Answered {
                intent: &intent,
                completion: &completion,
                on_record: true,
                first_byte: None,
                finish: None,
                request: &Bytes::from_static(b"a text"),
                response: None,
            });
        }
        assert_eq!(exporter.dropped(), 3);
        assert!(waiting.try_recv().unwrap().texts.is_none(), "no text where none is told");
    }
}
