//! Reads whole answers, and what the record needs of any answer.

use serde::Deserialize;
use serde_json::{Value, json};

use super::output::Items;
use super::wire::{list, read_usage, text, word};
use crate::answer::Answer;
use crate::neutral::{Block, Reply, Stop};
use crate::request::ParseError;

/// Reads a whole answer. Items that only the provider understands are left out.
pub(super) fn read(body: &[u8]) -> Result<Reply, ParseError> {
    let response: Value = serde_json::from_slice(body)?;
    if !response.is_object() {
        let problem = "the answer is not an object".to_owned();
        return Err(ParseError::Field { field: "response", problem });
    }
    let blocks = blocks(&response);
    let has = |is: fn(&Block) -> bool| blocks.iter().any(is);
    let said = Said {
        call: has(|block| matches!(block, Block::ToolCall { .. })),
        refusal: has(|block| matches!(block, Block::Refusal { .. })),
    };
    Ok(Reply {
        id: word(&response, "id").map(str::to_owned),
        model: word(&response, "model").map(str::to_owned),
        stop: Some(stop(&response, said)),
        usage: read_usage(&response).unwrap_or_default(),
        blocks,
    })
}

/// What the model put out.
pub(super) fn blocks(response: &Value) -> Vec<Block> {
    let (mut items, mut unread) = (Items::default(), Vec::new());
    list(response, "output").iter().filter_map(|item| items.read(item, &mut unread)).flatten().collect()
}

/// What an answer holds that says why the model stopped.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Said {
    pub(super) call: bool,
    pub(super) refusal: bool,
}

/// Why the model stopped. A whole answer does not say; what it holds does.
pub(super) fn stop(response: &Value, said: Said) -> Stop {
    match (incomplete(response), said) {
        (Some("max_output_tokens"), _) => Stop::MaxTokens,
        (Some("content_filter"), _) => Stop::Refusal,
        (Some(reason), _) => Stop::Other(reason.to_owned()),
        (None, Said { call: true, .. }) => Stop::ToolCalls,
        (None, Said { refusal: true, .. }) => Stop::Refusal,
        (None, _) => Stop::End,
    }
}

fn incomplete(response: &Value) -> Option<&str> {
    let reason = response.get("incomplete_details").and_then(|details| word(details, "reason"));
    match text(response, "status") {
        Some("incomplete") => Some(reason.unwrap_or("incomplete")),
        _ => None,
    }
}

/// The code and message of an error object.
pub(super) fn error(error: &Value) -> (Option<String>, String) {
    let code = word(error, "code").or_else(|| word(error, "type").filter(|kind| *kind != "error"));
    let message = match error.get("message").unwrap_or(&Value::Null) {
        Value::String(message) => message.clone(),
        Value::Null => error.as_str().unwrap_or_default().to_owned(),
        other => other.to_string(),
    };
    (code.map(str::to_owned), message)
}

/// What the record needs of a response, whole or as an event carries it, or of an `error` event. The rest, which can
/// be large, is passed over; what has another type than it should stays unknown.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Seen {
    #[serde(default, rename = "type")]
    kind: Value,
    #[serde(default)]
    model: Value,
    #[serde(default)]
    status: Value,
    #[serde(default)]
    usage: Value,
    #[serde(default)]
    incomplete_details: Value,
    #[serde(default)]
    error: Value,
    #[serde(default)]
    code: Value,
    #[serde(default)]
    message: Value,
    response: Option<Box<Seen>>,
}

impl Seen {
    /// Reads a whole answer or the data of an event; `None` for what is no object.
    pub(super) fn read(data: &[u8]) -> Option<Self> {
        let mut seen: Self = serde_json::from_slice(data).ok()?;
        Some(seen.response.take().map_or(seen, |response| *response))
    }

    /// Takes over what it says.
    pub(super) fn tell(self, answer: &mut Answer) {
        let Self { kind, model, status, usage, incomplete_details, error: stated, code, message, .. } = self;
        let response = json!({
            "model": model, "usage": usage, "status": status, "incomplete_details": incomplete_details,
        });
        if let Some(model) = word(&response, "model") {
            answer.served_model = Some(model.to_owned());
        }
        if let Some(usage) = read_usage(&response) {
            answer.usage.update(&usage);
        }
        let status = text(&response, "status");
        answer.finish = match status {
            Some("completed") => Some("completed".to_owned()),
            Some("incomplete") => incomplete(&response).map(str::to_owned),
            _ => answer.finish.take(),
        };
        let bare = (kind == "error").then(|| json!({"code": code, "message": message}));
        if let Some(stated) = Some(stated).filter(|stated| !stated.is_null()).or(bare) {
            let (_, message) = error(&stated);
            answer.error = Some(if message.is_empty() { stated.to_string() } else { message });
        } else if let Some(status @ ("failed" | "cancelled")) = status {
            answer.error = Some(status.to_owned());
        }
    }
}

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: String,
}

/// The kind of an event whose frame does not name it; empty when its data does not either.
pub(super) fn event_kind(data: &[u8]) -> String {
    serde_json::from_slice::<Kind>(data).map(|event| event.kind).unwrap_or_default()
}
