//! What rules find, whom they keep it from, and what records say of it.

use std::sync::Arc;

use waymark_types::{Dialect, Next, Task};

use super::*;
use crate::features::{Features, Needs, Shape};
use crate::policy::{Deployment, Model, Policy, Route, Snapshot};
use crate::{Plan, Refusal, decide};

fn rule(action: ContentAction) -> ContentRule {
    ContentRule { action, ..ContentRule::default() }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

fn content(rules: &[(&str, ContentRule)]) -> Content {
    let rules = rules.iter().map(|(name, rule)| ((*name).to_owned(), rule.clone())).collect();
    Content { rules, secrets: SecretPatterns::shipped().unwrap() }
}

fn secret(name: &str) -> Secret {
    Secret { name: name.to_owned(), version: 3, place: 0..1 }
}

/// `far` is at a provider somewhere, `near` at one in the EU; `flash` is embedded.
fn snapshot(content: Content) -> Snapshot {
    let model = |provider: &str, kind, region: Option<&str>| Model {
        provider: provider.into(),
        kind,
        dialects: Model::usual_dialects(kind),
        id: provider.into(),
        price: None,
        tasks: match kind {
            ProviderKind::Embedded => None,
            _ => Some(vec![Task::Chat, Task::Completion]),
        },
        context: None,
        can: None,
        deployments: Vec::new(),
        region: region.map(str::to_owned),
    };
    let models = [
        ("flash", model("embedded", ProviderKind::Embedded, None)),
        ("far", model("acme", ProviderKind::OpenAi, None)),
        ("near", model("bolt", ProviderKind::OpenAi, Some("eu"))),
    ];
    let ladder = texts(&["flash", "far"]);
    let route = Route { ladder, fallback: [("far".to_owned(), texts(&["near"]))].into(), ..Route::default() };
    let policy = Policy {
        models: models.into_iter().map(|(name, model)| (name.to_owned(), model)).collect(),
        routes: [("auto".to_owned(), route)].into(),
        content,
        ..Policy::default()
    };
    Snapshot::new(policy, "d".into()).unwrap()
}

fn features(task: Task, model: &str, content: Vec<Finding>) -> Features {
    let dialect = if task == Task::Chat { Dialect::OpenAiChat } else { Dialect::OpenAiCompletions };
    Features {
        dialect,
        task,
        rule: None,
        shape: Shape::Plain,
        requested_model: model.into(),
        needs: Needs::default(),
        conversation: Arc::default(),
        standing: None,
        content,
    }
}

/// What is decided of a request with this evidence.
fn decided(content: Content, evidence: &Evidence<'_>, task: Task, model: &str) -> Result<Plan, Refusal> {
    let findings = ContentRules::new(&content).unwrap().judge(evidence);
    decide(&features(task, model, findings), &snapshot(content))
}

fn names(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.name.as_str()).collect()
}

#[test]
fn findings_say_what_was_found_and_how_often_and_nothing_more() {
    let rules = ContentRules::new(&content(&[
        ("everything", rule(ContentAction::Record)),
        ("keys", ContentRule { secrets: texts(&["github_token", "jwt"]), ..rule(ContentAction::Redact) }),
        (
            "legal",
            ContentRule {
                paths: texts(&["contracts/", "*.pem"]),
                labels: texts(&["secret*"]),
                repositories: texts(&["Payroll"]),
                ..rule(ContentAction::Refuse)
            },
        ),
    ]))
    .unwrap();
    assert!(rules.ask_for_paths());
    let paths = texts(&["a/contracts/x.md", "a/contracts/x.md", "k.PEM", "src/main.rs"]);
    let secrets = [secret("jwt"), secret("npm_token"), secret("jwt")];
    let evidence = Evidence {
        paths: &paths,
        labels: &["Secret-1", "public"],
        repository: Some("payroll"),
        secrets: &secrets,
    };
    let reasons: Vec<_> = rules.judge(&evidence).iter().map(Finding::reason).collect();
    assert_eq!(
        reasons,
        [
            "content:everything.request:1:1",
            "content:keys.jwt:3:2",
            "content:legal.path:1:2",
            "content:legal.label:1:1",
            "content:legal.repository:1:1",
        ]
    );
    assert!(rules.takes_out(&secret("jwt")) && !rules.takes_out(&secret("npm_token")));
    let nothing = rules.judge(&Evidence::default());
    assert_eq!(nothing.len(), 1, "{nothing:?}");
}

#[test]
fn rules_that_are_about_no_secrets_look_for_none() {
    let token = b"ghp_Zq7Rk2WvXp9LmT4bNc8HdY3sFg6JtQ5wEzBr";
    let without = ContentRules::new(&content(&[("a", rule(ContentAction::Record))])).unwrap();
    assert!(without.secrets(token).is_empty() && !without.ask_for_paths());
    let with = ContentRule { secrets: texts(&[ALL]), ..rule(ContentAction::Record) };
    let with = ContentRules::new(&content(&[("a", with)])).unwrap();
    assert_eq!(with.secrets(token).len(), 1);
    let broken = ContentRule { paths: texts(&["a["]), ..rule(ContentAction::Refuse) };
    assert!(ContentRules::new(&content(&[("a", broken)])).is_err());
}

#[test]
fn a_restricted_request_goes_to_those_who_may_have_it() {
    let paths = texts(&["deploy/prod.yaml"]);
    let evidence = Evidence { paths: &paths, ..Evidence::default() };
    let only = |providers: &[&str], regions: &[&str]| {
        let rule = ContentRule {
            paths: texts(&["deploy/"]),
            providers: texts(providers),
            regions: texts(regions),
            ..rule(ContentAction::Restrict)
        };
        content(&[("infra", rule)])
    };
    let plan = decided(only(&[], &["eu"]), &evidence, Task::Chat, "auto").unwrap();
    assert_eq!((names(&plan), plan.reason), (vec!["near"], "first_capable_rung"));
    let told =
        ["content:infra.path:1:1", "route:auto", "cannot:flash:task", "cannot:far:content:infra", "rung:far"];
    assert_eq!(plan.reasons, told);
    assert_eq!(plan.steps[0].arrival, Next::Done, "it is the first that is tried");
    let plan = decided(only(&["acme"], &[]), &evidence, Task::Chat, "auto").unwrap();
    assert_eq!(names(&plan), ["far"]);
    let plan = decided(only(&[], &[]), &evidence, Task::Completion, "auto").unwrap();
    assert_eq!(names(&plan), ["flash"], "nothing leaves with the embedded model");
    let elsewhere = texts(&["src/main.rs"]);
    let evidence = Evidence { paths: &elsewhere, ..Evidence::default() };
    assert_eq!(names(&decided(only(&[], &[]), &evidence, Task::Chat, "auto").unwrap()), ["far", "near"]);
}

#[test]
fn of_several_places_only_those_are_left_that_may_have_it() {
    let rule = ContentRule {
        labels: texts(&["personal"]),
        regions: texts(&["eu"]),
        ..rule(ContentAction::Restrict)
    };
    let mut snapshot = snapshot(content(&[("gdpr", rule)]));
    let far = snapshot.policy.models["far"].clone();
    let place = |name: &str, kind, region: Option<&str>| Deployment {
        name: name.into(),
        provider: name.into(),
        kind,
        region: region.map(str::to_owned),
        dialects: Model::usual_dialects(kind),
        id: name.into(),
        weight: 1,
    };
    let (openai, gemini) = (ProviderKind::OpenAi, ProviderKind::Gemini);
    let deployments = vec![
        place("us", openai, Some("us")),
        place("eu", openai, Some("eu")),
        place("eu-2", gemini, Some("eu")),
    ];
    let unreachable = vec![deployments[0].clone(), place("inside", ProviderKind::Embedded, None)];
    snapshot.policy.models.insert("far".into(), Model { deployments, ..far });
    let findings = |labels: &[&str]| {
        let rules = ContentRules::new(&snapshot.policy.content).unwrap();
        rules.judge(&Evidence { labels, ..Evidence::default() })
    };
    let asked = |labels: &[&str], model: &str| {
        let plan = decide(&features(Task::Chat, model, findings(labels)), &snapshot).unwrap();
        let step = &plan.steps[0];
        let others: Vec<_> = step.others.iter().map(|place| place.provider.clone()).collect();
        (step.provider.clone(), others)
    };
    for model in ["auto", "far"] {
        assert_eq!(asked(&["public"], model), ("us".to_owned(), texts(&["eu", "eu-2"])));
        assert_eq!(asked(&["personal"], model), ("eu".to_owned(), texts(&["eu-2"])));
    }
    // Where nobody is left who is allowed and can be spoken to, nobody is asked.
    let mut snapshot = snapshot.clone();
    snapshot.policy.models.get_mut("far").unwrap().deployments = unreachable;
    let refused = decide(&features(Task::Chat, "far", findings(&["personal"])), &snapshot).unwrap_err();
    assert_eq!(refused.reason, "content_rule");
}

#[test]
fn a_refusal_names_the_rule_and_what_it_is_about() {
    let secrets = [secret("jwt")];
    let evidence = Evidence { secrets: &secrets, ..Evidence::default() };
    let refusing =
        || content(&[("keys", ContentRule { secrets: texts(&[ALL]), ..rule(ContentAction::Refuse) })]);
    for model in ["auto", "far"] {
        let refusal = decided(refusing(), &evidence, Task::Chat, model).unwrap_err();
        assert_eq!(refusal.reason, "content_rule");
        assert!(refusal.client_error);
        assert!(
            refusal.message.contains("[content.keys]") && refusal.message.contains("(jwt)"),
            "{refusal:?}"
        );
        assert_eq!(refusal.reasons[0], "content:keys.jwt:3:1");
        assert!(refusal.reasons.contains(&"cannot:far:content:keys".to_owned()), "{refusal:?}");
    }
}

#[test]
fn records_and_redactions_keep_nothing_from_anybody() {
    let secrets = [secret("jwt")];
    let evidence = Evidence { secrets: &secrets, ..Evidence::default() };
    for action in [ContentAction::Record, ContentAction::Redact] {
        let content = content(&[("keys", ContentRule { secrets: texts(&["jwt"]), ..rule(action) })]);
        let plan = decided(content, &evidence, Task::Chat, "auto").unwrap();
        assert_eq!(names(&plan), ["far", "near"]);
        assert_eq!(plan.reasons[0], "content:keys.jwt:3:1");
    }
}

#[test]
fn snapshots_of_earlier_versions_have_no_rules() {
    let policy: Policy = serde_json::from_str(r#"{"models":{},"routes":{},"aliases":{}}"#).unwrap();
    assert!(policy.content.rules.is_empty());
    let now = snapshot(content(&[("all", rule(ContentAction::Restrict))])).policy;
    let again: Policy = serde_json::from_str(&serde_json::to_string(&now).unwrap()).unwrap();
    assert_eq!(again, now);
}
