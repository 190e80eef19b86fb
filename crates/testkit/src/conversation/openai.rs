//! OpenAI's chat, which others speak too, and its Responses.

use serde_json::Value;

use super::{Conversation, Tool, blocks, is_json, list, picture, text};
use crate::upstream::REASONING;

pub(super) fn chat(conversation: &mut Conversation, body: &Value) -> Result<(), String> {
    for tool in list(body, "tools") {
        if tool["type"] != "function" {
            return Err(format!("tools: type {}", tool["type"]));
        }
        conversation.tools.push(Tool::named(&tool["function"], &tool["function"]["parameters"])?);
    }
    let schema = &body["response_format"]["json_schema"]["schema"];
    conversation.schema = schema.is_object().then(|| schema.clone());
    for message in list(body, "messages") {
        match message["role"].as_str() {
            Some("tool") => {
                conversation.answer(&message["tool_call_id"], text(&message["content"]))?;
                continue;
            }
            Some("assistant") => {
                conversation.settled("an assistant's message")?;
                for call in list(message, "tool_calls") {
                    is_json(&call["function"]["arguments"], "tool_calls.function.arguments")?;
                    conversation.call(&call["id"], &call["function"]["name"])?;
                }
                continue;
            }
            Some("user") => {
                conversation.asked.push_str(&text(&message["content"]));
                for part in blocks(&message["content"]).filter(|part| part["type"] == "image_url") {
                    // Mistral also takes the address itself.
                    let url = &part["image_url"];
                    conversation.pictures.push(picture::inline(if url.is_string() {
                        url
                    } else {
                        &url["url"]
                    })?);
                }
            }
            Some("system" | "developer") => {}
            role => return Err(format!("messages: role {role:?}")),
        }
        conversation.settled("a message")?;
    }
    Ok(())
}

pub(super) fn responses(conversation: &mut Conversation, body: &Value) -> Result<(), String> {
    tools(conversation, list(body, "tools"))?;
    let schema = &body["text"]["format"]["schema"];
    conversation.schema = schema.is_object().then(|| schema.clone());
    conversation.asked.push_str(body["input"].as_str().unwrap_or_default());
    for item in list(body, "input") {
        match item["type"].as_str().unwrap_or("message") {
            "message" => match item["role"].as_str() {
                Some("user") => {
                    conversation.asked.push_str(&text(&item["content"]));
                    for part in blocks(&item["content"]).filter(|part| part["type"] == "input_image") {
                        conversation.pictures.push(picture::inline(&part["image_url"])?);
                    }
                }
                Some("assistant" | "system" | "developer") => {}
                role => return Err(format!("input: role {role:?}")),
            },
            "function_call" => {
                is_json(&item["arguments"], "function_call.arguments")?;
                conversation.call(&item["call_id"], &item["name"])?;
            }
            "custom_tool_call" => conversation.call(&item["call_id"], &item["name"])?,
            "function_call_output" | "custom_tool_call_output" => {
                conversation.answer(&item["call_id"], text(&item["output"]))?;
            }
            "additional_tools" => tools(conversation, list(item, "tools"))?,
            "reasoning" => conversation.thought(item["encrypted_content"] == REASONING, item)?,
            kind => return Err(format!("input: item type {kind:?}")),
        }
    }
    Ok(())
}

/// The tools, and those of a namespace; what the provider runs by itself is none.
fn tools<'a>(
    conversation: &mut Conversation,
    offered: impl Iterator<Item = &'a Value>,
) -> Result<(), String> {
    for tool in offered {
        match tool["type"].as_str() {
            Some("function") => conversation.tools.push(Tool::named(tool, &tool["parameters"])?),
            Some("custom") => conversation.tools.push(Tool::custom(tool)?),
            Some("namespace") => tools(conversation, list(tool, "tools"))?,
            _ => {}
        }
    }
    Ok(())
}
