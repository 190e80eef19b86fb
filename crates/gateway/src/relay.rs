//! An upstream's stream on its way to the client, event by event, its end held back until it is on record.

mod client;
mod head;
mod sent;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use tokio::time::Instant;
use waymark_protocol::neutral::Said;
use waymark_protocol::sse::{self, Frame, Framing};
use waymark_protocol::{Answer, Failure, Fault, Progress};
use waymark_types::{Cause, Dialect, Outcome};

use crate::path::convert::Converter;
use crate::path::emitted::Listener;
use crate::upstream::CallError;

pub(crate) use client::{Client, tracked};
pub(crate) use head::{Head, error_response, mark_unrecorded};
pub(crate) use sent::{Kept, Sent};

/// How long an upstream may take to end its body after its last event, so that its connection can be used again.
const TAIL: Duration = Duration::from_millis(20);
/// How long a client of another dialect than the provider's is left without a word: proxies and clients give up on a
/// connection that is silent for a minute. Between ends of one dialect nothing is put in.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

type Chunks = BoxStream<'static, reqwest::Result<Bytes>>;

/// What is spoken at either end of a stream.
#[derive(Clone, Copy)]
pub(crate) struct Dialects {
    pub(crate) client: Dialect,
    pub(crate) provider: Dialect,
}

/// How long an upstream is waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Between two pieces of its answer.
    pub(crate) stall: Duration,
    /// Until the answer must be whole.
    pub(crate) until: Option<Instant>,
}

/// An upstream's stream: what has arrived of it and what is to come.
pub(crate) struct Upstreamed {
    head: Head,
    dialects: Dialects,
    framing: Framing,
    /// Puts the provider's events into the client's dialect, where that is another.
    converter: Option<Converter>,
    listener: Listener,
    provider: String,
    chunks: Chunks,
    pub(crate) splitter: sse::Splitter,
    /// Whole events not yet relayed.
    pub(crate) pending: VecDeque<Bytes>,
    /// When the provider was last heard of.
    heard: Instant,
    bounds: Bounds,
    /// What the very first event says went wrong.
    failure: Option<Failure>,
}

/// How a relayed stream ended.
pub(crate) struct Relayed {
    pub(crate) outcome: Outcome,
    /// What the provider said of the answer.
    pub(crate) answer: Answer,
    /// What the answer says.
    pub(crate) said: Said,
    /// The end of the stream, which may leave only once the completion is durable. Bytes that broke off have none.
    pub(crate) last: Option<Bytes>,
    /// What went wrong, and words that hold nothing of the answer.
    pub(crate) error: Option<(Failure, &'static str)>,
    /// The bytes sent so far.
    pub(crate) sent: Sent,
}

impl Upstreamed {
    pub(crate) fn new(
        head: Head,
        dialects: Dialects,
        framing: Framing,
        converter: Option<Converter>,
        chunks: Chunks,
        provider: String,
        bounds: Bounds,
    ) -> Self {
        let (splitter, chunks) = (sse::Splitter::new(framing), chunks.fuse().boxed());
        let (pending, heard) = (VecDeque::new(), Instant::now());
        let (failure, listener) = (None, Listener::default());
        Self {
            head,
            dialects,
            framing,
            converter,
            listener,
            provider,
            chunks,
            splitter,
            pending,
            heard,
            bounds,
            failure,
        }
    }

    pub(crate) fn head(&self) -> &Head {
        &self.head
    }

    pub(crate) fn framing(&self) -> Framing {
        self.framing
    }

    /// Whether a body without a byte is an answer: of silence there is nothing to write down.
    pub(crate) fn may_be_empty(&self) -> bool {
        self.framing == Framing::Bytes && self.dialects.provider == Dialect::OpenAiTranscriptions
    }

    /// The dialect that its provider speaks.
    pub(crate) fn spoken_to_in(&self) -> Dialect {
        self.dialects.provider
    }

    pub(crate) fn provider(&self) -> &str {
        &self.provider
    }

    /// What the very first event says went wrong, if it does.
    pub(crate) fn failure(&self) -> Option<Failure> {
        self.failure
    }

    /// Looks whether the very first event says that the answer failed.
    pub(crate) fn note_failure(&mut self) {
        let Some(event) = self.pending.front() else { return };
        let frame = self.framing.read(event);
        let failed = self.look_on(&frame, &mut Answer::default()) == Progress::Failed;
        self.failure = failed.then(|| Failure::of_event(&frame.data));
    }

    fn look_on(&self, frame: &Frame<'_>, answer: &mut Answer) -> Progress {
        match self.framing {
            // They say nothing of themselves.
            Framing::Bytes => Progress::Ongoing,
            _ => answer.read_event(self.dialects.provider, frame),
        }
    }

    /// The event as the client gets it.
    fn outgoing(&mut self, event: Bytes) -> Bytes {
        match &mut self.converter {
            Some(converter) => converter.event(&self.framing.read(&event)).into(),
            None => event,
        }
    }

    /// Waits for the next piece; `false` at the end. A last event may come without the line end behind it.
    pub(crate) async fn pull(&mut self) -> Result<bool, CallError> {
        let stalled = self.heard + self.bounds.stall;
        let (until, cause) = match self.bounds.until {
            Some(until) if until < stalled => (until, Cause::Deadline),
            _ => (stalled, Cause::Stalled),
        };
        match tokio::time::timeout_at(until, self.chunks.next()).await {
            Ok(Some(Ok(chunk))) => {
                self.heard = Instant::now();
                self.splitter.push(&chunk);
                Ok(true)
            }
            Ok(Some(Err(error))) => Err(CallError::from_transfer(&self.provider, &error)),
            Ok(None) => {
                let last = self.splitter.last_event();
                let is_more = last.is_some();
                self.pending.extend(last);
                Ok(is_more)
            }
            Err(_) => Err(CallError::new(&self.provider, cause)),
        }
    }

    /// Passes the stream on, event by event, and stops short of its end. Its words are heard where they are wanted.
    pub(crate) async fn relay(mut self, client: &mut Client, mut sent: Sent, is_heard: bool) -> Relayed {
        if is_heard && self.framing != Framing::Bytes {
            self.listener = Listener::of(self.dialects.provider);
        }
        let mut answer = Answer::default();
        // What may leave, and an event that may be the last: only the next one tells.
        let (mut ready, mut held) = (BytesMut::new(), Bytes::new());
        let (keep_alive, mut spoken) = (self.keep_alive(), Instant::now());
        loop {
            while let Some(event) = self.pending.pop_front() {
                let frame = self.framing.read(&event);
                let progress = self.look_on(&frame, &mut answer);
                self.listener.hear(&frame);
                let failure = (progress == Progress::Failed).then(|| Failure::of_event(&frame.data));
                let event = self.outgoing(event);
                ready.extend_from_slice(&std::mem::take(&mut held));
                if progress == Progress::Ongoing {
                    match answer.is_whole_without_end(self.dialects.provider) {
                        true => held = event,
                        false => ready.extend_from_slice(&event),
                    }
                    continue;
                }
                if !forward(client, &mut sent, ready.split().freeze()).await {
                    return self.cancelled(answer, sent);
                }
                let Some(failure) = failure else {
                    let last = Some(self.tail(event, client).await);
                    let said = self.listener.said();
                    return Relayed { outcome: Outcome::Succeeded, answer, said, last, error: None, sent };
                };
                let words = "the provider's stream ended in an error, which was passed on";
                let error = Some((failure, words));
                let (said, last) = (self.listener.said(), Some(event));
                return Relayed { outcome: Outcome::StreamFailed, answer, said, last, error, sent };
            }
            if !ready.is_empty() {
                spoken = Instant::now();
            }
            if !forward(client, &mut sent, ready.split().freeze()).await {
                return self.cancelled(answer, sent);
            }
            let pulled = tokio::select! {
                pulled = self.pull() => pulled,
                () = client.gone() => return self.cancelled(answer, sent),
                word = quiet(keep_alive, spoken) => {
                    ready.extend_from_slice(word);
                    continue;
                }
            };
            match pulled.and_then(|more| self.split().map(|()| more)) {
                Ok(true) => {}
                Ok(false) => return self.ended(held, answer, sent),
                Err(error) => return self.broke_off(held, answer, sent, &error),
            }
        }
    }

    /// What keeps the client while nothing comes.
    fn keep_alive(&self) -> Option<&'static [u8]> {
        sse::keep_alive(self.dialects.client).filter(|_| self.converter.is_some())
    }

    /// The last event and what little may follow it in [`TAIL`]; nothing after that is part of the answer.
    async fn tail(&mut self, last: Bytes, client: &mut Client) -> Bytes {
        let whole = async { while let Ok(true) = self.pull().await {} };
        tokio::select! {
            _ = tokio::time::timeout(TAIL, whole) => {}
            () = client.gone() => {}
        }
        let mut tail = BytesMut::from(&last[..]);
        match &mut self.converter {
            Some(converter) => tail.extend_from_slice(&converter.finish()),
            None => {
                for event in self.pending.drain(..) {
                    tail.extend_from_slice(&event);
                }
                tail.extend_from_slice(&self.splitter.rest());
            }
        }
        tail.freeze()
    }

    /// The body ended without a last event. Some providers leave `[DONE]` out, and then the stated reason to
    /// stop is their word that the answer is whole, unless another event had begun. Bytes have no other end.
    fn ended(mut self, held: Bytes, answer: Answer, sent: Sent) -> Relayed {
        let rest = self.splitter.rest();
        let may_end = rest.trim_ascii().is_empty() && answer.is_whole_without_end(self.dialects.provider);
        if may_end || self.framing == Framing::Bytes {
            let rest = match &mut self.converter {
                Some(converter) => converter.finish().into(),
                None => rest,
            };
            let last = Some([held, rest].concat().into());
            let said = self.listener.said();
            return Relayed { outcome: Outcome::Succeeded, answer, said, last, error: None, sent };
        }
        let error = CallError::new(&self.provider, Cause::BrokeOff);
        self.broke_off(held, answer, sent, &error)
    }

    /// The upstream failed: the client is told, and never gets a clean end (promise 5).
    fn broke_off(self, held: Bytes, answer: Answer, sent: Sent, error: &CallError) -> Relayed {
        let message = format!("the answer broke off: {error}");
        let kind = waymark_protocol::ErrorKind::Upstream;
        let fault = Fault { kind, code: "stream_failed", message };
        let told = error_end(self.framing, self.dialects.client, &fault);
        let last = told.map(|told| [held, told].concat().into());
        let error = Some((error.cause().into(), "the answer broke off upstream"));
        let said = self.listener.said();
        Relayed { outcome: Outcome::StreamFailed, answer, said, last, error, sent }
    }

    fn cancelled(self, answer: Answer, sent: Sent) -> Relayed {
        let error = Some((Cause::Cancelled.into(), "the client went away"));
        let said = self.listener.said();
        Relayed { outcome: Outcome::Cancelled, answer, said, last: None, error, sent }
    }
}

/// How a client is told that its stream has no end: by its dialect's own error event, or, among bytes that have no
/// place for one, only by the connection's reset (`None`).
pub(crate) fn error_end(framing: Framing, client: Dialect, fault: &Fault) -> Option<Bytes> {
    let told = || waymark_protocol::error_event(client, fault).into();
    (framing != Framing::Bytes).then(told)
}

/// Waits until the client has been without a word for too long, and returns the one that keeps it.
async fn quiet(keep_alive: Option<&'static [u8]>, spoken: Instant) -> &'static [u8] {
    match keep_alive {
        Some(word) => {
            tokio::time::sleep_until(spoken + KEEP_ALIVE).await;
            word
        }
        None => std::future::pending().await,
    }
}

async fn forward(client: &Client, sent: &mut Sent, chunk: Bytes) -> bool {
    if chunk.is_empty() {
        return true;
    }
    let chunk = sent.framed(chunk);
    sent.add(&chunk);
    client.send(chunk).await
}

#[cfg(test)]
mod tests;
