//! The way of a request, top to bottom:
//!
//! parse → identify → classify → inspect → admit → decide → reserve → record intent → attempt → stream → record completion

mod attempt;
mod begun;
mod content;
pub(crate) mod convert;
pub(crate) mod count;
mod deadline;
mod decided;
mod deliver;
pub(crate) mod emitted;
pub(crate) mod gate;
mod identify;
mod observe;
mod task;
mod worktree;

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use bytes::Bytes;
use waymark_ledger::commitment::{self, Salt};
use waymark_ledger::{Attempt, Decision, Intent, PlannedAttempt};
use waymark_protocol::gemini::Array;
use waymark_protocol::{Addressed, ErrorKind, Fault, Request};
use waymark_routing::{POLICY, Plan, Refusal};
use waymark_types::{Cause, Dialect, Next, Outcome, RecordId, Task, Timestamp};

use crate::config::{OnFailure, Payloads};
use crate::limits::{self, Refused};
use crate::recorder::{Payload, Unrecorded};
use crate::relay::Client;
use crate::state::State;
use attempt::Tried;
use begun::Begun;
use content::Unread;
pub(crate) use decided::{Explained, explained};
use deliver::{Delivery, Ending};
use identify::Caller;
pub(crate) use identify::{DERIVED, SessionKey, identify, recognise, shortened};

/// A request as it came off the wire.
pub(crate) struct Call {
    pub(crate) dialect: Dialect,
    pub(crate) query: Option<String>,
    /// What the endpoint does, where a dialect has several.
    pub(crate) method: Option<&'static str>,
    /// What the address says that the body does not.
    pub(crate) addressed: Addressed,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The body without the secrets that a content rule took out of it: what is sent on and kept in its place.
    pub(crate) redacted: Option<Bytes>,
    pub(crate) arrived: Timestamp,
    pub(crate) record: RecordId,
    pub(crate) salt: Salt,
}

impl Call {
    /// The body that may leave this server and be kept.
    fn kept(&self) -> &Bytes {
        self.redacted.as_ref().unwrap_or(&self.body)
    }

    /// Whether a stream leaves as one JSON array, as Gemini's does for those who do not ask for events.
    fn wants_array(&self) -> bool {
        self.dialect == Dialect::Gemini && Array::is_wanted(self.query.as_deref())
    }
}

/// Answers one request. Every return has told the client something, or found it gone.
pub(crate) async fn answer(state: &Arc<State>, mut call: Call, client: Client) {
    let (secrets, redacted) = content::secrets(&state.content, &call.body);
    // Before anything else: what is refused may be kept as well.
    call.redacted = redacted;
    let mut caller = identify(&call.headers, state.config.listen);
    if let Some(barred) = recognise(state, &call.headers, call.query.as_deref(), &mut caller) {
        return refuse(state, &call, &caller, None, barred, client).await;
    }
    let request = match content::parse(call.dialect, &call.body, call.redacted.as_ref(), &call.addressed) {
        Ok(request) => request,
        Err(unread) => return refuse_unread(state, &call, &caller, unread, client).await,
    };
    if let Err(fault) = deadline::asked(&call.headers) {
        return refuse(state, &call, &caller, None, fault, client).await;
    }
    let classified = task::classify(&request, &call.headers);
    caller.session = identify::session(&caller, &request, classified.task, &state.session_key);
    caller.repository = identify::repository(&caller, &request, state.config.listen);
    let repository = caller.repository.as_deref();
    let findings = content::inspect(&state.content, &call.headers, repository, &request, &secrets);
    let asked = Some((&request, classified.task));
    let Ok(_entered) = state.door.enter().await else {
        return refuse(state, &call, &caller, asked, busy(), client).await;
    };
    match admit(state).await {
        Ok(()) => {}
        Err(Objection::Fault(fault)) => {
            return refuse(state, &call, &caller, asked, fault, client).await;
        }
        Err(Objection::Ledger(error)) => return client.answer(unrecorded(call.dialect, &error)),
    }
    if call.method.is_some_and(count::counts) {
        return count::count(state, &call, &caller, &request, findings, client).await;
    }
    let decided = decided::decide(state, &call, &caller, &request, (classified, findings)).await;
    let (plan, decision) = match decided {
        Ok(decided) => decided,
        Err(refusal) => return refuse_decided(state, &call, &caller, asked, refusal, client).await,
    };
    let key = caller.key.as_deref();
    let hold = match limits::admit(state, call.record, call.arrived, key, &request, &plan).await {
        Ok(hold) => hold,
        Err(refused) => return refuse(state, &call, &caller, asked, refused, client).await,
    };
    let planned = planned(&plan);
    let begun = begin(state, &call, intent(&call, &caller, asked, decision, planned)).holding(hold);
    attempt_and_deliver(state, &call, &request, &plan, begun, client).await;
}

/// As many requests are answered as may be.
fn busy() -> Refused {
    let message = "as many requests are answered here as may be at a time; ask again in a moment, or allow more of \
                   them with `server.max_concurrent`";
    let fault = fault(ErrorKind::Unavailable, Cause::AtCapacity.as_str(), message.to_owned());
    Refused { fault, retry_after: Some(1) }
}

/// Why a request is not taken.
enum Objection {
    /// It is refused, and that can be recorded.
    Fault(Fault),
    /// Nothing can be recorded.
    Ledger(Unrecorded),
}

/// Whether the server takes the request at all.
async fn admit(state: &State) -> Result<(), Objection> {
    if state.answers.is_closed() {
        let message = "this Waymark is shutting down; ask again in a moment".to_owned();
        return Err(Objection::Fault(fault(ErrorKind::Unavailable, "shutting_down", message)));
    }
    // A ledger that failed last is tried before an upstream is paid for an answer nobody may get.
    let writable = state.recorder.recover().await;
    writable.or_else(|error| tolerate(state, error)).map_err(Objection::Ledger)
}

/// Makes the attempts and delivers what they came to.
async fn attempt_and_deliver(
    state: &Arc<State>,
    call: &Call,
    request: &Request,
    plan: &Plan,
    begun: Begun,
    mut client: Client,
) {
    let Some((begun, attempts, tried)) = attempt(state, call, request, plan, begun, &mut client).await else {
        return;
    };
    let reason = match tried.arrival {
        Next::Fallback => "fallback",
        Next::Escalate => "escalated",
        Next::Descend => "descended",
        Next::Done | Next::Retry | Next::Hedge | Next::Exhausted => plan.reason,
    };
    let (name, rung, at) = (tried.name.clone(), plan.rung_of(&tried.name), tried.at);
    let delivery = Delivery { state, call, stream: request.stream, reason, name, rung, begun, attempts, at };
    deliver::deliver(delivery, tried, client).await;
}

/// Makes the attempts, with the intent's write overlapping them; `None` when the client went away, which is on record.
async fn attempt(
    state: &State,
    call: &Call,
    request: &Request,
    plan: &Plan,
    begun: Begun,
    client: &mut Client,
) -> Option<(Begun, Vec<Attempt>, Tried)> {
    let (mut begun, mut attempts) = (Some(begun), Vec::new());
    let tried = tokio::select! {
        tried = attempt::attempts(state, call, request, plan, &mut begun, &mut attempts) => Some(tried),
        () = client.gone() => None,
    };
    // The intent is gone from here only if this future was dropped while handing it over, and so is the client.
    let begun = begun?;
    if let Some(tried) = tried {
        return Some((begun, attempts, tried));
    }
    cancelled(state, call, plan, begun, attempts).await;
    None
}

/// The client went away before anything had left.
async fn cancelled(state: &State, call: &Call, plan: &Plan, begun: Begun, mut attempts: Vec<Attempt>) {
    for attempt in attempts.iter_mut().filter(|attempt| attempt::is_open(attempt)) {
        attempt.ended = state.clock.now();
    }
    let ending =
        Ending::new(Outcome::Cancelled, plan.reason).attempts(attempts).error("the client went away");
    if let Err(error) = deliver::record(state, call, begun, ending).await {
        tracing::warn!(record = %call.record, %error, "could not record a cancelled request");
    }
}

/// What a ledger that cannot write means for the answer: an error, unless serving on is configured.
fn tolerate(state: &State, error: Unrecorded) -> Result<(), Unrecorded> {
    match state.config.ledger.on_failure {
        OnFailure::Refuse => Err(error),
        OnFailure::Serve => {
            tracing::error!("{error}; answering without a record, as `ledger.on_failure = \"serve\"` says");
            Ok(())
        }
    }
}

/// The answer in the place of one that could not be recorded.
fn unrecorded(dialect: Dialect, error: &Unrecorded) -> axum::response::Response {
    let message = format!("no answer is given while it cannot be recorded: {error}");
    let fault = fault(ErrorKind::Unavailable, "ledger_unavailable", message);
    crate::relay::error_response(dialect, &fault, None, None)
}

async fn refuse_decided(
    state: &State,
    call: &Call,
    caller: &Caller,
    asked: Option<(&Request, Task)>,
    refusal: Refusal,
    client: Client,
) {
    let kind = if refusal.client_error { ErrorKind::InvalidRequest } else { ErrorKind::Unavailable };
    let decision = Decision {
        route: refusal.route,
        policy: POLICY.to_owned(),
        reason: refusal.reason.to_owned(),
        reasons: refusal.reasons,
        snapshot: state.snapshot.digest.clone(),
        ladder: None,
        shadow: None,
    };
    let fault = fault(kind, refusal.reason, refusal.message);
    let (words, intent) = (fault.message.clone(), intent(call, caller, asked, decision, Vec::new()));
    record_refusal(state, call, intent, fault, &words, None, client).await;
}

/// Refuses before any decision, and says from when on to ask again where that is known.
async fn refuse(
    state: &State,
    call: &Call,
    caller: &Caller,
    asked: Option<(&Request, Task)>,
    refused: impl Into<Refused>,
    client: Client,
) {
    let Refused { fault, retry_after } = refused.into();
    let words = fault.message.clone();
    let intent = intent(call, caller, asked, undecided(state, fault.code), Vec::new());
    record_refusal(state, call, intent, fault, &words, retry_after, client).await;
}

/// Refuses what cannot be read. The record says where, and holds none of the request's own words.
async fn refuse_unread(state: &State, call: &Call, caller: &Caller, unread: Unread, client: Client) {
    let (code, error, message) = match unread {
        Unread::NoRequest(error) => ("bad_request", error.place(), error.to_string()),
        Unread::Taken(error) => {
            let message =
                format!("a content rule takes a secret out of this request, and then {error}; leave it out");
            ("content_rule", error.place(), message)
        }
    };
    let fault = fault(ErrorKind::InvalidRequest, code, message);
    let intent = intent(call, caller, None, undecided(state, code), Vec::new());
    record_refusal(state, call, intent, fault, &error, None, client).await;
}

fn undecided(state: &State, reason: &str) -> Decision {
    Decision {
        route: None,
        policy: POLICY.to_owned(),
        reason: reason.to_owned(),
        reasons: Vec::new(),
        snapshot: state.snapshot.digest.clone(),
        ladder: None,
        shadow: None,
    }
}

async fn record_refusal(
    state: &State,
    call: &Call,
    intent: Intent,
    fault: Fault,
    words: &str,
    retry_after: Option<u64>,
    client: Client,
) {
    let body = waymark_protocol::error_body(call.dialect, &fault);
    let mut ending = Ending::new(Outcome::Refused, fault.code).error(words);
    ending.response = Some(commitment::commit(&call.salt, &body));
    let recorded = deliver::record(state, call, begin(state, call, intent), ending).await;
    let record = recorded.is_ok().then_some(call.record);
    match recorded.or_else(|error| tolerate(state, error)) {
        Ok(()) => {
            let mut response = crate::relay::error_response(call.dialect, &fault, record, None);
            response.headers_mut().extend(retry_after.map(|seconds| (header::RETRY_AFTER, seconds.into())));
            client.answer(response);
        }
        Err(error) => client.answer(unrecorded(call.dialect, &error)),
    }
}

fn begin(state: &State, call: &Call, intent: Intent) -> Begun {
    let kept = (state.config.ledger.payloads == Payloads::Keep).then(|| call.kept().clone());
    let payload = Payload::Request { record: call.record, salt: call.salt, body: kept };
    Begun::new(intent, payload)
}

fn intent(
    call: &Call,
    caller: &Caller,
    asked: Option<(&Request, Task)>,
    decision: Decision,
    plan: Vec<PlannedAttempt>,
) -> Intent {
    Intent {
        record: call.record,
        started: call.arrived,
        dialect: call.dialect,
        task: asked.map(|(_, task)| task),
        stream: asked.is_some_and(|(request, _)| request.stream),
        client: caller.client.clone(),
        session: caller.session.clone(),
        repository: caller.repository.clone(),
        principal: caller.principal.clone(),
        key: caller.key.as_ref().map(|key| key.id.clone()),
        requested_model: asked.map(|(request, _)| shortened(&request.model)),
        decision,
        plan,
        request: commitment::commit(&call.salt, &call.body),
        redacted: call.redacted.as_ref().map(|body| commitment::commit(&call.salt, body)),
        salt_sha256: commitment::salt_digest(&call.salt),
    }
}

fn planned(plan: &Plan) -> Vec<PlannedAttempt> {
    let planned = |provider: &String, model: &String| PlannedAttempt {
        provider: provider.clone(),
        model: model.clone(),
    };
    let of_step = |step: &waymark_routing::Step| {
        let others: Vec<_> = step.others.iter().map(|other| planned(&other.provider, &other.model)).collect();
        std::iter::once(planned(&step.provider, &step.model)).chain(others)
    };
    plan.steps.iter().flat_map(of_step).collect()
}

fn fault(kind: ErrorKind, code: &'static str, message: String) -> Fault {
    Fault { kind, code, message }
}
