//! Cline: its provider lives in the editor's own storage, which no program should write behind its back.

use super::{Client, KEY, MODEL, Passage, Plan};

pub(super) const CLIENT: Client = Client {
    name: "cline",
    title: "Cline",
    programs: &["cline"],
    folders: |home| {
        let storage = home.config.join("Code").join("User").join("globalStorage");
        vec![home.home.join(".cline"), storage.join("saoudrizwan.claude-dev")]
    },
    agents: &["cline/"],
    variable: None,
    plan: |_, address| {
        Plan::by_hand(vec![Passage {
            heading: "in Cline's settings, under API Configuration",
            text: format!(
                "API Provider: OpenAI Compatible\nBase URL: {}\nAPI Key: {KEY}\nModel ID: {MODEL}\n",
                address.v1()
            ),
        }])
    },
};
