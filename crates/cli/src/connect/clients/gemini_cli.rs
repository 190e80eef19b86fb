//! Gemini CLI: the address is a variable in its own `.env`. The kind of login is pinned to the API key: with a
//! saved Google login the address is not used, and the kind it guesses from the address alone is refused.

use super::{Client, FileEdit, KEY, OWN_NAMES, Plan, change};
use crate::connect::edit::{Block, Edit, Place, Style};

pub(super) const CLIENT: Client = Client {
    name: "gemini-cli",
    title: "Gemini CLI",
    programs: &["gemini"],
    folders: |home| vec![home.home.join(".gemini")],
    agents: &["geminicli"],
    variable: Some("GOOGLE_GEMINI_BASE_URL"),
    plan: |home, address| {
        let folder = home.home.join(".gemini");
        let variables = Block {
            style: Style::Variables,
            place: Place::End,
            keys: Vec::new(),
            lines: vec![
                format!("GOOGLE_GEMINI_BASE_URL={}", address.base()),
                format!("GEMINI_API_KEY={KEY}"),
            ],
            address_key: "GOOGLE_GEMINI_BASE_URL",
        };
        Plan::files(vec![
            FileEdit { path: folder.join(".env"), edit: Edit::Block(variables), address: None },
            FileEdit {
                path: folder.join("settings.json"),
                edit: Edit::Json(vec![change(&["security", "auth", "selectedType"], "gemini-api-key")]),
                address: None,
            },
        ])
        .note(OWN_NAMES)
        .note("a project's own .env is read instead of this one")
        .note("some versions ignored the address: look for its record with `waymark doctor` before relying on it")
    },
};
