//! What Azure does otherwise than OpenAI.

use serde_json::{Value, json};

use super::dialect::{Answer, Body, Wants};
use super::openai;

/// A chat answer of a deployment: its stream starts with what the content filter made of the prompt.
pub(super) fn answer(wants: &Wants, model: &str, answer: &Answer<'_>) -> Body {
    if !wants.is_stream() {
        return openai::answer(wants, model, answer);
    }
    let harmless = json!({"filtered": false, "severity": "safe"});
    let filter = json!({"hate": harmless, "self_harm": harmless, "sexual": harmless, "violence": harmless});
    let results = json!([{"prompt_index": 0, "content_filter_results": filter}]);
    let first = json!({"id": "", "object": "", "created": 0, "model": "", "choices": [],
        "prompt_filter_results": results});
    let mut body = openai::events(wants, openai::chat_chunks(model, answer), model, answer);
    body.pieces.insert(0, format!("data: {first}\n\n").into_bytes());
    body
}

/// Azure names errors by their status.
pub(super) fn error(status: u16, message: &str) -> Value {
    json!({"error": {"code": status.to_string(), "message": message}})
}
