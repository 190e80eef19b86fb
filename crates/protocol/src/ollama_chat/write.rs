//! Requests, written from the neutral form.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Map, Value, json};
use waymark_types::Dialect;

use super::message::{Call, Message};
use crate::crossing::{has_cache_marks, lose, tool_names};
use crate::neutral::{
    Block, Effort, Loss, Media, OutputFormat, Prompt, Reasoning, Role, Tool, ToolChoice, Turn, Unsayable,
};

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Message>,
    stream: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    think: Option<Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    options: Map<String, Value>,
    /// Ollama would otherwise drop the oldest messages of a conversation that is too long, and tell nobody.
    truncate: bool,
}

/// Writes a request.
pub(super) fn body(prompt: &Prompt, model: &str, losses: &mut Vec<Loss>) -> Result<Vec<u8>, Unsayable> {
    prompt.sayable_in(Dialect::OllamaChat)?;
    // A caller who must get a tool call cannot do with an answer in words.
    if matches!(prompt.tool_choice, Some(ToolChoice::Required | ToolChoice::Named(_))) {
        return Err(unsayable("a tool call that must be made"));
    }
    lose_general(prompt, losses);
    let names = tool_names(prompt);
    let mut messages = Vec::new();
    if !prompt.system.is_empty() {
        system(&prompt.system, &mut messages, losses);
    }
    for turn in &prompt.turns {
        write_turn(turn, &names, &mut messages, losses)?;
    }
    let may_call = prompt.tool_choice != Some(ToolChoice::None);
    let body = Body {
        model,
        messages,
        stream: prompt.stream,
        tools: prompt.tools.iter().filter(|_| may_call).map(declaration).collect(),
        format: prompt.output.as_ref().map(|output| format(output, losses)),
        think: prompt.reasoning.as_ref().and_then(|reasoning| think(reasoning, losses)),
        options: options(prompt),
        truncate: false,
    };
    // Text keys and finite numbers only, so that writing cannot fail.
    Ok(serde_json::to_vec(&body).unwrap_or_default())
}

fn unsayable(what: &str) -> Unsayable {
    Unsayable { what: what.to_owned(), dialect: Dialect::OllamaChat }
}

fn lose_general(prompt: &Prompt, losses: &mut Vec<Loss>) {
    let lost = [
        (has_cache_marks(prompt), "cache_mark"),
        (prompt.user.is_some(), "user"),
        (prompt.parallel_tools == Some(false), "parallel_tools"),
        (prompt.tools.iter().any(|tool| tool.strict == Some(true)), "tool_strict"),
    ];
    for (_, code) in lost.into_iter().filter(|(is_lost, _)| *is_lost) {
        lose(losses, code);
    }
}

fn system(blocks: &[Block], messages: &mut Vec<Message>, losses: &mut Vec<Loss>) {
    let mut texts = Vec::new();
    for block in blocks {
        match block {
            Block::Text { text, .. } => texts.push(text.as_str()),
            _ => lose(losses, "system_media"),
        }
    }
    messages.push(Message { role: "system", content: texts.join("\n\n"), ..Message::default() });
}

/// A turn is a message for each tool result, and one for what else is said: more only where a picture follows text,
/// since Ollama shows the model a message's pictures first.
fn write_turn(
    turn: &Turn,
    names: &HashMap<&str, &str>,
    messages: &mut Vec<Message>,
    losses: &mut Vec<Loss>,
) -> Result<(), Unsayable> {
    let role = match turn.role {
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::System => {
            system(&turn.blocks, messages, losses);
            return Ok(());
        }
    };
    let empty = || Message { role, ..Message::default() };
    let mut message = empty();
    for block in &turn.blocks {
        match block {
            Block::ToolResult { .. } => {
                flush(std::mem::replace(&mut message, empty()), messages);
                messages.push(result(block, names, losses)?);
            }
            Block::Image { .. } | Block::Document { .. } | Block::Audio { .. } => {
                if !message.content.is_empty() {
                    flush(std::mem::replace(&mut message, empty()), messages);
                }
                message.images.push(media(block, losses)?);
            }
            other => say(other, &mut message, losses),
        }
    }
    flush(message, messages);
    Ok(())
}

fn flush(message: Message, messages: &mut Vec<Message>) {
    let says = !message.content.is_empty()
        || !message.thinking.is_empty()
        || !message.images.is_empty()
        || !message.tool_calls.is_empty();
    if says {
        messages.push(message);
    }
}

fn say(block: &Block, message: &mut Message, losses: &mut Vec<Loss>) {
    match block {
        Block::Text { text, .. } => add(&mut message.content, text),
        Block::Refusal { text } => {
            lose(losses, "refusal");
            add(&mut message.content, text);
        }
        Block::Thinking { text, signature, .. } => {
            if signature.is_some() {
                lose(losses, "thinking_signature");
            }
            add(&mut message.thinking, text);
        }
        Block::RedactedThinking { .. } => lose(losses, "redacted_thinking"),
        Block::ToolCall { id, name, arguments, signature, .. } => {
            if signature.is_some() {
                lose(losses, "tool_call_signature");
            }
            message.tool_calls.push(Call::new(id, message.tool_calls.len(), name, arguments));
        }
        _ => {}
    }
}

fn add(text: &mut String, more: &str) {
    if !text.is_empty() && !more.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(more);
}

fn result(block: &Block, names: &HashMap<&str, &str>, losses: &mut Vec<Loss>) -> Result<Message, Unsayable> {
    let Block::ToolResult { id, name, content, is_error, .. } = block else { return Ok(Message::default()) };
    if *is_error {
        lose(losses, "tool_result_is_error");
    }
    let name = name.as_deref().or_else(|| names.get(id.as_str()).copied());
    let mut message = Message {
        role: "tool",
        tool_name: name.map(str::to_owned),
        tool_call_id: Some(id.clone()),
        ..Message::default()
    };
    for block in content {
        match block {
            Block::Image { .. } | Block::Document { .. } | Block::Audio { .. } => {
                message.images.push(media(block, losses)?);
            }
            other => say(other, &mut message, losses),
        }
    }
    Ok(message)
}

/// Pictures and sounds as bytes; Ollama reads no documents and fetches nothing.
fn media(block: &Block, losses: &mut Vec<Loss>) -> Result<String, Unsayable> {
    let media = match block {
        Block::Image { media, detail, .. } => {
            if detail.is_some() {
                lose(losses, "image_detail");
            }
            media
        }
        Block::Audio { media } => media,
        _ => return Err(unsayable("a document")),
    };
    match media {
        Media::Inline { data, .. } => Ok(data.clone()),
        Media::Url { .. } => Err(unsayable("a picture or sound at an address")),
        Media::Uploaded { .. } => Err(unsayable("a file uploaded to another provider")),
    }
}

fn declaration(tool: &Tool) -> Value {
    let mut function = json!({ "name": tool.name, "parameters": tool.parameters });
    if let Some(description) = &tool.description {
        function["description"] = json!(description);
    }
    json!({ "type": "function", "function": function })
}

fn format(output: &OutputFormat, losses: &mut Vec<Loss>) -> Value {
    match output {
        OutputFormat::JsonObject => json!("json"),
        OutputFormat::JsonSchema { name, description, schema, .. } => {
            if name.is_some() || description.is_some() {
                lose(losses, "schema_name");
            }
            schema.clone()
        }
    }
}

/// Models that reason do so unless told not to, and the others refuse a request that asks for it. So reasoning is
/// asked for only where a client wants a certain effort, or wants to see it and says nothing else.
fn think(reasoning: &Reasoning, losses: &mut Vec<Loss>) -> Option<Value> {
    if reasoning.off {
        return Some(json!(false));
    }
    if reasoning.budget.is_some() {
        lose(losses, "reasoning_budget");
    }
    match reasoning.effort {
        Some(Effort::Minimal | Effort::Low) => Some(json!("low")),
        Some(Effort::Medium) => Some(json!("medium")),
        Some(Effort::High) => Some(json!("high")),
        Some(Effort::Max) => Some(json!("max")),
        None if reasoning.adaptive || reasoning.budget.is_some() => None,
        None => reasoning.visible.then_some(Value::Bool(true)),
    }
}

fn options(prompt: &Prompt) -> Map<String, Value> {
    let sampling = &prompt.sampling;
    let options = [
        ("num_predict", json!(prompt.max_output)),
        ("temperature", json!(sampling.temperature)),
        ("top_p", json!(sampling.top_p)),
        ("top_k", json!(sampling.top_k)),
        ("stop", if sampling.stop.is_empty() { Value::Null } else { json!(sampling.stop) }),
        ("seed", json!(sampling.seed)),
        ("frequency_penalty", json!(sampling.frequency_penalty)),
        ("presence_penalty", json!(sampling.presence_penalty)),
    ];
    let said = options.into_iter().filter(|(_, value)| !value.is_null());
    said.map(|(name, value)| (name.to_owned(), value)).collect()
}
