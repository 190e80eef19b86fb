//! Counting a request's tokens: its provider is asked where that knows how, and else an estimate answers.

use std::sync::Arc;

use waymark_protocol::{ErrorKind, ParseError, Request, count_tokens, gemini};
use waymark_routing::content::Finding;
use waymark_routing::{Features, Plan};
use waymark_types::{Dialect, Task};

use super::attempt::Reached;
use super::decided;
use super::deliver::{self, Delivery};
use super::identify::Caller;
use super::task::Classified;
use super::{Call, begin, fault, intent, planned};
use crate::limits;
use crate::relay::{Client, Head, error_response};
use crate::state::State;

/// What Anthropic's endpoint that counts does.
pub(crate) const COUNT: &str = "count_tokens";
/// What Gemini's does.
pub(crate) const GEMINI_COUNT: &str = "countTokens";

/// Whether an endpoint counts.
pub(super) fn counts(method: &str) -> bool {
    [COUNT, GEMINI_COUNT].contains(&method)
}

/// An estimate in the client's words.
fn estimate(call: &Call) -> Result<Vec<u8>, ParseError> {
    if call.dialect == Dialect::Gemini {
        let prompt = gemini::count_tokens::read(&call.body)?;
        return Ok(gemini::count_tokens::write_answer(count_tokens::estimate(&prompt)));
    }
    Ok(count_tokens::write_answer(count_tokens::estimate(&count_tokens::read(&call.body)?)))
}

/// Answers a request to count. An estimate of our own is no model's answer and has no record; what a provider was sent
/// has one, also when the provider would not count.
pub(super) async fn count(
    state: &Arc<State>,
    call: &Call,
    caller: &Caller,
    request: &Request,
    findings: Vec<Finding>,
    mut client: Client,
) {
    let estimate = match estimate(call) {
        Ok(estimate) => estimate,
        Err(error) => {
            let fault = fault(ErrorKind::InvalidRequest, "bad_request", error.to_string());
            return client.answer(error_response(call.dialect, &fault, None, None));
        }
    };
    let Some(plan) = those_who_count(state, request, findings) else {
        let head = Head::new(200, "application/json").marked(None, None, "estimated");
        return client.answer(head.with(estimate.into()));
    };
    if let Err(fault) = limits::permitted(caller.key.as_deref(), &plan) {
        return client.answer(error_response(call.dialect, &fault, None, None));
    }
    let asked = Some((request, Task::Utility));
    let begun =
        begin(state, call, intent(call, caller, asked, decided::plainly(state, &plan), planned(&plan)));
    let tried = super::attempt(state, call, request, &plan, begun, &mut client).await;
    let Some((begun, attempts, tried)) = tried else { return };
    let (reason, name, at) = (plan.reason, tried.name.clone(), tried.at);
    let delivery = Delivery { state, call, stream: false, reason, name, rung: None, begun, attempts, at };
    match &tried.reached {
        Reached::Whole(whole) if whole.failure.is_none() => deliver::deliver(delivery, tried, client).await,
        _ => delivery.estimate(estimate, client).await,
    }
}

/// The plan's steps whose provider counts in the client's dialect; `None` where there are none.
fn those_who_count(state: &State, request: &Request, findings: Vec<Finding>) -> Option<Plan> {
    let features =
        Features { content: findings, ..decided::features(request, Classified::plainly(Task::Utility)) };
    let mut plan = waymark_routing::decide(&features, &state.snapshot).ok()?;
    plan.steps.retain(|step| step.dialect == request.dialect);
    for step in &mut plan.steps {
        step.others.retain(|other| other.dialect == request.dialect);
    }
    (!plan.steps.is_empty()).then_some(plan)
}
