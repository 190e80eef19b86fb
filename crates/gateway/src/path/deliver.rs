//! Delivery: the answer goes to the client, and its record is whole before its last byte leaves.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use waymark_flash as flash;
use waymark_ledger::{Attempt, Commitment, Completion, Entry, Source};
use waymark_protocol::{Answer, ErrorKind, Fault, Suggestion};
use waymark_store::Payload;
use waymark_types::{Next, Outcome, Usage};

use super::attempt::{Reached, Tried, Whole};
use super::{Call, tolerate, unrecorded};
use crate::config::Payloads;
use crate::recorder::RecorderError;
use crate::relay::{Client, Head, Sent, Upstreamed, error_response};
use crate::state::State;

/// How a record ends. The model facts are filled in from the attempts.
pub(super) struct Ending {
    pub(super) outcome: Outcome,
    pub(super) reason: String,
    pub(super) attempts: Vec<Attempt>,
    pub(super) answer: Answer,
    /// The configured name of the model that answered, whose price counts.
    pub(super) model: Option<String>,
    pub(super) response: Option<Commitment>,
    pub(super) kept: Option<Vec<u8>>,
    pub(super) sources: Vec<Source>,
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
            response: None,
            kept: None,
            sources: Vec::new(),
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
        Self { response: Some(response), kept, ..self }
    }
}

/// Records how a request ended and waits until that is durable.
pub(super) async fn record(state: &State, call: &Call, ending: Ending) -> Result<(), RecorderError> {
    let price = ending.model.and_then(|model| state.snapshot.policy.models.get(&model)?.price);
    let served = ending.attempts.iter().find(|attempt| attempt.served);
    let last = served.or(ending.attempts.last());
    let completion = Completion {
        record: call.record,
        ended: state.clock.now(),
        outcome: ending.outcome,
        reason: ending.reason,
        provider: served.map(|attempt| attempt.provider.clone()),
        resolved_model: last.map(|attempt| attempt.model.clone()),
        served_model: served.and_then(|attempt| attempt.served_model.clone()),
        usage: ending.answer.usage,
        cost_micro_usd: price.and_then(|price| price.cost(&ending.answer.usage)),
        response: ending.response,
        sources: ending.sources,
        error: ending.error,
        attempts: ending.attempts,
    };
    let payload = ending.kept.map(|body| Payload::Response { record: call.record, body });
    let pending = state.recorder.append(Entry::Completion(completion), payload).await?;
    pending.durable().await
}

/// The delivery of one answer.
pub(super) struct Delivery<'a> {
    pub(super) state: &'a State,
    pub(super) call: &'a Call,
    pub(super) stream: bool,
    pub(super) reason: &'a str,
    /// The configured name of the model tried last.
    pub(super) name: String,
    pub(super) attempts: Vec<Attempt>,
}

/// Delivers what the attempts came to.
pub(super) async fn deliver(delivery: Delivery<'_>, tried: Tried, client: Client) {
    match tried.reached {
        Reached::Nothing(fault) => delivery.fault(fault, client).await,
        Reached::Suggestion(completion) => delivery.suggestion(&completion, client).await,
        Reached::Whole(whole) => delivery.whole(*whole, client).await,
        Reached::Stream(upstreamed) => delivery.stream(*upstreamed, client).await,
    }
}

impl Delivery<'_> {
    /// No upstream answered: the client gets an error of our own.
    async fn fault(self, fault: Fault, client: Client) {
        let timed_out = fault.kind == ErrorKind::Timeout;
        let outcome = if timed_out { Outcome::TimedOut } else { Outcome::Failed };
        let body = waymark_protocol::error_body(self.call.dialect, &fault);
        let (record, model) = (self.call.record, self.model());
        let response = error_response(self.call.dialect, &fault, Some(record), model.as_deref());
        let ending = Ending::new(outcome, fault.code).error(&fault.message);
        self.finish(ending, &body, response, client).await;
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
        let head = self.mark(Head::new(200, content_type));
        let response = head.with(Body::from(body.clone()));
        self.finish(ending, &body, response, client).await;
    }

    fn written(&self, completion: &flash::Completion, usage: Usage) -> (Bytes, &'static str) {
        let suggested = completion.suggestion.as_ref();
        let suggestion = Suggestion {
            record: self.call.record,
            created: self.call.arrived,
            model: completion.version.clone(),
            text: suggested.map(|suggested| suggested.text.clone()),
            confidence: completion.confidence,
            citations: suggested.map_or(&[][..], |suggested| &suggested.citations[..]),
            usage,
        };
        if self.stream {
            (waymark_protocol::completion_events(&suggestion).into(), "text/event-stream")
        } else {
            (waymark_protocol::completion_body(&suggestion).into(), "application/json")
        }
    }

    /// A provider's whole answer, passed on byte for byte.
    async fn whole(mut self, Whole { head, body, answer }: Whole, client: Client) {
        let outcome = self.serve(answer.served_model.clone());
        let ending = Ending::new(outcome, self.reason);
        let ending = match &answer.error {
            Some(error) => ending.error(error),
            None => ending,
        };
        let ending = ending.answer(&self.name, answer);
        let response = self.mark(head).with(Body::from(body.clone()));
        self.finish(ending, &body, response, client).await;
    }

    /// A provider's stream: everything but its end goes out as it comes, and the end once it is on record.
    async fn stream(mut self, upstreamed: Upstreamed, client: Client) {
        let mut client = client.begin(self.mark(upstreamed.head().clone()));
        let sent = Sent::new(&self.call.salt, self.state.config.ledger.payloads == Payloads::Keep);
        let mut relayed = upstreamed.relay(&mut client, sent).await;
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.ended = self.state.clock.now();
            attempt.outcome = relayed.outcome;
            attempt.error = relayed.error.as_ref().map(|(code, _)| code.clone());
            attempt.next = if relayed.outcome == Outcome::Succeeded { Next::Done } else { Next::Exhausted };
        }
        self.serve(relayed.answer.served_model.clone());
        relayed.sent.add(&relayed.last);
        let mut ending = Ending::new(relayed.outcome, self.reason)
            .answer(&self.name, relayed.answer)
            .attempts(self.attempts)
            .sent(relayed.sent);
        if let Some((_, message)) = relayed.error {
            ending = ending.error(&message);
        }
        let recorded = record(self.state, self.call, ending).await;
        let last = match recorded.or_else(|error| tolerate(self.state, error)) {
            Ok(()) => relayed.last,
            Err(error) => {
                let message = format!("the answer's end could not be recorded: {error}");
                let fault = Fault { kind: ErrorKind::Unavailable, code: "ledger_unavailable", message };
                waymark_protocol::error_event(self.call.dialect, &fault).into()
            }
        };
        client.send(last).await;
    }

    /// Records a whole answer and then sends it.
    async fn finish(self, ending: Ending, body: &[u8], response: Response, client: Client) {
        let mut sent = Sent::new(&self.call.salt, self.state.config.ledger.payloads == Payloads::Keep);
        sent.add(body);
        let recorded = record(self.state, self.call, ending.attempts(self.attempts).sent(sent)).await;
        match recorded.or_else(|error| tolerate(self.state, error)) {
            Ok(()) => client.answer(response),
            Err(error) => client.answer(unrecorded(self.call.dialect, &error)),
        }
    }

    /// Marks the last attempt as the one that answered, unless an error is all it gave, and returns how it went.
    fn serve(&mut self, served_model: Option<String>) -> Outcome {
        let Some(attempt) = self.attempts.last_mut() else { return Outcome::Failed };
        attempt.served = attempt.outcome != Outcome::Failed;
        attempt.served_model = served_model.or(attempt.served_model.take());
        self.state.health.note(&self.name, attempt.outcome, attempt.error.as_deref(), attempt.ended);
        attempt.outcome
    }

    fn model(&self) -> Option<String> {
        self.attempts.last().map(|attempt| attempt.model.clone())
    }

    fn mark(&self, head: Head) -> Head {
        head.marked(Some(self.call.record), self.model().as_deref(), self.reason)
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
