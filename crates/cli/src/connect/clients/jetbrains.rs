//! JetBrains AI Assistant: settings of the IDE, with no documented file.

use super::{Client, KEY, MODEL, Passage, Plan};

pub(super) const CLIENT: Client = Client {
    name: "jetbrains",
    title: "JetBrains AI Assistant",
    programs: &["idea", "pycharm", "webstorm", "goland", "clion", "rustrover", "phpstorm", "rider"],
    folders: |home| vec![home.config.join("JetBrains")],
    // It sends nothing that tells it from others.
    agents: &[],
    variable: None,
    plan: |_, address| {
        Plan::by_hand(vec![Passage {
            heading: "in Settings > Tools > AI Assistant > Providers & API keys",
            text: format!(
                "Provider: OpenAI-compatible\nURL: {}\nAPI key: {KEY}\nModel: {MODEL}\n",
                address.v1()
            ),
        }])
        .note("it sends nothing that identifies it, so its records cannot be told from others'")
    },
};
