//! Settings as a whole: precedence, origins, printing, and that no text holds a secret.

mod content;
mod messages;
mod resilience;

use std::path::Path;

use waymark_gateway::{OnFailure, Payloads};
use waymark_types::{MicroUsd, ProviderKind, Task};

use super::*;
use crate::commands;

const SECRET: &str = "hunter2";

/// One provider and one model: the least a file can usefully say.
const SMALLEST: &str = r#"
[providers.acme]
kind = "openai"
base_url = "https://acme.example/v1/"
api_key_env = "ACME_KEY"
[models.large]
provider = "acme"
id = "large-1"
"#;

/// Loads `text` as a file named `waymark.toml` with these variables set.
pub(super) fn load_text(text: &str, variables: &[(&str, &str)]) -> Result<Settings, String> {
    load_with(Some(text), variables, &[], &[])
}

fn load_with(
    text: Option<&str>,
    variables: &[(&str, &str)],
    discovered: &[Discovered],
    flags: &[(&'static str, String, &'static str)],
) -> Result<Settings, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("waymark.toml");
    if let Some(text) = text {
        std::fs::write(&path, text).unwrap();
    }
    let environment =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let sources = Sources {
        platform_data_dir: Some(Path::new("/data/waymark")),
        discovered,
        file: text.map(|_| path.as_path()),
        environment: &environment,
        flags,
    };
    // Directories are named anew each time: messages are compared without them.
    load(&sources).map_err(|error| {
        for shown in [format!("{error:?}"), error.to_string()] {
            assert!(!shown.contains(SECRET), "{shown}");
        }
        error.to_string().replace(&format!("{}/", directory.path().display()), "")
    })
}

fn problem(text: &str) -> String {
    load_text(text, &[("ACME_KEY", SECRET)]).err().unwrap_or_else(|| "no problem".to_owned())
}

fn discovered(key: &[&str], value: impl Into<Value>, how: &str) -> Discovered {
    Discovered { key: KeyPath::new(key.iter().copied()), value: value.into(), how: how.into() }
}

fn printed(settings: &Settings, origin: bool, json: bool) -> String {
    let mut out = Vec::new();
    commands::config::print(settings, origin, json, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn without_anything_the_embedded_model_is_served_from_defaults() {
    let settings = load_with(None, &[], &[], &[]).unwrap();
    let config = settings.config();
    assert_eq!(config.listen.to_string(), "127.0.0.1:4114");
    assert_eq!(config.data_dir, Path::new("/data/waymark"));
    assert_eq!(config.repository, None);
    assert_eq!(config.flash_threshold, None);
    assert_eq!(config.ledger.on_failure, OnFailure::Refuse);
    assert_eq!(config.ledger.payloads, Payloads::Discard);
    assert_eq!(config.providers["embedded"].kind, ProviderKind::Embedded);
    assert_eq!(config.models["flash"].provider, "embedded");
    assert_eq!(config.routes["auto"].ladder, ["flash"]);
}

#[test]
fn one_provider_and_one_model_are_a_whole_file() {
    let settings = load_text(SMALLEST, &[("ACME_KEY", SECRET)]).unwrap();
    let config = settings.config();
    let acme = &config.providers["acme"];
    assert_eq!(acme.base_url, "https://acme.example/v1");
    assert_eq!(acme.api_key.as_ref().map(|key| key.expose()), Some(SECRET));
    assert_eq!(config.models["large"].price, None);
    assert_eq!(config.models["large"].tasks, None);
    assert_eq!(config.routes["auto"].ladder, ["flash", "large"]);
    assert_eq!(settings.warnings(), [] as [String; 0]);
}

#[test]
fn the_route_auto_has_models_in_the_order_of_declaration() {
    let text = format!("{SMALLEST}[models.apt]\nprovider = \"acme\"\nid = \"a\"\n");
    let settings = load_text(&text, &[("ACME_KEY", "k")]).unwrap();
    assert_eq!(settings.config().routes["auto"].ladder, ["flash", "large", "apt"]);
    let text = format!("{text}[models.flash]\nprice = {{ input = 0, output = 0 }}\n");
    let settings = load_text(&text, &[("ACME_KEY", "k")]).unwrap();
    assert_eq!(settings.config().routes["auto"].ladder, ["large", "apt", "flash"]);
}

#[test]
fn a_file_may_define_flash_itself() {
    let text = format!("{SMALLEST}[models.flash]\nprovider = \"acme\"\nid = \"quick-1\"\n");
    let settings = load_text(&text, &[("ACME_KEY", "k")]).unwrap();
    assert_eq!(settings.config().models["flash"].id, "quick-1");
}

#[test]
fn stronger_layers_win_and_every_value_knows_its_origin() {
    let listen = |settings: &Settings| {
        let config = settings.config().listen.port();
        let entry = settings.entries().find(|(key, ..)| key.to_string() == "server.listen");
        let origin = entry.map(|(.., origin)| origin.to_string()).unwrap();
        (config, origin.rsplit('/').next().unwrap().to_owned())
    };
    let found = [discovered(&["server", "listen"], "127.0.0.1:2", "a test found it")];
    let file = "[server]\nlisten = \"127.0.0.1:3\"";
    let variables = [("WAYMARK_SERVER_LISTEN", "127.0.0.1:4")];
    let flags = [("server.listen", "127.0.0.1:5".to_owned(), "--listen")];
    let load = |file, variables, found, flags| listen(&load_with(file, variables, found, flags).unwrap());
    assert_eq!(load(None, &[], &[], &[]), (4114, "default".into()));
    assert_eq!(load(None, &[], &found, &[]), (2, "discovered: a test found it".into()));
    assert_eq!(load(Some(file), &[], &found, &[]), (3, "waymark.toml:2".into()));
    let environment = "environment variable WAYMARK_SERVER_LISTEN".to_owned();
    assert_eq!(load(Some(file), &variables, &found, &[]), (4, environment));
    assert_eq!(load(Some(file), &variables, &found, &flags), (5, "flag --listen".into()));
    assert_eq!(load(None, &[("WAYMARK_SERVER_LISTEN", "")], &[], &[]), (4114, "default".into()));
}

#[test]
fn scalar_keys_are_taken_from_the_environment() {
    let variables = [
        ("WAYMARK_SERVER_DATA_DIR", "data"),
        ("WAYMARK_REPOSITORY_PATH", "/repo"),
        ("WAYMARK_EMBEDDED_THRESHOLD", "0.5"),
        ("WAYMARK_LEDGER_ON_FAILURE", "serve"),
        ("WAYMARK_LEDGER_PAYLOADS", "keep"),
        ("WAYMARK_STORE_URL", "sqlite"),
        ("WAYMARK_TELEMETRY_CONTENT", "true"),
    ];
    let settings = load_with(None, &variables, &[], &[]).unwrap();
    let config = settings.config();
    assert_eq!(config.data_dir, Path::new("data"));
    assert_eq!(config.repository.as_deref(), Some(Path::new("/repo")));
    assert_eq!(config.flash_threshold, Some(0.5));
    assert_eq!(config.ledger.on_failure, OnFailure::Serve);
    assert_eq!(config.ledger.payloads, Payloads::Keep);
    assert!(config.telemetry.content);
}

#[test]
fn telemetry_goes_where_the_file_says_with_headers_from_the_environment() {
    let text = "[telemetry]\notlp_endpoint = \"http://127.0.0.1:4318\"\notlp_headers_env = \"COLLECTOR\"\n";
    let settings = load_text(text, &[("COLLECTOR", "authorization=Bearer%20k")]).unwrap();
    let telemetry = &settings.config().telemetry;
    assert_eq!(telemetry.otlp_endpoint.as_deref(), Some("http://127.0.0.1:4318"));
    assert_eq!(telemetry.otlp_headers[0].1.expose(), "Bearer k");
    assert!(!telemetry.content);
    assert_eq!(settings.warnings(), [] as [String; 0]);
    assert_eq!(load_text("", &[]).unwrap().config().telemetry.otlp_endpoint, None);
    let open = text.replace("127.0.0.1", "collector.example");
    let settings = load_text(&open, &[("COLLECTOR", "authorization=k")]).unwrap();
    assert!(settings.warnings()[0].contains("can be read on the way"), "{:?}", settings.warnings());
}

#[test]
fn paths_in_a_file_are_relative_to_it() {
    let settings = load_text("server.data_dir = \"data\"\nrepository.path = \"/repo\"", &[]).unwrap();
    let data_dir = &settings.config().data_dir;
    assert!(data_dir.is_absolute() && data_dir.ends_with("data"), "{data_dir:?}");
    assert_eq!(settings.config().repository.as_deref(), Some(Path::new("/repo")));
}

#[test]
fn prices_are_exact_and_cached_input_costs_what_input_does() {
    let text =
        format!("{SMALLEST}price = {{ input = 0.075, output = 15 }}\ntasks = [\"chat\", \"completion\"]\n");
    let settings = load_text(&text, &[("ACME_KEY", "k")]).unwrap();
    let model = &settings.config().models["large"];
    let price = model.price.unwrap();
    assert_eq!((price.input, price.output), (MicroUsd(75_000), MicroUsd(15_000_000)));
    assert_eq!((price.cached_input, price.cache_write), (price.input, price.input));
    assert_eq!(model.tasks, Some(vec![Task::Chat, Task::Completion]));
}

#[test]
fn what_was_found_at_start_lies_between_the_defaults_and_the_file() {
    let how = "ANTHROPIC_API_KEY is set";
    let found = [
        discovered(&["providers", "anthropic", "kind"], "anthropic", how),
        discovered(&["providers", "anthropic", "base_url"], "https://api.anthropic.com", how),
        discovered(&["providers", "anthropic", "api_key_env"], "ANTHROPIC_API_KEY", how),
        discovered(&["models", "claude", "provider"], "anthropic", how),
        discovered(&["models", "claude", "id"], "claude-1", how),
    ];
    let variables = [("ANTHROPIC_API_KEY", SECRET)];
    let settings = load_with(None, &variables, &found, &[]).unwrap();
    assert_eq!(settings.config().routes["auto"].ladder, ["flash", "claude"]);
    let lines = printed(&settings, true, false);
    assert!(lines.contains("# discovered: ANTHROPIC_API_KEY is set\n"), "{lines}");
    let settings = load_with(Some("models.claude.id = \"claude-2\""), &variables, &found, &[]).unwrap();
    assert_eq!(settings.config().models["claude"].id, "claude-2");
    let ladder = Value::List(vec!["claude".into()]);
    let found = [&found[..], &[discovered(&["routes", "auto", "ladder"], ladder, how)]].concat();
    let settings = load_with(None, &variables, &found, &[]).unwrap();
    assert_eq!(settings.config().routes["auto"].ladder, ["claude"]);
    let wrong = [discovered(&["models", "x", "colour"], "1", how)];
    assert_eq!(
        load_with(None, &[], &wrong, &[]).err().unwrap().lines().last(),
        Some("  hint: known here: provider, id, deployments, price, tasks, context, can")
    );
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    let text = SMALLEST.replace("https://acme.example/v1/", "http://acme.example");
    let text = format!("{text}[aliases]\nlarge = \"auto\"\n");
    let settings = load_text(&text, &[("ACME_KEY", "k")]).unwrap();
    let warnings: Vec<&str> =
        settings.warnings().iter().map(|line| line.rsplit('/').next().unwrap_or_default()).collect();
    assert_eq!(settings.warnings().len(), 3, "{warnings:?}");
    let ends = |index: usize, end: &str| assert!(settings.warnings()[index].ends_with(end), "{warnings:?}");
    ends(
        0,
        "waymark.toml:4:1: `providers.acme.base_url` has no version in its path; most providers want one, like \
         http://acme.example/v1",
    );
    ends(
        1,
        "waymark.toml:4:1: `providers.acme.base_url` is http: the key and every request can be read on the way",
    );
    ends(2, "waymark.toml:10:1: `aliases.large` is never used: there is a model of that name");
}

#[test]
fn settings_are_printed_with_their_origins_and_without_secrets() {
    let settings = load_text(SMALLEST, &[("ACME_KEY", SECRET)]).unwrap();
    let plain = printed(&settings, false, false);
    assert_eq!(
        plain,
        r#"content.secrets.action = "record"
content.secrets.secrets = ["all"]
ledger.anchor.every = "10m"
ledger.anchor.git = "on"
ledger.on_failure = "refuse"
ledger.payloads = "discard"
limits.output_tokens = 4096
limits.unpriced = "allow"
models.flash.provider = "embedded"
models.large.id = "large-1"
models.large.provider = "acme"
providers.acme.api_key_env = "ACME_KEY"
providers.acme.base_url = "https://acme.example/v1"
providers.acme.kind = "openai"
providers.embedded.kind = "embedded"
routes.auto.ladder = ["flash", "large"]
server.data_dir = "/data/waymark"
server.listen = "127.0.0.1:4114"
store.url = "sqlite"
telemetry.content = false
"#
    );
    let origins = printed(&settings, true, false);
    assert!(
        origins.contains("\nledger.on_failure = \"refuse\"                         # default\n"),
        "{origins}"
    );
    assert!(origins.contains("waymark.toml:5\n"), "{origins}");
    let json: serde_json::Value = serde_json::from_str(&printed(&settings, false, true)).unwrap();
    let told = |key: &str| json.as_array().unwrap().iter().find(|entry| entry["key"] == key).unwrap().clone();
    assert_eq!(told("ledger.on_failure")["origin"], serde_json::json!({ "kind": "default" }));
    assert_eq!(told("providers.acme.api_key_env")["value"], "ACME_KEY");
    assert_eq!(told("providers.acme.api_key_env")["origin"]["line"], 5);
    assert_eq!(told("routes.auto.ladder")["value"], serde_json::json!(["flash", "large"]));
    for text in [plain, origins, json.to_string(), settings.warnings().join("\n")] {
        assert!(!text.contains(SECRET), "{text}");
    }
}

#[test]
fn the_data_directory_alone_needs_no_provider_to_be_right() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("waymark.toml");
    let read = |text: &str| {
        std::fs::write(&path, text).unwrap();
        data_dir(&Sources {
            platform_data_dir: Some(Path::new("/data")),
            discovered: &[],
            file: Some(&path),
            environment: &|_| None,
            flags: &[],
        })
    };
    assert_eq!(read(SMALLEST).unwrap().as_deref(), Some(Path::new("/data")));
    assert_eq!(read("server.data_dir = \"/mine\"").unwrap().as_deref(), Some(Path::new("/mine")));
    assert!(read("server.data_dir = 1").is_err());
    assert!(read("server.datadir = \"/mine\"").is_err());
}

#[test]
fn anchors_alone_need_no_provider_to_be_right() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("waymark.toml");
    let read = |text: &str| {
        std::fs::write(&path, text).unwrap();
        anchors(&Sources {
            platform_data_dir: None,
            discovered: &[],
            file: Some(&path),
            environment: &|name| (name == "HEADER").then(|| "X-Key: secret".to_owned()),
            flags: &[],
        })
    };
    let config = read(&format!("repository.path = \"/src\"\n{SMALLEST}")).unwrap();
    assert_eq!(config.repository.as_deref(), Some(Path::new("/src")));
    assert_eq!((config.file, config.url, config.every.as_secs()), (None, None, 600));
    let config = read(
        "repository.path = \"/src\"\n[ledger.anchor]\ngit = \"off\"\nfile = \"a\"\nurl = \"https://w.example/x/\"\n\
         url_header_env = \"HEADER\"\nevery = \"1h\"",
    )
    .unwrap();
    assert_eq!(config.repository, None);
    assert_eq!(config.file, Some(directory.path().join("a")));
    assert_eq!(config.url.as_deref(), Some("https://w.example/x"));
    assert_eq!(config.url_header.unwrap().expose(), "X-Key: secret");
    assert_eq!(config.every.as_secs(), 3_600);
    for wrong in ["ledger.anchor.fil = \"a\"", "ledger.anchor.every = \"10\"", "repository.path = 1"] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn prices_are_printed_as_they_are_written() {
    let text = format!("{SMALLEST}price = {{ input = 0.075, output = 15 }}\n");
    let settings = load_text(&text, &[("ACME_KEY", "k")]).unwrap();
    let plain = printed(&settings, false, false);
    assert!(plain.contains("models.large.price.cached_input = 0.075\n"), "{plain}");
    assert!(plain.contains("models.large.price.output = 15.0\n"), "{plain}");
    let json = printed(&settings, false, true);
    assert!(json.contains("\"value\": 0.075"), "{json}");
}

#[test]
fn the_example_in_the_page_on_limits_holds() {
    let page = include_str!("../../../../docs/limits.md");
    let (_, example) = page.split_once("```toml\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let settings = load_text(&format!("{SMALLEST}{example}"), &[("ACME_KEY", "k")]).unwrap();
    let limits = &settings.config().limits;
    assert_eq!(limits.keys, Some(waymark_gateway::KeyUse::Required));
    assert_eq!(limits.everybody.budget_month, Some(MicroUsd(2_000_000_000)));
    assert_eq!(limits.everybody.tokens_per_minute, Some(2_000_000));
    assert_eq!(limits.per_owner.budget_day, Some(MicroUsd(25_000_000)));
    assert_eq!((limits.per_owner.requests_per_minute, limits.per_owner.budget_month), (Some(120), None));
    assert_eq!(limits.output_tokens, 4_096);
}

#[test]
fn the_example_in_the_page_on_gates_holds() {
    let page = include_str!("../../../../docs/gates.md");
    let (_, example) = page.split_once("```toml\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let settings = load_text(example, &[]).unwrap();
    let config = settings.config();
    assert_eq!(config.routes["auto"].gates, ["whole", "compiles"]);
    assert_eq!(config.gates["compiles"].command, ["scripts/check-answer"]);
    assert_eq!(config.gates["compiles"].budget_day, Some(MicroUsd(5_000_000)));
}

#[test]
fn gates_that_are_not_there_or_make_no_sense_are_told() {
    let wrong = |text: &str| load_text(&format!("{SMALLEST}{text}"), &[("ACME_KEY", "k")]).err().unwrap();
    for (text, told) in [
        ("[routes.auto]\ngates = [\"whole\"]\nladder = [\"large\"]", "names `whole`, which is no gate"),
        ("[gates.whole]\nkind = \"command\"", "`gates.whole` has no `command`"),
        ("[gates.whole]\nkind = \"json\"\ncommand = [\"true\"]", "runs no command"),
        ("[gates.whole]\nkind = \"shape\"", "must be one of json, schema, command"),
    ] {
        let problem = wrong(text);
        assert!(problem.contains(told), "{text}: {problem}");
    }
}
