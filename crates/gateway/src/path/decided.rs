//! The decision, with what it is made of: the request, where its session stands, and the policy.

use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::http::HeaderMap;
use bytes::Bytes;
use waymark_ledger::{Decision, Evidence, Ladder, Shadow, Switch};
use waymark_protocol::{Addressed, ParseError, Request};
use waymark_routing::content::{ContentRules, Finding};
use waymark_routing::{Climb, DependsOn, Features, Needs, POLICY, Plan, Policy, Refusal, Snapshot};
use waymark_types::{Dialect, Task};

use super::Call;
use super::content;
use super::identify::{self, Caller};
use super::observe::{Observed, observe};
use super::task::{self, Classified};
use crate::sessions::{self, Key, Remembered};
use crate::state::State;

/// Decides, and tells the decision as it is recorded.
pub(super) async fn decide(
    state: &State,
    call: &Call,
    caller: &Caller,
    request: &Request,
    (classified, content): (Classified, Vec<Finding>),
) -> Result<(Plan, Decision), Refusal> {
    let mut features = Features { content, ..features(request, classified) };
    let key = match look_into(&mut features, request, &state.snapshot.policy) {
        DependsOn::Nothing => None,
        DependsOn::Standing | DependsOn::Words => key(state, caller, request, classified.task),
    };
    let remembered = match &key {
        Some(key) => {
            let turns = features.conversation.turns();
            state.sessions.recall(state.recorder.store(), key, turns, call.arrived).await
        }
        None => Remembered::default(),
    };
    features.standing = remembered.standing;
    let plan = waymark_routing::decide(&features, &state.snapshot)?;
    let shadow = waymark_routing::shadow(&features, remembered.shadow, &state.snapshot, &plan);
    let thread = key.and_then(|key| key.thread);
    let tell = |climb: &Climb| Box::new(ladder(climb, thread.clone(), &features.needs));
    let decision = Decision {
        ladder: plan.climb.as_ref().map(tell),
        shadow: shadow.map(|(route, decided)| {
            let told = match decided {
                Ok(plan) => Shadow {
                    route,
                    model: plan.steps.first().map(|step| step.name.clone()),
                    reason: plan.reason.to_owned(),
                    ladder: plan.climb.as_ref().map(tell),
                },
                Err(refusal) => {
                    Shadow { route, model: None, reason: refusal.reason.to_owned(), ladder: None }
                }
            };
            Box::new(told)
        }),
        ..plainly(state, &plan)
    };
    Ok((plan, decision))
}

/// A decision that no ladder had a part in.
pub(super) fn plainly(state: &State, plan: &Plan) -> Decision {
    Decision {
        route: plan.route.clone(),
        policy: POLICY.to_owned(),
        reason: plan.reason.to_owned(),
        reasons: plan.reasons.clone(),
        snapshot: state.snapshot.digest.clone(),
        ladder: None,
        shadow: None,
    }
}

/// What can be told of a request without looking into it.
pub(super) fn features(request: &Request, classified: Classified) -> Features {
    let (dialect, shape, Classified { task, rule }) = (request.dialect, task::shape(request), classified);
    Features {
        dialect,
        task,
        rule,
        shape,
        requested_model: request.model.clone(),
        needs: Needs::default(),
        conversation: Arc::default(),
        standing: None,
        content: Vec::new(),
    }
}

/// Looks into a request where the decision depends on what it says, and tells what it depends on.
fn look_into(features: &mut Features, request: &Request, policy: &Policy) -> DependsOn {
    let depends_on = waymark_routing::depends_on(features, policy);
    if depends_on == DependsOn::Words {
        let Observed { needs, conversation } = observe(request, features.task);
        features.needs = needs;
        features.conversation = Arc::new(conversation);
    }
    depends_on
}

/// What the conversation is remembered by; `None` where its client gave it no name. The threads of sub-agents are told
/// apart by how they begin.
fn key(state: &State, caller: &Caller, request: &Request, task: Task) -> Option<Key> {
    let session = caller.session.clone().filter(|session| task.converses() && sessions::is_named(session))?;
    let thread = || state.session_key.name(caller.client.as_deref(), request);
    Some(Key { session, thread: if task == Task::SubagentStep { thread() } else { None } })
}

fn ladder(climb: &Climb, thread: Option<String>, needs: &Needs) -> Ladder {
    let evidence = climb.evidence.iter().map(|seen| Evidence {
        rule: seen.rule.clone(),
        version: seen.version,
        count: seen.count,
        weight: seen.weight,
    });
    Ladder {
        rung: climb.rung.clone(),
        since: climb.since,
        events: climb.events,
        turns: climb.turns,
        thread,
        input_tokens: needs.input_tokens,
        evidence: evidence.collect(),
        score: climb.score,
        climb_at: climb.climb_at,
        switch: climb.switch.as_ref().map(|switch| Switch {
            from: switch.from.clone(),
            to: switch.to.clone(),
            uncached_tokens: switch.uncached_tokens,
            cost_micro_usd: switch.cost,
            saved_per_turn_micro_usd: switch.saved_per_turn,
            repaid_after_turns: switch.repaid_after,
        }),
    }
}

/// A decision made for the asking: the request is sent nowhere and nothing is recorded.
pub(crate) struct Explained {
    pub(crate) features: Features,
    pub(crate) decided: Result<Plan, Refusal>,
    pub(crate) shadow: Option<(String, Result<Plan, Refusal>)>,
}

/// Decides on a request without a session, which is gone through from its beginning.
pub(crate) fn explained(
    dialect: Dialect,
    headers: &HeaderMap,
    addressed: &Addressed,
    body: &Bytes,
    snapshot: &Snapshot,
    rules: &ContentRules,
) -> Result<Explained, ParseError> {
    let (secrets, redacted) = content::secrets(rules, body);
    let request = waymark_protocol::parse(dialect, redacted.as_ref().unwrap_or(body), addressed)?;
    let here = (Ipv4Addr::LOCALHOST, 0).into();
    let caller = identify::identify(headers, here);
    let repository = identify::repository(&caller, &request, here);
    let classified = task::classify(&request, headers);
    let findings = content::inspect(rules, headers, repository.as_deref(), &request, &secrets);
    let mut features = Features { content: findings, ..features(&request, classified) };
    look_into(&mut features, &request, &snapshot.policy);
    let decided = waymark_routing::decide(&features, snapshot);
    let shadow =
        decided.as_ref().ok().and_then(|plan| waymark_routing::shadow(&features, None, snapshot, plan));
    Ok(Explained { features, decided, shadow })
}
