//! What was asked and answered, in the conventions' form of messages. Only conversations have one.

use serde_json::{Value, json};
use waymark_ledger::Intent;
use waymark_protocol::neutral::{Block, Event, Media, Role, Stop};
use waymark_protocol::{Dialogue, dialogue, sse};

use super::Texts;
use super::attributes::Attributes;
use super::semconv as name;

/// Adds the messages of a conversation, those of them that can be read.
pub(super) fn add(mut attributes: Attributes, intent: &Intent, texts: &Texts) -> Attributes {
    let Some(dialogue) = dialogue(intent.dialect) else { return attributes };
    if let Ok(prompt) = dialogue.read_prompt(&texts.request) {
        let turns = prompt.turns.iter().map(|turn| {
            let results = turn.blocks.iter().any(|block| matches!(block, Block::ToolResult { .. }));
            json!({"role": role(turn.role, results), "parts": parts(&turn.blocks)})
        });
        let messages = Value::Array(turns.collect());
        if !prompt.system.is_empty() {
            let system = parts(&prompt.system).to_string();
            attributes = attributes.text(name::SYSTEM_INSTRUCTIONS, system.as_str());
        }
        attributes = attributes.text(name::INPUT_MESSAGES, messages.to_string().as_str());
    }
    let said = texts.response.as_ref().and_then(|response| {
        if intent.stream { streamed(dialogue, intent, response) } else { whole(dialogue, response) }
    });
    match said {
        None => attributes,
        Some((blocks, stop)) => {
            let message = json!({
                "role": "assistant",
                "parts": parts(&blocks),
                "finish_reason": stop.as_ref().map_or("error", finish_reason),
            });
            attributes.text(name::OUTPUT_MESSAGES, json!([message]).to_string().as_str())
        }
    }
}

type Said = (Vec<Block>, Option<Stop>);

fn whole(dialogue: &dyn Dialogue, body: &[u8]) -> Option<Said> {
    let reply = dialogue.read_reply(body).ok()?;
    Some((reply.blocks, reply.stop))
}

/// What a stream said, put together; `None` where nothing in it can be read.
fn streamed(dialogue: &dyn Dialogue, intent: &Intent, body: &[u8]) -> Option<Said> {
    let framing = sse::framing(intent.dialect);
    let (mut splitter, mut reader) = (sse::Splitter::new(framing), dialogue.event_reader());
    let mut events = Vec::new();
    splitter.push(body);
    while let Ok(Some(event)) = splitter.next_event() {
        events.extend(reader.read(&framing.read(&event)));
    }
    if let Some(event) = splitter.last_event() {
        events.extend(reader.read(&framing.read(&event)));
    }
    events.extend(reader.finish());
    let (mut blocks, mut stop) = (Vec::new(), None);
    for event in events {
        match event {
            Event::Stop { stop: why } => stop = Some(why),
            event => gather(&mut blocks, event),
        }
    }
    (!blocks.is_empty() || stop.is_some()).then_some((blocks, stop))
}

/// Adds an event to the blocks it belongs to. Readers keep blocks apart, and number them in order.
fn gather(blocks: &mut Vec<Block>, event: Event) {
    match (event, blocks.last_mut()) {
        (Event::TextStart { .. }, _) => blocks.push(Block::text("")),
        (Event::ThinkingStart { id, .. }, _) => {
            blocks.push(Block::Thinking { text: String::new(), signature: None, id });
        }
        (Event::RefusalStart { .. }, _) => blocks.push(Block::Refusal { text: String::new() }),
        (Event::ToolCallStart { id, name, signature, .. }, _) => {
            blocks.push(Block::ToolCall { id, name, arguments: String::new(), cache: None, signature });
        }
        (Event::TextDelta { text: more, .. }, Some(Block::Text { text, .. }))
        | (Event::ThinkingDelta { text: more, .. }, Some(Block::Thinking { text, .. }))
        | (Event::RefusalDelta { text: more, .. }, Some(Block::Refusal { text })) => text.push_str(&more),
        (Event::ToolCallDelta { arguments: more, .. }, Some(Block::ToolCall { arguments, .. })) => {
            arguments.push_str(&more);
        }
        _ => {}
    }
}

fn role(role: Role, brings_results: bool) -> &'static str {
    match role {
        Role::User if brings_results => "tool",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::System => "system",
    }
}

fn finish_reason(stop: &Stop) -> &str {
    match stop {
        Stop::End | Stop::Sequence(_) | Stop::Pause => "stop",
        Stop::MaxTokens => "length",
        Stop::ToolCalls => "tool_call",
        Stop::Refusal => "content_filter",
        Stop::Other(word) => word,
    }
}

fn parts(blocks: &[Block]) -> Value {
    Value::Array(blocks.iter().filter_map(part).collect())
}

/// A block as a part; `None` for what only its provider can read. Pictures and sounds are named, not sent.
fn part(block: &Block) -> Option<Value> {
    Some(match block {
        Block::Text { text, .. } | Block::Refusal { text } => json!({"type": "text", "content": text}),
        Block::Thinking { text, .. } if !text.is_empty() => json!({"type": "reasoning", "content": text}),
        Block::ToolCall { id, name, arguments, .. } => {
            let arguments = serde_json::from_str(arguments).unwrap_or_else(|_| json!(arguments));
            json!({"type": "tool_call", "id": id, "name": name, "arguments": arguments})
        }
        Block::ToolResult { id, content, .. } => {
            json!({"type": "tool_call_response", "id": id, "response": parts(content)})
        }
        Block::Image { media, .. } => media_part("image", media),
        Block::Document { media, .. } => media_part("document", media),
        Block::Audio { media } => media_part("audio", media),
        Block::Thinking { .. } | Block::RedactedThinking { .. } => return None,
    })
}

fn media_part(modality: &str, media: &Media) -> Value {
    match media {
        Media::Inline { media_type, .. } => {
            json!({"type": "waymark.omitted", "modality": modality, "mime_type": media_type})
        }
        Media::Url { url } => json!({"type": "uri", "modality": modality, "uri": url}),
        Media::Uploaded { id } => json!({"type": "file", "modality": modality, "file_id": id}),
    }
}

#[cfg(test)]
mod tests;
