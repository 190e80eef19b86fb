//! Ollama's chat.

use serde_json::Value;

use super::{Conversation, Tool, is_object, list, picture};

pub(super) fn read(conversation: &mut Conversation, body: &Value) -> Result<(), String> {
    for tool in list(body, "tools") {
        if tool["type"] != "function" {
            return Err(format!("tools: type {}", tool["type"]));
        }
        conversation.tools.push(Tool::bare(&tool["function"], tool["function"].get("parameters"))?);
    }
    conversation.schema = body["format"].is_object().then(|| body["format"].clone());
    for message in list(body, "messages") {
        let content = message["content"].as_str().unwrap_or_default();
        match message["role"].as_str() {
            Some("assistant") => {
                conversation.settled("an assistant's message")?;
                for call in list(message, "tool_calls") {
                    is_object(&call["function"]["arguments"], "tool_calls.function.arguments")?;
                    conversation.made(call["id"].as_str(), &call["function"]["name"])?;
                }
            }
            Some("tool") => {
                let id = message["tool_call_id"].as_str();
                conversation.answer_by_name(&message["tool_name"], id, content.to_owned())?;
            }
            Some("user") => {
                conversation.settled("a message")?;
                conversation.asked.push_str(content);
                for data in list(message, "images") {
                    conversation.pictures.push(picture::bytes(data)?);
                }
            }
            Some("system") => conversation.settled("a message")?,
            role => return Err(format!("messages: role {role:?}")),
        }
    }
    Ok(())
}
