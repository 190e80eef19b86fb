//! What people read when a configuration is wrong, word for word.

use std::path::Path;

use super::{SMALLEST, load_text, load_with, problem};
use crate::settings::{Sources, load};

#[test]
fn unknown_keys_come_with_a_suggestion() {
    assert_eq!(
        problem("[server]\n  listn = \"127.0.0.1:1\""),
        "waymark.toml:2:3: unknown key `server.listn`\n  hint: did you mean `listen`?"
    );
    assert_eq!(
        problem("color = 1"),
        "waymark.toml:1:1: unknown key `color`\n  \
         hint: known here: server, store, repository, embedded, ledger, telemetry, providers, models, routes, rules, limits, gates, content, aliases"
    );
    // The table was misspelt: that nothing in it is known is no further problem.
    assert_eq!(
        problem("routes.x.ladder = [\"large\"]\n[model.large]\nid = \"x\""),
        "waymark.toml:2:2: unknown key `model`\n  hint: did you mean `models`?"
    );
    assert_eq!(
        problem("[models.large]\nprovder = \"embedded\""),
        "waymark.toml:2:1: unknown key `models.large.provder`\n  hint: did you mean `provider`?"
    );
}

#[test]
fn wrong_values_say_what_is_wanted_and_what_was_found() {
    for (text, message) in [
        (
            "server = 1",
            "1:1: `server` must be a table, found an integer\n  hint: it holds listen, data_dir, hosts, keys, max_concurrent",
        ),
        (
            "[[models]]\nid = \"x\"",
            "1:3: `models` must be a table, found an array\n  hint: it holds tables with names of your choice",
        ),
        ("server.listen = 4114", "1:17: `server.listen` must be a string, found an integer"),
        (
            "server.listen = \"localhost\"",
            "1:17: `server.listen` is not an IP address with a port: `localhost`\n  hint: write it like 127.0.0.1:4114",
        ),
        (
            "server.data_dir = \"~/w\"",
            "1:19: `server.data_dir` begins with `~`, which is not expanded here\n  hint: write the whole path",
        ),
        ("repository.path = \"\"", "1:19: `repository.path` must not be empty"),
        ("embedded.threshold = 2", "1:22: `embedded.threshold` must be from 0 to 1"),
        ("embedded.threshold = nan", "1:22: `embedded.threshold` must be from 0 to 1"),
        (
            "embedded.threshold = true",
            "1:22: `embedded.threshold` must be a number from 0 to 1, found a boolean",
        ),
        (
            "ledger.on_failure = \"refus\"",
            "1:21: `ledger.on_failure` must be one of refuse, serve, found `refus`\n  hint: did you mean `refuse`?",
        ),
        (
            "ledger.anchor.every = 10",
            "1:23: `ledger.anchor.every` must be a span of time such as \"10m\", found an integer",
        ),
        (
            "ledger.anchor.every = \"10\"",
            "1:23: `ledger.anchor.every` is no span of time: `10`\n  hint: write a number and `ms`, `s`, `m`, `h` or `d`, such as 10m",
        ),
        (
            "ledger.anchor.url_header_env = \"UNSET\"",
            "1:15: `ledger.anchor.url_header_env` names UNSET, which is not set\n  hint: set the variable, or leave the key out",
        ),
        ("ledger.payloads = \"x\"", "1:19: `ledger.payloads` must be one of discard, keep, found `x`"),
        (
            "store.url = \"postgres://waymark:hunter2@db/waymark\"",
            "1:13: `store.url` holds a password\n  \
             hint: leave it out, put it into an environment variable, and name that in store.password_env",
        ),
        (
            "store = { url = \"postgres://waymark@db/waymark\", password_env = \"NO\" }",
            "1:50: `store.password_env` names NO, which is not set\n  \
             hint: set the variable to the database's password, or leave the key out",
        ),
        (
            "ledger.witnesses = [\"https://witness.example\"]",
            "1:21: `ledger.witnesses` is no address and key: `https://witness.example`\n  \
             hint: write the address and the key that the witness tells, like `https://witness.example name+1a2b3c4d+AAAA`",
        ),
        (
            "telemetry.content = \"yes\"",
            "1:21: `telemetry.content` must be `true` or `false`, found a string",
        ),
        (
            "telemetry.content = true",
            "1:11: `telemetry.content` tells texts that are not kept\n  \
             hint: set ledger.payloads = \"keep\", or leave the texts out of telemetry",
        ),
        (
            "telemetry.otlp_endpoint = \"http://localhost:4318/v1/traces\"",
            "1:11: `telemetry.otlp_endpoint` ends in /v1/traces, which is added to it\n  \
             hint: write otlp_endpoint = \"http://localhost:4318\"",
        ),
        (
            "telemetry = { otlp_endpoint = \"http://localhost:4318\", otlp_headers_env = \"NO\" }",
            "1:56: `telemetry.otlp_headers_env` names NO, which is not set or empty\n  \
             hint: set NO to the headers, or leave this out",
        ),
        ("store.url = \"hunter2\"", "1:13: `store.url` must be `sqlite` or a postgres:// URL"),
    ] {
        assert_eq!(problem(text), format!("waymark.toml:{message}"));
    }
}

#[test]
fn wrong_lists_and_prices_say_so_too() {
    for (text, message) in [
        (
            "models.flash.tasks = [\n\"chat\",\n3]",
            "3:1: `models.flash.tasks` must hold strings only, found an integer",
        ),
        (
            "models.flash.tasks = [\"chats\"]",
            "1:23: `models.flash.tasks` must be one of completion, chat, agent_step, subagent_step, utility, embedding, image, transcription, speech, found `chats`\n  \
             hint: did you mean `chat`?",
        ),
        ("models.flash.tasks = []", "1:22: `models.flash.tasks` must not be empty"),
        (
            "routes.x.ladder = \"flash\"",
            "1:19: `routes.x.ladder` must be an array of model names, found a string",
        ),
        ("routes.x.ladder = [\"\"]", "1:20: `routes.x.ladder` must not hold an empty name"),
        ("aliases.\"\" = \"flash\"", "1:9: `aliases.\"\"` needs a name that is not empty"),
        (
            "models.flash.price = 3",
            "1:14: `models.flash.price` must be a table, found an integer\n  \
             hint: it holds input, cached_input, cache_write, output",
        ),
        (
            "models.flash.price = { input = \"3\", output = 1 }",
            "1:32: `models.flash.price.input` must be a number of US dollars per million tokens, found a string",
        ),
        (
            "models.flash.price = { input = 0.0000001, output = 1 }",
            "1:32: `models.flash.price.input` has more than 6 decimals\n  \
             hint: prices are kept to a millionth of a US dollar",
        ),
        (
            "models.flash.price = { input = -1, output = 1 }",
            "1:32: `models.flash.price.input` must not be negative",
        ),
    ] {
        assert_eq!(problem(text), format!("waymark.toml:{message}"));
    }
}

#[test]
fn wrong_variables_and_flags_are_named() {
    let variables = [("WAYMARK_EMBEDDED_THRESHOLD", "half")];
    let flags = [("server.listen", "4114".to_owned(), "--listen")];
    assert_eq!(
        load_with(None, &variables, &[], &flags).err().unwrap(),
        "the configuration has 2 problems\n\
         environment variable WAYMARK_EMBEDDED_THRESHOLD: `embedded.threshold` is not a number: `half`\n\
         flag --listen: `server.listen` is not an IP address with a port: `4114`\n  hint: write it like 127.0.0.1:4114"
    );
}

#[test]
fn all_problems_are_told_at_once_from_top_to_bottom() {
    let text = "[routes.auto]\nladder = [\"flush\"]\n[server]\nlisten = 1\nport = 2\n";
    let variables = [("WAYMARK_STORE_URL", "mysql")];
    assert_eq!(
        load_text(text, &variables).err().unwrap(),
        "the configuration has 4 problems\n\
         waymark.toml:2:1: `routes.auto.ladder` names `flush`, which is no model\n  hint: did you mean `flash`?\n\
         waymark.toml:4:10: `server.listen` must be a string, found an integer\n\
         waymark.toml:5:1: unknown key `server.port`\n  hint: known here: listen, data_dir, hosts, keys, max_concurrent\n\
         environment variable WAYMARK_STORE_URL: `store.url` must be `sqlite` or a postgres:// URL"
    );
}

#[test]
fn broken_toml_shows_the_line_and_a_caret() {
    assert_eq!(
        problem("[server]\nlisten = 127.0.0.1:4114\n"),
        "waymark.toml:2:15: invalid float\n  2 | listen = 127.0.0.1:4114\n    |               ^\n  \
         hint: text stands in quotes: \"...\""
    );
    assert_eq!(problem("a = 1\na = 2"), "waymark.toml:2:1: duplicate key\n  2 | a = 2\n    | ^");
    let secret = problem("[providers.acme]\n\tapi_key = hunter2\n");
    assert!(secret.contains("\n  2 | \tapi_key = *******\n"), "{secret}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let sources = Sources {
        platform_data_dir: None,
        discovered: &[],
        file: Some(Path::new("no/waymark.toml")),
        environment: &|_| None,
        flags: &[],
    };
    let error = load(&sources).err().unwrap();
    assert_eq!(error.to_string(), "cannot read the configuration file no/waymark.toml");
    assert!(std::error::Error::source(&error).is_some());
    let error = load(&Sources { file: None, ..sources }).err().unwrap();
    assert_eq!(
        error.to_string(),
        "default: `server.data_dir` has no value: this platform names no data directory\n  \
         hint: name one with --data-dir"
    );
}

#[test]
fn providers_need_the_right_address() {
    let provider = |kind: &str, rest: &str| problem(&format!("[providers.acme]\nkind = \"{kind}\"\n{rest}"));
    for (kind, rest, message) in [
        (
            "openai",
            "",
            "1:12: `providers.acme` has no `base_url`\n  hint: base_url is where the provider is: with the version \
             (`/v1`) for `openai` and `mistral`, without a path for other kinds",
        ),
        (
            "openai",
            "base_url = \"https://h/v1/chat/completions\"",
            "3:1: `providers.acme.base_url` ends in /chat/completions, which is added to it\n  \
             hint: write base_url = \"https://h/v1\"",
        ),
        (
            "anthropic",
            "base_url = \"https://h/v1/\"",
            "3:1: `providers.acme.base_url` ends in /v1, which is added to it\n  hint: write base_url = \"https://h\"",
        ),
        (
            "openai",
            "base_url = \"h/v1\"",
            "3:12: `providers.acme.base_url` must begin with http:// or https://",
        ),
        (
            "openai",
            "base_url = \"https://me:hunter2@h/v1\"",
            "3:12: `providers.acme.base_url` carries credentials, which would end up in logs\n  \
             hint: leave them out and name the variable that holds the key in api_key_env",
        ),
        (
            "embedded",
            "base_url = \"https://h\"",
            "3:1: `providers.acme.base_url` has no use: a provider of kind `embedded` is in this program",
        ),
        (
            "ollama",
            "base_url = \"http://127.0.0.1:11434/api\"",
            "3:1: `providers.acme.base_url` ends in /api, which is added to it\n  \
             hint: write base_url = \"http://127.0.0.1:11434\"",
        ),
        (
            "azure-openai",
            "base_url = \"https://r.openai.azure.com/openai/v1\"",
            "3:1: `providers.acme.base_url` ends in /openai/v1, which is added to it\n  \
             hint: write base_url = \"https://r.openai.azure.com\"",
        ),
        (
            "gemini",
            "base_url = \"https://h\"\napi_version = \"v1\"",
            "4:1: `providers.acme.api_version` has no use: only `azure-openai` has one, this provider is `gemini`",
        ),
        (
            "mistral",
            "base_url = \"https://h/v1\"\ndialects = [\"mistral\"]",
            "4:13: `providers.acme.dialects` must be one of openai-chat, openai-completions, openai-responses, \
             anthropic-messages, gemini, ollama-chat, ollama-generate, llama-infill, mistral-fim, openai-embeddings, \
             ollama-embed, gemini-embed, openai-images, openai-transcriptions, openai-speech, found `mistral`\n  \
             hint: did you mean `mistral-fim`?",
        ),
        (
            "opnai",
            "base_url = \"https://h/v1\"",
            "2:8: `providers.acme.kind` must be one of openai, azure-openai, anthropic, gemini, mistral, \
             ollama, llama-cpp, embedded, found `opnai`\n  \
             hint: did you mean `openai`?",
        ),
    ] {
        assert_eq!(provider(kind, rest), format!("waymark.toml:{message}"));
    }
    assert_eq!(
        problem("[providers.acme]\n"),
        "waymark.toml:1:12: `providers.acme` has no `kind`\n  hint: kind is how the provider is spoken to"
    );
}

#[test]
fn keys_come_from_variables_that_are_set() {
    let error = |variables: &[(&str, &str)]| load_text(SMALLEST, variables).err().unwrap();
    let hint = "hint: set ACME_KEY to the provider's key, or leave api_key_env out to send none";
    assert_eq!(
        error(&[]),
        format!("waymark.toml:5:1: `providers.acme.api_key_env` names ACME_KEY, which is not set\n  {hint}")
    );
    assert_eq!(
        error(&[("ACME_KEY", " ")]),
        format!("waymark.toml:5:1: `providers.acme.api_key_env` names ACME_KEY, which is empty\n  {hint}")
    );
    assert_eq!(
        problem(&SMALLEST.replace("ACME_KEY", "sk-hunter2")),
        "waymark.toml:5:15: `providers.acme.api_key_env` must be the name of an environment variable: capitals, digits \
         and `_`\n  hint: if this is the key itself, move it out of the file into a variable and write that variable's \
         name"
    );
    assert_eq!(
        problem(&SMALLEST.replace("api_key_env = \"ACME_KEY\"", "api_key = \"hunter2\"")),
        "waymark.toml:5:1: `providers.acme.api_key` would be a secret in a file\n  hint: put it into an environment \
         variable and name that one: api_key_env = \"ACME_API_KEY\""
    );
}

#[test]
fn models_need_a_provider_a_name_and_a_whole_price() {
    let model = |rest: &str| problem(&format!("{SMALLEST}[models.m]\n{rest}"));
    for (rest, message) in [
        (
            "id = \"m\"",
            "9:9: `models.m` has no `provider`\n  hint: provider is the configured name of the model's provider; not needed by a model that has `deployments`",
        ),
        (
            "id = \"m\"\nprovider = \"acne\"",
            "11:1: `models.m.provider` names `acne`, which is no provider\n  hint: did you mean `acme`?",
        ),
        (
            "provider = \"acme\"",
            "9:9: `models.m` has no `id`\n  hint: id is the provider's own name for the model; not for embedded models",
        ),
        (
            "provider = \"embedded\"\nid = \"m\"",
            "11:1: `models.m.id` has no use: an embedded model is named after what it has learned\n  \
             hint: leave it out, or name another provider",
        ),
        (
            "provider = \"acme\"\nid = \"m\"\nprice = { input = 1 }",
            "12:11: `models.m.price` has no `output`\n  \
             hint: output is the price of output tokens, reasoning included",
        ),
        (
            "provider = \"embedded\"\n[routes.m]\nladder = [\"m\"]",
            "9:9: `models.m` and `routes.m` share a name\n  \
             hint: clients could never ask for the model: rename one of them",
        ),
    ] {
        assert_eq!(model(rest), format!("waymark.toml:{message}"));
    }
}

#[test]
fn ladders_fallbacks_and_aliases_lead_somewhere() {
    for (rest, message) in [
        (
            "[routes.r]",
            "9:9: `routes.r` has no `ladder`\n  hint: ladder is models, cheapest first: a request starts on \
          the first that can do the task; `auto` has all of them without it",
        ),
        (
            "[routes.r]\nladder = [\"lrge\"]",
            "10:1: `routes.r.ladder` names `lrge`, which is no model\n  \
          hint: did you mean `large`?",
        ),
        (
            "[routes.r]\nladder = [\"auto\"]",
            "10:1: `routes.r.ladder` names `auto`, which is no model\n  \
          hint: it is a route; known here: flash, large",
        ),
        (
            "[routes.r]\nladder = [\"large\", \"large\"]",
            "10:1: `routes.r.ladder` names `large` more than once",
        ),
        (
            "[routes.r]\nladder = [\"flash\"]\nfallback = { flash = [\"xyz\"] }",
            "11:14: `routes.r.fallback.flash` names `xyz`, which is no model\n  hint: known here: flash, large",
        ),
        (
            "[routes.r]\nladder = [\"flash\"]\nfallback = { flash = [\"flash\"] }",
            "11:14: `routes.r.fallback.flash` names the model it stands in for",
        ),
        (
            "[routes.r]\nladder = [\"flash\"]\nfallback = { flsh = [\"large\"] }",
            "11:14: `routes.r.fallback.flsh` stands in for `flsh`, which is not on this route's ladder\n  \
          hint: did you mean `flash`?",
        ),
        (
            "[aliases]\ngpt = \"lage\"",
            "10:1: `aliases.gpt` names `lage`, which is no model or route\n  \
          hint: did you mean `large`?",
        ),
    ] {
        assert_eq!(problem(&format!("{SMALLEST}{rest}")), format!("waymark.toml:{message}"));
    }
}
