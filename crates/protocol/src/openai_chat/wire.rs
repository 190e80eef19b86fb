//! The shapes that requests, answers and streams of this dialect share, read as leniently as servers write them.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use super::{carried, parts};
use crate::crossing::lose;
use crate::neutral::{Block, CacheMark, Loss};

/// What a message says: text, or an array of parts.
#[derive(Deserialize)]
#[serde(untagged, expecting = "`content` is neither text nor an array of parts")]
pub(super) enum Content {
    Text(String),
    Parts(Vec<Value>),
}

/// A message of a request or of an answer, or the piece of one that a stream's chunk carries.
#[derive(Deserialize, Default)]
pub(super) struct Message {
    #[serde(default, deserialize_with = "text_or_nothing")]
    pub(super) role: Option<String>,
    pub(super) content: Option<Content>,
    pub(super) name: Option<String>,
    pub(super) refusal: Option<String>,
    pub(super) tool_calls: Option<Vec<Call>>,
    pub(super) tool_call_id: Option<String>,
    pub(super) function_call: Option<Function>,
    pub(super) audio: Option<Value>,
    pub(super) cache_control: Option<Value>,
    /// Reasoning, as DeepSeek, Kimi, earlier vLLM and llama.cpp name it.
    #[serde(default, deserialize_with = "text_or_nothing")]
    reasoning_content: Option<String>,
    /// The same, as vLLM, OpenRouter and Ollama name it.
    #[serde(default, deserialize_with = "text_or_nothing")]
    reasoning: Option<String>,
    /// The same again with signatures: OpenRouter.
    reasoning_details: Option<Vec<Detail>>,
}

impl Message {
    /// The reasoning's text, under whichever name it came; never twice.
    pub(super) fn take_reasoning(&mut self) -> Option<String> {
        let text = self.reasoning_content.take().or(self.reasoning.take());
        text.filter(|text| !text.is_empty())
    }

    /// The reasoning in its detailed form.
    pub(super) fn take_details(&mut self) -> Vec<Detail> {
        self.reasoning_details.take().unwrap_or_default()
    }
}

/// One of OpenRouter's `reasoning_details`: `reasoning.text`, `reasoning.summary` or `reasoning.encrypted`.
#[derive(Deserialize)]
pub(super) struct Detail {
    #[serde(default, deserialize_with = "text_or_nothing")]
    text: Option<String>,
    #[serde(default, deserialize_with = "text_or_nothing")]
    summary: Option<String>,
    #[serde(default, deserialize_with = "text_or_nothing")]
    signature: Option<String>,
    #[serde(default, deserialize_with = "text_or_nothing")]
    data: Option<String>,
    #[serde(default, deserialize_with = "text_or_nothing")]
    format: Option<String>,
    #[serde(default, deserialize_with = "text_or_nothing")]
    pub(super) id: Option<String>,
}

impl Detail {
    /// Reasoning that comes as text alone.
    pub(super) fn plain(text: String) -> Self {
        Self { text: Some(text), summary: None, signature: None, data: None, format: None, id: None }
    }

    /// The reasoning it tells.
    pub(super) fn take_text(&mut self) -> String {
        self.text.take().or(self.summary.take()).unwrap_or_default()
    }

    /// Its signature in the neutral form.
    pub(super) fn take_signature(&mut self) -> Option<String> {
        let signature = self.signature.take().filter(|signature| !signature.is_empty())?;
        Some(carried::neutral(signature, self.format.as_deref(), None))
    }

    /// What it keeps to the provider, in the neutral form.
    pub(super) fn take_data(&mut self) -> Option<String> {
        Some(carried::neutral(self.data.take()?, self.format.as_deref(), self.id.as_deref()))
    }
}

/// A tool call, whole or a piece of one in a stream.
#[derive(Deserialize)]
pub(super) struct Call {
    pub(super) index: Option<u64>,
    #[serde(default, deserialize_with = "text_or_nothing")]
    pub(super) id: Option<String>,
    pub(super) function: Option<Function>,
    custom: Option<Custom>,
    /// Google's compatible endpoint carries thought signatures here.
    #[serde(default)]
    extra_content: Value,
}

impl Call {
    /// A call made the way before tools had ids.
    pub(super) fn legacy(function: Function) -> Self {
        Self { index: None, id: None, function: Some(function), custom: None, extra_content: Value::Null }
    }

    /// Gemini's thought signature.
    pub(super) fn signature(&self) -> Option<String> {
        self.extra_content.pointer("/google/thought_signature")?.as_str().map(str::to_owned)
    }
}

/// What a call calls.
#[derive(Deserialize, Default)]
pub(super) struct Function {
    #[serde(default, deserialize_with = "text_or_nothing")]
    pub(super) name: Option<String>,
    #[serde(default)]
    arguments: Value,
}

impl Function {
    /// The arguments' text. Some servers send the object itself.
    pub(super) fn take_arguments(&mut self) -> String {
        match self.arguments.take() {
            Value::String(text) => text,
            Value::Null => String::new(),
            other => other.to_string(),
        }
    }
}

/// A call of a tool that takes free text.
#[derive(Deserialize)]
struct Custom {
    #[serde(default)]
    name: String,
    #[serde(default)]
    input: String,
}

/// What an assistant's message says, in the order a model says it. `position` is the message's place: a call without an
/// id gets one from it.
pub(super) fn assistant_blocks(mut message: Message, position: usize, losses: &mut Vec<Loss>) -> Vec<Block> {
    let mut blocks = thinking_blocks(&mut message);
    parts::read(message.content, &mut blocks, losses);
    if let Some(text) = message.refusal.filter(|text| !text.is_empty()) {
        blocks.push(Block::Refusal { text });
    }
    if message.audio.is_some_and(|audio| !audio.is_null()) {
        lose(losses, "assistant_audio");
    }
    for (place, call) in message.tool_calls.into_iter().flatten().enumerate() {
        blocks.push(call_block(call, || format!("call_{position}_{place}")));
    }
    if let Some(function) = message.function_call {
        blocks.push(call_block(Call::legacy(function), || legacy_id(position)));
    }
    blocks
}

/// The id of a call that was made the way before tools had ids.
pub(super) fn legacy_id(position: usize) -> String {
    format!("call_{position}")
}

fn thinking_blocks(message: &mut Message) -> Vec<Block> {
    let mut blocks: Vec<Block> = message.take_details().into_iter().filter_map(thinking_block).collect();
    let told = blocks.iter().any(|block| matches!(block, Block::Thinking { text, .. } if !text.is_empty()));
    if let Some(text) = message.take_reasoning().filter(|_| !told) {
        blocks.insert(0, Block::Thinking { text, signature: None, id: None });
    }
    blocks
}

fn thinking_block(mut detail: Detail) -> Option<Block> {
    if let Some(data) = detail.take_data() {
        return Some(Block::RedactedThinking { data });
    }
    let (text, signature) = (detail.take_text(), detail.take_signature());
    let says = !text.is_empty() || signature.is_some();
    says.then_some(Block::Thinking { text, signature, id: detail.id })
}

fn call_block(call: Call, new_id: impl FnOnce() -> String) -> Block {
    let signature = call.signature();
    let (name, arguments) = match (call.function, call.custom) {
        (None, Some(custom)) => (custom.name, json!({"input": custom.input}).to_string()),
        (function, _) => {
            let mut function = function.unwrap_or_default();
            (function.name.take().unwrap_or_default(), function.take_arguments())
        }
    };
    // No arguments at all are an empty object in every other dialect.
    let arguments = if arguments.trim().is_empty() { "{}".to_owned() } else { arguments };
    let id = call.id.filter(|id| !id.is_empty()).unwrap_or_else(new_id);
    Block::ToolCall { id, name, arguments, cache: None, signature }
}

/// A cache mark, as OpenRouter (`cache_control`) or OpenAI (`prompt_cache_breakpoint`) spells it.
pub(super) fn cache_mark(holder: &Map<String, Value>) -> Option<CacheMark> {
    let stated = |key: &str| holder.get(key).filter(|mark| mark.is_object());
    stated("cache_control").or_else(|| stated("prompt_cache_breakpoint")).map(mark)
}

/// The mark that a `cache_control` object is.
pub(super) fn mark(control: &Value) -> CacheMark {
    CacheMark { ttl: control.get("ttl").and_then(Value::as_str).map(str::to_owned) }
}

/// Text; `null` and anything else is nothing, since servers disagree about these fields.
fn text_or_nothing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) => Ok(Some(text)),
        _ => Ok(None),
    }
}
