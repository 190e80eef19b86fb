//! Whole answers.
//!
//! Thinking is written as `reasoning_content`, the name most clients read. What proves it (a signature, redacted
//! blocks) stands beside it in OpenRouter's `reasoning_details`, and a call's thought signature where Google puts it:
//! clients that know these fields send them back, and the provider that made them gets them again.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use waymark_types::Usage;

use super::carried::{self, Proof};
use super::wire::{Message, assistant_blocks};
use crate::neutral::{Block, Reply, Stop, ToolForm, ToolKind};
use crate::openai::Tokens;
use crate::request::ParseError;

/// How the client declared its tools.
pub(super) type Forms = BTreeMap<String, ToolForm>;

#[derive(Deserialize)]
struct Completion {
    id: Option<String>,
    model: Option<String>,
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Tokens>,
    #[serde(default)]
    error: Value,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u64,
    message: Option<Message>,
    finish_reason: Option<String>,
    /// vLLM: the text that stopped it, or a token's number.
    #[serde(default)]
    stop_reason: Value,
    #[serde(default)]
    error: Value,
}

/// Reads an answer. Of several choices the first counts: no conversion asks for more.
pub(super) fn read(body: &[u8]) -> Result<Reply, ParseError> {
    let completion: Completion = serde_json::from_slice(body)?;
    let choice = completion.choices.into_iter().min_by_key(|choice| choice.index);
    let fault = choice.as_ref().map_or(&Value::Null, |choice| &choice.error);
    // Some servers send an error with status 200.
    for error in [&completion.error, fault] {
        if !error.is_null() {
            return Err(ParseError::Field { field: "error", problem: super::error(error).1 });
        }
    }
    let Some(choice) = choice else {
        return Err(ParseError::Field { field: "choices", problem: "missing or empty".to_owned() });
    };
    let blocks = assistant_blocks(choice.message.unwrap_or_default(), 0, &mut Vec::new());
    let says = Says::of(&blocks);
    Ok(Reply {
        id: completion.id.filter(|id| !id.is_empty()),
        model: completion.model.filter(|model| !model.is_empty()),
        stop: choice.finish_reason.map(|word| stop(&word, &choice.stop_reason, says)),
        usage: completion.usage.map(Usage::from).unwrap_or_default(),
        blocks,
    })
}

/// What an answer holds that its finish reason may leave out.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Says {
    pub(super) calls: bool,
    pub(super) refusal: bool,
}

impl Says {
    fn of(blocks: &[Block]) -> Self {
        Self {
            calls: blocks.iter().any(|block| matches!(block, Block::ToolCall { .. })),
            refusal: blocks.iter().any(|block| matches!(block, Block::Refusal { .. })),
        }
    }
}

/// What a finish reason says.
pub(super) fn stop(word: &str, text: &Value, says: Says) -> Stop {
    match word {
        // A refusal, and with some servers a call, is only seen from the message itself.
        "stop" if says.refusal => Stop::Refusal,
        "stop" if says.calls => Stop::ToolCalls,
        "stop" => text.as_str().map_or(Stop::End, |text| Stop::Sequence(Some(text.to_owned()))),
        "length" | "model_length" => Stop::MaxTokens,
        "tool_calls" | "function_call" => Stop::ToolCalls,
        "content_filter" => Stop::Refusal,
        other => Stop::Other(other.to_owned()),
    }
}

/// The finish reason for a stop.
pub(super) fn finish_reason(stop: &Stop, says: Says) -> &str {
    match stop {
        Stop::End | Stop::Sequence(_) => "stop",
        // A model's own refusal stands in the message; a cut by a filter does not.
        Stop::Refusal if says.refusal => "stop",
        Stop::Refusal => "content_filter",
        // The answer is not complete, and asking on is what both mean.
        Stop::MaxTokens | Stop::Pause => "length",
        Stop::ToolCalls => "tool_calls",
        Stop::Other(word) => word,
    }
}

/// Writes an answer to a request that declared its tools as `forms` says.
pub(super) fn write(reply: &Reply, forms: &Forms, model: &str, created: i64) -> Vec<u8> {
    let says = Says::of(&reply.blocks);
    let finish = match &reply.stop {
        Some(stop) => finish_reason(stop, says),
        None if says.calls => "tool_calls",
        None => "stop",
    };
    let mut body = json!({
        "id": reply.id.clone().unwrap_or_else(|| new_id(created)),
        "object": "chat.completion",
        "created": created,
        "model": reply.model.as_deref().unwrap_or(model),
        "choices": [{
            "index": 0, "message": message(&reply.blocks, forms), "logprobs": null, "finish_reason": finish,
        }],
    });
    if let Some(usage) = usage(&reply.usage) {
        body["usage"] = usage;
    }
    body.to_string().into_bytes()
}

/// An id for an answer whose provider gave none.
pub(super) fn new_id(created: i64) -> String {
    format!("chatcmpl-{created}")
}

fn message(blocks: &[Block], forms: &Forms) -> Value {
    let (mut said, mut thinking, mut refusal) = (Vec::new(), Vec::new(), Vec::new());
    let (mut details, mut calls) = (Vec::new(), Vec::new());
    for block in blocks {
        match block {
            Block::Text { text, .. } => said.push(text.as_str()),
            Block::Refusal { text } => refusal.push(text.as_str()),
            Block::Thinking { text, signature, id } => {
                if !text.is_empty() {
                    thinking.push(text.as_str());
                }
                details.push((
                    signature.is_some(),
                    detail(details.len(), text, signature.as_deref(), id.as_deref()),
                ));
            }
            Block::RedactedThinking { data } => details.push((true, encrypted(details.len(), data))),
            Block::ToolCall { id, name, arguments, signature, .. } => {
                calls.push(call(id, name, arguments, signature.as_deref(), forms));
            }
            // Models do not say anything else here.
            _ => {}
        }
    }
    let join = |texts: &[&str]| (!texts.is_empty()).then(|| texts.join("\n\n"));
    let mut message = json!({"role": "assistant", "content": said_once(&said), "refusal": join(&refusal)});
    if let Some(text) = join(&thinking) {
        message["reasoning_content"] = text.into();
    }
    if details.iter().any(|(proves, _)| *proves) {
        message["reasoning_details"] = details.into_iter().map(|(_, detail)| detail).collect();
    }
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    message
}

/// Text blocks of one answer are pieces of one text: nothing stands between them.
fn said_once(said: &[&str]) -> Value {
    if said.is_empty() { Value::Null } else { said.concat().into() }
}

/// One `reasoning_details` entry. A signature of this dialect's is written as it came, another as it is carried.
pub(super) fn detail(index: usize, text: &str, signature: Option<&str>, id: Option<&str>) -> Value {
    let own = signature.and_then(carried::own);
    let detail = json!({"type": "reasoning.text", "index": index, "text": text});
    let format = own.as_ref().and_then(|own| own.format);
    let signature = own.as_ref().map(|own| own.proof).or(signature);
    with(detail, [("signature", signature), ("format", format), ("id", id)])
}

/// A `reasoning_details` entry for what only its provider can read.
pub(super) fn encrypted(index: usize, data: &str) -> Value {
    let own = carried::own(data).unwrap_or(Proof { format: None, id: None, proof: data });
    let detail = json!({"type": "reasoning.encrypted", "index": index, "data": own.proof});
    with(detail, [("format", own.format), ("id", own.id)])
}

fn with<const N: usize>(mut object: Value, fields: [(&str, Option<&str>); N]) -> Value {
    for (name, value) in fields {
        if let Some(value) = value {
            object[name] = value.into();
        }
    }
    object
}

/// A tool call; without arguments it calls with an empty object.
fn call(id: &str, name: &str, arguments: &str, signature: Option<&str>, forms: &Forms) -> Value {
    let mut call = match takes_text(forms, name) {
        true => json!({"id": id, "type": "custom", "custom": {"name": name, "input": input(arguments)}}),
        false => {
            let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
            json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
        }
    };
    if let Some(signature) = signature {
        call["extra_content"] = google(signature);
    }
    call
}

/// Whether the client declared this tool as one that takes any text.
pub(super) fn takes_text(forms: &Forms, name: &str) -> bool {
    forms.get(name).is_some_and(|form| matches!(form.kind, ToolKind::Freeform { .. }))
}

/// The text for a tool that takes any, out of the arguments of the function it was offered as.
pub(super) fn input(arguments: &str) -> String {
    let text = serde_json::from_str::<Value>(arguments).ok().and_then(|object| match object {
        Value::Object(mut object) => object.remove("input")?.as_str().map(str::to_owned),
        _ => None,
    });
    text.unwrap_or_else(|| arguments.to_owned())
}

/// Where Google's compatible endpoint carries a thought signature.
pub(super) fn google(signature: &str) -> Value {
    json!({"google": {"thought_signature": signature}})
}

/// The usage object; `None` when nothing is known. Both counts must be there, and be numbers: where only one is known
/// the other is 0.
pub(super) fn usage(usage: &Usage) -> Option<Value> {
    usage.input.or(usage.output)?;
    let (input, output) = (usage.input.unwrap_or(0), usage.output.unwrap_or(0));
    let mut object = Map::new();
    object.insert("prompt_tokens".to_owned(), input.into());
    object.insert("completion_tokens".to_owned(), output.into());
    object.insert("total_tokens".to_owned(), input.saturating_add(output).into());
    let details = [
        ("prompt_tokens_details", "cached_tokens", usage.cached_input),
        ("prompt_tokens_details", "cache_write_tokens", usage.cache_write),
        ("completion_tokens_details", "reasoning_tokens", usage.reasoning),
    ];
    for (group, name, count) in details {
        if let Some(count) = count {
            object.entry(group).or_insert_with(|| json!({}))[name] = count.into();
        }
    }
    Some(Value::Object(object))
}
