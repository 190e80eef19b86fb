//! aider: three keys of its user configuration.

use super::{Client, FileEdit, KEY, MODEL, Plan};
use crate::connect::edit::{Block, Edit, Place, Style};

pub(super) const CLIENT: Client = Client {
    name: "aider",
    title: "aider",
    programs: &["aider"],
    folders: |home| vec![home.home.join(".aider")],
    agents: &["aider", "litellm"],
    variable: Some("OPENAI_API_BASE"),
    plan: |home, address| {
        Plan::files(vec![FileEdit {
            path: home.home.join(".aider.conf.yml"),
            edit: Edit::Block(Block {
                style: Style::Yaml,
                place: Place::End,
                keys: vec!["model", "openai-api-base", "openai-api-key"],
                lines: vec![
                    format!("model: openai/{MODEL}"),
                    format!("openai-api-base: {}", address.v1()),
                    format!("openai-api-key: {KEY}"),
                ],
                address_key: "openai-api-base",
            }),
            address: None,
        }])
        .note("an .aider.conf.yml in a repository wins over this one")
    },
};
