//! Codex: a provider of its own in `config.toml`. The ids `openai`, `ollama` and `lmstudio` are reserved and
//! overriding them is silently ignored; only the Responses dialect is accepted.

use super::{Client, FileEdit, MODEL, Plan, change, keys};
use crate::connect::edit::Edit;

pub(super) const CLIENT: Client = Client {
    name: "codex",
    title: "Codex",
    programs: &["codex"],
    folders: |home| vec![home.moved("CODEX_HOME", home.home.join(".codex"))],
    agents: &["codex"],
    variable: None,
    plan: |home, address| {
        let provider = |key| ["model_providers", "waymark", key];
        Plan::files(vec![FileEdit {
            path: home.moved("CODEX_HOME", home.home.join(".codex")).join("config.toml"),
            edit: Edit::Toml(vec![
                change(&["model"], MODEL),
                change(&["model_provider"], "waymark"),
                change(&provider("name"), "Waymark"),
                change(&provider("base_url"), address.v1()),
                change(&provider("wire_api"), "responses"),
            ]),
            address: Some(keys(&provider("base_url"))),
        }])
        .note("it reads its configuration at start only: start it anew")
        .note("a profile chosen with --profile may name another provider")
    },
};
