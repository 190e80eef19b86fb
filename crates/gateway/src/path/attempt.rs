//! Attempts: one upstream call after another until one answers or none is left.

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use waymark_flash::{Completion, CompletionRequest};
use waymark_ledger::Attempt;
use waymark_protocol::{Answer, ErrorKind, Fault, Request, sse};
use waymark_routing::{Plan, Step};
use waymark_types::{Next, Outcome, ProviderKind, Timestamp};

use super::Call;
use super::begun::Begun;
use super::convert;
use super::shortened;
use crate::bodies::{Excess, Gathered};
use crate::config::ProviderConfig;
use crate::relay::{Dialects, Head, Upstreamed};
use crate::state::State;
use crate::upstream::{self, CallError, STALL_TIMEOUT, Target};

/// What an attempt came to.
pub(super) enum Reached {
    /// A whole answer, be it an error.
    Whole(Box<Whole>),
    /// A stream whose first event is here.
    Stream(Box<Upstreamed>),
    /// The embedded model's word.
    Suggestion(Box<Completion>),
    /// Nothing was to be written, and so nobody was asked.
    WarmedUp,
    /// No answer.
    Nothing(Fault),
}

/// A whole answer of a provider.
pub(super) struct Whole {
    pub(super) head: Head,
    pub(super) body: Bytes,
    pub(super) answer: Answer,
}

impl Whole {
    /// Whether it is an error, be it one under a status that claims success.
    pub(super) fn failed(&self) -> bool {
        !self.head.status.is_success() || self.answer.error.is_some()
    }
}

/// What the attempts came to.
pub(super) struct Tried {
    pub(super) reached: Reached,
    /// The configured name of the model tried last.
    pub(super) name: String,
    /// How the plan arrived at it.
    pub(super) arrival: Next,
}

/// Tries the plan's steps in order. `log` holds every attempt from the moment it begins, so that one which is
/// cancelled is on record too.
pub(super) async fn attempts(
    state: &State,
    call: &Call,
    request: &Request,
    plan: &Plan,
    begun: &mut Option<Begun>,
    log: &mut Vec<Attempt>,
) -> Tried {
    let mut steps = plan.steps.iter().peekable();
    while let Some(step) = steps.next() {
        if !state.config.providers.get(&step.provider).is_some_and(is_embedded)
            && let Some(held) = begun.take()
        {
            *begun = Some(held.send(&state.recorder).await);
        }
        let started = state.clock.now();
        log.push(provisional(step, started));
        let (mut attempt, reached) = once(state, call, request, step, started).await;
        let next = steps.peek().filter(|_| goes_elsewhere(&reached)).map(|next| next.arrival);
        attempt.next = match (next, attempt.outcome) {
            (Some(next), _) => next,
            (None, Outcome::Declined) => Next::Done,
            (None, _) if goes_elsewhere(&reached) => Next::Exhausted,
            (None, _) => Next::Done,
        };
        if next.is_some() || matches!(reached, Reached::Nothing(_)) {
            state.health.note(&step.name, attempt.outcome, attempt.error.as_deref(), attempt.ended);
        }
        log.pop();
        log.push(attempt);
        if next.is_none() {
            return Tried { reached, name: step.name.clone(), arrival: step.arrival };
        }
    }
    let message = "the plan had no steps".to_owned();
    let fault = Fault { kind: ErrorKind::Unavailable, code: "empty_plan", message };
    Tried { reached: Reached::Nothing(fault), name: String::new(), arrival: Next::Done }
}

/// An attempt as it stands until it ends, and for good when it is cancelled.
fn provisional(step: &Step, started: Timestamp) -> Attempt {
    Attempt {
        provider: step.provider.clone(),
        model: step.model.clone(),
        served_model: None,
        started,
        ended: started,
        status: None,
        outcome: Outcome::Cancelled,
        error: Some("cancelled".to_owned()),
        next: Next::Exhausted,
        served: false,
        converted: None,
        lost: Vec::new(),
    }
}

/// Whether the next step should be tried instead of answering with this.
fn goes_elsewhere(reached: &Reached) -> bool {
    match reached {
        Reached::Nothing(_) => true,
        Reached::WarmedUp => false,
        Reached::Suggestion(completion) => completion.suggestion.is_none(),
        Reached::Stream(upstreamed) => upstreamed.failed_at_once(),
        // A request the provider calls wrong is wrong elsewhere too; everything else may go better there.
        Reached::Whole(whole) => whole.failed() && !matches!(whole.head.status.as_u16(), 400 | 413 | 422),
    }
}

fn is_embedded(provider: &ProviderConfig) -> bool {
    provider.kind == ProviderKind::Embedded
}

/// Makes one attempt. Its `next` is settled by the caller, and the end of a stream by the relay.
async fn once(
    state: &State,
    call: &Call,
    request: &Request,
    step: &Step,
    started: Timestamp,
) -> (Attempt, Reached) {
    let mut lost = Vec::new();
    let reached = match state.config.providers.get(&step.provider) {
        // Elsewhere it would be an answer, and be paid for.
        Some(provider) if request.warm_up && (is_embedded(provider) || step.dialect != call.dialect) => {
            Reached::WarmedUp
        }
        Some(provider) if is_embedded(provider) => Reached::Suggestion(Box::new(suggest(state, request))),
        Some(provider) => call_upstream(state, call, request, step, provider, &mut lost)
            .await
            .unwrap_or_else(|error| Reached::Nothing(as_fault(&error))),
        None => {
            let problem = "it is not configured";
            let error = CallError::Misconfigured { provider: step.provider.clone(), problem };
            Reached::Nothing(as_fault(&error))
        }
    };
    let converted = (step.dialect != call.dialect).then_some(step.dialect);
    let attempt = Attempt { ended: state.clock.now(), converted, lost, ..provisional(step, started) };
    (describe(attempt, &reached), reached)
}

fn suggest(state: &State, request: &Request) -> Completion {
    let (prefix, suffix, path, max_tokens) = match &request.fim {
        Some(fim) => (fim.prefix.as_str(), fim.suffix.as_str(), fim.path.as_deref(), fim.max_tokens),
        None => ("", "", None, None),
    };
    let threshold = state.config.flash_threshold;
    state.flash.complete(&CompletionRequest { prefix, suffix, path, threshold, max_tokens })
}

async fn call_upstream(
    state: &State,
    call: &Call,
    request: &Request,
    step: &Step,
    provider: &ProviderConfig,
    lost: &mut Vec<String>,
) -> Result<Reached, CallError> {
    let mut headers = upstream::to_upstream(&call.headers);
    let (conversion, body) = if step.dialect == call.dialect {
        let body = request.body_for(&step.model);
        (None, waymark_protocol::without_foreign(call.dialect, &body).unwrap_or(body))
    } else {
        let created = call.arrived.as_micros() / 1_000_000;
        match convert::cross(request, step.dialect, provider.flavour(), &step.model, created) {
            Ok(crossed) => {
                *lost = crossed.lost;
                headers = upstream::across(&headers, step.dialect);
                (Some(crossed.conversion), crossed.body)
            }
            Err(fault) => return Ok(Reached::Nothing(fault)),
        }
    };
    let target = Target {
        dialect: step.dialect,
        model: &step.model,
        stream: request.stream,
        method: call.method.filter(|_| conversion.is_none()),
        query: call.query.as_deref().filter(|_| conversion.is_none()),
    };
    let response = state.upstreams.call(&step.provider, provider, target, headers, body).await?;
    let mut head = Head { status: response.status(), headers: upstream::to_client(response.headers()) };
    let mut chunks = response.bytes_stream();
    let no_answer = |problem| CallError::NoAnswer { provider: step.provider.clone(), problem };
    if let Some(framing) = head.framing(step.dialect).filter(|_| head.status.is_success()) {
        let dialects = Dialects { client: call.dialect, provider: step.dialect };
        let mut converter = None;
        if let Some(conversion) = &conversion {
            head = Head::new(200, conversion.stream_type());
            converter = Some(conversion.stream().ok_or_else(|| no_answer("it streams what comes whole"))?);
        }
        let mut upstreamed =
            Upstreamed::new(head, dialects, framing, converter, chunks.boxed(), step.provider.clone());
        upstreamed.first_event().await?;
        return Ok(Reached::Stream(Box::new(upstreamed)));
    }
    if head.status.is_redirection() {
        return Err(no_answer("it redirects elsewhere"));
    }
    let body = whole_body(state.bodies.begin(), &mut chunks, &step.provider).await?;
    if head.status.is_success() && !is_json_object(&body) {
        return Err(no_answer("its answer is no JSON object"));
    }
    let mut answer = Answer::default();
    answer.read_body(step.dialect, &body);
    let Some(conversion) = conversion else {
        return Ok(Reached::Whole(Box::new(Whole { head, body, answer })));
    };
    let status = head.status.as_u16();
    let converted = match head.status.is_success() && answer.error.is_none() {
        true => conversion.reply(&body).ok_or_else(|| no_answer("its answer cannot be read"))?,
        false => conversion.error(status, &body),
    };
    let head = Head::new(status, "application/json");
    Ok(Reached::Whole(Box::new(Whole { head, body: converted.into(), answer })))
}

async fn whole_body(
    mut body: Gathered,
    chunks: &mut (impl Stream<Item = reqwest::Result<Bytes>> + Unpin),
    provider: &str,
) -> Result<Bytes, CallError> {
    let too_large = |excess: Excess| {
        let problem = match excess {
            Excess::Alone => "its answer is too large",
            Excess::Together => "there is no memory left for its answer",
        };
        CallError::NoAnswer { provider: provider.to_owned(), problem }
    };
    loop {
        match tokio::time::timeout(STALL_TIMEOUT, chunks.next()).await {
            Ok(Some(Ok(chunk))) => body.add(&chunk).map_err(too_large)?,
            Ok(Some(Err(error))) => return Err(CallError::from_transfer(provider, &error)),
            Ok(None) => return Ok(body.finish()),
            Err(_) => return Err(CallError::TimedOut(provider.to_owned())),
        }
    }
}

/// Whether a body is one whole JSON object, as every answer of every dialect is.
fn is_json_object(body: &[u8]) -> bool {
    let whole = serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
    whole && body.trim_ascii_start().first() == Some(&b'{')
}

fn as_fault(error: &CallError) -> Fault {
    let kind = match error {
        CallError::TimedOut(_) => ErrorKind::Timeout,
        CallError::Connect(_)
        | CallError::BrokeOff(_)
        | CallError::NoAnswer { .. }
        | CallError::Misconfigured { .. } => ErrorKind::Upstream,
    };
    Fault { kind, code: error.code(), message: error.to_string() }
}

/// What the ledger says of an attempt that has ended.
fn describe(attempt: Attempt, reached: &Reached) -> Attempt {
    let failed = |outcome, error: &str| (outcome, Some(error.to_owned()));
    let (outcome, error) = match reached {
        Reached::Whole(whole) if !whole.head.status.is_success() => {
            failed(Outcome::Failed, &format!("http_{}", whole.head.status.as_u16()))
        }
        Reached::Whole(whole) if whole.failed() => failed(Outcome::Failed, "error_in_answer"),
        Reached::Stream(stream) if stream.failed_at_once() => failed(Outcome::StreamFailed, "error_event"),
        Reached::Suggestion(completion) if completion.suggestion.is_none() => (Outcome::Declined, None),
        Reached::Nothing(fault) if fault.kind == ErrorKind::Timeout => failed(Outcome::TimedOut, fault.code),
        Reached::Nothing(fault) => failed(Outcome::Failed, fault.code),
        Reached::Whole(_) | Reached::Stream(_) | Reached::Suggestion(_) | Reached::WarmedUp => {
            (Outcome::Succeeded, None)
        }
    };
    let (status, served_model) = match reached {
        Reached::Whole(whole) => (Some(whole.head.status.as_u16()), whole.answer.served_model.clone()),
        Reached::Stream(stream) => (Some(stream.head().status.as_u16()), None),
        Reached::Suggestion(completion) => (None, Some(completion.version.clone())),
        Reached::WarmedUp | Reached::Nothing(_) => (None, None),
    };
    // The embedded model is named by its corpus, which is known only now.
    let model = match reached {
        Reached::Suggestion(completion) => completion.version.clone(),
        _ => attempt.model,
    };
    let served_model = served_model.as_deref().map(shortened);
    Attempt { outcome, error, status, served_model, model, ..attempt }
}

/// A stream's first event, read before anything is promised to the client.
impl Upstreamed {
    async fn first_event(&mut self) -> Result<(), CallError> {
        while self.pending.is_empty() {
            if !self.pull().await? {
                let broke_off = || CallError::BrokeOff(self.provider().to_owned());
                return self.may_be_empty().then_some(()).ok_or_else(broke_off);
            }
            self.split()?;
        }
        Ok(())
    }

    /// Cuts what has arrived into whole events.
    pub(crate) fn split(&mut self) -> Result<(), CallError> {
        loop {
            match self.splitter.next_event() {
                Ok(Some(event)) => self.pending.push_back(event),
                Ok(None) => return Ok(()),
                Err(sse::EventTooLarge) => return Err(CallError::BrokeOff(self.provider().to_owned())),
            }
        }
    }
}
