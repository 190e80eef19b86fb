//! The one task that maps, batches and sends.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use waymark_types::{Clock, Secret, Timestamp};

use super::aggregate::Aggregate;
use super::envelope::{Resource, rejected};
use super::{Told, span};
use crate::telemetry::names::Names;
use crate::upstream::is_loopback;

/// How long what has ended may wait before it is told.
const EVERY: Duration = Duration::from_secs(5);

/// How long a collector may take to answer.
const ANSWER: Duration = Duration::from_secs(10);

/// How long the last of it may take once the server stops.
const LAST: Duration = Duration::from_secs(5);

/// Answers told in one request at most, and kept while a collector cannot be reached.
const BATCH: usize = 512;
const KEPT: usize = 2_048;

/// Text told in one request at most, in bytes; one answer may be more.
const TEXT: usize = 4 << 20;

/// How often losses are logged at most.
const LOGGED: Duration = Duration::from_secs(60);

/// What a collector's answer means for what it was sent.
enum Verdict {
    Taken,
    /// All but so many items.
    Partly(u64),
    /// It will never be.
    Refused(String),
    /// It may be, later.
    Unreached(String),
}

/// The spans of one answer, and about how large they are.
struct Mapped {
    spans: Vec<Value>,
    size: usize,
}

pub(super) struct Sender {
    client: reqwest::Client,
    traces: reqwest::Url,
    metrics: reqwest::Url,
    headers: HeaderMap,
    resource: Resource,
    names: Names,
    clock: Arc<dyn Clock>,
    started: Timestamp,
    pending: VecDeque<Mapped>,
    aggregate: Aggregate,
    /// Whether the histograms say something that was not told yet.
    news: bool,
    dropped: Arc<AtomicU64>,
    /// What was dropped when that was last logged, and when that was.
    logged: (u64, Option<Instant>),
}

impl Sender {
    pub(super) fn new(
        (traces, metrics): (reqwest::Url, reqwest::Url),
        headers: HeaderMap,
        names: Names,
        instance: String,
        clock: Arc<dyn Clock>,
        dropped: Arc<AtomicU64>,
    ) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(ANSWER);
        let client = if is_loopback(&traces) { client.no_proxy() } else { client };
        Ok(Self {
            client: client.build()?,
            traces,
            metrics,
            headers,
            resource: Resource::new(instance),
            names,
            started: clock.now(),
            clock,
            pending: VecDeque::new(),
            aggregate: Aggregate::new(),
            news: false,
            dropped,
            logged: (0, None),
        })
    }

    /// Runs until the server is gone and the queue is empty; then tells what is left.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Box<Told>>) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                told = queue.recv() => match told {
                    Some(told) => {
                        self.take(&told);
                        if self.pending.len() == BATCH {
                            self.tell_within(ANSWER).await;
                        }
                    }
                    None => break,
                },
                _ = tick.tick() => self.tell_within(ANSWER).await,
            }
        }
        self.tell_within(LAST).await;
        let left = self.pending.len();
        if left > 0 {
            tracing::warn!("{left} answers were not told to the telemetry collector before the end");
        }
    }

    /// Tells what can be told in so much time. What a slow collector was being told may reach it twice.
    async fn tell_within(&mut self, time: Duration) {
        if tokio::time::timeout(time, self.tell()).await.is_err() {
            self.log("it is too slow");
        }
    }

    fn take(&mut self, told: &Told) {
        self.aggregate.add(told, &self.names);
        self.news = true;
        let size = told.texts.as_ref().map_or(0, |texts| texts.size());
        if self.pending.len() == KEPT {
            self.pending.pop_front();
            self.lose(1);
        }
        self.pending.push_back(Mapped { spans: span::spans(told, &self.names), size });
    }

    /// Tells what is pending, until there is no more or the collector cannot be reached.
    async fn tell(&mut self) {
        let mut trouble = None;
        while !self.pending.is_empty() && !matches!(trouble, Some(Verdict::Unreached(_))) {
            let answers = self.batch();
            let spans: Vec<Value> =
                self.pending.iter().take(answers).flat_map(|mapped| mapped.spans.iter().cloned()).collect();
            let verdict =
                self.post(self.traces.clone(), &self.resource.traces(&spans), "rejectedSpans").await;
            match verdict {
                Verdict::Taken => drop(self.pending.drain(..answers)),
                Verdict::Partly(spans) => {
                    self.pending.drain(..answers);
                    // It counts spans, and an answer has one or more.
                    self.lose(spans.min(answers as u64));
                    trouble = Some(verdict);
                }
                Verdict::Refused(_) => {
                    self.pending.drain(..answers);
                    self.lose(answers as u64);
                    trouble = Some(verdict);
                }
                Verdict::Unreached(_) => trouble = Some(verdict),
            }
        }
        if self.news && !matches!(trouble, Some(Verdict::Unreached(_))) {
            let metrics = self.aggregate.metrics(self.started, self.clock.now());
            let body = self.resource.metrics(&metrics);
            match self.post(self.metrics.clone(), &body, "rejectedDataPoints").await {
                Verdict::Unreached(problem) => trouble = Some(Verdict::Unreached(problem)),
                Verdict::Taken => self.news = false,
                // What it refused once it would refuse again.
                verdict => {
                    self.news = false;
                    trouble = Some(verdict);
                }
            }
        }
        match trouble {
            Some(Verdict::Refused(problem) | Verdict::Unreached(problem)) => self.log(&problem),
            Some(Verdict::Partly(count)) => self.log(&format!("it did not take {count} of the items sent")),
            Some(Verdict::Taken) | None => {}
        }
    }

    /// How many of the pending answers make the next request.
    fn batch(&self) -> usize {
        let mut text = 0;
        let fits = |mapped: &&Mapped| {
            text += mapped.size;
            text <= TEXT
        };
        self.pending.iter().take(BATCH).take_while(fits).count().max(1)
    }

    async fn post(&self, url: reqwest::Url, body: &Value, field: &str) -> Verdict {
        let request = self.client.post(url).headers(self.headers.clone());
        let request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Verdict::Unreached(unreached(&error).to_owned()),
        };
        let status = response.status();
        match status.as_u16() {
            200..=299 => {
                let body = response.bytes().await.unwrap_or_default();
                match rejected(&body, field) {
                    0 => Verdict::Taken,
                    count => Verdict::Partly(count),
                }
            }
            // Those that the protocol calls retryable.
            429 | 502 | 503 | 504 => Verdict::Unreached(format!("it answered {status}")),
            _ => Verdict::Refused(format!("it answered {status}")),
        }
    }

    fn lose(&self, answers: u64) {
        self.dropped.fetch_add(answers, Ordering::Relaxed);
    }

    /// Says once in a while what goes wrong, and what that has cost.
    fn log(&mut self, problem: &str) {
        let (told, last) = self.logged;
        if last.is_some_and(|last| last.elapsed() < LOGGED) {
            return;
        }
        let dropped = self.dropped.load(Ordering::Relaxed);
        let lost = dropped - told;
        tracing::warn!(
            "the telemetry collector has a problem: {problem}; answers it will not hear of: {lost}"
        );
        self.logged = (dropped, Some(Instant::now()));
    }
}

/// What failed, without the address, which may hold a secret.
fn unreached(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "it did not answer in time"
    } else if error.is_connect() {
        "it cannot be reached"
    } else {
        "the connection broke off"
    }
}

/// Headers from their names and values. A value is marked so that no log shows it.
pub(super) fn headers(pairs: &[(String, Secret)]) -> Result<HeaderMap, &'static str> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name =
            HeaderName::try_from(name).map_err(|_| "a header's name has characters it may not have")?;
        let value = HeaderValue::try_from(value.expose());
        let mut value = value.map_err(|_| "a header's value has characters it may not have")?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests;
