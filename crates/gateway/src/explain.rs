//! What would be decided about a request, and why: nothing is sent anywhere and nothing is recorded.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use serde::Serialize;
use thiserror::Error;
use waymark_protocol::{Addressed, ParseError};
use waymark_routing::content::{ContentError, ContentRules};
use waymark_routing::{Climb, Observation, POLICY, Plan, Policy, Refusal, Switch};
use waymark_types::{Capability, Dialect, MicroUsd, Next, Task};

use crate::config::Config;
use crate::path;
use crate::snapshot::{SnapshotError, snapshot};

/// A request cannot be explained.
#[derive(Debug, Error)]
pub enum ExplainError {
    /// The configuration is no policy.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The request cannot be read.
    #[error(transparent)]
    Request(#[from] ParseError),
    /// The content rules cannot be used.
    #[error("the content rules cannot be used")]
    Content(#[from] ContentError),
    /// A header cannot be one.
    #[error("`{0}` is no header")]
    Header(String),
}

/// What would be decided about a request, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// The rules of deciding, with their version.
    pub policy: &'static str,
    /// Digest of the snapshot decided under.
    pub snapshot: String,
    /// The model asked for.
    pub requested_model: String,
    /// The kind of work.
    pub task: Task,
    /// The rule that told so, where it took one.
    pub task_rule: Option<&'static str>,
    /// The request's length in tokens, estimated.
    pub input_tokens: u64,
    /// What the model must be able to do.
    pub needs: Vec<Capability>,
    /// How many events the conversation has.
    pub events: u32,
    /// How many turns the model has had in it.
    pub turns: u32,
    /// What is decided.
    pub decided: Decided,
    /// What the route's shadow would have decided.
    pub shadow: Option<Decided>,
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decided {
    /// The route that decides; `None` where a model was asked for by name.
    pub route: Option<String>,
    /// The reason that settles it.
    pub reason: &'static str,
    /// Every reason on the way.
    pub reasons: Vec<String>,
    /// Why nobody may answer.
    pub refusal: Option<String>,
    /// The models of the route, rung by rung.
    pub candidates: Vec<Rung>,
    /// The rung to start on.
    pub rung: Option<String>,
    /// The rules that fired.
    pub evidence: Vec<Observation>,
    /// What they count for together, in thousandths.
    pub score: u32,
    /// What it takes to climb; `None` for work that does not.
    pub climb_at: Option<u32>,
    /// The change of model made, or weighed and left.
    pub switch: Option<Switch>,
    /// What is tried, first to last.
    pub plan: Vec<Rung>,
}

/// A model on a ladder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rung {
    /// The rung.
    pub rung: String,
    /// The model's configured name: the rung's own or a stand-in's.
    pub name: String,
    /// The provider's configured name.
    pub provider: String,
    /// The provider's name for the model.
    pub model: String,
    /// The price of a million input tokens, where known.
    pub input_price: Option<MicroUsd>,
    /// What rules it out, a stable code.
    pub obstacle: Option<&'static str>,
    /// How the plan arrives at it; `None` where it does not.
    pub arrival: Option<Next>,
}

/// Explains a request in `dialect` as it would come with these headers; `model` is the one that the address names, in
/// dialects whose body does not.
pub fn explain_route(
    config: &Config,
    dialect: Dialect,
    headers: &[(String, String)],
    model: Option<String>,
    body: &Bytes,
) -> Result<Explained, ExplainError> {
    let snapshot = snapshot(config)?;
    let headers = headers
        .iter()
        .map(|(name, value)| {
            let name_read = HeaderName::try_from(name.as_str());
            let value = HeaderValue::try_from(value.as_str());
            name_read.ok().zip(value.ok()).ok_or_else(|| ExplainError::Header(name.clone()))
        })
        .collect::<Result<HeaderMap, _>>()?;
    let addressed = Addressed { model, ..Addressed::default() };
    let rules = ContentRules::new(&snapshot.policy.content)?;
    let path::Explained { features, decided, shadow } =
        path::explained(dialect, &headers, &addressed, body, &snapshot, &rules)?;
    let policy = &snapshot.policy;
    let shadow = shadow.map(|(route, decided)| {
        let told = tell(policy, decided);
        Decided { route: told.route.clone().or(Some(route)), ..told }
    });
    Ok(Explained {
        policy: POLICY,
        snapshot: snapshot.digest.clone(),
        task: features.task,
        task_rule: features.rule,
        input_tokens: features.needs.input_tokens,
        events: features.conversation.len(),
        turns: features.conversation.turns(),
        needs: features.needs.capabilities,
        requested_model: features.requested_model,
        decided: tell(policy, decided),
        shadow,
    })
}

fn tell(policy: &Policy, decided: Result<Plan, Refusal>) -> Decided {
    let plan = match decided {
        Ok(plan) => plan,
        Err(Refusal { route, reason, reasons, message, .. }) => {
            return Decided { refusal: Some(message), ..nothing(route, reason, reasons) };
        }
    };
    let rung = |rung: &str, name: &str, obstacle, arrival| {
        let model = policy.models.get(name);
        Rung {
            rung: rung.to_owned(),
            name: name.to_owned(),
            provider: model.map(|model| model.provider.clone()).unwrap_or_default(),
            model: model.map(|model| model.id.clone()).unwrap_or_default(),
            input_price: model.and_then(|model| model.price).map(|price| price.input),
            obstacle,
            arrival,
        }
    };
    let arrives = |name: &str| plan.steps.iter().find(|step| step.name == name).map(|step| step.arrival);
    let candidates =
        plan.candidates.iter().map(|seen| rung(&seen.rung, &seen.name, seen.obstacle, arrives(&seen.name)));
    let steps = plan.steps.iter().map(|step| rung(&step.rung, &step.name, None, Some(step.arrival)));
    let (candidates, steps) = (candidates.collect(), steps.collect());
    let told = Decided {
        candidates,
        rung: plan.steps.first().map(|step| step.rung.clone()),
        plan: steps,
        ..nothing(plan.route, plan.reason, plan.reasons)
    };
    match plan.climb {
        Some(Climb { evidence, score, climb_at, switch, .. }) => {
            Decided { evidence, score, climb_at: Some(climb_at), switch, ..told }
        }
        None => told,
    }
}

fn nothing(route: Option<String>, reason: &'static str, reasons: Vec<String>) -> Decided {
    Decided {
        route,
        reason,
        reasons,
        refusal: None,
        candidates: Vec::new(),
        rung: None,
        evidence: Vec::new(),
        score: 0,
        climb_at: None,
        switch: None,
        plan: Vec::new(),
    }
}
