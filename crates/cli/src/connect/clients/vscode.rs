//! VS Code: a Custom Endpoint in `chatLanguageModels.json`. URLs are written in full, since VS Code appends paths
//! to others. Without `chat.byokUtilityModelDefault` titles and commit messages stop for such models.

use std::path::PathBuf;

use super::{Client, FileEdit, KEY, MODEL, Plan, change, change_to};
use crate::connect::edit::{Change, Edit, Step};
use crate::connect::home::Home;

pub(super) const CLIENT: Client = Client {
    name: "vscode",
    title: "VS Code",
    programs: &["code", "code-insiders", "codium"],
    folders: |home| vec![folder(home)],
    agents: &["githubcopilotchat", "vscode/"],
    variable: None,
    plan: |home, address| {
        let user = folder(home).join("User");
        let model = |key: &str| {
            let name = |field: &str, value: &str| Step::Item { field: field.into(), value: value.into() };
            let list = [name("name", "Waymark"), Step::Key("models".into()), name("id", MODEL)];
            [list.as_slice(), &[Step::Key(key.to_owned())]].concat()
        };
        let provider = |key: &str, value: &str| {
            let item = Step::Item { field: "name".into(), value: "Waymark".into() };
            change_to(vec![item, Step::Key(key.into())], format!("\"{value}\""))
        };
        let set = |key: &str, value: String| -> Change { change_to(model(key), value) };
        let models = Edit::Json(vec![
            provider("vendor", "customendpoint"),
            provider("apiKey", KEY),
            provider("apiType", "chat-completions"),
            set("name", "\"Waymark auto\"".into()),
            set("url", format!("\"{}\"", address.path("/v1/chat/completions"))),
            set("toolCalling", "true".into()),
            set("vision", "true".into()),
            set("maxInputTokens", "128000".into()),
            set("maxOutputTokens", "16000".into()),
        ]);
        Plan::files(vec![
            FileEdit { path: user.join("chatLanguageModels.json"), edit: models, address: Some(model("url")) },
            FileEdit {
                path: user.join("settings.json"),
                edit: Edit::Json(vec![change(&["chat.byokUtilityModelDefault"], "mainAgent")]),
                address: None,
            },
        ])
        .note("choose `Waymark auto` in the model picker: no file makes that choice")
        .note("a workspace in Restricted Mode shows only Auto, and an administrator can disable models of one's own")
        .note("completions as you type do not follow these settings: they need an extension")
    },
};

/// The folder of the edition that is there: stable, Insiders, VSCodium.
fn folder(home: &Home<'_>) -> PathBuf {
    let editions = ["Code", "Code - Insiders", "VSCodium"].map(|name| home.config.join(name));
    let found = editions.iter().find(|folder| folder.is_dir()).cloned();
    found.unwrap_or_else(|| home.config.join("Code"))
}
