//! From a request's features and a snapshot to a plan with its reasons.

use waymark_types::{Dialect, Next, ProviderKind, Task};

use crate::features::Features;
use crate::policy::{Model, Policy, Route, Snapshot};

/// The name and version of the rules in this module, which every decision carries.
pub const POLICY: &str = "ladder-3";

/// The route that takes whatever nothing else claims.
const DEFAULT_ROUTE: &str = "auto";

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

/// What a requested name turned out to mean.
enum Meaning<'a> {
    Route(&'a str, &'a Route),
    Model(&'a str, &'a Model),
    Nothing,
}

/// Decides which models may answer a request.
pub fn decide(features: &Features, snapshot: &Snapshot) -> Result<Plan, Refusal> {
    let policy = &snapshot.policy;
    let mut reasons: Vec<_> =
        features.rule.map(|rule| format!("task:{}:{rule}", features.task)).into_iter().collect();
    match resolve(&features.requested_model, policy, &mut reasons) {
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

/// A route, a configured model, an alias for either, or else the route `auto`.
fn resolve<'a>(requested: &'a str, policy: &'a Policy, reasons: &mut Vec<String>) -> Meaning<'a> {
    let named = |name: &'a str| match (policy.routes.get(name), policy.models.get(name)) {
        (Some(route), _) => Some(Meaning::Route(name, route)),
        (None, Some(model)) => Some(Meaning::Model(name, model)),
        (None, None) => None,
    };
    if let Some(meaning) = named(requested) {
        return meaning;
    }
    if let Some(target) = policy.aliases.get(requested)
        && let Some(meaning) = named(target)
    {
        reasons.push(format!("alias:{target}"));
        return meaning;
    }
    reasons.push("unknown_name".to_owned());
    named(DEFAULT_ROUTE).unwrap_or(Meaning::Nothing)
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
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::features::Shape;

    fn snapshot() -> Snapshot {
        let model = |provider: &str, kind, id: &str| Model {
            provider: provider.into(),
            kind,
            dialects: Model::usual_dialects(kind),
            id: id.into(),
            price: None,
            tasks: None,
        };
        let fim = model("local", ProviderKind::OpenAi, "coder");
        let route = Route {
            ladder: ["flash", "fim", "small", "large"].map(String::from).to_vec(),
            fallback: [("small".to_owned(), vec!["small-b".to_owned(), "claude".to_owned()])].into(),
        };
        let models = [
            ("flash", model("embedded", ProviderKind::Embedded, "waymark-flash-1")),
            ("fim", Model { tasks: Some(vec![Task::Completion]), ..fim }),
            ("small", model("acme", ProviderKind::OpenAi, "small-1")),
            ("small-b", model("bolt", ProviderKind::OpenAi, "small-2")),
            ("claude", model("anthropic", ProviderKind::Anthropic, "claude-x")),
            ("large", model("acme", ProviderKind::OpenAi, "large-1")),
        ];
        let policy = Policy {
            models: models.into_iter().map(|(name, model)| (name.to_owned(), model)).collect(),
            routes: [("auto".to_owned(), route)].into(),
            aliases: [("gpt-4".to_owned(), "large".to_owned())].into(),
        };
        Snapshot { policy, digest: "d".into() }
    }

    fn features(task: Task, dialect: Dialect, model: &str) -> Features {
        Features { dialect, task, rule: None, shape: Shape::Plain, requested_model: model.into() }
    }

    fn names(task: Task, dialect: Dialect, model: &str) -> Result<Vec<String>, &'static str> {
        decide(&features(task, dialect, model), &snapshot())
            .map(|plan| plan.steps.into_iter().map(|step| step.name).collect())
            .map_err(|refusal| refusal.reason)
    }

    #[test]
    fn a_completion_starts_on_the_embedded_model_and_may_climb() {
        let plan = names(Task::Completion, Dialect::OpenAiCompletions, "auto");
        assert_eq!(plan, Ok(vec!["flash".into(), "fim".into()]));
    }

    #[test]
    fn chat_starts_on_the_first_capable_rung_with_its_stand_ins_only() {
        let features = features(Task::Chat, Dialect::OpenAiChat, "auto");
        let plan = decide(&features, &snapshot()).unwrap();
        assert_eq!(plan.reason, "first_capable_rung");
        assert_eq!(
            plan.reasons,
            [
                "route:auto",
                "cannot:flash:task",
                "cannot:fim:task",
                "converted:claude:anthropic-messages",
                "rung:small"
            ]
        );
        let steps: Vec<_> = plan.steps.iter().map(|step| (step.name.as_str(), step.arrival)).collect();
        assert_eq!(steps, [("small", Next::Done), ("small-b", Next::Fallback), ("claude", Next::Fallback)]);
    }

    #[test]
    fn only_the_same_model_stands_in_for_embeddings() {
        let mut snapshot = snapshot();
        for (name, id) in [("small", "embed-1"), ("small-b", "embed-1"), ("fim", "embed-1")] {
            let model = snapshot.policy.models.get_mut(name).unwrap();
            (model.id, model.tasks) = (id.to_owned(), Some(vec![Task::Embedding]));
        }
        let other = Model { id: "embed-2".to_owned(), ..snapshot.policy.models["small"].clone() };
        snapshot.policy.models.insert("other".to_owned(), other);
        let route = snapshot.policy.routes.get_mut("auto").unwrap();
        route.ladder = ["flash", "small", "fim", "other"].map(String::from).to_vec();
        route.fallback = [("small".to_owned(), vec!["other".to_owned(), "small-b".to_owned()])].into();
        for dialect in [Dialect::OpenAiEmbeddings, Dialect::OllamaEmbed, Dialect::GeminiEmbed] {
            let plan = decide(&features(Task::Embedding, dialect, "auto"), &snapshot).unwrap();
            let steps: Vec<_> = plan.steps.iter().map(|step| (step.name.as_str(), step.arrival)).collect();
            assert_eq!(steps, [("small", Next::Done), ("small-b", Next::Fallback)], "{dialect}");
            assert!(plan.reasons.contains(&"cannot:other:other_vectors".to_owned()), "{:?}", plan.reasons);
        }
    }

    #[test]
    fn a_model_of_another_dialect_is_reached_by_conversion() {
        let plan = names(Task::AgentStep, Dialect::AnthropicMessages, "auto");
        assert_eq!(plan, Ok(vec!["small".into(), "small-b".into(), "claude".into()]));
    }

    #[test]
    fn names_aliases_and_strangers() {
        assert_eq!(names(Task::Chat, Dialect::OpenAiChat, "large"), Ok(vec!["large".into()]));
        assert_eq!(names(Task::Chat, Dialect::OpenAiChat, "gpt-4"), Ok(vec!["large".into()]));
        assert_eq!(names(Task::Chat, Dialect::OpenAiChat, "gpt-99").unwrap()[0], "small");
        assert_eq!(names(Task::Chat, Dialect::OpenAiChat, "flash"), Err("model_cannot"));
    }

    #[test]
    fn the_rule_that_told_the_task_comes_first_in_the_reasons() {
        let plain = features(Task::Utility, Dialect::OpenAiChat, "large");
        let told = Features { rule: Some("zed-title"), ..plain.clone() };
        let reasons = |features| decide(&features, &snapshot()).unwrap().reasons;
        assert_eq!(reasons(plain), ["pinned:large"]);
        assert_eq!(reasons(told), ["task:utility:zed-title", "pinned:large"]);
    }

    #[test]
    fn a_refusal_says_how_to_add_a_model() {
        let features = features(Task::Chat, Dialect::AnthropicMessages, "claude-sonnet");
        let mut snapshot = snapshot();
        snapshot.policy.models.retain(|name, _| name == "flash");
        let refusal = decide(&features, &snapshot).unwrap_err();
        assert_eq!(refusal.reason, "no_chat_model");
        assert!(refusal.message.contains("ANTHROPIC_API_KEY"), "{}", refusal.message);
        snapshot.policy.routes.clear();
        assert_eq!(decide(&features, &snapshot).unwrap_err().reason, "no_route");
    }

    proptest! {
        #[test]
        fn the_same_snapshot_and_request_give_the_same_decision(
            name in "auto|flash|small|large|gpt-4|[a-z]{1,6}",
            task in prop::sample::select(Task::ALL),
            dialect in prop::sample::select(Dialect::ALL),
        ) {
            let features = features(task, dialect, &name);
            let first = decide(&features, &snapshot());
            prop_assert_eq!(&first, &decide(&features, &snapshot()));
            if let Ok(plan) = first {
                prop_assert!(!plan.steps.is_empty());
            }
        }
    }
}
