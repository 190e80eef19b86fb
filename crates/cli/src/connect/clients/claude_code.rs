//! Claude Code: the `env` block of its user settings. The bearer token is chosen over the API key because it also
//! wins over a saved login.

use super::{Client, FileEdit, KEY, OWN_NAMES, Plan, change, keys};
use crate::connect::edit::Edit;

pub(super) const CLIENT: Client = Client {
    name: "claude-code",
    title: "Claude Code",
    programs: &["claude"],
    folders: |home| vec![home.moved("CLAUDE_CONFIG_DIR", home.home.join(".claude"))],
    agents: &["claude-cli", "claude-code"],
    variable: Some("ANTHROPIC_BASE_URL"),
    plan: |home, address| {
        let folder = home.moved("CLAUDE_CONFIG_DIR", home.home.join(".claude"));
        let url = ["env", "ANTHROPIC_BASE_URL"];
        Plan::files(vec![FileEdit {
            path: folder.join("settings.json"),
            edit: Edit::Json(vec![
                change(&url, address.base()),
                change(&["env", "ANTHROPIC_AUTH_TOKEN"], KEY),
            ]),
            address: Some(keys(&url)),
        }])
        .note(OWN_NAMES)
        .note("where ANTHROPIC_API_KEY is set too, it warns about two credentials and uses the token")
    },
};
