//! Zed: a provider for its agent and one for edit predictions. Missing capabilities make it warn, so all are
//! written. The completion URL is posted to as given.

use std::path::PathBuf;

use super::{Client, FileEdit, KEY, MODEL, Passage, Plan, change, change_to, exports, keys};
use crate::connect::edit::Edit;
use crate::connect::home::{Home, Platform};

pub(super) const CLIENT: Client = Client {
    name: "zed",
    title: "Zed",
    programs: &["zed", "zeditor"],
    folders: |home| vec![folder(home)],
    agents: &["zed/"],
    variable: None,
    plan: |home, address| {
        let provider = |key| ["language_models", "openai_compatible", "Waymark", key];
        let prediction = |key| ["edit_predictions", "open_ai_compatible_api", key];
        let models = format!(
            "[{{\"name\":\"{MODEL}\",\"display_name\":\"Waymark auto\",\"max_tokens\":128000,\"capabilities\":{{\
             \"tools\":true,\"images\":true,\"parallel_tool_calls\":true,\"prompt_cache_key\":false}}}}]"
        );
        let edit = Edit::Json(vec![
            change(&provider("api_url"), address.v1()),
            change_to(keys(&provider("available_models")), models),
            change(&["agent", "default_model", "provider"], "Waymark"),
            change(&["agent", "default_model", "model"], MODEL),
            change(&["edit_predictions", "provider"], "open_ai_compatible_api"),
            change(&prediction("api_url"), address.path("/v1/completions")),
            change(&prediction("model"), MODEL),
            change(&prediction("prompt_format"), "qwen"),
            change(&prediction("max_output_tokens"), 128),
        ]);
        let names = ["WAYMARK_API_KEY", "ZED_OPEN_AI_COMPATIBLE_EDIT_PREDICTION_API_KEY"];
        Plan {
            files: vec![FileEdit {
                path: folder(home).join("settings.json"),
                edit,
                address: Some(keys(&provider("api_url"))),
            }],
            by_hand: vec![Passage {
                heading: "keys are no settings in Zed: in the environment that starts it",
                text: exports(home, &names.map(|name| (name, KEY.to_owned()))),
            }],
            notes: vec!["the keys can also be typed in Zed, in the agent's settings".to_owned()],
        }
    },
};

fn folder(home: &Home<'_>) -> PathBuf {
    match home.platform {
        Platform::Windows => home.config.join("Zed"),
        Platform::Linux => home.dot_config().join("zed"),
        Platform::MacOs => home.home.join(".config").join("zed"),
    }
}
