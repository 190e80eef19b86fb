//! Decisions under one snapshot: names, ladders, refusals.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;

use super::*;
use crate::content::Content;
use crate::features::{Needs, Shape};
use crate::policy::Deployment;
use crate::rules::{Compiled, Rules};
use crate::stock::StockNames;

fn snapshot() -> Snapshot {
    let model = |provider: &str, kind, id: &str| Model {
        provider: provider.into(),
        kind,
        dialects: Model::usual_dialects(kind),
        id: id.into(),
        price: None,
        tasks: None,
        context: None,
        can: None,
        deployments: Vec::new(),
        region: None,
    };
    let fim = model("local", ProviderKind::OpenAi, "coder");
    let route = Route {
        ladder: ["flash", "fim", "small", "large"].map(String::from).to_vec(),
        fallback: [("small".to_owned(), vec!["small-b".to_owned(), "claude".to_owned()])].into(),
        ..Route::default()
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
        stock: StockNames::shipped().unwrap(),
        rules: Rules::shipped().unwrap(),
        content: Content::default(),
    };
    static RULES: LazyLock<Compiled> = LazyLock::new(|| Compiled::of(&Rules::shipped().unwrap()).unwrap());
    Snapshot { policy, digest: "d".into(), rules: RULES.clone() }
}

fn features(task: Task, dialect: Dialect, model: &str) -> Features {
    Features {
        dialect,
        task,
        rule: None,
        shape: Shape::Plain,
        requested_model: model.into(),
        needs: Needs::default(),
        conversation: Arc::default(),
        standing: None,
        content: Vec::new(),
    }
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
fn a_step_names_every_place_of_its_model_that_the_client_can_be_served_from() {
    let mut snapshot = snapshot();
    let own = snapshot.policy.models["small"].clone();
    let deployment = |name: &str, provider: &str, kind| Deployment {
        name: name.into(),
        provider: provider.into(),
        kind,
        dialects: Model::usual_dialects(kind),
        id: own.id.clone(),
        region: None,
        weight: 1,
    };
    let deployments = vec![
        deployment("small", "acme", ProviderKind::OpenAi),
        deployment("small/west", "west", ProviderKind::Anthropic),
        deployment("small/fill", "fill", ProviderKind::Embedded),
    ];
    snapshot.policy.models.insert("small".into(), Model { deployments, ..own.clone() });
    let step = |dialect| {
        let plan = decide(&features(Task::Chat, dialect, "small"), &snapshot).unwrap();
        let step = &plan.steps[0];
        let others = step.others.iter().map(|place| (place.provider.clone(), place.dialect));
        ((step.provider.clone(), step.dialect), others.collect::<Vec<_>>())
    };
    let (acme, west) = ("acme".to_owned(), "west".to_owned());
    let chat = ((acme, Dialect::OpenAiChat), vec![(west, Dialect::AnthropicMessages)]);
    assert_eq!(step(Dialect::OpenAiChat), chat);
    let own = serde_json::to_value(&own).unwrap();
    assert!(own.get("deployments").is_none(), "what has one place is written as before: {own}");
}

#[test]
fn chat_starts_on_the_first_capable_rung_with_its_stand_ins_and_the_rungs_above() {
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
    let up = [("claude", Next::Fallback), ("large", Next::Escalate)];
    assert_eq!(steps, [&[("small", Next::Done), ("small-b", Next::Fallback)][..], &up].concat());
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
    assert_eq!(plan, Ok(["small", "small-b", "claude", "large"].map(String::from).to_vec()));
}

#[test]
fn names_aliases_and_strangers() {
    assert_eq!(names(Task::Chat, Dialect::OpenAiChat, "large"), Ok(vec!["large".into()]));
    assert_eq!(names(Task::Chat, Dialect::OpenAiChat, "gpt-4"), Ok(vec!["large".into()]));
    assert_eq!(names(Task::Chat, Dialect::OpenAiChat, "stranger").unwrap()[0], "small");
    assert_eq!(names(Task::Chat, Dialect::OpenAiChat, "flash"), Err("model_cannot"));
}

/// The first model asked and the reasons up to the route or model.
fn meant(snapshot: &Snapshot, task: Task, model: &str) -> (String, Vec<String>) {
    let plan = decide(&features(task, Dialect::OpenAiChat, model), snapshot).unwrap();
    let ends = |reason: &&String| !reason.starts_with("cannot:") && !reason.starts_with("converted:");
    (plan.steps[0].name.clone(), plan.reasons.iter().filter(ends).take(2).cloned().collect())
}

#[test]
fn a_stock_name_means_the_model_that_its_provider_calls_so() {
    let mut snapshot = snapshot();
    let told = |name: &str| (name.to_owned(), vec![format!("provider_id:{name}"), format!("pinned:{name}")]);
    for asked in ["claude-x", "claude-x-20260101", "claude-x[1m]", "anthropic/claude-x", "claude-x-latest"] {
        assert_eq!(meant(&snapshot, Task::Chat, asked), told("claude"), "{asked}");
    }
    let dated = Model { id: "claude-x-20260101".to_owned(), ..snapshot.policy.models["claude"].clone() };
    snapshot.policy.models.insert("another".to_owned(), dated);
    assert_eq!(meant(&snapshot, Task::Chat, "claude-x-20260101"), told("another"), "the same date first");
    assert_eq!(meant(&snapshot, Task::Chat, "claude-x"), told("claude"));
    snapshot.policy.aliases.insert("claude-x".to_owned(), "auto".to_owned());
    assert_eq!(
        meant(&snapshot, Task::Chat, "claude-x").1,
        ["alias:auto", "route:auto"],
        "aliases come first"
    );
}

#[test]
fn a_model_that_cannot_is_not_what_a_stock_name_means() {
    let mut snapshot = snapshot();
    snapshot.policy.models.get_mut("claude").unwrap().tasks = Some(vec![Task::Utility]);
    let (name, reasons) = meant(&snapshot, Task::AgentStep, "claude-x");
    assert_eq!((name.as_str(), reasons), ("small", vec!["stock:claude-*:large".into(), "route:auto".into()]));
}

#[test]
fn small_stock_names_take_the_teams_route_for_them_if_it_can() {
    let mut snapshot = snapshot();
    let haiku = "claude-haiku-4-5-20251001";
    let stock = "stock:claude-*haiku*:small".to_owned();
    let told = |snapshot: &Snapshot, route: &str| {
        let (name, reasons) = meant(snapshot, Task::Utility, haiku);
        assert_eq!(reasons, [stock.clone(), format!("route:{route}")]);
        name
    };
    assert_eq!(told(&snapshot, "auto"), "small");
    let route = |model: &str| Route { ladder: vec![model.to_owned()], ..Route::default() };
    snapshot.policy.routes.insert("small".to_owned(), route("small-b"));
    assert_eq!(told(&snapshot, "small"), "small-b");
    snapshot.policy.routes.insert("utility".to_owned(), route("large"));
    assert_eq!(told(&snapshot, "utility"), "large");
    let step = meant(&snapshot, Task::AgentStep, haiku);
    assert_eq!(
        step,
        ("small-b".to_owned(), vec![stock.clone(), "route:small".to_owned()]),
        "no title, no utility"
    );
    snapshot.policy.routes.insert("utility".to_owned(), route("flash"));
    assert_eq!(told(&snapshot, "small"), "small-b", "the embedded model cannot write titles");
    assert_eq!(meant(&snapshot, Task::Chat, "gpt-6.1-terra").1, ["stock:gpt-*:large", "route:auto"]);
    assert_eq!(meant(&snapshot, Task::Chat, "stranger").1, ["unknown_name", "route:auto"]);
}

#[test]
fn a_picker_that_shows_claudes_only_reaches_every_name() {
    let snapshot = snapshot();
    assert_eq!(meant(&snapshot, Task::Chat, "claude-auto").1, ["alias:auto", "route:auto"]);
    assert_eq!(meant(&snapshot, Task::Chat, "claude-large[1m]").1, ["alias:large", "pinned:large"]);
    assert_eq!(meant(&snapshot, Task::Chat, "claude-nobody").1, ["stock:claude-*:large", "route:auto"]);
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
        name in "auto|flash|small|large|gpt-4|claude-x|claude-haiku-4-5|claude-auto|[a-z]{1,6}",
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
