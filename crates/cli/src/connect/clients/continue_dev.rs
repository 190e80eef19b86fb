//! Continue: a first item in the list of models of its `config.yaml`.

use super::{Client, FileEdit, KEY, MODEL, Plan};
use crate::connect::edit::{Block, Edit, Place, Style};

pub(super) const CLIENT: Client = Client {
    name: "continue",
    title: "Continue",
    programs: &["cn"],
    folders: |home| vec![home.home.join(".continue")],
    agents: &["continue/", "continue-cli"],
    variable: None,
    plan: |home, address| {
        let lines = [
            "- name: Waymark".to_owned(),
            "  provider: openai".to_owned(),
            format!("  model: {MODEL}"),
            format!("  apiBase: {}", address.v1()),
            format!("  apiKey: {KEY}"),
            "  roles: [chat, edit, apply, autocomplete]".to_owned(),
        ];
        let head = ["name: Local Config", "version: 1.0.0", "schema: v1"];
        Plan::files(vec![FileEdit {
            path: home.home.join(".continue").join("config.yaml"),
            edit: Edit::Block(Block {
                style: Style::Yaml,
                place: Place::List { key: "models", head: head.map(str::to_owned).to_vec() },
                keys: vec!["models"],
                lines: lines.to_vec(),
                address_key: "apiBase",
            }),
            address: None,
        }])
        .note(
            "a model chosen earlier in its menu stays chosen: choose `Waymark` for chat and for autocomplete",
        )
    },
};
