//! From a request's features and a snapshot to a plan with its reasons.

use waymark_types::{Dialect, Next, ProviderKind, Task};

use crate::content::Finding;
use crate::evidence::Seen;
use crate::features::Features;
use crate::ladder::{Climb, Ladder, Standing};
use crate::policy::{CONTENT, CONTEXT, Home, Model, Place, Policy, Route, Snapshot};
use crate::resolve::{DEFAULT_ROUTE, Meaning, resolve};

/// The name and version of the rules in this module, which every decision carries.
pub const POLICY: &str = "ladder-5";

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
    /// The models of the route, and what ruled them out; none when a model was asked for by name.
    pub candidates: Vec<Candidate>,
    /// How the rung was chosen, for work that climbs.
    pub climb: Option<Climb>,
}

impl Plan {
    /// The rung that a model of this plan is on; `None` for a model asked for by name.
    pub fn rung_of(&self, name: &str) -> Option<String> {
        self.route.as_ref()?;
        self.steps.iter().find(|step| step.name == name).map(|step| step.rung.clone())
    }
}

/// A model that might have answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The rung it is on.
    pub rung: String,
    /// Its configured name: the rung's own, or a stand-in's.
    pub name: String,
    /// What rules it out, a stable code.
    pub obstacle: Option<&'static str>,
}

/// One attempt allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The rung it is on; for a model asked for by name, itself.
    pub rung: String,
    /// The model's configured name.
    pub name: String,
    /// The provider's configured name.
    pub provider: String,
    /// The provider's name for the model.
    pub model: String,
    /// The dialect its provider is spoken to in; another than the client's means a conversion.
    pub dialect: Dialect,
    /// Where else the same model can be asked.
    pub others: Vec<Place>,
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

/// What the shadow of the route that decided would have decided: its name and its decision.
pub fn shadow(
    features: &Features,
    standing: Option<Standing>,
    snapshot: &Snapshot,
    plan: &Plan,
) -> Option<(String, Result<Plan, Refusal>)> {
    let route = snapshot.policy.routes.get(plan.route.as_ref()?)?;
    let name = route.shadow.clone()?;
    let features = Features { requested_model: name.clone(), standing, ..features.clone() };
    let decided = decide(&features, snapshot);
    Some((name, decided))
}

/// What a decision depends on beside what the request is and asks for by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DependsOn {
    /// Nothing: a model was asked for by name.
    Nothing,
    /// Where its conversation stands.
    Standing,
    /// That, and what the request says.
    Words,
}

/// What the decision on a request depends on. What it says matters to a ladder, or to one beside it in the shadow, that has
/// several rungs for it or models that cannot do everything.
pub fn depends_on(features: &Features, policy: &Policy) -> DependsOn {
    let talks = features.task.converses() || features.task == Task::Utility;
    let Meaning::Route(_, route) = resolve(features, policy, &mut Vec::new()) else {
        return DependsOn::Nothing;
    };
    let shadow = route.shadow.as_ref().and_then(|name| policy.routes.get(name));
    let mut routes = std::iter::once(route).chain(shadow);
    match talks && routes.any(|route| policy.looks_into(route, features.task)) {
        true => DependsOn::Words,
        false => DependsOn::Standing,
    }
}

/// Decides which models may answer a request.
pub fn decide(features: &Features, snapshot: &Snapshot) -> Result<Plan, Refusal> {
    decide_by(features, None, snapshot)
}

/// Decides on a request that is only on record: `seen` stands in for its conversation.
pub fn decide_again(features: &Features, seen: &Seen, snapshot: &Snapshot) -> Result<Plan, Refusal> {
    decide_by(features, Some(seen), snapshot)
}

fn decide_by(features: &Features, seen: Option<&Seen>, snapshot: &Snapshot) -> Result<Plan, Refusal> {
    let policy = &snapshot.policy;
    let mut reasons: Vec<_> =
        features.rule.map(|rule| format!("task:{}:{rule}", features.task)).into_iter().collect();
    reasons.extend(features.content.iter().map(Finding::reason));
    match resolve(features, policy, &mut reasons) {
        Meaning::Model(name, model) => pinned(features, policy, name, model, reasons),
        Meaning::Route(name, route) => climb(features, seen, snapshot, (name, route), reasons),
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

fn pinned(
    features: &Features,
    policy: &Policy,
    name: &str,
    model: &Model,
    mut reasons: Vec<String>,
) -> Result<Plan, Refusal> {
    reasons.push(format!("pinned:{name}"));
    if let Some(finding) = policy.content.barrier(features, model) {
        reasons.push(format!("cannot:{name}:content:{}", finding.rule));
        return Err(kept_back(finding, None, reasons));
    }
    let step = match model.obstacle(features, true) {
        None => step_to(features, policy, (name, name), model, Next::Done, &mut reasons).ok_or("dialect"),
        Some(obstacle) => Err(obstacle),
    };
    match step {
        Ok(step) => {
            let steps = vec![step];
            Ok(Plan { route: None, reason: "pinned", reasons, steps, candidates: Vec::new(), climb: None })
        }
        Err(obstacle) => {
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

/// The rung that the conversation stands on, its stand-ins, and the rungs above with theirs, which are asked when it fails
/// or declines. Last come the rungs below: a weaker model's answer is better than none, and the record says which it is.
///
/// Vectors of different models mean different things, and a store that mixes them finds nonsense without an error:
/// for embeddings only the very same model, at another provider, stands in.
fn climb(
    features: &Features,
    seen: Option<&Seen>,
    snapshot: &Snapshot,
    (route_name, route): (&str, &Route),
    mut reasons: Vec<String>,
) -> Result<Plan, Refusal> {
    reasons.push(format!("route:{route_name}"));
    let candidates = candidates(features, &snapshot.policy, route);
    reasons.extend(candidates.iter().filter_map(|candidate| {
        let (name, obstacle) = (&candidate.name, candidate.obstacle?);
        Some(match barrier(features, &snapshot.policy, candidate) {
            Some(finding) => format!("cannot:{name}:{obstacle}:{}", finding.rule),
            None => format!("cannot:{name}:{obstacle}"),
        })
    }));
    let able = rungs(&candidates);
    let Some(first) = able.first().copied() else {
        let barrier = candidates.iter().find_map(|candidate| barrier(features, &snapshot.policy, candidate));
        return Err(match barrier {
            Some(finding) => kept_back(finding, Some(route_name), reasons),
            None => nothing_capable(features, route_name, reasons),
        });
    };
    let skipped = route.ladder.first().is_some_and(|lowest| lowest != first);
    let starts = if skipped { "first_capable_rung" } else { "first_rung" };
    let ladder = Ladder { name: route_name, route, policy: &snapshot.policy, able: &able };
    let climb = features.task.converses().then(|| match seen {
        Some(seen) => ladder.decide_again(features, seen, &snapshot.rules),
        None => ladder.decide(features, &snapshot.rules),
    });
    let (rung, reason) = match &climb {
        Some(climb) if climb.reason != "starts" => (climb.rung.as_str(), climb.reason),
        Some(_) | None => (first, starts),
    };
    let mut steps: Vec<Step> = Vec::new();
    let (below, above) = able.split_at(able.iter().position(|name| *name == rung).unwrap_or(0));
    let upwards = above.iter().map(|rung| (*rung, false));
    for (rung, is_below) in upwards.chain(below.iter().rev().map(|rung| (*rung, true))) {
        let mut on_this_rung = false;
        for candidate in
            candidates.iter().filter(|candidate| candidate.rung == rung && candidate.obstacle.is_none())
        {
            let arrival = match (is_below, on_this_rung) {
                _ if steps.is_empty() => Next::Done,
                (true, _) => Next::Descend,
                (false, true) => Next::Fallback,
                (false, false) => Next::Escalate,
            };
            steps.extend(step(features, &snapshot.policy, candidate, arrival, &mut reasons));
            on_this_rung = true;
        }
    }
    reasons.extend(climb.iter().flat_map(Climb::reasons));
    reasons.push(format!("rung:{rung}"));
    Ok(Plan { route: Some(route_name.to_owned()), reason, reasons, steps, candidates, climb })
}

/// Every model of a route, rung by rung, with what rules it out.
fn candidates(features: &Features, policy: &Policy, route: &Route) -> Vec<Candidate> {
    let of_rung = |rung: &String| {
        let stand_ins = route.fallback.get(rung).into_iter().flatten().cloned();
        let rung = rung.clone();
        std::iter::once(rung.clone())
            .chain(stand_ins)
            .map(move |name| (rung.clone(), name))
            .collect::<Vec<_>>()
    };
    let named = route.ladder.iter().flat_map(of_rung);
    let known = named.filter_map(|(rung, name)| Some((policy.models.get(&name)?, rung, name)));
    let mut candidates: Vec<Candidate> = known
        .map(|(model, rung, name)| {
            let obstacle = match model.obstacle(features, false) {
                None | Some(CONTEXT) if policy.content.barrier(features, model).is_some() => Some(CONTENT),
                obstacle => obstacle,
            };
            Candidate { rung, name, obstacle }
        })
        .collect();
    if candidates.iter().all(|candidate| candidate.obstacle.is_some()) {
        take_the_longest(&mut candidates, policy);
    }
    if features.task == Task::Embedding {
        keep_vectors(&mut candidates, policy);
    }
    candidates
}

/// Where a request fits nowhere, the largest window takes it: its length is an estimate, and the provider knows.
fn take_the_longest(candidates: &mut [Candidate], policy: &Policy) {
    let context = |name: &str| policy.models.get(name).and_then(|model| model.context);
    let too_long = candidates.iter().filter(|candidate| candidate.obstacle == Some(CONTEXT));
    let longest = too_long.map(|candidate| context(&candidate.name)).max();
    for candidate in candidates.iter_mut().filter(|candidate| candidate.obstacle == Some(CONTEXT)) {
        if Some(context(&candidate.name)) == longest {
            candidate.obstacle = None;
        }
    }
}

/// Rules out what would mix vectors: all but the model of the first that can embed.
fn keep_vectors(candidates: &mut [Candidate], policy: &Policy) {
    let id = |name: &str| policy.models.get(name).map(|model| model.id.clone());
    let Some(first) = candidates.iter().find(|candidate| candidate.obstacle.is_none()).cloned() else {
        return;
    };
    for candidate in candidates.iter_mut().filter(|candidate| candidate.obstacle.is_none()) {
        if candidate.rung != first.rung {
            candidate.obstacle = Some("other_rung");
        } else if id(&candidate.name) != id(&first.name) {
            candidate.obstacle = Some("other_vectors");
        }
    }
}

/// The rungs on which somebody can do the request, lowest first.
fn rungs(candidates: &[Candidate]) -> Vec<&str> {
    let mut rungs: Vec<&str> = Vec::new();
    for candidate in candidates.iter().filter(|candidate| candidate.obstacle.is_none()) {
        if !rungs.contains(&candidate.rung.as_str()) {
            rungs.push(&candidate.rung);
        }
    }
    rungs
}

/// The finding that keeps the request from a candidate, where that is what rules it out.
fn barrier<'f>(features: &'f Features, policy: &Policy, candidate: &Candidate) -> Option<&'f Finding> {
    let model = policy.models.get(&candidate.name).filter(|_| candidate.obstacle == Some(CONTENT))?;
    policy.content.barrier(features, model)
}

/// A content rule keeps the request from every model that could answer it.
fn kept_back(finding: &Finding, route: Option<&str>, reasons: Vec<String>) -> Refusal {
    let Finding { rule, what, .. } = finding;
    let about = match what.as_str() {
        "path" => "of a file that it speaks of".to_owned(),
        "label" => "of its label".to_owned(),
        "repository" => "of its repository".to_owned(),
        "request" => "it is about every request".to_owned(),
        secret => format!("there is a secret in it ({secret})"),
    };
    let message = format!(
        "the rule [content.{rule}] of this gateway keeps this request from every model that could answer it, because \
         {about}; take that out and begin a new conversation, or have the rule changed"
    );
    let (route, reason) = (route.map(str::to_owned), "content_rule");
    Refusal { route, reason, reasons, message, client_error: true }
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

fn step(
    features: &Features,
    policy: &Policy,
    candidate: &Candidate,
    arrival: Next,
    reasons: &mut Vec<String>,
) -> Option<Step> {
    let model = policy.models.get(&candidate.name)?;
    step_to(features, policy, (&candidate.rung, &candidate.name), model, arrival, reasons)
}

/// The step to a model, at the places that may be sent the request; `None` where there is none.
fn step_to(
    features: &Features,
    policy: &Policy,
    (rung, name): (&str, &str),
    model: &Model,
    arrival: Next,
    reasons: &mut Vec<String>,
) -> Option<Step> {
    let open = |home: &Home<'_>| policy.content.bars(&features.content, home).is_none();
    let mut others = model.places(features.dialect, features.shape, open).into_iter();
    let Place { provider, model: id, dialect } = others.next()?;
    if dialect != features.dialect {
        reasons.push(format!("converted:{name}:{dialect}"));
    }
    Some(Step {
        rung: rung.to_owned(),
        name: name.to_owned(),
        provider,
        model: id,
        dialect,
        others: others.collect(),
        arrival,
    })
}

#[cfg(test)]
mod tests;
