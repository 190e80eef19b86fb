//! Writes a request from the neutral form.
//!
//! Choices that are not in OpenAI's reference:
//! - Nothing is stored at the provider (`store` is false): whoever asked in another dialect did not ask for that. So
//!   reasoning comes encrypted where reasoning is asked for, and is handed back with the conversation.
//! - What a tool must fit is enforced only where the client said so (`strict`), since to leave it unsaid enforces it.
//! - Earlier reasoning is handed back only if it is OpenAI's own: the API refuses any other.
//! - Cache breakpoints are written only for models that take them, GPT-5.6 and later; the others refuse them.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::carried::read_own;
use super::output::{write_call, write_reasoning as write_reasoning_item};
use super::parts::Parts;
use super::tools::{self, built_in};
use super::wire::lose;
use crate::neutral::{
    Block, Loss, OutputFormat, Prompt, Reasoning, Role, Sampling, ToolChoice, ToolForm, ToolKind, Turn,
    Unsayable,
};
use crate::openai::words;

/// The fewest tokens that the API lets a client ask for.
const LEAST_OUTPUT: u64 = 16;
/// The longest name of an end user.
const LONGEST_USER: usize = 64;

/// Writes a request.
pub(super) fn write(prompt: &Prompt, model: &str, losses: &mut Vec<Loss>) -> Result<Vec<u8>, Unsayable> {
    prompt.sayable_in(waymark_types::Dialect::OpenAiResponses)?;
    let mut input = Input::new(prompt, takes_breakpoints(model), losses);
    let instructions = input.system(&prompt.system)?;
    for turn in &prompt.turns {
        input.turn(turn)?;
    }
    let (items, has_reasoning) = (input.written, input.has_reasoning);
    let mut body = Map::new();
    insert(
        &mut body,
        [
            ("model", Some(model.into())),
            ("instructions", instructions.map(Value::from)),
            ("input", Some(items.into())),
            ("store", Some(false.into())),
            ("stream", prompt.stream.then_some(true.into())),
            ("max_output_tokens", prompt.max_output.map(|most| output_limit(most, losses))),
            ("safety_identifier", user(prompt, losses)),
            ("text", prompt.output.as_ref().map(|output| json!({"format": text_format(output)}))),
        ],
    );
    write_tools(prompt, &mut body, losses);
    write_sampling(&prompt.sampling, &mut body, losses);
    write_reasoning(prompt.reasoning.as_ref(), has_reasoning, &mut body, losses);
    Ok(Value::Object(body).to_string().into_bytes())
}

fn insert<const N: usize>(body: &mut Map<String, Value>, fields: [(&str, Option<Value>); N]) {
    for (name, value) in fields {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    }
}

/// Whether `model` takes cache breakpoints: GPT-5.6 and later do.
fn takes_breakpoints(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    let Some(version) = name.strip_prefix("gpt-").and_then(|rest| rest.split('-').next()) else {
        return false;
    };
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    match (major.parse::<u32>(), minor.parse::<u32>()) {
        (Ok(major), Ok(minor)) => (major, minor) >= (5, 6),
        _ => false,
    }
}

fn output_limit(most: u64, losses: &mut Vec<Loss>) -> Value {
    if most < LEAST_OUTPUT {
        lose(losses, "max_output");
    }
    most.max(LEAST_OUTPUT).into()
}

fn user(prompt: &Prompt, losses: &mut Vec<Loss>) -> Option<Value> {
    let user = prompt.user.as_deref()?;
    if user.chars().count() > LONGEST_USER {
        lose(losses, "user");
        return None;
    }
    Some(user.into())
}

/// The conversation as items.
struct Input<'p> {
    prompt: &'p Prompt,
    parts: Parts,
    losses: &'p mut Vec<Loss>,
    written: Vec<Value>,
    has_reasoning: bool,
    /// The tools' names by the ids of their calls.
    names: HashMap<&'p str, &'p str>,
}

impl<'p> Input<'p> {
    fn new(prompt: &'p Prompt, cache: bool, losses: &'p mut Vec<Loss>) -> Self {
        let (written, names) = (Vec::new(), HashMap::new());
        Self { prompt, parts: Parts { cache }, losses, written, has_reasoning: false, names }
    }

    /// One text is `instructions`; several, or one with a cache breakpoint behind it, are a message, which is returned
    /// to no one but stands first.
    fn system(&mut self, blocks: &[Block]) -> Result<Option<String>, Unsayable> {
        if let [Block::Text { text, cache: None }] = blocks {
            return Ok(Some(text.clone()));
        }
        self.message("developer", blocks)?;
        Ok(None)
    }

    fn message(&mut self, role: &str, blocks: &[Block]) -> Result<(), Unsayable> {
        let content = self.content(blocks)?;
        self.push_message(role, &content);
        Ok(())
    }

    fn content(&mut self, blocks: &[Block]) -> Result<Vec<Value>, Unsayable> {
        let mut content = Vec::new();
        for block in blocks {
            content.extend(self.parts.write(block, self.losses)?);
        }
        Ok(content)
    }

    fn push_message(&mut self, role: &str, content: &[Value]) {
        if !content.is_empty() {
            self.written.push(json!({"type": "message", "role": role, "content": content}));
        }
    }

    fn turn(&mut self, turn: &'p Turn) -> Result<(), Unsayable> {
        match turn.role {
            Role::System => self.message("developer", &turn.blocks),
            Role::Assistant => {
                self.assistant(&turn.blocks);
                Ok(())
            }
            Role::User => self.user(&turn.blocks),
        }
    }

    /// A message and the results among it, in their order.
    fn user(&mut self, blocks: &'p [Block]) -> Result<(), Unsayable> {
        let mut content = Vec::new();
        for block in blocks {
            if matches!(block, Block::ToolResult { .. }) {
                self.push_message("user", &std::mem::take(&mut content));
                self.result(block)?;
            } else {
                content.extend(self.parts.write(block, self.losses)?);
            }
        }
        self.push_message("user", &content);
        Ok(())
    }

    fn assistant(&mut self, blocks: &'p [Block]) {
        let mut content = Vec::new();
        for block in blocks {
            match block {
                Block::Text { text, cache } => {
                    if cache.is_some() {
                        lose(self.losses, "cache_mark");
                    }
                    content.push(json!({"type": "output_text", "text": text}));
                    continue;
                }
                Block::Refusal { text } => {
                    content.push(json!({"type": "refusal", "refusal": text}));
                    continue;
                }
                _ => self.push_message("assistant", &std::mem::take(&mut content)),
            }
            match block {
                Block::Thinking { text, signature, id } => {
                    self.thinking(text, signature.as_deref(), id.as_deref());
                }
                Block::RedactedThinking { .. } => lose(self.losses, "redacted_thinking"),
                Block::ToolCall { .. } => self.call(block),
                _ => lose(self.losses, "misplaced_block"),
            }
        }
        self.push_message("assistant", &content);
    }

    fn thinking(&mut self, text: &str, signature: Option<&str>, id: Option<&str>) {
        let Some(encrypted) = signature.and_then(read_own) else {
            return lose(self.losses, if signature.is_some() { "signed_thinking" } else { "thinking" });
        };
        let mut item = write_reasoning_item(text, Some(encrypted));
        if let Some(id) = id {
            item["id"] = id.into();
        }
        self.has_reasoning = true;
        self.written.push(item);
    }

    fn call(&mut self, block: &'p Block) {
        let Block::ToolCall { id, name, arguments, cache, signature } = block else { return };
        if cache.is_some() {
            lose(self.losses, "cache_mark");
        }
        if signature.is_some() {
            lose(self.losses, "tool_call_signature");
        }
        self.names.insert(id, name);
        self.written.push(write_call(self.prompt.tool_forms.get(name), id, name, arguments));
    }

    fn result(&mut self, block: &'p Block) -> Result<(), Unsayable> {
        let Block::ToolResult { id, name, content, is_error, cache } = block else { return Ok(()) };
        let name = self.names.get(id.as_str()).copied().or(name.as_deref());
        let form = name.and_then(|name| self.prompt.tool_forms.get(name));
        let mut parts = self.content(content)?;
        if let Some(last) = parts.last_mut() {
            self.parts.mark(last, cache.as_ref(), self.losses);
        }
        let mut item = match form {
            Some(ToolForm { kind: ToolKind::BuiltIn { .. }, name, .. }) => {
                self.written.push(built_in_result(name, id, &one_text(&parts), *is_error));
                return Ok(());
            }
            Some(ToolForm { kind: ToolKind::Freeform { .. }, .. }) => {
                json!({"type": "custom_tool_call_output", "call_id": id, "output": text_or_parts(parts)})
            }
            _ => json!({"type": "function_call_output", "call_id": id, "output": text_or_parts(parts)}),
        };
        if *is_error {
            // A client of this dialect can read it here; the model only sees what the result says.
            lose(self.losses, "tool_result_is_error");
            item["status"] = "incomplete".into();
        }
        self.written.push(item);
        Ok(())
    }
}

/// One unmarked text as text, the form that every server takes; nothing as empty text; else an array.
fn text_or_parts(mut parts: Vec<Value>) -> Value {
    match parts.as_mut_slice() {
        [] => "".into(),
        [only] if only["type"] == "input_text" && only.get("prompt_cache_breakpoint").is_none() => {
            only["text"].take()
        }
        _ => parts.into(),
    }
}

fn one_text(parts: &[Value]) -> String {
    let texts: Vec<&str> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
    texts.join("\n")
}

fn built_in_result(tool: &str, id: &str, output: &str, is_error: bool) -> Value {
    let kind = built_in(tool).map_or("function_call_output", |own| own.result);
    let as_list = || serde_json::from_str::<Vec<Value>>(output).ok();
    match tool {
        "local_shell" => json!({"type": kind, "id": id, "output": output}),
        "shell" => {
            let printed = || {
                let outcome = json!({"type": "exit", "exit_code": i32::from(is_error)});
                vec![json!({"stdout": output, "stderr": "", "outcome": outcome})]
            };
            json!({"type": kind, "call_id": id, "output": as_list().unwrap_or_else(printed)})
        }
        "apply_patch" => {
            let status = if is_error { "failed" } else { "completed" };
            json!({"type": kind, "call_id": id, "status": status, "output": output})
        }
        "tool_search" => json!({
            "type": kind, "call_id": id, "status": "completed", "execution": "client",
            "tools": as_list().unwrap_or_default(),
        }),
        _ => json!({"type": kind, "call_id": id, "output": output}),
    }
}

/// A choice among no tools is an error here, so it is left out with them.
fn write_tools(prompt: &Prompt, body: &mut Map<String, Value>, losses: &mut Vec<Loss>) {
    if prompt.tools.is_empty() {
        if matches!(prompt.tool_choice, Some(ToolChoice::Required | ToolChoice::Named(_))) {
            lose(losses, "tool_choice");
        }
        return;
    }
    let choice = prompt.tool_choice.as_ref().map(|choice| tools::write_choice(choice, prompt));
    let parallel = prompt.parallel_tools.map(Value::Bool);
    let declared = tools::write(prompt, losses).into();
    insert(body, [("tools", Some(declared)), ("tool_choice", choice), ("parallel_tool_calls", parallel)]);
}

fn write_sampling(sampling: &Sampling, body: &mut Map<String, Value>, losses: &mut Vec<Loss>) {
    let unsaid = [
        ("top_k", sampling.top_k.is_some()),
        ("stop", !sampling.stop.is_empty()),
        ("seed", sampling.seed.is_some()),
        ("frequency_penalty", sampling.frequency_penalty.is_some()),
        ("presence_penalty", sampling.presence_penalty.is_some()),
    ];
    for (code, _) in unsaid.iter().filter(|(_, is_said)| *is_said) {
        lose(losses, *code);
    }
    let (temperature, top_p) = (sampling.temperature.map(Value::from), sampling.top_p.map(Value::from));
    insert(body, [("temperature", temperature), ("top_p", top_p)]);
}

fn text_format(output: &OutputFormat) -> Value {
    match output {
        OutputFormat::JsonObject => json!({"type": "json_object"}),
        OutputFormat::JsonSchema { name, description, schema, strict } => {
            let mut format = Map::new();
            insert(
                &mut format,
                [
                    ("type", Some("json_schema".into())),
                    // The name is required here.
                    ("name", Some(name.as_deref().unwrap_or("response").into())),
                    ("description", description.as_deref().map(Value::from)),
                    ("schema", Some(schema.clone())),
                    ("strict", strict.map(Value::Bool)),
                ],
            );
            format.into()
        }
    }
}

/// A budget is said by the effort it stands for, since there is no field for tokens. What the provider chooses by
/// itself (`adaptive`) needs no word.
fn write_reasoning(
    reasoning: Option<&Reasoning>,
    has_reasoning: bool,
    body: &mut Map<String, Value>,
    losses: &mut Vec<Loss>,
) {
    // Models that do not reason refuse to be asked for what they would have encrypted.
    let is_wanted = reasoning.is_some_and(|reasoning| !reasoning.off);
    if is_wanted || has_reasoning {
        body.insert("include".to_owned(), json!(["reasoning.encrypted_content"]));
    }
    let Some(reasoning) = reasoning else { return };
    if reasoning.budget.is_some() && !reasoning.off {
        lose(losses, "reasoning_budget");
    }
    let by_budget = reasoning.budget.map(|tokens| match tokens {
        0..=2_048 => "low",
        2_049..=8_192 => "medium",
        8_193..=32_768 => "high",
        _ => "xhigh",
    });
    let by_effort = reasoning.effort.map(words::effort_word);
    let effort = if reasoning.off { Some("none") } else { by_effort.or(by_budget) };
    let mut settings = Map::new();
    let summary = (reasoning.visible && !reasoning.off).then(|| "auto".into());
    insert(&mut settings, [("effort", effort.map(Value::from)), ("summary", summary)]);
    if !settings.is_empty() {
        body.insert("reasoning".to_owned(), settings.into());
    }
}
