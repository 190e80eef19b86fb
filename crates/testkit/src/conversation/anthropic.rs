//! Anthropic's messages.

use serde_json::Value;

use super::{Conversation, Tool, blocks, is_object, list, picture, text};
use crate::upstream::{SIGNATURE, THOUGHT};

pub(super) fn read(conversation: &mut Conversation, body: &Value) -> Result<(), String> {
    if !body["max_tokens"].is_u64() {
        return Err("max_tokens: field required".to_owned());
    }
    for tool in list(body, "tools") {
        // What has a type of its own is run by the provider.
        if tool["type"].as_str().is_none_or(|kind| kind == "custom") {
            conversation.tools.push(Tool::named(tool, &tool["input_schema"])?);
        }
    }
    let schemas = [&body["output_config"]["format"]["schema"], &body["output_format"]["schema"]];
    conversation.schema = schemas.into_iter().find(|schema| schema.is_object()).cloned();
    for message in list(body, "messages") {
        match message["role"].as_str() {
            Some("assistant") => assistant(conversation, message)?,
            Some("user") => user(conversation, message)?,
            // Claude Code's beta: instructions between turns.
            Some("system") => conversation.settled("a system message")?,
            role => return Err(format!("messages: role {role:?}")),
        }
    }
    Ok(())
}

fn assistant(conversation: &mut Conversation, message: &Value) -> Result<(), String> {
    conversation.settled("an assistant's message")?;
    for block in blocks(&message["content"]) {
        if block["type"] == "tool_use" {
            is_object(&block["input"], "tool_use.input")?;
            conversation.call(&block["id"], &block["name"])?;
        } else if block["type"] == "thinking" {
            let is_whole = block["thinking"] == THOUGHT && block["signature"] == SIGNATURE;
            conversation.thought(is_whole, block)?;
        }
    }
    Ok(())
}

fn user(conversation: &mut Conversation, message: &Value) -> Result<(), String> {
    for block in blocks(&message["content"]) {
        if block["type"] == "tool_result" {
            conversation.answer(&block["tool_use_id"], text(&block["content"]))?;
            continue;
        }
        conversation.settled("a user's text")?;
        if block["type"] == "image" {
            conversation.pictures.push(picture::bytes(&block["source"]["data"])?);
        }
    }
    conversation.settled("the end of a user's message")?;
    conversation.asked.push_str(&text(&message["content"]));
    Ok(())
}
