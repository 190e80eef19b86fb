//! Delivery: the answer goes to the client, and its record is whole before its last byte leaves.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use bytes::Bytes;
use tokio::time::Instant;
use waymark_flash as flash;
use waymark_ledger::{Attempt, Commitment, Completion, Entry, Source};
use waymark_protocol::gemini::Array;
use waymark_protocol::neutral::Said;
use waymark_protocol::{Answer, ErrorKind, Fault, Suggestion, Vectors, embed_dialogue, fim_dialogue, sse};
use waymark_types::{Cause, MicroUsd, Next, Outcome, Timestamp, Usage};

use super::attempt::{Reached, Tried, Unanswered, Whole};
use super::begun::Begun;
use super::emitted;
use super::shortened;
use super::{Call, tolerate, unrecorded};
use crate::config::Payloads;
use crate::health::{UnderWay, Verdict};
use crate::limits::Hold;
use crate::recorder::{Payload, Unrecorded};
use crate::relay::{Client, Head, Kept, Relayed, Sent, Upstreamed, error_end};
use crate::state::State;
use crate::telemetry::Answered;

/// How a record ends. The model facts are filled in from the attempts.
pub(super) struct Ending {
    pub(super) outcome: Outcome,
    pub(super) reason: String,
    pub(super) attempts: Vec<Attempt>,
    pub(super) answer: Answer,
    /// The configured name of the model that answered, whose price counts.
    pub(super) model: Option<String>,
    /// The rung it is on.
    pub(super) rung: Option<String>,
    pub(super) response: Option<Commitment>,
    pub(super) kept: Option<Bytes>,
    /// When the first byte of a stream left.
    pub(super) first_byte: Option<Timestamp>,
    pub(super) sources: Vec<Source>,
    /// What the answer says.
    pub(super) said: Option<Said>,
    pub(super) error: Option<String>,
}

impl Ending {
    pub(super) fn new(outcome: Outcome, reason: &str) -> Self {
        Self {
            outcome,
            reason: reason.to_owned(),
            attempts: Vec::new(),
            answer: Answer::default(),
            model: None,
            rung: None,
            response: None,
            kept: None,
            first_byte: None,
            sources: Vec::new(),
            said: None,
            error: None,
        }
    }

    pub(super) fn attempts(self, attempts: Vec<Attempt>) -> Self {
        Self { attempts, ..self }
    }

    pub(super) fn answer(self, model: &str, answer: Answer) -> Self {
        Self { model: Some(model.to_owned()), answer, ..self }
    }

    pub(super) fn error(self, error: &str) -> Self {
        Self { error: Some(error.chars().take(500).collect()), ..self }
    }

    pub(super) fn sent(self, sent: Sent) -> Self {
        let (response, kept) = sent.finish();
        let ending = Self { response: Some(response), ..self };
        match kept {
            Kept::No => ending,
            Kept::Text(text) => Self { kept: Some(text.finish()), ..ending },
            Kept::TooLarge if ending.error.is_some() => ending,
            Kept::TooLarge => ending.error("the answer's text was too large to be kept"),
        }
    }
}

/// Records how a request ended and waits until the whole record is durable.
pub(super) async fn record(
    state: &State,
    call: &Call,
    mut begun: Begun,
    ending: Ending,
) -> Result<(), Unrecorded> {
    let price = ending.model.and_then(|model| state.snapshot.policy.models.get(&model)?.price);
    let usage = ending.answer.usage.bounded();
    let served = ending.attempts.iter().find(|attempt| attempt.served);
    let last = served.or(ending.attempts.last());
    let ended = state.clock.now();
    let (emitted, emissions) = ending
        .said
        .as_ref()
        .and_then(|said| emitted::emitted(state, call, &begun.intent, said, ended))
        .unzip();
    let completion = Completion {
        record: call.record,
        ended: Some(ended),
        outcome: ending.outcome,
        reason: ending.reason,
        provider: served.map(|attempt| attempt.provider.clone()),
        resolved_model: last.map(|attempt| attempt.model.clone()),
        served_model: served.and_then(|attempt| attempt.served_model.clone()),
        rung: served.and(ending.rung),
        usage,
        cost_micro_usd: price
            .and_then(|price| price.cost(&usage))
            .map(|cost| with_discarded(cost, &ending.attempts)),
        response: ending.response,
        sources: ending.sources,
        emitted,
        error: ending.error,
        attempts: Some(ending.attempts),
    };
    let (intent, told) = (Arc::clone(&begun.intent), completion.clone());
    state.sessions.note(&intent, &told);
    let payload =
        ending.kept.clone().map(|body| Payload::Response { record: call.record, salt: call.salt, body });
    let hold = begun.hold.take();
    let sent = completion.response.as_ref().map_or(0, |response| response.bytes);
    let settlement = hold.as_ref().and_then(|hold| hold.settlement(&completion, sent));
    let payloads = payload.into_iter().chain(emissions).chain(settlement.map(Payload::Settlement)).collect();
    let began = Instant::now();
    let recorded = begun.complete(&state.recorder, Entry::Completion(completion), payloads).await;
    if recorded.is_ok() {
        hold.into_iter().for_each(Hold::settled);
        state.telemetry.metrics.appended(began.elapsed());
    }
    state.telemetry.answered(&Answered {
        intent: &intent,
        completion: &told,
        on_record: recorded.is_ok(),
        first_byte: ending.first_byte,
        finish: ending.answer.finish.as_deref(),
        request: call.kept(),
        response: ending.kept.as_ref(),
    });
    recorded
}

/// What an answer cost, and with it what was thrown away before it.
fn with_discarded(cost: MicroUsd, attempts: &[Attempt]) -> MicroUsd {
    let discarded = attempts.iter().filter_map(|attempt| attempt.discarded.as_ref()?.cost_micro_usd);
    discarded.fold(cost, |sum, cost| MicroUsd(sum.0.saturating_add(cost.0)))
}

/// The delivery of one answer.
pub(super) struct Delivery<'a> {
    pub(super) state: &'a State,
    pub(super) call: &'a Call,
    pub(super) stream: bool,
    pub(super) reason: &'a str,
    /// The configured name of the model whose answer this is.
    pub(super) name: String,
    /// The rung it is on.
    pub(super) rung: Option<String>,
    pub(super) begun: Begun,
    pub(super) attempts: Vec<Attempt>,
    /// Which of the attempts it is the answer of.
    pub(super) at: usize,
}

/// Delivers what the attempts came to.
pub(super) async fn deliver(delivery: Delivery<'_>, tried: Tried, client: Client) {
    match tried.reached {
        Reached::Nothing(unanswered) => delivery.unanswered(unanswered, client).await,
        Reached::Suggestion(completion) => delivery.suggestion(&completion, client).await,
        Reached::WarmedUp => delivery.warmed_up(client).await,
        Reached::Whole(whole) => delivery.whole(*whole, client).await,
        Reached::Stream(upstreamed) => delivery.stream(*upstreamed, tried.under_way, client).await,
    }
}

impl Delivery<'_> {
    /// No upstream answered: the client gets an error of our own.
    async fn unanswered(mut self, unanswered: Unanswered, client: Client) {
        let Unanswered { fault, failure } = unanswered;
        self.reason = fault.code;
        let outcome = match (fault.kind, failure.cause) {
            (ErrorKind::Timeout, _) => Outcome::TimedOut,
            (_, Cause::BreakerOpen | Cause::AtCapacity) => Outcome::Refused,
            _ => Outcome::Failed,
        };
        let body = waymark_protocol::error_body(self.call.dialect, &fault);
        let mut head = Head::new(fault.kind.status(), "application/json");
        if let Some(wait) = failure.wait {
            head = head.retry_after(wait);
        }
        // What a conversion objects to is told in the request's own words, which are not for the record.
        let words = match fault.kind {
            ErrorKind::InvalidRequest => "the request cannot be said in the provider's dialect",
            _ => fault.message.as_str(),
        };
        let ending = Ending::new(outcome, fault.code).error(words);
        self.finish(ending, head, body.into(), client).await;
    }

    /// The embedded model's suggestion, or its empty answer when it declined.
    async fn suggestion(mut self, completion: &flash::Completion, client: Client) {
        let usage = Usage {
            input: Some(completion.prompt_tokens),
            output: Some(completion.completion_tokens),
            ..Usage::default()
        };
        let answer = Answer { usage, ..Answer::default() };
        let (body, content_type) = self.written(completion, usage);
        let outcome = self.serve(None);
        let mut ending = Ending::new(outcome, self.reason).answer(&self.name, answer);
        ending.sources = sources(completion);
        let text = completion.suggestion.as_ref().map(|suggestion| suggestion.text.clone());
        ending.said = text.map(|text| Said { text, ..Said::default() });
        self.finish(ending, Head::new(200, content_type), body, client).await;
    }

    /// The answer to a client that only wanted the model to be ready, which nobody is billed for.
    async fn warmed_up(mut self, client: Client) {
        let created = self.call.arrived.as_micros() / 1_000_000;
        let model = self.model().unwrap_or_default();
        let completion = || {
            let spoken = fim_dialogue(self.call.dialect)?;
            let prompt = spoken.read_fim(&self.call.body).ok()?;
            Some(spoken.write_warm_up(&prompt, &model, created))
        };
        let embedding = || {
            let spoken = embed_dialogue(self.call.dialect)?;
            let inputs = spoken.read_inputs(&self.call.body).ok()?;
            Some(spoken.write_vectors(&inputs, &Vectors::default(), &model))
        };
        let body = completion().or_else(embedding).unwrap_or_default();
        let outcome = self.serve(None);
        let head = Head::new(200, self.content_type());
        let ending = Ending::new(outcome, self.reason);
        self.finish(ending, head, body.into(), client).await;
    }

    /// An estimate in the place of a count that no provider gave.
    pub(super) async fn estimate(mut self, body: Vec<u8>, client: Client) {
        self.reason = "estimated";
        let ending = Ending::new(Outcome::Succeeded, self.reason);
        self.finish(ending, Head::new(200, "application/json"), body.into(), client).await;
    }

    /// That of an answer of our own making.
    fn content_type(&self) -> &'static str {
        if self.stream { sse::framing(self.call.dialect).content_type() } else { "application/json" }
    }

    fn written(&self, completion: &flash::Completion, usage: Usage) -> (Bytes, &'static str) {
        let suggested = completion.suggestion.as_ref();
        let suggestion = Suggestion {
            record: self.call.record,
            created: self.call.arrived,
            model: completion.version.clone(),
            text: suggested.map(|suggested| suggested.text.clone()),
            confidence: completion.confidence,
            citations: serde_json::json!(suggested.map_or(&[][..], |suggested| &suggested.citations[..])),
            usage,
        };
        let spoken = fim_dialogue(self.call.dialect).and_then(|spoken| {
            let prompt = spoken.read_fim(&self.call.body).ok()?;
            Some(spoken.write_suggestion(&prompt, &suggestion))
        });
        (spoken.unwrap_or_default().into(), self.content_type())
    }

    /// A provider's whole answer, passed on byte for byte.
    async fn whole(mut self, Whole { head, body, answer, .. }: Whole, client: Client) {
        let outcome = self.serve(answer.served_model.as_deref());
        let mut ending = Ending::new(outcome, self.reason).answer(&self.name, answer);
        if outcome == Outcome::Succeeded && emitted::may_be_code(self.begun.intent.task) {
            ending.said = emitted::said(self.call.dialect, &body);
        }
        if outcome == Outcome::Failed {
            ending = ending.error("the provider answered with an error, which was passed on");
        }
        self.finish(ending, head, body, client).await;
    }

    /// A provider's stream: everything but its end goes out as it comes, and the end once it is on record.
    async fn stream(mut self, upstreamed: Upstreamed, under_way: Option<UnderWay>, client: Client) {
        let begun = self.begun.durable().await;
        let on_record = begun.is_ok();
        if let Err(error) = begun.or_else(|error| tolerate(self.state, error)) {
            return client.answer(unrecorded(self.call.dialect, &error));
        }
        let (failed_at_once, framing) = (upstreamed.failure().is_some(), upstreamed.framing());
        let (mut head, mut sent) = (self.mark(upstreamed.head(), on_record), self.sent());
        if self.call.wants_array() {
            head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(Array::CONTENT_TYPE));
            sent = sent.in_array();
        }
        let first_byte = Some(self.state.clock.now());
        let mut client = client.begin(head);
        let is_heard = emitted::may_be_code(self.begun.intent.task);
        let relayed = upstreamed.relay(&mut client, sent, is_heard).await;
        self.ended(&relayed, failed_at_once);
        self.settle(&relayed, under_way);
        let Relayed { outcome, mut answer, said, last, error, mut sent } = relayed;
        if outcome != Outcome::Succeeded && answer.finish.is_none() {
            // What a provider counts at the start of a stream says nothing of a stream cut short.
            (answer.usage.output, answer.usage.reasoning) = (None, None);
        }
        let end = sent.ending();
        let last = last.map(&end);
        sent.add(last.as_deref().unwrap_or_default());
        let mut ending = Ending::new(outcome, self.reason).answer(&self.name, answer).sent(sent);
        (ending.first_byte, ending.said) = (first_byte, Some(said));
        if let Some((_, words)) = error {
            ending = ending.error(words);
        }
        ending.rung = self.rung;
        let recorded = record(self.state, self.call, self.begun, ending.attempts(self.attempts)).await;
        let last = match recorded.or_else(|error| tolerate(self.state, error)) {
            Ok(()) => last,
            Err(error) => {
                let message = format!("the answer's end could not be recorded: {error}");
                let fault = Fault { kind: ErrorKind::Unavailable, code: "ledger_unavailable", message };
                error_end(framing, self.call.dialect, &fault).map(end)
            }
        };
        client.finish(last).await;
    }

    /// Brings the attempt up to date with how its stream ended.
    fn ended(&mut self, relayed: &Relayed, failed_at_once: bool) {
        if let Some(attempt) = self.attempts.get_mut(self.at) {
            attempt.ended = self.state.clock.now();
            attempt.outcome = relayed.outcome;
            let error = relayed.error.map(|(failure, _)| failure.cause.to_string());
            // What its gates had to say stays.
            attempt.error = error.or(attempt.error.take());
            attempt.next = if relayed.outcome == Outcome::Succeeded { Next::Done } else { Next::Exhausted };
        }
        self.serve(relayed.answer.served_model.as_deref());
        if let Some(attempt) = self.attempts.get_mut(self.at) {
            attempt.served &= !failed_at_once;
        }
    }

    /// Notes what a stream's end says of its deployment, and of where its session is.
    fn settle(&self, relayed: &Relayed, under_way: Option<UnderWay>) {
        let Some(under_way) = under_way else { return };
        let now = self.state.clock.now();
        let says = match relayed.error {
            None => Verdict::Good,
            Some((failure, _)) if relayed.outcome != Outcome::Cancelled => Verdict::Bad(failure),
            Some(_) => Verdict::Unknown,
        };
        under_way.settle(says, now);
    }

    /// Records a whole answer and then sends it.
    async fn finish(self, ending: Ending, head: Head, body: Bytes, client: Client) {
        let mut sent = self.sent();
        sent.add(&body);
        let dialect = self.call.dialect;
        let marked = [true, false].map(|on_record| self.mark(&head, on_record));
        let ending = Ending { rung: self.rung, ..ending }.attempts(self.attempts).sent(sent);
        let recorded = record(self.state, self.call, self.begun, ending).await;
        let [on_record, off_record] = marked;
        let head = if recorded.is_ok() { on_record } else { off_record };
        match recorded.or_else(|error| tolerate(self.state, error)) {
            Ok(()) => client.answer(head.with(Body::from(body))),
            Err(error) => client.answer(unrecorded(dialect, &error)),
        }
    }

    fn sent(&self) -> Sent {
        let keep = self.state.config.ledger.payloads == Payloads::Keep;
        Sent::new(&self.call.salt, keep.then_some(&self.state.bodies))
    }

    /// Marks the last attempt as the one that answered, unless an error is all it gave, and returns how it went.
    fn serve(&mut self, served_model: Option<&str>) -> Outcome {
        let Some(attempt) = self.attempts.get_mut(self.at) else { return Outcome::Failed };
        attempt.served = attempt.outcome != Outcome::Failed;
        attempt.served_model = served_model.map(shortened).or(attempt.served_model.take());
        attempt.outcome
    }

    fn model(&self) -> Option<String> {
        self.attempts.get(self.at).map(|attempt| attempt.model.clone())
    }

    fn mark(&self, head: &Head, on_record: bool) -> Head {
        head.clone().marked(on_record.then_some(self.call.record), self.model().as_deref(), self.reason)
    }
}

fn sources(completion: &flash::Completion) -> Vec<Source> {
    let citations = completion.suggestion.iter().flat_map(|suggestion| &suggestion.citations);
    citations
        .map(|citation| Source {
            path: citation.path.clone(),
            line: citation.line,
            commit: citation.commit.clone(),
            licence: citation.licence.clone(),
        })
        .collect()
}
