//! Whole answers, read and written, and what their streams share with them.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use waymark_types::Usage;

use super::ids;
use super::signature::{self, Signature};
use super::usage::{Tokens, Written, lenient};
use crate::neutral::{Block, Reply, Stop};
use crate::openai::error_text;
use crate::request::ParseError;

#[derive(Deserialize)]
struct Wire<'a> {
    id: Option<String>,
    model: Option<String>,
    #[serde(default, borrow)]
    content: Vec<&'a RawValue>,
    stop_reason: Option<String>,
    stop_sequence: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    stop_details: Option<StopDetails>,
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<Tokens>,
}

/// Why the provider's own filter declined.
#[derive(Debug, Default, Deserialize)]
pub(super) struct StopDetails {
    pub(super) explanation: Option<String>,
}

/// A block of an answer, with the fields of all kinds.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Piece {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(deserialize_with = "lenient")]
    pub(super) text: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) thinking: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) signature: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) data: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) id: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) name: Option<String>,
    pub(super) input: Option<Box<RawValue>>,
}

impl Piece {
    /// A call's arguments, in the model's own words.
    pub(super) fn arguments(&self) -> String {
        let input = self.input.as_ref().map(|input| input.get()).filter(|text| text.starts_with('{'));
        input.unwrap_or("{}").to_owned()
    }
}

/// Reads a whole answer. Blocks that only the provider itself can read again, such as its own tools' calls and
/// results, are left out: their substance is in the text that follows them.
pub(super) fn read(body: &[u8]) -> Result<Reply, ParseError> {
    let wire: Wire<'_> = serde_json::from_slice(body)?;
    let tokens = wire.usage.unwrap_or_default();
    let mut usage = Usage::default();
    tokens.update(&mut usage);
    let (mut blocks, mut token) = (Vec::new(), None);
    for raw in wire.content {
        let piece: Piece = serde_json::from_str(raw.get())?;
        blocks.extend(block(&piece, &mut token));
    }
    let stop = wire.stop_reason.as_deref().map(|word| stop(word, wire.stop_sequence));
    if let Some(words) = refusal(stop.as_ref(), wire.stop_details) {
        // One of our own writing has the same words as text, for clients that show nothing else.
        match blocks.iter_mut().find(|block| matches!(block, Block::Text { text, .. } if *text == words)) {
            Some(block) => *block = Block::Refusal { text: words },
            None => blocks.push(Block::Refusal { text: words }),
        }
    }
    let model = tokens.fallback_model().map(str::to_owned).or(wire.model);
    Ok(Reply { id: wire.id, model, blocks, stop, usage })
}

fn block(piece: &Piece, token: &mut Option<String>) -> Option<Block> {
    match piece.kind.as_str() {
        "text" => Some(Block::text(piece.text.clone()?)),
        "tool_use" => Some(Block::ToolCall {
            id: piece.id.clone().unwrap_or_default(),
            name: piece.name.clone().unwrap_or_default(),
            arguments: piece.arguments(),
            cache: None,
            signature: token.take(),
        }),
        "thinking" => {
            let text = piece.thinking.clone().unwrap_or_default();
            let (id, signature) = match signature::wire(piece.signature.as_deref().unwrap_or_default()) {
                Signature::Call(call) => {
                    *token = Some(call.to_owned());
                    return None;
                }
                Signature::Foreign { id, signature } => (id.map(str::to_owned), signature.map(str::to_owned)),
                Signature::Own(text) | Signature::OwnRedacted(text) => (None, Some(signature::own(text))),
            };
            Some(Block::Thinking { text, signature, id })
        }
        "redacted_thinking" => {
            let data = signature::own_redacted(piece.data.as_deref().unwrap_or_default());
            Some(Block::RedactedThinking { data })
        }
        _ => None,
    }
}

/// The provider's words on why it declined.
pub(super) fn refusal(stop: Option<&Stop>, details: Option<StopDetails>) -> Option<String> {
    stop.filter(|stop| **stop == Stop::Refusal)?;
    details?.explanation.filter(|words| !words.is_empty())
}

/// Reads a `stop_reason`.
pub(super) fn stop(word: &str, sequence: Option<String>) -> Stop {
    match word {
        "end_turn" => Stop::End,
        "max_tokens" | "model_context_window_exceeded" => Stop::MaxTokens,
        "stop_sequence" => Stop::Sequence(sequence),
        "tool_use" => Stop::ToolCalls,
        "refusal" => Stop::Refusal,
        "pause_turn" => Stop::Pause,
        other => Stop::Other(other.to_owned()),
    }
}

/// How an answer ends, as it is written.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Ending {
    stop_reason: &'static str,
    stop_sequence: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_details: Option<Value>,
}

impl Ending {
    /// Writes why the model stopped. What the provider did not say follows from what it said: a call waits for its
    /// result, words of refusal refuse.
    pub(super) fn of(stop: Option<&Stop>, calls: bool, refusal: Option<&str>) -> Self {
        let stop_reason = match stop {
            Some(Stop::MaxTokens) => "max_tokens",
            Some(Stop::Sequence(_)) => "stop_sequence",
            Some(Stop::ToolCalls) => "tool_use",
            Some(Stop::Refusal) => "refusal",
            Some(Stop::Pause) => "pause_turn",
            Some(Stop::Other(word)) if word == "compaction" => "compaction",
            _ if calls => "tool_use",
            _ if refusal.is_some() => "refusal",
            Some(Stop::End | Stop::Other(_)) | None => "end_turn",
        };
        let stop_sequence = match stop {
            Some(Stop::Sequence(sequence)) => sequence.clone(),
            _ => None,
        };
        let details = || json!({"type": "refusal", "category": null, "explanation": refusal});
        let stop_details = (stop_reason == "refusal").then(details);
        Self { stop_reason, stop_sequence, stop_details }
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Out {
    Text { text: String },
    Thinking { thinking: String, signature: String },
    RedactedThinking { data: String },
    ToolUse { id: String, name: String, input: Box<RawValue> },
}

#[derive(Serialize)]
struct Message<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    role: &'static str,
    model: &'a str,
    content: Vec<Out>,
    #[serde(flatten)]
    ending: Ending,
    usage: Written,
}

/// Writes a whole answer.
pub(super) fn write(reply: &Reply, model: &str, created: i64) -> Vec<u8> {
    let id = reply.id.clone().unwrap_or_else(|| {
        let seed = serde_json::to_vec(&reply.blocks).unwrap_or_default();
        ids::message(&seed, created)
    });
    let mut content = Vec::new();
    let (mut calls, mut declined) = (false, None);
    for block in &reply.blocks {
        match block {
            Block::ToolCall { .. } => calls = true,
            Block::Refusal { text } => declined = Some(text.as_str()),
            _ => {}
        }
        out(block, &mut content);
    }
    let message = Message {
        id: &id,
        kind: "message",
        role: "assistant",
        model: reply.model.as_deref().unwrap_or(model),
        content,
        ending: Ending::of(reply.stop.as_ref(), calls, declined),
        usage: Written::from(&reply.usage),
    };
    serde_json::to_vec(&message).unwrap_or_default()
}

/// Writes one block. A client sends what it gets here back to any provider, so ids must be such as all take, and
/// reasoning must tell whose it is.
fn out(block: &Block, to: &mut Vec<Out>) {
    match block {
        Block::Text { text, .. } | Block::Refusal { text } if !text.is_empty() => {
            to.push(Out::Text { text: text.clone() });
        }
        Block::Thinking { text, signature, id } => {
            let signature = match signature::neutral(id.as_deref(), signature.as_deref()) {
                Signature::Own(signature) => signature.to_owned(),
                Signature::OwnRedacted(data) => {
                    return to.push(Out::RedactedThinking { data: data.to_owned() });
                }
                _ => signature::foreign(id.as_deref(), signature.as_deref()),
            };
            to.push(Out::Thinking { thinking: text.clone(), signature });
        }
        Block::RedactedThinking { data } => {
            to.push(Out::RedactedThinking { data: signature::wire_redacted(data) });
        }
        Block::ToolCall { id, name, arguments, signature, .. } => {
            if let Some(token) = signature {
                to.push(Out::Thinking { thinking: String::new(), signature: signature::call(token) });
            }
            if let Some(input) = object(arguments) {
                to.push(Out::ToolUse { id: ids::call(id).into_owned(), name: name.clone(), input });
            }
        }
        _ => {}
    }
}

/// A call's arguments as an object, which is all that the dialect has; others are put into one.
pub(super) fn object(arguments: &str) -> Option<Box<RawValue>> {
    let text = match arguments.trim() {
        "" => "{}",
        text => text,
    };
    let whole = RawValue::from_string(text.to_owned()).ok().filter(|raw| raw.get().starts_with('{'));
    whole.or_else(|| RawValue::from_string(json!({"arguments": text}).to_string()).ok())
}

#[derive(Deserialize)]
struct Failure {
    error: Option<Value>,
    #[serde(default, deserialize_with = "lenient")]
    message: Option<String>,
}

/// Reads an error's kind and message; a body that is none of the dialect's is its own message.
pub(super) fn read_error(body: &[u8]) -> (Option<String>, String) {
    let failure = serde_json::from_slice::<Failure>(body).ok();
    let plain = || String::from_utf8_lossy(body).trim().to_owned();
    match failure {
        Some(Failure { error: Some(error), .. }) if !error.is_null() => {
            let kind = error.get("type").and_then(Value::as_str).map(str::to_owned);
            (kind, error_text(&error))
        }
        Some(Failure { message: Some(message), .. }) => (None, message),
        _ => (None, plain()),
    }
}
