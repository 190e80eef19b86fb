//! Reads a request into the neutral form.
//!
//! The flat list of items becomes turns: what the model put out without anyone between is one turn, and so are the
//! results that follow each other. Instructions at the front, under whichever role, stand above the conversation.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::output::{Items, call, call_form, call_id};
use super::parts;
use super::tools::{self, BUILT_IN};
use super::wire::{kind, list, lose, plain, text, word};
use crate::neutral::{Block, OutputFormat, Prompt, Reasoning, Role, Sampling, Turn};
use crate::openai::words;
use crate::request::ParseError;

/// Settings that have no place in the neutral form and that change at most how well or how cheaply the answer is made.
const KNOWN: &[&str] = &[
    "background",
    "client_metadata",
    "context_management",
    "max_tool_calls",
    "metadata",
    "moderation",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "service_tier",
    "store",
    "stream_options",
    "top_logprobs",
    "truncation",
];

/// Fields that stand for something only the provider has.
const KEPT_ELSEWHERE: &[(&str, &str)] = &[
    ("previous_response_id", "a conversation that another provider keeps"),
    ("conversation", "a conversation that another provider keeps"),
    ("prompt", "a template that another provider keeps"),
];

/// Reads a request.
pub(super) fn read(bytes: &[u8]) -> Result<Prompt, ParseError> {
    let mut body: Map<String, Value> = serde_json::from_slice(bytes)?;
    body.remove("model");
    let mut prompt = Prompt {
        parallel_tools: take(&mut body, "parallel_tool_calls")?,
        max_output: take(&mut body, "max_output_tokens")?,
        sampling: Sampling {
            temperature: take(&mut body, "temperature")?,
            top_p: take(&mut body, "top_p")?,
            ..Sampling::default()
        },
        stream: take(&mut body, "stream")?.unwrap_or(false),
        stream_usage: true,
        ..Prompt::default()
    };
    let user: Option<String> = take(&mut body, "user")?;
    prompt.user = take(&mut body, "safety_identifier")?.or(user);
    for (field, why) in KEPT_ELSEWHERE {
        if body.remove(*field).is_some_and(|value| !value.is_null()) {
            prompt.unsayable.push(format!("`{field}`: {why}"));
        }
    }
    let declared: Vec<Value> = take(&mut body, "tools")?.unwrap_or_default();
    tools::read(&declared, None, &mut prompt);
    read_input(&mut body, &mut prompt)?;
    if let Some(choice) = take(&mut body, "tool_choice")? {
        tools::read_choice(&choice, &mut prompt);
    }
    read_reasoning(&take(&mut body, "reasoning")?.unwrap_or_default(), &mut prompt);
    read_text(&take(&mut body, "text")?.unwrap_or_default(), &mut prompt);
    read_rest(&mut body, &mut prompt)?;
    Ok(prompt)
}

/// Takes a field; `null` is as good as absent.
fn take<T: DeserializeOwned>(
    body: &mut Map<String, Value>,
    field: &'static str,
) -> Result<Option<T>, ParseError> {
    match body.remove(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => serde_json::from_value(value)
            .map(Some)
            .map_err(|error| ParseError::Field { field, problem: error.to_string() }),
    }
}

fn read_input(body: &mut Map<String, Value>, prompt: &mut Prompt) -> Result<(), ParseError> {
    if let Some(instructions) = take::<String>(body, "instructions")?.filter(|text| !text.is_empty()) {
        prompt.system.push(Block::text(instructions));
    }
    match body.remove("input") {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) => {
            prompt.turns.push(Turn { role: Role::User, blocks: vec![Block::text(text)] });
        }
        Some(Value::Array(items)) => {
            let mut conversation = Conversation { prompt, items: Items::default(), names: HashMap::new() };
            items.iter().for_each(|item| conversation.item(item));
        }
        Some(_) => {
            let problem = "neither text nor a list of items".to_owned();
            return Err(ParseError::Field { field: "input", problem });
        }
    }
    Ok(())
}

/// The conversation so far.
struct Conversation<'p> {
    prompt: &'p mut Prompt,
    items: Items,
    /// The tools' names by the ids of their calls.
    names: HashMap<String, String>,
}

impl Conversation<'_> {
    fn item(&mut self, item: &Value) {
        let role = text(item, "role");
        match kind(item) {
            "message" => self.message(item, role.unwrap_or("user")),
            "" if role.is_some() => self.message(item, role.unwrap_or("user")),
            "" | "item_reference" => {
                self.kept_elsewhere("`item_reference`: an item that another provider keeps");
            }
            "function_call_output" | "custom_tool_call_output" => self.result(item, item.get("output")),
            "additional_tools" => tools::read(list(item, "tools"), None, self.prompt),
            "compaction" | "compaction_summary" | "context_compaction" | "compaction_trigger" => {
                self.kept_elsewhere(
                    "`compaction`: a conversation that only the provider which compacted it can read",
                );
            }
            "mcp_approval_response" => {
                self.kept_elsewhere("`mcp_approval_response`: leave that another provider asked for");
            }
            other if BUILT_IN.iter().any(|own| own.result == other) => self.built_in_result(item),
            other => match self.items.read(item, &mut self.prompt.losses) {
                Some(blocks) => {
                    self.note_call(item);
                    self.assistant(blocks);
                }
                None => lose(&mut self.prompt.losses, format!("item:{}", plain(other))),
            },
        }
    }

    fn kept_elsewhere(&mut self, what: &str) {
        if !self.prompt.unsayable.iter().any(|known| known == what) {
            self.prompt.unsayable.push(what.to_owned());
        }
    }

    fn message(&mut self, item: &Value, role: &str) {
        let losses = &mut self.prompt.losses;
        if word(item, "phase").is_some() {
            lose(losses, "phase");
        }
        let blocks = parts::read(item.get("content").unwrap_or(&Value::Null), losses);
        if blocks.is_empty() {
            return;
        }
        match role {
            "assistant" => return self.assistant(blocks),
            "system" | "developer" => {
                let is_text = blocks.iter().all(|block| matches!(block, Block::Text { .. }));
                if self.prompt.turns.is_empty() && is_text {
                    self.prompt.system.extend(blocks);
                } else {
                    self.prompt.turns.push(Turn { role: Role::System, blocks });
                }
                return;
            }
            "user" => {}
            _ => lose(losses, "message_role"),
        }
        self.prompt.turns.push(Turn { role: Role::User, blocks });
    }

    /// What the model put out without anyone between is one turn.
    fn assistant(&mut self, blocks: Vec<Block>) {
        if blocks.is_empty() {
            return;
        }
        match self.prompt.turns.last_mut() {
            Some(turn) if turn.role == Role::Assistant => turn.blocks.extend(blocks),
            _ => self.prompt.turns.push(Turn { role: Role::Assistant, blocks }),
        }
    }

    fn note_call(&mut self, item: &Value) {
        let Some((name, _)) = call(item) else { return };
        if let Some(form) = call_form(item) {
            self.prompt.tool_forms.entry(name.clone()).or_insert(form);
        }
        self.names.insert(call_id(item), name);
    }

    fn result(&mut self, item: &Value, output: Option<&Value>) {
        let id = call_id(item);
        let losses = &mut self.prompt.losses;
        let content = output.map(|output| parts::read(output, losses)).unwrap_or_default();
        let is_error = matches!(text(item, "status"), Some("incomplete" | "failed"));
        let name = self.names.get(&id).cloned();
        let block = Block::ToolResult { id, name, content, is_error, cache: None };
        let is_result = |block: &Block| matches!(block, Block::ToolResult { .. });
        match self.prompt.turns.last_mut() {
            Some(turn) if turn.role == Role::User && turn.blocks.iter().all(is_result) => {
                turn.blocks.push(block);
            }
            _ => self.prompt.turns.push(Turn { role: Role::User, blocks: vec![block] }),
        }
    }

    /// Results that are no text are shown to the model as the JSON they are.
    fn built_in_result(&mut self, item: &Value) {
        let output = match kind(item) {
            "tool_search_output" => {
                let found = list(item, "tools");
                tools::read(found, None, self.prompt);
                Value::Array(found.to_vec())
            }
            _ => item.get("output").cloned().unwrap_or_default(),
        };
        let output = match output {
            Value::String(_) | Value::Null => output,
            other => other.to_string().into(),
        };
        self.result(item, Some(&output));
    }
}

fn read_reasoning(reasoning: &Value, prompt: &mut Prompt) {
    let effort = word(reasoning, "effort");
    let summary = word(reasoning, "summary").or_else(|| word(reasoning, "generate_summary"));
    let wanted = Reasoning {
        effort: effort.and_then(words::effort),
        off: effort == Some("none"),
        visible: summary.is_some(),
        ..Reasoning::default()
    };
    if effort.is_some() && wanted.effort.is_none() && !wanted.off {
        lose(&mut prompt.losses, "reasoning_effort");
    }
    for option in ["context", "mode"] {
        if word(reasoning, option).is_some_and(|word| word != "auto" && word != "standard") {
            lose(&mut prompt.losses, format!("reasoning_{option}"));
        }
    }
    prompt.reasoning = (wanted != Reasoning::default()).then_some(wanted);
}

fn read_text(settings: &Value, prompt: &mut Prompt) {
    if word(settings, "verbosity").is_some() {
        lose(&mut prompt.losses, "verbosity");
    }
    let format = settings.get("format").unwrap_or(&Value::Null);
    prompt.output = match kind(format) {
        "json_object" => Some(OutputFormat::JsonObject),
        "json_schema" => Some(OutputFormat::JsonSchema {
            name: text(format, "name").map(str::to_owned),
            description: text(format, "description").map(str::to_owned),
            schema: format.get("schema").cloned().unwrap_or_default(),
            strict: format.get("strict").and_then(Value::as_bool),
        }),
        "text" | "" => None,
        other => {
            lose(&mut prompt.losses, format!("text_format:{}", plain(other)));
            None
        }
    };
}

/// Notes what has no place in the neutral form.
fn read_rest(body: &mut Map<String, Value>, prompt: &mut Prompt) -> Result<(), ParseError> {
    for wanted in take::<Vec<String>>(body, "include")?.unwrap_or_default() {
        // Reasoning is always handed on with what it needs to be handed back.
        if wanted != "reasoning.encrypted_content" {
            lose(&mut prompt.losses, format!("include:{}", plain(&wanted.replace('.', "_"))));
        }
    }
    // Only the shape of the stream's events, and that of a cut of the conversation which no one has to make.
    body.remove("stream_options");
    for (field, value) in body {
        let asks_nothing = match value {
            Value::Null | Value::Bool(false) => true,
            Value::String(word) => matches!(word.as_str(), "auto" | "default" | "disabled" | ""),
            Value::Object(fields) => fields.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Number(number) => number.as_u64() == Some(0),
            Value::Bool(true) => false,
        };
        if asks_nothing && field != "truncation" {
            continue;
        }
        match (field.as_str(), value.as_str()) {
            ("truncation", Some("disabled")) => {}
            (known, _) if KNOWN.contains(&known) => lose(&mut prompt.losses, known),
            (unknown, _) => lose(&mut prompt.losses, format!("field:{}", plain(unknown))),
        }
    }
    Ok(())
}
