//! Copilot CLI: its provider comes from the environment alone; it has no configuration keys for it.

use super::{Client, KEY, MODEL, Passage, Plan, exports};

pub(super) const CLIENT: Client = Client {
    name: "copilot-cli",
    title: "Copilot CLI",
    programs: &["copilot"],
    folders: |home| vec![home.home.join(".copilot")],
    agents: &["copilot-cli", "copilot/"],
    variable: Some("COPILOT_PROVIDER_BASE_URL"),
    plan: |home, address| {
        let variables = [
            ("COPILOT_PROVIDER_BASE_URL", address.v1()),
            ("COPILOT_PROVIDER_TYPE", "openai".to_owned()),
            ("COPILOT_PROVIDER_API_KEY", KEY.to_owned()),
            ("COPILOT_MODEL", MODEL.to_owned()),
        ];
        Plan::by_hand(vec![Passage {
            heading: "in the shell that starts `copilot`, or in its profile",
            text: exports(home, &variables),
        }])
        .note("COPILOT_OFFLINE=true keeps it from contacting GitHub at all")
    },
};
