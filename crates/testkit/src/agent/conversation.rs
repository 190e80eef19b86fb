//! What a request says about the conversation so far, read as strictly as a provider reads it.

use serde_json::Value;

use crate::Endpoint;
use crate::upstream::{REASONING, SIGNATURE, THOUGHT};

/// A conversation: what can be called, what was asked, and what the calls came to.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    pub(super) tools: Vec<Tool>,
    pub(super) asked: String,
    pub(super) results: Vec<ToolResult>,
    /// How many of the model's own thoughts came back to it.
    pub(super) thoughts: usize,
    open: Vec<String>,
    called: Vec<String>,
}

/// A tool the model may call.
#[derive(Debug)]
pub(super) struct Tool {
    pub(super) name: String,
    pub(super) is_custom: bool,
    pub(super) parameters: Value,
}

/// What a call came to.
#[derive(Debug)]
pub(super) struct ToolResult {
    pub(super) id: String,
    pub(super) text: String,
}

impl Conversation {
    /// Reads a request to `endpoint`; an error says which of the dialect's rules it breaks.
    pub(super) fn read(endpoint: Endpoint, body: &Value) -> Result<Self, String> {
        let mut conversation = Self::default();
        for tool in list(body, "tools") {
            conversation.tools.extend(Tool::read(endpoint, tool)?);
        }
        match endpoint {
            Endpoint::Messages => conversation.messages(body)?,
            Endpoint::Chat => conversation.chat(body)?,
            Endpoint::Responses => conversation.responses(body)?,
            _ => return Err("no agent speaks this dialect".to_owned()),
        }
        conversation.settled("the end")?;
        Ok(conversation)
    }

    /// The result of the call with this id.
    pub(super) fn result(&self, id: &str) -> Option<&ToolResult> {
        self.results.iter().find(|result| result.id == id)
    }

    fn messages(&mut self, body: &Value) -> Result<(), String> {
        if !body["max_tokens"].is_u64() {
            return Err("max_tokens: field required".to_owned());
        }
        for message in list(body, "messages") {
            match message["role"].as_str() {
                Some("assistant") => {
                    self.settled("an assistant's message")?;
                    for block in blocks(&message["content"]) {
                        if block["type"] == "tool_use" {
                            is_object(&block["input"], "tool_use.input")?;
                            self.call(&block["id"])?;
                        } else if block["type"] == "thinking" {
                            let is_whole = block["thinking"] == THOUGHT && block["signature"] == SIGNATURE;
                            self.thought(is_whole, block)?;
                        }
                    }
                }
                Some("user") => {
                    for block in blocks(&message["content"]) {
                        if block["type"] == "tool_result" {
                            self.answer(&block["tool_use_id"], &block["content"])?;
                        } else {
                            self.settled("a user's text")?;
                        }
                    }
                    self.settled("the end of a user's message")?;
                    self.asked.push_str(&text(&message["content"]));
                }
                // Claude Code's beta: instructions between turns.
                Some("system") => self.settled("a system message")?,
                role => return Err(format!("messages: role {role:?}")),
            }
        }
        Ok(())
    }

    fn chat(&mut self, body: &Value) -> Result<(), String> {
        for message in list(body, "messages") {
            match message["role"].as_str() {
                Some("tool") => {
                    self.answer(&message["tool_call_id"], &message["content"])?;
                    continue;
                }
                Some("assistant") => {
                    self.settled("an assistant's message")?;
                    for call in list(message, "tool_calls") {
                        is_json(&call["function"]["arguments"], "tool_calls.function.arguments")?;
                        self.call(&call["id"])?;
                    }
                    continue;
                }
                Some("user") => self.asked.push_str(&text(&message["content"])),
                Some("system" | "developer") => {}
                role => return Err(format!("messages: role {role:?}")),
            }
            self.settled("a message")?;
        }
        Ok(())
    }

    fn responses(&mut self, body: &Value) -> Result<(), String> {
        for item in list(body, "input") {
            match item["type"].as_str().unwrap_or("message") {
                "message" => match item["role"].as_str() {
                    Some("user") => self.asked.push_str(&text(&item["content"])),
                    Some("assistant" | "system" | "developer") => {}
                    role => return Err(format!("input: role {role:?}")),
                },
                "function_call" => {
                    is_json(&item["arguments"], "function_call.arguments")?;
                    self.call(&item["call_id"])?;
                }
                "custom_tool_call" => self.call(&item["call_id"])?,
                "function_call_output" | "custom_tool_call_output" => {
                    self.answer(&item["call_id"], &item["output"])?;
                }
                "additional_tools" => {
                    for tool in list(item, "tools") {
                        self.tools.extend(Tool::read(Endpoint::Responses, tool)?);
                    }
                }
                "reasoning" => self.thought(item["encrypted_content"] == REASONING, item)?,
                kind => return Err(format!("input: item type {kind:?}")),
            }
        }
        Ok(())
    }

    fn thought(&mut self, is_whole: bool, block: &Value) -> Result<(), String> {
        self.thoughts += 1;
        if is_whole { Ok(()) } else { Err(format!("reasoning came back altered: {block}")) }
    }

    fn call(&mut self, id: &Value) -> Result<(), String> {
        let id = id.as_str().filter(|id| !id.is_empty()).ok_or("a tool call without an id")?.to_owned();
        if self.called.contains(&id) {
            return Err(format!("two tool calls with the id {id}"));
        }
        self.called.push(id.clone());
        self.open.push(id);
        Ok(())
    }

    fn answer(&mut self, id: &Value, content: &Value) -> Result<(), String> {
        let id = id.as_str().unwrap_or_default();
        let at = self.open.iter().position(|open| open == id);
        self.open
            .remove(at.ok_or_else(|| format!("a tool result for {id:?}, which no call is waiting for"))?);
        self.results.push(ToolResult { id: id.to_owned(), text: text(content) });
        Ok(())
    }

    fn settled(&self, before: &str) -> Result<(), String> {
        if self.open.is_empty() {
            Ok(())
        } else {
            Err(format!("tool calls without a result before {before}: {}", self.open.join(", ")))
        }
    }
}

impl Tool {
    /// The tool, or the tools of a namespace; what the provider runs by itself is none.
    fn read(endpoint: Endpoint, tool: &Value) -> Result<Vec<Self>, String> {
        let kind = tool["type"].as_str();
        let (named, parameters) = match endpoint {
            Endpoint::Messages if kind.is_none_or(|kind| kind == "custom") => (tool, "input_schema"),
            Endpoint::Messages => return Ok(Vec::new()),
            Endpoint::Chat if kind == Some("function") => (&tool["function"], "parameters"),
            Endpoint::Chat => return Err(format!("tools: type {kind:?}")),
            _ if matches!(kind, Some("function" | "custom")) => (tool, "parameters"),
            _ if kind == Some("namespace") => {
                let tools = list(tool, "tools").map(|tool| Self::read(endpoint, tool));
                return Ok(tools.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect());
            }
            _ => return Ok(Vec::new()),
        };
        let name = named["name"].as_str().unwrap_or_default().to_owned();
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || name.len() > 128 || !name.chars().all(is_name) {
            return Err(format!("tools: name {name:?}"));
        }
        let is_custom = endpoint == Endpoint::Responses && kind == Some("custom");
        if !is_custom {
            is_object(&named[parameters], parameters)?;
        }
        Ok(vec![Self { name, is_custom, parameters: named[parameters].clone() }])
    }
}

/// Everything said in a content that is a text or a list of parts.
fn text(content: &Value) -> String {
    let parts = blocks(content).filter_map(|part| part["text"].as_str());
    content.as_str().into_iter().chain(parts).collect::<Vec<_>>().join("\n")
}

fn blocks(content: &Value) -> impl Iterator<Item = &Value> {
    content.as_array().into_iter().flatten()
}

fn list<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    value[field].as_array().into_iter().flatten()
}

fn is_object(value: &Value, field: &str) -> Result<(), String> {
    if value.is_object() { Ok(()) } else { Err(format!("{field}: not an object")) }
}

fn is_json(value: &Value, field: &str) -> Result<(), String> {
    let parsed = value.as_str().map(serde_json::from_str::<Value>);
    if matches!(parsed, Some(Ok(_))) { Ok(()) } else { Err(format!("{field}: no JSON text: {value}")) }
}
