//! How long providers are waited for, and where models are served.

use std::time::Duration;

use waymark_gateway::{DeploymentConfig, HedgeConfig, Patience};

use super::{SMALLEST, load_text, problem};

const KEY: &[(&str, &str)] = &[("ACME_KEY", "k")];

#[test]
fn patience_and_limits_have_defaults_and_are_read() {
    let config = load_text(SMALLEST, KEY).unwrap().config().clone();
    let acme = &config.providers["acme"];
    assert_eq!((acme.patience, acme.retries, acme.max_concurrent), (Patience::default(), 2, None));
    assert!(acme.warm && config.max_concurrent.is_none() && config.routes["auto"].hedge.is_none());
    let text = SMALLEST.replace(
        "[models.large]",
        "connect_timeout = \"500ms\"\nfirst_byte_timeout = \"20s\"\nstall_timeout = \"1m\"\nretries = 0\n\
         max_concurrent = 8\nwarm = false\n[models.large]",
    );
    let routes = "[routes.auto]\ndeadline = \"2m\"\nhedge_after = \"300ms\"\nhedge_budget = 0.1\n\
                  [server]\nmax_concurrent = 64\n";
    let config = load_text(&(text + routes), KEY).unwrap().config().clone();
    let acme = &config.providers["acme"];
    let patience = Patience {
        connect: Duration::from_millis(500),
        first_byte: Duration::from_secs(20),
        stall: Duration::from_secs(60),
    };
    assert_eq!((acme.patience, acme.retries, acme.max_concurrent), (patience, 0, Some(8)));
    assert!(!acme.warm && config.max_concurrent == Some(64));
    let auto = &config.routes["auto"];
    let hedge = HedgeConfig { after: Duration::from_millis(300), budget_ppm: 100_000 };
    assert_eq!((auto.deadline, auto.hedge), (Some(Duration::from_secs(120)), Some(hedge)));
}

#[test]
fn a_model_may_be_served_at_several_places() {
    let bolt = "[providers.bolt]\nkind = \"anthropic\"\nbase_url = \"https://bolt.example\"\n";
    let deployments = |text: &str| {
        let settings = load_text(&format!("{SMALLEST}{text}{bolt}"), KEY).unwrap();
        settings.config().models["large"].clone()
    };
    let place = |name: &str, provider: &str, id: &str, weight| DeploymentConfig {
        name: name.to_owned(),
        provider: provider.to_owned(),
        id: id.to_owned(),
        weight,
    };
    let both = deployments("[models.large.deployments.west]\nprovider = \"bolt\"\nweight = 3\n");
    assert_eq!(
        both.deployments,
        [place("large", "acme", "large-1", 1), place("large/west", "bolt", "large-1", 3)]
    );
    let alone = "[models.other.deployments]\neast = { provider = \"acme\", id = \"a\" }\nwest = { provider = \"bolt\", id = \"b\" }\n";
    let settings = load_text(&format!("{SMALLEST}{alone}{bolt}"), KEY).unwrap();
    let other = &settings.config().models["other"];
    assert_eq!((other.provider.as_str(), other.id.as_str()), ("acme", "a"));
    assert_eq!(other.deployments.len(), 2);
    assert!(deployments("").deployments.is_empty());
}

#[test]
fn what_cannot_be_meant_is_told() {
    for (text, message) in [
        (
            "[models.large.deployments.b]\nprovider = \"acme\"",
            "10:1: `models.large.deployments.b` is the same place as another one: `large-1` at `acme`\n  \
             hint: leave one of them out, or give it another provider or id",
        ),
        (
            "[models.large.deployments.b]\nprovider = \"acne\"",
            "10:1: `models.large.deployments.b.provider` names `acne`, which is no provider\n  hint: did you mean `acme`?",
        ),
        (
            "[models.large.deployments.b]\nprovider = \"embedded\"",
            "10:1: `models.large.deployments.b.provider` names the provider of the embedded model, which is at one \
             place only",
        ),
        (
            "[models.large.deployments.b]\nprovider = \"acme\"\nid = \"b\"\nweight = 0",
            "12:10: `models.large.deployments.b.weight` must be at least 1",
        ),
        (
            "[routes.auto]\nhedge_budget = 0.5",
            "10:1: `routes.auto.hedge_budget` has no use without `hedge_after`\n  hint: say how long the first place \
             may be silent, such as hedge_after = \"300ms\"",
        ),
        (
            "[server]\nmax_concurrent = -1",
            "10:18: `server.max_concurrent` must be a whole number, not below zero",
        ),
        (
            "[providers.embedded]\nretries = 1",
            "10:1: `providers.embedded.retries` has no use: a provider of kind `embedded` is in this program",
        ),
    ] {
        assert_eq!(problem(&format!("{SMALLEST}{text}")), format!("waymark.toml:{message}"));
    }
}

#[test]
fn the_example_of_the_page_about_resilience_loads_without_a_warning() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/resilience.md");
    let page = std::fs::read_to_string(page).unwrap();
    let example = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let keys = [("DIRECT_KEY", "k"), ("EAST_KEY", "k"), ("WEST_KEY", "k")];
    let settings = load_text(example, &keys).unwrap();
    assert_eq!(settings.warnings(), [] as [String; 0]);
    let names: Vec<_> =
        settings.config().models["large"].deployments.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["large", "large/east", "large/west"]);
}

#[test]
fn the_page_about_resilience_knows_every_cause() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/resilience.md");
    let page = std::fs::read_to_string(page).unwrap();
    for cause in waymark_types::Cause::ALL {
        let told = page.lines().any(|line| line.starts_with('|') && line.contains(&format!("`{cause}`")));
        assert!(told, "{cause} is not in the table of causes");
    }
}
