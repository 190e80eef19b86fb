//! Requests, read into the neutral form.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::crossing::{Calls, lose, lose_rest};
use crate::json::{Fields, compact, snake};
use crate::neutral::{Block, Effort, Media, OutputFormat, Prompt, Reasoning, Role, Tool, Turn};
use crate::request::ParseError;

/// Fields of a request that no other dialect has.
const KNOWN: &[&str] = &["keep_alive", "logprobs", "top_logprobs", "shift", "truncate"];

/// Reads a request.
pub(super) fn prompt(body: &[u8]) -> Result<Prompt, ParseError> {
    let mut fields = Fields::read(body)?;
    fields.raw("model");
    let mut prompt =
        Prompt { stream: fields.take("stream")?.unwrap_or(true), stream_usage: true, ..Prompt::default() };
    let mut calls = Calls::default();
    for raw in fields.list("messages")? {
        message(Fields::of(raw, "messages")?, &mut calls, &mut prompt)?;
    }
    for raw in fields.list("tools")? {
        tool(Fields::of(raw, "tools")?, &mut prompt)?;
    }
    prompt.output = match fields.take::<Value>("format")? {
        Some(Value::String(name)) if name == "json" => Some(OutputFormat::JsonObject),
        Some(schema @ Value::Object(_)) => {
            Some(OutputFormat::JsonSchema { name: None, description: None, schema, strict: None })
        }
        _ => None,
    };
    if let Some(think) = fields.take("think")? {
        prompt.reasoning = reasoning(&think);
    }
    if let Some(options) = fields.object("options")? {
        read_options(options, &mut prompt)?;
    }
    // Not to cut a conversation short is what everyone else does anyway.
    let may_truncate: Option<bool> = fields.take("truncate")?;
    let truncate = may_truncate.filter(|&may| may).map(|_| "truncate".to_owned());
    lose_rest(&mut prompt.losses, fields.rest().chain(truncate), KNOWN);
    Ok(prompt)
}

/// What is read of one message, before it is known what it is.
struct Message {
    content: String,
    thinking: String,
    media: Vec<Block>,
    calls: Vec<Block>,
}

fn message(mut fields: Fields<'_>, calls: &mut Calls, prompt: &mut Prompt) -> Result<(), ParseError> {
    let role = fields.take::<String>("role")?.unwrap_or_default().to_ascii_lowercase();
    let images = fields.texts("images")?;
    let mut message = Message {
        content: fields.take("content")?.unwrap_or_default(),
        thinking: fields.take("thinking")?.unwrap_or_default(),
        media: images.into_iter().map(media).collect(),
        calls: Vec::new(),
    };
    for raw in fields.list("tool_calls")? {
        let mut call = Fields::of(raw, "tool_calls")?;
        let mut function = call.object("function")?.unwrap_or(Fields::none());
        let name: String = function.take("name")?.unwrap_or_default();
        let arguments = function.raw("arguments").map_or_else(|| "{}".to_owned(), arguments_of);
        let id = calls.call(call.take("id")?, &name);
        message.calls.push(Block::ToolCall { id, name, arguments, cache: None, signature: None });
    }
    let (id, name) = (fields.take("tool_call_id")?, fields.take("tool_name")?);
    let turn = match role.as_str() {
        "tool" => result(message, calls.result(id, name)),
        "assistant" => said(message),
        "system" if prompt.turns.is_empty() => {
            if !message.media.is_empty() {
                lose(&mut prompt.losses, "system_media");
            }
            prompt.system.push(Block::text(message.content));
            return Ok(());
        }
        "system" => Turn { role: Role::System, blocks: vec![Block::text(message.content)] },
        role => {
            if role != "user" {
                lose(&mut prompt.losses, format!("role:{}", snake(role)));
            }
            Turn { role: Role::User, blocks: shown(message) }
        }
    };
    prompt.turns.push(turn);
    Ok(())
}

/// Ollama shows the model a message's images first.
fn shown(message: Message) -> Vec<Block> {
    let text = (!message.content.is_empty()).then(|| Block::text(message.content));
    message.media.into_iter().chain(text).collect()
}

fn said(mut message: Message) -> Turn {
    let thinking = std::mem::take(&mut message.thinking);
    let calls = std::mem::take(&mut message.calls);
    let thought =
        (!thinking.is_empty()).then_some(Block::Thinking { text: thinking, signature: None, id: None });
    Turn { role: Role::Assistant, blocks: thought.into_iter().chain(shown(message)).chain(calls).collect() }
}

fn result(message: Message, (id, name): (String, Option<String>)) -> Turn {
    let content = std::iter::once(Block::text(message.content)).chain(message.media).collect();
    let result = Block::ToolResult { id, name, content, is_error: false, cache: None };
    Turn { role: Role::User, blocks: vec![result] }
}

/// Arguments are an object; some clients send its text.
pub(super) fn arguments_of(raw: &RawValue) -> String {
    serde_json::from_str::<String>(raw.get()).unwrap_or_else(|_| compact(raw.get()))
}

/// What a picture or sound is, is in its first bytes; here they are Base64.
fn media(data: String) -> Block {
    let kinds = [
        ("iVBORw0KGgo", "image/png"),
        ("/9j/", "image/jpeg"),
        ("R0lGOD", "image/gif"),
        ("JVBERi", "application/pdf"),
        ("SUQz", "audio/mp3"),
        ("T2dnUw", "audio/ogg"),
        ("ZkxhQw", "audio/flac"),
    ];
    let riff = match (data.starts_with("UklGR"), data.get(12..16)) {
        (true, Some("RUJQ")) => Some("image/webp"),
        (true, Some("QVZF")) => Some("audio/wav"),
        _ => None,
    };
    let known = kinds.into_iter().find(|(start, _)| data.starts_with(start)).map(|(_, kind)| kind);
    // What is not known is most likely a picture: the field is called `images`.
    let media_type = riff.or(known).unwrap_or("image/png");
    let media = Media::Inline { media_type: media_type.to_owned(), data };
    match media_type.split('/').next() {
        Some("audio") => Block::Audio { media },
        Some("application") => Block::Document { media, name: None, cache: None },
        _ => Block::Image { media, detail: None, cache: None },
    }
}

fn tool(mut fields: Fields<'_>, prompt: &mut Prompt) -> Result<(), ParseError> {
    let Some(mut function) = fields.object("function")? else {
        let kind: String = fields.take("type")?.unwrap_or_default();
        lose(&mut prompt.losses, format!("server_tool:{}", snake(&kind)));
        return Ok(());
    };
    let schema: Option<Value> = function.take("parameters")?;
    prompt.tools.push(Tool {
        name: function.take("name")?.unwrap_or_default(),
        description: function.take("description")?,
        parameters: schema.unwrap_or_else(|| json!({ "type": "object", "properties": {} })),
        strict: None,
        cache: None,
    });
    Ok(())
}

fn reasoning(think: &Value) -> Option<Reasoning> {
    let visible = Reasoning { visible: true, ..Reasoning::default() };
    Some(match think {
        Value::Bool(false) => Reasoning { off: true, ..Reasoning::default() },
        Value::Bool(true) => visible,
        Value::String(level) => {
            let effort = match level.as_str() {
                "low" => Effort::Low,
                "medium" => Effort::Medium,
                "high" => Effort::High,
                "max" => Effort::Max,
                _ => return None,
            };
            Reasoning { effort: Some(effort), ..visible }
        }
        _ => return None,
    })
}

fn read_options(mut fields: Fields<'_>, prompt: &mut Prompt) -> Result<(), ParseError> {
    prompt.max_output = fields.count("num_predict")?;
    let sampling = &mut prompt.sampling;
    sampling.temperature = fields.number("temperature")?;
    sampling.top_p = fields.number("top_p")?;
    sampling.top_k = fields.count("top_k")?;
    sampling.stop = fields.texts("stop")?;
    sampling.seed = fields.int("seed")?;
    sampling.frequency_penalty = fields.number("frequency_penalty")?;
    sampling.presence_penalty = fields.number("presence_penalty")?;
    for name in fields.rest() {
        lose(&mut prompt.losses, format!("option:{name}"));
    }
    Ok(())
}
