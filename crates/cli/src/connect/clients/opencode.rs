//! opencode: a provider of its own in its user settings, which may be `opencode.jsonc` and then win over
//! `opencode.json`. An id that starts with `opencode` would change the headers it sends.

use super::{Client, FileEdit, KEY, MODEL, Plan, change, keys};
use crate::connect::edit::Edit;

pub(super) const CLIENT: Client = Client {
    name: "opencode",
    title: "opencode",
    programs: &["opencode"],
    folders: |home| vec![home.dot_config().join("opencode")],
    agents: &["opencode/"],
    variable: None,
    plan: |home, address| {
        let folder = home.dot_config().join("opencode");
        let commented = folder.join("opencode.jsonc");
        let path = if commented.is_file() { commented } else { folder.join("opencode.json") };
        let url = ["provider", "waymark", "options", "baseURL"];
        Plan::files(vec![FileEdit {
            path,
            edit: Edit::Json(vec![
                change(&["provider", "waymark", "npm"], "@ai-sdk/openai-compatible"),
                change(&["provider", "waymark", "name"], "Waymark"),
                change(&url, address.v1()),
                change(&["provider", "waymark", "options", "apiKey"], KEY),
                change(&["provider", "waymark", "models", MODEL, "name"], "Waymark auto"),
                change(&["model"], format!("waymark/{MODEL}")),
            ]),
            address: Some(keys(&url)),
        }])
        .note("a project's own opencode.json may name another model")
    },
};
