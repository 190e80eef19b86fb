//! From a request's features and a snapshot to a plan with its reasons.

use waymark_types::{Dialect, Next, ProviderKind, Task};

use crate::features::Features;
use crate::policy::{Model, Policy, Route, Snapshot};
use crate::resolve::{DEFAULT_ROUTE, Meaning, resolve};

/// The name and version of the rules in this module, which every decision carries.
pub const POLICY: &str = "ladder-4";

/// The attempts allowed, in order, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The route that decided; `None` when the client asked for a model by name.
    pub route: Option<String>,
    /// The reason that settled it.
    pub reason: &'static str,
    /// Every reason on the way, in order.
    pub reasons: Vec<String>,
    /// What to try, first to last; never empty.
    pub steps: Vec<Step>,
}

/// One attempt allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The model's configured name.
    pub name: String,
    /// The provider's configured name.
    pub provider: String,
    /// The provider's name for the model.
    pub model: String,
    /// The dialect its provider is spoken to in; another than the client's means a conversion.
    pub dialect: Dialect,
    /// How it relates to the step before: a fallback or an escalation. `Done` on the first.
    pub arrival: Next,
}

/// No model may answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The route that was tried, if any.
    pub route: Option<String>,
    /// The reason, a stable code.
    pub reason: &'static str,
    /// Every reason on the way, in order.
    pub reasons: Vec<String>,
    /// What to tell the client: what is missing and how to add it.
    pub message: String,
    /// Whether the client asked for something impossible, rather than the configuration lacking something.
    pub client_error: bool,
}

/// Decides which models may answer a request.
pub fn decide(features: &Features, snapshot: &Snapshot) -> Result<Plan, Refusal> {
    let policy = &snapshot.policy;
    let mut reasons: Vec<_> =
        features.rule.map(|rule| format!("task:{}:{rule}", features.task)).into_iter().collect();
    match resolve(features, policy, &mut reasons) {
        Meaning::Model(name, model) => pinned(features, name, model, reasons),
        Meaning::Route(name, route) => climb(features, policy, name, route, reasons),
        Meaning::Nothing => Err(Refusal {
            route: None,
            reason: "no_route",
            reasons,
            message: format!(
                "`{}` is no model or route here and there is no route `{DEFAULT_ROUTE}` to take it; \
                 add one under [routes.{DEFAULT_ROUTE}]",
                features.requested_model
            ),
            client_error: false,
        }),
    }
}

fn pinned(features: &Features, name: &str, model: &Model, mut reasons: Vec<String>) -> Result<Plan, Refusal> {
    reasons.push(format!("pinned:{name}"));
    match model.obstacle(features, true) {
        None => {
            let steps = vec![step(features, name, model, Next::Done, &mut reasons)];
            Ok(Plan { route: None, reason: "pinned", reasons, steps })
        }
        Some(obstacle) => {
            reasons.push(format!("cannot:{name}:{obstacle}"));
            let message = match obstacle {
                "task" => {
                    format!("model `{name}` does not do {} requests; ask for another model", features.task)
                }
                _ => format!(
                    "model `{name}` is served by a provider of kind `{}`, which does not speak {}; \
                     ask for another model or use that provider's own API here",
                    model.kind, features.dialect
                ),
            };
            Err(Refusal { route: None, reason: "model_cannot", reasons, message, client_error: true })
        }
    }
}

/// The first rung that can do the task, its stand-ins, and for completions, which may decline, the rungs above.
///
/// Vectors of different models mean different things, and a store that mixes them finds nonsense without an error:
/// for embeddings only the very same model, at another provider, stands in.
fn climb(
    features: &Features,
    policy: &Policy,
    route_name: &str,
    route: &Route,
    mut reasons: Vec<String>,
) -> Result<Plan, Refusal> {
    reasons.push(format!("route:{route_name}"));
    let mut steps: Vec<Step> = Vec::new();
    let mut skipped = false;
    for name in &route.ladder {
        if !steps.is_empty() && features.task != Task::Completion {
            break;
        }
        let candidates = std::iter::once(name).chain(route.fallback.get(name).into_iter().flatten());
        let mut on_this_rung = false;
        for candidate in candidates {
            let Some(model) = policy.models.get(candidate) else { continue };
            if let Some(obstacle) = model.obstacle(features, false) {
                reasons.push(format!("cannot:{candidate}:{obstacle}"));
                continue;
            }
            let other_vectors = steps.first().is_some_and(|first| first.model != model.id);
            if features.task == Task::Embedding && other_vectors {
                reasons.push(format!("cannot:{candidate}:other_vectors"));
                continue;
            }
            let arrival = match (steps.is_empty(), on_this_rung) {
                (true, _) => Next::Done,
                (false, true) => Next::Fallback,
                (false, false) => Next::Escalate,
            };
            steps.push(step(features, candidate, model, arrival, &mut reasons));
            on_this_rung = true;
        }
        skipped |= steps.is_empty();
    }
    let Some(first) = steps.first() else {
        return Err(nothing_capable(features, route_name, reasons));
    };
    reasons.push(format!("rung:{}", first.name));
    let reason = if skipped { "first_capable_rung" } else { "first_rung" };
    Ok(Plan { route: Some(route_name.to_owned()), reason, reasons, steps })
}

fn nothing_capable(features: &Features, route: &str, reasons: Vec<String>) -> Refusal {
    let kind = match features.dialect {
        Dialect::AnthropicMessages => ProviderKind::Anthropic,
        _ => ProviderKind::OpenAi,
    };
    let (reason, what) = match features.task {
        Task::Completion => ("no_completion_model", "completion"),
        Task::Embedding => ("no_embedding_model", "embedding"),
        Task::Image => ("no_image_model", "image"),
        Task::Transcription => ("no_transcription_model", "transcription"),
        Task::Speech => ("no_speech_model", "speech"),
        Task::Chat | Task::AgentStep | Task::SubagentStep | Task::Utility => ("no_chat_model", "chat"),
    };
    let add = match reason {
        "no_chat_model" => {
            let key = if kind == ProviderKind::Anthropic { "ANTHROPIC_API_KEY" } else { "OPENAI_API_KEY" };
            format!(
                "set {key} and restart `waymark up`, or put a [providers.NAME] of kind \"{kind}\" and a \
                     [models.NAME] into waymark.toml and the model's name into [routes.{route}] ladder"
            )
        }
        _ => format!(
            "put a [models.NAME] with tasks = [\"{}\"] into waymark.toml and its name into \
                      [routes.{route}] ladder, or ask for a configured model by its name",
            features.task
        ),
    };
    let message = format!("route `{route}` has no {what} model for {}. Add one: {add}", features.dialect);
    Refusal { route: Some(route.to_owned()), reason, reasons, message, client_error: false }
}

fn step(features: &Features, name: &str, model: &Model, arrival: Next, reasons: &mut Vec<String>) -> Step {
    let dialect = model.reached_in(features.dialect, features.shape).unwrap_or(features.dialect);
    if dialect != features.dialect {
        reasons.push(format!("converted:{name}:{dialect}"));
    }
    Step {
        name: name.to_owned(),
        provider: model.provider.clone(),
        model: model.id.clone(),
        dialect,
        arrival,
    }
}

#[cfg(test)]
mod tests;
