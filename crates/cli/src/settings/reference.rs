//! The reference page of the configuration, made from the table of keys so that it cannot fall behind.

use std::fmt::Write;
use std::path::Path;

use waymark_types::{Capability, Dialect, ProviderKind, Task};

use super::layers::variable_of;
use super::schema::{BUILT_IN, KEYS, Key, Kind};
use super::tests::load_text;

/// Everything a team is likely to write, in one file.
const EXAMPLE: &str = r#"[server]
listen = "127.0.0.1:4114"

[store]
url = "sqlite"

[repository]
path = "."                                   # relative to this file

[ledger]
on_failure = "refuse"                        # no answer without a record
payloads = "discard"                         # commitments only, no text

[ledger.anchor]                              # where what was signed is kept, out of the ledger's reach
git = "on"                                   # refs/waymark/checkpoints of the repository
file = "audit/checkpoints"
every = "10m"

[providers.acme]
kind = "anthropic"
base_url = "https://api.acme.example"        # no /v1
api_key_env = "ACME_KEY"                     # the name of a variable, never the key

[providers.local]
kind = "openai"
base_url = "http://127.0.0.1:8080/v1"        # with /v1; needs no key

[models.small]
provider = "local"
id = "small-coder"
tasks = ["completion", "chat", "agent_step", "subagent_step"]

[models.large]
provider = "acme"
id = "large-2026-01-01"
price = { input = 3.0, cached_input = 0.3, cache_write = 3.75, output = 15.0 }

[models.large-b]
provider = "local"
id = "large-coder"

[routes.auto]
ladder = ["flash", "small", "large"]         # cheapest first; `flash` is always there
fallback = { large = ["large-b"] }

[aliases]
"gpt-4.1" = "large-b"
fast = "small"
"#;

const INTRODUCTION: &str = "\
# Configuration

Waymark reads one file, `waymark.toml`, given with `--config`. Every setting has a default or can be left out: the
embedded model, called `flash`, needs no file at all.

A setting is taken from the strongest place that speaks of it: a flag, else an environment variable, else the file,
else what `waymark up` found at start, else the default. `waymark config --origin` shows every value in effect and
where it came from; `--json` prints the same for programs.

Unknown keys, wrong values and names that lead nowhere are errors, all told at once with file, line and column; the
exit code is then 2.

## A complete example

```toml
";

const NOTES: &str = "
## Rules

- **Secrets** stay out of the file: `api_key_env` names an environment variable, which must be set. A key written into
  the file itself is refused.
- **Prices** are US dollars per million tokens, as integers or decimals, exact to six decimals. A model without a price
  has an unknown cost, not a cost of nothing.
- **The embedded model** is there from the start: the provider `embedded` and the model `flash`. A file may speak of
  them like of any other.
- **The route `auto`** takes whatever nothing else claims. Without a ladder of its own it has every model: `flash`, then
  what was found at start, then the file's, each in the order of declaration.
- **Names**: a model and a route cannot share one. An alias stands for a model or a route, not for another alias.
- **Names that clients ask for by themselves** need no alias. A name is first a route, a model or an alias of the file;
  then a model that its provider calls so (`id`), also with a date or a window at its end (`-20251001`, `[1m]`) or
  `models/` before it, if that model can do the request; then one of the stock names that ship with Waymark
  (`waymark config --stock-names`): small and background models take the route `small`, for titles and the
  like `utility` first; completion and embedding models take the routes of those names; where there is one and it can. Any other name takes the route `auto`. To
  send a client's own names down a ladder, give them an alias: `claude-opus-5 = \"auto\"`.
- **Paths** in the file are relative to the file's directory, those in flags and variables to the working directory.
- **Environment variables** that are empty count as not set.
";

/// The whole page.
fn page() -> String {
    let mut page = format!("{INTRODUCTION}{EXAMPLE}```\n\n## Keys\n");
    let mut section = "";
    for key in KEYS {
        let table = key.path.split('.').next().unwrap_or_default();
        if table != section {
            section = table;
            let heading = if KEYS.iter().any(|key| key.path.starts_with(&format!("{table}.*."))) {
                format!("[{table}.NAME]")
            } else {
                format!("[{table}]")
            };
            let columns = if key.path.contains('*') {
                "| key | value | meaning |\n|---|---|---|"
            } else {
                "| key | value | default | environment | meaning |\n|---|---|---|---|---|"
            };
            let _ = writeln!(page, "\n### `{heading}`\n\n{columns}");
        }
        let _ = writeln!(page, "{}", row(key));
    }
    let _ = write!(page, "\nThere from the start:");
    for (index, (path, value)) in BUILT_IN.iter().enumerate() {
        let _ = write!(page, "{} `{path} = \"{value}\"`", if index > 0 { "," } else { "" });
    }
    let _ = writeln!(page, ".");
    page + NOTES
}

fn row(key: &Key) -> String {
    let fixed = !key.path.contains('*');
    let above = if fixed || key.path == "aliases.*" { 1 } else { 2 };
    let name = key.path.splitn(above + 1, '.').last().unwrap_or_default().replace('*', "NAME");
    let value = value(key.kind);
    if !fixed {
        return format!("| `{name}` | {value} | {} |", key.doc);
    }
    let default = key.default.map_or(String::new(), |text| match key.kind {
        Kind::Switch | Kind::Count | Kind::Fraction => format!("`{text}`"),
        _ => format!("`\"{text}\"`"),
    });
    format!("| `{name}` | {value} | {default} | `{}` | {} |", variable_of(key.path), key.doc)
}

fn value(kind: Kind) -> String {
    let words =
        |words: Vec<&str>| words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    match kind {
        Kind::Text => "string".to_owned(),
        Kind::Address => "IP address and port".to_owned(),
        Kind::Path => "path".to_owned(),
        Kind::Store => "`sqlite` or a `postgres://` URL".to_owned(),
        Kind::OneOf(list) => words(list.to_vec()),
        Kind::Provider => words(ProviderKind::ALL.iter().map(|kind| kind.as_str()).collect()),
        Kind::Url => "http or https URL".to_owned(),
        Kind::Variable => "name of a variable".to_owned(),
        Kind::Switch => words(vec!["true", "false"]),
        Kind::Fraction => "number from 0 to 1".to_owned(),
        Kind::Count => "whole number".to_owned(),
        Kind::Usd => "US dollars per million tokens".to_owned(),
        Kind::Dollars => "US dollars".to_owned(),
        Kind::Duration => "span of time: a number and `ms`, `s`, `m`, `h` or `d`".to_owned(),
        Kind::Positive => "whole number from 1".to_owned(),
        Kind::Names => "array of models".to_owned(),
        Kind::Texts => "array of strings".to_owned(),
        Kind::Dialects => {
            format!("array of {}", words(Dialect::ALL.iter().map(|dialect| dialect.as_str()).collect()))
        }
        Kind::Patterns => "array of regular expressions".to_owned(),
        Kind::Capabilities => {
            format!("array of {}", words(Capability::ALL.iter().map(|can| can.as_str()).collect()))
        }
        Kind::Witnesses => "array of addresses with keys".to_owned(),
        Kind::Tasks => format!("array of {}", words(Task::ALL.iter().map(|task| task.as_str()).collect())),
    }
}

#[test]
fn the_page_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page(), "docs/configuration.md is out of date: run `UPDATE=1 cargo test -p waymark`");
}

#[test]
fn the_example_loads_without_a_warning() {
    let settings = load_text(EXAMPLE, &[("ACME_KEY", "k")]).unwrap();
    assert_eq!(settings.warnings(), [] as [String; 0]);
    let config = settings.config();
    assert_eq!(config.models["large"].price.unwrap().cache_write.0, 3_750_000);
    assert_eq!(config.routes["auto"].ladder, ["flash", "small", "large"]);
    assert_eq!(config.aliases["gpt-4.1"], "large-b");
    assert_eq!(config.providers["acme"].base_url, "https://api.acme.example");
}
