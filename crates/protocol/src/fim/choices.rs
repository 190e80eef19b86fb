//! Answers made of `choices`, as OpenAI's and Mistral's completions are.

use serde::Deserialize;
use serde_json::{Value, json};
use waymark_types::Usage;

use crate::neutral::{Block, Reply, Stop};
use crate::openai::{Tokens, error_text};
use crate::request::ParseError;

use super::{Piece, Said};

#[derive(Deserialize)]
struct Completion {
    id: Option<String>,
    model: Option<String>,
    choices: Option<Vec<Choice>>,
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
struct Choice {
    index: Option<u64>,
    text: Option<String>,
    message: Option<Message>,
    delta: Option<Message>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<Value>,
}

impl Message {
    /// The text, which Mistral may cut into parts of which only some are text.
    fn text(self) -> Option<String> {
        let part = |part: &Value| part.get("text").and_then(Value::as_str).map(str::to_owned);
        match self.content? {
            Value::String(text) => Some(text),
            Value::Array(parts) => Some(parts.iter().filter_map(part).collect()),
            _ => None,
        }
    }
}

/// Reads an answer, or a piece of one.
fn read(json: &[u8]) -> Result<Piece, ParseError> {
    let completion: Completion = serde_json::from_slice(json)?;
    let choices = completion.choices.unwrap_or_default();
    let mut piece = Piece {
        id: completion.id.filter(|id| !id.is_empty()),
        model: completion.model.filter(|model| !model.is_empty()),
        usage: completion.usage.map(Usage::from).unwrap_or_default(),
        ..Piece::default()
    };
    // Only one answer is ever asked for across dialects.
    if let Some(choice) = choices.into_iter().find(|choice| choice.index.unwrap_or(0) == 0) {
        let message = choice.message.or(choice.delta).and_then(Message::text);
        piece.text = choice.text.or(message).unwrap_or_default();
        piece.stop = choice.finish_reason.map(stop);
    }
    Ok(piece)
}

/// Reads one event of a stream, which ends with `[DONE]`.
pub(crate) fn said(data: &[u8]) -> Said {
    if data == b"[DONE]" {
        return Said::End;
    }
    if let Some((code, message)) = problem(data) {
        return Said::Error { code, message };
    }
    match read(data) {
        Ok(piece) => Said::Piece(piece),
        Err(error) => Said::Error { code: None, message: unreadable(&error) },
    }
}

/// What to say of a part of a stream that cannot be read.
pub(crate) fn unreadable(error: &ParseError) -> String {
    format!("the stream holds an event that cannot be read: {error}")
}

/// Reads a whole answer.
pub(crate) fn reply(body: &[u8]) -> Result<Reply, ParseError> {
    if let Some((_, problem)) = problem(body) {
        return Err(ParseError::Field { field: "error", problem });
    }
    read(body).map(answer)
}

/// A piece that is all there is, as an answer.
pub(crate) fn answer(piece: Piece) -> Reply {
    let blocks = if piece.text.is_empty() { Vec::new() } else { vec![Block::text(piece.text)] };
    Reply { id: piece.id, model: piece.model, blocks, stop: piece.stop, usage: piece.usage }
}

/// The code and message of an error, in whichever of its shapes: an object under `error`, the object itself, or a list
/// of what is wrong with the request.
pub(crate) fn problem(json: &[u8]) -> Option<(Option<String>, String)> {
    let value: Value = serde_json::from_slice(json).ok()?;
    let error = value.get("error").filter(|error| !error.is_null());
    let is_bare = || value.get("object").and_then(Value::as_str) == Some("error");
    let is_answer = || value.get("choices").is_some();
    match (error, value.get("detail"), value.get("message")) {
        (Some(error), ..) => Some((code(error), error_text(error))),
        (None, Some(detail), _) if !is_answer() => Some((None, details(detail))),
        (None, _, Some(_)) if is_bare() || !is_answer() => Some((code(&value), error_text(&value))),
        _ if is_bare() => Some((code(&value), "unspecified".to_owned())),
        _ => None,
    }
}

/// The provider's word for the kind of an error; a number says no more than the status.
fn code(error: &Value) -> Option<String> {
    let word = |name| error.get(name).and_then(Value::as_str).filter(|word| !word.is_empty());
    word("code").or_else(|| word("type")).map(str::to_owned)
}

fn details(detail: &Value) -> String {
    let item = |item: &Value| {
        let place = item.get("loc").and_then(Value::as_array).and_then(|place| place.last());
        let text = item.get("msg").map_or_else(|| error_text(item), error_text);
        place.map_or(text.clone(), |place| format!("`{}`: {text}", error_text(place)))
    };
    detail
        .as_array()
        .map_or_else(|| error_text(detail), |items| items.iter().map(item).collect::<Vec<_>>().join("; "))
}

/// The code and message of an error answer; what is no JSON is shown as far as it goes.
pub(crate) fn error(body: &[u8]) -> (Option<String>, String) {
    problem(body).unwrap_or_else(|| (None, String::from_utf8_lossy(body).trim().chars().take(500).collect()))
}

fn stop(word: String) -> Stop {
    match word.as_str() {
        "stop" => Stop::End,
        "length" | "model_length" => Stop::MaxTokens,
        "content_filter" => Stop::Refusal,
        "tool_calls" => Stop::ToolCalls,
        _ => Stop::Other(word),
    }
}

/// The word for why an answer ended.
pub(crate) fn finish(stop: &Stop) -> &str {
    match stop {
        Stop::End | Stop::Sequence(_) | Stop::Pause => "stop",
        Stop::MaxTokens => "length",
        Stop::Refusal => "content_filter",
        Stop::ToolCalls => "tool_calls",
        Stop::Other(word) => word,
    }
}

/// Token counts. Clients in typed languages cannot read an answer without them, so that what is not known is nought.
pub(crate) fn usage(usage: &Usage) -> Value {
    let (input, output) = (usage.input.unwrap_or(0), usage.output.unwrap_or(0));
    let total = input.saturating_add(output);
    let mut counts = json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": total});
    if let Some(cached) = usage.cached_input {
        counts["prompt_tokens_details"] = json!({ "cached_tokens": cached });
    }
    counts
}
